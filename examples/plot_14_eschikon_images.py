"""
How do I load the Eschikon images?
==================================

Khanna et al. published images of 30 boxes of sugar beets on 16 dates, 2.5 GB. This example writes a
small folder tree of the same layout from simulated plants, and reads it. The same lines read the
real one: pass its folder and leave out ``boxes``, which are then downloaded.
"""

# %%
# A folder tree of the same layout
# --------------------------------
# There is a folder for each date, in it one for each camera, and in it a numbered image of each
# box. The camera is never quite straight, so the authors located each box on each date: the whole
# image is rotated by an angle, then (x_min, y_min, width, height) is cropped.
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

# The plants without water are those of the experiment, not those that the generator draws.
dry = np.isin(np.arange(1, 31), [13, 14, 15, 19, 20, 21, 28, 29, 30])
options = {"n_plants": 30, "n_frames": 16, "size": 60, "days": all_days, "random_state": 0}
stressed = make_water_stress(stressed_fraction=1, **options).data
watered = make_water_stress(stressed_fraction=0, **options).data
images = np.where(dry[:, None, None, None, None], stressed, watered)

rng = np.random.default_rng(0)
angles = rng.uniform(-2, 2, (16, 30))
for t in dates:
    date = datetime(2018, 1, 18) + timedelta(days=int(all_days[t]))
    camera = root / f"{date:%Y%m%d}_greenhouse_measurements" / "rgb"
    camera.mkdir(parents=True)
    for i in range(30):
        image = np.full((108, 192, 3), 90, dtype=np.uint8)
        image[24:84, 66:126] = images[i, t]
        tilt = cv2.getRotationMatrix2D((95.5, 53.5), -angles[t, i], 1)
        image = cv2.warpAffine(image, tilt, (192, 108), borderValue=(90, 90, 90))
        cv2.imwrite(str(camera / f"{i + 1}.png"), image[..., ::-1])

# The plant is in the center of the image, and of the larger image after the rotation.
width = 192 * np.cos(np.deg2rad(angles)) + 108 * abs(np.sin(np.deg2rad(angles)))
height = 108 * np.cos(np.deg2rad(angles)) + 192 * abs(np.sin(np.deg2rad(angles)))
side = np.full_like(angles, 60)
boxes = np.stack([width / 2 - 30, height / 2 - 30, side, side, angles], axis=2)

# %%
# Load and score
# --------------
# Boxes 16 to 18 hold weeds and no beets, and are left out. Water was given to whole treatments, so
# each fold tests a whole treatment: otherwise the model could recognize the treatment by its looks.
plants = load_eschikon(root, size=48, boxes=boxes, include_weed_boxes=False)
print(plants.summary())
model = make_pipeline(CanopyCover(), StandardScaler(), SVC())
splits = LeaveOneGroupOut().split(plants.data, plants.target, plants.treatment)
predicted = cross_val_predict(model, plants.data, plants.target, cv=list(splits))
n_correct = (predicted == plants.target).sum()
print(f"cover alone: {n_correct} of {len(predicted)} boxes classified correctly")

# %%
# Before and after cropping
# -------------------------
fig, (whole, cut) = plt.subplots(1, 2, figsize=(8, 3), layout="constrained")
uncut = load_eschikon(root, crop=None)
whole.imshow(uncut.data[0][-1])
whole.set(title="original image, box 1", xticks=[], yticks=[])
cut.imshow(plants.data[0][-1])
cut.set(title=f"cropped, day {plants.days[-1]}", xticks=[], yticks=[])
plt.show()
folder.cleanup()

# %%
# The plants are simulated. Scores on the real ones are in :doc:`/study`.
#
# **Read next:** :doc:`plot_01_own_images` loads images in a layout of your own.
