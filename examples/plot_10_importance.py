"""
Which dates and which regions does a model use?
===============================================

A model can be right for the wrong reason. Here the dry pots have a white label in a corner of the
image, and the score is perfect. Hiding one date and one region at a time shows what the model
depends on.
"""

# %%
# Two sets of images
# ------------------
# The same simulated plants, watered until day 28 at least; dry plants are watered again on day 53.
# In the second set each image of a dry plant has a white square in the corner, as a label on the
# pots of a treatment would be.
import os

import matplotlib.pyplot as plt
import numpy as np
from sklearn.metrics import balanced_accuracy_score
from sklearn.model_selection import train_test_split

from skwater import CNNLSTMClassifier
from skwater.datasets import make_water_stress
from skwater.plotting import FrameImportanceDisplay, FramesDisplay

fast = "SKWATER_EXAMPLES_FAST" in os.environ  # for the tests: everything small
days = [21, 28, 36, 43] if fast else [14, 21, 28, 32, 36, 39, 43, 49, 56, 63]
plants = make_water_stress(
    45, len(days), days=days, size=16 if fast else 32, stressed_fraction=0.4, random_state=0
)
y = plants.target
marks = {"days": days, "onset_day": plants.onset_day, "rewatering_day": 53}
without = plants.data
labeled = without.copy()
side = without.shape[2] // 5
labeled[y == 1, :, 1 : 1 + side, -1 - side : -1] = 235

few = np.r_[np.flatnonzero(y == 1)[:2], np.flatnonzero(y == 0)[:2]]
FramesDisplay.from_sequences(labeled[few], plants=few, y=y[few], **marks)
plt.show()

# %%
# The same network for both
# -------------------------
# Two thirds of the plants train it, and the others are tested: importance on training plants would
# show what was memorized.
train, test = train_test_split(np.arange(len(y)), test_size=1 / 3, stratify=y, random_state=0)
models = {}
for name, X in (("without labels", without), ("with labels", labeled)):
    model = CNNLSTMClassifier(max_epochs=2 if fast else 25, random_state=0)
    models[name] = model.fit(X[train], y[train]), X
    score = balanced_accuracy_score(y[test], model.predict(X[test]))
    print(f"{name}: balanced accuracy {score:.2f} on {len(test)} test plants")

# %%
# What each of them uses
# ----------------------
# Positive values: without this date or region, the true class becomes less probable.
for name, (model, X) in models.items():
    display = FrameImportanceDisplay.from_estimator(model, X[test], y[test], grid=(4, 4), **marks)
    display.figure_.suptitle(name.capitalize())
    row, column = np.unravel_index(display.by_region.argmax(), display.by_region.shape)
    print(f"{name}, largest fall in the probability of the true class:")
    print(f"  a date: {display.by_date.max():.3f}, day {days[display.by_date.argmax()]}")
    print(f"  a region: {display.by_region.max():.3f}, row {row + 1} and column {column + 1} of 4")
plt.show()

# %%
# With labels, the region of the label counts and no other: this model reads the label and not the
# plant, and its perfect score is worth nothing. Hiding one date changes nothing, because the label
# is on all other dates. **If several dates or regions hold the same information, hiding one of them
# costs nothing, and all of them look useless.** Without labels the falls are small for the same
# reason: the color of the leaves is everywhere, and on many dates.
#
# The plants are simulated: which dates count here shows nothing about real plants.
#
# **Read next:** :func:`~skwater.evaluation.exchangeability_test` asks whether the classes differ
# before the last irrigation, and :doc:`plot_02_look_at_plants` finds labels by looking.
