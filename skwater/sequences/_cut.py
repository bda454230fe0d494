"""Lazy sequences of which the last frames are missing."""

import numpy as np

from ._lazy import LazySequences, n_base


class CutSequences(LazySequences):
    """Sequences of a lazy source, each with its first frames only.

    Parameters
    ----------
    source : LazySequences
        Where frames come from.
    rows : ndarray of shape (n_samples,), dtype int
        Row of the source that is cut.
    lengths : ndarray of shape (n_samples,), dtype int
        How many of its frames are kept; later ones are missing.
    """

    def __init__(self, source, rows, lengths):
        self._nowhere = n_base(source)  # a row that the source does not have
        is_cut = np.arange(len(source.frames)) >= lengths[:, None]
        super().__init__(np.where(is_cut, self._nowhere, source.donors[rows]), source.frames)
        self._recipe = source._recipe
        self.source = source

    @property
    def frame_shape(self):
        return self.source.frame_shape

    @property
    def dtype(self):
        return np.result_type(self.source.dtype, np.float32)

    @property
    def value_dtype(self):
        return self.source.value_dtype

    def _identify(self, rows, columns):
        is_there = rows != self._nowhere
        names = self.source._identify(np.where(is_there, rows, 0), columns)
        return names and [
            name if there else b"missing" for name, there in zip(names, is_there, strict=True)
        ]

    def _read(self, rows, columns):
        frames = np.full((len(rows), *self.frame_shape), np.nan, self.dtype)
        is_there = rows != self._nowhere
        if is_there.any():
            frames[is_there] = self.source._read(rows[is_there], columns[is_there])
        return frames

    def _missing(self, row, columns):
        if row == self._nowhere:
            return np.ones(len(columns), dtype=bool)
        return self.source._missing(row, columns)
