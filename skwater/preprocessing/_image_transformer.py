"""What the transformers of pictures share: the check of their input, and a plant at a time."""

from functools import partial

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin, _fit_context
from sklearn.utils.validation import check_array, validate_data

from ..sequences import (
    LAYOUTS,
    as_array,
    as_frames,
    check_layout,
    frame_shape,
    is_lazy,
    missing_frames,
)


class _PictureTransformer(TransformerMixin, BaseEstimator):
    """Makes pictures of pictures, each by itself, and learns nothing; subclasses say how.

    There is no get_feature_names_out: a picture has pixels, which have no names. So scikit-learn
    never wraps the pictures in a data frame.
    """

    _needs_colour = False

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y=None):
        """Check that X has pictures that can be transformed; there is nothing to learn.

        Parameters
        ----------
        X : array-like or lazy sequences of shape (n_samples, n_frames, height, width, n_channels)
            Pictures, as in :meth:`transform`.
        y : None
            Ignored.

        Returns
        -------
        object
            The transformer itself.

        Raises
        ------
        ValueError
            If X has no pictures, or pictures of an unfit size.
        """
        X = check_pictures(self, X, color=self._needs_colour)
        self._plan(frame_shape(X)[:2], X.dtype)
        validate_data(self, X, skip_check_array=True)
        return self

    def transform(self, X):
        """Transform every picture; fit need not have been called.

        Parameters
        ----------
        X : array-like or lazy sequences of shape (n_samples, n_frames, height, width, n_channels)
            Pictures of any number of frames and any real dtype. A frame that is NaN throughout is
            a missing one. The last axis may be left out where pictures need no color.

        Returns
        -------
        ndarray or lazy sequences of shape (n_samples, n_frames, height, width, n_channels)
            The new pictures, without the last axis where X has none. Missing frames stay NaN.
            Lazy sequences stay lazy: their frames are transformed when they are read.

        Raises
        ------
        ValueError
            If X has no pictures, or pictures of an unfit size, or a frame is NaN in part.
        """
        self._validate_params()
        X = check_pictures(self, X, color=self._needs_colour)
        function, size, dtype = self._plan(frame_shape(X)[:2], X.dtype)
        shape = (*size, *X.shape[4:])
        if is_lazy(X):
            function = function if X.ndim == 5 else partial(_without_channels, function)
            return X.map_frames(function, shape, dtype)
        return _map_rows(function, X, shape, dtype)

    def _plan(self, size, dtype):
        """For pictures of a size and dtype: the function on (k, h, w, c), and what it returns.

        The function must pickle, since lazy sequences keep it. Size and dtype of its pictures
        are returned beside it; it leaves the channels as they are.
        """
        raise NotImplementedError

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.requires_fit = False
        tags.input_tags.two_d_array = False
        tags.input_tags.allow_nan = True
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags


def check_pictures(estimator, X, *, color):
    """Return X, an array unless it reads its rows from elsewhere, if its frames are pictures."""
    name = type(estimator).__name__
    if not isinstance(getattr(X, "dtype", None), np.dtype):
        X = as_array(X)
    if len(X.shape) in LAYOUTS:
        check_layout(X.shape)
    if len(X.shape) == 2 and X.dtype.kind in "OSU":
        raise ValueError(
            f"{name} needs pictures, got a table of {X.dtype} of shape {X.shape}. Where these are "
            f"file names, let skwater.ImageSequences read the files."
        )
    if color and (len(X.shape) != 5 or X.shape[-1] != 3):
        raise ValueError(
            f"{name} needs color photos, X of shape (n_samples, n_frames, height, width, 3), "
            f"got {X.shape}."
        )
    if len(X.shape) not in (4, 5):
        raise ValueError(
            f"{name} needs pictures, X of shape {LAYOUTS[5]} or {LAYOUTS[4]}, got {X.shape}."
        )
    if isinstance(X, np.ndarray):
        options = {"allow_nd": True, "ensure_all_finite": False, "input_name": "X"}
        return check_array(X, estimator=estimator, **options)
    return X


def _map_rows(function, X, shape, dtype):
    """Apply the function to the frames that each plant has, into a new array."""
    missing = missing_frames(X)
    out = np.empty((*X.shape[:2], *shape), dtype)
    pictures = as_frames(out)  # a view
    for i, gone in enumerate(missing):
        frames = as_frames(np.asarray(X[i])[None])[0]
        if gone.any():
            pictures[i, gone] = np.nan
            frames = frames[~gone]
        try:
            pictures[i, ~gone] = function(frames)
        except ValueError as error:
            raise ValueError(f"Sample {i}: {error}") from None
    return out


def _without_channels(function, frames):
    return function(frames)[..., 0]
