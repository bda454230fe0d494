"""The sequence contract: ranks, missing frames, lazy splices, channel statistics."""

import pickle

import numpy as np
import pytest

from skwater import SplicedSequences
from skwater.model_selection._digests import frame_digests
from skwater.sequences import (
    as_frames,
    channel_statistics,
    check_layout,
    frame_shape,
    missing_frames,
    onset_from_days,
)

RANKS = [2, 3, 4, 5]


@pytest.fixture
def base(make_sequences):
    return make_sequences(6, 5, ndim=5)


@pytest.fixture
def donors():
    return np.random.default_rng(1).integers(6, size=(9, 5))


@pytest.fixture
def spliced(base, donors):
    return SplicedSequences(base, donors)


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


def test_splices_inherit_missing_frames(base, donors):
    base[2, 0] = np.nan
    missing = missing_frames(SplicedSequences(base, donors))
    assert missing.any()
    assert np.array_equal(missing, missing_frames(base[donors, np.arange(5)]))


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


def numpy_statistics(X):
    values = as_frames(np.asarray(X, dtype="float64"))
    return np.nanmean(values, axis=(0, 1, 2, 3)), np.nanstd(values, axis=(0, 1, 2, 3))


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32", "float64"])
@pytest.mark.parametrize("ndim", RANKS)
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


def test_fractions_of_few_pixels_are_no_proof():
    """Cover of a small photo takes few values, and plants have the same by chance."""
    cover = np.array([[0, 0, 1, 1, 2, 5, 9], [0, 0, 1, 1, 2, 6, 9], [0, 0, 1, 1, 2, 5, 8]]) / 256
    digests = [{digest for _, _, digest in frame_digests(cover, [i])} for i in range(3)]
    assert digests[0] & digests[1] == set()
    assert digests[0] & digests[2]  # six in a row, of which four differ


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
