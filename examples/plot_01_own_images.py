"""
How do I get from my images to a score?
=======================================

You have image files, and a CSV table that says which plant and date each of them shows and which
plants were stressed. One call reads the table, checks every file and aligns the dates. Another
compares a network with baselines. The images are written here from simulated plants, so that the
example runs anywhere; with your own, start at "Loading".
"""

# %%
# Images and their table
# ----------------------
# A row for each file. Other names of columns are passed to the loader, as in ``plant="pot"``.
import csv
import datetime
import os
import tempfile
from pathlib import Path

import cv2
import matplotlib.pyplot as plt

from skwater import ConvLSTMClassifier, RSSResampler, make_pipeline
from skwater.datasets import load_manifest, make_water_stress
from skwater.evaluation import benchmark
from skwater.plotting import BenchmarkDisplay, FramesDisplay

fast = "SKWATER_EXAMPLES_FAST" in os.environ  # for the tests: everything small
folder = tempfile.TemporaryDirectory()
root = Path(folder.name)

n_plants = 18
days = [21, 28, 36, 43] if fast else [14, 21, 25, 28, 32, 36, 39, 43]
made = make_water_stress(n_plants, len(days), size=48, days=days, random_state=0)
sowing = datetime.date(2024, 5, 1)
rows = []
for i, frames in enumerate(made.data):
    name, label = f"pot{i + 1:02}", "dry" if made.target[i] else "watered"
    for day, frame in zip(days, frames, strict=True):
        if (i, day) == (4, 36):
            continue  # an image that was never taken has no row in the table
        date = (sowing + datetime.timedelta(days=day)).isoformat()
        path = f"{name}_{date}.png"
        cv2.imwrite(str(root / path), frame[..., ::-1])
        rows.append([path, name, date, label, f"tray{made.treatment[i]}"])

with (root / "images.csv").open("w", newline="", encoding="utf-8") as file:
    csv.writer(file).writerows([["path", "plant", "date", "label", "treatment"], *rows])
print(*(root / "images.csv").read_text(encoding="utf-8").splitlines()[:4], sep="\n")

# %%
# Two files are damaged: one is incomplete, and one is no image at all.
first, second = root / rows[1][0], root / rows[-2][0]
first.write_bytes(first.read_bytes()[:500])
second.write_text("<html>The file was not found</html>", encoding="utf-8")

# %%
# Loading
# -------
# Every file is checked before anything is trained, and one error lists all problems.
options = {"size": 24, "start": "2024-05-01", "onset_day": "2024-05-29"}
try:
    load_manifest(root / "images.csv", **options)
except ValueError as error:
    print(error)

# %%
# With ``on_error="missing"`` these two become missing frames, as the image that was never taken is
# one. ``start`` is day 0, here the day of sowing, and ``onset_day`` is the day of the last
# irrigation. The images stay on disk until a batch needs them.
plants = load_manifest(root / "images.csv", on_error="missing", **options)
print(plants.summary())

# %%
# The contact sheet shows a few plants. Missing frames are gray.
few = [0, 1, 3, 4, n_plants - 1]
FramesDisplay.from_sequences(
    plants.data[few],
    plants=plants.plant[few],
    y=plants.target[few],
    days=plants.days,
    onset_day=plants.onset_day,
    pos_label="dry",
)
plt.show()

# %%
# Scoring
# -------
# Water was withheld from whole trays, so each fold leaves a whole tray out. The baselines, which
# need no network, are added by :func:`~skwater.evaluation.benchmark`. The network has ten epochs
# here to save time; by default the number follows from the amount of data.
network = make_pipeline(
    RSSResampler(20, onset=plants.onset), ConvLSTMClassifier(max_epochs=1 if fast else 10)
)
result = benchmark(
    {"ConvLSTM + splicing": network},
    plants.data,
    plants.target,
    groups=plants.plant,
    treatments=plants.treatment,
    pos_label="dry",
    n_repeats=1,
    random_state=0,
    verbose=0,
)
print(result)
BenchmarkDisplay.from_result(result)
plt.show()
folder.cleanup()

# %%
# These plants are simulated, so the scores show nothing about real plants. The intervals hold for
# any plants: with so few, they are wide.
#
# The same images in folders, ``<label>/<plant>/<date>.png``, are loaded by
# :func:`~skwater.datasets.load_image_sequences`, without a table.
#
# **Read next:** :doc:`plot_02_look_at_plants` before you believe a score, and
# :doc:`plot_07_honest_score` on what a score is worth.
