"""One plant after each transformer on images."""

import matplotlib.pyplot as plt

from skwater.datasets import make_water_stress
from skwater.preprocessing import CanopyCover, CenterCrop, Resize, VegetationMask

X = make_water_stress(1, n_frames=1, days=[28], size=96, stressed_fraction=0, random_state=1).data
crop = CenterCrop(72).transform(X)
steps = {
    "image, 96 x 96": X,
    "CenterCrop(72)": crop,
    "Resize(24)": Resize(24).transform(crop),
    f"VegetationMask()\nCanopyCover(): {CanopyCover().fit_transform(X)[0, 0]:.2f}": (
        VegetationMask().fit_transform(X)
    ),
}
figure, axes = plt.subplots(1, 4, figsize=(9, 2.7))
for ax, (title, images) in zip(axes, steps.items(), strict=True):
    ax.imshow(images[0, 0])
    ax.set_title(title, fontsize=10)
    ax.axis("off")
