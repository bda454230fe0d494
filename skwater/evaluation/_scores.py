"""From the predictions of a model on all folds to a row of the table."""

import numpy as np
from sklearn.metrics import (
    accuracy_score,
    balanced_accuracy_score,
    brier_score_loss,
    f1_score,
    precision_score,
    recall_score,
    roc_auc_score,
)

from ..metrics import accuracy_interval, balanced_accuracy_interval, corrected_resampled_ttest

_MAX_EXACT = 2**14  # sign flips, up to which all are tried
_N_RANDOM = 10_000  # otherwise

T_TEST = "corrected resampled t-test"
PERMUTATION = "paired permutation"


def score(fits, y, groups, pos_label):
    """Score one model by itself, as a row of the table.

    Every repeat is scored on the predictions of all of its folds together, because a fold of one
    treatment has one class only. Counts are means over repeats: repeats do not make more plants.

    Parameters
    ----------
    fits : list of Fit
        All folds of one repeat or more.
    y, groups : ndarray of shape (n_samples,)
        True labels, and plants.
    pos_label : object
        The stressed class, or None for the mean over all classes.

    Returns
    -------
    dict of str to float
        The columns from "accuracy" to "predict_time".
    """
    by_repeat = {}
    for fit in fits:
        by_repeat.setdefault(fit.fold.repeat, []).append(fit)
    repeats = [_score_repeat(of_repeat, y, pos_label) for of_repeat in by_repeat.values()]
    row = {name: float(np.mean([r[name] for r in repeats])) for name in repeats[0]}
    correct, tested = rows_correct(fits, y)
    of_class = [tested & (y == label) for label in np.unique(y[tested])]
    # A plant counts once, however many rows it has.
    n_of_class = np.array([count_plants(groups[rows]) for rows in of_class])
    recalls = np.array([correct[rows].mean() for rows in of_class])
    n_plants = count_plants(groups[tested])
    n_correct = float(correct[tested].mean() * n_plants)
    low, high = accuracy_interval(n_correct, n_plants)
    balanced_low, balanced_high = balanced_accuracy_interval(recalls * n_of_class, n_of_class)
    spread = [r["balanced_accuracy"] for r in repeats]
    return row | {
        "n_correct": n_correct,
        "n_plants": n_plants,
        "ci_low": low,
        "ci_high": high,
        "balanced_ci_low": balanced_low,
        "balanced_ci_high": balanced_high,
        "balanced_accuracy_sd": float(np.std(spread, ddof=1)) if len(spread) > 1 else np.nan,
        "n_repeats": len(repeats),
        "fit_time": float(np.median([fit.outcome.fit_time for fit in fits])),
        "predict_time": float(np.median([fit.outcome.predict_time for fit in fits])),
    }


def _score_repeat(fits, y, pos_label):
    rows = np.concatenate([fit.fold.test for fit in fits])
    predicted = np.concatenate([fit.outcome.predicted for fit in fits])
    # A plant that is tested in several folds counts once.
    weights = 1 / np.bincount(rows)[rows]
    true, classes = y[rows], fits[0].outcome.classes
    # The macro average over one class is that class.
    scored = classes.tolist() if pos_label is None else [pos_label]
    macro = {"labels": scored, "average": "macro", "sample_weight": weights}
    row = {
        "accuracy": accuracy_score(true, predicted, sample_weight=weights),
        "balanced_accuracy": balanced_accuracy_score(true, predicted, sample_weight=weights),
        # The precision of a class that is never predicted is unknown.
        "precision": precision_score(true, predicted, zero_division=np.nan, **macro),
        "recall": recall_score(true, predicted, **macro),
        "f1": f1_score(true, predicted, zero_division=0, **macro),
        "roc_auc": np.nan,
        "brier": np.nan,
    }
    evidence = {label: [_evidence(fit.outcome, label) for fit in fits] for label in scored}
    if all(values is not None for of_label in evidence.values() for values in of_label):
        of_each = [(true == label, np.concatenate(of)) for label, of in evidence.items()]
        row["roc_auc"] = np.mean([roc_auc_score(*e, sample_weight=weights) for e in of_each])
        if fits[0].outcome.proba is not None:
            briers = [brier_score_loss(*e, sample_weight=weights) for e in of_each]
            # Half of the sum over classes, from 0 to 1, which for two classes is that of either.
            row["brier"] = np.sum(briers) / (2 if pos_label is None else 1)
    return row


def _evidence(outcome, pos_label):
    """Probability of the stressed class, or a number that grows with it."""
    column = np.flatnonzero(outcome.classes == pos_label)[0]
    if outcome.proba is not None:
        return outcome.proba[:, column]
    if outcome.decision is not None and len(outcome.decision.shape) == 1:
        return outcome.decision if column == 1 else -outcome.decision
    return None if outcome.decision is None else outcome.decision[:, column]


def count_plants(groups):
    """Number of different groups."""
    return len(np.unique(groups))


def rows_correct(fits, y):
    """How often each row is classified correctly, from 0 to 1, and which rows were tested."""
    correct, times = np.zeros(len(y)), np.zeros(len(y))
    for fit in fits:
        test = fit.fold.test
        correct[test] += fit.outcome.predicted == y[test]
        times[test] += 1
    tested = times > 0
    return np.where(tested, correct / np.maximum(times, 1), 0), tested


def choose_test(fits, y, treatments, redrawn):
    """Name the test of differences that is valid for a protocol.

    The corrected resampled t-test is for folds that are drawn anew for each repeat, hold all
    classes, and are of independent plants. In all other protocols the outcomes of two models are
    exchanged at random, whole units at a time.
    """
    n_classes = len(np.unique(y))
    of_all_classes = all(len(np.unique(y[fit.fold.test])) == n_classes for fit in fits)
    if redrawn and treatments is None and of_all_classes and len(fits) > 1:
        return T_TEST
    return PERMUTATION


def compare(fits, others, y, units, test, rng):
    """Difference in balanced accuracy of two models on the same folds, with interval and p-value.

    Parameters
    ----------
    fits, others : list of Fit
        Of either model.
    y : ndarray of shape (n_samples,)
        True labels.
    units : ndarray of shape (n_samples,)
        What is independent: the plant, or the treatment, of each row.
    test : {T_TEST, PERMUTATION}
        As :func:`choose_test` says.
    rng : RandomState
        For random exchanges, if there are too many to try all.

    Returns
    -------
    dict of str to float
        difference (with the t-test, the mean over folds), difference_low, difference_high and
        pvalue, NaN if all folds differ alike.
    """
    if test == T_TEST:
        return _compare_folds(fits, others, y)
    return _compare_plants(fits, others, y, units, rng)


def _compare_folds(fits, others, y):
    def by_fold(fits):
        return {
            (fit.fold.repeat, fit.fold.number): balanced_accuracy_score(
                y[fit.fold.test], fit.outcome.predicted
            )
            for fit in fits
        }

    ours, theirs = by_fold(fits), by_fold(others)
    test = corrected_resampled_ttest(
        [ours[key] - theirs[key] for key in ours if key in theirs],
        n_train=np.mean([len(fit.fold.train) for fit in fits]),
        n_test=np.mean([len(fit.fold.test) for fit in fits]),
    )
    return {
        "difference": test.mean,
        "difference_low": test.low,
        "difference_high": test.high,
        "pvalue": test.pvalue,
    }


def _compare_plants(fits, others, y, units, rng):
    (ours, tested), (theirs, _) = rows_correct(fits, y), rows_correct(others, y)
    labels, label = np.unique(y[tested], return_inverse=True)
    n = np.bincount(label)
    shares = (ours - theirs)[tested] / (len(labels) * n[label])  # they add up to the difference
    by_unit = np.bincount(np.unique(units[tested], return_inverse=True)[1], shares)
    by_unit = by_unit[by_unit != 0]
    difference = shares.sum()
    if 2 ** len(by_unit) <= _MAX_EXACT:
        flips = (np.arange(2 ** len(by_unit))[:, None] >> np.arange(len(by_unit))) % 2 * 2 - 1
        extreme = np.abs(flips @ by_unit) >= abs(difference) - 1e-12
        pvalue = extreme.mean()
    else:
        flips = rng.choice([-1, 1], (_N_RANDOM, len(by_unit)))
        extreme = np.abs(flips @ by_unit) >= abs(difference) - 1e-12
        pvalue = (1 + extreme.sum()) / (1 + _N_RANDOM)
    # Square and add (Newcombe): wide, since it does not use that the plants are the same.
    centers, ends = [], []
    for correct in (ours[tested], theirs[tested]):
        n_correct = np.bincount(label, correct)
        centers.append(np.mean(n_correct / n))
        ends.append(balanced_accuracy_interval(n_correct, n))
    (p, q), ((p_low, p_high), (q_low, q_high)) = centers, ends
    return {
        "difference": difference,
        "difference_low": difference - np.hypot(p - p_low, q_high - q),
        "difference_high": difference + np.hypot(p_high - p, q - q_low),
        "pvalue": float(pvalue),
    }
