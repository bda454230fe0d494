"""
What does splicing do, and when does it help?
=============================================

Splicing makes new training sequences of the frames of several plants. *Onset-aware* splicing uses
that all plants are alike before the onset of stress, regardless of their later treatment: frames
before it can come from any plant, and only the frames after it must come from plants of the class
of the new sequence. This gives the rare class many more donors.

**This assumes that the classes do not differ before the onset.** If treatments differ earlier, for
example in nitrogen, pass that as ``strata``.
"""

# %%
# Simulated plants
# ----------------
# Three traits of each plant, say leaf area, height and the number of leaves, grow exponentially.
# Every plant has its own size and its own growth rate. From the last irrigation on, stressed plants
# grow more slowly. 30 plants are 21 watered and 9 stressed ones.
import os

import matplotlib.pyplot as plt
import numpy as np
from imblearn.over_sampling import RandomOverSampler
from scipy import stats
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import balanced_accuracy_score
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

from skwater import RSSResampler, make_pipeline
from skwater.plotting import SpliceDisplay

days = np.arange(10, 50, 4)
onset_day = 28
onset = (days <= onset_day).sum()  # frames taken before stress could begin


def make_plants(n_watered, n_stressed, rng, spread=0.01):
    """Simulate traits of shape (n_samples, n_frames, 3), and the classes.

    `spread` is the standard deviation of the growth rates, which are 0.1 per day on average.
    """
    y = np.repeat(["watered", "stressed"], [n_watered, n_stressed])
    size = rng.normal(scale=0.3, size=(len(y), 1, 3))
    rate = rng.normal(0.1, spread, size=(len(y), 1))
    lost = 0.02 * (y == "stressed")[:, None] * np.clip(days - onset_day, 0, None)
    growth = (rate * days - lost)[:, :, None] * [1, 0.6, 0.3]
    return np.exp(size + growth + rng.normal(scale=0.1, size=growth.shape)), y


X, y = make_plants(21, 9, np.random.default_rng(0))

# %%
# One new sequence
# ----------------
# A stressed sequence that begins as a watered plant: up to the last irrigation its frames are those
# of a watered plant, after it those of a stressed plant. Of all such sequences, this one has the
# largest step between the two.
sampler = RSSResampler(60, n_segments=2, onset=onset, lazy=True, random_state=0)
X_new, y_new = sampler.fit_resample(X, y)
first, last = y[sampler.donors_[:, 0]], y[sampler.donors_[:, -1]]
mixed = np.flatnonzero((first == "watered") & (last == "stressed"))
before, after = np.log(np.asarray(X_new))[mixed, :, 0][:, [onset - 1, onset]].T
row = mixed[np.argmax(np.abs(after - before))]
print(f"sequence {row} is {y_new[row]}, its donors are plants {sampler.donors_[row]}")
n_stressed = (y_new[len(y) :] == "stressed").sum()
print(f"{len(mixed)} of {n_stressed} new stressed sequences begin as a watered plant")

# %%
# Left: the new sequence in bold, each donor in its own color, stressed plants in warm colors. The
# values jump at the junction, because plants differ in size. Right: ``junction="scale"`` multiplies
# the frames after the junction, separately for each trait, so that growth continues from the size
# that was reached. It changes values, so it does not work with ``lazy=True``.
scaled = RSSResampler(60, n_segments=2, onset=onset, junction="scale", random_state=0)
continued, _ = scaled.fit_resample(X, y)  # the same seed: the same donors

fig, (left, right) = plt.subplots(1, 2, figsize=(10, 3.8), layout="constrained", sharey=True)
options = {"days": days, "channel": 0, "value_name": "Trait 0 (relative units, log scale)"}
SpliceDisplay.from_spliced(
    X_new, row, onset_day=onset_day, y=y_new, pos_label="stressed", ax=left, **options
)
left.set_yscale("log")
plain = np.asarray(X_new[[row]])
right.plot(days, plain[0, :, 0], "s-", color="black", label='junction="keep"')
right.plot(days, continued[row, :, 0], "o--", color="#0072b2", label='junction="scale"')
right.axvline(onset_day, color="0.4", linewidth=1.2)
right.legend(frameon=False)
right.set_xlabel("Time (days)")
right.annotate(
    "last irrigation",
    (onset_day, 1.01),
    xycoords=right.get_xaxis_transform(),
    ha="center",
    va="bottom",
    color="0.4",
)
right.spines[["top", "right"]].set_visible(False)
plt.show()

# %%
# Does it help?
# -------------
# Logistic regression on the logarithms of all traits is trained on 30 plants and tested on 1,000
# others, repeatedly with new plants. All samplers bring both classes to 60 sequences. Random
# over-sampling is the control: a difference to it is not due to balance or to the number of
# sequences. Each difference is between two models with the same training plants.
#
# The result depends on how much the growth rates of plants differ. A spliced sequence changes
# plants at the onset, so it cannot show the growth of a plant relative to its own earlier growth.
n_draws = 4 if "SKWATER_EXAMPLES_FAST" in os.environ else 25
spreads = [0.005, 0.01, 0.02]
samplers = {
    "no sampler": None,
    "random over-sampling": RandomOverSampler(sampling_strategy={"watered": 60, "stressed": 60}),
    "plain splicing": RSSResampler(60, n_segments=2),
    "onset-aware": RSSResampler(60, n_segments=2, onset=onset),
    'onset-aware, "scale"': RSSResampler(60, n_segments=2, onset=onset, junction="scale"),
}


def log_traits(X):
    """Logarithms of the traits of all dates, as features."""
    return np.log(X.reshape(len(X), -1))


def score(sampler, spread, seed):
    """Balanced accuracy on plants that are not in the training data."""
    rng = np.random.default_rng(seed)
    X, y = make_plants(21, 9, rng, spread)
    X_test, y_test = make_plants(700, 300, rng, spread)
    if isinstance(sampler, RandomOverSampler):  # accepts tables only, so it draws row numbers
        rows, y = sampler.set_params(random_state=seed).fit_resample(np.arange(30)[:, None], y)
        X = X[rows[:, 0]]
    elif sampler is not None:
        X, y = sampler.set_params(random_state=seed).fit_resample(X, y)
    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
    predicted = model.fit(log_traits(X), y).predict(log_traits(X_test))
    return balanced_accuracy_score(y_test, predicted)


with threadpool_limits(1):  # matrices this small are slower with more threads
    scores = np.array(
        [
            [[score(s, spread, seed) for seed in range(n_draws)] for s in samplers.values()]
            for spread in spreads
        ]
    )

control = list(samplers).index("random over-sampling")
differences = scores - scores[:, [control]]
means = differences.mean(axis=2)
halves = stats.t.ppf(0.975, n_draws - 1) * stats.sem(differences, axis=2)

print(f"{n_draws} draws of 30 training plants, balanced accuracy on 1,000 others")
for i, spread in enumerate(spreads):
    print(
        f"\ngrowth rates 0.1 ± {spread} per day; difference to random over-sampling (95 % interval)"
    )
    for j, name in enumerate(samplers):
        line = f"{name:22} {scores[i, j].mean():.3f}"
        if j != control:
            low, high = means[i, j] - halves[i, j], means[i, j] + halves[i, j]
            line += f"   {means[i, j]:+.3f} ({low:+.3f} to {high:+.3f})"
        print(line)

# %%
fig, axes = plt.subplots(
    1, len(spreads), figsize=(10, 2.8), layout="constrained", sharex=True, sharey=True
)
rows = [j for j in range(len(samplers)) if j != control]
for ax, spread, mean, half in zip(axes, spreads, means, halves, strict=True):
    ax.axvline(0, color="0.4", ls=":")
    ax.errorbar(mean[rows], range(len(rows)), xerr=half[rows], fmt="o", color="#0072b2", capsize=3)
    ax.set_title(f"growth rates ± {100 * spread / 0.1:.0f} %", fontsize=10)
    ax.spines[["top", "right"]].set_visible(False)
axes[0].set_yticks(range(len(rows)), [list(samplers)[j] for j in rows])
axes[0].set_ylim(len(rows) - 0.5, -0.5)
axes[1].set_xlabel("Balanced accuracy, difference to random over-sampling (95 % interval)")
plt.show()

# %%
# Plain splicing loses in all three cases. Onset-aware splicing with ``junction="scale"`` gains if
# plants grow at similar rates, and loses if their rates differ by 20 %: then the growth of a plant
# before the onset says much about its growth after it, and splicing removes that.
#
# These plants are simulated, and the classes do not differ before the onset. Real plants may
# differ: check this first, for example with :func:`~skwater.evaluation.exchangeability_test`. What
# was measured on real maize is in :doc:`/splicing`.
#
# **Read next:** :doc:`plot_05_augmentation` compares splicing with augmentation on images, and
# :doc:`plot_08_leakage` shows why splicing belongs inside the pipeline.
