"""Transformers on sequences of photos."""

from numbers import Real

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin, _fit_context
from sklearn.utils._param_validation import Interval
from sklearn.utils.validation import check_is_fitted, validate_data

from ._sequences import missing_frames

__all__ = ["CanopyCover"]


class CanopyCover(TransformerMixin, BaseEstimator):
    """Fraction of each photo that is green, by the excess green index.

    A pixel counts as plant where its excess green index, 2g - r - b of the chromatic coordinates
    r + g + b = 1, is above a threshold [1]_. Brightness cancels out of the index, colour does not:
    it misses yellow, red and dry leaves, takes moss, algae and weeds for the crop, and turns
    unsure in glare, in deep shadow and under tinted light. Under drought it therefore falls for
    two reasons, less leaf and paler leaf. Always look at the mask of a few photos, and set the
    threshold for your camera.

    The transformer learns nothing from the data, and reads one plant at a time.

    Parameters
    ----------
    threshold : float, default=0.1
        Excess green index above which a pixel is plant. Grey and brown have indices near 0, pure
        green has 2; leaves are mostly found between 0.1 and 0.6.

    Attributes
    ----------
    n_features_in_ : int
        Number of frames seen in fit.

    See Also
    --------
    skwater.datasets.make_water_stress : Photos of which the true cover is known.

    References
    ----------
    .. [1] Woebbecke, D. M., Meyer, G. E., Von Bargen, K., Mortensen, D. A. (1995). Color indices
       for weed identification under various soil, residue, and lighting conditions.
       Transactions of the ASAE 38 (1), 259-269. https://doi.org/10.13031/2013.27838

    Examples
    --------
    >>> import numpy as np
    >>> from skwater.preprocessing import CanopyCover
    >>> leaf, soil = [60, 120, 40], [90, 70, 50]
    >>> X = np.array([[[[soil, soil]], [[leaf, soil]]]], dtype=np.uint8)  # a plant, two frames
    >>> X.shape
    (1, 2, 1, 2, 3)
    >>> CanopyCover().fit_transform(X)
    array([[0. , 0.5]])
    """

    # On chromatic coordinates the index runs from -1 (no green) to 2 (nothing but green).
    _parameter_constraints: dict = {"threshold": [Interval(Real, -1, 2, closed="both")]}

    def __init__(self, *, threshold=0.1):
        self.threshold = threshold

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y=None):
        """Check X and count its frames; there is nothing else to learn.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_frames, height, width, 3)
            Photos, red, green and blue, of any unit that is 0 for black.
        y : None
            Ignored.

        Returns
        -------
        CanopyCover
            The transformer itself.

        Raises
        ------
        ValueError
            If X has another shape.
        """
        validate_data(self, _check_photos(X), skip_check_array=True)
        return self

    def transform(self, X):
        """Return the cover of every photo.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_frames, height, width, 3)
            Photos, red, green and blue, of any unit that is 0 for black. A frame that is NaN
            throughout is a missing photo.

        Returns
        -------
        ndarray of shape (n_samples, n_frames), dtype float64
            Covered fraction of the photo, from 0 to 1; NaN for a missing photo.

        Raises
        ------
        ValueError
            If X has another shape or a negative value, or a frame is NaN in part.
        """
        self._validate_params()  # fit, which does it elsewhere, need not have been called
        X = _check_photos(X)
        cover = np.stack([self._cover(np.asarray(X[i]), i) for i in range(len(X))])
        cover[missing_frames(X)] = np.nan
        return cover

    def _cover(self, photos, i):
        """Cover of the photos (t, h, w, 3) of plant i."""
        if (photos < 0).any():
            raise ValueError(
                f"X has negative values in sample {i}. CanopyCover needs intensities that are 0 "
                f"for black: put it before any standardisation."
            )
        # 2g - r - b = 3g - 1 for r + g + b = 1. Without the division black is no special case.
        total = photos.sum(axis=-1, dtype=np.float64)
        return (3.0 * photos[..., 1] > (1 + self.threshold) * total).mean(axis=(1, 2))

    def get_feature_names_out(self, input_features=None):
        """Return the names of the columns that transform returns.

        Parameters
        ----------
        input_features : None
            Ignored: frames have no names.

        Returns
        -------
        ndarray of shape (n_frames,), dtype object
            ``cover_0``, ``cover_1`` and so on, one a frame.

        Raises
        ------
        NotFittedError
            Before fit, which counts the frames.
        """
        check_is_fitted(self, "n_features_in_")
        return np.array([f"cover_{t}" for t in range(self.n_features_in_)], dtype=object)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.requires_fit = False
        tags.input_tags.two_d_array = False
        tags.input_tags.allow_nan = True
        tags.input_tags.positive_only = True
        return tags


def _check_photos(X):
    """Return X as it is where it has a shape, lazy containers included, else as an array."""
    if not hasattr(X, "shape"):
        X = np.asarray(X)
    if len(X.shape) != 5 or X.shape[-1] != 3:
        raise ValueError(
            f"CanopyCover needs colour photos, X of shape (n_samples, n_frames, height, width, 3), "
            f"got {X.shape}."
        )
    if 0 in X.shape:
        raise ValueError(
            f"X must not be empty: expected (n_samples, n_frames, height, width, 3), got {X.shape}."
        )
    return X
