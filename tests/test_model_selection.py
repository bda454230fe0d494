"""The leakage check: what it finds, and what it lets pass."""

import numpy as np
import pytest

from skwater import RSSResampler
from skwater.model_selection import check_no_leakage

TRAIN, TEST = np.arange(6), np.arange(6, 8)


@pytest.fixture
def plants(make_sequences):
    return make_sequences(), np.arange(8)


@pytest.mark.parametrize("ndim", [2, 3, 4, 5])
def test_plants_apart_pass(make_sequences, ndim):
    check_no_leakage(TRAIN, TEST, np.arange(8), make_sequences(ndim=ndim))


def test_row_12_plants_on_both_sides_are_named():
    groups = ["a", "b", "c", "d", "e", "f", "b", "f"]
    with pytest.raises(ValueError, match="Plants on both sides of the split: b, f"):
        check_no_leakage(TRAIN, TEST, groups)


def test_many_plants_are_counted():
    with pytest.raises(ValueError, match="0, 1, 2, 3, 4 and 3 more"):
        check_no_leakage(range(8), range(8), np.arange(8))


@pytest.mark.parametrize("lazy", [False, True])
def test_splices_made_before_the_split_are_found(plants, lazy):
    X, plant = plants
    X, _ = RSSResampler(8, lazy=lazy, random_state=0).fit_resample(X, plant % 2)
    found = "Donors on both sides" if lazy else "Frames on both sides"
    with pytest.raises(ValueError, match=found):
        check_no_leakage(np.arange(8, 16), np.arange(8), np.arange(16), X)


def test_lazy_splices_of_the_training_plants_pass(plants):
    X, plant = plants
    spliced, _ = RSSResampler(6, lazy=True, random_state=0).fit_resample(X[TRAIN], plant[TRAIN] % 2)
    half = np.flatnonzero(~np.isin(spliced.donors, [0, 1]).any(axis=1))
    rest = np.flatnonzero(np.isin(spliced.donors, [0, 1]).all(axis=1))
    check_no_leakage(half, rest, np.arange(len(spliced)), spliced)


def test_one_copied_photo_is_located(plants):
    X, plant = plants
    X[7, 3] = X[2, 3]
    with pytest.raises(ValueError, match="from 3 on of sample 7, tested, and sample 2, trained on"):
        check_no_leakage(TRAIN, TEST, plant, X)


def test_black_and_missing_frames_are_alike_by_themselves(plants):
    X, plant = plants
    X[:, 0], X[:, 1] = 0, np.nan
    check_no_leakage(TRAIN, TEST, plant, X)


def test_groups_of_another_length(plants):
    X, plant = plants
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        check_no_leakage([0], [1], plant[:7], X)
