"""Whether a split keeps plants apart."""

import numpy as np
from sklearn.utils import check_consistent_length

from .._sequences import frame_digests, is_lazy
from ._groups import check_groups


def check_no_leakage(train, test, groups, X=None):
    """Raise where a plant, or a frame of one, is on both sides of a split.

    Plants are compared by `groups`. Where X is given, so are its frames: of lazy sequences by
    their donors, of arrays by their contents, so that splices made before the split are found even
    under names of their own. Frames of a single value throughout tell nothing and are passed over,
    and so are single numbers, of which six in a row must be equal. It cannot see other leaks,
    such as scaling or selection of features on all plants.

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
    groups = check_groups(groups)
    rows = np.arange(len(groups))
    train, test = rows[np.asarray(train)], rows[np.asarray(test)]
    both = np.intersect1d(groups[train], groups[test])
    if len(both):
        raise ValueError(
            f"Plants on both sides of the split: {_first(both)}. Split by plant, with a splitter "
            f"that takes groups."
        )
    if X is None:
        return
    if not is_lazy(X) and not hasattr(X, "ndim"):
        X = np.asarray(X)
    check_consistent_length(X, groups)
    if is_lazy(X):
        both = np.intersect1d(X.donors[train], X.donors[test])
        if len(both):
            raise ValueError(
                f"Donors on both sides of the split: rows {_first(both)} of the base. Splice "
                f"inside the pipeline, after the split."
            )
        return
    trained = {(t, digest): i for i, t, digest in frame_digests(X, train)}
    for i, t, digest in frame_digests(X, test):
        if (t, digest) in trained:
            raise ValueError(
                f"Frames on both sides of the split: those from {t} on of sample {i}, tested, and "
                f"sample {trained[t, digest]}, trained on, are equal. Splice inside the pipeline, "
                f"after the split."
            )


def _first(found):
    text = ", ".join(str(name) for name in found[:5])
    return text if len(found) <= 5 else f"{text} and {len(found) - 5} more"
