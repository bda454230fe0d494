"""Sequences as standardised batches of tensors, made when they are asked for."""

import numpy as np
import torch
from torch.utils.data import Dataset

from .._sequences import as_frames


class Batches(Dataset):
    """A torch dataset that builds whole batches: X stays as it is until then.

    Parameters
    ----------
    X : ndarray or lazy container of shape (n_samples, n_frames, ...)
        Sequences.
    y : tensor of shape (n_samples, ...)
        What the loss compares with.
    mean, std : ndarray of shape (n_channels,)
        Subtracted from and divided into each channel.
    """

    def __init__(self, X, y, mean, std):
        self.X = X
        self.y = y
        self.mean = mean
        self.std = std

    def __len__(self):
        return len(self.X)

    def __getitems__(self, rows):
        return to_tensor(self.X[rows], self.mean, self.std), self.y[rows]


def to_tensor(X, mean, std, dtype=np.float32):
    """Standardise sequences; return a tensor (n, t, c, h, w)."""
    frames = as_frames(np.asarray(X))
    # Differences are taken in double precision where the input has it.
    working = np.result_type(frames.dtype, dtype)
    x = frames - mean.astype(working)
    x /= std.astype(working)
    x = np.moveaxis(x, -1, 2).astype(dtype, order="C")
    return torch.from_numpy(x)


def as_is(batch):
    """Collate nothing: `Batches` gives finished batches."""
    return batch
