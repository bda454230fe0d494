"""What the transformers of images share: the check of their input, and one plant at a time."""

from functools import partial
from typing import Self

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin

from .._validation import _fit_context
from ..sequences import (
    Sequences,
    SequencesLike,
    as_frames,
    check_sequences,
    frame_shape,
    is_lazy,
    iter_sequences,
    missing_frames,
)


class _ImageTransformer(TransformerMixin, BaseEstimator):
    """Makes images from images, each by itself, and learns nothing; subclasses say how.

    There is no get_feature_names_out: an image has pixels, which have no names. So scikit-learn
    never wraps the images in a data frame.
    """

    _frames = "images"
    _by_frame = True  # each frame by itself: so it can follow plants one image at a time

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: SequencesLike, y: object = None) -> Self:
        """Check that X has images that can be transformed; there is nothing to learn.

        Parameters
        ----------
        X : array-like or lazy sequences of shape (n_samples, n_frames, height, width, n_channels)
            Images, as in :meth:`transform`.
        y : None
            Ignored.

        Returns
        -------
        object
            The transformer itself.

        Raises
        ------
        ValueError
            If X has no images, or images of an illegal size.
        """
        X, _ = check_sequences(self, X, reset=True, frames=self._frames, complete=False)
        self._plan(frame_shape(X)[:2], X.dtype)
        return self

    def transform(self, X: SequencesLike) -> Sequences:
        """Transform every image; fit need not have been called.

        Parameters
        ----------
        X : array-like or lazy sequences of shape (n_samples, n_frames, height, width, n_channels)
            Images of any number of frames and any real dtype. An all-NaN frame is missing. The
            last axis may be left out if the images need no color.

        Returns
        -------
        ndarray or lazy sequences of shape (n_samples, n_frames, height, width, n_channels)
            The new images, without the last axis if X has none. Missing frames stay NaN. Lazy
            sequences stay lazy: their frames are transformed when they are read.

        Raises
        ------
        ValueError
            If X has no images, or images of an illegal size, or a frame is partly NaN.
        """
        self._validate_params()
        X, _ = check_sequences(self, X, frames=self._frames, complete=False)
        function, size, dtype = self._plan(frame_shape(X)[:2], X.dtype)
        shape = (*size, *X.shape[4:])
        if is_lazy(X):
            function = function if len(shape) == 3 else partial(_without_channels, function)
            return X.map_frames(function, shape, dtype)
        return _map_rows(function, X, shape, dtype)

    def _plan(self, size, dtype):
        """For images of a size and dtype: the function on (k, h, w, c), and what it returns.

        The function must pickle, since lazy sequences keep it. Size and dtype of its images are
        returned beside it; it leaves the channels as they are.
        """
        raise NotImplementedError

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.requires_fit = False
        tags.input_tags.two_d_array = False
        tags.input_tags.allow_nan = True
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags


def _map_rows(function, X, shape, dtype):
    """Apply the function to the frames that are not missing, into a new array."""
    present = ~missing_frames(X)
    out = np.empty((*X.shape[:2], *shape), dtype)
    images = as_frames(out)  # a view
    for i, frames in enumerate(iter_sequences(X)):
        if not present[i].all():
            images[i, ~present[i]] = np.nan
            frames = frames[present[i]]
        try:
            images[i, present[i]] = function(frames)
        except ValueError as error:
            raise ValueError(f"Sample {i}: {error}") from None
    return out


def _without_channels(function, frames):
    return function(frames)[..., 0]


def check_intensities(images, user, where=""):
    """Refuse negative values, for a transformer that takes 0 for black."""
    if images.dtype.kind in "if" and (images < 0).any():
        raise ValueError(
            f"X has negative values{where}. {user} needs intensities that are 0 for black: put "
            f"this step before any standardization."
        )
