"""Tables of donors: the row of a base that gives each frame."""

import numpy as np


def check_donors(donors, shape):
    """Return donors as an array, if all of them are rows of a base (n_base, n_frames)."""
    n_base, n_frames = shape
    donors = np.asarray(donors)
    if donors.dtype.kind not in "iu":
        raise ValueError(f"donors must be integers, row numbers, got {donors.dtype}.")
    if donors.ndim != 2 or donors.shape[1] != n_frames:
        raise ValueError(
            f"donors must have shape (n_samples, {n_frames}), one column for each frame of the "
            f"base, got {donors.shape}."
        )
    if donors.size and (donors.min() < 0 or donors.max() >= n_base):
        raise ValueError(
            f"donors must lie in 0..{n_base - 1}, the rows of the base, got "
            f"{donors.min()}..{donors.max()}."
        )
    return donors


def gather(X, donors):
    """Frame t of row i from frame t of ``X[donors[i, t]]``; `donors` may also be a single row."""
    return X[donors, np.arange(X.shape[1])]
