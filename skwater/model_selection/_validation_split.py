"""A validation split for early stopping that keeps splices away from their donors."""

import warnings

import numpy as np
from sklearn.model_selection import StratifiedShuffleSplit

from ..exceptions import LeakageWarning
from ..sequences import SplicedSequences, is_lazy
from ._digests import frame_digests


def validation_split(X, y, fraction, rng):
    """Split rows of X into training and validation plants.

    If splices carry their donors, only original plants validate, and every splice with a frame
    of theirs leaves training. The donors of other arrays are unknown: a warning is given if rows
    share frames.

    Returns
    -------
    train, valid : ndarray of int
        Row indices.
    """
    if not is_lazy(X):
        _warn_of_siblings(X)
        return _stratified(y, fraction, rng)
    if isinstance(X, SplicedSequences):
        _warn_of_siblings(X.base)  # which may have been spliced before
    originals = np.flatnonzero((X.donors == X.donors[:, :1]).all(axis=1))
    if len(originals) == 0:
        raise ValueError(
            "early_stopping: X has splices only, and validation needs original plants. Keep the "
            "originals among the training sequences."
        )
    plants, first = np.unique(X.donors[originals, 0], return_index=True)
    originals = originals[first]
    _, chosen = _stratified(y[originals], fraction, rng)
    holds_chosen = np.isin(X.donors, plants[chosen]).any(axis=1)
    train = np.flatnonzero(~holds_chosen)
    if len(np.unique(y[train])) < len(np.unique(y)):
        raise ValueError(
            f"early_stopping: no training sequence of one class is left once {len(chosen)} plants, "
            f"and every splice with a frame of theirs, are set aside for validation. Use a "
            f"smaller validation_fraction or fewer n_segments."
        )
    return train, originals[chosen]


def _stratified(y, fraction, rng):
    split = StratifiedShuffleSplit(1, test_size=fraction, random_state=rng)
    try:
        return next(split.split(np.zeros(len(y)), y))
    except ValueError as error:
        raise ValueError(
            f"early_stopping: {len(y)} plants cannot be split with "
            f"validation_fraction={fraction}. {error}"
        ) from error


def _warn_of_siblings(X):
    """Warn if two rows share frames, as splices and repeated plants do."""
    seen = {}
    for i, t, digest in frame_digests(X, range(len(X))):
        first = seen.setdefault((t, digest), i)
        if first != i:
            warnings.warn(
                f"Samples {first} and {i} share frames from {t} on: they look spliced or repeated, "
                f"and early stopping may train on one and validate on the other. Use "
                f"RSSResampler(lazy=True), whose sequences carry their donors.",
                LeakageWarning,
                stacklevel=5,
            )
            return
