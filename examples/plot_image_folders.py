"""
From folders of photos to a score
=================================

A series as cameras leave it: folders of files, some dates without a photo, one file broken. It is
written here from generated plants, so that the example runs anywhere; with a folder of your own,
begin at the loader.
"""

# %%
# Folders of photos
# -----------------
# One folder for each class, in it one for each plant, in it a file for each date.
import os
import tempfile
from pathlib import Path

import cv2
import matplotlib.pyplot as plt
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
    series = root / ("dry" if made.target[i] else "watered") / f"plant{i + 1:02}"
    series.mkdir(parents=True)
    for day, photo in zip(days, plant, strict=True):
        cv2.imwrite(str(series / f"{day}.png"), photo[..., ::-1])

# %%
# What goes wrong in a greenhouse: two dates without a photo, and a copy that broke off.
files = sorted(root.rglob("*.png"))
for forgotten in files[1], files[-2]:
    forgotten.unlink()
files[n_frames].write_bytes(files[n_frames].read_bytes()[:500])

# %%
# Loading
# -------
# Every file is checked before anything is trained on, and all that is wrong comes in one error.
try:
    load_image_sequences(root, size=32)
except ValueError as error:
    print(error)

# %%
# Photos that are broken can be taken as missing frames, like those that are not there. Nothing has
# been decoded yet: the photos stay on disk until a batch needs them, and those that were decoded
# once are kept in the cache.
plants = load_image_sequences(root, size=32, on_error="missing", cache=root / "frames.cache")
print(plants.data)
print(plants.summary())

# %%
# Scoring
# -------
# The network beside the baseline that it must face, a logistic regression on the canopy cover.
# Missing frames need no care in the network; the regression takes the last cover that was seen.
X, y = plants.data, plants.target
network = make_pipeline(
    RSSResampler(len(y), random_state=0),
    ConvLSTMClassifier(max_epochs=1 if fast else 10, random_state=0),
)
folds = StratifiedKFold(3, shuffle=True, random_state=0)
cover = CanopyCover().fit_transform(X)
last = cover[:, -1:].copy()
for t in range(cover.shape[1]):
    seen = cover[:, [t]] == cover[:, [t]]
    last[seen] = cover[:, [t]][seen]
for name, model, data in (
    ("logistic regression on the last cover", LogisticRegression(C=100), last),
    ("ConvLSTM with splicing", network, X),
):
    right = (cross_val_predict(model, data, y, cv=folds) == y).sum()
    print(f"{name}: {right} of {len(y)} plants right")

# %%
# What was loaded
# ---------------
# One plant of each class; the crossed frame is missing.
rows = [list(y).index(label) for label in plants.classes]
fig, axes = plt.subplots(
    2, n_frames, figsize=(1.2 * n_frames, 3), layout="constrained", squeeze=False
)
for row, i in zip(axes, rows, strict=True):
    row[0].set_ylabel(f"{plants.plant[i]}\n{y[i]}")
    for ax, frame, day in zip(row, X[i], plants.days, strict=True):
        ax.set(xticks=[], yticks=[], title=f"day {day}")
        if frame[0, 0, 0] == frame[0, 0, 0]:
            ax.imshow(frame.astype("uint8"))
        else:
            ax.plot([0, 1], [0, 1], [0, 1], [1, 0], color="0.6")
plt.show()
folder.cleanup()
