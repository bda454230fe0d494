"""
How do I use a trained model on new images?
===========================================

A model is trained on one season, saved to a file that executes nothing when it is loaded, and
predicts plants of the next season, of which only the first images exist. The model remembers how
its images were loaded, so that new ones are loaded in the same way. The images are written here
from simulated plants.
"""

# %%
# Two seasons
# -----------
# Folders ``<label>/<plant>/<date>.png`` for the first, and ``<plant>/<date>.png`` for the second,
# whose classes nobody knows yet.
import datetime
import os
import tempfile
from pathlib import Path

import cv2
import matplotlib.pyplot as plt
import numpy as np

import skwater
from skwater import ConvLSTMClassifier, RSSResampler, make_pipeline, predict_images
from skwater.datasets import load_image_sequences, make_water_stress
from skwater.plotting import FramesDisplay

fast = "SKWATER_EXAMPLES_FAST" in os.environ  # for the tests: everything small
days = [21, 28, 36, 43] if fast else [14, 21, 28, 32, 36, 39, 43, 46]
folder = tempfile.TemporaryDirectory()
root = Path(folder.name)


def write_image(path, image):
    """Write an image as a camera would."""
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), image[..., ::-1])


def file_name(sowing, day):
    """Name of the file of a day after sowing."""
    return f"{datetime.date.fromisoformat(sowing) + datetime.timedelta(days=int(day))}.png"


old = make_water_stress(12 if fast else 36, len(days), size=48, days=days, random_state=0)
for i, frames in enumerate(old.data):
    label = "dry" if old.target[i] else "watered"
    for day, frame in zip(days, frames, strict=True):
        write_image(root / "2024" / label / f"pot{i + 1:02}" / file_name("2024-05-01", day), frame)

new = make_water_stress(6, len(days), size=48, days=days, stressed_fraction=0.5, random_state=7)
for i, frames in enumerate(new.data):
    for day, frame in zip(days[:-1], frames, strict=False):
        write_image(root / "2025" / f"pot{i + 1:02}" / file_name("2025-04-20", day), frame)

# %%
# Train and save
# --------------
# Days count from sowing, ``start``. The notes say what a user of the model needs to know, above all
# which plants it was trained on.
plants = load_image_sequences(root / "2024", size=24, start="2024-05-01", onset_day="2024-05-29")
model = make_pipeline(
    RSSResampler(len(plants.target), onset=plants.onset, random_state=0),
    ConvLSTMClassifier(max_epochs=1 if fast else 30, random_state=0),
)
model.fit(plants.data, plants.target)
notes = {"training_plants": plants.plant, "season": "2024", "plants": "simulated"}
skwater.save(model, root / "model.skwater", notes=notes)

# %%
# What is in the file
# -------------------
# :func:`skwater.inspect` reads no weights and executes nothing. A file from somebody else can be
# looked at before it is loaded.
print(skwater.inspect(root / "model.skwater"))
loaded = skwater.load(root / "model.skwater")
same = loaded.predict_proba(plants.data) == model.predict_proba(plants.data)
print("the loaded model predicts the same probabilities:", bool(same.all()))

# %%
# New plants
# ----------
# ``start`` is the day of sowing of the new plants. Size, color and days come from the model.
found = predict_images(loaded, root / "2025", start="2025-04-20")
print("frames on days", *found.days)
dry = list(found.classes).index("dry")
for plant, label, probability in zip(found.plant, found.prediction, found.probability, strict=True):
    print(f"{plant}: {label}, probability of stress {probability[dry]:.2f}")

# %%
# One new image
# -------------
# The next image of one plant arrives. The folder is read again; the other plants have a missing
# frame on that day, which changes nothing for them.
day = days[-1]
path = root / "2025" / "pot01" / file_name("2025-04-20", day)
write_image(path, new.data[0, -1])
latest = predict_images(loaded, root / "2025", start="2025-04-20")
before, after = found.probability[:, dry], latest.probability[:, dry]
print(f"pot01 on day {day}: probability of stress {before[0]:.2f} -> {after[0]:.2f}")
print("unchanged for the other plants:", np.allclose(before[1:], after[1:], atol=1e-6))

# %%
# The new plants with their predictions. The simulation knows the true classes; wrong predictions
# are marked.
truth = np.where(new.target == 1, "dry", "watered")
FramesDisplay.from_sequences(
    latest.data,
    plants=latest.plant,
    y=truth,
    y_pred=latest.prediction,
    pos_label="dry",
    days=latest.days,
    onset_day=28,
)
plt.show()
n_correct = (latest.prediction == truth).sum()
print(f"{n_correct} of {len(truth)} plants classified correctly")
folder.cleanup()

# %%
# Plants that are simulated alike show that the steps work, not that a model is right for the camera
# or the variety of another season. Score it on plants of that season first.
#
# **Read next:** :doc:`plot_09_early_detection` follows plants with
# :class:`~skwater.monitoring.StressMonitor`, which keeps the state of each plant, so that a new
# image costs one step. :doc:`/security` says what is promised about model files.
