"""The sampler that lets a model know the first weeks of a season."""

from numbers import Integral, Real
from typing import Self

import numpy as np
from imblearn.base import BaseSampler
from imblearn.utils._validation import ArraysTransformer
from numpy.typing import ArrayLike
from sklearn.utils._param_validation import Interval
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import _check_pos_label_consistency

from ..sequences import Sequences, SequencesLike, check_sequences, is_lazy, missing_frames
from ..sequences._cut import CutSequences


class SeasonStarts(BaseSampler):
    """Add the start of the season of each plant up to each of its dates, for use in season.

    A network that was trained on whole seasons can be far off in the first weeks: it has never
    seen a plant of which later images are not there yet. This sampler adds such plants to
    training, so that :class:`~skwater.monitoring.StressMonitor` and ``predict_proba_over_time``
    have probabilities to go by from the first image on. A start that ends before the onset of
    stress belongs to the class that is not stressed, whatever becomes of the plant.

    Put it last, before the classifier and after an :class:`~skwater.RSSResampler`. Most starts are
    not stressed, so give the classifier ``class_weight="balanced"``. It answers another question:
    on whole seasons such a model can be worse (on real sugar beet a balanced accuracy of 0.71
    instead of 0.87), and it misses more plants at the same threshold.

    Parameters
    ----------
    onset : int
        Number of frames taken before the stress could begin.
        :func:`~skwater.datasets.onset_from_days` counts them, and the loaders give it.
    pos_label : int, float, bool or str, default=None
        The class that is stressed. None takes 1 if the classes are 0 and 1, -1 and 1, or
        booleans. String labels have no natural positive class: pass it.

    Attributes
    ----------
    sequence_shape_ : tuple of int
        Shape of a sequence.
    n_features_in_ : int
        Number of frames.

    See Also
    --------
    skwater.monitoring.StressMonitor : Follows plants through the season.
    skwater.EarlyDetector : Fits a model for each date instead, with ``one_model_per_date=True``.

    Examples
    --------
    >>> import numpy as np
    >>> from skwater.resampling import SeasonStarts
    >>> X = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
    >>> X_new, y_new = SeasonStarts(onset=1).fit_resample(X, np.array([0, 1]))
    >>> X_new
    array([[ 1.,  2.,  3.],
           [ 4.,  5.,  6.],
           [ 1., nan, nan],
           [ 1.,  2., nan],
           [ 4., nan, nan],
           [ 4.,  5., nan]])
    >>> y_new
    array([0, 1, 0, 0, 0, 1])
    """

    _sampling_type = "bypass"
    _parameter_constraints: dict = {
        "onset": [Interval(Integral, 1, None, closed="left")],
        "pos_label": [Real, str, "boolean", None],
    }

    def __init__(self, onset: int, *, pos_label: float | str | None = None) -> None:
        self.onset = onset
        self.pos_label = pos_label

    def fit(self, X: SequencesLike, y: ArrayLike) -> Self:
        """Check X and y; ``fit_resample`` does all else.

        Parameters
        ----------
        X : array-like or lazy sequences of shape (n_samples, n_frames, ...)
            Sequences of numbers, vectors or images.
        y : array-like of shape (n_samples,)
            Class of each sequence.

        Returns
        -------
        SeasonStarts
            The sampler itself.
        """
        self._check(X, y)
        return self

    def fit_resample(self, X: SequencesLike, y: ArrayLike) -> tuple[Sequences, np.ndarray]:
        """Add the starts of the season of each plant.

        Parameters
        ----------
        X : array-like or lazy sequences of shape (n_samples, n_frames, ...)
            Sequences of numbers, vectors or images; an all-NaN frame is missing.
        y : array-like of shape (n_samples,)
            Class of each sequence, of two classes.

        Returns
        -------
        X_resampled : ndarray or lazy sequences of shape (n_samples_new, n_frames, ...)
            The originals, then the starts plant by plant, one for each frame of it but its last;
            frames after the start are missing. Lazy if `X` is, otherwise an array of floats.
        y_resampled : ndarray of shape (n_samples_new,)
            Their classes.

        Raises
        ------
        ValueError
            If there are not two classes, `pos_label` is none of them, or there is no frame after
            the `onset`.
        """
        containers = ArraysTransformer(X, y)
        return containers.transform(*self._fit_resample(*self._check(X, y)))

    def _fit_resample(self, X, y, before):
        present = ~missing_frames(X)
        last = present.shape[1] - 1 - present[:, ::-1].argmax(axis=1)
        present[np.arange(len(X)), last] = False  # that start is the plant itself
        rows, ends = np.nonzero(present)
        y_new = np.concatenate([y, np.where(ends < self.onset, before, y[rows])])
        rows = np.concatenate([np.arange(len(X)), rows])
        lengths = np.concatenate([np.full(len(X), X.shape[1]), ends + 1])
        if is_lazy(X):
            return CutSequences(X, rows, lengths), y_new
        X_new = X[rows].astype(np.result_type(X.dtype, np.float32), copy=False)
        X_new[np.arange(X.shape[1]) >= lengths[:, None]] = np.nan
        return X_new, y_new

    def _check(self, X, y):
        """Sequences, classes, and the class of plants before the onset."""
        self._validate_params()
        check_classification_targets(y)
        X, y = check_sequences(self, X, y, reset=True)
        classes = np.unique(y)
        if len(classes) != 2:
            raise ValueError(f"SeasonStarts needs two classes, got {classes.tolist()}.")
        if self.onset >= X.shape[1]:
            raise ValueError(
                f"onset={self.onset} leaves no frame in which a plant could be stressed: X has "
                f"{X.shape[1]} frames."
            )
        pos_label = _check_pos_label_consistency(self.pos_label, y)
        if pos_label not in classes:
            raise ValueError(f"pos_label={pos_label!r} is none of the classes.")
        return X, y, classes[classes != pos_label][0]

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = False
        tags.input_tags.dataframe = False
        tags.input_tags.three_d_array = True
        tags.input_tags.allow_nan = True
        return tags
