"""Which X is legal, for every estimator."""

import numpy as np
from sklearn.utils import check_array, check_consistent_length
from sklearn.utils.validation import _check_y, validate_data

from ._layout import LAYOUTS, as_array, check_layout, missing_in, more
from ._lazy import gather, is_lazy, n_base, used_frames


def check_sequences(estimator, X, y=None, *, reset):
    """Validate X, and y at fit, for an estimator.

    With ``reset=True`` (fit) the estimator learns what a sequence looks like. Afterwards frames
    must look the same, while fewer of them (a prefix of the season) are legal from three
    dimensions on. With two, where frames are plain features, scikit-learn's own rule stands.
    """
    X, y = _validate(estimator, X, y, reset)
    check_layout(X.shape)
    if reset:
        estimator.sequence_shape_ = X.shape[1:]
    else:
        _check_same_frames(X.shape, estimator.sequence_shape_)
    empty = np.flatnonzero(missing_frames(X).all(axis=1))
    if len(empty):
        raise ValueError(
            f"X has no frame at all in sample {empty[0]}{more(empty, 'samples')}: all of its "
            f"values are NaN. Leave it out."
        )
    return X, y


def _validate(estimator, X, y, reset):
    if is_lazy(X):
        if y is not None:
            check_consistent_length(X, y)
            y = _check_y(y, estimator=estimator)
        if X.dtype.kind not in "biuf":
            raise ValueError(f"X must hold real numbers, got dtype {X.dtype}.")
        if reset or X.ndim == 2:
            validate_data(estimator, X, reset=reset, skip_check_array=True)
        return X, y
    if isinstance(X, list | tuple):
        X = as_array(X)
    options = {"allow_nd": True, "ensure_all_finite": False}
    if not reset and getattr(X, "ndim", 2) > 2:  # validate_data would refuse a prefix of the season
        return check_array(X, estimator=estimator, input_name="X", **options), y
    if y is None:
        return validate_data(estimator, X, reset=reset, **options), y
    return validate_data(estimator, X, y, reset=reset, **options)


def _check_same_frames(shape, fitted):
    """Compare the shape of X with the (n_frames, ...) that an estimator was fitted on."""
    if len(shape) != len(fitted) + 1 or shape[2:] != fitted[1:]:
        raise ValueError(
            f"X has shape {shape}, but the estimator was fitted on sequences of shape {fitted}: "
            f"expected {LAYOUTS[len(fitted) + 1]} with the same frames."
        )
    if shape[1] > fitted[0]:
        raise ValueError(
            f"X has {shape[1]} frames in shape {shape}, but the estimator was fitted on "
            f"{fitted[0]} in sequences of shape {fitted}. Fewer frames are legal, more are not."
        )


def missing_frames(X):
    """Table (n_samples, n_frames) of the frames that are NaN throughout; other NaN is an error."""
    if X.dtype.kind != "f":  # whole numbers and paths cannot be NaN
        return np.zeros(X.shape[:2], dtype=bool)
    if is_lazy(X):
        missing = np.zeros((n_base(X), X.shape[1]), dtype=bool)
        for row, used in used_frames(X):
            missing[row, used] = X._missing(row, X.frames[used])
        return gather(missing, X.donors)
    missing = np.zeros(X.shape[:2], dtype=bool)
    for i, sequence in enumerate(X):  # one plant at a time: no mask of the whole series
        missing[i] = missing_in(sequence, f"sample {i}", range(len(sequence)))
    return missing
