"""
How do I get from a table of traits to a score?
===============================================

Phenotyping software measures leaf area, height or color in every image and writes tables: a row for
each plant and date, or one for each plant, date and trait. One call makes sequences of them. The
table is simulated here, so that the example runs anywhere; with your own, start at "Loading".
"""

# %%
# The table
# ---------
# Thirty plants, twelve of them without water after day 14. Dry plants grow more slowly from then
# on. One height was not measured.
import csv
import os
import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

from skwater import ConvLSTMClassifier
from skwater.datasets import load_traits
from skwater.evaluation import benchmark
from skwater.plotting import BenchmarkDisplay, GrowthDisplay

fast = "SKWATER_EXAMPLES_FAST" in os.environ  # for the tests: everything small
folder = tempfile.TemporaryDirectory()
rng = np.random.default_rng(0)
days = np.arange(0, 21, 2)
rows = []
for pot in range(1, 13 if fast else 31):
    dry = pot % 5 in (1, 3)
    growth = rng.normal(0.12, 0.01) * (days - dry * 0.45 * np.maximum(days - 14, 0))
    area = rng.normal(20, 2) * np.exp(growth + rng.normal(0, 0.04, len(days)))
    height = rng.normal(60, 4) * np.exp(0.4 * growth + rng.normal(0, 0.03, len(days)))
    for day, a, h in zip(days, area, height, strict=True):
        values = {"area (cm2)": f"{a:.1f}", "height (mm)": f"{h:.0f}"}
        rows.append({"pot": pot, "day": day, "water": "dry" if dry else "watered", **values})
rows[4]["height (mm)"] = "NA"


def write(name, rows):
    """Write rows to a CSV file."""
    path = Path(folder.name, name)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path


wide = write("wide.csv", rows)
print(*wide.read_text(encoding="utf-8").splitlines()[:4], sep="\n")

# %%
# Loading
# -------
# The arguments name the columns. Columns of numbers that change as plants grow are the traits. A
# frame that lacks one trait needs a decision, which nobody else can take.
columns = {"plant": "pot", "date": "day", "label": "water", "onset_day": 14}
try:
    load_traits(wide, **columns)
except ValueError as error:
    print(error)

# %%
# Here that frame is taken as missing. The summary comes before anything else: it lists the traits
# with their ranges and units, and the gaps by class.
plants = load_traits(wide, **columns, missing="frame")
print(plants.summary())

# %%
# A long table has a row for each trait, and gives the same sequences.
long = write(
    "long.csv",
    [
        {name: row[name] for name in ("pot", "day", "water")}
        | {"trait": trait, "value": row[f"{trait} ({unit})"], "unit": unit}
        for row in rows
        for trait, unit in {"area": "cm2", "height": "mm"}.items()
    ],
)
print(*long.read_text(encoding="utf-8").splitlines()[:4], sep="\n")
again = load_traits(long, **columns, trait="trait", unit="unit", missing="frame")
print(np.array_equal(plants.data, again.data, equal_nan=True), again.feature_names, again.units)

# %%
# Growth curves
# -------------
# Both classes grow alike until the last irrigation, as they should.
fig, axes = plt.subplots(1, 2, figsize=(11, 4), layout="constrained")
for channel, (ax, name) in enumerate(zip(axes, ["Leaf area", "Height"], strict=True)):
    GrowthDisplay.from_sequences(
        plants.data,
        plants.target,
        days=plants.days,
        channel=channel,
        onset_day=plants.onset_day,
        pos_label="dry",
        value_name=f"{name} ({plants.units[channel]})",
        ax=ax,
    )
plt.show()

# %%
# The score
# ---------
# Each plant is predicted by models that were not trained on it. The network has its default
# settings. Logistic regression on the same numbers is added as a baseline: with two traits and
# thirty plants it is hard to beat.
network = ConvLSTMClassifier(max_epochs=1) if fast else ConvLSTMClassifier()
result = benchmark(
    {"ConvLSTM": network},
    plants.data,
    plants.target,
    groups=plants.plant,
    n_repeats=1,
    pos_label="dry",
    random_state=0,
    verbose=0,
)
print(result)
BenchmarkDisplay.from_result(result)
plt.show()
folder.cleanup()

# %%
# These plants are drawn from two growth curves: the scores show nothing about real plants.
#
# **Read next:** :doc:`plot_04_splicing` makes more training sequences, and
# :doc:`plot_09_early_detection` asks for the date on which stress can be detected.
