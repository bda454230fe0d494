"""Probability of stress after each frame, of test plants."""

import matplotlib.pyplot as plt
import numpy as np

from skwater import ConvLSTMClassifier
from skwater.datasets import make_water_stress
from skwater.preprocessing import CanopyCover

plants = make_water_stress(45, n_frames=11, days=[14, 18, 21, 25, 28, 32, 36, 39, 43, 46, 49], size=32, random_state=0)
X = CanopyCover().fit_transform(plants.data)[..., None]
stressed = np.flatnonzero(plants.target == 1)
watered = np.flatnonzero(plants.target == 0)
test = np.r_[stressed[:4], watered[:6]]
train = np.setdiff1d(np.arange(len(X)), test)
model = ConvLSTMClassifier(class_weight="balanced", random_state=0)
model.fit(X[train], plants.target[train])
probability = model.predict_proba_over_time(X[test])[..., 1]

figure, ax = plt.subplots(figsize=(7, 3))
for label, color, style in ((1, "#e69f00", "--"), (0, "#0072b2", "-")):
    lines = ax.plot(plants.days, probability[plants.target[test] == label].T, style, color=color)
    lines[0].set_label("stressed" if label else "watered")
ax.axvline(plants.onset_day, color="#555555")
ax.text(plants.onset_day, 1.03, "last irrigation", ha="center", color="#555555")
ax.set(xlabel="Time (days)", ylabel="Probability of stress", ylim=(0, 1.1))
ax.legend(loc="upper left", frameon=False)
