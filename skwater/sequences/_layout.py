"""The layout of sequences: axes, frames, missing frames and days.

X is (n_samples, n_frames, height, width, n_channels), one row a plant. Trailing axes are left out
if they are not needed. Nothing outside this package looks at ``X.ndim``.
"""

from numbers import Real

import numpy as np
from sklearn.utils import check_array, column_or_1d

LAYOUTS = {
    2: "(n_samples, n_frames)",
    3: "(n_samples, n_frames, n_channels)",
    4: "(n_samples, n_frames, height, width)",
    5: "(n_samples, n_frames, height, width, n_channels)",
}


def as_frames(X):
    """A view of the array X with all five axes."""
    n, t = X.shape[:2]
    return X.reshape(n, t, *frame_shape(X))


def frame_shape(X):
    """Return (height, width, n_channels) of the frames of X."""
    return {2: (1, 1, 1), 3: (1, 1, *X.shape[2:]), 4: (*X.shape[2:], 1)}.get(X.ndim, X.shape[2:])


def check_layout(shape):
    """Refuse shapes that cannot be sequences, and those that look channels-first."""
    if len(shape) not in LAYOUTS:
        raise ValueError(
            f"X must have 2 to 5 dimensions, (n_samples, n_frames, height, width, n_channels) or "
            f"fewer of the trailing ones, got shape {shape}."
        )
    if 0 in shape:
        raise ValueError(f"X must not be empty: expected {LAYOUTS[len(shape)]}, got {shape}.")
    if len(shape) == 5:
        c, h, w = shape[2:]
        if c < min(h, w) >= 16 and (h == w or c in (3, 4)):
            raise ValueError(
                f"X looks channels-first: expected {LAYOUTS[5]}, got {shape}. Move the channels "
                f"to the end with numpy.moveaxis(X, 2, -1)."
            )


def as_array(sequences):
    """Make an array of nested lists, or say that they are ragged."""
    try:
        return np.asarray(sequences)
    except ValueError as error:
        raise ValueError(
            "X is ragged: all sequences need the same number of frames and the same frame size. "
            "Enter a missing photo as a frame of NaN."
        ) from error


def missing_in(sequence, name, positions):
    """Tell for each frame whether it is NaN throughout; name one that is NaN in part."""
    if sequence.dtype.kind != "f" or (finite := np.isfinite(sequence)).all():
        return np.zeros(len(sequence), dtype=bool)
    values = sequence.reshape(len(sequence), -1, frame_shape(sequence[None])[-1])
    finite = finite.reshape(values.shape)
    missing = np.isnan(values).all(axis=(1, 2))
    bad = ~finite & ~missing[:, None, None]
    if bad.any():
        frame, _, channel = np.argwhere(bad)[0]
        what = "NaN" if np.isnan(values[bad][0]) else "infinity"
        raise ValueError(
            f"Input X contains NaN or infinity: {what} in {name}, frame {positions[frame]}, "
            f"channel {channel}; {bad.sum()} such values there. Only a frame that is NaN "
            f"throughout counts as missing; inf is never legal."
        )
    return missing


def check_days(days, n_frames=None):
    """Days of the frames as an array of floats, strictly increasing, or say what is wrong."""
    days = column_or_1d(check_array(days, dtype=np.float64, ensure_2d=False, input_name="days"))
    if n_frames is not None and len(days) != n_frames:
        raise ValueError(f"days must be one for each of the {n_frames} frames, got {len(days)}.")
    if (np.diff(days) <= 0).any():
        raise ValueError(f"days must be strictly increasing, got {days.tolist()}.")
    return days


def onset_from_days(days, onset_day):
    """Count the frames that were taken before stress could begin, from the days of all frames.

    A frame taken on `onset_day` itself, the day of the last irrigation, still shows plants that
    are not stressed, and counts. The result is the `onset` of :class:`~skwater.RSSResampler` and
    of :func:`~skwater.evaluation.exchangeability_test`, so that nobody counts frames by hand.

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
