"""A pretrained encoder on few simulated plants, until day 39: does it judge what it sees?

    python examples/benchmarks/score_encoder.py [N_SEEDS]

Thirty simulated plants of 64 x 64 pixels for each seed, three folds of plants. The encoder has seen
none of them, so all are encoded once, before the folds. The balanced accuracy of the pooled
predictions is averaged over the seeds; the 95 % interval is that of a t-test over them. The size to
which images are enlarged (128 pixels) and the models were chosen on other seeds, 100 to 104. Takes
some minutes.
"""

import sys
import warnings

import numpy as np
from pretrained import Lite0
from scipy import stats
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import balanced_accuracy_score
from sklearn.model_selection import StratifiedKFold, cross_val_predict
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from skwater import CNNLSTMClassifier, make_pipeline
from skwater.datasets import make_water_stress
from skwater.preprocessing import CanopyCover, FrameEncoder, FrameSampler

LAST_DAY = 39


def flatten(X):
    """All numbers of all dates side by side."""
    return X.reshape(len(X), -1)


def logistic():
    """Logistic regression on all numbers of the dates that it is given."""
    classifier = LogisticRegression(max_iter=5000)
    return make_pipeline(FunctionTransformer(flatten), StandardScaler(), classifier)


def make_models(seed):
    """Model of each row of the table, and whether it takes vectors or images."""
    lstm = CNNLSTMClassifier(block_channels=(), random_state=seed)
    return {
        "logistic regression, cover": (False, make_pipeline(CanopyCover(), logistic())),
        "encoder, LSTM": (True, lstm),
        "encoder, logistic regression, last frame": (
            True,
            make_pipeline(FrameSampler(1, strategy="last"), logistic()),
        ),
        "encoder, logistic regression, all frames": (True, logistic()),
    }


def main(n_seeds):
    """Print a table."""
    scores = {}
    for seed in range(n_seeds):
        plants = make_water_stress(random_state=seed)
        images = plants.data[:, plants.days <= LAST_DAY]
        vectors = FrameEncoder(Lite0, image_size=128, verbose=0).transform(images)
        folds = StratifiedKFold(3, shuffle=True, random_state=seed)
        for name, (encoded, model) in make_models(seed).items():
            X = vectors if encoded else images
            predicted = cross_val_predict(model, X, plants.target, cv=folds)
            score = balanced_accuracy_score(plants.target, predicted)
            scores.setdefault(name, []).append(score)
            print(f"seed {seed}, {name}: {score:.3f}", file=sys.stderr, flush=True)
    print(f"{images.shape[1]} frames until day {LAST_DAY}, {n_seeds} times 30 plants")
    for name, values in scores.items():
        low, high = stats.t.interval(0.95, n_seeds - 1, np.mean(values), stats.sem(values))
        print(f"{name:42} {np.mean(values):.3f} ({low:.2f} to {high:.2f})")


if __name__ == "__main__":
    warnings.filterwarnings("ignore", category=UserWarning)
    main(int((sys.argv[1:] or [10])[0]))
