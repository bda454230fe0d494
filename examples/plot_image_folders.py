"""
From folders of images to a score
=================================

Image files as a camera leaves them: in folders, with missing images and a damaged file. They are
written here from generated plants, so that the example runs anywhere. With a folder of your own,
start at "Loading".
"""

# %%
# Folders of images
# -----------------
# There is a folder for each class, in it one for each plant, and in it a file for each date.
import os
import tempfile
from pathlib import Path

import cv2
import matplotlib.pyplot as plt
import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold, cross_val_predict

from skwater import ConvLSTMClassifier, RSSResampler, make_pipeline
from skwater.datasets import load_image_sequences, make_water_stress
from skwater.preprocessing import CanopyCover

fast = "SKWATER_EXAMPLES_FAST" in os.environ  # for the tests: everything small
folder = tempfile.TemporaryDirectory()
root = Path(folder.name)

n_plants, n_frames = (12, 4) if fast else (18, 8)
made = make_water_stress(n_plants, n_frames, size=48, random_state=0)
days = made.days.astype(int)
for i, plant in enumerate(made.data):
    folder_of_plant = root / ("dry" if made.target[i] else "watered") / f"plant{i + 1:02}"
    folder_of_plant.mkdir(parents=True)
    for day, image in zip(days, plant, strict=True):
        cv2.imwrite(str(folder_of_plant / f"{day}.png"), image[..., ::-1])

# %%
# Two images are missing, and one file is incomplete.
files = sorted(root.rglob("*.png"))
for missing in files[1], files[-2]:
    missing.unlink()
files[n_frames].write_bytes(files[n_frames].read_bytes()[:500])

# %%
# Loading
# -------
# Every file is checked before training, and one error lists all problems.
try:
    load_image_sequences(root, size=32)
except ValueError as error:
    print(error)

# %%
# Damaged files can be treated as missing frames. The images stay on disk until a batch needs them,
# and decoded images are kept in the cache.
plants = load_image_sequences(root, size=32, on_error="missing", cache=root / "frames.cache")
print(plants.data)
print(plants.summary())

# %%
# Scoring
# -------
# The network is compared with a baseline, logistic regression on the canopy cover. The network
# accepts missing frames; the regression takes the last cover that was measured.
X, y = plants.data, plants.target
network = make_pipeline(
    RSSResampler(len(y), random_state=0),
    ConvLSTMClassifier(max_epochs=1 if fast else 10, random_state=0),
)
folds = StratifiedKFold(3, shuffle=True, random_state=0)
cover = CanopyCover().fit_transform(X)
last = cover[:, -1:].copy()
for t in range(cover.shape[1]):
    present = ~np.isnan(cover[:, [t]])
    last[present] = cover[:, [t]][present]
for name, model, data in (
    ("logistic regression on the last cover", LogisticRegression(C=100), last),
    ("ConvLSTM with splicing", network, X),
):
    n_correct = (cross_val_predict(model, data, y, cv=folds) == y).sum()
    print(f"{name}: {n_correct} of {len(y)} plants classified correctly")

# %%
# The loaded images
# -----------------
# One plant of each class. Missing frames are crossed out.
rows = [list(y).index(label) for label in plants.classes]
fig, axes = plt.subplots(
    2, n_frames, figsize=(1.2 * n_frames, 3), layout="constrained", squeeze=False
)
for row, i in zip(axes, rows, strict=True):
    row[0].set_ylabel(f"{plants.plant[i]}\n{y[i]}")
    for ax, frame, day in zip(row, X[i], plants.days, strict=True):
        ax.set(xticks=[], yticks=[], title=f"day {day}")
        if np.isnan(frame).all():
            ax.plot([0, 1], [0, 1], [0, 1], [1, 0], color="0.6")
        else:
            ax.imshow(frame.astype("uint8"))
plt.show()
folder.cleanup()
