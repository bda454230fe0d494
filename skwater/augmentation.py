"""Random augmentation of training images: one draw for all frames of a sequence."""

import copy
import os
import random
import sys
from contextlib import contextmanager
from typing import Any

import numpy as np
from sklearn.utils import check_random_state

from ._typing import Augment, RandomState
from .sequences import SequencesLike, check_sequences, frame_shape, iter_sequences, missing_frames

__all__ = ["augment_sequences", "default_transform"]

# The dtypes that OpenCV can warp. Other numbers are converted to floats first.
_WARPED = {"uint8", "uint16", "int16", "float32", "float64"}


def default_transform() -> Any:
    """Return the albumentations transform behind ``augment="default"``.

    The published recipe, a shift of up to 5 % of the image, a scale of up to 5 % and a rotation
    of up to 15 degrees with a probability of 0.9 [1]_, then a horizontal and a vertical flip with
    a probability of 0.5 each. Pixels from beyond the border are mirrored, so that no value
    appears that the camera has not recorded.

    It is meant for images of plants from above, with the plant in the middle. For images from the
    side, in which plants are never upside down, build your own transform.

    Returns
    -------
    albumentations.Compose
        A new transform.

    See Also
    --------
    augment_sequences : Apply it, to look at what it does.

    References
    ----------
    .. [1] "Spatio-Temporal Analysis", https://github.com/GVS-007/Spatio-Temporal-Analysis.

    Examples
    --------
    >>> from skwater.augmentation import default_transform
    >>> [type(transform).__name__ for transform in default_transform()]
    ['Affine', 'HorizontalFlip', 'VerticalFlip']
    """
    albumentations, border_mode = _albumentations()
    return albumentations.Compose(
        [
            albumentations.Affine(
                translate_percent=(-0.05, 0.05),
                scale=(0.95, 1.05),
                rotate=(-15, 15),
                keep_ratio=True,
                border_mode=border_mode,
                p=0.9,
            ),
            albumentations.HorizontalFlip(p=0.5),
            albumentations.VerticalFlip(p=0.5),
        ]
    )


def augment_sequences(
    X: SequencesLike,
    augment: Augment = "default",
    *,
    random_state: RandomState | None = None,
) -> np.ndarray:
    """Augment sequences as a classifier does in training, to look at the result.

    Do not make a training set with it: the classifiers draw anew in every epoch, with their
    parameter `augment`. If sequences are augmented before a split, the same plants are on both
    sides of it.

    Parameters
    ----------
    X : ndarray or lazy container of shape (n_samples, n_frames, height, width[, n_channels])
        Images of any real dtype. An all-NaN frame is missing and stays missing.
    augment : "default", albumentations transform or callable, default="default"
        As for :class:`~skwater.ConvLSTMClassifier`.
    random_state : int, RandomState instance or None, default=None
        Seed of the draws. Global generators stay as they were.

    Returns
    -------
    ndarray of the shape of X
        Augmented sequences, with the same draw for all frames of one. The dtype is that of `X`,
        or of what a callable returns.

    Raises
    ------
    ValueError
        If frames are single numbers or the transform does not return a legal sequence.

    See Also
    --------
    default_transform : The default.

    Examples
    --------
    >>> from skwater.augmentation import augment_sequences
    >>> from skwater.datasets import make_water_stress
    >>> X, y = make_water_stress(4, 3, 32, random_state=0, return_X_y=True)
    >>> X_new = augment_sequences(X, random_state=0)
    >>> X_new.shape == X.shape, X_new.dtype
    (True, dtype('uint8'))
    """
    X, _ = check_sequences(None, X, complete=False)
    missing_frames(X)  # refuses frames that are partly NaN
    augmenter = Augmenter(augment, X)
    seeds = check_random_state(random_state).randint(np.iinfo(np.int32).max, size=len(X))
    rows = [
        augmenter(sequence, int(seed)).copy()
        for sequence, seed in zip(iter_sequences(X), seeds, strict=True)
    ]
    return np.stack(rows).reshape(X.shape)


class Augmenter:
    """Applies a transform to sequences: a copy of it, so that the given one stays as it is.

    Parameters
    ----------
    augment : "default", albumentations transform or callable
        The parameter `augment`.
    X : ndarray or lazy container of shape (n_samples, n_frames, ...)
        Sequences, of which only the shape is used.
    """

    def __init__(self, augment, X):
        self.name = _name(augment)
        if frame_shape(X)[:2] == (1, 1):
            raise ValueError(
                f"augment={self.name} needs images, but X of shape {X.shape} has frames of 1 x 1, "
                f"numbers: use augment=None."
            )
        if augment == "default":
            self.transform = _DefaultWarp()
        elif isinstance(augment, type) or not callable(augment):
            raise ValueError(
                f"augment={self.name} must be 'default', a transform of albumentations or a "
                f"function of one sequence. Give an instance, not a class."
            )
        elif _is_albumentations(augment):
            self.transform = _EveryFrame(augment, X.shape[1], self.name)
        else:
            self.transform = _Callable(augment)

    def __call__(self, sequence, seed):
        """Return a changed sequence (t, h, w, c), which the next call may overwrite.

        The changes depend on the seed, and not on earlier calls.
        """
        present = np.ones(len(sequence), dtype=bool)
        if sequence.dtype.kind == "f":
            present = ~np.isnan(sequence).all(axis=(1, 2, 3))
        result = self.transform(sequence, present, seed)
        self._check(result, sequence)
        if result.dtype.kind == "f":
            self._check_finite(result, present)
        if not present.all():
            result = np.where(present[:, None, None, None], result, sequence)
        return result

    def _check(self, result, sequence):
        if not isinstance(result, np.ndarray):
            got = f"{type(result).__name__}"
        elif result.shape != sequence.shape:
            got = f"shape {result.shape}"
        elif result.dtype.kind not in "biuf":
            got = f"dtype {result.dtype}"
        else:
            return
        raise ValueError(
            f"augment={self.name} must return an array of real numbers of the shape that it was "
            f"given, (n_frames, height, width, n_channels) = {sequence.shape}, got {got}."
        )

    def _check_finite(self, result, present):
        bad = present & ~np.isfinite(result).all(axis=(1, 2, 3))
        if bad.any():
            missing = "" if present.all() else " All-NaN frames are missing: skip them."
            raise ValueError(
                f"augment={self.name} returned NaN or infinity in frame {np.argmax(bad)}, which "
                f"had none.{missing}"
            )


class _Callable:
    """A function of the user that takes one sequence."""

    def __init__(self, function):
        self.function = copy.deepcopy(function)

    def __call__(self, sequence, present, seed):
        with _seeded_globals(seed):
            return self.function(sequence.copy())  # which it may change in place


class _DefaultWarp:
    """The default transform, drawn by albumentations, and applied as one warp of each frame.

    Flips are affine maps too. All frames share one table of source coordinates, and memory is
    reused: a plain warp spends most of its time on coordinates and new memory. See
    examples/benchmarks/bench_augmentation.py.
    """

    def __init__(self):
        self.transforms = list(default_transform())
        self.source = self.result = np.empty(0)

    def __call__(self, sequence, present, seed):
        frames = _as_warped(sequence)
        if (self.result.shape, self.result.dtype) != (frames.shape, frames.dtype):
            self.result = np.empty(frames.shape, frames.dtype)
            self.source = np.empty((*frames.shape[1:3], min(4, frames.shape[3])), frames.dtype)
        matrix = self._draw(frames.shape[1:], random.Random(seed))
        origins = _origins(matrix, *frames.shape[1:3])
        for t in np.flatnonzero(present):
            self._warp(frames[t], origins, self.result[t])
        return self.result

    def _draw(self, shape, rng):
        """Return the 3 x 3 matrix of one draw."""
        matrix = np.eye(3)
        for transform in self.transforms:
            transform.set_random_state(None, rng)
            if transform.should_apply():
                matrix = _matrix(transform, shape) @ matrix
        return matrix

    def _warp(self, frame, origins, out):
        import cv2

        affine = self.transforms[0]
        for start in range(0, frame.shape[-1], 4):  # not all of OpenCV takes more than 4 channels
            part = frame[..., start : start + 4]
            source = self.source[..., : part.shape[-1]]
            source[:] = part  # a contiguous copy: the warp reads it in random order
            warped = cv2.remap(
                source, *origins, affine.interpolation, borderMode=affine.border_mode
            )
            out[..., start : start + 4] = warped.reshape(part.shape)


class _EveryFrame:
    """Any transform of albumentations, with one named target for each frame.

    This is the fastest way to share one draw among frames.
    """

    def __init__(self, transform, n_frames, name):
        albumentations, _ = _albumentations()
        self.name = name
        self.keys = ["image", *(f"_frame_{t}" for t in range(1, n_frames))]
        # A user's Compose is wrapped as well, so that it keeps its own p and settings.
        self.compose = albumentations.Compose([copy.deepcopy(transform)])
        if "image" not in self.compose.available_keys:
            raise ValueError(
                f"augment={name} has no target 'image', so it would change nothing. Use a "
                f"transform of albumentations for images."
            )
        self.compose.add_targets(dict.fromkeys(self.keys[1:], "image"))

    def __call__(self, sequence, present, seed):
        frames = _as_warped(sequence if present.all() else sequence[present])
        # One generator for all transforms. With set_random_seed each transform would get its own
        # with the same seed, and a horizontal flip would always come with a vertical one.
        self.compose.set_random_state(np.random.default_rng(seed), random.Random(seed))
        keys = self.keys[: len(frames)]
        try:
            with _seeded_globals(seed):  # for functions in an albumentations.Lambda
                done = self.compose(**dict(zip(keys, frames, strict=True)))
        except Exception as error:
            raise ValueError(
                f"augment={self.name} fails on frames (height, width, n_channels) of shape "
                f"{frames.shape[1:]} and dtype {frames.dtype}, use a transform that accepts them: "
                f"{type(error).__name__}: {error}"
            ) from error
        result = np.stack([done[key] for key in keys])
        self._check_unit(frames, result)
        if present.all():
            return result
        whole = np.zeros((len(sequence), *result.shape[1:]), dtype=result.dtype)
        whole[present] = result
        return whole

    def _check_unit(self, frames, result):
        """Refuse another unit, since frames are not transformed in prediction."""
        if result.dtype != frames.dtype:
            raise ValueError(
                f"augment={self.name} turns frames of {frames.dtype} into {result.dtype}, but "
                f"frames in prediction stay {frames.dtype}. Leave out conversion and "
                f"normalization: the classifier standardizes by itself."
            )
        if frames.dtype.kind == "f" and _is_clipped(frames, result):
            raise ValueError(
                f"augment={self.name} has clipped the frames to 0..1, the range that "
                f"albumentations assumes for floats; their range is {frames.min():.6g}.."
                f"{frames.max():.6g}. Scale X to 0..1, use transforms that only move pixels, or "
                f"call this one on uint8 in a function of your own."
            )


def _as_warped(frames):
    """Convert frames to a dtype that OpenCV can warp, in native byte order."""
    dtype = frames.dtype.newbyteorder("=")
    if dtype.name not in _WARPED:
        dtype = np.result_type(dtype, np.float32)
    return frames.astype(dtype, copy=False)


def _matrix(transform, shape):
    """Return the 3 x 3 matrix of an affine transform, drawn anew, or of a flip."""
    h, w, _ = shape
    flips = {
        "HorizontalFlip": [[-1, 0, w - 1], [0, 1, 0], [0, 0, 1]],
        "VerticalFlip": [[1, 0, 0], [0, -1, h - 1], [0, 0, 1]],
    }
    name = type(transform).__name__
    if name in flips:
        return np.array(flips[name], dtype=np.float64)
    return transform.get_params_dependent_on_data({"shape": shape}, {})["matrix"]


def _origins(matrix, height, width):
    """Return OpenCV's tables of the source coordinates of each pixel of a warped image."""
    import cv2

    y, x = np.ogrid[:height, :width]
    to_x, to_y, _ = np.linalg.inv(matrix)
    from_x, from_y = ((a * x + b * y + c).astype(np.float32) for a, b, c in (to_x, to_y))
    return cv2.convertMaps(from_x, from_y, cv2.CV_16SC2)


def _is_clipped(before, after):
    return (before.max() > 1 and after.max() == 1) or (before.min() < 0 and after.min() == 0)


def _albumentations():
    """Import albumentations late; return it with OpenCV's code for mirrored borders."""
    # Otherwise it looks up its latest version on the network.
    os.environ.setdefault("NO_ALBUMENTATIONS_UPDATE", "1")
    import albumentations
    import cv2

    return albumentations, cv2.BORDER_REFLECT_101


def _is_albumentations(augment):
    if "albumentations" not in sys.modules:  # then it cannot be one of its transforms
        return False
    import albumentations

    return isinstance(augment, albumentations.BasicTransform | albumentations.BaseCompose)


def _name(augment):
    return getattr(augment, "__name__", None) or (
        repr(augment) if isinstance(augment, str) else type(augment).__name__
    )


@contextmanager
def _seeded_globals(seed):
    """Seed the global generators for a transform that uses them, then restore them."""
    python, numpy = random.getstate(), np.random.get_state()  # noqa: NPY002
    random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002
    try:
        yield
    finally:
        random.setstate(python)
        np.random.set_state(numpy)  # noqa: NPY002
