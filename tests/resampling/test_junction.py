"""What happens to the values of a new sequence at a change of donor."""

import numpy as np
import pytest

from skwater import RSSResampler, SplicedSequences
from skwater.resampling._junction import continue_levels

X = np.array([[1.0, 2, 3, 4], [10, 30, 50, 70]])


def continued(X, donors, junction):
    return continue_levels(np.asarray(X), np.array([donors]), junction)[0].tolist()


def test_shift_adds_the_difference_of_the_levels():
    assert continued(X, [0, 0, 1, 1], "shift") == [1, 2, 22, 42]
    assert continued(X, [1, 1, 0, 0], "shift") == [10, 30, 31, 32]


def test_scale_multiplies_by_the_ratio_of_the_levels():
    assert continued(X, [0, 0, 1, 1], "scale") == pytest.approx([1, 2, 50 / 15, 70 / 15])
    assert continued(X, [1, 1, 0, 0], "scale") == pytest.approx([10, 30, 45, 60])


def test_each_piece_continues_from_the_level_that_is_reached():
    assert continued(X, [0, 1, 1, 0], "shift") == [1, 21, 41, 42]
    assert continued(X, [0, 1, 0, 1], "shift") == [1, 21, 22, 42]
    assert continued(X, [0, 1, 1, 0], "scale") == pytest.approx([1, 3, 5, 5 * 4 / 3])


def test_steps_within_a_piece_stay(make_sequences):
    Z = make_sequences(9, 7, ndim=3) + 5
    donors = np.array([[0, 0, 3, 3, 3, 8, 8], [1, 2, 2, 2, 4, 4, 4]])
    kept = np.diff(Z[donors, np.arange(7)], axis=1)
    shifted = np.diff(continue_levels(Z, donors, "shift"), axis=1)
    inside = np.diff(donors, axis=1) == 0
    assert np.allclose(shifted[inside], kept[inside], atol=1e-5)
    # At the junction it grows as the donor of the next frame did.
    expected = np.diff(Z, axis=1)[donors[:, 1:], np.arange(6)]
    assert np.allclose(shifted, expected, atol=1e-5)


def test_scale_keeps_the_growth_of_the_donor(make_sequences):
    Z = np.exp(make_sequences(9, 7, ndim=3, dtype="float64"))
    donors = np.array([[0, 0, 3, 3, 3, 8, 8], [1, 2, 2, 2, 4, 4, 4]])
    scaled = np.diff(np.log(continue_levels(Z, donors, "scale")), axis=1)
    assert np.allclose(scaled, np.diff(np.log(Z), axis=1)[donors[:, 1:], np.arange(6)])


def test_channels_are_continued_one_by_one():
    two = np.stack([X, -X[::-1]], axis=2)
    new = continue_levels(two, np.array([[0, 0, 1, 1]]), "shift")[0]
    assert new[:, 0].tolist() == [1, 2, 22, 42]
    assert new[:, 1].tolist() == [-10, -30, -31, -32]


@pytest.mark.parametrize(
    ("level", "donor_level", "expected"),
    [
        (0, 5, 7),  # a factor of zero would wipe out the rest
        (5, 0, 7),
        (0, 0, 7),
        (-5, 5, 7),  # a negative factor would turn it over
        (5, -5, 7),
        (-6, -3, 14),
        (1e300, 1e-300, 7),  # beyond what a float can hold
    ],
)
def test_scale_of_zero_and_negative_levels(level, donor_level, expected):
    Z = np.array([[level, 1.0], [donor_level, 7.0]])
    assert continued(Z, [0, 1], "scale") == [level, expected]


def test_scale_beyond_floats_leaves_the_piece():
    Z = np.array([[1e200, 1.0, 1.0], [1.0, 1e200, 3.0]])
    assert continued(Z, [0, 1, 1], "scale") == [1e200, 1e200, 3.0]


def test_level_is_that_of_the_last_frame_that_both_have():
    Z = X.copy()
    Z[0, 1] = np.nan  # then both have frame 0
    assert continued(Z, [0, 0, 1, 1], "shift")[2:] == [50 - 9, 70 - 9]
    Z = X.copy()
    Z[1, 1] = np.nan
    assert continued(Z, [0, 0, 1, 1], "shift") == [1, 2, 41, 61]
    assert continued(Z, [0, 0, 1, 1], "scale") == pytest.approx([1, 2, 5, 7])


@pytest.mark.parametrize("junction", ["shift", "scale"])
def test_no_common_frame_leaves_the_values(junction):
    Z = X.copy()
    Z[0, 1] = Z[1, 0] = np.nan
    new = continued(Z, [0, 0, 1, 1], junction)
    assert new[2:] == [50, 70]


@pytest.mark.parametrize("junction", ["shift", "scale"])
def test_missing_frames_stay_missing(junction):
    Z = np.stack([X, X + 1], axis=2)
    Z[1, 2] = np.nan
    new = continue_levels(Z, np.array([[0, 0, 1, 1]]), junction)[0]
    assert np.isnan(new).all(axis=1).tolist() == [False, False, True, False]


@pytest.mark.parametrize(
    ("dtype", "expected"),
    [
        ("uint8", "float32"),
        ("uint16", "float32"),
        ("int64", "float64"),
        ("bool", "float32"),
        ("float32", "float32"),
        ("float64", "float64"),
    ],
)
@pytest.mark.parametrize("junction", ["shift", "scale"])
def test_whole_numbers_become_floats(dtype, expected, junction):
    Z = np.random.default_rng(0).integers(1, 9, (8, 5, 2)).astype(dtype)
    y = [0] * 5 + [1] * 3
    new, _ = RSSResampler(junction=junction, onset=2, random_state=0).fit_resample(Z, y)
    assert new.dtype == expected
    assert np.array_equal(new[:8], Z)
    kept, _ = RSSResampler(onset=2, random_state=0).fit_resample(Z, y)
    assert kept.dtype == dtype


def test_unsigned_levels_do_not_wrap():
    Z = np.array([[1, 2, 3], [200, 100, 50]], dtype="uint8")
    assert continued(Z, [0, 0, 1], "shift") == [1, 2, -48]


@pytest.mark.parametrize("onset", [None, 3])
@pytest.mark.parametrize("junction", ["shift", "scale"])
@pytest.mark.parametrize("ndim", [2, 3])
def test_sampler_keeps_donors_and_originals(make_sequences, ndim, junction, onset):
    Z, y = make_sequences(12, 6, ndim=ndim) + 6, [0] * 8 + [1] * 4
    sampler = RSSResampler(20, junction=junction, onset=onset, random_state=0)
    new, _ = sampler.fit_resample(Z, y)
    kept = RSSResampler(20, onset=onset, random_state=0)
    kept.fit_resample(Z, y)
    assert np.array_equal(sampler.donors_, kept.donors_)
    assert new.shape == (40, *Z.shape[1:])
    assert np.array_equal(new[:12], Z)
    assert np.array_equal(new[12:], continue_levels(Z, sampler.donors_[12:], junction))


@pytest.mark.parametrize("ndim", [4, 5])
@pytest.mark.parametrize("junction", ["shift", "scale"])
def test_images_are_refused(make_sequences, ndim, junction):
    with pytest.raises(ValueError, match=r"X has images .*use junction='keep'"):
        RSSResampler(junction=junction).fit_resample(make_sequences(ndim=ndim), [0] * 5 + [1] * 3)


@pytest.mark.parametrize("what", ["lazy=True", "lazy X"])
def test_lazy_sequences_are_refused(make_sequences, what):
    Z = make_sequences(ndim=2)
    Z = SplicedSequences(Z) if what == "lazy X" else Z
    sampler = RSSResampler(junction="shift", lazy=what == "lazy=True")
    with pytest.raises(ValueError, match="lazy sequences are a table of donors"):
        sampler.fit_resample(Z, [0] * 5 + [1] * 3)


def test_paths_are_refused():
    paths = np.array([[f"{i}{t}.png" for t in range(3)] for i in range(5)])
    with pytest.raises(ValueError, match="needs numbers, got dtype <U6"):
        RSSResampler(junction="scale").fit_resample(paths, [0, 0, 0, 1, 1])


@pytest.mark.parametrize("junction", ["add", None, 1])
def test_unknown_junction(junction):
    with pytest.raises(ValueError, match="'junction' parameter"):
        RSSResampler(junction=junction).fit_resample(X, [0, 1])


def test_junction_of_one_frame():
    with pytest.warns(UserWarning, match="one frame cannot be spliced"):
        new, _ = RSSResampler(junction="scale").fit_resample(np.ones((5, 1)), [0, 0, 0, 1, 1])
    assert new.tolist() == [[1]] * 5
