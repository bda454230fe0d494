"""How the values of a spliced sequence continue after a change of donor."""

import numpy as np

from ..sequences import as_frames, frame_shape


def check_junction(junction, X, lazy):
    """Refuse data whose level cannot be continued."""
    if junction == "keep":
        return
    if lazy:
        raise ValueError(
            f"junction={junction!r} changes values, and lazy sequences are a table of donors only: "
            f"use lazy=False or junction='keep'."
        )
    if X.dtype.kind not in "biuf":
        raise ValueError(f"junction={junction!r} needs numbers, got dtype {X.dtype}.")
    if frame_shape(X)[:2] != (1, 1):
        raise ValueError(
            f"junction={junction!r} continues the level of numbers and vectors, but X has images "
            f"(shape {X.shape}): use junction='keep'."
        )


def continue_levels(X, donors, junction):
    """Splice numbers or vectors so that each piece starts at the level where the last one ended.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_frames[, n_channels])
        Sequences of numbers or vectors.
    donors : ndarray of shape (n_new, n_frames), dtype int
        The row of `X` that gives each frame.
    junction : {"shift", "scale"}
        "shift" adds to each channel of a piece the difference, "scale" multiplies it by the ratio,
        of the two levels: that of the new sequence and that of the piece's donor, both at the last
        frame before the junction that both have. A channel stays as it is if there is no such
        frame, or, for "scale", if the levels are not both positive or both negative.

    Returns
    -------
    ndarray of shape (n_new, n_frames[, n_channels]), dtype float
        The new sequences.
    """
    dtype = np.result_type(X.dtype, np.float32)
    values = as_frames(X)[:, :, 0, 0].astype(dtype)
    present = ~np.isnan(values).all(axis=2)
    new = values[donors, np.arange(X.shape[1])]
    for row, row_donors in zip(new, donors, strict=True):
        for t in np.flatnonzero(np.diff(row_donors)) + 1:
            donor = row_donors[t]
            both = np.flatnonzero(~np.isnan(row[:t]).all(axis=1) & present[donor, :t])
            if len(both):
                end = t + np.argmax(np.append(row_donors[t:] != donor, True))
                levels = row[both[-1]], values[donor, both[-1]]
                row[t:end] = _continue(row[t:end], *levels, junction)
    return new.reshape(len(donors), *X.shape[1:])


def _continue(piece, level, donor_level, junction):
    if junction == "shift":
        return piece + (level - donor_level)
    with np.errstate(all="ignore"):
        ratio = level / donor_level
        scaled = piece * ratio
    usable = (ratio > 0) & np.isfinite(ratio) & ~np.isinf(scaled).any(axis=0)
    return np.where(usable, scaled, piece)
