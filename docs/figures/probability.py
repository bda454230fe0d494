"""Probability of stress after each frame, of test plants, for two ways of training."""

import matplotlib.pyplot as plt
import numpy as np

from skwater import ConvLSTMClassifier
from skwater.datasets import make_water_stress
from skwater.preprocessing import CanopyCover
from skwater.resampling import SeasonStarts

DAYS = [14, 18, 21, 25, 28, 32, 36, 39, 43, 46, 49]
plants = make_water_stress(45, len(DAYS), days=DAYS, size=32, random_state=0)
X = CanopyCover().fit_transform(plants.data)[..., None]
y = plants.target
test = np.r_[np.flatnonzero(y == 1)[:4], np.flatnonzero(y == 0)[:6]]
train = np.setdiff1d(np.arange(len(X)), test)

starts = SeasonStarts(plants.onset).fit_resample(X[train], y[train])
trained_on = {
    "trained on whole seasons": (X[train], y[train]),
    "trained on all starts of the season": starts,
}
figure, axes = plt.subplots(1, 2, figsize=(9, 3), sharey=True)
for ax, (name, data) in zip(axes, trained_on.items(), strict=True):
    model = ConvLSTMClassifier(class_weight="balanced", random_state=0).fit(*data)
    probability = model.predict_proba_over_time(X[test])[..., 1]
    for label, color, style in ((1, "#e69f00", "--"), (0, "#0072b2", "-")):
        lines = ax.plot(DAYS, probability[y[test] == label].T, style, color=color)
        lines[0].set_label("stressed" if label else "watered")
    ax.axvline(plants.onset_day, color="#555555")
    ax.text(plants.onset_day + 0.5, 1.03, "last irrigation", color="#555555", fontsize=9)
    ax.set(xlabel="Time (days)", ylim=(-0.02, 1.12))
    ax.set_title(name, loc="left", fontsize=10)
axes[0].set_ylabel("Probability of stress")
axes[1].legend(loc="center left", frameon=False)
