"""Images of another size: cropped, or with fewer and larger pixels."""

from functools import partial
from numbers import Integral

import numpy as np

from ..sequences._pixels import center_crop, resize
from ._image_transformer import _ImageTransformer

_RESIZABLE = ("uint8", "uint16", "float32", "float64")


class CenterCrop(_ImageTransformer):
    """Crop every image to its center.

    Cuts off borders, so that what remains is mostly plant, or has the aspect ratio that
    :class:`Resize` needs. It misleads if plants are not in the center or outgrow the crop: leaves
    outside are lost without a warning, and late in the season a large healthy plant then looks
    like a small one. Look at the last frames before choosing a size.

    It learns nothing from the data. An array is copied a plant at a time; lazy sequences are cut
    when they are read.

    Parameters
    ----------
    size : int or (int, int)
        Height and width in pixels; one number for a square.

    Attributes
    ----------
    n_features_in_ : int
        Number of frames seen in fit.
    sequence_shape_ : tuple of int
        Shape of a sequence seen in fit.

    See Also
    --------
    Resize : Fewer pixels for the same view.

    Notes
    -----
    If the border has an odd number of pixels, one more is cut below and on the right.

    It has no ``get_feature_names_out``: it returns images, and pixels have no names.

    Examples
    --------
    >>> import numpy as np
    >>> from skwater.preprocessing import CenterCrop
    >>> X = np.arange(20).reshape(1, 1, 4, 5)  # a plant, one gray image
    >>> CenterCrop((2, 3)).fit_transform(X)
    array([[[[ 6,  7,  8],
             [11, 12, 13]]]])
    """

    _parameter_constraints: dict = {"size": [Integral, tuple, list, np.ndarray]}

    def __init__(self, size: int | tuple[int, int]) -> None:
        self.size = size

    def _plan(self, size, dtype):
        new = height_and_width(self.size, "The size of CenterCrop")
        if new[0] > size[0] or new[1] > size[1]:
            raise ValueError(
                f"X has images of {times(size)} pixels (height x width), too small to cut "
                f"{times(new)} from: choose a smaller size."
            )
        return partial(center_crop, size=new), new, dtype


class Resize(_ImageTransformer):
    """Resize every image, each new pixel being the mean of those that it covers.

    Fewer pixels make training faster, and a network smaller. Details finer than a new pixel are
    lost, thin leaves and early curling first; and if leaf and soil share a pixel, its color is
    that of neither, so compute the canopy cover before resizing. Enlarging (bilinear) is possible
    and adds nothing.

    An image is never stretched: the new size must have the aspect ratio of the old one, up to the
    rounding of one side to a whole pixel. Otherwise use :class:`CenterCrop` first.

    It learns nothing from the data. An array is resized a plant at a time; lazy sequences are
    resized when they are read.

    Parameters
    ----------
    size : int or (int, int)
        Height and width in pixels; one number for a square, from square images.

    Attributes
    ----------
    n_features_in_ : int
        Number of frames seen in fit.
    sequence_shape_ : tuple of int
        Shape of a sequence seen in fit.

    See Also
    --------
    CenterCrop : Another aspect ratio.

    Notes
    -----
    ``uint8``, ``uint16``, ``float32`` and ``float64`` images keep their dtype, integers being
    rounded; others become ``float64``. There may be any number of channels.

    It has no ``get_feature_names_out``: it returns images, and pixels have no names.

    Examples
    --------
    >>> import numpy as np
    >>> from skwater.preprocessing import Resize
    >>> X = np.array([[[[0, 2, 8, 8], [4, 2, 8, 8]]]], dtype=np.uint8)  # a plant, one gray image
    >>> Resize((1, 2)).fit_transform(X)
    array([[[[2, 8]]]], dtype=uint8)
    """

    _parameter_constraints: dict = {"size": [Integral, tuple, list, np.ndarray]}

    def __init__(self, size: int | tuple[int, int]) -> None:
        self.size = size

    def _plan(self, size, dtype):
        new = height_and_width(self.size, "The size of Resize")
        crop = crop_against_stretching(size, new)
        if crop is not None:
            (h, w), (new_h, _) = size, new
            raise ValueError(
                f"Resize to {times(new)} would stretch images of {times(size)} pixels (height "
                f"x width). Crop them first, with CenterCrop({crop}), or keep their aspect ratio, "
                f"with Resize({(new_h, max(1, round(new_h * w / h)))})."
            )
        dtype = dtype if dtype in _RESIZABLE else np.dtype("float64")
        return partial(_resize_frames, size=new, dtype=dtype), new, dtype


def height_and_width(size, name):
    """Two sides of a size that may be one number; ValueError with its name if it is none."""
    sides = (size, size) if isinstance(size, Integral) else tuple(size)
    if len(sides) != 2 or not all(isinstance(n, Integral) and n >= 1 for n in sides):
        raise ValueError(
            f"{name} must be a number of pixels, 1 or more, or two of them, (height, width), got "
            f"{size!r}."
        )
    return int(sides[0]), int(sides[1])


def crop_against_stretching(size, new):
    """Central part of an image that has the aspect ratio of a new size; None if all of it has."""
    (h, w), (new_h, new_w) = size, new
    # One side follows from the other, rounded.
    if min(abs(new_h * w / h - new_w), abs(new_w * h / w - new_h)) <= 0.5:
        return None
    side = min(h / new_h, w / new_w)
    return max(1, round(new_h * side)), max(1, round(new_w * side))


def _resize_frames(frames, size, dtype):
    """Frames (k, h, w, c) as (k, *size, c)."""
    out = np.empty((len(frames), *size, frames.shape[3]), dtype)
    for frame, new in zip(frames, out, strict=True):
        new[...] = resize(frame.astype(dtype, copy=False), size)
    return out


def times(size):
    """Text of a size."""
    return f"{size[0]} x {size[1]}"
