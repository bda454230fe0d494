"""The green of an image: how much of it leaves cover, and a mask of them."""

from functools import partial
from numbers import Real
from typing import Self

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils._param_validation import Interval
from sklearn.utils.validation import check_is_fitted

from .._validation import _fit_context
from ..sequences import SequencesLike, check_sequences, iter_sequences, missing_frames
from ._image_transformer import _ImageTransformer, check_intensities

# On chromatic coordinates the index runs from -1 (no green) to 2 (nothing but green).
_THRESHOLD = [Interval(Real, -1, 2, closed="both")]


class CanopyCover(TransformerMixin, BaseEstimator):
    """Canopy cover: the fraction of each image that is green, by the excess green index.

    A pixel counts as plant if its excess green index, 2g - r - b of the chromatic coordinates
    r + g + b = 1, is above a threshold [1]_. The index does not depend on brightness, but it
    depends on color: it misses yellow, red and dry leaves, counts moss, algae and weeds as crop,
    and is unreliable in glare, in deep shadow and under tinted light. Under drought it therefore
    falls for two reasons, less leaf and paler leaf. Always look at the mask of a few images, and
    set the threshold for your camera.

    The transformer learns nothing from the data, and reads one plant at a time.

    Parameters
    ----------
    threshold : float, default=0.1
        Excess green index above which a pixel is plant. Gray and brown have indices near 0, pure
        green has 2; leaves are mostly found between 0.1 and 0.6.

    Attributes
    ----------
    n_features_in_ : int
        Number of frames seen in fit.
    sequence_shape_ : tuple of int
        Shape of a sequence seen in fit.

    See Also
    --------
    VegetationMask : Shows which pixels count as plant.
    skwater.datasets.make_water_stress : Images with a known true cover.

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

    _parameter_constraints: dict = {"threshold": _THRESHOLD}
    _by_frame = True

    def __init__(self, *, threshold: float = 0.1) -> None:
        self.threshold = threshold

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: SequencesLike, y: object = None) -> Self:
        """Check X and count its frames; there is nothing else to learn.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_frames, height, width, 3)
            Images, red, green and blue, in any unit that is 0 for black.
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
        check_sequences(self, X, reset=True, frames="color", complete=False)
        return self

    def transform(self, X: SequencesLike) -> np.ndarray:
        """Return the canopy cover of every image.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_frames, height, width, 3)
            Images, red, green and blue, in any unit that is 0 for black. An all-NaN frame is
            missing.

        Returns
        -------
        ndarray of shape (n_samples, n_frames), dtype float64
            Covered fraction of the image, from 0 to 1; NaN for a missing frame.

        Raises
        ------
        ValueError
            If X has another shape or a negative value, or a frame is partly NaN.
        """
        self._validate_params()  # as fit does, which need not have been called
        X, _ = check_sequences(self, X, frames="color", complete=False)
        cover = np.empty(X.shape[:2])
        for i, sequence in enumerate(iter_sequences(X)):
            where = f" in sample {i}"
            for t, image in enumerate(sequence):
                cover[i, t] = find_leaves(image, self.threshold, where).mean()
        cover[missing_frames(X)] = np.nan
        return cover

    def get_feature_names_out(self, input_features: object = None) -> np.ndarray:
        """Return the names of the columns that transform returns.

        Parameters
        ----------
        input_features : None
            Ignored: frames have no names.

        Returns
        -------
        ndarray of shape (n_frames,), dtype object
            ``cover_0``, ``cover_1`` and so on, one for each frame.

        Raises
        ------
        NotFittedError
            If fit, which counts the frames, has not been called.
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


class VegetationMask(_ImageTransformer):
    """Vegetation mask: keep the leaves of each image and make everything else black.

    Pixels count as leaf by their excess green index, as in :class:`CanopyCover`, with the same
    faults: yellow, red and dry leaves, which are signs of long drought, become black, while moss
    and weeds stay. It helps if soil, pots or labels differ between treatments and a model might
    learn those instead of plants. It also hides dry soil, which may be a legitimate sign of stress
    or reveal the treatment. Always look at a few masked images, and set the threshold for your
    camera.

    It learns nothing from the data. An array is masked one plant at a time; lazy sequences are
    masked when they are read.

    Parameters
    ----------
    threshold : float, default=0.1
        Excess green index above which a pixel is leaf. Gray and brown have indices near 0, pure
        green has 2; leaves are mostly found between 0.1 and 0.6.

    Attributes
    ----------
    n_features_in_ : int
        Number of frames seen in fit.
    sequence_shape_ : tuple of int
        Shape of a sequence seen in fit.

    See Also
    --------
    CanopyCover : The fraction of each image that is leaf.

    Notes
    -----
    Shape and dtype stay as they are. No leaf is black, so ``X_masked.any(axis=-1)`` is the mask
    itself. Mask before resizing: a pixel that averages leaf and soil has the color of neither.

    It has no ``get_feature_names_out``: it returns images, and pixels have no names.

    Examples
    --------
    >>> import numpy as np
    >>> from skwater.preprocessing import VegetationMask
    >>> leaf, soil = [60, 120, 40], [90, 70, 50]
    >>> X = np.array([[[[soil, leaf]]]], dtype=np.uint8)  # a plant, a frame of two pixels
    >>> VegetationMask().fit_transform(X)
    array([[[[[  0,   0,   0],
              [ 60, 120,  40]]]]], dtype=uint8)
    """

    _parameter_constraints: dict = {"threshold": _THRESHOLD}
    _frames = "color"

    def __init__(self, *, threshold: float = 0.1) -> None:
        self.threshold = threshold

    def _plan(self, size, dtype):
        return partial(_blacken_rest, threshold=self.threshold), size, dtype

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.positive_only = True
        return tags


def find_leaves(images, threshold, where=""):
    """Mask of the pixels of images (..., 3) whose excess green index is above the threshold."""
    check_intensities(images, "Excess green", where)
    # 2g - r - b = 3g - 1 for r + g + b = 1. Without the division, black is no special case.
    total = images.sum(axis=-1, dtype=np.float64)
    return 3.0 * images[..., 1] > (1 + threshold) * total


def _blacken_rest(images, threshold):
    return np.where(find_leaves(images, threshold)[..., None], images, images.dtype.type(0))
