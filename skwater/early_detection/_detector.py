"""Raise an alarm on the first date on which the probability of stress reaches a threshold."""

from numbers import Integral, Real
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator, ClassifierMixin, MetaEstimatorMixin, clone
from sklearn.utils import get_tags
from sklearn.utils._param_validation import HasMethods, Interval
from sklearn.utils.metadata_routing import (
    MetadataRouter,
    MethodMapping,
    _raise_for_params,
    process_routing,
)
from sklearn.utils.multiclass import type_of_target
from sklearn.utils.validation import (
    _check_method_params,
    _check_pos_label_consistency,
    check_is_fitted,
)

from .._typing import Estimator
from .._validation import _fit_context
from ..resampling._onset import quiet_about_onset, warn_of_onset
from ..sequences import SequencesLike, check_days, check_sequences, missing_frames
from ._prefixes import proba_over_time


class EarlyDetector(ClassifierMixin, MetaEstimatorMixin, BaseEstimator):
    """Raise an alarm on the first date on which the probability of stress reaches a threshold.

    The alarm of a plant comes on the first frame, from frame number `min_frames` on, on which the
    probability of stress has been at least `threshold` for `n_consecutive` frames in a row.
    Missing frames are skipped: they neither count nor interrupt the row. A decision never depends
    on later frames.

    Each frame is one more chance of a false alarm, so a threshold that is right for whole seasons
    is too low here. Choose it, with `min_frames` and `n_consecutive`, on inner folds, never on the
    plants that are reported. A single model that was trained on whole seasons
    (``one_model_per_date=False``) was not trained to answer early in the season, and its early
    probabilities can be far off in either direction; ``one_model_per_date=True`` asks the model of
    that date. An alarm before the onset of stress is not early detection: check
    :func:`skwater.metrics.false_alarm_rate_before_onset` first.

    Parameters
    ----------
    estimator : object
        Classifier with ``predict_proba``. It is cloned, never fitted itself.
    threshold : float, default=0.5
        Probability of stress, from 0 to 1, that counts as evidence.
    min_frames : int, default=1
        Number of the first frame, counted from 1 with missing ones, that can be evidence.
    n_consecutive : int, default=1
        How many images in a row must be evidence.
    one_model_per_date : bool, default=False
        False fits one clone on whole sequences and reads it along the season: by its
        ``predict_proba_over_time`` if it has one, or else by ``predict_proba`` of the frames so
        far, which it must accept. True fits a clone for each number of frames from `min_frames`
        on, which any classifier can do, at the price of as many fits; it is the default of
        :func:`~skwater.evaluation.early_detection_curve`.
    pos_label : int, float, bool or str, default=None
        The class that is stressed. None takes 1 if the classes are 0 and 1, -1 and 1, or
        booleans. String labels have no natural positive class: pass it.

    Attributes
    ----------
    estimators_ : list of object
        The fitted clones: one for each number of frames from `min_frames` on if
        ``one_model_per_date=True``, otherwise a single one.
    classes_ : ndarray of shape (2,)
        The classes.
    class_prior_ : ndarray of shape (2,), dtype float64
        Share of each class in training.
    n_features_in_ : int
        Number of frames seen in fit.
    sequence_shape_ : tuple of int
        Shape of a sequence seen in fit.
    feature_names_in_ : ndarray of shape (n_frames,), dtype object
        Names of the frames, if X was a data frame with string columns.

    See Also
    --------
    skwater.metrics.detection_delay : How soon the alarms come.
    skwater.metrics.false_alarm_rate_before_onset : How many come too soon to be true.

    Notes
    -----
    In a pipeline, the steps before the last are applied to whole sequences if a single clone is
    read by its ``predict_proba_over_time``. Such a step must treat each frame by itself. One plant
    is used to test this: a pipeline that treats its first frames differently if later ones follow
    is read by ``predict_proba`` of the frames so far.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import LogisticRegression
    >>> from skwater.early_detection import EarlyDetector
    >>> days = [21, 25, 28, 32, 36, 39]
    >>> rng = np.random.default_rng(0)
    >>> y = np.repeat(["dry", "wet"], 10)
    >>> X = rng.normal(size=(20, 6))
    >>> X[:10, 3:] -= 4  # dry plants have less cover from day 32 on
    >>> detector = EarlyDetector(
    ...     LogisticRegression(), threshold=0.9, one_model_per_date=True, pos_label="dry"
    ... )
    >>> detector.fit(X, y).detect(X[8:12], days=days)
    array([32., 32., nan, nan])
    """

    _parameter_constraints: dict = {
        "estimator": [HasMethods(["fit", "predict_proba"])],
        "threshold": [Interval(Real, 0, 1, closed="both")],
        "min_frames": [Interval(Integral, 1, None, closed="left")],
        "n_consecutive": [Interval(Integral, 1, None, closed="left")],
        "one_model_per_date": ["boolean"],
        "pos_label": [Real, str, "boolean", None],
    }

    def __init__(
        self,
        estimator: Estimator,
        *,
        threshold: float = 0.5,
        min_frames: int = 1,
        n_consecutive: int = 1,
        one_model_per_date: bool = False,
        pos_label: float | str | None = None,
    ) -> None:
        self.estimator = estimator
        self.threshold = threshold
        self.min_frames = min_frames
        self.n_consecutive = n_consecutive
        self.one_model_per_date = one_model_per_date
        self.pos_label = pos_label

    @_fit_context(prefer_skip_nested_validation=False)  # the estimator is validated by itself
    def fit(self, X: SequencesLike, y: ArrayLike, **params: Any) -> Self:
        """Fit one clone of the estimator, or one for each number of frames.

        Parameters
        ----------
        X : array-like or lazy sequences of shape (n_samples, n_frames, ...)
            Sequences that the estimator takes. An all-NaN frame is missing.
        y : array-like of shape (n_samples,)
            Class of each sequence, one of two.
        **params : dict
            Metadata for ``fit`` of the estimator, by scikit-learn's metadata routing.

        Returns
        -------
        EarlyDetector
            The detector itself.

        Raises
        ------
        ValueError
            If X breaks the contract, y does not have two classes, `pos_label` is not one of them,
            or, with ``one_model_per_date=True``, all plants of a class lack the first frames.
        """
        _raise_for_params(params, self, "fit")
        params = process_routing(self, "fit", **params).estimator.fit
        X, y = check_sequences(self, X, y, reset=True)
        self._check_classes(y)
        self._fitted_from = None
        if self.one_model_per_date:
            self._fitted_from = min(self.min_frames, X.shape[1])
            present = ~missing_frames(X)
            lengths = range(self._fitted_from, X.shape[1] + 1)
            warn_of_onset([self.estimator], lengths, stacklevel=3)
            self.estimators_ = [
                self._fit_prefix(X[:, :t], y, present[:, :t].any(axis=1), params) for t in lengths
            ]
        else:
            self.estimators_ = [clone(self.estimator).fit(X, y, **params)]
        return self

    def _check_classes(self, y):
        kind = type_of_target(y, input_name="y", raise_unknown=True)
        if kind != "binary":
            raise ValueError(
                f"Only binary classification is supported. The type of the target is {kind}."
            )
        self.classes_, counts = np.unique(y, return_counts=True)
        if len(self.classes_) < 2:
            raise ValueError(
                f"EarlyDetector needs samples of 2 classes in y, got 1 class: {self.classes_[0]}."
            )
        self.class_prior_ = counts / len(y)
        found = np.flatnonzero(self.classes_ == _check_pos_label_consistency(self.pos_label, y))
        if len(found) == 0:
            raise ValueError(
                f"pos_label={self.pos_label!r} is not among the classes of y, "
                f"{self.classes_.tolist()}. Name the stressed one."
            )
        self._pos = found[0]

    def _fit_prefix(self, X, y, seen, params):
        """Fit a clone on the plants that have been seen by the last frame of X."""
        lacking = np.setdiff1d(self.classes_, y[seen])
        if len(lacking):
            t = X.shape[1]
            raise ValueError(
                f"No plant of class {lacking[0]} has an image up to frame number {t}, so that no "
                f"estimator can be fitted on it. Leave the first {t} frames out."
            )
        if not seen.all():
            rows = np.flatnonzero(seen)
            params = _check_method_params(X, params, rows)
            X, y = X[rows], y[rows]
        with quiet_about_onset(self.estimator, X.shape[1]):
            return clone(self.estimator).fit(X, y, **params)

    def predict_proba_over_time(self, X: SequencesLike) -> np.ndarray:
        """Probability of each class after each frame, as the season goes on.

        Parameters
        ----------
        X : array-like or lazy sequences of shape (n_samples, n_frames, ...)
            Sequences with frames as in :meth:`fit`. From three dimensions on there may be fewer
            of them, the season so far; with two, enter the frames to come as NaN.

        Returns
        -------
        ndarray of shape (n_samples, n_frames, 2), dtype float64
            Probabilities after each frame, in the order of ``classes_``. A missing frame leaves
            them as they were. Before the first image of a plant, and before the first clone, they
            are ``class_prior_``, or what the estimator's own ``predict_proba_over_time`` returns.

        Raises
        ------
        ValueError
            If X breaks the contract, or the estimator refuses the first frames by themselves,
            which ``one_model_per_date=True`` avoids.
        """
        check_is_fitted(self)
        X, _ = check_sequences(self, X, reset=False)
        return self._over_time(X)

    def _over_time(self, X):
        if self._fitted_from is None:
            probabilities = proba_over_time(self.estimators_[0], X)
            if probabilities is not None:
                return probabilities
        present = ~missing_frames(X)
        probabilities = np.tile(self.class_prior_, (*X.shape[:2], 1))
        for t in range((self._fitted_from or 1) - 1, X.shape[1]):
            rows = np.flatnonzero(present[:, t])  # for the others nothing is new
            if len(rows):
                probabilities[rows, t:] = self._read(X[:, : t + 1], rows)[:, None]
        return probabilities

    def _read(self, X, rows):
        """Probabilities of some rows after all frames of X, which are the first of the season."""
        n_frames = X.shape[1]
        one = self._fitted_from is None
        estimator = self.estimators_[0 if one else n_frames - self._fitted_from]
        try:
            return estimator.predict_proba(X if len(rows) == len(X) else X[rows])
        except ValueError as error:
            if not one or n_frames == self.n_features_in_:
                raise
            raise ValueError(
                f"{type(estimator).__name__} was fitted on {self.n_features_in_} frames and "
                f"refuses the first {n_frames} of them by themselves: {error} Set "
                f"one_model_per_date=True, which fits a clone for each number of frames."
            ) from error

    def _follow(self, X):
        """Probabilities (n_samples, n_frames, 2) and the frame of each alarm, -1 for never."""
        check_is_fitted(self)
        X, _ = check_sequences(self, X, reset=False)
        probabilities = self._over_time(X)
        alarms = first_alarms(
            probabilities[:, :, self._pos],
            ~missing_frames(X),
            threshold=self.threshold,
            min_frames=self.min_frames,
            n_consecutive=self.n_consecutive,
        )
        return probabilities, alarms

    def detect(self, X: SequencesLike, *, days: ArrayLike | None = None) -> np.ndarray:
        """Day of the alarm of each plant.

        Parameters
        ----------
        X : array-like or lazy sequences of shape (n_samples, n_frames, ...)
            Sequences, as in :meth:`predict_proba_over_time`.
        days : array-like of shape (n_frames,), default=None
            Day of each frame, strictly increasing. None counts frames, from 1 on.

        Returns
        -------
        ndarray of shape (n_samples,), dtype float64
            Days, or numbers of frames; NaN for a plant without an alarm so far.

        Raises
        ------
        ValueError
            If `days` are not one for each frame of X, or not increasing.
        """
        probabilities, alarms = self._follow(X)
        n_frames = probabilities.shape[1]
        days = np.arange(1.0, n_frames + 1) if days is None else check_days(days, n_frames)
        return np.where(alarms >= 0, days[alarms], np.nan)

    def predict(self, X: SequencesLike) -> np.ndarray:
        """Stressed if there is an alarm within the frames of X, or else the other class.

        Parameters
        ----------
        X : array-like or lazy sequences of shape (n_samples, n_frames, ...)
            Sequences, as in :meth:`predict_proba_over_time`.

        Returns
        -------
        ndarray of shape (n_samples,)
            Classes, of the type seen in :meth:`fit`.
        """
        _, alarms = self._follow(X)
        return self.classes_[np.where(alarms >= 0, self._pos, 1 - self._pos)]

    def predict_proba(self, X: SequencesLike) -> np.ndarray:
        """Probability of each class on the frame that decided: that of the alarm, or the last.

        If `n_consecutive` is above 1 or `threshold` is not 0.5, the more probable class may differ
        from the one that :meth:`predict` gives.

        Parameters
        ----------
        X : array-like or lazy sequences of shape (n_samples, n_frames, ...)
            Sequences, as in :meth:`predict_proba_over_time`.

        Returns
        -------
        ndarray of shape (n_samples, 2), dtype float64
            Probabilities in the order of ``classes_``.
        """
        probabilities, alarms = self._follow(X)
        return probabilities[np.arange(len(alarms)), alarms]  # -1, never, is the last frame

    def get_metadata_routing(self) -> MetadataRouter:
        """Return where metadata go: from ``fit`` to ``fit`` of the estimator.

        Returns
        -------
        MetadataRouter
            The routing.
        """
        return MetadataRouter(owner=self).add(
            estimator=self.estimator,
            method_mapping=MethodMapping().add(caller="fit", callee="fit"),
        )

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        inner = get_tags(self.estimator)
        tags.classifier_tags.multi_class = False
        tags.classifier_tags.poor_score = inner.classifier_tags.poor_score
        tags.input_tags.allow_nan = inner.input_tags.allow_nan
        tags.input_tags.three_d_array = inner.input_tags.three_d_array
        return tags


def first_alarms(probability, present, *, threshold, min_frames, n_consecutive):
    """Find the frame of each plant's alarm.

    Parameters
    ----------
    probability : ndarray of shape (n_samples, n_frames), dtype float
        Probability of stress after each frame.
    present : ndarray of shape (n_samples, n_frames), dtype bool
        Which frames are not missing.
    threshold, min_frames, n_consecutive : float, int, int
        As in :class:`EarlyDetector`.

    Returns
    -------
    ndarray of shape (n_samples,), dtype int
        Position of the frame, from 0 on; -1 for never.
    """
    counts = present & (np.arange(present.shape[1]) >= min_frames - 1)
    alarms, in_a_row = np.full(len(probability), -1), np.zeros(len(probability), dtype=int)
    for t in range(probability.shape[1]):
        evidence = probability[:, t] >= threshold
        in_a_row = np.where(counts[:, t], (in_a_row + 1) * evidence, in_a_row)
        alarms[(alarms < 0) & (in_a_row >= n_consecutive)] = t
    return alarms
