"""Shorter sequences: keep some of the frames."""

from numbers import Integral
from typing import Literal, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import _check_feature_names_in, check_is_fitted

from .._typing import RandomState
from .._validation import _fit_context
from ..sequences import Sequences, SequencesLike, check_sequences, is_lazy


def _has_columns(sampler):
    """Tell whether frames are columns of a table; before fit they may be."""
    fitted = getattr(sampler, "sequence_shape_", (0,))
    if len(fitted) == 1:
        return True
    raise AttributeError(
        f"FrameSampler was fitted on sequences of shape {fitted}, which have no columns to name: "
        f"there are feature names for X of shape (n_samples, n_frames) only. frames_ has the "
        f"numbers of the frames."
    )


class FrameSampler(TransformerMixin, BaseEstimator):
    """Sample frames: keep the same few frames of every sequence, in their order.

    Shorter sequences train faster and need a smaller model: published results of about 10,000
    parameters are for down-sampled sequences [1]_. The first frames tell how early stress can be
    seen; a fair answer needs a model fitted on those alone, which this step in a pipeline gives.

    Frames are chosen by number and not by content. If images were not taken at equal intervals,
    ``"uniform"`` is uniform in frames and not in days. A plant may lack its image on the chosen
    dates: if it lacks all of them, the classifier refuses it. ``"last"`` sees the end of the
    season, which no early warning can.

    Values are not read, so it works on sequences of any rank, on tables of file names, and on
    lazy sequences, which stay lazy.

    Parameters
    ----------
    n_frames : int, default=8
        How many frames to keep. If there are not more, all are kept.
    strategy : {"uniform", "first", "last", "random"}, default="uniform"
        Evenly spaced from the first to the last (a single frame is the middle one), the first,
        the last, or drawn once, in fit, without replacement.
    random_state : int, RandomState instance or None, default=None
        Seed of the draw, used for ``strategy="random"``.

    Attributes
    ----------
    frames_ : ndarray of shape (n_frames_out,), dtype int
        Numbers of the frames that are kept, counted from 0, ascending.
    n_features_in_ : int
        Number of frames seen in fit.
    sequence_shape_ : tuple of int
        Shape of one sequence seen in fit, (n_frames, ...).
    feature_names_in_ : ndarray of shape (n_frames,), dtype object
        Names of the frames, if X is a data frame with string columns.

    See Also
    --------
    skwater.RSSResampler : Splices the frames that are kept, as the next step of a pipeline.

    References
    ----------
    .. [1] "Spatio-Temporal Analysis", https://github.com/GVS-007/Spatio-Temporal-Analysis.

    Examples
    --------
    >>> import numpy as np
    >>> from skwater.preprocessing import FrameSampler
    >>> X = np.arange(2)[:, None] * 10 + np.arange(9)  # 2 plants, 9 frames
    >>> sampler = FrameSampler(3).fit(X)
    >>> sampler.frames_
    array([0, 4, 8])
    >>> sampler.transform(X)
    array([[ 0,  4,  8],
           [10, 14, 18]])
    """

    _parameter_constraints: dict = {
        "n_frames": [Interval(Integral, 1, None, closed="left")],
        "strategy": [StrOptions({"uniform", "first", "last", "random"})],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        n_frames: int = 8,
        *,
        strategy: Literal["uniform", "first", "last", "random"] = "uniform",
        random_state: RandomState | None = None,
    ) -> None:
        self.n_frames = n_frames
        self.strategy = strategy
        self.random_state = random_state

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: SequencesLike, y: object = None) -> Self:
        """Choose the frames.

        Parameters
        ----------
        X : array-like or lazy sequences of shape (n_samples, n_frames, ...)
            Sequences of 2 to 5 dimensions and any dtype, including file names.
        y : None
            Ignored.

        Returns
        -------
        FrameSampler
            The transformer itself.

        Raises
        ------
        ValueError
            If X has no such shape.
        """
        X, _ = check_sequences(self, X, reset=True, numeric=False, complete=False)
        self.frames_ = self._choose(X.shape[1])
        return self

    def transform(self, X: SequencesLike) -> Sequences:
        """Keep the chosen frames.

        From three dimensions on X may have fewer frames than in fit, the season so far: then the
        chosen frames among them are kept.

        Parameters
        ----------
        X : array-like or lazy sequences of shape (n_samples, n_frames, ...)
            Sequences of as many dimensions as in fit. Images may have another size.

        Returns
        -------
        ndarray or lazy sequences of shape (n_samples, n_frames_out, ...)
            The chosen frames; a copy if X is an array, lazy if X is lazy.

        Raises
        ------
        ValueError
            If X has other dimensions than in fit, more frames, or so few that no chosen one is
            among them; with two dimensions, if it has another number of frames.
        """
        check_is_fitted(self)
        X, _ = check_sequences(self, X, reset=False, numeric=False, complete=False)
        n_frames = X.shape[1]
        frames = self.frames_[self.frames_ < n_frames]
        if len(frames) == 0:
            raise ValueError(
                f"X has {n_frames} frames, and none of those that FrameSampler chose: of the "
                f"{self.n_features_in_} in fit the first of them is number {self.frames_[0]}, "
                f"counted from 0. Wait for later frames, or fit with strategy='first'."
            )
        return X.take_frames(frames) if is_lazy(X) else X[:, frames]

    @available_if(_has_columns)
    def get_feature_names_out(self, input_features: ArrayLike | None = None) -> np.ndarray:
        """Return the names of the frames that are kept, after a fit on two dimensions only.

        A vector or an image is not a column of a table, so it has no name.

        Parameters
        ----------
        input_features : array-like of str or None, default=None
            Names of all frames. None takes those of the data frame seen in fit, or ``x0``, ``x1``
            and so on.

        Returns
        -------
        ndarray of shape (n_frames_out,), dtype object
            Names of the frames in ``frames_``.

        Raises
        ------
        AttributeError
            After a fit on more than two dimensions.
        NotFittedError
            Before fit.
        """
        check_is_fitted(self)
        return _check_feature_names_in(self, input_features)[self.frames_]

    def _choose(self, available):
        n = min(self.n_frames, available)
        if self.strategy == "first":
            return np.arange(n)
        if self.strategy == "last":
            return np.arange(available - n, available)
        if self.strategy == "random":
            rng = check_random_state(self.random_state)
            return np.sort(rng.choice(available, n, replace=False))
        if n == 1:
            return np.array([(available - 1) // 2])
        return np.linspace(0, available - 1, n).round().astype(np.intp)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        tags.input_tags.string = True
        tags.input_tags.allow_nan = True
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags
