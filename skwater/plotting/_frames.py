"""What is shown of a frame: one number, or an image."""

import numpy as np

from ..sequences import frame_shape, iter_sequences


def read_channel(X, channel):
    """One number for each frame of numbers or vectors, and a name for it.

    Parameters
    ----------
    X : array-like or lazy sequences of shape (n_samples, n_frames[, n_channels])
        Sequences.
    channel : int or None
        The channel to show. None stands for the only one.

    Returns
    -------
    values : ndarray of shape (n_samples, n_frames), dtype float64
        The numbers.
    name : str
        Label of their axis.
    """
    n_channels = frame_shape(X)[-1]
    if channel is None and n_channels > 1:
        raise ValueError(
            f"X of shape {X.shape} has {n_channels} channels in each frame: choose the one to show "
            f"with channel, 0 to {n_channels - 1}."
        )
    channel = 0 if channel is None else channel
    if not 0 <= channel < n_channels:
        raise ValueError(f"channel must be 0 to {n_channels - 1} for this X, got {channel}.")
    values = np.array([row[:, 0, 0, channel] for row in iter_sequences(X)], dtype=float)
    return values, "Value" if len(X.shape) == 2 else f"Channel {channel}"


def refuse_channel(channel):
    """Refuse a channel for images, of which more than one number is shown."""
    if channel is not None:
        raise ValueError(f"channel={channel!r} is for frames of numbers, but X has images.")


def read_thumbnails(X, size=96):
    """Images of X, read one plant at a time, as RGB from 0 to 1 of at most about `size` pixels."""
    return to_rgb(np.stack([shrink(sequence, size) for sequence in iter_sequences(X)]))


def to_rgb(images):
    """Images (..., height, width, n_channels) as RGB between 0 and 1.

    If there are not three channels, their mean is shown in gray.
    """
    if images.shape[-1] != 3:
        images = images.mean(axis=-1, keepdims=True)
    low, high = np.nanmin(images), np.nanmax(images)
    if images.dtype == np.uint8:
        low, high = 0.0, 255.0
    rgb = (images - low) / (high - low or 1)
    return np.broadcast_to(rgb, (*rgb.shape[:-1], 3))


def shrink(images, size):
    """Every so many-th pixel of images (..., height, width, n_channels), about `size` of them."""
    step = max(1, max(images.shape[-3:-1]) // size)
    return images[..., ::step, ::step, :]
