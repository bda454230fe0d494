"""
Do my images show what I think they show?
=========================================

Two figures find most mistakes before a model is trained: a contact sheet of plants and dates with
the outline of the mask, and growth curves by class. Look for plants that were mixed up, crops that
miss the plant, a mask that loses leaves, and classes that differ before the last irrigation.
"""

# %%
# The plants
# ----------
# Eighteen simulated plants on the dates of a real experiment. Some are not watered from day 28 to
# day 53. A few images are missing.
import os

import matplotlib.pyplot as plt
import numpy as np

from skwater.datasets import make_water_stress
from skwater.plotting import FramesDisplay, GrowthDisplay
from skwater.preprocessing import CanopyCover, VegetationMask

fast = "SKWATER_EXAMPLES_FAST" in os.environ  # for the tests: everything small
plants = make_water_stress(18, size=24 if fast else 96, missing=0.03, random_state=1)
X, y = plants.data, np.take(["watered", "dry"], plants.target)
marks = {"days": plants.days, "onset_day": plants.onset_day, "rewatering_day": 53}

# %%
# The contact sheet
# -----------------
# A row for each plant and a column for each date; missing frames are gray. The pink line is the
# outline of the mask: what is inside counts as leaf.
few = np.r_[np.flatnonzero(y == "dry")[:2], np.flatnonzero(y == "watered")[:3]]
FramesDisplay.from_sequences(
    X[few],
    masked=VegetationMask().fit_transform(X[few]),
    plants=few,
    y=y[few],
    pos_label="dry",
    **marks,
)
plt.show()

# %%
# Is the mask right?
# ------------------
# A pixel counts as leaf if its excess green index is above ``threshold``. One dry plant, on the
# last date before it is watered again, with three thresholds. If the threshold is too low, soil
# becomes leaf; if it is too high, pale leaves are lost, and the mask reports drought as lost cover.
t = np.searchsorted(plants.days, 53) - 1
thresholds = [0.0, 0.1, 0.2]
row = next(i for i in np.flatnonzero(y == "dry") if not np.isnan(X[i, t]).any())
fig, axes = plt.subplots(1, 4, figsize=(9, 2.7), layout="constrained")
axes[0].imshow(X[row, t].astype("uint8"))
axes[0].set_title(f"plant {row}, day {plants.days[t]}", fontsize=10)
for ax, threshold in zip(axes[1:], thresholds, strict=True):
    masked = VegetationMask(threshold=threshold).fit_transform(X[[row], t : t + 1])
    ax.imshow(masked[0, 0].astype("uint8"))
    ax.set_title(f"threshold {threshold:g}", fontsize=10)
for ax in axes:
    ax.set(xticks=[], yticks=[])
plt.show()

# %%
# Simulated plants have a true cover, so that the error of the mask can be measured. For real plants
# outline the leaves of a few images by hand.
for threshold in thresholds:
    cover = CanopyCover(threshold=threshold).fit_transform(X)
    error = cover - plants.cover
    print(
        f"threshold {threshold:g}: cover minus true cover, mean of all images "
        f"{np.nanmean(error):+.3f}, of dry plants on days 32 to 53 "
        f"{np.nanmean(error[y == 'dry'][:, (plants.days > 28) & (plants.days <= 53)]):+.3f}"
    )

# %%
# The growth curves
# -----------------
# Two questions. Do the classes differ *before* the last irrigation? Then they differ in something
# else than water, and a model will learn that. Do dry plants recover at the end? Then they were
# watered again, and later images show recovery, not stress. Each plant is a line if a class has
# five plants or fewer.
few = np.r_[np.flatnonzero(y == "dry")[:5], np.flatnonzero(y == "watered")]
GrowthDisplay.from_sequences(
    CanopyCover().fit_transform(X[few]),
    y[few],
    pos_label="dry",
    value_name="Canopy cover (fraction of the image)",
    **marks,
)
plt.show()

# %%
# **Read next:** :func:`~skwater.evaluation.exchangeability_test` tests whether the classes are
# alike before the last irrigation, :class:`~skwater.preprocessing.WhiteBalance` removes changes of
# light, and :doc:`plot_03_traits` starts from numbers in place of images.
