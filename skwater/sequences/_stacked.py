"""Lazy sequences that have the channels of several others."""

import sys

import numpy as np

from ._layout import as_frames, frame_shape, has_images
from ._lazy import LazySequences


class StackedSequences(LazySequences):
    """Lazy sequences whose frames have the channels of the frames of several others.

    Made by :func:`skwater.preprocessing.stack_channels`, which checks that the sources have the
    same plants, frames and sizes. A row of the base is what the sources have in one row, each in a
    row of its own base. A frame that one of the sources lacks is missing.

    Parameters
    ----------
    sources : list of LazySequences
        The sequences, which are read when the stack is.
    """

    def __init__(self, sources):
        donors = np.stack([source.donors.ravel() for source in sources], axis=1)
        self._rows, table = np.unique(donors, axis=0, return_inverse=True)
        for column in self._rows.T:
            if len(np.unique(column)) < len(self._rows):
                raise ValueError(
                    "The rows of these lazy sequences were spliced or repeated in different ways, "
                    "so that they are of different plants. Stack the channels first, and splice "
                    "or choose rows of the stack."
                )
        n, t = sources[0].donors.shape
        super().__init__(table.reshape(n, t), np.arange(t))
        self.sources = sources

    def __sizeof__(self):
        return super().__sizeof__() + sum(map(sys.getsizeof, self.sources))

    @property
    def frame_shape(self):
        n_channels = sum(frame_shape(source)[-1] for source in self.sources)
        images = [source for source in self.sources if has_images(source)]
        return (*frame_shape(images[0])[:2], n_channels) if images else (n_channels,)

    @property
    def dtype(self):
        return np.result_type(*[source.dtype for source in self.sources])

    def _read(self, rows, columns):
        out = np.empty((len(rows), *self.frame_shape), self.dtype)
        step = max(1, len(self.frames))
        for start in range(0, len(rows), step):  # one sequence at a time: frames can be large
            part = slice(start, start + step)
            self._fill(as_frames(out[None, part])[0], rows[part], columns[part])
        return out

    def _fill(self, out, rows, columns):
        missing = np.zeros(len(rows), dtype=bool)
        first = 0
        for source, donors in zip(self.sources, self._rows.T, strict=True):
            frames = as_frames(source._read(donors[rows], source.frames[columns])[None])[0]
            last = first + frames.shape[-1]
            out[..., first:last] = frames
            if frames.dtype.kind == "f":
                missing |= np.isnan(frames).all(axis=(1, 2, 3))
            first = last
        if missing.any():
            out[missing] = np.nan

    def _missing(self, row, columns):
        return np.any(
            [
                source._missing(donors[row], source.frames[columns])
                for source, donors in zip(self.sources, self._rows.T, strict=True)
            ],
            axis=0,
        )
