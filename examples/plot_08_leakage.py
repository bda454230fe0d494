"""
What happens if plants are spliced before the split?
====================================================

The reported score is wrong, and nothing fails visibly. The plants in this example are noise,
so the correct balanced accuracy is 0.5. If they are spliced before they are split into training and
test plants, the reported score is much higher.
"""

# %%
# Labels without a signal
# -----------------------
import os

import matplotlib.pyplot as plt
import numpy as np
from sklearn.base import clone
from sklearn.metrics import balanced_accuracy_score
from sklearn.model_selection import StratifiedKFold, cross_val_predict

from skwater import ConvLSTMClassifier, RSSResampler, make_pipeline

n_seeds = 1 if "SKWATER_EXAMPLES_FAST" in os.environ else 5
y = np.array([0] * 15 + [1] * 15)


# %%
# Three ways to score a classifier
# --------------------------------
# The first two splice all plants before the split, so frames of test plants are in the training
# data. The test data are spliced sequences in the first and plants in the second. The third splices
# the training plants of each fold, as a pipeline does.
def splice_then_split(X, classifier, sampler, cv):
    """Cross-validate on all sequences, the spliced ones included."""
    X_new, y_new = sampler.fit_resample(X, y)
    return balanced_accuracy_score(y_new, cross_val_predict(classifier, X_new, y_new, cv=cv))


def splice_then_hold_out_plants(X, classifier, sampler, cv):
    """Test on plants whose frames are in the spliced training sequences."""
    X_new, y_new = sampler.fit_resample(X, y)
    predicted = np.empty_like(y)
    for train, test in cv.split(X, y):
        rows = np.concatenate([train, np.arange(len(X), len(X_new))])
        predicted[test] = clone(classifier).fit(X_new[rows], y_new[rows]).predict(X[test])
    return balanced_accuracy_score(y, predicted)


def splice_inside_the_pipeline(X, classifier, sampler, cv):
    """Test on plants that have no frame in the training data."""
    pipeline = make_pipeline(sampler, classifier)
    return balanced_accuracy_score(y, cross_val_predict(pipeline, X, y, cv=cv))


# %%
# The reported scores
# -------------------
ways = [splice_then_split, splice_then_hold_out_plants, splice_inside_the_pipeline]
scores = np.empty((len(ways), n_seeds))
for seed in range(n_seeds):
    noise = np.random.default_rng(seed).normal(size=(30, 8, 16)).astype(np.float32)
    cv = StratifiedKFold(3, shuffle=True, random_state=seed)
    for row, way in enumerate(ways):
        scores[row, seed] = way(
            noise,
            ConvLSTMClassifier(lr=0.01, random_state=seed),
            RSSResampler(60, random_state=seed),
            cv,
        )
for way, row in zip(ways, scores, strict=True):
    name = way.__name__.replace("_", " ")
    print(f"{name:30} balanced accuracy {row.mean():.2f} ({row.min():.2f} to {row.max():.2f})")

# %%
fig, ax = plt.subplots(figsize=(7, 2.5), layout="constrained")
for row, values in enumerate(scores):
    ax.plot(values, [row] * n_seeds, "o", color="#0072b2", alpha=0.6)
ax.axvline(0.5, color="0.4", ls=":", label="correct score")
ax.set_yticks(range(len(ways)), [way.__name__.replace("_", " ") for way in ways])
ax.set_ylim(len(ways) - 0.5, -0.5)
ax.set(xlim=(0, 1.02), xlabel="Balanced accuracy on noise, one dot per seed")
ax.spines[["top", "right"]].set_visible(False)
ax.legend(frameon=False, loc="lower right")
plt.show()

# %%
# :func:`~skwater.model_selection.check_no_leakage` names the plant or the frame that is on both
# sides of a split, and :func:`~skwater.evaluation.benchmark` refuses such splits.
#
# **Read next:** :doc:`plot_07_honest_score` for a score with its interval, and
# :doc:`plot_09_early_detection` for its negative control.
