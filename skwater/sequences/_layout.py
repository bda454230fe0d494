"""The layout of sequences: axes, frames, missing frames and days.

X is (n_samples, n_frames, height, width, n_channels), one row for each plant. Trailing axes are
left out if they are not needed. Nothing outside this package looks at ``X.ndim``.
"""

import math
from numbers import Real

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils import check_array, column_or_1d

LAYOUTS = {
    2: "(n_samples, n_frames)",
    3: "(n_samples, n_frames, n_channels)",
    4: "(n_samples, n_frames, height, width)",
    5: "(n_samples, n_frames, height, width, n_channels)",
}
_NESTED = list | tuple | np.ndarray
_LARGEST_EXACT = 2**53  # float64 has every integer up to here
_VALUES_AT_ONCE = 2**16  # more would leave the cache


def as_frames(X):
    """Return a view of the array X with all five axes."""
    n, t = X.shape[:2]
    return X.reshape(n, t, *frame_shape(X))


def frame_shape(X):
    """Return (height, width, n_channels) of the frames of X."""
    return frame_shape_of(X.shape[1:])


def frame_shape_of(sequence_shape):
    """Return (height, width, n_channels) of the frames of a sequence of shape (n_frames, ...)."""
    frame = tuple(sequence_shape[1:])
    return {0: (1, 1, 1), 1: (1, 1, *frame), 2: (*frame, 1)}.get(len(frame), frame)


def has_images(X):
    """Whether the frames of X are images, and not numbers or vectors."""
    return X.ndim > 3


def iter_sequences(X):
    """Yield the sequences of X one by one, lazy or not, as arrays (t, h, w, c)."""
    for i in range(len(X)):
        yield as_frames(np.asarray(X[i])[None])[0]


def check_layout(shape):
    """Refuse shapes that cannot be sequences, and those that look channels-first."""
    if len(shape) not in LAYOUTS:
        raise ValueError(
            f"X must have 2 to 5 dimensions, {LAYOUTS[5]} or fewer of the trailing ones, "
            f"got shape {tuple(shape)}."
        )
    if 0 in shape:
        raise ValueError(f"X must not be empty: expected {LAYOUTS[len(shape)]}, got {shape}.")
    if len(shape) == 5 and _looks_channels_first(*shape[2:]):
        raise ValueError(
            f"X looks channels-first: expected {LAYOUTS[5]}, got {shape}. Move the channels "
            f"to the end with numpy.moveaxis(X, 2, -1)."
        )


def _looks_channels_first(c, h, w):
    """Whether the last two axes look like an image, and the one before them like its channels.

    Read as channels-last they would be a strip of an image, with about as many channels as columns.
    Strips of a hyperspectral image, which have many more, such as (4, 6, 28), are legal.
    """
    short, long = sorted((h, w))
    if c >= short:
        return False
    if short >= 16 and (h == w or c in (3, 4)):
        return True
    return short >= 8 and c <= 5 and long <= 2 * short


def as_array(sequences):
    """Make an array of nested lists or arrays of objects, or say that they are ragged."""
    try:
        X = np.asarray(sequences)
        if X.dtype.kind == "O" and any(isinstance(cell, _NESTED) for cell in X.flat):
            return np.asarray(X.tolist())
    except ValueError as error:
        raise ValueError(
            "X is ragged: all sequences need the same number of frames and the same frame size. "
            "Enter a missing image as a frame of NaN."
        ) from error
    return X


def can_be_illegal(dtype):
    """Whether values of this dtype can be NaN, infinite or too large to become floats."""
    return dtype.kind == "f" or (dtype.kind in "iu" and dtype.itemsize == 8)


def rows_at_once(X, n_rows):
    """Yield slices of rows of X or its base to read together: images one by one, many vectors."""
    step = 1 if has_images(X) else max(1, _VALUES_AT_ONCE // math.prod(X.shape[1:]))
    for start in range(0, n_rows, step):
        yield slice(start, min(start + step, n_rows))


def are_legal(values):
    """Tell which values can become floats: those that are finite and not too large."""
    if values.dtype.kind != "f":
        return (values <= _LARGEST_EXACT) & (values >= -_LARGEST_EXACT)
    if values.dtype.itemsize <= 4:
        return np.isfinite(values)
    with np.errstate(over="ignore"):  # what float32 cannot hold becomes infinite
        return np.isfinite(values.astype(np.float32))


def missing_in(frames, rows, columns, of=""):
    """Tell for each frame whether it is all-NaN; refuse values that no estimator can use.

    Rows and columns say where each frame is, for the error; `of` says of what.
    """
    if not can_be_illegal(frames.dtype) or (legal := are_legal(frames)).all():
        return np.zeros(len(frames), dtype=bool)
    values = frames.reshape(len(frames), -1, frame_shape(frames[None])[-1])
    missing = np.isnan(values).all(axis=(1, 2))
    bad = ~legal.reshape(values.shape) & ~missing[:, None, None]
    if bad.any():
        frame, _, channel = np.argwhere(bad)[0]
        rows = np.broadcast_to(rows, len(frames))
        n_there = bad[rows == rows[frame]].sum()
        raise ValueError(
            _what_is_wrong(values[bad][0]).format(
                f"sample {rows[frame]}{of}, frame {columns[frame]}, channel {channel}; {n_there} "
                f"such {'value' if n_there == 1 else 'values'} there"
            )
        )
    return missing


def _what_is_wrong(value):
    """Text of an error, with a gap for the place of the value."""
    if value.dtype.kind in "iu":
        return (
            f"Input X contains integers too large for float64: {value} in {{}}. Beyond 2**53 they "
            f"would be rounded: subtract an offset from them first."
        )
    if np.isfinite(value):
        return (
            f"Input X contains values too large for float32: {value:.6g} in {{}}. Rescale them, or "
            f"enter a missing frame as NaN."
        )
    return (
        f"Input X contains NaN or infinity: {'NaN' if np.isnan(value) else 'infinity'} in {{}}. "
        f"Only an all-NaN frame counts as missing; infinity is never legal."
    )


def check_days(days, n_frames=None):
    """Return the days of the frames as floats; refuse those that do not strictly increase."""
    days = column_or_1d(check_array(days, dtype=np.float64, ensure_2d=False, input_name="days"))
    if n_frames is not None and len(days) != n_frames:
        raise ValueError(f"days must be one for each of the {n_frames} frames, got {len(days)}.")
    if (np.diff(days) <= 0).any():
        raise ValueError(f"days must be strictly increasing, got {days.tolist()}.")
    return days


def onset_from_days(days: ArrayLike, onset_day: float) -> int | None:
    """Count the frames that were taken before stress could begin, from the days of all frames.

    A frame taken on `onset_day` itself, the day of the last irrigation, still shows plants that
    are not stressed, and counts. The result is the `onset` of :class:`~skwater.RSSResampler` and
    of :func:`~skwater.evaluation.exchangeability_test`: no frames need to be counted by hand.

    It misleads if `days` are not those of the frames that the sampler sees: after a
    :class:`~skwater.preprocessing.FrameSampler` these are ``days[sampler.frames_]``.

    Parameters
    ----------
    days : array-like of shape (n_frames,)
        Day of each frame, strictly increasing.
    onset_day : float
        Day of the last irrigation, counted as `days` is.

    Returns
    -------
    int or None
        Number of frames up to and including that day. None if there is none: then no frame is
        known to show healthy plants, and splicing is plain.

    Raises
    ------
    ValueError
        If `days` are not strictly increasing numbers, or `onset_day` is not a finite number.

    Examples
    --------
    >>> from skwater.datasets import onset_from_days
    >>> onset_from_days([21, 25, 28, 32, 36], onset_day=28)
    3
    """
    days = check_days(days)
    if not (isinstance(onset_day, Real) and np.isfinite(onset_day)):
        raise ValueError(f"onset_day must be a finite number, got {onset_day!r}.")
    return int((days <= onset_day).sum()) or None


def more(found, noun):
    return f" and {len(found) - 1} more {noun}" if len(found) > 1 else ""
