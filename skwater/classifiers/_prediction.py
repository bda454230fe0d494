"""Logits and probabilities of a fitted classifier."""

import copy
import warnings

import numpy as np
import torch
from scipy.special import expit, softmax
from sklearn.utils.validation import check_is_fitted

from ..nn._process import single_threaded_if_small
from ..sequences import as_frames, check_sequences, frame_shape
from ._batches import to_batch
from ._vector_network import PackedNetwork, as_rows
from ._vector_support import predicts_compiled

# So many values are predicted at once: more would wait for memory, fewer for Python.
_VALUES_AT_ONCE = 2**18
_FEW = 16  # frames
_PART = 0.1  # of the channels: single ones of an embedding are nearly constant in training
_FAR = 20  # standard deviations of training, from which on a mean has another unit


def predict_logits(classifier, X, *, over_time=False):
    """Logits (n, n_outputs) of a fitted classifier, or (n, t, n_outputs) after each frame."""
    check_is_fitted(classifier)
    X, _ = check_sequences(classifier, X, reset=False)
    h, w, _ = frame_shape(X)
    module, at_once = classifier.net_.module_.eval(), classifier.batch_size_
    run = _run
    if (h, w) == (1, 1):
        # Vectors run in double precision, which costs little there: a plant's probability must
        # not depend on the plants beside it, not even in the last bit of a float32.
        at_once = max(1, _VALUES_AT_ONCE // int(np.prod(X.shape[1:])))
        run = _run_compiled if predicts_compiled(module) else _run_in_double
    with single_threaded_if_small(classifier.batch_size_ * h * w):
        parts = (X[start : start + at_once] for start in range(0, len(X), at_once))
        logits = list(run(classifier, parts, over_time))
    logits = np.concatenate(logits)
    if np.isnan(logits).any():
        raise ValueError(
            f"{type(module).__name__} returned NaN. It must return numbers for sequences with "
            f"missing frames too, and for those that have no frame up to a date."
        )
    return logits


def _warn_of_other_unit(classifier, x):
    """Warn if standardized frames (k, c, h, w) are far outside of those of training.

    As 0 to 255 is outside of 0 to 1. Images may also be much too close together, beside the mean.
    """
    mean = x.nanmean(dim=(0, 2, 3))
    std = (x**2).nanmean(dim=(0, 2, 3)).sub(mean**2).clamp(min=0).sqrt()
    is_image = x.shape[-2:] != (1, 1)
    is_small = is_image & (std < 1 / _FAR) & (mean.abs() > 1)
    wrong = (mean.abs() > _FAR) | (is_small & (std > 0))
    if wrong.float().mean() < _PART:
        return
    channel = int(wrong.nonzero()[0])
    before, scale = classifier.mean_[channel], classifier.std_[channel]
    warnings.warn(
        f"Channel {channel} of X has a mean of {before + mean[channel] * scale:.3g}. In fit it "
        f"was {before:.3g}, with a standard deviation of {scale:.3g}. Is X in another unit, "
        f"such as 0 to 255 in place of 0 to 1?",
        stacklevel=6,  # where predict was called
    )


def _some(frames):
    """A few frames of all that there are: they tell the unit."""
    return frames[:: len(frames) // _FEW + 1]


def _run_compiled(classifier, parts, over_time):
    from . import _vector_forward as kernel  # and with it numba

    network = PackedNetwork(classifier.net_.module_)
    weights = network.pack(as_rows(network.parameters)).astype(np.float64)
    statistics = np.array(classifier.mean_), np.array(classifier.std_)
    buffer = None  # new memory for each part would take longer than to convert it
    with network.one_blas_thread():
        for X in parts:
            frames = as_frames(np.asarray(X))[:, :, 0, 0]
            if buffer is None:
                buffer = np.empty(frames.shape)
                some = _some(frames.reshape(-1, frames.shape[2])) - statistics[0]
                _warn_of_other_unit(
                    classifier, torch.from_numpy(some / statistics[1])[..., None, None]
                )
            buffer = buffer[: len(frames)]
            buffer[:] = frames
            logits = kernel.predict(
                buffer, *statistics, network.describe(), weights.copy(), over_time
            )
            yield logits if over_time else logits[:, 0]


def _run_in_double(classifier, parts, over_time):
    module = copy.deepcopy(classifier.net_.module_).double()
    yield from _run(classifier, parts, over_time, module, np.float64)


def _run(classifier, parts, over_time, module=None, dtype=np.float32):
    module = module or classifier.net_.module_
    share = getattr(module, "takes_shared_frames", False)
    for i, X in enumerate(parts):
        x = to_batch(X, classifier.mean_, classifier.std_, share, dtype)
        if i == 0:
            frames = getattr(x, "frames", x)
            _warn_of_other_unit(classifier, _some(frames.reshape(-1, *frames.shape[-3:])))
        yield _logits(module, x.to(classifier.net_.device), over_time)


@torch.inference_mode()
def _logits(module, x, over_time):
    if not over_time:
        logits = module(x)
    elif hasattr(module, "forward_over_time"):
        logits = module.forward_over_time(x)
    elif hasattr(module, "step"):
        logits, state = [], None
        for frame in x.unbind(1):
            after, state = module.step(frame, state)
            logits.append(after)
        logits = torch.stack(logits, dim=1)
    else:
        logits = torch.stack([module(x[:, : t + 1]) for t in range(x.shape[1])], dim=1)
    return logits.cpu().numpy().astype(np.float64)


def to_probabilities(logits):
    """Probabilities of logits (..., 1) of the second of two classes, or (..., n_classes)."""
    if logits.shape[-1] > 1:
        return softmax(logits, axis=-1)
    return np.concatenate([expit(-logits), expit(logits)], axis=-1)
