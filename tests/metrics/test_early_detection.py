"""Metrics of early detection, against numbers worked by hand."""

import numpy as np
import pytest

from skwater.metrics import (
    detection_delay,
    earliness,
    false_alarm_rate_before_onset,
    harmonic_mean_earliness_accuracy,
)

NEVER = np.nan


@pytest.mark.parametrize(
    ("days", "delay"),
    [
        ([30, 32, 40], 4),
        ([30, 32, NEVER], 4),
        ([30, NEVER, NEVER], np.inf),
        ([30, 32, 28], 4),  # on the onset: a false alarm, as late as never
        ([30, 28, 20], np.inf),
        ([28.5, 28.5, 28.5], 0.5),
        ([30, 40], 7),
        ([30, NEVER], np.inf),
    ],
)
def test_delay(days, delay):
    assert detection_delay(np.ones(len(days)), days, onset_day=28) == delay


def test_delay_is_that_of_the_stressed():
    y, days = ["wet", "dry", "wet", "dry"], [60, 32, NEVER, 36]
    assert detection_delay(y, days, onset_day=28, pos_label="dry") == 6
    assert detection_delay(np.array([False, True, False, True]), days, onset_day=28) == 6


def test_delay_without_stressed_plants():
    with pytest.raises(ValueError, match=r"pos_label=1 is not among .*\['dry', 'wet'\]"):
        detection_delay(["dry", "wet"], [1, 2], onset_day=0)


def test_delay_of_other_lengths():
    with pytest.raises(ValueError, match=r"inconsistent numbers of samples: \[3, 2\]"):
        detection_delay([1, 0, 1], [30, 31], onset_day=28)


@pytest.mark.parametrize(
    ("days", "rate"),
    [([27, 28, 28.5, NEVER], 0.5), ([NEVER] * 3, 0), ([1, 2], 1)],
)
def test_false_alarms(days, rate):
    assert false_alarm_rate_before_onset(days, onset_day=28) == rate


@pytest.mark.parametrize("days", [[30, np.inf], [30, -np.inf]])
def test_never_is_nan_and_not_infinity(days):
    with pytest.raises(ValueError, match="detected_day contains infinity"):
        false_alarm_rate_before_onset(days, onset_day=28)
    with pytest.raises(ValueError, match="detected_day contains infinity"):
        detection_delay([1, 1], days, onset_day=28)


def test_days_are_one_a_plant():
    with pytest.raises(ValueError, match=r"1d array, got an array of shape \(2, 2\)"):
        false_alarm_rate_before_onset([[1, 2], [3, 4]], onset_day=28)


@pytest.mark.parametrize("onset", [None, "28", np.nan])
def test_onset_is_a_day(onset):
    with pytest.raises(ValueError, match="'onset_day' parameter"):
        false_alarm_rate_before_onset([30], onset_day=onset)


def test_earliness():
    assert earliness([1, 2, 3], 4) == 0.5
    assert earliness([5, 5], 5) == 1


@pytest.mark.parametrize(("n_used", "found"), [([0, 3], r"0\.\.3"), ([2, 5], r"2\.\.5")])
def test_frames_outside_the_season(n_used, found):
    with pytest.raises(ValueError, match=rf"must lie in 1\.\.4, .* got {found}"):
        earliness(n_used, 4)


def test_frames_of_no_plant():
    with pytest.raises(ValueError, match="0 sample"):
        earliness([], 4)


@pytest.mark.parametrize(
    ("accuracy", "early", "mean"),
    [(1, 0, 1), (1, 1, 0), (0, 0, 0), (0, 1, 0), (0.5, 0.5, 0.5), (0.6, 0.7, 0.4)],
)
def test_harmonic_mean(accuracy, early, mean):
    assert harmonic_mean_earliness_accuracy(accuracy, early) == pytest.approx(mean)


@pytest.mark.parametrize("parts", [(1.1, 0.5), (0.5, -0.1), (50, 0.5)])
def test_harmonic_mean_is_of_fractions(parts):
    with pytest.raises(ValueError, match=r"in the range \[0.0, 1.0\]"):
        harmonic_mean_earliness_accuracy(*parts)
