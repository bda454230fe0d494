"""Sequences as standardised batches of tensors, made when they are asked for."""

import numpy as np
import torch
from torch.utils.data import Dataset

from .._sequences import as_frames, is_lazy
from ..nn._shared_frames import SharedFrames


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
    share : bool
        Whether frames of lazy X that several sequences of a batch have are in it once.
    augmenter : Augmenter or None
        What changes sequences at random each time.
    """

    def __init__(self, X, y, mean, std, share, augmenter=None):
        self.X = X
        self.y = y
        self.mean = mean
        self.std = std
        self.share = share
        self.augmenter = augmenter

    def __len__(self):
        return len(self.X)

    def __getitems__(self, rows):
        X = self.X[rows]
        if self.augmenter is not None:
            X = self._augment(as_frames(np.asarray(X)))
        return to_batch(X, self.mean, self.std, self.share), self.y[rows]

    def _augment(self, frames):
        # Seeds come from torch, which fit has seeded: it gives other ones in each worker process
        # of a loader and in each epoch, where a generator of our own would be copied.
        seeds = torch.randint(np.iinfo(np.int32).max, (len(frames),)).tolist()
        # to_tensor works in this dtype anyway, and a transform may return floats for integers.
        augmented = np.empty(frames.shape, dtype=np.result_type(frames, np.float32))
        for i, seed in enumerate(seeds):
            augmented[i] = self.augmenter(frames[i], seed)
        return augmented


def to_batch(X, mean, std, share, dtype=np.float32):
    """Standardise sequences; return a tensor (n, t, c, h, w), or shared frames of lazy ones."""
    if not (share and is_lazy(X)):
        return to_tensor(X, mean, std, dtype)
    frames, table = X.distinct_frames()
    frames = to_tensor(frames[:, None], mean, std, dtype)[:, 0]
    return SharedFrames(frames, torch.from_numpy(table))


def to_tensor(X, mean, std, dtype=np.float32):
    """Standardise sequences; return a tensor (n, t, c, h, w)."""
    frames = as_frames(np.asarray(X))
    # Differences are taken in double precision where the input has it.
    working = np.result_type(frames.dtype, dtype)
    # Turned first: a channel is then one long row, and all of this takes a quarter of the time.
    x = np.moveaxis(frames, -1, 2).astype(working, order="C")
    x -= mean.astype(working)[:, None, None]
    x /= std.astype(working)[:, None, None]
    return torch.from_numpy(x.astype(dtype, copy=False))


def as_is(batch):
    """Collate nothing: `Batches` gives finished batches."""
    return batch
