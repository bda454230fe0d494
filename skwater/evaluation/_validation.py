"""What all that is scored here asks of its arguments."""

from numbers import Integral

import numpy as np
from sklearn.utils import check_consistent_length, column_or_1d
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import _check_pos_label_consistency

from ..model_selection._groups import check_groups
from ..sequences import check_sequences


def check_plants(X, y, groups, treatments=None):
    """Bring sequences, classes, plants and treatments into the form of arrays of one length.

    Returns
    -------
    X : ndarray or lazy sequences of shape (n_samples, n_frames, ...)
        The sequences.
    y, groups : ndarray of shape (n_samples,)
        Class and plant of each row.
    treatments : ndarray of shape (n_samples,) or None
        Treatment of each row.
    """
    X, _ = check_sequences(None, X, numeric=False, gaps=True)  # a FrameWise may fill them
    check_classification_targets(y)
    y, groups = column_or_1d(y), check_groups(groups)
    treatments = None if treatments is None else check_groups(treatments)
    check_consistent_length(X, y, groups, treatments)
    if len(np.unique(y)) < 2:
        raise ValueError(f"y has one class only, {y[0]!r}: there is nothing to tell apart.")
    return X, y, groups, treatments


def check_pos_label(y, pos_label):
    """Name the stressed class, if it was not named and can be known; of several there is none."""
    labels = np.unique(y)
    if pos_label is None and len(labels) > 2:
        return None
    try:
        pos_label = _check_pos_label_consistency(pos_label, y)
    except ValueError:
        raise ValueError(
            f"y has the labels {labels.tolist()}: name the stressed one with pos_label."
        ) from None
    if pos_label not in labels.tolist():
        raise ValueError(f"pos_label={pos_label!r} is none of the labels {labels.tolist()}.")
    return pos_label


def check_memory_can_help(memory, random_state):
    """Refuse a cache in which nothing could ever be found again."""
    if memory is not None and not isinstance(random_state, Integral):
        raise ValueError(
            f"memory needs an int as random_state, got {random_state!r}: fits with other seeds "
            f"cannot be found again."
        )


def check_metadata(metadata, n_samples):
    """Bring what is known of each plant into the form of a table."""
    if not hasattr(metadata, "columns"):
        metadata = np.asarray(metadata)
        metadata = metadata.reshape(len(metadata), -1)
    if len(metadata) != n_samples:
        raise ValueError(f"metadata has {len(metadata)} rows, but there are {n_samples} plants.")
    return metadata
