"""Several cameras, indices or embeddings of the same plants as channels of one X."""

import warnings
from itertools import zip_longest

import numpy as np
from sklearn.utils import Bunch

from ..sequences import (
    Sequences,
    SequencesLike,
    SplicedSequences,
    check_sequences,
    frame_shape,
    has_images,
    is_lazy,
    missing_frames,
)
from ..sequences._stacked import StackedSequences

# What the loaders return beside the data, and the remedy if it differs.
_SAME = {
    "plant": "Load the same plants, or choose rows of the data that are the same plants.",
    "target": "Give all of them the same labels.",
    "dates": "Load all of them with the same grid=.",
    "start": "Load all of them with the same start=.",
    "days": "Load all of them with the same grid= and start=.",
}


def stack_channels(*sequences: SequencesLike | Bunch) -> Sequences:
    """Stack several cameras, indices or embeddings of the same plants as channels of one X.

    Frame t of plant i of the result has the channels of frame t of plant i of each argument, in
    their order: three of a color image and one of a thermal image make four, an embedding of 768
    numbers and 28 indicators make 796. It learns nothing, so it may be used before
    cross-validation.

    Pixels are put on top of each other as they are. If cameras stand in different places, one pixel
    shows different parts of the plant: register the images first, or reduce them to vectors and
    stack those. Only row and column numbers tell which plants and dates belong together. Given
    arrays, the function cannot see that plants are in another order; given what a loader returns,
    it compares plants, labels, dates and days, and given its ``data`` only, the days.

    A frame that one of the arguments lacks is missing in the result, since a frame that is NaN in
    part is not legal: a warning says how many frames of the others are lost. If a camera has few
    dates, leave it out, or choose the dates that all have, with ``X[:, frames]``, or
    ``X.take_frames(frames)`` of lazy sequences.

    Parameters
    ----------
    *sequences : array-like, lazy sequences or Bunch, of shape (n_samples, n_frames, ...)
        Two or more sequences of the same plants on the same dates: images of one size with any
        number of channels, or numbers and vectors. Of a Bunch, as loaders return it, ``data`` is
        taken, and `plant`, `target`, `dates` and `days` have to be equal if several have them.

    Returns
    -------
    ndarray or lazy sequences of shape (n_samples, n_frames, height, width, n_channels)
        The stack, lazy if one of the arguments is; (n_samples, n_frames, n_channels) if all are
        numbers or vectors. Its dtype is that of :func:`numpy.result_type`: ``uint8`` with
        ``uint16`` is ``uint16``, and with ``float32`` is ``float32``. Values are not rescaled,
        since the classifiers standardize each channel.

    Raises
    ------
    ValueError
        If there are fewer than two arguments; if plants, frames, sizes, labels, dates or days
        differ; if a frame is NaN in part; or if lazy sequences were spliced before, with different
        donors.

    Warns
    -----
    UserWarning
        If frames are missing in some of the arguments only.

    See Also
    --------
    Resize : Images of one size.
    CenterCrop : Images of one aspect ratio.
    skwater.datasets.load_eschikon : Loads several cameras as one stack.

    Notes
    -----
    Steps for color images, such as :class:`CanopyCover`, come before. They take any three channels
    for red, green and blue, also those of three gray cameras.

    Examples
    --------
    >>> import numpy as np
    >>> from skwater.preprocessing import stack_channels
    >>> color = np.zeros((10, 5, 24, 32, 3), dtype=np.uint8)  # 10 plants, 5 frames
    >>> thermal = np.full((10, 5, 24, 32), 293.5, dtype=np.float32)
    >>> X = stack_channels(color, thermal)
    >>> X.shape, X.dtype
    ((10, 5, 24, 32, 4), dtype('float32'))
    """
    if len(sequences) < 2:
        raise ValueError(
            f"stack_channels takes two or more sequences, stack_channels(color, thermal), got "
            f"{len(sequences)} argument{'' if sequences else 's'}."
        )
    _check_known([(k, _what_is_known(X)) for k, X in enumerate(sequences, 1)])
    data = [X.data if isinstance(X, Bunch) else X for X in sequences]
    data = [_as_sequences(k, X) for k, X in enumerate(data, 1)]
    for k, X in enumerate(data[1:], 2):
        _check_same_shape(data[0], X, k)
    _warn_of_lost_frames([_find_missing(k, X) for k, X in enumerate(data, 1)])
    stack = StackedSequences([X if is_lazy(X) else SplicedSequences(X) for X in data])
    return stack if any(map(is_lazy, data)) else np.asarray(stack)


def _what_is_known(X):
    """What a loader says of plants and dates."""
    if isinstance(X, Bunch):
        return X
    return (X.recipe or {}) if is_lazy(X) else {}


def _check_known(arguments):
    """Refuse other plants or dates."""
    for name, remedy in _SAME.items():
        known = [
            (k, np.atleast_1d(of[name]).tolist()) for k, of in arguments if of.get(name) is not None
        ]
        for k, values in known[1:]:
            first, expected = known[0]
            for i, (a, b) in enumerate(zip_longest(expected, values, fillvalue="none")):
                if a != b:
                    raise ValueError(
                        f"`{name}` of argument {k} is not that of argument {first}: {b} and {a} "
                        f"at position {i}. {remedy}"
                    )


def _as_sequences(k, X):
    try:
        X, _ = check_sequences(None, X, complete=False)
    except ValueError as error:
        raise ValueError(f"Argument {k}: {error}") from error
    return X if is_lazy(X) else np.asarray(X)


def _check_same_shape(first, X, k):
    for axis, noun in enumerate(["plants", "frames"]):
        if X.shape[axis] != first.shape[axis]:
            raise ValueError(
                f"Argument 1 has {first.shape[axis]} {noun}, argument {k} has {X.shape[axis]}: "
                f"shapes {first.shape} and {X.shape}. Give the same plants on the same dates."
            )
    sizes = frame_shape(first)[:2], frame_shape(X)[:2]
    if sizes[0] == sizes[1]:
        return
    what = [
        f"images of {h} x {w} pixels (height x width)" if has_images(of) else "vectors"
        for of, (h, w) in zip([first, X], sizes, strict=True)
    ]
    remedy = (
        f"Bring the images to one size first, with Resize({min(sizes)}), after CenterCrop if their "
        f"aspect ratios differ, or with size= of the loader."
        if has_images(first) and has_images(X)
        else "Make vectors of the images first, with FrameEncoder or CanopyCover."
    )
    raise ValueError(f"Argument 1 has {what[0]}, argument {k} has {what[1]}. {remedy}")


def _find_missing(k, X):
    try:
        return missing_frames(X)
    except ValueError as error:
        raise ValueError(f"Argument {k}: {error}") from error


def _warn_of_lost_frames(tables):
    missing = np.any(tables, axis=0)
    lost = missing & ~np.all(tables, axis=0)
    if lost.any():
        lacking = ", ".join(
            f"{(lost & table).sum()} in argument {k}"
            for k, table in enumerate(tables, 1)
            if (lost & table).any()
        )
        warnings.warn(
            f"{lost.sum()} of {lost.size} frames are missing in some of the arguments only "
            f"({lacking}), and so in the whole stack.",
            stacklevel=3,  # where stack_channels was called
        )
