"""Draw the figure of the README: plants, their growth, and on which date stress can be seen.

    python examples/readme_figure.py docs/readme.png

The plants are simulated by `make_water_stress`; a minute.
"""

import sys

import matplotlib as mpl

mpl.use("agg")
import matplotlib.pyplot as plt
import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from skwater import ConvLSTMClassifier, RSSResampler, make_pipeline
from skwater.datasets import make_water_stress
from skwater.evaluation import early_detection_curve
from skwater.plotting import EarlyDetectionDisplay, FramesDisplay, GrowthDisplay
from skwater.preprocessing import CanopyCover

plants = make_water_stress(random_state=0)
X, y, days = plants.data, plants.target, plants.days
labels = np.where(y == 1, "stressed", "watered")
cover = CanopyCover().fit_transform(X)

figure, axes = plt.subplot_mosaic(
    [["images", "growth"], ["images", "early"]],
    figsize=(11, 6.4),
    width_ratios=(1.25, 1),
    height_ratios=(1, 1.25),
    layout="constrained",
)
some = [*np.flatnonzero(y == 1)[:3], *np.flatnonzero(y == 0)[:3]]
dates = np.arange(1, X.shape[1], 2)
FramesDisplay.from_sequences(
    X[some][:, dates],
    plants=[f"plant {i}" for i in some],
    y=labels[some],
    pos_label="stressed",
    days=days[dates],
    onset_day=plants.onset_day,
    ax=axes["images"],
)
GrowthDisplay.from_sequences(
    cover,
    labels,
    pos_label="stressed",
    days=days,
    onset_day=plants.onset_day,
    value_name="Canopy cover",
    ax=axes["growth"],
)
pipeline = make_pipeline(
    RSSResampler(60, onset=plants.onset), ConvLSTMClassifier(hidden_channels=10)
)
curves = {}
for name, model in (
    ("ConvLSTM, onset-aware splicing", pipeline),
    ("logistic regression", make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))),
):
    curves[name] = early_detection_curve(
        model, cover, y, days=days, groups=np.arange(len(y)), onset_day=plants.onset_day,
        n_repeats=3, random_state=0,
    )  # fmt: skip
EarlyDetectionDisplay.from_curves(curves, ax=axes["early"])
figure.savefig(sys.argv[1], dpi=100)
