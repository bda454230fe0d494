"""Sequences whose frames are read when they are asked for."""

import sys
from abc import ABC, abstractmethod
from collections.abc import Callable
from copy import copy
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from ._donors import check_donors, gather
from ._frame_cache import name_function
from ._layout import are_legal, as_frames, can_be_illegal, missing_in


class LazySequences(ABC):
    """Sequences whose frames are read when they are asked for.

    A table over a base that stays as it is: frame ``t`` of row ``i`` is column ``frames[t]`` of
    row ``donors[i, t]`` of the base. Rows, splices and choices of frames are new tables over the
    same base and cost a few integers: ``X[rows]`` and ``X[rows, start:stop]`` stay lazy, while
    ``X[row]`` and ``X[row, frame]`` are read. A subclass says what a frame looks like
    (`frame_shape`, `dtype`), how frames of the base are read (`_read`) and which are missing
    (`_missing`).

    Parameters
    ----------
    donors : ndarray of shape (n_samples, n_frames), dtype int
        Row of the base that gives each frame.
    frames : ndarray of shape (n_frames,), dtype int
        Column of the base that gives each frame.
    """

    _recipe: dict[str, Any] | None = None  # of all frames of the base

    def __init__(self, donors, frames):
        self.donors = donors
        self.frames = frames

    @property
    def recipe(self):
        """How the images were loaded, with the days of these frames; None if it is not known."""
        recipe = self._recipe
        if recipe is None or "days" not in recipe:
            return recipe
        return recipe | {"days": [recipe["days"][frame] for frame in self.frames]}

    @recipe.setter
    def recipe(self, recipe):
        self._recipe = recipe

    @property
    @abstractmethod
    def frame_shape(self) -> tuple[int, ...]:
        """Shape of one frame: (), (n_channels,), (height, width) or with n_channels."""

    @property
    @abstractmethod
    def dtype(self) -> np.dtype:
        """Type of the values, a floating-point one if frames can be missing."""

    @abstractmethod
    def _read(self, rows, columns):
        """Frames (k, ...) of the base at k rows and columns; missing ones are all-NaN."""

    @abstractmethod
    def _missing(self, row, columns):
        """Tell for each of these columns of a row of the base whether the frame is missing."""

    @property
    def value_dtype(self):
        """Type of the values before missing frames made floats of them: it tells their unit."""
        return self.dtype

    def _identify(self, rows, columns):
        """What tells the frames of the base at k rows and columns from all others, as bytes.

        None if only their pixels do.
        """
        return

    @property
    def shape(self) -> tuple[int, ...]:
        return (*self.donors.shape, *self.frame_shape)

    @property
    def ndim(self) -> int:
        return len(self.shape)

    def __len__(self) -> int:
        return len(self.donors)

    def __getitem__(self, index: Any) -> Any:
        index = index if isinstance(index, tuple) else (index,)
        if len(index) > 1 and index[-1] is Ellipsis:  # scikit-learn indexes X[rows, ...]
            index = index[:-1]
        rows, frames = (*index, slice(None))[:2]
        one_row, one_frame = _is_one(rows), _is_one(frames)
        legal = isinstance(frames, slice) or (one_row and one_frame)
        if len(index) > 2 or rows is Ellipsis or not legal:
            raise IndexError(
                f"{type(self).__name__} takes X[rows], X[row, frame] and X[rows, start:stop]; "
                f"numpy.asarray(X) makes an array, X.take_frames(frames) chooses frames."
            )
        donors, columns = self.donors[rows], self.frames[frames]
        if not one_row:
            return self._with(donors[:, frames], columns)
        read = self._read(np.atleast_1d(donors[frames]), np.atleast_1d(columns))
        return read[0] if one_frame else read

    def __sizeof__(self):
        # dask decides by this size what to send to a worker only once, and not with each fit.
        held = vars(self).values()
        return object.__sizeof__(self) + sum(getattr(v, "nbytes", sys.getsizeof(v)) for v in held)

    def __array__(self, dtype: DTypeLike | None = None, copy: bool | None = None) -> np.ndarray:
        if copy is False:
            raise ValueError(f"{type(self).__name__} cannot become an array without a copy.")
        columns = np.broadcast_to(self.frames, self.donors.shape).ravel()
        return np.asarray(self._read(self.donors.ravel(), columns).reshape(self.shape), dtype=dtype)

    def distinct_frames(self) -> tuple[np.ndarray, np.ndarray]:
        """Read each frame once, however many sequences have it.

        Returns
        -------
        frames : ndarray of shape (k, ...)
            The distinct frames; missing ones are all-NaN.
        table : ndarray of shape (n_samples, n_frames), dtype int
            For each frame of each sequence, its place in `frames`.
        """
        rows, columns, table = self._distinct_places(...)
        return self._read(rows, columns), table.reshape(self.donors.shape)

    def _distinct_places(self, chosen):
        """Rows and columns of the base that give the chosen frames, each once, and their table."""
        n_frames = len(self.frames)
        places = (self.donors.astype(np.intp) * n_frames + np.arange(n_frames))[chosen]
        distinct, table = np.unique(places, return_inverse=True)
        rows, columns = np.divmod(distinct, n_frames)
        return rows, self.frames[columns], table

    def splice(self, donors: ArrayLike) -> Self:
        """Make new sequences from the frames of several rows.

        Parameters
        ----------
        donors : array-like of shape (n_samples_new, n_frames), dtype int
            The row that gives each frame of each new sequence.

        Returns
        -------
        object
            Lazy sequences of the same kind; frame ``t`` of row ``i`` is frame ``t`` of row
            ``donors[i, t]``.

        Raises
        ------
        ValueError
            If `donors` is not a table with one column for each frame, or has a number that is no
            row.
        """
        return self._with(gather(self.donors, check_donors(donors, self.donors.shape)), self.frames)

    def take_frames(self, frames: ArrayLike) -> Self:
        """Choose the same frames of every sequence.

        Parameters
        ----------
        frames : array-like of int
            Positions of the frames, in the order wanted.

        Returns
        -------
        object
            Lazy sequences of the same kind with these frames only.
        """
        frames = np.asarray(frames, dtype=np.intp)
        return self._with(self.donors[:, frames], self.frames[frames])

    def map_frames(
        self,
        function: Callable[[np.ndarray], np.ndarray],
        frame_shape: tuple[int, ...],
        dtype: DTypeLike,
    ) -> "MappedSequences":
        """Apply a function to every frame that is not missing, when it is read.

        Parameters
        ----------
        function : callable
            Takes frames (k, height, width, n_channels) of one sequence and returns (k, ...); it
            must treat each frame by itself. The result can be pickled if the function can.
        frame_shape : tuple of int
            Shape of a frame that the function returns.
        dtype : dtype
            Type of what it returns. Integers become float32 if frames can be missing.

        Returns
        -------
        MappedSequences
            The lazy result, in which missing frames are still missing.
        """
        return MappedSequences(self, function, frame_shape, dtype)

    def _with(self, donors, frames):
        """Return the same base under another table."""
        other = copy(self)
        other.donors, other.frames = donors, frames
        return other

    def __repr__(self):
        return f"{type(self).__name__}(shape={self.shape}, dtype={self.dtype})"


class SplicedSequences(LazySequences):
    """Sequences that are a table of donors over base sequences, copied only when read.

    Row ``i`` takes frame ``t`` from frame ``t`` of ``base[donors[i, t]]``. A thousand splices of
    thirty plants cost the memory of thirty plants and a small table of integers. It is a legal
    ``X`` for every estimator of this package; other libraries see a full copy through
    ``numpy.asarray``, which can be large.

    Parameters
    ----------
    base : ndarray of shape (n_base, n_frames, ...)
        The sequences that frames are taken from. Kept as it is, not copied: changing it later
        changes the splices.
    donors : array-like of shape (n_samples, n_frames), dtype int, default=None
        The row of `base` that gives each frame. By default every sequence is as it is in `base`.
        Cross-validation then copies no row, which helps if `base` is memory-mapped or large.

    Attributes
    ----------
    shape : tuple of int
        ``(n_samples, n_frames, ...)``, as if the splices had been copied.
    dtype : numpy.dtype
        That of `base`.
    ndim : int
        Number of axes.

    Raises
    ------
    ValueError
        If `donors` is not a table with one column for each frame, or has a number that is no row
        of `base`.
    TypeError
        If `base` is another lazy container: use its method ``splice``.

    See Also
    --------
    RSSResampler : Makes them, with ``lazy=True``.

    Examples
    --------
    >>> import numpy as np
    >>> from skwater import SplicedSequences
    >>> base = np.array([[1, 2, 3], [10, 20, 30]])
    >>> X = SplicedSequences(base, [[0, 0, 0], [0, 1, 1]])
    >>> X
    SplicedSequences(shape=(2, 3), dtype=int64, n_base=2)
    >>> np.asarray(X)
    array([[ 1,  2,  3],
           [ 1, 20, 30]])
    """

    def __init__(self, base: np.ndarray, donors: ArrayLike | None = None) -> None:
        if getattr(base, "ndim", 0) < 2:
            raise ValueError("base must be an array of shape (n_base, n_frames, ...).")
        if donors is None:
            donors = np.repeat(np.arange(len(base))[:, None], base.shape[1], axis=1)
        donors = check_donors(donors, base.shape[:2])
        frames = np.arange(base.shape[1])
        if isinstance(base, SplicedSequences):  # still one table over the same base
            base, donors, frames = base.base, gather(base.donors, donors), base.frames
        elif is_lazy(base):
            raise TypeError(f"{type(base).__name__} are spliced by their own splice(donors).")
        super().__init__(donors, frames)
        self.base = base

    @property
    def frame_shape(self) -> tuple[int, ...]:
        return self.base.shape[2:]

    @property
    def dtype(self) -> np.dtype:
        return self.base.dtype

    def _read(self, rows, columns):
        return self.base[rows, columns]

    def _missing(self, row, columns):
        return missing_in(self.base[row, columns], row, columns, " of the base")

    def __repr__(self):
        return f"{super().__repr__()[:-1]}, n_base={len(self.base)})"


class MappedSequences(LazySequences):
    """Lazy sequences with a function applied to each frame when it is read.

    Made by :meth:`LazySequences.map_frames`. The function takes each frame by itself, so splicing
    and mapping can be exchanged: the table is that of the source.
    """

    def __init__(self, source, function, frame_shape, dtype):
        super().__init__(source.donors, source.frames)
        if source._recipe is not None:
            self._recipe = source._recipe | {"changed": True}
        self.source = source
        self.function = function
        self._frame_shape = tuple(frame_shape)
        dtype = self._value_dtype = np.dtype(dtype)
        can_miss = source.dtype.kind == "f" and dtype.kind != "f"
        self._dtype = np.result_type(dtype, np.float32) if can_miss else dtype

    @property
    def frame_shape(self):
        return self._frame_shape

    @property
    def dtype(self):
        return self._dtype

    @property
    def value_dtype(self):
        same = self.dtype == self.source.dtype
        return self.source.value_dtype if same else self._value_dtype

    def _identify(self, rows, columns):
        frames = self.source._identify(rows, columns)
        function = None if frames is None else name_function(self.function)
        return None if function is None else [frame + function for frame in frames]

    def _read(self, rows, columns):
        out = np.empty((len(rows), *self.frame_shape), self.dtype)
        step = max(1, len(self.frames))
        for start in range(0, len(rows), step):  # one sequence at a time: frames can be large
            part = slice(start, start + step)
            out[part] = self._map(rows[part], columns[part])
        return out

    def _map(self, rows, columns):
        out = np.empty((len(rows), *self.frame_shape), self.dtype)
        frames = self.source._read(rows, columns)
        present = ~missing_in(frames, rows, columns, " of the base")
        if not present.all():
            out[~present] = np.nan
        if present.any():
            mapped = np.asarray(self.function(as_frames(frames[present][None])[0]))
            if mapped.shape != out[present].shape:
                raise ValueError(
                    f"The function must return frames of shape {out[present].shape}, got "
                    f"{mapped.shape}."
                )
            if can_be_illegal(mapped.dtype) and not are_legal(mapped).all():
                raise ValueError(
                    f"The function returned NaN or infinity for frames of sample {rows[0]} of the "
                    f"base, or numbers that are too large."
                )
            out[present] = mapped
        return out

    def _missing(self, row, columns):
        return self.source._missing(row, columns)


def _is_one(index):
    """Whether an index is a single position."""
    return hasattr(index, "__index__") and np.ndim(index) == 0


def is_lazy(X):
    """Whether X is a lazy container of sequences, which must never become one big array."""
    return isinstance(X, LazySequences)


def n_base(X):
    """Return how many rows of the base can be in use."""
    return X.donors.max(initial=-1) + 1


def used_frames(X):
    """Yield each row of the base that gives frames, and the positions of those that it gives."""
    used = np.zeros((n_base(X), X.shape[1]), dtype=bool)
    used[X.donors, np.arange(X.shape[1])] = True
    for row in np.flatnonzero(used.any(axis=1)):
        yield row, np.flatnonzero(used[row])
