"""Digests of frames: equal for copies, and none of frames that are equal by chance."""

import numpy as np
import pytest

from skwater.model_selection._digests import frame_digests


def digests(X):
    return [(t, digest) for _, t, digest in frame_digests(X, range(len(X)))]


@pytest.mark.parametrize("ndim", [3, 4, 5])
def test_a_copied_image_has_the_same_digest(make_sequences, ndim):
    X = make_sequences(2, ndim=ndim, dtype="uint8")
    window = 2 if ndim == 3 else 1  # frames, so that there are six values
    assert len(set(digests(X))) == 2 * (X.shape[1] - window + 1)
    X[1, 2:4] = X[0, 2:4]
    same = set(digests(X[:1])) & set(digests(X[1:]))
    assert {t for t, _ in same} == ({2} if ndim == 3 else {2, 3})


def test_six_single_numbers_of_which_four_differ(make_sequences):
    X = make_sequences(1, 7, ndim=2)
    assert [t for t, _ in digests(X)] == [0, 1]
    assert digests(X[:, :5]) == []
    X[0, :4] = 1.0
    assert [t for t, _ in digests(X)] == [1]


@pytest.mark.parametrize("value", [0, np.nan])
def test_black_and_missing_frames_have_none(make_sequences, value):
    X = make_sequences(1, 5)
    X[0, 2] = value
    assert [t for t, _ in digests(X)] == [0, 1, 3, 4]


def test_fractions_of_few_pixels_are_no_proof():
    """Cover of a small photo takes few values, and plants have the same by chance."""
    cover = np.array([[0, 0, 1, 1, 2, 5, 9], [0, 0, 1, 1, 2, 6, 9], [0, 0, 1, 1, 2, 5, 8]]) / 256
    digests = [{digest for _, _, digest in frame_digests(cover, [i])} for i in range(3)]
    assert digests[0] & digests[1] == set()
    assert digests[0] & digests[2]  # six in a row, of which four differ
