"""Metrics of early detection, and confidence intervals for scores of few plants."""

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
