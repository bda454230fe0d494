"""What white balance gains if the light changes from image to image, on simulated plants.

    python examples/benchmarks/score_white_balance.py [n_seeds]

Images of 48 x 48 pixels get a factor for brightness (lognormal, 0.2) and one for each channel
(lognormal, 0.15), drawn for each plant and date. A card of 8 x 8 pixels lies in a corner, which
only the method of that name uses. "Plants that fill the image" are the central 16 x 16 pixels.
Printed: mean error of the canopy cover, and balanced accuracy of logistic regression on the cover
until day 39, whole treatments left out.
"""

import sys

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import balanced_accuracy_score
from sklearn.model_selection import StratifiedGroupKFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from skwater.datasets import make_water_stress
from skwater.preprocessing import CanopyCover, CenterCrop, WhiteBalance

CARD, GRAY = (0, 0, 8, 8), 120


def gray_world(X):
    reference = X.mean(axis=(2, 3), keepdims=True)
    return to_bytes(X * reference.mean(axis=-1, keepdims=True) / reference)


def to_bytes(X):
    return np.rint(X.clip(0, 255)).astype(np.uint8)


def draw_light(shape, rng):
    n, t = shape
    return rng.lognormal(0, 0.2, (n, t, 1, 1, 1)) * rng.lognormal(0, 0.15, (n, t, 1, 1, 3))


def score(balance, X, plants, seed):
    cover = make_pipeline(balance, CanopyCover()).fit_transform(X)
    model = make_pipeline(
        balance,
        CanopyCover(),
        StandardScaler(),
        LogisticRegression(max_iter=5000, class_weight="balanced"),
    )
    cv = StratifiedGroupKFold(3, shuffle=True, random_state=seed)
    until_day_39 = X[:, plants.days <= 39]
    predicted = cross_val_predict(
        model, until_day_39, plants.target, groups=plants.treatment, cv=cv
    )
    error = np.abs(cover - plants.cover).mean()
    return error, balanced_accuracy_score(plants.target, predicted)


def scores_of(seed):
    plants = make_water_stress(30, 16, 48, random_state=seed)
    constant = to_bytes(0.7 * plants.data)
    constant[:, :, :8, :8] = GRAY
    changing = to_bytes(constant * draw_light(constant.shape[:2], np.random.default_rng(seed)))
    as_it_is, gray = FunctionTransformer(), FunctionTransformer(gray_world)
    found = {"constant light": score(as_it_is, constant, plants, seed)}
    for name, balance in {
        "changing light": as_it_is,
        "gray world": gray,
        "WhiteBalance, background": WhiteBalance(),
        "WhiteBalance, card": WhiteBalance(reference=CARD),
    }.items():
        found[name] = score(balance, changing, plants, seed)
    crop = CenterCrop(16)
    constant, changing = crop.transform(constant), crop.transform(changing)
    plants.cover = CanopyCover().fit_transform(constant)
    for name, X, balance in [
        ("constant light", constant, as_it_is),
        ("changing light", changing, as_it_is),
        ("gray world", changing, gray),
        ("WhiteBalance, background", changing, WhiteBalance()),
    ]:
        found[f"fill the image: {name}"] = score(balance, X, plants, seed)
    return found


if __name__ == "__main__":
    n_seeds = int(sys.argv[1]) if len(sys.argv) > 1 else 12
    all_scores = [scores_of(seed) for seed in range(n_seeds)]
    print(f"{n_seeds} seeds{'':32}error of cover  balanced accuracy (standard error)")
    for name in all_scores[0]:
        error, accuracy = np.transpose([found[name] for found in all_scores])
        print(
            f"{name:45}{error.mean():7.3f}{accuracy.mean():14.2f} "
            f"({accuracy.std(ddof=1) / len(accuracy) ** 0.5:.2f})"
        )
