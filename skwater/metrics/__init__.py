"""Scores of early detection, and intervals for scores of few plants: pure functions."""

from ._early_detection import (
    detection_delay,
    earliness,
    false_alarm_rate_before_onset,
    harmonic_mean_earliness_accuracy,
)
from ._intervals import accuracy_interval, balanced_accuracy_interval, corrected_resampled_ttest

__all__ = [
    "accuracy_interval",
    "balanced_accuracy_interval",
    "corrected_resampled_ttest",
    "detection_delay",
    "earliness",
    "false_alarm_rate_before_onset",
    "harmonic_mean_earliness_accuracy",
]
