"""
How far can I trust a score of a few plants?
============================================

The published work compares networks with and without Random Sequence Splicing, full and
down-sampled sequences, and full and compact networks on one split: nineteen training plants and
eleven test plants. Here the same comparison is made on that split and with each treatment left out
once, on simulated plants with their canopy cover and mean colors on each date.

The whole study, on real measurements and on images, is ``examples/benchmarks/study_eschikon.py``;
its results are in :doc:`/study`.
"""

# %%
# The plants
# ----------
# There are thirty plants in ten treatments, three of them without water from day 28 on. Each image
# is reduced to four numbers, so that the networks are trained in seconds. The data end on day 36,
# when stress is still hard to detect.
import os

import matplotlib.pyplot as plt
import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from skwater import ConvLSTMClassifier, RSSResampler, make_pipeline
from skwater.datasets import make_water_stress
from skwater.evaluation import benchmark, permutation_test
from skwater.plotting import BenchmarkDisplay, GrowthDisplay, SpliceDisplay
from skwater.preprocessing import CanopyCover, FrameSampler

fast = "SKWATER_EXAMPLES_FAST" in os.environ  # for the tests: everything small
plants = make_water_stress(size=32 if fast else 48, random_state=0)
images, y = plants.data, plants.target
cover = CanopyCover().fit_transform(images)
X = np.concatenate([cover[:, :, None], images.mean(axis=(2, 3)) / 255], axis=2)[:, :9]
days = plants.days[:9]
GrowthDisplay.from_sequences(
    X,
    np.take(plants.target_names, y),
    days=days,
    channel=0,
    onset_day=plants.onset_day,
    pos_label=plants.target_names[1],
    value_name="Canopy cover (fraction of the image)",
)
plt.show()

# %%
# The variants
# ------------
# Adam with learning rate 0.001 and binary cross-entropy, as published. Without splicing there are
# more epochs, so that the number of training steps is the same.
epochs = 1 if fast else 20


def network(make=ConvLSTMClassifier, frames=None):
    """Train on the plants."""
    steps = [] if frames is None else [FrameSampler(frames)]
    return make_pipeline(*steps, make(max_epochs=round(epochs * 120 / 20)))


def network_with_rss(make=ConvLSTMClassifier, frames=None):
    """Train on sixty sequences of each class."""
    steps = [] if frames is None else [FrameSampler(frames)]
    return make_pipeline(*steps, RSSResampler(60), make(max_epochs=epochs))


models = {
    "full": network(),
    "full, RSS": network_with_rss(),
    "4 frames": network(frames=4),
    "4 frames, RSS": network_with_rss(frames=4),
    "compact": network(ConvLSTMClassifier.compact),
    "compact, RSS": network_with_rss(ConvLSTMClassifier.compact),
}

# %%
# One spliced sequence. Its first frames are those of one plant, its last those of another.
spliced, _ = RSSResampler(60, lazy=True, random_state=0).fit_resample(X[:, :, :1], y)
SpliceDisplay.from_spliced(
    spliced,
    len(spliced) - 1,
    days=days,
    onset_day=plants.onset_day,
    value_name="Canopy cover (fraction of the image)",
)
plt.show()

# %%
# Two protocols
# -------------
# The published protocol tests eleven plants once. Leaving each treatment out once tests all thirty
# plants, each with networks that were not trained on its treatment.
test = np.array([2, 4, 7, 9, 11, 14, 17, 18, 21, 24, 28])  # as published, counted from 0
train = np.setdiff1d(np.arange(30), test)
options = {"groups": plants.plant, "n_repeats": 1, "random_state": 0, "verbose": 0}
fixed = benchmark(models, X, y, cv=[(train, test)], **options)
print(fixed)

# %%
honest = benchmark(models, X, y, treatments=plants.treatment, **options)
print(honest)

# %%
fig, axes = plt.subplots(1, 2, figsize=(13, 4), layout="constrained")
for ax, (title, result) in zip(
    axes, {"one split": fixed, "leave one treatment out": honest}.items(), strict=True
):
    BenchmarkDisplay.from_result(result, ax=ax)
    ax.set_title(title, pad=24)
plt.show()

# %%
# On the one split the networks differ by one plant, and every interval holds chance. With all
# thirty plants the intervals are narrower, and the order of the models is another one.

# %%
# Is it better than chance?
# -------------------------
# There are 120 ways to choose the three treatments without water out of ten. The permutation test
# counts the ways for which logistic regression on the cover scores as well as for the true one.
logistic = make_pipeline(StandardScaler(), LogisticRegression())
found = permutation_test(
    logistic,
    X[:, :, 0],
    y,
    groups=plants.plant,
    treatments=plants.treatment,
    n_permutations=20 if fast else 1000,
    random_state=0,
    verbose=0,
)
print(f"balanced accuracy {found.score:.2f}, p = {found.pvalue:.3f}, ", end="")
print(f"which cannot be below {found.smallest_pvalue:.4f} with these treatments")

# %%
# The plants are simulated: which model is best here shows nothing about real plants, but the widths
# of the intervals hold for any thirty plants.
#
# **Read next:** :doc:`plot_08_leakage` shows a mistake that makes noise look like a discovery, and
# :doc:`/study` is the whole study on real plants.
