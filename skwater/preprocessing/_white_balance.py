"""Color constancy: images as if all were taken in the same light."""

from functools import partial
from numbers import Integral
from typing import Literal, Self

import numpy as np
from sklearn.utils._param_validation import StrOptions
from sklearn.utils.validation import check_is_fitted

from .._validation import _fit_context
from ..sequences import Sequences, SequencesLike, check_sequences, iter_sequences, missing_frames
from ._image_transformer import _ImageTransformer, check_intensities

_BACKGROUND = 0.1  # of the pixels of an image


class WhiteBalance(_ImageTransformer):
    """White balance: remove the color and the brightness of the light from each image.

    Each image has a reference, something that looks the same in all of them, such as a gray card or
    the soil. Each channel of the image is multiplied by the factor that gives its reference the
    color that it has in the training images, in the median. So the light of the day no longer
    decides, and neither does the exposure of an automatic camera. Each image is corrected by
    itself, and colors keep their unit, so that the threshold of :class:`CanopyCover` keeps its
    meaning. Put it before all steps that change pixels.

    **The best reference is a card** that is at the same place in every image, ``reference=(top,
    left, height, width)``. Without one, ``"background"`` takes the tenth of the pixels that have
    the least green for their red, mostly soil: light that multiplies the channels does not change
    which pixels these are.

    On simulated plants, logistic regression on the canopy cover until day 39 has a balanced
    accuracy of 0.83 in constant light, and of 0.64 if the light changes from image to image. With
    the background as the reference it is 0.83 again, with a card 0.82. Gray world, the textbook
    method, makes it worse, 0.53: it takes the mean color of an image for gray, and so removes the
    green of a large plant.

    It misleads in four ways. If plants fill more than nine tenths of the image, or their leaves
    turn yellow or red, leaves become the background, and what is removed is their color: in the
    center of those images, which large plants fill, the mean error of the cover is 0.22, and 0.08
    without correction. Soil that dries becomes brighter, so that plants without water become
    darker. What is saturated or in shadow is not corrected. And a card that moves, or lies in other
    light than the plant, is no reference.

    Parameters
    ----------
    reference : "background" or (int, int, int, int), default="background"
        What looks the same in all images: the least green pixels, or the part of the image at
        (top, left, height, width) in pixels.

    Attributes
    ----------
    reference_ : ndarray of shape (3,), dtype float64
        Median color of the reference in the training images, in their unit.
    n_features_in_ : int
        Number of frames seen in fit.
    sequence_shape_ : tuple of int
        Shape of a sequence seen in fit.

    See Also
    --------
    FrameScaler : Removes what all plants share on a date, from numbers.
    VegetationMask : Removes the soil, and so comes later.

    Notes
    -----
    Shape and dtype stay as they are; integers are rounded, and clipped to their range. One factor
    for each channel is the von Kries model of adaptation. It corrects light and not cameras: to
    mix cameras, correct with all fields of a color card, as PlantCV does [1]_.

    It has no ``get_feature_names_out``: it returns images, and pixels have no names.

    References
    ----------
    .. [1] Berry, J. C., Fahlgren, N., Pokorny, A. A., Bart, R. S., Veley, K. M. (2018). An
       automated, high-throughput method for standardizing image color profiles to improve
       image-based plant phenotyping. PeerJ 6, e5727. https://doi.org/10.7717/peerj.5727

    Examples
    --------
    >>> import numpy as np
    >>> from skwater.preprocessing import WhiteBalance
    >>> card, leaf = [100, 100, 100], [60, 120, 40]
    >>> X = np.array([[[[card, leaf]]] * 3], dtype=np.uint8)  # a plant, three images of two pixels
    >>> X[0, 2] //= 2  # less light
    >>> WhiteBalance(reference=(0, 0, 1, 1)).fit_transform(X)[0, 2]
    array([[[100, 100, 100],
            [ 60, 120,  40]]], dtype=uint8)
    """

    _parameter_constraints: dict = {"reference": [StrOptions({"background"}), tuple, list]}
    _frames = "color"

    def __init__(
        self, *, reference: Literal["background"] | tuple[int, int, int, int] = "background"
    ) -> None:
        self.reference = reference

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: SequencesLike, y: object = None) -> Self:
        """Learn the color of the reference; every image is read once.

        Parameters
        ----------
        X : array-like or lazy sequences of shape (n_samples, n_frames, height, width, 3)
            Training images, red, green and blue, in any unit that is 0 for black.
        y : None
            Ignored.

        Returns
        -------
        WhiteBalance
            The transformer itself.

        Raises
        ------
        ValueError
            If X has no color images, a negative value, a frame that is partly NaN or only missing
            frames, or if the reference is outside of the images or black.
        """
        X, _ = check_sequences(self, X, reset=True, frames="color", complete=False)
        _check_reference(self.reference, X.shape[2:4])
        present = ~missing_frames(X)
        if not present.any():
            raise ValueError("X has no frame: all of them are missing.")
        colors = []
        for i, frames in enumerate(iter_sequences(X)):
            try:
                colors += [_reference_color(f, self.reference) for f in frames[present[i]]]
            except ValueError as error:
                raise ValueError(f"Sample {i}: {error}") from None
        self.reference_ = np.median(colors, axis=0)
        return self

    def transform(self, X: SequencesLike) -> Sequences:
        """Bring every image into the light of the training images.

        Parameters
        ----------
        X : array-like or lazy sequences of shape (n_samples, n_frames, height, width, 3)
            Images of any number of frames, in the unit of fit. An all-NaN frame is missing.

        Returns
        -------
        ndarray or lazy sequences of shape (n_samples, n_frames, height, width, 3)
            The corrected images. Missing frames stay NaN. Lazy sequences stay lazy: their frames
            are corrected when they are read.

        Raises
        ------
        ValueError
            If X would be refused in fit; of lazy sequences, values are checked on reading.
        """
        check_is_fitted(self)
        return super().transform(X)

    def _plan(self, size, dtype):
        _check_reference(self.reference, size)
        return partial(_balance, reference=self.reference, target=self.reference_), size, dtype

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.requires_fit = True
        tags.input_tags.positive_only = True
        return tags


def _check_reference(reference, size):
    if isinstance(reference, str):
        return
    if len(reference) != 4 or not all(isinstance(n, Integral) for n in reference):
        raise ValueError(
            f"reference must be 'background' or (top, left, height, width) in pixels, got "
            f"{reference!r}."
        )
    top, left, height, width = reference
    inside = top >= 0 and left >= 0 and top + height <= size[0] and left + width <= size[1]
    if not inside or min(height, width) < 1:
        raise ValueError(
            f"reference=(top, left, height, width)={tuple(reference)} is not inside of images of "
            f"{size[0]} x {size[1]} pixels (height x width)."
        )


def _reference_color(image, reference):
    """Mean color of the reference in an image (h, w, 3)."""
    check_intensities(image, "White balance")
    if isinstance(reference, str):
        pixels = _least_green(image.reshape(-1, 3))
    else:
        top, left, height, width = reference
        pixels = image[top : top + height, left : left + width].reshape(-1, 3)
    color = pixels.mean(axis=0, dtype=np.float64)
    if not (color > 0).all():
        raise ValueError(
            f"The reference has the color {color.tolist()}: no light can be read from black. "
            f"Choose another reference, and put this step before any mask."
        )
    return color


def _least_green(pixels):
    """The tenth of the pixels (n, 3) that have the least green for their red, without black."""
    red, green = pixels[:, 0].astype(np.float64), pixels[:, 1].astype(np.float64)
    ratio = np.divide(green, red, out=np.full(len(pixels), np.inf), where=red > 0)
    n = max(1, round(_BACKGROUND * len(pixels)))
    return pixels[np.argpartition(ratio, n - 1)[:n]]


def _balance(images, reference, target):
    """Images (k, h, w, 3) whose reference has the color of the target."""
    out = np.empty_like(images)
    for image, new in zip(images, out, strict=True):
        corrected = image * (target / _reference_color(image, reference))
        if images.dtype.kind in "iu":
            corrected = np.rint(corrected).clip(0, np.iinfo(images.dtype).max)
        new[...] = corrected
    return out
