"""Shorter sequences: some frames of all."""

from numbers import Integral

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin, _fit_context
from sklearn.utils import check_array, check_random_state
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import _check_feature_names_in, check_is_fitted, validate_data

from ..sequences import LAYOUTS, as_array, check_layout, is_lazy


def _has_columns(sampler):
    """Tell whether frames are columns of a table, before fit on trust."""
    if getattr(sampler, "ndim_in_", 2) == 2:
        return True
    raise AttributeError(
        f"FrameSampler was fitted on sequences of shape {LAYOUTS[sampler.ndim_in_]}, which have no "
        f"columns to name: there are feature names for (n_samples, n_frames) only. frames_ has "
        f"the numbers of the frames."
    )


class FrameSampler(TransformerMixin, BaseEstimator):
    """Some frames of every sequence, in their order, the same for all.

    Shorter sequences train faster and need a smaller model: published results of about 10,000
    parameters are for down-sampled sequences [1]_. The first frames tell how early stress can be
    seen; a fair answer needs a model fitted on those alone, which is this in a pipeline.

    Frames are chosen by number and not by content. Where photos were not taken at equal
    intervals, ``"uniform"`` is uniform in photos and not in days, and a plant may lack its photo
    on the chosen dates: when it lacks them all, the classifier refuses it. ``"last"`` sees the end
    of the season, which no early warning can.

    Values are not looked at, so it works on sequences of any rank, on tables of file names, and
    on lazy sequences, which stay lazy.

    Parameters
    ----------
    n_frames : int, default=8
        How many frames to keep. Where there are not more, all are kept.
    strategy : {"uniform", "first", "last", "random"}, default="uniform"
        Evenly spaced from the first to the last (a single one is the middle), the first, the last,
        or drawn once, in fit, without replacement.
    random_state : int, RandomState instance or None, default=None
        Seed of the draw, for ``strategy="random"``.

    Attributes
    ----------
    frames_ : ndarray of shape (n_frames_out,), dtype int
        Numbers of the frames that are kept, from 0 on, ascending.
    n_features_in_ : int
        Number of frames seen in fit.
    ndim_in_ : int
        Number of axes of X seen in fit.
    feature_names_in_ : ndarray of shape (n_frames,), dtype object
        Names of the frames, where X is a data frame with string columns.

    See Also
    --------
    skwater.RSSResampler : Splices what is kept, as the next step of a pipeline.

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

    def __init__(self, n_frames=8, *, strategy="uniform", random_state=None):
        self.n_frames = n_frames
        self.strategy = strategy
        self.random_state = random_state

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y=None):
        """Choose the frames.

        Parameters
        ----------
        X : array-like or lazy sequences of shape (n_samples, n_frames, ...)
            Sequences of 2 to 5 dimensions and any dtype, file names included.
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
        X = self._check(X, reset=True)
        self.ndim_in_ = X.ndim
        self.frames_ = self._choose(X.shape[1])
        return self

    def transform(self, X):
        """Keep the chosen frames.

        From three dimensions on X may have fewer frames than in fit, the season so far: those of
        the chosen frames are kept that it has reached.

        Parameters
        ----------
        X : array-like or lazy sequences of shape (n_samples, n_frames, ...)
            Sequences with frames as in fit.

        Returns
        -------
        ndarray or lazy sequences of shape (n_samples, n_frames_out, ...)
            The chosen frames; a copy of an array, lazy where X is.

        Raises
        ------
        ValueError
            If X has other axes than in fit, more frames, or so few that no chosen one is among
            them; with two dimensions, if it has another number of frames.
        """
        check_is_fitted(self)
        X = self._check(X, reset=False)
        n_frames = X.shape[1]
        if X.ndim != self.ndim_in_:
            raise ValueError(
                f"X has shape {X.shape}, but FrameSampler was fitted on sequences of shape "
                f"{LAYOUTS[self.ndim_in_]}."
            )
        if n_frames > self.n_features_in_:
            raise ValueError(
                f"X has {n_frames} frames, but FrameSampler was fitted on {self.n_features_in_} "
                f"and chose by their numbers. Fewer frames are legal, more are not: fit again."
            )
        frames = self.frames_[self.frames_ < n_frames]
        if len(frames) == 0:
            raise ValueError(
                f"X has {n_frames} frames, and none of those that FrameSampler chose: the first "
                f"of {self.n_features_in_} was number {self.frames_[0]}, counted from 0. Wait for "
                f"later frames, or fit with strategy='first'."
            )
        return X.take_frames(frames) if is_lazy(X) else X[:, frames]

    @available_if(_has_columns)
    def get_feature_names_out(self, input_features=None):
        """Return the names of the frames that are kept, after a fit on two dimensions only.

        A frame of more dimensions is no column: it has no name, and pictures are not for data
        frames.

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

    def _check(self, X, *, reset):
        if is_lazy(X):
            if reset or X.ndim == 2:
                validate_data(self, X, reset=reset, skip_check_array=True)
        else:
            X = as_array(X) if isinstance(X, list | tuple) else X
            # dtype=None: paths stay strings and photos stay uint8.
            options = {"dtype": None, "allow_nd": True, "ensure_all_finite": False}
            if reset or getattr(X, "ndim", 2) == 2:
                X = validate_data(self, X, reset=reset, **options)
            else:  # validate_data would refuse the season so far
                X = check_array(X, estimator=self, input_name="X", **options)
        check_layout(X.shape)
        return X

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
