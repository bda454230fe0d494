"""Change from the plant's own baseline, and the check of vectors that it needs."""

from numbers import Integral
from typing import Self

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils._param_validation import Interval
from sklearn.utils.validation import check_is_fitted

from .._validation import _fit_context
from ..sequences import SequencesLike, check_sequences, missing_frames


class BaselineCorrector(TransformerMixin, BaseEstimator):
    """Baseline correction: subtract from every plant its own mean before the stress.

    The mean of the first frames of a plant is subtracted from all of its frames, for each channel,
    ``x[i, t, c] - nanmean(x[i, :n_baseline_frames, c])``, as spectra are corrected for their
    baseline. Each plant is its own control: constant differences that existed before the stress
    (size, place, nitrogen) cancel, and only later changes remain. Each plant is treated by itself
    and nothing is learned from others, so nothing leaks.

    It misleads in five ways. A window that reaches beyond the onset subtracts the stress itself.
    A window much shorter than the time before the onset is noisy, and its noise is added to every
    frame. Differences that grow with the plant do not cancel, and if the frames of a plant hardly
    resemble its baseline, the change is noisier than the value [1]_. The onset has to be known.
    And values within the window depend on its later frames: until the window is over, the same
    frame of the season so far has another value on each date. Within the window, therefore, do not
    read a model of whole seasons along the season, but train one for each date, as
    :func:`~skwater.evaluation.early_detection_curve` does with ``one_model_per_date=True``.

    It must come before :class:`~skwater.RSSResampler`: a splice mixes plants, and has no baseline
    of its own.

    Parameters
    ----------
    n_baseline_frames : int
        How many frames were taken before the stress began, up to the day of the last irrigation.
        If there are not more, the mean is over all.

    Attributes
    ----------
    n_features_in_ : int
        Number of frames seen in fit.
    sequence_shape_ : tuple of int
        Shape of one sequence seen in fit, (n_frames,) or (n_frames, n_channels).
    feature_names_in_ : ndarray of shape (n_frames,), dtype object
        Names of the frames, if X is a data frame with string columns.

    See Also
    --------
    FrameScaler : Removes what all plants share on a date; the next step.
    CanopyCover : Makes numbers from images.

    References
    ----------
    .. [1] Vickers, A. J., Altman, D. G. (2001). Analysing controlled trials with baseline and
       follow up measurements. BMJ 323, 1123-1124. https://doi.org/10.1136/bmj.323.7321.1123

    Examples
    --------
    >>> import numpy as np
    >>> from skwater.preprocessing import BaselineCorrector
    >>> X = np.array([[1.0, 3.0, 4.0, 2.0], [5.0, 7.0, 8.0, 9.0]])  # 2 plants, 4 frames
    >>> BaselineCorrector(2).fit_transform(X)
    array([[-1.,  1.,  2.,  0.],
           [-1.,  1.,  2.,  3.]])
    """

    _parameter_constraints: dict = {
        "n_baseline_frames": [Interval(Integral, 1, None, closed="left")]
    }

    def __init__(self, n_baseline_frames: int) -> None:
        self.n_baseline_frames = n_baseline_frames

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: SequencesLike, y: object = None) -> Self:
        """Check X and count its frames; there is nothing else to learn.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_frames) or (n_samples, n_frames, n_channels)
            Numbers or vectors. An all-NaN frame is missing.
        y : None
            Ignored.

        Returns
        -------
        BaselineCorrector
            The transformer itself.

        Raises
        ------
        ValueError
            If X has images or is lazy, a frame is partly NaN, or a plant has no frame at all.
        """
        check_vectors(self, X, reset=True)
        return self

    def transform(self, X: SequencesLike) -> np.ndarray:
        """Subtract its own baseline from every plant.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_frames) or (n_samples, n_frames, n_channels)
            Numbers or vectors as in fit. Vectors may have fewer frames, the season so far: if it
            is shorter than the window, the mean is over the frames that there are.

        Returns
        -------
        ndarray of the shape of X, dtype float32 or float64
            Change from the baseline in the unit of X; float32 if X is float32. Missing frames stay
            missing.

        Raises
        ------
        ValueError
            If X would be refused in fit or has other frames than in fit, or a plant has no frame
            within the window.
        """
        check_is_fitted(self)
        X = check_vectors(self, X, reset=False)
        without = np.flatnonzero(missing_frames(X)[:, : self.n_baseline_frames].all(axis=1))
        if len(without):
            raise ValueError(
                f"X has no baseline in sample {without[0]}: its first "
                f"{min(self.n_baseline_frames, X.shape[1])} frames are all missing "
                f"({len(without)} such samples). Leave the plant out, or raise n_baseline_frames, "
                f"at most to the number of frames before the onset of stress."
            )
        baseline = np.nanmean(
            X[:, : self.n_baseline_frames], axis=1, keepdims=True, dtype=np.float64
        )
        return (X - baseline).astype(X.dtype, copy=False)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        tags.input_tags.allow_nan = True
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags


def check_vectors(estimator, X, *, reset):
    """Validate X as sequences of numbers or vectors and return it as float32 or float64."""
    X, _ = check_sequences(estimator, X, reset=reset, frames="vectors", lazy=False)
    return X if X.dtype == np.float32 else X.astype(np.float64, copy=False)
