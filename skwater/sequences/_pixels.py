"""The pixels of an image: decode, crop and resize, one implementation for everyone."""

import struct
import zlib
from typing import NamedTuple

import numpy as np

from ._headers import ImageError, read_header


def decode(data, max_pixels, *, gray, dtype):
    """Decode a file to an upright image (height, width, 3) in RGB, or (height, width, 1).

    Palettes are looked up, alpha is dropped, one bit becomes 0 or 255. Values of 8 bits become 16
    bits, or the other way round, if `dtype` asks for it (None keeps the depth of the file).
    """
    import cv2

    header = read_header(data, max_pixels)
    if data[:4] == b"\x89PNG":
        _check_png_chunks(data)
    # OpenCV 5.0 reads TIFFs of 16 bits wrongly as RGB, and correctly as BGR.
    bgr = not gray and bytes(data[:2]) in (b"II", b"MM")
    color = cv2.IMREAD_COLOR_BGR if bgr else cv2.IMREAD_COLOR_RGB
    flags = (
        (cv2.IMREAD_GRAYSCALE if gray else color)
        | cv2.IMREAD_ANYDEPTH
        | cv2.IMREAD_IGNORE_ORIENTATION
    )
    try:
        image = cv2.imdecode(np.frombuffer(data, np.uint8), flags)
    except cv2.error as error:
        raise ImageError(f"it cannot be decoded: {error.err}") from error
    if image is None:
        raise ImageError("it cannot be decoded: the header is intact, the pixels are not")
    if image.ndim == 2:
        image = image[:, :, None]
    image = _turn(image[..., ::-1] if bgr else image, header.orientation)
    if image.shape[:2] != header.size:
        raise ImageError(f"it was decoded to {image.shape[:2]}, its header says {header.size}")
    return image if dtype is None else _change_depth(image, dtype)


def _check_png_chunks(data):
    """Compare the checksums: decoders differ in what they accept, and do not say what is wrong."""
    pos = 8
    while pos + 12 <= len(data):
        length, kind = struct.unpack(">I4s", data[pos : pos + 8])
        end = pos + 8 + length
        if end + 4 > len(data):
            raise ImageError("truncated: a PNG chunk lies behind the end of the file")
        if zlib.crc32(memoryview(data)[pos + 4 : end]) != int.from_bytes(data[end : end + 4]):
            raise ImageError(f"damaged: a PNG chunk {kind.decode('ascii', 'replace')} is corrupt")
        if kind == b"IEND":
            return
        pos = end + 4


def _turn(image, orientation):
    """Turn an image upright, by its EXIF orientation."""
    if orientation >= 5:
        image = image.transpose(1, 0, 2)
    if orientation in (3, 4, 7, 8):
        image = image[::-1]
    if orientation in (2, 3, 6, 7):
        image = image[:, ::-1]
    return np.ascontiguousarray(image)


def _change_depth(image, dtype):
    """Convert 8-bit values to 16 bits or back; white stays white."""
    if image.dtype == dtype:
        return image
    if dtype == np.uint16:
        return image.astype(np.uint16) * np.uint16(257)
    return ((image.astype(np.uint32) + 128) // 257).astype(np.uint8)


class Crop(NamedTuple):
    """What is cut out of an image, in this order, and the size that it is resized to."""

    center: tuple | None = None  # (height, width)
    size: tuple | None = None  # (height, width)
    stretch: bool = False

    def cut_size(self, size, box):
        """Size of an image before it is resized; `ImageError` if what is cut lies outside."""
        if self.center is not None:
            if self.center[0] > size[0] or self.center[1] > size[1]:
                raise ImageError(f"{size} pixels are smaller than the center crop {self.center}")
            size = self.center
        return size if box is None else check_box(size, box)

    def fraction_kept(self, size):
        """Fraction of an image of the size `cut_size` that resizing does not cut off."""
        if self.size is None or self.stretch:
            return 1.0
        height, width = _largest_part(size, self.size)
        return height * width / (size[0] * size[1])

    def apply(self, image, box):
        """Cut an image and resize it."""
        if self.center is not None:
            image = center_crop(image, self.center)
        if box is not None:
            image = cut_box(image, box)
        if self.size is None:
            return image
        if not self.stretch:
            image = center_crop(image, _largest_part(image.shape[:2], self.size))
        return resize(image, self.size)


def center_crop(images, size):
    """Cut out the middle (height, width) of images of shape (..., height, width, n_channels).

    If the border has an odd number of pixels, one more is cut below and on the right.
    """
    top, left = ((has - wanted) // 2 for has, wanted in zip(images.shape[-3:-1], size, strict=True))
    return images[..., top : top + size[0], left : left + size[1], :]


def _largest_part(size, shape):
    """Size of the largest part with the aspect ratio of `shape`."""
    scale = min(size[0] / shape[0], size[1] / shape[1])
    return tuple(
        max(1, min(has, round(scale * wanted))) for has, wanted in zip(size, shape, strict=True)
    )


def resize(image, size):
    """Resize an image (height, width, n_channels): means of pixels, bilinear to enlarge it."""
    import cv2

    if image.shape[:2] == tuple(size):
        return image
    smaller = size[0] < image.shape[0] or size[1] < image.shape[1]
    method = cv2.INTER_AREA if smaller else cv2.INTER_LINEAR
    return _by_channels(lambda c: cv2.resize(c, size[::-1], interpolation=method), image)


def check_box(size, box):
    """Size (height, width) of a box, which must lie inside the rotated image."""
    x_min, y_min, width, height, _ = box
    if not np.isfinite(box).all():
        raise ImageError(f"the box {_format_box(box)} is not made of numbers")
    found = round(height), round(width)
    if min(found) < 1:
        raise ImageError(f"the box {_format_box(box)} is empty")
    corners = [(x_min, y_min), (x_min + width, y_min + height)]
    corners += [(x_min + width, y_min), (x_min, y_min + height)]
    points = np.array([[*corner, 1] for corner in corners]).T
    x, y = _back_to_image(size, box) @ points
    if x.min() < -1 or y.min() < -1 or x.max() > size[1] + 1 or y.max() > size[0] + 1:
        raise ImageError(f"the box {_format_box(box)} reaches outside the image of {size} pixels")
    return found


def cut_box(image, box):
    """Rotate an image by an angle, counter-clockwise onto a canvas that holds it, then cut."""
    import cv2

    height, width = check_box(image.shape[:2], box)
    x, y, _, _, angle = box
    if angle == 0:
        left, top = max(0, round(x)), max(0, round(y))
        return image[top : top + height, left : left + width]
    back = _back_to_image(image.shape[:2], box)
    back[:, 2] += back[:, :2] @ (x + 0.5, y + 0.5) - 0.5  # pixels are points at their centers
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP

    def rotate(channels):
        return cv2.warpAffine(
            channels, back, (width, height), flags=flags, borderMode=cv2.BORDER_REPLICATE
        )

    return _by_channels(rotate, image)


def _by_channels(function, image):
    """Apply a function of OpenCV, which takes four channels at most, and rounds two differently."""
    n_channels = image.shape[2]
    edges = [*range(4, n_channels, 4), *([n_channels - 1] if n_channels % 4 == 2 else [])]
    parts = np.split(image, edges, axis=2)
    return np.dstack([function(np.ascontiguousarray(part)) for part in parts])


def _back_to_image(size, box):
    """Affine map (2, 3) from points of the rotated canvas to those of the image."""
    height, width = size
    angle = np.deg2rad(box[4])
    cos, sin = np.cos(angle), np.sin(angle)
    canvas_width = width * abs(cos) + height * abs(sin)
    canvas_height = width * abs(sin) + height * abs(cos)
    turn = np.array([[cos, -sin], [sin, cos]])
    shift = np.array([width, height]) / 2 - turn @ (canvas_width / 2, canvas_height / 2)
    return np.column_stack([turn, shift])


def _format_box(box):
    return "({:g}, {:g}, {:g}, {:g}, {:g})".format(*box)
