"""The sequence contract: which X is legal, what is missing in it, and how its frames are read.

X is (n_samples, n_frames, height, width, n_channels), one row a plant, with trailing axes left
out where they are not needed. Nothing outside this file looks at ``X.ndim``.
"""

import hashlib
import sys
from abc import ABC, abstractmethod
from copy import copy
from numbers import Real

import numpy as np
from sklearn.utils import check_array, check_consistent_length, column_or_1d
from sklearn.utils.validation import _check_y, validate_data

LAYOUTS = {
    2: "(n_samples, n_frames)",
    3: "(n_samples, n_frames, n_channels)",
    4: "(n_samples, n_frames, height, width)",
    5: "(n_samples, n_frames, height, width, n_channels)",
}

_FEW_VALUES = 6  # too few to be a fingerprint


class LazySequences(ABC):
    """Sequences whose frames are read when they are asked for.

    A table over a base that stays as it is: frame ``t`` of row ``i`` is column ``frames[t]`` of
    row ``donors[i, t]`` of the base. Rows, splices and choices of frames are new tables over the
    same base and cost a few integers. A subclass says what a frame looks like (`frame_shape`,
    `dtype`), how frames of the base are read (`_read`) and which are missing (`_missing`).

    Parameters
    ----------
    donors : ndarray of shape (n_samples, n_frames), dtype int
        Row of the base that gives each frame.
    frames : ndarray of shape (n_frames,), dtype int
        Column of the base that gives each frame.
    """

    def __init__(self, donors, frames):
        self.donors = donors
        self.frames = frames

    @property
    @abstractmethod
    def frame_shape(self):
        """Shape of one frame: (), (n_channels,), (height, width) or with n_channels."""

    @property
    @abstractmethod
    def dtype(self):
        """Type of the values, one of floats where frames can be missing."""

    @abstractmethod
    def _read(self, rows, columns):
        """Frames (k, ...) of the base at k rows and columns; missing ones are NaN throughout."""

    @abstractmethod
    def _missing(self, row, columns):
        """Tell for each of these columns of a row of the base whether the frame is missing."""

    @property
    def shape(self):
        return (*self.donors.shape, *self.frame_shape)

    @property
    def ndim(self):
        return len(self.shape)

    def __len__(self):
        return len(self.donors)

    def __getitem__(self, rows):
        if isinstance(rows, tuple):  # scikit-learn indexes X[rows, ...]
            rows, *rest = rows
            if any(axis is not Ellipsis for axis in rest):
                raise IndexError(
                    f"{type(self).__name__} takes row indices only; numpy.asarray(X) makes an "
                    f"array."
                )
        if np.ndim(rows) == 0 and not isinstance(rows, slice):
            return self._read(self.donors[rows], self.frames)
        return self._with(self.donors[rows], self.frames)

    def __sizeof__(self):
        # By this dask tells what is worth sending to a worker once and not with each fit.
        held = vars(self).values()
        return object.__sizeof__(self) + sum(getattr(v, "nbytes", sys.getsizeof(v)) for v in held)

    def __array__(self, dtype=None, copy=None):
        if copy is False:
            raise ValueError(f"{type(self).__name__} cannot become an array without a copy.")
        columns = np.broadcast_to(self.frames, self.donors.shape).ravel()
        return np.asarray(self._read(self.donors.ravel(), columns).reshape(self.shape), dtype=dtype)

    def distinct_frames(self):
        """Read each frame once, however many sequences have it.

        Returns
        -------
        frames : ndarray of shape (k, ...)
            The distinct frames; missing ones are NaN throughout.
        table : ndarray of shape (n_samples, n_frames), dtype int
            For each frame of each sequence, its place in `frames`.
        """
        n_frames = len(self.frames)
        places = self.donors.astype(np.intp) * n_frames + np.arange(n_frames)
        distinct, table = np.unique(places, return_inverse=True)
        rows, columns = np.divmod(distinct, n_frames)
        return self._read(rows, self.frames[columns]), table.reshape(places.shape)

    def splice(self, donors):
        """Put together sequences from the frames of several rows.

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
            If `donors` is not a table with one column a frame, or points at no row.
        """
        return self._with(gather(self.donors, check_donors(donors, self.donors.shape)), self.frames)

    def take_frames(self, frames):
        """Choose frames, the same of every sequence.

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

    def map_frames(self, function, frame_shape, dtype):
        """Apply a function to every frame that is there, when it is read.

        Parameters
        ----------
        function : callable
            Takes frames (k, height, width, n_channels) of one sequence and returns (k, ...), each
            frame by itself. The result pickles where the function does.
        frame_shape : tuple of int
            Shape of a frame that the function returns.
        dtype : dtype
            Type of what it returns. Integers become float32 where frames can be missing.

        Returns
        -------
        MappedSequences
            The lazy result, in which missing frames are missing still.
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
        The row of `base` that gives each frame. By default every sequence is as it is in `base`,
        of which cross-validation then copies no row: for arrays that are memory-mapped or large.

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
        If `donors` is not a table with one column a frame, or points outside `base`.
    TypeError
        If `base` is another lazy container, which splices itself.

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

    def __init__(self, base, donors=None):
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
    def frame_shape(self):
        return self.base.shape[2:]

    @property
    def dtype(self):
        return self.base.dtype

    def _read(self, rows, columns):
        return self.base[rows, columns]

    def _missing(self, row, columns):
        return _missing_in(self.base[row, columns], f"sample {row} of the base", columns)

    def __repr__(self):
        return f"{super().__repr__()[:-1]}, n_base={len(self.base)})"


class MappedSequences(LazySequences):
    """Lazy sequences with a function applied to each frame when it is read.

    Made by :meth:`LazySequences.map_frames`. The function takes each frame by itself, so splicing
    the result is the result of splicing: the table is the source's own.
    """

    def __init__(self, source, function, frame_shape, dtype):
        super().__init__(source.donors, source.frames)
        self.source = source
        self.function = function
        self._frame_shape = tuple(frame_shape)
        dtype = np.dtype(dtype)
        can_miss = source.dtype.kind == "f" and dtype.kind != "f"
        self._dtype = np.result_type(dtype, np.float32) if can_miss else dtype

    @property
    def frame_shape(self):
        return self._frame_shape

    @property
    def dtype(self):
        return self._dtype

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
        there = ~_missing_in(frames, f"sample {rows[0]} of the base", columns)
        if not there.all():
            out[~there] = np.nan
        if there.any():
            mapped = np.asarray(self.function(as_frames(frames[there][None])[0]))
            if mapped.shape != out[there].shape:
                raise ValueError(
                    f"The function must return frames of shape {out[there].shape}, got "
                    f"{mapped.shape}."
                )
            if mapped.dtype.kind == "f" and not np.isfinite(mapped).all():
                raise ValueError(
                    f"The function returned NaN or infinity for frames of sample {rows[0]} of the "
                    f"base."
                )
            out[there] = mapped
        return out

    def _missing(self, row, columns):
        return self.source._missing(row, columns)


def check_donors(donors, shape):
    """Return donors as an array of rows of a base of shape (n_base, n_frames), or say why not."""
    n_base, n_frames = shape
    donors = np.asarray(donors)
    if donors.dtype.kind not in "iu":
        raise ValueError(f"donors must be integers, row numbers, got {donors.dtype}.")
    if donors.ndim != 2 or donors.shape[1] != n_frames:
        raise ValueError(
            f"donors must have shape (n_samples, {n_frames}), one column a frame of the "
            f"base, got {donors.shape}."
        )
    if donors.size and (donors.min() < 0 or donors.max() >= n_base):
        raise ValueError(
            f"donors must lie in 0..{n_base - 1}, the rows of the base, got "
            f"{donors.min()}..{donors.max()}."
        )
    return donors


def gather(X, donors):
    """Frame t of row i from frame t of ``X[donors[i, t]]``; `donors` may also be a single row."""
    return X[donors, np.arange(X.shape[1])]


def is_lazy(X):
    """Whether X is a lazy container of sequences, which must never become one big array."""
    return isinstance(X, LazySequences)


def as_frames(X):
    """A view of the array X with all five axes."""
    n, t = X.shape[:2]
    return X.reshape(n, t, *frame_shape(X))


def frame_shape(X):
    """Return (height, width, n_channels) of the frames of X."""
    return {2: (1, 1, 1), 3: (1, 1, *X.shape[2:]), 4: (*X.shape[2:], 1)}.get(X.ndim, X.shape[2:])


def check_sequences(estimator, X, y=None, *, reset):
    """Validate X, and y at fit, for an estimator.

    With ``reset=True`` (fit) the estimator learns what a sequence looks like. Afterwards frames
    must look the same, while fewer of them (a prefix of the season) are legal from three
    dimensions on. With two, where frames are plain features, scikit-learn's own rule stands.
    """
    X, y = _validate(estimator, X, y, reset)
    check_layout(X.shape)
    if reset:
        estimator.sequence_shape_ = X.shape[1:]
    else:
        _check_same_frames(X.shape, estimator.sequence_shape_)
    empty = np.flatnonzero(missing_frames(X).all(axis=1))
    if len(empty):
        raise ValueError(
            f"X has no frame at all in sample {empty[0]}{_more(empty, 'samples')}: all of its "
            f"values are NaN. Leave it out."
        )
    return X, y


def _validate(estimator, X, y, reset):
    if is_lazy(X):
        if y is not None:
            check_consistent_length(X, y)
            y = _check_y(y, estimator=estimator)
        if X.dtype.kind not in "biuf":
            raise ValueError(f"X must hold real numbers, got dtype {X.dtype}.")
        if reset or X.ndim == 2:
            validate_data(estimator, X, reset=reset, skip_check_array=True)
        return X, y
    if isinstance(X, list | tuple):
        X = as_array(X)
    options = {"allow_nd": True, "ensure_all_finite": False}
    if not reset and getattr(X, "ndim", 2) > 2:  # validate_data would refuse a prefix of the season
        return check_array(X, estimator=estimator, input_name="X", **options), y
    if y is None:
        return validate_data(estimator, X, reset=reset, **options), y
    return validate_data(estimator, X, y, reset=reset, **options)


def as_array(sequences):
    """Make an array of nested lists, or say that they are ragged."""
    try:
        return np.asarray(sequences)
    except ValueError as error:
        raise ValueError(
            "X is ragged: all sequences need the same number of frames and the same frame size. "
            "Enter a missing photo as a frame of NaN."
        ) from error


def check_layout(shape):
    """Refuse shapes that cannot be sequences, and those that look channels-first."""
    if len(shape) not in LAYOUTS:
        raise ValueError(
            f"X must have 2 to 5 dimensions, (n_samples, n_frames, height, width, n_channels) or "
            f"fewer of the trailing ones, got shape {shape}."
        )
    if 0 in shape:
        raise ValueError(f"X must not be empty: expected {LAYOUTS[len(shape)]}, got {shape}.")
    if len(shape) == 5:
        c, h, w = shape[2:]
        if c < min(h, w) >= 16 and (h == w or c in (3, 4)):
            raise ValueError(
                f"X looks channels-first: expected {LAYOUTS[5]}, got {shape}. Move the channels "
                f"to the end with numpy.moveaxis(X, 2, -1)."
            )


def _check_same_frames(shape, fitted):
    """Compare the shape of X with the (n_frames, ...) that an estimator was fitted on."""
    if len(shape) != len(fitted) + 1 or shape[2:] != fitted[1:]:
        raise ValueError(
            f"X has shape {shape}, but the estimator was fitted on sequences of shape {fitted}: "
            f"expected {LAYOUTS[len(fitted) + 1]} with the same frames."
        )
    if shape[1] > fitted[0]:
        raise ValueError(
            f"X has {shape[1]} frames in shape {shape}, but the estimator was fitted on "
            f"{fitted[0]} in sequences of shape {fitted}. Fewer frames are legal, more are not."
        )


def check_days(days, n_frames=None):
    """Days of the frames as an array of floats, strictly increasing, or say what is wrong."""
    days = column_or_1d(check_array(days, dtype=np.float64, ensure_2d=False, input_name="days"))
    if n_frames is not None and len(days) != n_frames:
        raise ValueError(f"days must be one for each of the {n_frames} frames, got {len(days)}.")
    if (np.diff(days) <= 0).any():
        raise ValueError(f"days must be strictly increasing, got {days.tolist()}.")
    return days


def onset_from_days(days, onset_day):
    """Count the frames that were taken before stress could begin, from the days of all frames.

    A frame taken on `onset_day` itself, the day of the last irrigation, still shows plants that
    are not stressed, and counts. The result is the `onset` of :class:`~skwater.RSSResampler` and
    of :func:`~skwater.evaluation.exchangeability_test`, so that nobody counts frames by hand.

    It misleads if `days` are not those of the frames that the sampler sees: after a
    :class:`~skwater.preprocessing.FrameSampler` these are ``days[sampler.frames_]``.

    Parameters
    ----------
    days : array-like of shape (n_frames,)
        Day of each frame, strictly increasing.
    onset_day : float
        Day of the last irrigation, counted as `days` is.

    Returns
    -------
    int or None
        Number of frames up to and including that day. None if there is none: then no frame is
        known to show healthy plants, and splicing is plain.

    Raises
    ------
    ValueError
        If `days` are not strictly increasing numbers, or `onset_day` is not a finite number.

    Examples
    --------
    >>> from skwater.datasets import onset_from_days
    >>> onset_from_days([21, 25, 28, 32, 36], onset_day=28)
    3
    """
    days = check_days(days)
    if not (isinstance(onset_day, Real) and np.isfinite(onset_day)):
        raise ValueError(f"onset_day must be a finite number, got {onset_day!r}.")
    return int((days <= onset_day).sum()) or None


def missing_frames(X):
    """Table (n_samples, n_frames) of the frames that are NaN throughout; other NaN is an error."""
    if X.dtype.kind != "f":  # whole numbers and paths cannot be NaN
        return np.zeros(X.shape[:2], dtype=bool)
    if is_lazy(X):
        missing = np.zeros((_n_base(X), X.shape[1]), dtype=bool)
        for row, used in _distinct_frames(X):
            missing[row, used] = X._missing(row, X.frames[used])
        return gather(missing, X.donors)
    missing = np.zeros(X.shape[:2], dtype=bool)
    for i, sequence in enumerate(X):  # one plant at a time: no mask of the whole series
        missing[i] = _missing_in(sequence, f"sample {i}", range(len(sequence)))
    return missing


def _n_base(X):
    """Rows of the base that can be in use."""
    return X.donors.max(initial=-1) + 1


def _distinct_frames(X):
    """Yield each row of the base that gives frames, and the positions of those that it gives."""
    used = np.zeros((_n_base(X), X.shape[1]), dtype=bool)
    used[X.donors, np.arange(X.shape[1])] = True
    for row in np.flatnonzero(used.any(axis=1)):
        yield row, np.flatnonzero(used[row])


def _missing_in(sequence, name, positions):
    """Tell for each frame whether it is NaN throughout; name one that is NaN in part."""
    if sequence.dtype.kind != "f" or (finite := np.isfinite(sequence)).all():
        return np.zeros(len(sequence), dtype=bool)
    values = sequence.reshape(len(sequence), -1, frame_shape(sequence[None])[-1])
    finite = finite.reshape(values.shape)
    missing = np.isnan(values).all(axis=(1, 2))
    bad = ~finite & ~missing[:, None, None]
    if bad.any():
        frame, _, channel = np.argwhere(bad)[0]
        what = "NaN" if np.isnan(values[bad][0]) else "infinity"
        raise ValueError(
            f"Input X contains NaN or infinity: {what} in {name}, frame {positions[frame]}, "
            f"channel {channel}; {bad.sum()} such values there. Only a frame that is NaN "
            f"throughout counts as missing; inf is never legal."
        )
    return missing


def frame_digests(X, rows):
    """Yield (row, frame, digest) of the array X; equal digests give splices and copies away.

    One equal picture or vector is proof enough. Single numbers can be equal by chance, above all
    fractions of few pixels, so that six values in a row are digested, of which four differ; in
    shorter series splices cannot be told from plants.
    """
    n_values = int(np.prod(X.shape[2:]))
    window = -(-_FEW_VALUES // n_values)
    for i in rows:
        for t in range(X.shape[1] - window + 1):
            frames = X[i, t : t + window]
            values = frames[frames == frames]  # those that are not NaN
            if n_values < _FEW_VALUES:
                telling = len(np.unique(values)) > 3
            else:
                telling = not (values == values[:1]).all()  # black photos are alike anyway
            if telling:
                yield i, t, hashlib.blake2b(frames.tobytes(), digest_size=16).digest()


def channel_statistics(X, rows):
    """Mean and standard deviation of each channel over the frames that `rows` of X have.

    A channel that does not vary gets the standard deviation 1, so that dividing by it is safe.
    Each distinct frame is read once, a plant at a time, and weighted by how often it is used.
    """
    X = X[rows] if is_lazy(X) else SplicedSequences(X)[rows]
    weights = np.zeros((_n_base(X), X.shape[1]))
    np.add.at(weights, (X.donors, np.arange(X.shape[1])), 1)
    means = np.zeros((*weights.shape, frame_shape(X)[-1]))
    variances = np.zeros_like(means)
    for row, used in _distinct_frames(X):
        frames = as_frames(X._read(np.full(len(used), row), X.frames[used])[None])[0]
        missing = _missing_in(frames, f"sample {row}", X.frames[used])
        weights[row, used[missing]] = 0
        used, frames = used[~missing], frames[~missing]
        if frames.shape[1:3] == (1, 1):
            means[row, used] = frames[:, 0, 0]
            continue
        means[row, used] = frames.mean(axis=(1, 2), dtype=np.float64)
        variances[row, used] = frames.var(axis=(1, 2), dtype=np.float64)
    weights = weights / weights.sum()
    mean = np.einsum("nt,ntc->c", weights, means)
    variance = np.einsum("nt,ntc->c", weights, variances + (means - mean) ** 2)
    std = np.sqrt(variance)
    constant = std <= 1e-12 * np.abs(mean)
    return mean, np.where(constant, 1.0, std)


def _more(found, noun):
    return f" and {len(found) - 1} more {noun}" if len(found) > 1 else ""
