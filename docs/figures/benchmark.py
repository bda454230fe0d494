"""A benchmark of two simple models on the canopy cover, beside the baselines."""

from sklearn.linear_model import LogisticRegression
from sklearn.svm import SVC

from skwater import make_pipeline
from skwater.datasets import make_water_stress
from skwater.evaluation import benchmark
from skwater.preprocessing import CanopyCover, FrameScaler

plants = make_water_stress(n_frames=6, days=[21, 25, 28, 32, 36, 39], size=32, random_state=0)
models = {
    "cover, each date scaled": make_pipeline(
        CanopyCover(), FrameScaler(), LogisticRegression(class_weight="balanced")
    ),
    "cover, support vectors": make_pipeline(
        CanopyCover(), FrameScaler(), SVC(class_weight="balanced")
    ),
}
result = benchmark(
    models,
    plants.data,
    plants.target,
    groups=plants.plant,
    treatments=plants.treatment,
    metadata=plants.nitrogen[:, None],
    n_repeats=2,
    random_state=0,
    verbose=0,
)
result.plot()
