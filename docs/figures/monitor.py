"""A monitor that follows three test plants, and the days of its alarms."""

import matplotlib.pyplot as plt
import numpy as np

from skwater import ConvLSTMClassifier, make_pipeline
from skwater.datasets import make_water_stress
from skwater.monitoring import StressMonitor
from skwater.preprocessing import CanopyCover
from skwater.resampling import SeasonStarts

DAYS = [14, 18, 21, 25, 28, 32, 36, 39, 43, 46, 49]
plants = make_water_stress(45, len(DAYS), days=DAYS, size=32, random_state=0)
X = CanopyCover().fit_transform(plants.data)[..., None]
test = np.r_[np.flatnonzero(plants.target == 1)[:2], np.flatnonzero(plants.target == 0)[:1]]
train = np.setdiff1d(np.arange(len(X)), test)

model = make_pipeline(
    SeasonStarts(plants.onset), ConvLSTMClassifier(class_weight="balanced", random_state=0)
).fit(X[train], plants.target[train])

THRESHOLD = 0.8
monitor = StressMonitor(model, threshold=THRESHOLD, n_consecutive=2)
figure, ax = plt.subplots(figsize=(7, 3))
for plant, color, style in zip(
    test, ("#e69f00", "#d55e00", "#0072b2"), ("--", ":", "-"), strict=True
):
    stati = [monitor.update(str(plant), X[plant, t], day) for t, day in enumerate(DAYS)]
    name = f"plant {plant}, {'stressed' if plants.target[plant] else 'watered'}"
    ax.plot(DAYS, [status.probability for status in stati], style, color=color, label=name)
    if stati[-1].alarm:
        alarm = DAYS.index(int(stati[-1].alarm_day))
        ax.plot(DAYS[alarm], stati[alarm].probability, "o", color=color, ms=9, mec="black")
ax.axhline(THRESHOLD, color="#555555", lw=1)
ax.text(DAYS[0], THRESHOLD + 0.03, "threshold; circles: alarm", color="#555555")
ax.axvline(plants.onset_day, color="#555555")
ax.text(plants.onset_day, 1.06, "last irrigation", ha="center", color="#555555")
ax.set(xlabel="Time (days)", ylabel="Probability of stress", ylim=(0, 1.13))
ax.legend(frameon=False, loc="center left", bbox_to_anchor=(0, 0.5))
