"""The folds of a study: splits of each repeat, seeded, of which none may leak."""

from copy import copy
from dataclasses import dataclass
from itertools import chain
from numbers import Integral

import numpy as np
from sklearn.model_selection import StratifiedGroupKFold, check_cv
from sklearn.utils import check_random_state

from ..model_selection import LeaveTreatmentsOut
from ..model_selection._leakage import LeakageCheck


@dataclass(frozen=True)
class Fold:
    """One split of one repeat.

    Parameters
    ----------
    repeat, number : int
        Which repeat, and which fold of it.
    train, test : ndarray of int
        Rows of X on either side.
    seed : int
        Of what is fitted here.
    """

    repeat: int
    number: int
    train: np.ndarray
    test: np.ndarray
    seed: int


def make_folds(cv, X, y, groups, treatments=None, *, n_repeats=1, rng=None):
    """Split `n_repeats` times, and refuse splits that leak.

    A splitter that draws its folds draws others for each repeat, whatever its own seed; one that
    repeats itself keeps its own number of repeats; any other makes the same folds each time.

    Parameters
    ----------
    cv : int, splitter, iterable of splits or None
        An int is the number of stratified folds over groups; None is 3 of them, or
        LeaveTreatmentsOut() if there are treatments.
    X : array-like or lazy sequences or None
        Sequences, in which no frame may be on both sides of a split. None skips that check.
    y : ndarray of shape (n_samples,)
        Class of each row.
    groups : ndarray of shape (n_samples,)
        Plant of each row.
    treatments : ndarray of shape (n_samples,) or None
        Treatment of each row, for :class:`LeaveTreatmentsOut`.
    n_repeats : int
        Number of repeats.
    rng : int, RandomState or None
        Seeds the splitter, and what is fitted in the folds.

    Returns
    -------
    folds : list of Fold
        Repeat by repeat.
    redrawn : bool
        Whether each repeat has splits of its own.
    """
    cv = _check_splitter(cv, y, groups, treatments)
    redrawn, rng = _draws(cv), check_random_state(rng)
    # A seed for each repeat: more of them leave the first ones as they were.
    seeds = [draw_seed(rng) for _ in range(getattr(cv, "n_repeats", n_repeats))]
    names = treatments if isinstance(cv, LeaveTreatmentsOut) else groups
    repeats = _split_repeats(cv, seeds, y, names)
    check_no_leakage = LeakageCheck(groups, X)
    for train, test in chain.from_iterable(repeats if redrawn else repeats[:1]):
        check_no_leakage(train, test)
        _check_every_class_trained(train, y)
    folds = []
    for repeat, (splits, seed) in enumerate(zip(repeats, seeds, strict=True)):
        of_repeat = np.random.RandomState(seed)
        for number, (train, test) in enumerate(splits):
            folds.append(Fold(repeat, number, train, test, draw_seed(of_repeat)))
    _check_every_class_tested(folds, y)
    return folds, redrawn


def draw_seed(rng):
    """Draw an int for a `random_state`."""
    return int(rng.randint(np.iinfo(np.int32).max))


def _check_splitter(cv, y, groups, treatments):
    """Turn what was given as `cv` into a splitter."""
    if cv is None:
        cv = 3 if treatments is None else LeaveTreatmentsOut()
    if isinstance(cv, Integral):
        _check_enough_plants(cv, y, groups)
        cv = StratifiedGroupKFold(int(cv), shuffle=True)
    if isinstance(cv, LeaveTreatmentsOut) and treatments is None:
        raise ValueError("LeaveTreatmentsOut needs treatments=, the treatment of each row.")
    return check_cv(cv, y, classifier=True)


def _check_enough_plants(n_splits, y, groups):
    """Refuse more folds than plants, or than any class has rows, and name a number that works."""
    labels, n_rows = np.unique(y, return_counts=True)
    if n_splits <= min(n_rows.max(), len(np.unique(groups))):
        return
    n_plants = [len(np.unique(groups[y == label])) for label in labels]
    least = min(n_plants)
    counts = [f"{n} of class {label}" for n, label in zip(n_plants, labels, strict=True)]
    found = f"{least} plants per class" if least == max(n_plants) else ", ".join(counts)
    remedy = f"Pass cv={least}." if least > 1 else "A class of one plant cannot be split."
    raise ValueError(f"cv={n_splits} is more folds than there are plants: {found}. {remedy}")


def _split_repeats(cv, seeds, y, names):
    """Lists of (train, test), one for each repeat."""
    rows = np.zeros(len(y))  # splitters need no more of X than its length
    if hasattr(cv, "n_repeats"):
        splits = list(_seed_splitter(cv, seeds[0]).split(rows, y, names))
        size = len(splits) // len(seeds)
        repeats = [splits[start : start + size] for start in range(0, len(splits), size)]
    else:
        repeats = [list(_seed_splitter(cv, seed).split(rows, y, names)) for seed in seeds]
    return [[tuple(map(_row_numbers, split)) for split in splits] for splits in repeats]


def _row_numbers(side):
    """Rows as an array; they can come as a list or a mask."""
    side = np.asarray(side)
    return np.flatnonzero(side) if side.dtype == bool else side


def _seed_splitter(cv, seed):
    if _draws(cv):
        cv = copy(cv)
        cv.random_state = seed
    return cv


def _draws(cv):
    """Tell whether a splitter draws its folds at random."""
    if isinstance(cv, LeaveTreatmentsOut):
        return cv.n_splits is not None
    return hasattr(cv, "random_state") and getattr(cv, "shuffle", True)


def _check_every_class_trained(train, y):
    lacking = np.setdiff1d(y, y[train])
    if len(lacking):
        raise ValueError(
            f"A training side has no plant of class {lacking[0]}, which is in one group only or in "
            f"fewer than there are folds. Use a splitter that keeps every class in training, such "
            f"as LeaveTreatmentsOut, or fewer folds."
        )


def _check_every_class_tested(folds, y):
    """Refuse a repeat that tests no row of a class, whose recall would be unknown."""
    for repeat in sorted({fold.repeat for fold in folds}):
        tested = np.concatenate([fold.test for fold in folds if fold.repeat == repeat])
        lacking = np.setdiff1d(y, y[tested])
        if len(lacking):
            raise ValueError(
                f"No plant of class {lacking[0]} is tested in repeat {repeat}, so that there is "
                f"no score of it. Use a splitter that tests every class."
            )
