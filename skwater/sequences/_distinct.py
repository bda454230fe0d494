"""The frames of sequences that are not missing, each of them once."""

import hashlib

import numpy as np

from ._layout import as_frames
from ._lazy import is_lazy
from ._validation import missing_frames


class DistinctFrames:
    """The frames of X that are not missing, each once, read a few at a time.

    Lazy sequences tell which frames are the same: splices share them. In arrays those are found
    by their pixels.

    Parameters
    ----------
    X : ndarray, lazy sequences or another container of shape (n_samples, n_frames, ...)
        Sequences.
    keys : bool
        Whether every frame needs a key by which it is known in other processes.

    Attributes
    ----------
    present : ndarray of shape (n_samples, n_frames), dtype bool
        Which frames are not missing.
    table : ndarray of shape (n_present,), dtype int
        For each of these, its place among the distinct frames.
    keys : list of bytes or None
        Key of each distinct frame.
    """

    def __init__(self, X, *, keys):
        self._X = X
        self.present = ~missing_frames(X)
        if is_lazy(X):
            rows, columns, table = X._distinct_places(self.present)
        else:
            rows, columns = np.nonzero(self.present)
            table = np.arange(len(rows))
        self._rows, self._columns, self.table = rows, columns, table
        self.keys = self._make_keys(keys)
        if self.keys is not None:
            places = {}
            same = np.array([places.setdefault(key, len(places)) for key in self.keys], np.intp)
            first = np.unique(same, return_index=True)[1]
            self._rows, self._columns, self.table = rows[first], columns[first], same[table]
            self.keys = list(places)

    def __len__(self):
        return len(self._rows)

    def read(self, places):
        """Read distinct frames as an array (k, height, width, n_channels)."""
        rows, columns = self._rows[places], self._columns[places]
        if is_lazy(self._X):
            frames = self._X._read(rows, columns)
        elif isinstance(self._X, np.ndarray):
            frames = self._X[rows, columns]
        else:  # such as a dataset of h5py
            read = {row: np.asarray(self._X[row]) for row in np.unique(rows).tolist()}
            frames = np.stack([read[r][c] for r, c in zip(rows.tolist(), columns, strict=True)])
        return as_frames(frames[None])[0]

    def locate(self, place):
        """Sample and frame of X that have a distinct frame."""
        return tuple(np.argwhere(self.present)[np.flatnonzero(self.table == place)[0]].tolist())

    def _make_keys(self, wanted):
        names = None
        if is_lazy(self._X):
            names = self._X._identify(self._rows, self._columns)
            if names is None and not wanted:
                return None
        if names is None:
            return [_digest_pixels(self.read([place])) for place in range(len(self))]
        return [hashlib.sha256(name).digest() for name in names]


def _digest_pixels(frame):
    digest = hashlib.sha256(f"{frame.dtype} {frame.shape}".encode())
    digest.update(np.ascontiguousarray(frame))
    return digest.digest()
