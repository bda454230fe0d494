"""Mean and standard deviation of the channels of sequences."""

import numpy as np

from ._layout import as_frames, frame_shape, missing_in, rows_at_once
from ._lazy import SplicedSequences, is_lazy, n_base


def channel_statistics(X, rows):
    """Return mean and standard deviation of each channel over the frames of some rows of X.

    Missing frames are left out. A constant channel gets the standard deviation 1, so that dividing
    by it is safe. Each distinct frame is read once, a few plants at a time, and weighted by how
    often it is used.
    """
    X = X[rows] if is_lazy(X) else SplicedSequences(X)[rows]
    n, n_frames = n_base(X), X.shape[1]
    places = X.donors * n_frames + np.arange(n_frames)
    weights = np.bincount(places.ravel(), minlength=n * n_frames).reshape(n, n_frames)
    h, w, n_channels = frame_shape(X)
    means = np.zeros((n, n_frames, n_channels))
    is_vector = (h, w) == (1, 1)
    variances = None if is_vector else np.zeros_like(means)
    for some in rows_at_once(X, len(weights)):
        i, t = np.nonzero(weights[some])
        if not len(i):
            continue
        i += some.start
        frames = as_frames(X._read(i, X.frames[t])[None])[0]
        missing = missing_in(frames, i, X.frames[t])
        weights[i[missing], t[missing]] = 0
        i, t, frames = i[~missing], t[~missing], frames[~missing]
        if is_vector:
            means[i, t] = frames[:, 0, 0]
            continue
        means[i, t] = frames.mean(axis=(1, 2), dtype=np.float64)
        variances[i, t] = frames.var(axis=(1, 2), dtype=np.float64)
    weights = weights / weights.sum()
    mean = np.einsum("nt,ntc->c", weights, means)
    squares = np.square(np.subtract(means, mean, out=means), out=means)  # fresh memory takes longer
    if not is_vector:
        squares += variances
    std = np.sqrt(np.einsum("nt,ntc->c", weights, squares))
    constant = std <= 1e-12 * np.abs(mean)
    return mean, np.where(constant, 1.0, std)
