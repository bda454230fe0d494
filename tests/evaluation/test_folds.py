"""Folds: what is refused before anything is fitted, in words that help."""

import numpy as np
import pytest

from skwater.evaluation._folds import make_folds

PLANTS = np.arange(4)


@pytest.mark.parametrize("cv", [None, 3])
def test_n14_four_plants(cv):
    with pytest.raises(ValueError, match=r"^cv=3 is more .*: 2 plants per class\. Pass cv=2\.$"):
        make_folds(cv, None, np.array([0, 1, 0, 1]), PLANTS)
    folds, _ = make_folds(2, None, np.array([0, 1, 0, 1]), PLANTS, rng=0)
    assert len(folds) == 2


def test_n14_classes_of_different_size():
    y = np.array(["dry", "wet", "wet", "wet", "dry"])
    with pytest.raises(ValueError, match=r"2 of class dry, 3 of class wet\. Pass cv=2\."):
        make_folds(4, None, y, np.arange(5))
    with pytest.raises(ValueError, match="A class of one plant cannot be split"):
        make_folds(3, None, np.array([0, 1, 1]), np.arange(3))


def test_more_folds_than_the_smaller_class_has_plants():
    y = np.array([0, 0, 0, 1, 1])
    with pytest.warns(UserWarning, match="least populated class"):
        folds, _ = make_folds(3, None, y, np.arange(5), rng=0)
    assert sorted(np.concatenate([fold.test for fold in folds])) == list(range(5))


def test_rows_of_a_plant_are_not_counted_as_plants():
    y, plants = np.repeat([0, 1, 0, 1], 2), np.repeat(PLANTS, 2)
    with pytest.raises(ValueError, match="2 plants per class"):
        make_folds(5, None, y, plants)


def test_more_folds_than_plants_of_many_rows():
    """scikit-learn 1.8 left folds empty."""
    y, plants = np.tile([0, 1], 6), np.repeat([0, 1], 6)
    with pytest.raises(ValueError, match=r"2 plants per class\. Pass cv=2\.$"):
        make_folds(3, None, y, plants)
