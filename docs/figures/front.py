"""Figure of the front page: plants, their growth, and from when on stress can be detected."""

import matplotlib.pyplot as plt
from sklearn.linear_model import LogisticRegression

from skwater import make_pipeline
from skwater.datasets import make_water_stress
from skwater.evaluation import early_detection_curve
from skwater.plotting import FramesDisplay, GrowthDisplay
from skwater.preprocessing import CanopyCover, FrameScaler

days = [14, 18, 21, 25, 28, 32, 36, 39, 43, 46, 49]
plants = make_water_stress(n_frames=len(days), days=days, size=48, random_state=0)
X, y = plants.data, plants.target
marks = {"days": plants.days, "onset_day": plants.onset_day, "pos_label": "stressed"}
names = ["stressed" if label else "watered" for label in y]
shown = [*(y == 1).nonzero()[0][:2], *(y == 0).nonzero()[0][:2]]

figure, (images, growth, early) = plt.subplots(
    3, 1, figsize=(8, 8.4), height_ratios=[1.15, 1, 1], layout="constrained"
)
FramesDisplay.from_sequences(
    X[shown], plants=plants.plant[shown], y=[names[i] for i in shown], ax=images, **marks
)
images.set_title("The images of four plants", loc="left")

cover = CanopyCover().fit_transform(X)
GrowthDisplay.from_sequences(cover, names, value_name="Canopy cover", ax=growth, **marks)
growth.set_title("How they grow", loc="left")

curve = early_detection_curve(
    make_pipeline(CanopyCover(), FrameScaler(), LogisticRegression(class_weight="balanced")),
    X,
    y,
    days=plants.days,
    groups=plants.plant,
    onset_day=plants.onset_day,
    cv=3,
    n_repeats=3,
    random_state=0,
    verbose=0,
)
curve.plot(ax=early)
early.set_title("Score by date", loc="left")
early.set(xlim=growth.get_xlim(), ylabel="Balanced accuracy")
if early.get_legend():
    early.get_legend().remove()
