"""Sequences as standardized batches of tensors, made when they are asked for."""

from functools import cached_property

import numpy as np
import torch
from torch.utils.data import Dataset

from ..nn._shared_frames import SharedFrames
from ..sequences import as_frames, frame_shape, is_lazy

_VALUES_AT_ONCE = 2**20  # of vectors that are standardized, of which there are several copies


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

    @property
    def holds_vectors(self):
        """Whether frames are scalars or vectors; only images are augmented."""
        return frame_shape(self.X)[:2] == (1, 1)

    @cached_property
    def vectors(self):
        """All sequences as a table of standardized vectors.

        Returns
        -------
        frames : ndarray of shape (k, n_channels), dtype float32
            Vectors, each of lazy X once. Missing ones are all-NaN.
        table : ndarray of shape (n_samples, n_frames), dtype int64
            For each frame of each sequence its place in `frames`, or -1 if it is missing.
        """
        if is_lazy(self.X):
            distinct, table = self.X.distinct_frames()
            distinct = distinct[:, None]
        else:
            distinct, table = self.X, np.arange(self.X.shape[0] * self.X.shape[1])
        frames = np.empty((*distinct.shape[:2], frame_shape(self.X)[2]), np.float32)
        step = max(1, _VALUES_AT_ONCE // frames[0].size)
        for start in range(0, len(distinct), step):
            part = slice(start, start + step)
            frames[part] = to_tensor(distinct[part], self.mean, self.std)[..., 0, 0].numpy()
        frames = frames.reshape(-1, frames.shape[2])
        table = table.reshape(self.X.shape[:2])
        missing = np.isnan(frames).all(axis=1)
        return frames, np.where(missing[table], -1, table)

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
    """Standardize sequences; return a tensor (n, t, c, h, w), or shared frames of lazy ones."""
    if not (share and is_lazy(X)):
        return to_tensor(X, mean, std, dtype)
    frames, table = X.distinct_frames()
    frames = to_tensor(frames[:, None], mean, std, dtype)[:, 0]
    return SharedFrames(frames, torch.from_numpy(table))


def to_tensor(X, mean, std, dtype=np.float32):
    """Standardize sequences; return a tensor (n, t, c, h, w)."""
    frames = as_frames(np.asarray(X))
    # Differences are taken in double precision if the input has it.
    working = np.result_type(frames.dtype, dtype)
    # Turned first: a channel is then one long row, and all of this takes a quarter of the time.
    x = np.moveaxis(frames, -1, 2).astype(working, order="C")
    x -= mean.astype(working)[:, None, None]
    x /= std.astype(working)[:, None, None]
    return torch.from_numpy(x.astype(dtype, copy=False))


def identity_collate(batch):
    """Collate nothing: `Batches` gives finished batches."""
    return batch
