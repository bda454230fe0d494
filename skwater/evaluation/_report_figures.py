"""The images of a report, as data URIs: charts and thumbnails."""

import base64
import io

import numpy as np

from ..sequences import as_frames
from ..sequences._pixels import resize

_WIDTH = 5.6  # inches of a chart, which fits a page and, made smaller, a phone
_PIXELS = 64  # of the longer side of a thumbnail
_JPEG_QUALITY = 80
_STYLE = {
    "font.size": 10,
    "svg.hashsalt": "skwater",  # the same chart is the same text
    "text.parse_math": False,  # a $ in the name of a class is a $
}


def draw(plot, height=3.4, width=_WIDTH, n_axes=1):
    """Return an SVG of what a function draws on axes, whatever style and backend are set.

    Parameters
    ----------
    plot : callable
        Takes the axes, an array of them if there are several.
    height, width : float
        Inches.
    n_axes : int, default=1
        Number of axes, side by side.

    Returns
    -------
    str
        A data URI.
    """
    from matplotlib import style
    from matplotlib.figure import Figure

    file = io.BytesIO()
    with style.context(["default", _STYLE]):
        figure = Figure(figsize=(width, height), layout="constrained")
        plot(figure.subplots(ncols=n_axes))
        figure.savefig(file, format="svg", transparent=True, metadata={"Date": None})
    return _data_uri("svg+xml", file.getvalue())


def draw_thumbnails(X, rows, frames, missing):
    """Return small JPEGs of some frames of some plants.

    Parameters
    ----------
    X : ndarray or lazy sequences of shape (n_samples, n_frames, height, width[, n_channels])
        Images, of which one plant at a time is read.
    rows, frames : ndarray of int
        Which ones.
    missing : ndarray of shape (n_samples, n_frames), dtype bool
        Missing frames.

    Returns
    -------
    dict of {(int, int): str}
        A data URI by row and frame. Missing frames have none.
    """
    images = {}
    for row in rows:
        sequence = as_frames(np.asarray(X[int(row)])[None])[0]
        for frame in frames[~missing[row, frames]]:
            images[int(row), int(frame)] = _shrink(sequence[frame])
    if X.dtype == np.uint8 or not images:
        low, high = 0, 255
    else:
        low = min(image.min() for image in images.values())
        high = max(image.max() for image in images.values())
    return {cell: _encode(image, low, high) for cell, image in images.items()}


def _shrink(image):
    """An image of three channels, or the mean of its channels, of the size of a thumbnail."""
    if image.shape[-1] != 3:
        image = image.mean(axis=-1, keepdims=True)
    height, width = image.shape[:2]
    scale = min(1, _PIXELS / max(height, width))
    size = max(1, round(scale * height)), max(1, round(scale * width))
    return resize(image.astype(np.float32), size)


def _encode(image, low, high):
    import cv2

    pixels = np.rint((image - low) * (255 / ((high - low) or 1))).astype(np.uint8)
    blue_first = np.ascontiguousarray(pixels[..., ::-1])
    _, data = cv2.imencode(".jpg", blue_first, [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY])
    return _data_uri("jpeg", data.tobytes())


def _data_uri(kind, data):
    return f"data:image/{kind};base64,{base64.b64encode(data).decode()}"
