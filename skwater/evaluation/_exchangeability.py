"""Are the classes alike before the onset, as onset-aware splicing assumes?"""

from __future__ import annotations

from numbers import Integral
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike
from sklearn.linear_model import RidgeClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils._param_validation import HasMethods, Interval

from .._typing import Estimator, RandomState, Splitter
from .._validation import validate_params
from ..sequences import SequencesLike
from ._baselines import channel_means, is_color_image, on_summary, summarize
from ._permutation import permutation_test
from ._validation import check_plants

if TYPE_CHECKING:
    from . import PermutationResult


@validate_params(
    {
        "onset": [Interval(Integral, 1, None, closed="left")],
        "estimator": [HasMethods(["fit", "predict"]), None],
    },
    prefer_skip_nested_validation=False,
)
def exchangeability_test(
    X: SequencesLike,
    y: ArrayLike,
    onset: int,
    *,
    groups: ArrayLike,
    treatments: ArrayLike | None = None,
    strata: ArrayLike | None = None,
    estimator: Estimator | None = None,
    cv: Splitter | None = None,
    n_permutations: int = 1000,
    n_jobs: int | None = None,
    random_state: RandomState | None = None,
    verbose: int = 1,
) -> PermutationResult:
    """Test whether the classes can be told apart before the onset of stress.

    ``RSSResampler(onset=...)`` takes the frames before the onset from plants of any class. It
    assumes that the classes are exchangeable until then: alike in all but chance. This function
    trains a classifier on the frames before the onset only, and compares its balanced accuracy
    with that under labels exchanged at random, by :func:`permutation_test`.

    * **A small p** (below 0.05) means that the classes differ before the onset, so the assumption
      does not hold. If the treatments differ in something known, such as the nitrogen level, give
      it as `strata`, here and to :meth:`RSSResampler.fit_resample
      <skwater.RSSResampler.fit_resample>`. Otherwise use plain splicing (``onset=None``).
    * **A large p does not prove that they are alike.** With few plants, or few treatments, even a
      large difference is not significant: look at ``smallest_pvalue`` and at the score. And the
      classifier sees only what it can read: the default one, nothing of the shape of leaves.

    Give `treatments` if the stress was given to whole treatments, trays or plots. Otherwise the
    plants of a treatment, which resemble each other, are taken for independent, and p is far too
    small.

    Parameters
    ----------
    X : array-like or lazy sequences of shape (n_samples, n_frames, ...)
        Sequences. Frames from the onset on are not used.
    y : array-like of shape (n_samples,)
        Class of each sequence.
    onset : int
        Number of frames taken before the stress could begin, as for
        :class:`~skwater.RSSResampler`. :func:`~skwater.datasets.onset_from_days` counts them.
    groups : array-like of shape (n_samples,)
        Plant of each sequence.
    treatments : array-like of shape (n_samples,), default=None
        Treatment, tray or plot of each sequence, as in :func:`permutation_test`.
    strata : array-like of shape (n_samples,), default=None
        Stratum of each sequence, as in :func:`permutation_test`.
    estimator : estimator instance, default=None
        Classifier or pipeline that is given the frames before the onset. None is a ridge
        classifier with balanced class weights on the mean of each channel of each frame, and for
        color images also their canopy cover; missing frames are imputed by the mean.
    cv : int, splitter or iterable of splits, default=None
        As in :func:`permutation_test`.
    n_permutations : int, default=1000
        As in :func:`permutation_test`.
    n_jobs : int, default=None
        Number of processes, as in joblib.
    random_state : int, RandomState instance or None, default=None
        Seeds the labelings that are drawn, the folds and the estimator.
    verbose : {0, 1}, default=1
        Whether to show a progress bar.

    Returns
    -------
    PermutationResult
        What :func:`permutation_test` returns, of the balanced accuracy.

    Raises
    ------
    ValueError
        If `onset` is below 1 or above the number of frames, a plant has no frame before the onset,
        or a treatment (without treatments, a plant) has more than one class or stratum.

    Warns
    -----
    UserWarning
        If the smallest possible p is above 0.05: then the test cannot find any difference.

    See Also
    --------
    permutation_test : The test underneath, for any frames.
    skwater.RSSResampler : Onset-aware splicing.
    early_detection_curve : Scores day by day; the days before the onset are a control.

    Examples
    --------
    Plants that were brighter from the start are those that were left dry:

    >>> import numpy as np
    >>> from skwater.evaluation import exchangeability_test
    >>> y = np.arange(40) % 2
    >>> X = np.random.default_rng(0).normal(size=(40, 6))
    >>> X[y == 1] += 1.5
    >>> options = {"groups": np.arange(40), "n_permutations": 39, "random_state": 0, "verbose": 0}
    >>> result = exchangeability_test(X, y, onset=3, **options)
    >>> result.pvalue
    0.025

    Without the difference before the onset:

    >>> X[y == 1, :3] -= 1.5
    >>> result = exchangeability_test(X, y, onset=3, **options)
    >>> result.pvalue > 0.05
    True
    """
    X, y, groups, treatments = check_plants(X, y, groups, treatments)
    if onset > X.shape[1]:
        raise ValueError(
            f"onset={onset} is above the number of frames, {X.shape[1]}. It is the number of "
            f"frames before the stress; skwater.datasets.onset_from_days counts them."
        )
    before = X[:, :onset]
    if estimator is None:
        check_plants(before, y, groups)  # names a plant that has no frame yet
        before, estimator = _summarize(before), _classifier_of_summaries()
    return permutation_test(
        estimator,
        before,
        y,
        groups=groups,
        treatments=treatments,
        strata=strata,
        cv=cv,
        n_permutations=n_permutations,
        n_jobs=n_jobs,
        random_state=random_state,
        verbose=verbose,
    )


def _summarize(X):
    """Numbers of each frame, (n_samples, n_frames, k), computed once for all labelings."""
    means = channel_means(X)
    return np.concatenate([summarize(X), means], axis=2) if is_color_image(X) else means


def _classifier_of_summaries():
    # Without balanced weights it would predict the largest class for most labelings.
    ridge = RidgeClassifier(class_weight="balanced")  # fitted thousands of times: closed form
    return on_summary("all", make_pipeline(StandardScaler(), ridge))
