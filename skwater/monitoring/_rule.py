"""The rule of the alarms of a monitor."""

import numpy as np

from ..early_detection import EarlyDetector


class Rule:
    """When an alarm is raised."""

    def __init__(self, estimator, threshold, n_consecutive, pos_label):
        self.min_frames = 1
        if isinstance(estimator, EarlyDetector):
            if (threshold, n_consecutive, pos_label) != (None, 1, None):
                raise ValueError(
                    "The rule of an EarlyDetector is used: leave threshold, n_consecutive and "
                    "pos_label out, or give its estimators_[0]."
                )
            threshold, n_consecutive = estimator.threshold, estimator.n_consecutive
            self.min_frames, pos_label = estimator.min_frames, estimator.classes_[estimator._pos]
        if threshold is None:
            raise ValueError(
                "threshold is needed: the probability of stress that counts as evidence."
            )
        classes = estimator.classes_
        if pos_label is None and set(classes.tolist()) in ({0, 1}, {-1, 1}):
            pos_label = 1
        found = np.flatnonzero(classes == pos_label)
        if len(classes) != 2 or len(found) == 0:
            raise ValueError(
                f"The estimator must have two classes, of which pos_label names the stressed "
                f"one; it has {classes.tolist()}, and pos_label is {pos_label!r}."
            )
        self.threshold, self.n_consecutive, self.pos = threshold, n_consecutive, int(found[0])
