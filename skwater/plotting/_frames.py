"""What is shown of a frame: one number, or a picture."""

import numpy as np

from ..sequences import as_array, as_frames, check_layout, is_lazy


def check_sequences_shape(X):
    """Return X, an array or lazy, if it is laid out as sequences of numbers or pictures."""
    if not is_lazy(X):
        X = as_array(X)
    check_layout(X.shape)
    if X.dtype.kind not in "biuf":
        raise ValueError(f"X must hold real numbers, got dtype {X.dtype}.")
    return X


def choose_channel(shape, channel):
    """Position of the number to show of each frame, for X of this shape of 2 or 3 dimensions."""
    n_channels = 1 if len(shape) == 2 else shape[-1]
    if channel is None and n_channels > 1:
        raise ValueError(
            f"X of shape {shape} has {n_channels} numbers a frame: say by channel which of them "
            f"to show, 0 to {n_channels - 1}."
        )
    channel = 0 if channel is None else channel
    if not 0 <= channel < n_channels:
        raise ValueError(f"channel must be 0 to {n_channels - 1} for this X, got {channel}.")
    return channel


def read_channel(X, channel):
    """One number for each frame of X, which has 2 or 3 dimensions: (n_samples, n_frames)."""
    channel = choose_channel(X.shape, channel)
    rows = (as_frames(np.asarray(X[i])[None]) for i in range(len(X)))
    return np.array([row[0, :, 0, 0, channel] for row in rows], dtype=float)


def refuse_channel(channel):
    """Pictures have no one number to choose."""
    if channel is not None:
        raise ValueError(
            f"channel={channel!r} chooses among the numbers of a frame, but X has pictures."
        )


def read_thumbnails(X, size=96):
    """Pictures of X, a plant at a time, as RGB between 0 and 1, about `size` pixels at most."""
    rows = (as_frames(np.asarray(X[i])[None])[0] for i in range(len(X)))
    return to_rgb(np.stack([_shrink(row, size) for row in rows]))


def to_rgb(pictures):
    """Pictures (..., height, width, n_channels) as RGB between 0 and 1.

    What is neither gray nor of three channels becomes the gray of its mean.
    """
    if pictures.shape[-1] != 3:
        pictures = pictures.mean(axis=-1, keepdims=True)
    low, high = np.nanmin(pictures), np.nanmax(pictures)
    if pictures.dtype == np.uint8:
        low, high = 0.0, 255.0
    rgb = (pictures - low) / (high - low or 1)
    return np.broadcast_to(rgb, (*rgb.shape[:-1], 3))


def _shrink(pictures, size):
    step = max(1, max(pictures.shape[-3:-1]) // size)
    return pictures[..., ::step, ::step, :]
