"""The check that a split keeps plants apart."""

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils import check_consistent_length

from ..sequences import SequencesLike, check_sequences, is_lazy
from ._digests import frame_digests
from ._groups import check_groups


def check_no_leakage(
    train: ArrayLike, test: ArrayLike, groups: ArrayLike, X: SequencesLike | None = None
) -> None:
    """Raise a ValueError if a plant, or a frame of one, is on both sides of a split.

    Plants are compared by `groups`. If X is given, so are its frames: of lazy sequences by
    their donors, of arrays by their contents, so that splices made before the split are found even
    under names of their own. Frames that have one value in all pixels are not compared, and of
    single numbers six consecutive ones must be equal. It cannot see other leaks, such as scaling
    or selection of features on all plants.

    Parameters
    ----------
    train : array-like of int of shape (n_train,)
        Rows that are trained on, or a mask of them.
    test : array-like of int of shape (n_test,)
        Rows that are tested on, or a mask of them.
    groups : array-like of shape (n_samples,)
        Plant of each row.
    X : array-like or lazy sequences of shape (n_samples, n_frames, ...), default=None
        The sequences.

    Raises
    ------
    ValueError
        If a plant or a frame is on both sides; it names the first of them. Also if a plant has no
        name.

    See Also
    --------
    RepeatedStratifiedGroupKFold : A splitter that takes groups.
    skwater.RSSResampler : Splices inside a pipeline, after the split.

    Examples
    --------
    >>> from skwater.model_selection import check_no_leakage
    >>> check_no_leakage(train=[0, 1], test=[2], groups=["a", "b", "c"])
    >>> check_no_leakage(train=[0, 1], test=[2], groups=["a", "b", "b"])
    Traceback (most recent call last):
    ValueError: Plants on both sides of the split: b. Split by plant, with a splitter that ...
    """
    LeakageCheck(groups, X)(train, test)


class LeakageCheck:
    """:func:`check_no_leakage` for many splits of the same rows: each frame is digested once."""

    def __init__(self, groups, X=None):
        self._groups = check_groups(groups)
        if X is not None:
            X, _ = check_sequences(None, X, numeric=False, complete=False)
            check_consistent_length(X, self._groups)
        self._X = X
        self._digests = {}

    def __call__(self, train, test):
        """Raise a ValueError if a plant, or a frame of one, is on both sides."""
        rows = np.arange(len(self._groups))
        train, test = rows[np.asarray(train)], rows[np.asarray(test)]
        both = np.intersect1d(self._groups[train], self._groups[test])
        if len(both):
            raise ValueError(
                f"Plants on both sides of the split: {_first(both)}. Split by plant, with a "
                f"splitter that takes groups."
            )
        if is_lazy(self._X):
            self._check_donors(train, test)
        elif self._X is not None:
            self._check_frames(train, test)

    def _check_donors(self, train, test):
        both = np.intersect1d(self._X.donors[train], self._X.donors[test])
        if len(both):
            raise ValueError(
                f"Donors on both sides of the split: rows {_first(both)} of the base. Splice "
                f"inside the pipeline, after the split."
            )

    def _check_frames(self, train, test):
        trained = {frame: i for i in train for frame in self._frames(i)}
        for i in test:
            for frame in self._frames(i):
                if frame in trained:
                    raise ValueError(
                        f"Frames on both sides of the split: those from {frame[0]} on of "
                        f"{self._name(i)}, tested, and {self._name(trained[frame])}, trained on, "
                        f"are equal. Splice inside the pipeline, after the split."
                    )

    def _name(self, i):
        return f"plant {self._groups[i]} (sample {i})"

    def _frames(self, i):
        """Pairs of a position in the sequence and the digest of the frames there."""
        if i not in self._digests:
            self._digests[i] = [(t, digest) for _, t, digest in frame_digests(self._X, [i])]
        return self._digests[i]


def _first(found):
    text = ", ".join(str(name) for name in found[:5])
    return text if len(found) <= 5 else f"{text} and {len(found) - 5} more"
