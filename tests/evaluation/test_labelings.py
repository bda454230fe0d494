"""Labelings: all of them once, or as many as are drawn, the true one first."""

from itertools import permutations

import numpy as np
import pytest

from skwater.evaluation._labelings import find_labelings


@pytest.mark.parametrize("labels", [[0, 0, 1, 1], ["a", "b", "c"], [1, 1, 1, 0, 2]])
def test_every_labeling_once(labels):
    y = np.array(labels)
    labelings = find_labelings(y, np.arange(len(y)))
    found = [tuple(of) for of in labelings.generate(1000, None)]
    assert found[0] == tuple(y)
    assert len(found) == labelings.count
    assert set(found) == set(permutations(y))


def test_drawn_labelings_follow_the_true_one():
    y = np.repeat([0, 1], 10)
    labelings = find_labelings(y, np.arange(20))
    found = list(labelings.generate(30, np.random.RandomState(0)))
    assert labelings.count == 184_756
    assert len(found) == 31
    assert np.array_equal(found[0], y)
    assert all(of.sum() == 10 for of in found)
    assert labelings.smallest_pvalue(30) == 1 / 31


def test_rows_of_a_treatment_have_one_label():
    y, trays = np.repeat([0, 1, 1], 2), np.repeat([5, 3, 4], 2)
    labelings = find_labelings(y, np.arange(6), trays)
    assert all((of[::2] == of[1::2]).all() for of in labelings.generate(10, None))
    assert labelings.count == 3


def test_strata_keep_their_labels():
    y, strata = np.array([0, 1, 1, 1]), np.array(["a", "a", "b", "b"])
    labelings = find_labelings(y, np.arange(4), strata=strata)
    assert [of.tolist() for of in labelings.generate(10, None)] == [[0, 1, 1, 1], [1, 0, 1, 1]]
