"""What bfloat16 does to accuracy: the same plants, folds and seeds in both precisions.

    python examples/benchmarks/score_precision.py --seeds 0 1 2 3 4

Simulated plants, 3 folds of whole plants; each seed draws plants, folds and first weights. Until
day 39 the task is hard, at the end of the season it is easy. For comparison the last column has
float32 once more, with other first weights. The real indicators are numbers, which are trained in
float32 whatever `precision` says.
"""

import argparse

import numpy as np
from sklearn.metrics import balanced_accuracy_score
from sklearn.model_selection import StratifiedKFold, cross_val_predict

from skwater import CNNLSTMClassifier, ConvLSTMClassifier
from skwater.datasets import make_water_stress

CONTENDERS = {
    "float32": {},
    "bfloat16": {"precision": "bfloat16"},
    "other weights": {"random_state": 1000},
}
N_FRAMES = {"until day 39": 10, "whole season": 16}


def probabilities(classifier, seed, n_frames, **params):
    """Truth, and the probability of stress for each plant by a network that has not seen it."""
    X, y = make_water_stress(random_state=seed, return_X_y=True)
    model = classifier(**{"random_state": seed, **params})
    folds = StratifiedKFold(3, shuffle=True, random_state=seed)
    p = cross_val_predict(model, X[:, :n_frames], y, cv=folds, method="predict_proba")
    return y, p[:, 1]


def report(name, results):
    """Print scores over seeds, and how far probabilities are from those of float32."""
    for contender in CONTENDERS:
        scores = [balanced_accuracy_score(y, p[contender] > 0.5) for y, p in results]
        away = np.array([np.abs(p[contender] - p["float32"]) for _, p in results])
        print(
            f"{name:34} {contender:14} balanced accuracy {np.mean(scores):.3f} "
            f"(sd {np.std(scores, ddof=1):.3f}), probabilities differ by {away.mean():.3f} on "
            f"average, {away.max():.3f} at most"
        )


def main():
    """Compare."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seeds", type=int, nargs="+", default=range(5))
    seeds = parser.parse_args().seeds
    for classifier in (ConvLSTMClassifier, CNNLSTMClassifier):
        for season, n_frames in N_FRAMES.items():
            results = []
            for seed in seeds:
                p = {}
                for contender, params in CONTENDERS.items():
                    y, p[contender] = probabilities(classifier, seed, n_frames, **params)
                results.append((y, p))
            report(f"{classifier.__name__}, {season}", results)


if __name__ == "__main__":
    main()
