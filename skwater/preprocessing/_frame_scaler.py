"""Standardization of each channel on each date."""

from typing import Self

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from .._validation import _fit_context
from ..sequences import SequencesLike
from ._baseline import check_vectors


class FrameScaler(TransformerMixin, BaseEstimator):
    """Standardize each channel on each date by the training plants.

    From every value the mean of the training plants on that date is subtracted, and the rest is
    divided by their standard deviation, ``(x[i, t, c] - mean[t, c]) / scale[t, c]``. That removes
    what all plants share on a date, the light of the day and the growth up to it, and keeps how
    each compares with the others. The classifiers of this package standardize each channel over
    all dates at once, which keeps growth in; so this step belongs before them, in one pipeline
    with them, so that plants of the test fold have no influence on it. An
    :class:`~skwater.RSSResampler` whose `junction` continues the level comes before it, since no
    level is left afterwards.

    Try the pipeline without it first. If growth itself shows the stress, it costs accuracy.

    It misleads if training plants are few: mean and standard deviation of a date are then noisy,
    above all if images are missing, and a plant alone on its date becomes 0. New plants have to
    be at the same dates of the same season: the light of another year is not removed. If one class
    is rare in training, the mean of the date is close to that of the other class. If all training
    plants lack a date, nothing is known of its scale: its frames become missing, as they are in
    all of training.

    Attributes
    ----------
    mean_ : ndarray of shape (n_frames,) or (n_frames, n_channels), dtype float64
        Mean over the training plants; NaN on dates that all of them lack.
    scale_ : ndarray of shape (n_frames,) or (n_frames, n_channels), dtype float64
        Standard deviation over the training plants (divisor n); 1 if they do not vary, and on
        dates that all of them lack.
    n_features_in_ : int
        Number of frames seen in fit.
    sequence_shape_ : tuple of int
        Shape of one sequence seen in fit, (n_frames,) or (n_frames, n_channels).
    feature_names_in_ : ndarray of shape (n_frames,), dtype object
        Names of the frames, if X is a data frame with string columns.

    See Also
    --------
    BaselineCorrector : Removes constant differences between plants; the step before.
    sklearn.preprocessing.StandardScaler : The same for tables without missing frames.

    Examples
    --------
    >>> import numpy as np
    >>> from skwater.preprocessing import FrameScaler
    >>> X = np.array([[1.0, 10.0], [3.0, 10.0], [5.0, np.nan]])  # 3 plants, 2 frames
    >>> scaler = FrameScaler().fit(X)
    >>> scaler.mean_
    array([ 3., 10.])
    >>> scaler.transform(X).round(2)
    array([[-1.22,  0.  ],
           [ 0.  ,  0.  ],
           [ 1.22,   nan]])
    """

    _parameter_constraints: dict = {}

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: SequencesLike, y: object = None) -> Self:
        """Learn the mean and standard deviation of each date.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_frames) or (n_samples, n_frames, n_channels)
            Numbers or vectors of the training plants. An all-NaN frame is missing and left out.
        y : None
            Ignored.

        Returns
        -------
        FrameScaler
            The transformer itself.

        Raises
        ------
        ValueError
            If X has images or is lazy, a frame is partly NaN, or a plant has no frame at all.
        """
        X = check_vectors(self, X, reset=True)
        # Masked, as a date that all plants lack has no mean. float32 is too coarse for the sums.
        X = X.astype(np.float64, copy=False)
        present = np.ma.masked_invalid(X)
        self.mean_ = np.ma.filled(present.mean(axis=0), np.nan)
        scale = np.ma.filled(present.std(axis=0), 0.0)
        # Relative to the channel and not to the date: before the stress the change from the
        # baseline may be rounding errors only.
        constant = scale <= 1e-12 * np.nanmax(np.abs(X), axis=(0, 1))
        self.scale_ = np.where(constant, 1.0, scale)
        return self

    def transform(self, X: SequencesLike) -> np.ndarray:
        """Standardize each channel on each date.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_frames) or (n_samples, n_frames, n_channels)
            Numbers or vectors at the dates of fit. Vectors may have fewer frames, the season so
            far.

        Returns
        -------
        ndarray of the shape of X, dtype float32 or float64
            Standard deviations from the mean of the date, without unit; float32 if X is float32.
            Missing frames stay missing.

        Raises
        ------
        ValueError
            If X would be refused in fit, or has other frames than in fit.
        """
        check_is_fitted(self)
        X = check_vectors(self, X, reset=False)
        n_frames = X.shape[1]
        return ((X - self.mean_[:n_frames]) / self.scale_[:n_frames]).astype(X.dtype, copy=False)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        tags.input_tags.allow_nan = True
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags
