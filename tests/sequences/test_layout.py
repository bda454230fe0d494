"""Ranks, missing frames and days."""

import numpy as np
import pytest

from skwater.sequences import (
    as_frames,
    check_layout,
    frame_shape,
    missing_frames,
    onset_from_days,
)

RANKS = [2, 3, 4, 5]


@pytest.mark.parametrize(
    ("ndim", "frame"), [(2, (1, 1, 1)), (3, (1, 1, 3)), (4, (4, 4, 1)), (5, (4, 4, 3))]
)
def test_every_rank_has_five_axes(make_sequences, ndim, frame):
    X = make_sequences(2, 5, ndim=ndim)
    frames = as_frames(X)
    assert frame_shape(X) == frame
    assert frames.shape == (2, 5, *frame)
    assert np.shares_memory(frames, X)
    assert np.array_equal(frames.ravel(), X.ravel())


@pytest.mark.parametrize("shape", [(3,), (1, 2, 3, 4, 5, 6)])
def test_other_ranks_are_refused(shape):
    with pytest.raises(ValueError, match=r"X must have 2 to 5 dimensions.*got shape"):
        check_layout(shape)


@pytest.mark.parametrize("ndim", RANKS)
def test_frame_of_nan_is_missing(make_sequences, ndim):
    X = make_sequences(3, 5, ndim=ndim)
    expected = np.zeros((3, 5), dtype=bool)
    expected[[0, 2, 2], [4, 0, 1]] = True
    X[expected] = np.nan
    assert np.array_equal(missing_frames(X), expected)


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "int64", "bool"])
def test_integers_are_never_missing(make_sequences, dtype):
    assert not missing_frames(make_sequences(dtype=dtype)).any()


@pytest.mark.parametrize(("value", "what"), [(np.nan, "NaN"), (np.inf, "infinity")])
def test_partly_bad_frame_is_located(base, value, what):
    base[4, 2, 1:3, 0, 1] = value
    message = rf"{what} in sample 4, frame 2, channel 1; 2 such values there"
    with pytest.raises(ValueError, match=message):
        missing_frames(base)


@pytest.mark.parametrize(("ndim", "channel"), [(2, 0), (3, 2), (4, 0)])
def test_bad_channel_is_found_in_lower_ranks(make_sequences, ndim, channel):
    X = make_sequences(3, 5, ndim=ndim)
    X[(1, 3, *[-1] * (ndim - 2))] = np.inf
    with pytest.raises(ValueError, match=rf"sample 1, frame 3, channel {channel}; 1 such value"):
        missing_frames(X)


def test_frame_of_infinity_is_not_missing(base):
    base[0, 0] = -np.inf
    with pytest.raises(ValueError, match=r"infinity in sample 0, frame 0, channel 0; 48 such"):
        missing_frames(base)


def test_onset_from_days():
    assert onset_from_days([21, 25, 28, 32], 28) == 3  # on the day itself nothing can be seen
    assert onset_from_days([21, 25, 28, 32], 27.9) == 2
    assert onset_from_days([21, 25], 30) == 2
    assert onset_from_days([21, 25], 20) is None
    with pytest.raises(ValueError, match="strictly increasing"):
        onset_from_days([25, 21], 28)
    for onset_day in (np.nan, "28", None):
        with pytest.raises(ValueError, match="onset_day must be a finite number"):
            onset_from_days([21, 25], onset_day)
