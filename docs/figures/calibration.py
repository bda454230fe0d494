"""Calibration with and without over-sampling."""

import matplotlib.pyplot as plt
import numpy as np
from imblearn.over_sampling import RandomOverSampler
from imblearn.pipeline import make_pipeline
from sklearn.calibration import CalibrationDisplay
from sklearn.linear_model import LogisticRegression

rng = np.random.default_rng(0)


def draw(n):
    """Two numbers of each plant, 10 % of them stressed."""
    y = rng.random(n) < 0.1
    return rng.normal(size=(n, 2)) + 1.2 * y[:, None], y


X, y = draw(2000)
X_test, y_test = draw(20000)
models = {
    "as they are": LogisticRegression(),
    "after over-sampling": make_pipeline(RandomOverSampler(random_state=0), LogisticRegression()),
}
figure, ax = plt.subplots(figsize=(4.8, 4.2))
for (name, model), color, marker in zip(models.items(), ("#0072b2", "#d55e00"), "os", strict=True):
    CalibrationDisplay.from_estimator(
        model.fit(X, y), X_test, y_test, n_bins=8, name=name, ax=ax, color=color, marker=marker
    )
ax.set(xlabel="Predicted probability of stress", ylabel="Fraction of stressed plants")
ax.legend(frameon=False, loc="upper left")
