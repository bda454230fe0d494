"""Intervals and the corrected test, against scipy and numbers worked by hand."""

import itertools
from math import comb

import numpy as np
import pytest
from scipy.stats import binomtest, ttest_1samp

from skwater.metrics import (
    accuracy_interval,
    balanced_accuracy_interval,
    corrected_resampled_ttest,
)


@pytest.mark.parametrize("confidence", [0.9, 0.95])
@pytest.mark.parametrize(("k", "n"), [(0, 9), (9, 9), (9, 11), (1, 30), (21, 21)])
def test_exact_interval_is_that_of_clopper_and_pearson(k, n, confidence):
    expected = binomtest(k, n).proportion_ci(confidence, method="exact")
    assert accuracy_interval(k, n, confidence=confidence) == pytest.approx(tuple(expected))


def test_published_interval():
    assert accuracy_interval(9, 11) == pytest.approx((0.48, 0.98), abs=0.005)


def test_fraction_lies_between_its_neighbours():
    ends = np.array([accuracy_interval(k, 30) for k in (28, 28.9, 29)])
    assert (np.diff(ends, axis=0) > 0).all()


@pytest.mark.parametrize("p", [0.5, 0.7, 0.95])
def test_exact_interval_covers(p):
    n = 30
    ends = np.array([accuracy_interval(k, n) for k in range(n + 1)])
    hit = (ends[:, 0] <= p) & (p <= ends[:, 1])
    chances = [binomial(k, n, p) for k in range(n + 1)]
    assert np.dot(hit, chances) >= 0.95


def binomial(k, n, p):
    return comb(n, k) * p**k * (1 - p) ** (n - k)


@pytest.mark.parametrize("counts", [(12, 11), (-1, 11), (0, 0), (5, 11, 1.0)])
def test_impossible_counts(counts):
    with pytest.raises(ValueError, match=r"n_correct|'n'|confidence"):
        accuracy_interval(*counts[:2], **dict(zip(["confidence"], counts[2:], strict=False)))


def test_interval_of_one_class_is_the_exact_one():
    assert balanced_accuracy_interval([9], [11]) == pytest.approx(accuracy_interval(9, 11))


def test_balanced_interval_worked_by_hand():
    (l0, u0), (l1, u1) = accuracy_interval(20, 21), accuracy_interval(7, 9)
    p0, p1 = 20 / 21, 7 / 9
    low = (p0 + p1) / 2 - np.hypot(p0 - l0, p1 - l1) / 2
    high = (p0 + p1) / 2 + np.hypot(u0 - p0, u1 - p1) / 2
    assert balanced_accuracy_interval([20, 7], [21, 9]) == pytest.approx((low, high))


@pytest.mark.parametrize("recalls", [(0, 0), (1, 1), (1, 0), (0.5, 1)])
def test_balanced_interval_stays_within_0_and_1(recalls):
    low, high = balanced_accuracy_interval(np.multiply(recalls, [21, 9]), [21, 9])
    assert 0 <= low < np.mean(recalls) or low == np.mean(recalls) == 0
    assert 1 >= high > np.mean(recalls) or high == np.mean(recalls) == 1


@pytest.mark.parametrize("p", [(0.5, 0.5), (0.9, 0.7), (0.95, 0.95)])
def test_balanced_interval_covers(p):
    n = (21, 9)
    covered = 0
    for counts in itertools.product(range(22), range(10)):
        low, high = balanced_accuracy_interval(counts, n)
        if low <= np.mean(p) <= high:
            covered += np.prod([binomial(*kn, q) for *kn, q in zip(counts, n, p, strict=True)])
    assert covered >= 0.95


def test_counts_of_other_shapes():
    with pytest.raises(ValueError, match=r"got shapes \(2,\) and \(3,\)"):
        balanced_accuracy_interval([1, 2], [3, 3, 3])


def test_class_without_plants():
    with pytest.raises(ValueError, match="'n' parameter"):
        balanced_accuracy_interval([1, 0], [3, 0])


@pytest.fixture
def differences():
    return np.random.default_rng(0).normal(0.1, 0.2, size=12)


def test_without_test_plants_it_is_the_usual_t_test(differences):
    ours = corrected_resampled_ttest(differences, n_train=20, n_test=1e-12)
    usual = ttest_1samp(differences, 0)
    assert ours.pvalue == pytest.approx(usual.pvalue)
    assert (ours.low, ours.high) == pytest.approx(tuple(usual.confidence_interval()))


def test_correction_widens_the_interval(differences):
    usual = ttest_1samp(differences, 0).confidence_interval()
    ours = corrected_resampled_ttest(differences, n_train=20, n_test=10)
    assert ours.mean == pytest.approx(differences.mean())
    ratio = (ours.high - ours.low) / (usual.high - usual.low)
    assert ratio == pytest.approx(np.sqrt((1 / 12 + 1 / 2) / (1 / 12)))


def test_interval_and_p_agree(differences):
    p = corrected_resampled_ttest(differences, n_train=20, n_test=10).pvalue
    edge = corrected_resampled_ttest(differences, n_train=20, n_test=10, confidence=1 - p)
    assert edge.low == pytest.approx(0, abs=1e-9)


def test_sign_turns_with_the_models(differences):
    one = corrected_resampled_ttest(differences, n_train=20, n_test=10)
    other = corrected_resampled_ttest(-differences, n_train=20, n_test=10)
    assert (other.mean, other.low, other.high) == pytest.approx((-one.mean, -one.high, -one.low))
    assert other.pvalue == pytest.approx(one.pvalue)


@pytest.mark.parametrize("value", [0.5, 0.1, 1 / 3])
def test_equal_differences_claim_nothing(value):
    differences = np.full(10, value) + np.tile([0, 1e-16], 5)
    test = corrected_resampled_ttest(differences, n_train=20, n_test=10)
    assert test.mean == pytest.approx(value)
    assert np.isnan([test.low, test.high, test.pvalue]).all()


def test_models_that_do_not_differ():
    test = corrected_resampled_ttest(np.zeros(5), n_train=20, n_test=10)
    assert (test.mean, test.pvalue) == (0, 1)
    assert np.isnan([test.low, test.high]).all()


@pytest.mark.parametrize(
    ("differences", "message"),
    [([0.1], "minimum of 2"), ([0.1, np.nan], "NaN"), ([[0.1, 0.2]], "minimum of 2")],
)
def test_differences_that_say_nothing(differences, message):
    with pytest.raises(ValueError, match=message):
        corrected_resampled_ttest(differences, n_train=20, n_test=10)
