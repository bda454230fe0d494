"""The gather: frame t of a new sequence is frame t of its donor."""

import numpy as np
import pytest

from skwater import SplicedSequences
from skwater.resampling import splice


@pytest.mark.parametrize("shape", [(3, 2, 4), (2, 4), (2, 4, 2, 2, 3)])
def test_splice_is_a_gather(shape):
    X = np.arange(np.prod(shape)).reshape(shape)
    donors = np.random.default_rng(0).integers(shape[0], size=(6, shape[1]))
    expected = [[X[i, t] for t, i in enumerate(row)] for row in donors]
    assert np.array_equal(splice(X, donors), expected)
    lazy = splice(SplicedSequences(X), donors)
    assert isinstance(lazy, SplicedSequences)
    assert np.array_equal(lazy, expected)


def test_splice_takes_lists():
    assert splice([[1, 2], [3, 4]], [[0, 1]]).tolist() == [[1, 4]]


@pytest.mark.parametrize(
    ("donors", "message"), [([[0, 0]], "one column for each frame"), ([[0, 0, 9]], r"0\.\.1")]
)
def test_splice_refuses_other_tables(donors, message):
    with pytest.raises(ValueError, match=message):
        splice(np.zeros((2, 3)), donors)
