"""Confidence intervals of scores of few plants, and a test of differences."""

from numbers import Real

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import betaincinv, stdtr, stdtrit
from sklearn.utils import Bunch, check_array, column_or_1d
from sklearn.utils._param_validation import Interval

from .._validation import validate_params

_CONFIDENCE = [Interval(Real, 0, 1, closed="neither")]
_POSITIVE = [Interval(Real, 0, None, closed="neither")]


@validate_params(
    {
        "n_correct": [Interval(Real, 0, None, closed="left")],
        "n": _POSITIVE,
        "confidence": _CONFIDENCE,
    },
    prefer_skip_nested_validation=True,
)
def accuracy_interval(
    n_correct: float, n: float, *, confidence: float = 0.95
) -> tuple[float, float]:
    r"""Exact (Clopper-Pearson) confidence interval of an accuracy.

    It answers which true accuracies are compatible with `n_correct` of `n` plants, by the binomial
    distribution itself [1]_. With :math:`\alpha = 1 - \text{confidence}`, the ends are quantiles
    of beta distributions:

    .. math:: B(\alpha / 2;\, k,\, n - k + 1) \quad\text{and}\quad
       B(1 - \alpha / 2;\, k + 1,\, n - k)

    It covers the true accuracy at least as often as `confidence`, mostly more often. That holds if
    plants are classified correctly or not independently of each other, by a model that was trained
    once on others. The plants of a cross-validation share their training plants, those of a
    treatment or plot share more, and then it is too narrow. A model that was chosen by these very
    plants has no valid interval at all.

    Parameters
    ----------
    n_correct : float
        Number of plants classified correctly, from 0 to `n`. The mean over repeats of a
        cross-validation may be a fraction: repeats test the same plants again, so that they add
        nothing to `n`.
    n : float
        Number of plants.
    confidence : float, default=0.95
        How often, at least, such intervals hold the true accuracy.

    Returns
    -------
    low, high : float
        Ends of the interval, from 0 to 1.

    Raises
    ------
    ValueError
        If `n_correct` is more than `n`, or a number is out of its range.

    See Also
    --------
    balanced_accuracy_interval : For the mean of the recalls of the classes.

    References
    ----------
    .. [1] Clopper, C. J. and Pearson, E. S. (1934). The use of confidence or fiducial limits
       illustrated in the case of the binomial. Biometrika 26 (4), 404-413.
       https://doi.org/10.1093/biomet/26.4.404

    Examples
    --------
    >>> from skwater.metrics import accuracy_interval
    >>> low, high = accuracy_interval(9, 11)
    >>> print(f"{low:.3f} to {high:.3f}")
    0.482 to 0.977
    """
    if n_correct > n:
        raise ValueError(f"n_correct must be at most n, got {n_correct} of {n}.")
    tail = (1 - confidence) / 2
    low = betaincinv(n_correct, n - n_correct + 1, tail) if n_correct > 0 else 0.0
    high = betaincinv(n_correct + 1, n - n_correct, 1 - tail) if n_correct < n else 1.0
    return float(low), float(high)


@validate_params({"confidence": _CONFIDENCE}, prefer_skip_nested_validation=False)
def balanced_accuracy_interval(
    n_correct: ArrayLike, n: ArrayLike, *, confidence: float = 0.95
) -> tuple[float, float]:
    r"""Confidence interval of a balanced accuracy, from the counts of each class.

    It answers which true balanced accuracies are compatible with the counts. The balanced
    accuracy is the mean of the recalls :math:`p_c` of the classes. Each has its
    :func:`accuracy_interval` :math:`(l_c, u_c)`, and the method of variance estimates recovery
    (MOVER) [1]_ joins their distances to the ends:

    .. math:: \bar p - \frac{1}{K} \sqrt{\sum_c (p_c - l_c)^2} \quad\text{and}\quad
       \bar p + \frac{1}{K} \sqrt{\sum_c (u_c - p_c)^2}

    It is approximate, and wide if a class has few plants, as it should be. As for
    :func:`accuracy_interval`, plants must be classified correctly or not independently of each
    other.

    Parameters
    ----------
    n_correct : array-like of shape (n_classes,), dtype float
        Number of plants of each class that are classified correctly; fractions as for
        :func:`accuracy_interval`.
    n : array-like of shape (n_classes,), dtype float
        Number of plants of each class.
    confidence : float, default=0.95
        About how often such intervals hold the true balanced accuracy.

    Returns
    -------
    low, high : float
        Ends of the interval, from 0 to 1.

    Raises
    ------
    ValueError
        If the shapes differ, a class has no plant, or `n_correct` is more than `n`.

    See Also
    --------
    accuracy_interval : For the plain accuracy.

    References
    ----------
    .. [1] Zou, G. Y. and Donner, A. (2008). Construction of confidence limits about effect
       measures: a general approach. Statistics in Medicine 27 (10), 1693-1702.
       https://doi.org/10.1002/sim.3095

    Examples
    --------
    >>> from skwater.metrics import balanced_accuracy_interval
    >>> low, high = balanced_accuracy_interval([20, 7], [21, 9])
    >>> print(f"{low:.3f} to {high:.3f}")
    0.653 to 0.965
    """
    n_correct, n = _check_counts(n_correct, "n_correct"), _check_counts(n, "n")
    if n_correct.shape != n.shape:
        raise ValueError(
            f"n_correct and n must have one number a class each, got shapes {n_correct.shape} and "
            f"{n.shape}."
        )
    counts = zip(n_correct, n, strict=True)
    low, high = np.transpose([accuracy_interval(k, of, confidence=confidence) for k, of in counts])
    recall = n_correct / n
    below = np.linalg.norm(recall - low) / len(n)
    above = np.linalg.norm(high - recall) / len(n)
    return float(recall.mean() - below), float(recall.mean() + above)


@validate_params(
    {"n_train": _POSITIVE, "n_test": _POSITIVE, "confidence": _CONFIDENCE},
    prefer_skip_nested_validation=True,
)
def corrected_resampled_ttest(
    differences: ArrayLike, *, n_train: float, n_test: float, confidence: float = 0.95
) -> Bunch:
    r"""Corrected resampled t-test of two models, from their differences on the same splits.

    It answers whether the mean difference could be chance, if the same plants are split repeatedly.
    The splits share most of their training plants, and the usual t-test, which takes them as
    independent, finds differences that do not exist. Here the variance is corrected for that
    [1]_: with the mean :math:`\bar d` and variance :math:`s^2` of the :math:`k` differences, and
    :math:`k - 1` degrees of freedom,

    .. math:: t = \frac{\bar d}{\sqrt{\left(\frac{1}{k} + \frac{n_\text{test}}{n_\text{train}}
       \right) s^2}}

    The correction is a rule of thumb, and all splits are of the same few plants: more repeats do
    not make more plants. With a dozen plants a permutation test of their labels is more reliable.

    If all differences are equal, their variance, and so the error of the mean, cannot be
    estimated: a perfect model beside the majority class differs from it by 0.5 in every fold. Then
    the ends and the p-value are NaN, because 0 would claim a certainty that the data do not
    support; it is 1 if the models do not differ at all.

    Parameters
    ----------
    differences : array-like of shape (n_splits,), dtype float
        Score of one model minus that of the other, on each split.
    n_train : float
        Number of plants trained on in a split, or its mean over the splits.
    n_test : float
        Number of plants tested on in a split, or its mean over the splits.
    confidence : float, default=0.95
        Confidence of the interval.

    Returns
    -------
    sklearn.utils.Bunch
        With these attributes:

        mean : float
            Mean of the differences.
        low, high : float
            Ends of the interval of the mean difference.
        pvalue : float
            Two-sided p-value of no difference.

    Raises
    ------
    ValueError
        If there are fewer than two differences, or one is NaN or infinite.

    References
    ----------
    .. [1] Nadeau, C. and Bengio, Y. (2003). Inference for the generalization error. Machine
       Learning 52, 239-281. https://doi.org/10.1023/A:1024068626366

    Examples
    --------
    >>> from skwater.metrics import corrected_resampled_ttest
    >>> test = corrected_resampled_ttest([0.1, 0.05, 0.2, 0.1, 0.15], n_train=20, n_test=10)
    >>> print(f"{test.mean:.2f} ({test.low:.2f} to {test.high:.2f}), p = {test.pvalue:.3f}")
    0.12 (-0.01 to 0.25), p = 0.066
    """
    differences = column_or_1d(
        check_array(
            differences,
            dtype=np.float64,
            ensure_2d=False,
            ensure_min_samples=2,
            input_name="differences",
        )
    )
    k, mean = len(differences), float(differences.mean())
    # Equal differences can be a rounding apart, which would pass for a tiny variance.
    if np.ptp(differences) <= 1e-9 * np.abs(differences).max():
        pvalue = 1.0 if mean == 0 else np.nan
        return Bunch(mean=mean, low=np.nan, high=np.nan, pvalue=pvalue)
    error = np.sqrt((1 / k + n_test / n_train) * differences.var(ddof=1))
    reach = float(stdtrit(k - 1, (1 + confidence) / 2) * error)
    pvalue = float(2 * stdtr(k - 1, -abs(mean) / error))
    return Bunch(mean=mean, low=mean - reach, high=mean + reach, pvalue=pvalue)


def _check_counts(counts, name):
    return column_or_1d(check_array(counts, dtype=np.float64, ensure_2d=False, input_name=name))
