"""The first frames of sequences, and what fitted estimators say after each of them."""

import numpy as np
from sklearn.pipeline import Pipeline
from sklearn.utils import get_tags

from ..sequences import is_lazy, missing_frames


def stages_of(estimator, X):
    """Stages of a fitted sequence classifier, or pipeline that ends in one; None without any."""
    *steps, last = (
        estimator.named_steps.values() if isinstance(estimator, Pipeline) else [estimator]
    )
    # The stages of boosting are trees. Only of an estimator of sequences are they frames.
    if not hasattr(last, "staged_predict_proba") or not get_tags(last).input_tags.three_d_array:
        return None
    if hasattr(last, "detect"):  # the labels of an EarlyDetector are not those of the probability
        return None
    steps = [s for s in steps if s not in (None, "passthrough") and not hasattr(s, "fit_resample")]
    transformed = _transform(steps, X)
    if transformed.shape[:2] != X.shape[:2] or not _is_causal(steps, X, transformed):
        return None
    return last.staged_predict_proba(transformed)


def _transform(steps, X):
    for step in steps:
        X = step.transform(X)
    return X


def _is_causal(steps, X, transformed):
    """Tell whether the steps give the first frames of a plant without looking at later ones."""
    if not steps:
        return True
    plant = np.arange(1)
    first = np.flatnonzero(~missing_frames(X[plant])[0])[0] + 1
    for t in range(first, X.shape[1]):
        try:
            alone = _transform(steps, first_frames(X[plant], t))
        except ValueError:  # a step that wants all frames
            return False
        if not np.array_equal(alone, transformed[plant][:, :t], equal_nan=True):
            return False
    return True


def first_frames(X, t):
    return X.take_frames(range(t)) if is_lazy(X) else X[:, :t]
