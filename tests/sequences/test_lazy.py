"""Lazy sequences and splices."""

import pickle

import numpy as np
import pytest

from skwater import SplicedSequences
from skwater.sequences import (
    missing_frames,
)


def test_splices_inherit_missing_frames(base, donors):
    base[2, 0] = np.nan
    missing = missing_frames(SplicedSequences(base, donors))
    assert missing.any()
    assert np.array_equal(missing, missing_frames(base[donors, np.arange(5)]))


def test_spliced_looks_like_an_array(spliced):
    assert len(spliced) == 9
    assert spliced.shape == (9, 5, 4, 4, 3)
    assert spliced.ndim == 5
    assert spliced.dtype == np.float32
    assert repr(spliced) == "SplicedSequences(shape=(9, 5, 4, 4, 3), dtype=float32, n_base=6)"


@pytest.mark.parametrize("dtype", ["uint8", "float16", "U4", "object"])
def test_spliced_keeps_the_dtype(dtype, donors):
    base = np.arange(30).reshape(6, 5).astype(dtype)
    spliced = SplicedSequences(base, donors)
    assert spliced.dtype == base.dtype
    assert np.asarray(spliced).dtype == base.dtype
    assert np.array_equal(spliced, base[donors, np.arange(5)])


def test_array_has_frame_t_of_each_donor(spliced, base, donors):
    array = np.asarray(spliced)
    for row, row_donors in zip(array, donors, strict=True):
        for t, donor in enumerate(row_donors):
            assert np.array_equal(row[t], base[donor, t])


@pytest.mark.parametrize(
    "rows",
    [
        slice(2, 7, 2),
        slice(0, 0),
        [3, 3, 0],
        np.array([8, -1]),
        np.arange(9) % 2 == 0,
        (np.array([1, 2]), Ellipsis),
        [],
    ],
    ids=repr,
)
def test_rows_stay_lazy(spliced, rows):
    chosen = spliced[rows]
    assert isinstance(chosen, SplicedSequences)
    assert chosen.base is spliced.base
    assert np.array_equal(chosen, np.asarray(spliced)[rows])


@pytest.mark.parametrize("row", [0, -1, np.int64(4)])
def test_one_row_is_an_array(spliced, row):
    assert type(spliced[row]) is np.ndarray
    assert np.array_equal(spliced[row], np.asarray(spliced)[row])


def test_rows_can_be_walked_through(spliced):
    assert np.array_equal(np.stack(list(spliced)), spliced)


@pytest.mark.parametrize(
    ("index", "is_read"),
    [
        ((0, 0), True),
        ((-1, np.int64(3)), True),
        ((2, slice(1, 4)), True),
        ((slice(None), slice(4)), False),
        ((slice(None), slice(4), Ellipsis), False),
        (([3, 3, 0], slice(None, None, -2)), False),
        ((np.arange(9) % 2 == 0, slice(2, None)), False),
    ],
    ids=str,
)
def test_n13_frames_can_be_chosen(spliced, index, is_read):
    mapped = spliced.map_frames(np.negative, (4, 4, 3), "float32")
    for X, expected in (spliced, np.asarray(spliced)), (mapped, -np.asarray(spliced)):
        chosen = X[index]
        assert isinstance(chosen, np.ndarray if is_read else type(X))
        assert np.array_equal(chosen, expected[index])
        if not is_read:
            assert np.array_equal(chosen[0, 0], expected[index][0, 0])


@pytest.mark.parametrize(
    "index", [(0, [1, 2]), (slice(None), 0), ([0, 1], [0, 1]), (0, 0, 0), (Ellipsis, 0), Ellipsis]
)
def test_other_indices_are_refused(spliced, index):
    with pytest.raises(IndexError, match=r"takes X\[rows\], X\[row, frame\] and X\[rows, start"):
        spliced[index]


@pytest.mark.parametrize("index", [(9, 0), (0, 5)])
def test_frame_out_of_bounds(spliced, index):
    with pytest.raises(IndexError, match="out of bounds"):
        spliced[index]


def test_row_out_of_bounds(spliced):
    with pytest.raises(IndexError):
        spliced[9]


def test_array_of_another_dtype(spliced):
    assert np.asarray(spliced, dtype="float64").dtype == np.float64
    assert np.array_equal(np.asarray(spliced, dtype="float64"), np.asarray(spliced))


def test_array_is_always_a_copy(spliced, base):
    assert not np.shares_memory(np.asarray(spliced), base)
    assert np.array_equal(np.array(spliced, copy=True), np.asarray(spliced))
    with pytest.raises(ValueError, match="without a copy"):
        np.array(spliced, copy=False)


@pytest.mark.parametrize("take", [lambda X: X, lambda X: X[::-1]], ids=["all", "rows"])
def test_sequences_as_they_are(base, spliced, take):
    assert np.array_equal(take(SplicedSequences(base)), take(base))
    assert np.array_equal(take(SplicedSequences(spliced)), take(np.asarray(spliced)))


def test_pickle_keeps_the_base_once(spliced):
    many = spliced[np.arange(900) % 9]
    data = pickle.dumps(many)
    assert np.array_equal(pickle.loads(data), many)
    assert len(data) < many.base.nbytes + many.donors.nbytes + 2000


@pytest.mark.parametrize("dtype", ["uint8", "int64", "uint64"])
def test_distinct_frames_are_each_there_once(make_sequences, dtype):
    base = make_sequences(60, 5, ndim=3)  # 300 frames: more than a uint8 can number
    donors = np.random.default_rng(1).integers(50, 60, size=(40, 5)).astype(dtype)
    spliced = SplicedSequences(base, donors).take_frames([4, 0, 2])
    frames, table = spliced.distinct_frames()
    assert len(np.unique(frames, axis=0)) == len(frames) == 30
    assert np.array_equal(frames[table], spliced)


def test_splicing_splices(spliced):
    again = np.random.default_rng(2).integers(9, size=(4, 5))
    twice = SplicedSequences(spliced, again)
    assert twice.base is spliced.base
    assert np.array_equal(twice, np.asarray(spliced)[again, np.arange(5)])


@pytest.mark.parametrize(
    "donors", [np.zeros((3, 4), int), np.zeros(5, int), np.zeros((1, 5, 1), int)]
)
def test_donors_need_a_column_for_each_frame(base, donors):
    with pytest.raises(ValueError, match=r"donors must have shape \(n_samples, 5\).*got \("):
        SplicedSequences(base, donors)


def test_donors_must_be_integers(base):
    with pytest.raises(ValueError, match="donors must be integers, row numbers, got float64"):
        SplicedSequences(base, np.zeros((3, 5)))


@pytest.mark.parametrize(("donor", "found"), [(6, r"0\.\.6"), (-1, r"-1\.\.0")])
def test_donors_must_be_rows_of_the_base(base, donor, found):
    with pytest.raises(ValueError, match=rf"donors must lie in 0\.\.5.*got {found}"):
        SplicedSequences(base, [[0, 0, donor, 0, 0]])
