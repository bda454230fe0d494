"""
The Eschikon photos, as their authors lay them out
==================================================

Khanna et al. published 30 boxes of sugar beets on 16 dates, 2.5 GB. This example writes a small
tree of the same layout from generated plants, and reads it. With the real one, the same lines run:
give its folder and leave out ``boxes``, which are then fetched.
"""

# %%
# A tree of the same layout
# -------------------------
# A folder for each date, in it one for each camera, in it a numbered picture for each box. The
# camera stands never quite straight, so the authors found each box on each date: the whole picture
# is rotated by an angle, then (x_min, y_min, width, height) is cut.
import os
import tempfile
from datetime import datetime, timedelta
from pathlib import Path

import cv2
import matplotlib.pyplot as plt
import numpy as np
from sklearn.model_selection import LeaveOneGroupOut, cross_val_predict
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from skwater import make_pipeline
from skwater.datasets import load_eschikon, make_water_stress
from skwater.preprocessing import CanopyCover

fast = "SKWATER_EXAMPLES_FAST" in os.environ  # for the tests: fewer dates
folder = tempfile.TemporaryDirectory()
root = Path(folder.name)
all_days = np.array([0, 12, 14, 18, 21, 25, 28, 32, 36, 39, 43, 46, 49, 53, 56, 70])
dates = [7, 9, 12] if fast else range(1, 16, 2)

# The plants that dry out are those of the experiment, whatever the generator drew for the row.
dry = np.isin(np.arange(1, 31), [13, 14, 15, 19, 20, 21, 28, 29, 30])
options = {"n_plants": 30, "n_frames": 16, "size": 60, "days": all_days, "random_state": 0}
stressed = make_water_stress(stressed_fraction=1, **options).data
watered = make_water_stress(stressed_fraction=0, **options).data
photos = np.where(dry[:, None, None, None, None], stressed, watered)

rng = np.random.default_rng(0)
angles = rng.uniform(-2, 2, (16, 30))
for t in dates:
    date = datetime(2018, 1, 18) + timedelta(days=int(all_days[t]))
    camera = root / f"{date:%Y%m%d}_greenhouse_measurements" / "rgb"
    camera.mkdir(parents=True)
    for i in range(30):
        picture = np.full((108, 192, 3), 90, dtype=np.uint8)
        picture[24:84, 66:126] = photos[i, t]
        tilt = cv2.getRotationMatrix2D((95.5, 53.5), -angles[t, i], 1)
        picture = cv2.warpAffine(picture, tilt, (192, 108), borderValue=(90, 90, 90))
        cv2.imwrite(str(camera / f"{i + 1}.png"), picture[..., ::-1])

# The plant is in the middle of the picture, and of the larger canvas that it is rotated onto.
width = 192 * np.cos(np.deg2rad(angles)) + 108 * abs(np.sin(np.deg2rad(angles)))
height = 108 * np.cos(np.deg2rad(angles)) + 192 * abs(np.sin(np.deg2rad(angles)))
side = np.full_like(angles, 60)
boxes = np.stack([width / 2 - 30, height / 2 - 30, side, side, angles], axis=2)

# %%
# Five lines
# ----------
# Boxes 16 to 18 hold weeds and no beets, and are left out. Whole treatments dry out, so whole
# treatments are predicted: the model must not know a treatment by its looks.
plants = load_eschikon(root, size=48, boxes=boxes, include_weed_boxes=False)
print(plants.summary())
model = make_pipeline(CanopyCover(), StandardScaler(), SVC())
splits = LeaveOneGroupOut().split(plants.data, plants.target, plants.treatment)
predicted = cross_val_predict(model, plants.data, plants.target, cv=list(splits))
print(f"cover alone: {(predicted == plants.target).sum()} of {len(predicted)} boxes right")

# %%
# What the crop does
# ------------------
fig, (whole, cut) = plt.subplots(1, 2, figsize=(8, 3), layout="constrained")
uncut = load_eschikon(root, crop=None)
whole.imshow(uncut.data[0][-1])
whole.set(title="as photographed", xticks=[], yticks=[])
cut.imshow(plants.data[0][-1])
cut.set(title=f"box 1 on day {plants.days[-1]}", xticks=[], yticks=[])
plt.show()
folder.cleanup()
