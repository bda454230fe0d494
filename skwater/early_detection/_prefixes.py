"""What fitted estimators say after each frame of sequences."""

import numpy as np
from sklearn.pipeline import Pipeline

from ..sequences import missing_frames


def proba_over_time(estimator, X):
    """Probabilities (n_samples, n_frames, n_classes) of a fitted estimator after each frame.

    None if neither the estimator nor the last step of a pipeline has `predict_proba_over_time`, or
    if the steps before it need more than the frames so far.
    """
    *steps, last = (
        estimator.named_steps.values() if isinstance(estimator, Pipeline) else [estimator]
    )
    # The labels of an EarlyDetector are those of its alarms, not of its probabilities.
    if not hasattr(last, "predict_proba_over_time") or hasattr(last, "detect"):
        return None
    steps = [s for s in steps if s not in (None, "passthrough") and not hasattr(s, "fit_resample")]
    transformed = _transform(steps, X)
    if transformed.shape[:2] != X.shape[:2] or not _is_causal(steps, X, transformed):
        return None
    return last.predict_proba_over_time(transformed)


def _transform(steps, X):
    for step in steps:
        X = step.transform(X)
    return X


def _is_causal(steps, X, transformed):
    """Whether the steps give the first frames of a plant without looking at later ones."""
    if not steps:
        return True
    plant = np.arange(1)
    whole = np.asarray(transformed[plant])
    first = np.flatnonzero(~missing_frames(X[plant])[0])[0] + 1
    for t in range(first, X.shape[1]):
        try:
            alone = _transform(steps, X[plant][:, :t])
        except ValueError:  # a step that needs all frames
            return False
        if not np.array_equal(np.asarray(alone), whole[:, :t], equal_nan=True):
            return False
    return True
