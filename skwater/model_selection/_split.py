"""Splitters for few plants, by the conventions of scikit-learn."""

from collections.abc import Iterable, Iterator
from functools import reduce
from itertools import chain, combinations
from math import comb
from numbers import Integral

import numpy as np
from numpy.typing import ArrayLike
from sklearn.model_selection import BaseCrossValidator, StratifiedGroupKFold
from sklearn.model_selection._split import GroupsConsumerMixin
from sklearn.utils import check_consistent_length, check_random_state, column_or_1d, indexable
from sklearn.utils.multiclass import check_classification_targets

from .._typing import RandomState
from ..sequences import SequencesLike
from ._groups import check_groups


class RepeatedStratifiedGroupKFold(GroupsConsumerMixin, BaseCrossValidator):
    """Stratified k-fold over plants, repeated with other folds each time.

    With thirty plants a score depends on which of them are tested together. Repeats average
    that out, and show how much it was. No plant is on both sides of a split, and every fold has
    about the class proportions of all plants.

    More repeats do not make more plants: an interval of the mean over all splits that takes them
    for independent is far too narrow (see :func:`skwater.metrics.corrected_resampled_ttest`).
    And plants apart are not treatments apart: if the plants of a treatment resemble each other, a
    model that was trained on others of the treatment has an easy task. Test on new treatments with
    :class:`LeaveTreatmentsOut`.

    Parameters
    ----------
    n_splits : int, default=3
        Number of folds in a repeat, at least 2.
    n_repeats : int, default=10
        Number of repeats.
    random_state : int, RandomState instance or None, default=None
        Seed of the folds. An int gives the same folds in every call of :meth:`split`.

    See Also
    --------
    LeaveTreatmentsOut : Tests on treatments that training has not seen.
    sklearn.model_selection.StratifiedGroupKFold : A single repeat.

    Notes
    -----
    Splits come repeat by repeat: number ``i`` belongs to repeat ``i // n_splits``. If every
    plant has one row, folds are stratified as by
    :class:`sklearn.model_selection.StratifiedKFold`. If plants have several rows, or rows of
    several classes, the proportions are only approximate, since plants stay whole.

    Examples
    --------
    >>> import numpy as np
    >>> from skwater.model_selection import RepeatedStratifiedGroupKFold
    >>> y = np.array([0, 0, 0, 0, 1, 1])
    >>> cv = RepeatedStratifiedGroupKFold(n_splits=2, n_repeats=2, random_state=0)
    >>> for train, test in cv.split(np.zeros((6, 3)), y, groups=np.arange(6)):
    ...     print(test, y[test])
    [0 1 5] [0 0 1]
    [2 3 4] [0 0 1]
    [1 2 4] [0 0 1]
    [0 3 5] [0 0 1]
    """

    def __init__(
        self, *, n_splits: int = 3, n_repeats: int = 10, random_state: RandomState | None = None
    ) -> None:
        _check_count("n_splits", n_splits, 2)
        _check_count("n_repeats", n_repeats, 1)
        self.n_splits = n_splits
        self.n_repeats = n_repeats
        self.random_state = random_state

    def split(
        self, X: SequencesLike, y: ArrayLike, groups: ArrayLike | None = None
    ) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Generate the rows of each split.

        Parameters
        ----------
        X : array-like or lazy sequences of shape (n_samples, n_frames, ...)
            Sequences, of which only the number is looked at.
        y : array-like of shape (n_samples,)
            Class of each row.
        groups : array-like of shape (n_samples,)
            Plant of each row.

        Yields
        ------
        train : ndarray of shape (n_train,), dtype int
            Rows to train on.
        test : ndarray of shape (n_test,), dtype int
            Rows to test on.

        Raises
        ------
        ValueError
            If `groups` is missing, there are fewer plants than folds, or every class has fewer
            rows than there are folds.
        """
        groups = check_groups(groups)
        n_groups = len(np.unique(groups))
        if self.n_splits > n_groups:  # scikit-learn 1.8 leaves folds empty
            raise ValueError(
                f"n_splits={self.n_splits} is greater than the number of groups: {n_groups}. "
                f"Ask for fewer folds: each needs a plant of its own."
            )
        rng = check_random_state(self.random_state)
        for _ in range(self.n_repeats):
            folds = StratifiedGroupKFold(self.n_splits, shuffle=True, random_state=rng)
            yield from folds.split(X, y, groups)

    def get_n_splits(self, X: object = None, y: object = None, groups: object = None) -> int:
        """Return the number of splits.

        Parameters
        ----------
        X : object
            Ignored.
        y : object
            Ignored.
        groups : object
            Ignored.

        Returns
        -------
        int
            ``n_splits * n_repeats``.
        """
        return self.n_splits * self.n_repeats


class LeaveTreatmentsOut(GroupsConsumerMixin, BaseCrossValidator):
    """Test on whole treatments that training has not seen.

    Plants of one treatment share more than their class: the nitrogen level, the tray, the corner
    of the field. A model that is tested on plants of treatments that it was trained on may
    know the treatment and not the stress; here it cannot. Splits in which training would lack a
    class of `y` are left out.

    A test side of one treatment often has one class only, so that balanced accuracy, recall or
    ROC AUC of a single split mean nothing: collect the predictions of all splits before scoring.
    If there are as many treatments as classes, or a class is in one treatment only, no split can
    tell treatment and class apart.

    Treatments are passed as `groups`, scikit-learn's name for what is kept together.

    Parameters
    ----------
    n_treatments : int, default=1
        How many treatments to leave out at a time.
    n_splits : int, default=None
        Number of splits, drawn at random from all possible ones, without repetition. None takes
        all.
    random_state : int, RandomState instance or None, default=None
        Seed of the draw. An int gives the same splits in every call of :meth:`split`.

    See Also
    --------
    RepeatedStratifiedGroupKFold : Keeps plants apart, not treatments.
    sklearn.model_selection.LeavePGroupsOut : All combinations, whatever classes are left.

    Examples
    --------
    >>> import numpy as np
    >>> from skwater.model_selection import LeaveTreatmentsOut
    >>> treatments = np.array(["dry, low N", "dry, high N", "wet, low N", "wet, high N"])
    >>> y = np.array([1, 1, 0, 0])
    >>> cv = LeaveTreatmentsOut(2)
    >>> for train, test in cv.split(np.zeros((4, 3)), y, groups=treatments):
    ...     print(treatments[test])
    ['dry, high N' 'wet, high N']
    ['dry, high N' 'wet, low N']
    ['dry, low N' 'wet, high N']
    ['dry, low N' 'wet, low N']
    """

    def __init__(
        self,
        n_treatments: int = 1,
        *,
        n_splits: int | None = None,
        random_state: RandomState | None = None,
    ) -> None:
        _check_count("n_treatments", n_treatments, 1)
        if n_splits is not None:
            _check_count("n_splits", n_splits, 1)
        self.n_treatments = n_treatments
        self.n_splits = n_splits
        self.random_state = random_state

    def split(
        self, X: SequencesLike, y: ArrayLike, groups: ArrayLike | None = None
    ) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Generate the rows of each split, in the order of the names of the treatments.

        Parameters
        ----------
        X : array-like or lazy sequences of shape (n_samples, n_frames, ...)
            Sequences, of which only the number is looked at.
        y : array-like of shape (n_samples,)
            Class of each row.
        groups : array-like of shape (n_samples,)
            Treatment of each row.

        Yields
        ------
        train : ndarray of shape (n_train,), dtype int
            Rows to train on.
        test : ndarray of shape (n_test,), dtype int
            Rows to test on.

        Raises
        ------
        ValueError
            If `groups` is missing, a treatment can never be left out because training would lack
            a class, or fewer than `n_splits` splits can be made.
        """
        X, y, groups = indexable(X, y, groups)
        names, treatment, holders = self._check(y, groups)
        if self.n_splits is None:
            chosen: Iterable[tuple[int, ...]] = combinations(range(len(names)), self.n_treatments)
            chosen = filter(_keeps_every_class(holders), chosen)
        else:
            chosen = self._draw(len(names), holders)
        for left_out in chosen:
            tested = np.isin(treatment, left_out)
            yield np.flatnonzero(~tested), np.flatnonzero(tested)

    def get_n_splits(
        self, X: object = None, y: ArrayLike | None = None, groups: ArrayLike | None = None
    ) -> int:
        """Return the number of splits.

        Parameters
        ----------
        X : object
            Ignored.
        y : array-like of shape (n_samples,)
            Class of each row.
        groups : array-like of shape (n_samples,)
            Treatment of each row.

        Returns
        -------
        int
            Number of splits that :meth:`split` generates.

        Raises
        ------
        ValueError
            As in :meth:`split`.
        """
        names, _, holders = self._check(y, groups)
        return self.n_splits or _count_splits(len(names), self.n_treatments, holders)

    def _check(self, y, groups):
        """Names of the treatments, the number of each row's, and the treatments of each class."""
        groups = check_groups(groups)
        if y is None:
            raise ValueError("y must not be None: training must keep every class of it.")
        check_consistent_length(y, groups)
        check_classification_targets(y)
        y = column_or_1d(y)
        names, treatment = np.unique(groups, return_inverse=True)
        holders = [frozenset(treatment[y == label].tolist()) for label in np.unique(y)]
        stuck = [
            name
            for i, name in enumerate(names.tolist())
            if not _count_splits(len(names), self.n_treatments, holders, frozenset([i]))
        ]
        if stuck:
            raise ValueError(
                f"Of {len(names)} treatments, with n_treatments={self.n_treatments}, these can "
                f"never be left out, because training would lack a class: {stuck}. Leave out "
                f"fewer treatments. If a class is in one treatment only, split by plant, and "
                f"know that the score may be that of the treatment."
            )
        n_possible = _count_splits(len(names), self.n_treatments, holders)
        if self.n_splits is not None and self.n_splits > n_possible:
            raise ValueError(
                f"n_splits={self.n_splits}, but leaving out {self.n_treatments} of {len(names)} "
                f"treatments gives {n_possible} splits that keep every class in training. Ask for "
                f"no more, or for all with n_splits=None."
            )
        return names, treatment, holders

    def _draw(self, n_names, holders):
        """Draw combinations until there are enough; _check has made sure that so many exist."""
        rng, keeps_every_class = check_random_state(self.random_state), _keeps_every_class(holders)
        chosen = set()
        while len(chosen) < self.n_splits:
            drawn = rng.choice(n_names, self.n_treatments, replace=False)
            left_out = tuple(sorted(drawn.tolist()))
            if keeps_every_class(left_out):
                chosen.add(left_out)
        return sorted(chosen)


def _keeps_every_class(holders):
    """Make a test of whether every class has a treatment that is not left out."""
    return lambda left_out: not any(held.issubset(left_out) for held in holders)


def _count_splits(n_names, n_left_out, holders, among=frozenset()):
    """Count the choices of treatments, `among` them, that leave every class one of its own.

    By inclusion and exclusion over the sets of classes that would be lost: listing the choices
    could take forever.
    """
    lost_sets = chain.from_iterable(combinations(holders, k) for k in range(len(holders) + 1))
    total = 0
    for lost in lost_sets:
        missing = len(reduce(frozenset.union, lost, among))
        if missing <= n_left_out:
            total += (-1) ** len(lost) * comb(n_names - missing, n_left_out - missing)
    return total


def _check_count(name, value, least):
    if not isinstance(value, Integral) or isinstance(value, bool) or value < least:
        raise ValueError(f"{name} must be an int of at least {least}, got {value!r}.")
