"""The sequence contract: which X is legal, what is missing in it, and how its frames are read.

X is (n_samples, n_frames, height, width, n_channels), one row a plant, with trailing axes left
out where they are not needed. Nothing outside this file looks at ``X.ndim``.
"""

import numpy as np
from sklearn.utils import check_array, check_consistent_length
from sklearn.utils.validation import _check_y, validate_data

LAYOUTS = {
    2: "(n_samples, n_frames)",
    3: "(n_samples, n_frames, n_channels)",
    4: "(n_samples, n_frames, height, width)",
    5: "(n_samples, n_frames, height, width, n_channels)",
}


class SplicedSequences:
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
    donors : array-like of shape (n_samples, n_frames), dtype int
        The row of `base` that gives each frame.

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

    def __init__(self, base, donors):
        if getattr(base, "ndim", 0) < 2:
            raise ValueError("base must be an array of shape (n_base, n_frames, ...).")
        donors = np.asarray(donors)
        if donors.dtype.kind not in "iu":
            raise ValueError(f"donors must be integers, row numbers, got {donors.dtype}.")
        if donors.ndim != 2 or donors.shape[1] != base.shape[1]:
            raise ValueError(
                f"donors must have shape (n_samples, {base.shape[1]}), one column a frame of the "
                f"base, got {donors.shape}."
            )
        if donors.size and (donors.min() < 0 or donors.max() >= len(base)):
            raise ValueError(
                f"donors must lie in 0..{len(base) - 1}, the rows of the base, got "
                f"{donors.min()}..{donors.max()}."
            )
        if isinstance(base, SplicedSequences):  # still one table over the same base
            base, donors = base.base, gather(base.donors, donors)
        self.base = base
        self.donors = donors

    @property
    def shape(self):
        return (len(self.donors), *self.base.shape[1:])

    @property
    def dtype(self):
        return self.base.dtype

    @property
    def ndim(self):
        return self.base.ndim

    def __len__(self):
        return len(self.donors)

    def __getitem__(self, rows):
        if isinstance(rows, tuple):  # scikit-learn indexes X[rows, ...]
            rows, *rest = rows
            if any(axis is not Ellipsis for axis in rest):
                raise IndexError(
                    "SplicedSequences takes row indices only; numpy.asarray(X) makes an array."
                )
        if np.ndim(rows) == 0 and not isinstance(rows, slice):
            return gather(self.base, self.donors[rows])
        return SplicedSequences(self.base, self.donors[rows])

    def __array__(self, dtype=None, copy=None):
        if copy is False:
            raise ValueError("SplicedSequences cannot become an array without a copy.")
        return np.asarray(gather(self.base, self.donors), dtype=dtype)

    def __repr__(self):
        return f"SplicedSequences(shape={self.shape}, dtype={self.dtype}, n_base={len(self.base)})"


def gather(X, donors):
    """Frame t of row i from frame t of ``X[donors[i, t]]``; `donors` may also be a single row."""
    return X[donors, np.arange(X.shape[1])]


def is_lazy(X):
    """Whether X is a lazy container of sequences, which must never become one big array."""
    return isinstance(X, SplicedSequences)


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


def missing_frames(X):
    """Table (n_samples, n_frames) of the frames that are NaN throughout; other NaN is an error."""
    if isinstance(X, SplicedSequences):
        used = np.unique(X.donors)
        missing = np.zeros(X.base.shape[:2], dtype=bool)
        missing[used] = _missing_frames(X.base, used, "sample {} of the base")
        return gather(missing, X.donors)
    return _missing_frames(X, range(len(X)), "sample {}")


def _missing_frames(X, rows, name):
    missing = np.zeros((len(rows), X.shape[1]), dtype=bool)
    if X.dtype.kind == "f":
        for i, row in enumerate(rows):  # one plant at a time: no mask of the whole series
            missing[i] = _missing_in(X[row], name.format(row))
    return missing


def _missing_in(sequence, name):
    finite = np.isfinite(sequence)
    if finite.all():
        return False
    values = sequence.reshape(len(sequence), -1, frame_shape(sequence[None])[-1])
    finite = finite.reshape(values.shape)
    missing = np.isnan(values).all(axis=(1, 2))
    bad = ~finite & ~missing[:, None, None]
    if bad.any():
        frame, _, channel = np.argwhere(bad)[0]
        what = "NaN" if np.isnan(values[bad][0]) else "infinity"
        raise ValueError(
            f"Input X contains NaN or infinity: {what} in {name}, frame {frame}, channel "
            f"{channel}; {bad.sum()} such values there. Only a frame that is NaN "
            f"throughout counts as missing; inf is never legal."
        )
    return missing


def channel_statistics(X, rows):
    """Mean and standard deviation of each channel over the frames that `rows` of X have.

    A channel that does not vary gets the standard deviation 1, so that dividing by it is safe.
    Base frames of splices are read once and weighted by how often they are used.
    """
    base, weights = X, np.zeros(X.shape[:2])
    if isinstance(X, SplicedSequences):
        base, weights = X.base, np.zeros(X.base.shape[:2])
        np.add.at(weights, (X.donors[rows], np.arange(X.shape[1])), 1)
    else:
        weights[rows] = 1
    used = np.flatnonzero(weights.any(axis=1))
    weights[used] *= ~_missing_frames(base, used, "sample {}")
    means, variances = _frame_moments(base, weights > 0)
    weights = weights / weights.sum()
    mean = np.einsum("nt,ntc->c", weights, means)
    variance = np.einsum("nt,ntc->c", weights, variances + (means - mean) ** 2)
    std = np.sqrt(variance)
    constant = std <= 1e-12 * np.abs(mean)
    return mean, np.where(constant, 1.0, std)


def _frame_moments(X, used):
    """Mean and variance of each channel in each used frame, in float64, a plant at a time."""
    means = np.zeros((*X.shape[:2], frame_shape(X)[-1]))
    variances = np.zeros_like(means)
    for i in np.flatnonzero(used.any(axis=1)):
        frames = as_frames(np.asarray(X[i : i + 1]))[0, used[i]]
        means[i, used[i]] = frames.mean(axis=(1, 2), dtype=np.float64)
        variances[i, used[i]] = frames.var(axis=(1, 2), dtype=np.float64)
    return means, variances


def _more(found, noun):
    return f" and {len(found) - 1} more {noun}" if len(found) > 1 else ""
