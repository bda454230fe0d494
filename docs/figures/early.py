"""Early detection from the canopy cover of simulated plants."""

from sklearn.linear_model import LogisticRegression

from skwater import make_pipeline
from skwater.datasets import make_water_stress
from skwater.evaluation import early_detection_curve
from skwater.preprocessing import CanopyCover, FrameScaler

plants = make_water_stress(
    n_frames=11, days=[14, 18, 21, 25, 28, 32, 36, 39, 43, 46, 49], size=32, random_state=0
)
model = make_pipeline(CanopyCover(), FrameScaler(), LogisticRegression(class_weight="balanced"))
early_detection_curve(
    model,
    plants.data,
    plants.target,
    days=plants.days,
    groups=plants.plant,
    onset_day=plants.onset_day,
    n_repeats=3,
    random_state=0,
    verbose=0,
).plot()
