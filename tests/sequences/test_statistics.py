"""Mean and standard deviation of channels."""

import numpy as np
import pytest

from skwater import SplicedSequences
from skwater.sequences import (
    as_frames,
    channel_statistics,
    missing_frames,
)


def numpy_statistics(X):
    values = as_frames(np.asarray(X, dtype="float64"))
    return np.nanmean(values, axis=(0, 1, 2, 3)), np.nanstd(values, axis=(0, 1, 2, 3))


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32", "float64"])
@pytest.mark.parametrize("ndim", [2, 3, 4, 5])
def test_statistics_are_those_of_numpy(make_sequences, donors, ndim, dtype):
    base = make_sequences(6, 5, ndim=ndim, dtype=dtype)
    for X in base, SplicedSequences(base, donors):
        rows = np.arange(len(X))
        np.testing.assert_allclose(channel_statistics(X, rows), numpy_statistics(X), rtol=1e-9)


@pytest.mark.parametrize("lazy", [False, True])
def test_statistics_of_some_rows_and_frames(base, donors, lazy):
    base[0, 0] = np.nan
    X = SplicedSequences(base, donors) if lazy else base
    rows = np.array([0, 1, 4])
    assert missing_frames(X[rows]).any()
    expected = numpy_statistics(X[rows])
    np.testing.assert_allclose(channel_statistics(X, rows), expected, rtol=1e-9)


@pytest.mark.parametrize("value", [0, 7, -1e-9, 1e9])
def test_constant_channel_has_unit_deviation(base, value):
    base = base.astype("float64")
    base[..., 1] = value
    mean, std = channel_statistics(base, np.arange(6))
    assert mean[1] == pytest.approx(value)
    assert std[1] == 1
    assert (std[[0, 2]] != 1).all()


def test_tiny_variation_is_not_constant(base):
    _, std = channel_statistics(1e-20 * base.astype("float64"), np.arange(6))
    assert (std < 1e-19).all()
