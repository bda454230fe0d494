"""FrameEncoder: a vector for each image, by an encoder that was trained elsewhere."""

from __future__ import annotations

import hashlib
import os
import warnings
from contextlib import closing
from numbers import Integral, Number, Real
from typing import TYPE_CHECKING, Self

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils._param_validation import Interval
from tqdm.auto import tqdm

from .._typing import StrPath
from .._validation import _fit_context
from ..sequences import DistinctFrames, SequencesLike, check_sequences, frame_shape, is_lazy
from ..sequences._frame_cache import describe_code
from ._size import crop_against_stretching, height_and_width, times
from ._vector_cache import VectorCache

if TYPE_CHECKING:
    import torch


_DARK = 0.1  # a brightest pixel below this part of white points to a wrong value of white


class FrameEncoder(TransformerMixin, BaseEstimator):
    """Encode each image as a vector, by a pretrained network that stays as it is.

    Thirty plants cannot teach a network to see. A network that was trained on millions of other
    images has learned edges, textures and shapes; it makes a few hundred numbers of each image,
    and a small model of these is all that the plants have to train.

    Nothing is learned from the plants: the vector of an image depends on that image alone, so that
    encoding all plants once, before cross-validation, leaks nothing from test to training plants
    and gives the same vectors as a step of a pipeline. Only a network that has been trained on
    these very plants would leak.

    It misleads if what matters is smaller than what the network was trained to see, such as a
    color that changes slightly: such networks were made robust to color and light. And more
    numbers for each plant than plants make every model after it overfit easily: use strong
    regularization, and compare with :class:`CanopyCover`.

    Parameters
    ----------
    encoder : torch.nn.Module, class of one, or str
        What makes vectors (k, d) of images (k, c, h, w): a module, a class of modules that is built
        without arguments, or ``"timm:NAME"``, a model of timm without its classifier (install
        ``skwater[encoders]``). Images are float32 from 0 to 1 for black to white. Those for a
        model of timm are also resized and standardized as it was trained, but not cropped; a
        module does that itself. It is used in evaluation mode; a module is copied, not changed.
    weights : str or path-like, default=None
        File of weights: safetensors, or a state dict that torch loads with ``weights_only=True``.
        By default a module keeps its own, and a model of timm takes timm's pretrained ones, which
        are downloaded once.
    channels : tuple of int, default=None
        Channels of X that the encoder gets, in this order. By default X must have three, red,
        green and blue. ``(0, 0, 0)`` repeats a gray or thermal one.
    white : float, default=None
        Value of white. By default the largest of the dtype: 255 for uint8, 65535 for uint16, also
        if lazy images are floats only because some are missing. Arrays of other dtypes need it.
    image_size : int or (int, int), default=None
        Height and width that images are resized to, antialiased, with their aspect ratio. By
        default the size that a model of timm was trained on; for a module they stay as they are.
    batch_size : int, default=32
        Images that are in memory at once.
    device : str, default="auto"
        "cpu", "cuda", "cuda:1" and so on; "auto" takes a CUDA device if there is one.
    cache : str or path-like, default=None
        Folder in which vectors are saved, by image (file, size, date and what was done to it; the
        pixels, if X is no :class:`~skwater.ImageSequences`) and by encoder. Only new images are
        encoded then, in other folds, processes and after a kill too. It can be deleted at any time.
    verbose : {0, 1}, default=1
        Whether to show a progress bar.

    Attributes
    ----------
    n_features_in_ : int
        Number of frames seen in fit.
    sequence_shape_ : tuple of int
        Shape of a sequence seen in fit.

    See Also
    --------
    CanopyCover : One number for each image, which one can understand.
    FrameScaler : Standardizes the vectors, by the training plants of each date.

    Notes
    -----
    Each distinct image is encoded once, however many sequences share it, as splices do.

    The cache knows a module by its weights, its code and its plain attributes. It does not see
    which functions of other modules that code calls: empty the folder if these change.

    It has no ``get_feature_names_out``: the numbers of an embedding have no names.

    Examples
    --------
    >>> from torch import nn
    >>> from skwater.datasets import make_water_stress
    >>> from skwater.preprocessing import FrameEncoder
    >>> X, y = make_water_stress(6, 4, 16, random_state=0, return_X_y=True)
    >>> encoder = nn.Sequential(nn.AvgPool2d(8), nn.Flatten())  # a pretrained one in earnest
    >>> X.shape, FrameEncoder(encoder, verbose=0).fit_transform(X).shape
    ((6, 4, 16, 16, 3), (6, 4, 12))
    """

    _by_frame = True  # each frame by itself: so it can follow plants one image at a time
    _parameter_constraints: dict = {
        "encoder": [str, callable],
        "weights": [str, os.PathLike, None],
        "channels": [tuple, list, None],
        "white": [Interval(Real, 0, None, closed="neither"), None],
        "image_size": [Interval(Integral, 1, None, closed="left"), tuple, list, None],
        "batch_size": [Interval(Integral, 1, None, closed="left")],
        "device": [str],
        "cache": [str, os.PathLike, None],
        "verbose": ["verbose"],
    }

    def __init__(
        self,
        encoder: str | torch.nn.Module | type[torch.nn.Module],
        *,
        weights: StrPath | None = None,
        channels: tuple[int, ...] | None = None,
        white: float | None = None,
        image_size: int | tuple[int, int] | None = None,
        batch_size: int = 32,
        device: str = "auto",
        cache: StrPath | None = None,
        verbose: int = 1,
    ) -> None:
        self.encoder = encoder
        self.weights = weights
        self.channels = channels
        self.white = white
        self.image_size = image_size
        self.batch_size = batch_size
        self.device = device
        self.cache = cache
        self.verbose = verbose

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: SequencesLike, y: object = None) -> Self:
        """Check that X has images that can be encoded; there is nothing to learn.

        Parameters
        ----------
        X : array-like or lazy sequences of shape (n_samples, n_frames, height, width, n_channels)
            Images, as in :meth:`transform`.
        y : None
            Ignored.

        Returns
        -------
        FrameEncoder
            The transformer itself.

        Raises
        ------
        ValueError
            If X has no images, their channels are not three and `channels` is not given, or they
            are floats and `white` is not given.
        """
        X, _ = check_sequences(self, X, reset=True, frames="images", complete=False)
        self._choose_channels(X)
        self._find_white(X)
        return self

    def transform(self, X: SequencesLike) -> np.ndarray:
        """Encode every image; fit need not have been called.

        Parameters
        ----------
        X : array-like or lazy sequences of shape (n_samples, n_frames, height, width, n_channels)
            Images of any number of frames. The last axis may be left out if there is one channel.
            An all-NaN frame is missing.

        Returns
        -------
        ndarray of shape (n_samples, n_frames, d), dtype float32
            Vectors; NaN for a missing frame.

        Raises
        ------
        ValueError
            If X would be refused in fit, images would be stretched, there is no such model of
            timm, or the encoder does not return a vector of finite numbers for each image.
        OSError
            If weights cannot be downloaded, or the cache cannot be written.
        """
        from ..nn._frame_encoder import FrozenEncoder  # torch is imported only here

        self._validate_params()
        X, _ = check_sequences(self, X, frames="images", complete=False)
        frozen = FrozenEncoder(
            self.encoder,
            self.weights,
            None if self.image_size is None else height_and_width(self.image_size, "image_size"),
            self._find_white(X),
            self._choose_channels(X),
            self.batch_size,
            self.device,
        )
        _check_aspect(frame_shape(X)[:2], frozen.size)
        cache = None
        if self.cache is not None:
            cache = VectorCache(self.cache, _fingerprint(frozen))
        frames = DistinctFrames(X, keys=cache is not None)
        vectors = self._encode(frozen, frames, cache)
        if len(frames) == 0:  # the encoder alone knows how long a vector is
            (vectors,) = frozen.encode(lambda part: np.zeros((1, *frame_shape(X))), 1)
        out = np.full((*X.shape[:2], vectors.shape[1]), np.nan, np.float32)
        out[frames.present] = vectors[frames.table]
        return out

    def _encode(self, frozen, frames, cache):
        """Vectors of distinct frames, from the cache or anew."""
        vectors = None if cache is None else cache.load(frames.keys)
        new = np.arange(len(frames))
        if vectors is not None:
            new = np.flatnonzero(np.isnan(vectors).any(axis=1))
        unsaved, done = [], 0

        def save():
            if cache is not None and unsaved:
                places = np.concatenate(unsaved)
                cache.save([frames.keys[place] for place in places], vectors[places])
                unsaved.clear()

        read = closing(frozen.encode(lambda part: frames.read(new[part]), len(new)))
        bar = tqdm(
            total=len(new),
            desc="Encoding",
            unit="image",
            disable=not (self.verbose and len(new)),
        )
        with read as parts, bar:
            for part in parts:
                places = new[done : done + len(part)]
                _check_finite(part, places, frames)
                if vectors is None:
                    vectors = np.empty((len(frames), part.shape[1]), np.float32)
                vectors[places] = part
                unsaved.append(places)
                done += len(part)
                bar.update(len(part))
                if sum(map(len, unsaved)) >= self.batch_size:
                    save()
        save()
        _warn_if_dark(frozen.brightest, len(new))
        return vectors

    def _choose_channels(self, X):
        n_channels = frame_shape(X)[2]
        if self.channels is None:
            if n_channels != 3:
                raise ValueError(
                    f"X has {n_channels} {'channel' if n_channels == 1 else 'channels'}, and "
                    f"FrameEncoder takes red, green and blue: say which channels the encoder gets, "
                    f"for example channels=(0, 0, 0) to repeat the first."
                )
            return None
        channels = list(self.channels)
        legal = all(isinstance(c, Integral) and 0 <= c < n_channels for c in channels)
        if not (channels and legal):
            raise ValueError(
                f"channels must be numbers from 0 to {n_channels - 1}, the channels of X, got "
                f"{self.channels!r}."
            )
        return channels

    def _find_white(self, X):
        return find_white(X) if self.white is None else float(self.white)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.requires_fit = False
        tags.input_tags.two_d_array = False
        tags.input_tags.allow_nan = True
        return tags


def find_white(X):
    """Value of white by the dtype of images, 255 or 65535."""
    dtype = X.value_dtype if is_lazy(X) else X.dtype
    if dtype not in (np.uint8, np.uint16):
        raise ValueError(
            f"X is {dtype}, which does not tell the value of white: give it to FrameEncoder, "
            f"white=255 for what was uint8, or white=1."
        )
    return float(np.iinfo(dtype).max)


def _check_aspect(size, wanted):
    """Refuse to stretch images."""
    crop = None if wanted is None else crop_against_stretching(size, wanted)
    if crop is not None:
        raise ValueError(
            f"The encoder sees images of {times(wanted)} pixels (height x width), and those of "
            f"{times(size)} would be stretched. Crop them before, with CenterCrop({crop}), or load "
            f"them with size={wanted}."
        )


def _check_finite(vectors, places, frames):
    bad = np.flatnonzero(~np.isfinite(vectors).all(axis=1))
    if len(bad):
        sample, frame = frames.locate(places[bad[0]])
        raise ValueError(
            f"The encoder returned NaN or infinity for sample {sample}, frame {frame}."
        )


def _warn_if_dark(brightest, n_images):
    if n_images and brightest < _DARK:
        warnings.warn(
            f"The brightest of {n_images} images reaches {brightest:.2g} of white. If the value "
            f"of white is another, as in 12 bits of uint16, give it as white=.",
            stacklevel=4,  # where transform was called
        )


def _fingerprint(frozen):
    """Digest of an encoder: weights, code, plain attributes."""
    digest = hashlib.sha256(frozen.digest().encode())
    for name, module in frozen.module.named_modules():
        digest.update(repr((name, _describe(module))).encode())
    return digest.hexdigest()[:32]


def _describe(module):
    """Class of a module, the code of its methods, and its attributes that are plain values."""
    code = [
        (f"{cls.__module__}.{cls.__qualname__}", name, describe_code(value.__code__))
        for cls in type(module).__mro__
        if not cls.__module__.startswith("torch.")
        for name, value in vars(cls).items()
        if hasattr(value, "__code__")
    ]
    values = {
        name: describe_code(value.__code__) if hasattr(value, "__code__") else value
        for name, value in vars(module).items()
        if _is_plain(value) or hasattr(value, "__code__")
    }
    return code, sorted(values.items())


def _is_plain(value):
    if isinstance(value, tuple | list):
        return all(map(_is_plain, value))
    return isinstance(value, Number | str | None)
