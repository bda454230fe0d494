"""
On which date can stress be detected?
=====================================

Three answers, each to a question of its own. A curve scores a model date by date. A detector raises
an alarm once for each plant, and its rule is chosen on training plants. A monitor follows plants
through the season, one new image at a time.
"""

# %%
# The plants
# ----------
# Forty-five simulated plants in fifteen treatments. Some treatments are not watered after day 28;
# the season ends before they are watered again. One number for each date, the canopy cover, is
# enough here.
import os

import matplotlib.pyplot as plt
import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupShuffleSplit, StratifiedGroupKFold

from skwater import ConvLSTMClassifier, EarlyDetector, make_pipeline
from skwater.datasets import make_water_stress
from skwater.evaluation import early_detection_curve
from skwater.metrics import detection_delay, false_alarm_rate_before_onset
from skwater.monitoring import StressMonitor
from skwater.plotting import EarlyDetectionDisplay
from skwater.preprocessing import CanopyCover, FrameScaler
from skwater.resampling import SeasonStarts

fast = "SKWATER_EXAMPLES_FAST" in os.environ  # for the tests: everything small
days = [14, 18, 21, 25, 28, 32, 36, 39, 43, 46, 49]
plants = make_water_stress(
    45,
    len(days),
    days=days,
    size=16 if fast else 48,
    stressed_fraction=0.4,
    random_state=3,
)
X = CanopyCover().fit_transform(plants.data)[..., None]
y, treatment = plants.target, plants.treatment
print(f"{len(y)} plants, {y.sum()} of them stressed; X is {X.shape}")

# %%
# From which date on does a model beat chance?
# --------------------------------------------
# A new model for each date, trained on the frames up to it, and tested on plants of a treatment
# that it was not trained on. Until the last irrigation nothing can be detected: these dates are the
# negative control. A curve above chance there would show that something other than water differs.
curve = early_detection_curve(
    make_pipeline(FrameScaler(), LogisticRegression(class_weight="balanced")),
    X[:, :, 0],
    y,
    days=days,
    groups=plants.plant,
    treatments=treatment,
    onset_day=plants.onset_day,
    n_repeats=1,
    random_state=0,
    verbose=0,
)
print(curve)
EarlyDetectionDisplay.from_curves(curve)
plt.show()

# %%
# Each interval is that of its date by itself, and many dates are looked at: the first date above
# chance is uncertain itself.


# %%
# When should an alarm be raised?
# -------------------------------
# Whoever has to act looks at every date, and each date is one more chance of a false alarm. So the
# model is trained to answer on every date: on all starts of the season, whose later frames are
# missing. Until the onset no plant is stressed, whatever its class.
# :class:`~skwater.resampling.SeasonStarts` in the pipeline makes them, of training plants only.
model = make_pipeline(
    SeasonStarts(plants.onset),
    ConvLSTMClassifier(class_weight="balanced", max_epochs=2 if fast else "auto", random_state=0),
)

# %%
# A third of the treatments is kept for the test. On the others the rule is chosen, by
# cross-validation with whole treatments left out: the shortest delay of the rules that raise an
# alarm for at most one watered plant in ten.
split = GroupShuffleSplit(1, test_size=1 / 3, random_state=0)
train, test = next(split.split(X, y, treatment))
rules = [(threshold, n) for threshold in (0.5, 0.7, 0.8, 0.9) for n in (1, 2)]
alarms = {rule: np.full(len(train), np.nan) for rule in rules}
folds = StratifiedGroupKFold(3, shuffle=True, random_state=0)
for fit, check in folds.split(X[train], y[train], treatment[train]):
    detector = EarlyDetector(model).fit(X[train][fit], y[train][fit])
    for threshold, n in rules:
        detector.set_params(threshold=threshold, n_consecutive=n)
        alarms[threshold, n][check] = detector.detect(X[train][check], days=days)

print("threshold  frames in a row  median delay  watered plants with an alarm")
found = {}
for (threshold, n), alarm in alarms.items():
    delay = detection_delay(y[train], alarm, onset_day=plants.onset_day)
    false = np.isfinite(alarm[y[train] == 0]).mean()
    found[threshold, n] = (false > 0.1, delay)
    print(f"{threshold:9}  {n:15}  {delay:7.0f} days  {false:28.0%}")
threshold, n = min(found, key=found.get)
print(f"chosen: {n} in a row with a probability of at least {threshold}")

# %%
# On the test plants, which had no part in any choice:
detector = EarlyDetector(model, threshold=threshold, n_consecutive=n).fit(X[train], y[train])
alarm = detector.detect(X[test], days=days)
stressed = y[test] == 1
print(f"alarms: {np.isfinite(alarm[stressed]).sum()} of {stressed.sum()} stressed plants,")
print(f"        {np.isfinite(alarm[~stressed]).sum()} of {(~stressed).sum()} watered plants")
delay = detection_delay(y[test], alarm, onset_day=plants.onset_day)
print(f"median delay after the last irrigation: {delay:.0f} days")
early = false_alarm_rate_before_onset(alarm, onset_day=plants.onset_day)
print(f"plants with an alarm up to the last irrigation: {early:.0%}")

# %%
# One new image at a time
# -----------------------
# In the season images arrive one by one. The monitor keeps the state of the network for each plant,
# so an image costs one step. The alarms are those of the detector.
monitor = StressMonitor(detector)
probability = np.empty((len(test), len(days)))
for t, day in enumerate(days):
    statuses = monitor.update_many(plants.plant[test], X[test, t], day)
    probability[:, t] = [status.probability for status in statuses]
in_season = [monitor.status(plant).alarm_day for plant in plants.plant[test]]
print("the same alarms as of the detector:", np.array_equal(in_season, alarm, equal_nan=True))

fig, ax = plt.subplots(figsize=(8, 4.2), layout="constrained")
for label, color, line, name in ((0, "#0072b2", "-", "watered"), (1, "#d55e00", "--", "stressed")):
    rows = np.flatnonzero(y[test] == label)
    lines = ax.plot(days, probability[rows].T, line, color=color, linewidth=1.2, alpha=0.8)
    lines[0].set_label(f"{name} ({len(rows)} plants)")
for row in np.flatnonzero(np.isfinite(alarm)):
    place = days.index(int(alarm[row]))
    color = "#d55e00" if y[test][row] else "#0072b2"
    ax.plot(days[place], probability[row, place], "o", color=color, markeredgecolor="black")
ax.plot([], [], "o", color="white", markeredgecolor="black", label="alarm")
ax.axhline(threshold, color="0.4", linewidth=1, linestyle=":", label="threshold")
ax.axvline(plants.onset_day, color="0.4", linewidth=1.2)
ax.text(plants.onset_day, 1.04, "last irrigation", color="0.4", ha="center")
ax.set(xlabel="Time (days)", ylabel="Probability of stress", ylim=(-0.02, 1.02))
ax.spines[["top", "right"]].set_visible(False)
ax.legend(frameon=False, loc="center left")
plt.show()

# %%
# After the last irrigation the probability rises for all plants: the network has learned from which
# date on stress is possible, and needs later images to tell which plants are stressed.
#
# The plants are simulated: how early real plants can be told is in :doc:`/study`.
#
# **Read next:** :doc:`plot_10_importance` shows which dates a model uses, and
# :doc:`plot_11_save_and_predict` keeps a model for the next season.
