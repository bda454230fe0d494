"""Metrics of early detection: delay, false alarms, earliness."""

from numbers import Integral, Real

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils import check_array, check_consistent_length, column_or_1d
from sklearn.utils._param_validation import Interval

from .._validation import validate_params

_ONSET = [Interval(Real, None, None, closed="neither")]
_FRACTION = [Interval(Real, 0, 1, closed="both")]


@validate_params(
    {"onset_day": _ONSET, "pos_label": [Real, str, "boolean"]}, prefer_skip_nested_validation=True
)
def detection_delay(
    y_true: ArrayLike, detected_day: ArrayLike, *, onset_day: float, pos_label: float | str = 1
) -> float:
    r"""Median number of days from the onset of stress to its detection.

    It answers how long after the last irrigation an alarm can be expected for a stressed plant:

    .. math:: \operatorname{median}_{i:\, y_i = \text{pos\_label}} \; d_i, \qquad
       d_i = t_i - \text{onset} \text{ if } t_i > \text{onset}, \text{ else } \infty

    A plant without an alarm counts as infinitely late, and so does one with an alarm on or before
    the onset: there was nothing to see yet, so that was a false alarm and not a detection. The
    median is therefore infinite if half of the stressed plants are missed. It says nothing of the
    plants that are not stressed: an alarm for every plant on the first day after the onset has a
    short delay. Read it beside :func:`false_alarm_rate_before_onset` and an accuracy. No delay
    can be shorter than the time from the onset to the next image.

    Parameters
    ----------
    y_true : array-like of shape (n_samples,)
        Class of each plant.
    detected_day : array-like of shape (n_samples,), dtype float
        Day of the alarm for each plant; NaN for no alarm.
    onset_day : float
        Day of the last irrigation, counted as `detected_day` is.
    pos_label : int, float, bool or str, default=1
        The class that is stressed.

    Returns
    -------
    float
        Days, above 0; infinite if half of the stressed plants are missed.

    Raises
    ------
    ValueError
        If no plant is of the class `pos_label`, a day is infinite, or the lengths differ.

    See Also
    --------
    skwater.EarlyDetector : Its method ``detect`` returns the days.

    Examples
    --------
    >>> import numpy as np
    >>> from skwater.metrics import detection_delay
    >>> y = [1, 1, 1, 0]
    >>> detection_delay(y, [32, 36, np.nan, np.nan], onset_day=28)
    8.0
    >>> detection_delay(y, [32, 25, np.nan, np.nan], onset_day=28)
    inf
    """
    y_true = column_or_1d(y_true)
    days = _check_days(detected_day)
    check_consistent_length(y_true, days)
    stressed = y_true == pos_label
    if not np.any(stressed):
        raise ValueError(
            f"pos_label={pos_label!r} is not among the classes of y_true, "
            f"{np.unique(y_true).tolist()}: no plant is stressed, so there is no delay. Name the "
            f"stressed class with pos_label."
        )
    days = days[stressed]
    return float(np.median(np.where(days > onset_day, days - onset_day, np.inf)))


@validate_params({"onset_day": _ONSET}, prefer_skip_nested_validation=True)
def false_alarm_rate_before_onset(detected_day: ArrayLike, *, onset_day: float) -> float:
    r"""Fraction of all plants with an alarm before any is stressed.

    It is the negative control of early detection, and answers whether the alarms are due to stress
    at all:

    .. math:: \frac{1}{n} \sum_{i=1}^{n} [\, t_i \le \text{onset} \,]

    Up to the onset no plant is stressed, whatever its class, so that every alarm is false. It
    should be 0; otherwise the detector has learned how plants or plots differed from the start.
    False alarms after the onset are not counted, and 0 says nothing of them.

    Parameters
    ----------
    detected_day : array-like of shape (n_samples,), dtype float
        Day of the alarm for each plant, stressed later or not; NaN for no alarm.
    onset_day : float
        Day of the last irrigation, counted as `detected_day` is. An image of that very day cannot
        show stress.

    Returns
    -------
    float
        From 0 to 1.

    Raises
    ------
    ValueError
        If a day is infinite or `detected_day` is not of shape (n_samples,).

    See Also
    --------
    detection_delay : What the alarms after the onset are worth.

    Examples
    --------
    >>> import numpy as np
    >>> from skwater.metrics import false_alarm_rate_before_onset
    >>> false_alarm_rate_before_onset([32, 28, np.nan, np.nan], onset_day=28)
    0.25
    """
    return float(np.mean(_check_days(detected_day) <= onset_day))


@validate_params(
    {"n_used": ["array-like"], "n_frames": [Interval(Integral, 1, None, closed="left")]},
    prefer_skip_nested_validation=True,
)
def earliness(n_used: ArrayLike, n_frames: int) -> float:
    r"""Mean fraction of the frames that are read before the decision.

    It answers how much of the season must pass before the decisions are made [1]_; small is
    early:

    .. math:: \frac{1}{n} \sum_{i=1}^{n} \frac{\text{n\_used}_i}{\text{n\_frames}}

    A plant without an alarm uses all frames. If most plants are healthy, earliness is therefore
    near 1 however soon the alarms come, and :func:`detection_delay` tells more. It counts frames
    and not days, which differ if images were not taken at equal intervals, and it rises with the
    share of frames before the onset.

    Parameters
    ----------
    n_used : array-like of shape (n_samples,), dtype int
        Number of frames read before the decision on each plant, from 1 to `n_frames`.
    n_frames : int
        Number of frames in the season.

    Returns
    -------
    float
        Above 0, and 1 if no plant has an alarm before the last frame.

    Raises
    ------
    ValueError
        If a number lies outside 1 to `n_frames`, or `n_used` is not of shape (n_samples,).

    See Also
    --------
    harmonic_mean_earliness_accuracy : Weighs it against the accuracy.

    References
    ----------
    .. [1] Schäfer, P. and Leser, U. (2020). TEASER: early and accurate time series
       classification. Data Mining and Knowledge Discovery 34, 1336-1362.
       https://doi.org/10.1007/s10618-020-00690-z

    Examples
    --------
    >>> from skwater.metrics import earliness
    >>> earliness([4, 8, 16, 16], n_frames=16)
    0.6875
    """
    n_used = column_or_1d(check_array(n_used, ensure_2d=False, input_name="n_used"))
    if n_used.min() < 1 or n_used.max() > n_frames:
        raise ValueError(
            f"n_used must lie in 1..{n_frames}, the frames of the season, got "
            f"{n_used.min()}..{n_used.max()}. A plant without an alarm used all of them."
        )
    return float(np.mean(n_used) / n_frames)


@validate_params(
    {"accuracy": _FRACTION, "earliness": _FRACTION}, prefer_skip_nested_validation=True
)
def harmonic_mean_earliness_accuracy(accuracy: float, earliness: float) -> float:
    r"""Harmonic mean of the accuracy of decisions and the share of the season that they save.

    It answers which of several detectors trades time for accuracy best [1]_, if neither can
    make up for the other:

    .. math:: \frac{2 \, (1 - \text{earliness}) \cdot \text{accuracy}}
       {(1 - \text{earliness}) + \text{accuracy}}

    It is 0 for a detector that waits for the last frame, even a perfect one, and its weight of
    time against accuracy is arbitrary: use it to compare detectors of one task and season, and
    report both parts. With few stressed plants pass the balanced accuracy.

    Parameters
    ----------
    accuracy : float
        Accuracy of the decisions, plain or balanced, from 0 to 1.
    earliness : float
        Result of :func:`earliness`, from 0 to 1.

    Returns
    -------
    float
        From 0 to 1; larger is better. 0 if both parts are 0.

    Raises
    ------
    ValueError
        If a number lies outside 0 to 1.

    See Also
    --------
    earliness : The fraction of the frames that is read.

    References
    ----------
    .. [1] Schäfer, P. and Leser, U. (2020). TEASER: early and accurate time series
       classification. Data Mining and Knowledge Discovery 34, 1336-1362.
       https://doi.org/10.1007/s10618-020-00690-z

    Examples
    --------
    >>> from skwater.metrics import harmonic_mean_earliness_accuracy
    >>> harmonic_mean_earliness_accuracy(accuracy=0.9, earliness=0.7)
    0.45
    """
    saved = 1 - earliness
    if saved + accuracy == 0:
        return 0.0
    return float(2 * saved * accuracy / (saved + accuracy))


def _check_days(detected_day):
    days = check_array(
        detected_day,
        dtype=np.float64,
        ensure_2d=False,
        ensure_all_finite="allow-nan",  # which refuses infinity
        input_name="detected_day",
    )
    return column_or_1d(days)
