"""What a fitted model loses if a date, or a region of the images, is hidden from it."""

import numpy as np
from sklearn import get_config
from sklearn.utils import gen_batches

from ..sequences import as_frames, frame_shape, iter_sequences, missing_frames


def occlude_dates(estimator, X, y):
    """Fall in the probability of each plant's class if each of its frames is missing.

    Returns the falls (n_samples, n_frames), NaN if the plant lacks the frame or has no other, and
    the probabilities (n_samples,) of the complete plants.
    """
    if X.shape[1] < 2:
        raise ValueError("X has only one frame: if it is hidden, nothing is left to predict from.")
    present = ~missing_frames(X)
    can_miss = present & (present.sum(axis=1, keepdims=True) > 1)
    falls = np.full(present.shape, np.nan)
    complete = np.empty(len(X))
    for rows, x, before in _batches(estimator, X, y):
        complete[rows] = before
        for t in range(X.shape[1]):
            chosen = np.flatnonzero(can_miss[rows, t])
            if len(chosen) == 0:
                continue
            occluded = x[chosen]
            occluded[:, t] = np.nan
            try:
                after = probability_of_class(estimator, occluded, y[rows][chosen])
            except ValueError as error:
                raise ValueError(
                    f"{type(estimator).__name__} fails if frame {t} is missing (all-NaN). Put an "
                    f"imputer before it, or use a classifier that accepts missing frames."
                ) from error
            falls[rows.start + chosen, t] = before[chosen] - after
    return falls, complete


def occlude_regions(estimator, X, y, grid, mean):
    """Fall in the probability of each plant's class if each region is that of the mean plant.

    Returns (n_samples, n_rows, n_columns). `mean` is (n_frames, height, width, n_channels).
    Missing frames stay missing.
    """
    height, width, _ = frame_shape(X)
    rows_of, columns_of = _edges(height, grid[0]), _edges(width, grid[1])
    falls = np.empty((len(X), *grid))
    for rows, x, before in _batches(estimator, X, y):
        for i, j in np.ndindex(*grid):
            occluded = x.copy()
            region = np.s_[..., rows_of[i] : rows_of[i + 1], columns_of[j] : columns_of[j + 1], :]
            part = as_frames(occluded)[region]
            part[:] = np.where(np.isnan(part), np.nan, mean[region])
            falls[rows, i, j] = before - probability_of_class(estimator, occluded, y[rows])
    return falls


def mean_frames(X):
    """Mean over the plants that have the frame, (n_frames, height, width, n_channels)."""
    present = ~missing_frames(X)
    total = np.zeros((X.shape[1], *frame_shape(X)))
    for sequence, frames in zip(iter_sequences(X), present, strict=True):
        total[frames] += sequence[frames]
    counts = present.sum(axis=0)[:, None, None, None]
    return np.divide(total, counts, out=np.full_like(total, np.nan), where=counts > 0)


def balanced_mean(values, y):
    """Mean over plants in each class, then over classes, and its standard error over plants."""
    classes = np.unique(y)
    by_class = [np.ma.masked_invalid(values[y == label]) for label in classes]
    mean = sum(v.mean(axis=0) for v in by_class) / len(classes)
    variance = sum(v.var(axis=0, ddof=1) / v.count(axis=0) for v in by_class)
    error = np.ma.sqrt(variance) / len(classes)
    return np.ma.filled(mean, np.nan), np.ma.filled(error, np.nan)


def probability_of_class(estimator, X, y):
    """Probability that the estimator gives to the class y of each plant."""
    classes = list(estimator.classes_)
    columns = [classes.index(label) for label in y]
    return estimator.predict_proba(X)[np.arange(len(y)), columns]


def _batches(estimator, X, y):
    """Batches of plants: their rows, their values as floats, the probability of their class."""
    unknown = np.setdiff1d(y, estimator.classes_)
    if len(unknown):
        raise ValueError(
            f"y has the class {unknown[0]}, which the estimator does not know; it knows "
            f"{', '.join(map(str, estimator.classes_))}."
        )
    dtype = np.result_type(X.dtype, np.float32)  # integers cannot be NaN
    row_bytes = dtype.itemsize * int(np.prod(X.shape[1:]))
    n_rows = max(1, int(get_config()["working_memory"] * 2**20) // row_bytes)
    for rows in gen_batches(len(X), n_rows):
        x = np.asarray(X[rows]).astype(dtype)
        yield rows, x, probability_of_class(estimator, x, y[rows])


def _edges(length, n_parts):
    return np.linspace(0, length, n_parts + 1).round().astype(int)
