"""Rows of the table, and the difference of two models."""

from itertools import product

import numpy as np
import pytest
from sklearn.metrics import balanced_accuracy_score

from skwater.evaluation._folds import Fold
from skwater.evaluation._outcomes import Outcome
from skwater.evaluation._scores import PERMUTATION, T_TEST, choose_test, compare, score
from skwater.evaluation._table import Fit
from skwater.metrics import accuracy_interval, balanced_accuracy_interval, corrected_resampled_ttest

Y = np.array([0] * 8 + [1] * 4)


def make_fits(*repeats, folds=3, model="m"):
    """Fits of a model that predicts these labels, in folds of every third plant."""
    fits = []
    for (number, labels), fold in product(enumerate(repeats), range(folds)):
        test = np.arange(fold, len(Y), folds)
        outcome = Outcome(np.asarray(labels)[test], None, None, np.array([0, 1]), {}, 1.0, 0.5)
        train = np.setdiff1d(np.arange(len(Y)), test)
        fits.append(Fit(model, Fold(number, fold, train, test, seed=0), outcome))
    return fits


def flip(*rows):
    predicted = Y.copy()
    predicted[list(rows)] ^= 1
    return predicted


PLANTS = np.arange(12)


def test_counts_are_means_over_repeats():
    row = score(make_fits(flip(0), flip(0, 1, 11)), Y, PLANTS, 1)
    assert row["n_correct"] == 10
    assert row["n_plants"] == 12
    assert (row["ci_low"], row["ci_high"]) == pytest.approx(accuracy_interval(10, 12))
    assert row["balanced_accuracy"] == pytest.approx(np.mean([7 / 8 / 2 + 0.5, 6 / 16 + 3 / 8]))
    ends = balanced_accuracy_interval([6.5, 3.5], [8, 4])
    assert (row["balanced_ci_low"], row["balanced_ci_high"]) == pytest.approx(ends)
    assert row["n_repeats"] == 2
    assert row["balanced_accuracy_sd"] > 0


def test_more_repeats_do_not_narrow_the_interval():
    one, ten = (score(make_fits(*[flip(0)] * n), Y, PLANTS, 1) for n in (1, 10))
    assert one["balanced_ci_low"] == pytest.approx(ten["balanced_ci_low"])
    assert one["ci_high"] == pytest.approx(ten["ci_high"])


def test_rows_of_a_plant_count_once_in_the_interval():
    row = score(make_fits(flip(0)), Y, np.arange(12) // 2, 1)
    assert row["n_plants"] == 6
    assert row["n_correct"] == pytest.approx(11 / 12 * 6)
    assert (row["ci_low"], row["ci_high"]) == pytest.approx(accuracy_interval(11 / 12 * 6, 6))


def test_a_plant_with_rows_of_both_classes_counts_once():
    row = score(make_fits(flip(0)), Y, np.arange(12) % 6, 1)
    assert row["n_plants"] == 6


def test_a_class_that_is_never_predicted_has_no_precision():
    row = score(make_fits(np.zeros(12, int)), Y, PLANTS, 1)
    assert np.isnan(row["precision"])
    assert row["recall"] == row["f1"] == 0


def test_a_plant_in_several_folds_counts_once():
    fits = make_fits(flip(0))
    again = make_fits(flip())[0]  # fold 0 once more, with plant 0 right
    extra = Fit("m", Fold(0, 3, again.fold.train, again.fold.test, 0), again.outcome)
    row = score([*fits, extra], Y, PLANTS, 1)
    assert row["accuracy"] == pytest.approx(11.5 / 12)
    assert row["n_correct"] == pytest.approx(11.5)


def test_redrawn_folds_are_compared_by_the_corrected_t_test():
    ours, theirs = make_fits(flip(0), flip(1)), make_fits(flip(0, 8, 9), flip(3, 10))
    assert choose_test(ours, Y, None, redrawn=True) == T_TEST
    found = compare(ours, theirs, Y, PLANTS, T_TEST, np.random.RandomState(0))
    differences = [
        balanced_accuracy_score(Y[a.fold.test], a.outcome.predicted)
        - balanced_accuracy_score(Y[b.fold.test], b.outcome.predicted)
        for a, b in zip(ours, theirs, strict=True)
    ]
    expected = corrected_resampled_ttest(differences, n_train=8, n_test=4)
    assert found["difference"] == pytest.approx(expected.mean)
    assert found["pvalue"] == pytest.approx(expected.pvalue)
    assert found["difference_high"] == pytest.approx(expected.high)


def test_same_folds_are_compared_by_exchanging_the_models():
    ours, theirs = make_fits(flip()), make_fits(flip(0, 8, 9))
    assert choose_test(ours, Y, None, redrawn=False) == PERMUTATION
    found = compare(ours, theirs, Y, PLANTS, PERMUTATION, np.random.RandomState(0))
    shares = np.array([1 / 16, 1 / 8, 1 / 8])
    sums = [abs(shares @ signs) for signs in product([-1, 1], repeat=3)]
    assert found["difference"] == pytest.approx(shares.sum())
    assert found["pvalue"] == pytest.approx(np.mean(np.array(sums) >= shares.sum() - 1e-12))
    assert found["difference_low"] < found["difference"] < found["difference_high"]


def test_whole_treatments_are_exchanged():
    ours, theirs = make_fits(flip()), make_fits(flip(8, 9, 10, 11))
    by_plant = compare(ours, theirs, Y, PLANTS, PERMUTATION, np.random.RandomState(0))
    by_treatment = compare(ours, theirs, Y, PLANTS // 4, PERMUTATION, np.random.RandomState(0))
    assert by_plant["pvalue"] == pytest.approx(2 / 2**4)
    assert by_treatment["pvalue"] == 1  # one treatment differs: both ways are as extreme


def test_equal_models():
    fits = make_fits(flip(0), flip(3))
    found = compare(fits, fits, Y, PLANTS, T_TEST, np.random.RandomState(0))
    assert found["difference"] == 0
    assert found["pvalue"] == 1


def test_a_constant_difference_has_no_pvalue():
    ours, theirs = make_fits(Y), make_fits(np.zeros(12, int))
    found = compare(ours, theirs, Y, PLANTS, T_TEST, np.random.RandomState(0))
    assert found["difference"] == pytest.approx(0.5)
    assert np.isnan(found["pvalue"])


def test_treatments_are_always_exchanged_whole():
    fits = make_fits(flip(0), flip(3))
    assert choose_test(fits, Y, PLANTS // 4, redrawn=True) == PERMUTATION


def test_one_fold_has_no_t_test():
    assert choose_test(make_fits(flip(0))[:1], Y, None, redrawn=True) == PERMUTATION


def test_many_plants_are_exchanged_at_random():
    y = np.arange(60) % 2

    def fits(right):
        outcome = Outcome(np.where(right, y, 1 - y), None, None, np.array([0, 1]), {}, 0, 0)
        return [Fit("m", Fold(0, 0, np.arange(0), np.arange(60), 0), outcome)]

    rng = np.random.default_rng(0)
    ours, theirs = fits(rng.random(60) < 0.5), fits(rng.random(60) < 0.5)
    found = compare(ours, theirs, y, np.arange(60), PERMUTATION, np.random.RandomState(0))
    assert 0.05 < found["pvalue"] <= 1
