"""Test plants of the folds of three splitters."""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.model_selection import KFold, StratifiedKFold

from skwater.model_selection import LeaveTreatmentsOut

y = np.repeat([1, 0, 1, 0], 3)
treatments = np.repeat(["A", "B", "C", "D"], 3)
splits = {
    "KFold: in order of the file": KFold(3).split(y),
    "StratifiedKFold: plants, classes alike": StratifiedKFold(
        3, shuffle=True, random_state=1
    ).split(y, y),
    "LeaveTreatmentsOut: whole treatments": LeaveTreatmentsOut().split(y, y, treatments),
}
figure, axes = plt.subplots(3, 1, figsize=(7, 5), sharex=True)
for ax, (name, folds) in zip(axes, splits.items(), strict=True):
    folds = list(folds)
    for row, (_, test) in enumerate(folds):
        for plant in range(len(y)):
            color = "#e69f00" if y[plant] else "#0072b2"
            fill = color if plant in test else "none"
            ax.plot(plant, row, "s", ms=11, mfc=fill, mec=color, mew=1.5)
    ax.set(ylim=(len(folds) - 0.4, -0.6), yticks=range(len(folds)))
    ax.set_yticklabels([f"fold {row + 1}" for row in range(len(folds))])
    ax.set_title(name, loc="left", fontsize=10)
    ax.spines[:].set_visible(False)
    ax.tick_params(length=0)
axes[-1].set_xticks(range(len(y)), treatments)
axes[-1].set_xlabel("Treatment of the plant (orange: stressed, blue: watered)")
