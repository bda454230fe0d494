"""Logits and probabilities of a fitted classifier."""

import copy

import numpy as np
import torch
from scipy.special import expit, softmax
from sklearn.utils.validation import check_is_fitted

from ..sequences import check_sequences, frame_shape
from ._batches import to_batch
from ._reproducibility import single_threaded_if_small

# So many values are predicted at once: more would wait for memory, fewer for Python.
_VALUES_AT_ONCE = 2**18


def predict_logits(classifier, X, *, over_time=False):
    """Logits (n, n_outputs) of a fitted classifier, or (n, t, n_outputs) after each frame."""
    check_is_fitted(classifier)
    X, _ = check_sequences(classifier, X, reset=False)
    h, w, _ = frame_shape(X)
    net, at_once, dtype = classifier.net_, classifier.batch_size_, np.float32
    module = net.module_.eval()
    if (h, w) == (1, 1):
        at_once = max(1, _VALUES_AT_ONCE // int(np.prod(X.shape[1:])))
        # Vectors run in double precision, which costs nothing there: a plant's probability must
        # not depend on the plants beside it, not even in the last bit of a float32.
        module, dtype = copy.deepcopy(module).double(), np.float64
    share, logits = getattr(module, "takes_shared_frames", False), []
    with single_threaded_if_small(classifier.batch_size_ * h * w):
        for start in range(0, len(X), at_once):
            rows = X[start : start + at_once]
            x = to_batch(rows, classifier.mean_, classifier.std_, share, dtype).to(net.device)
            logits.append(_run(module, x, over_time))
    logits = np.concatenate(logits)
    if np.isnan(logits).any():
        raise ValueError(
            f"{type(module).__name__} returned NaN. It must return numbers for sequences with "
            f"missing frames too, and for those that have no frame up to a date."
        )
    return logits


@torch.inference_mode()
def _run(module, x, over_time):
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
