"""What center_crop and size do to an image."""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.patches import Rectangle

from skwater.datasets import make_water_stress
from skwater.preprocessing import CenterCrop, Resize

plant = make_water_stress(
    1, n_frames=1, days=[46], size=96, stressed_fraction=0, random_state=1
).data
wide = np.pad(plant, ((0, 0), (0, 0), (0, 0), (24, 24), (0, 0)), mode="reflect")
crop = CenterCrop((96, 96)).transform(wide)
small = Resize(32).transform(crop)

figure, axes = plt.subplots(1, 3, figsize=(8, 2.6), width_ratios=[1.5, 1, 1])
for ax, image, title in zip(
    axes,
    (wide, crop, small),
    ("file, 96 x 144", "center_crop=96", "size=32"),
    strict=True,
):
    ax.imshow(image[0, 0])
    ax.set_title(title)
    ax.axis("off")
axes[0].add_patch(Rectangle((23.5, 0), 96, 95, fill=False, ec="white", ls="--"))
