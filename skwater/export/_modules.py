"""Fitted estimators as torch modules that can be traced, from raw frames to probabilities."""

import numpy as np
import torch
from torch import nn

from ..preprocessing import CanopyCover, CenterCrop, FrameScaler, VegetationMask
from ..preprocessing._size import height_and_width
from ..sequences import frame_shape_of
from ..sequences._pixels import center_crop


class Preparation(nn.Module):
    """From frames in the shape of X to what the network takes, (n, t, c, h, w).

    Parameters
    ----------
    steps : list of object
        Fitted transformers.
    classifier : SequenceClassifier
        What follows them.
    shape : tuple of int
        Shape of one sequence, (n_frames, ...).

    Raises
    ------
    ValueError
        If a transformer has no exact form in ONNX.
    """

    def __init__(self, steps, classifier, shape):
        super().__init__()
        self.shape = (shape[0], *frame_shape_of(shape))
        self.parts = nn.ModuleList(_as_part(step) for step in steps)
        _keep(self, mean=classifier.mean_[:, None, None], std=classifier.std_[:, None, None])

    def forward(self, frames):
        """Standardized frames, NaN if missing or illegal, and a mask (n, t) of illegal ones."""
        x = frames.reshape(-1, *self.shape)
        values = x.flatten(2)
        missing = values.isnan().all(dim=2)
        illegal = ~values.float().isfinite().all(dim=2) & ~missing
        x = torch.where(_by_frame(missing | illegal), 0, x)
        for part in self.parts:
            if part.needs_intensities:
                illegal = illegal | (x < 0).flatten(2).any(dim=2)
            x = part(x)
        x = x.movedim(-1, 2)
        x = ((x - self.mean.to(x.dtype)) / self.std.to(x.dtype)).float()
        return torch.where(_by_frame(missing | illegal), torch.nan, x), illegal


class StepModel(nn.Module):
    """Probabilities and state after one more frame."""

    def __init__(self, preparation, net):
        super().__init__()
        self.preparation, self.net = preparation, net

    def forward(self, frame, *state):
        """Probabilities (n, n_classes), NaN after an illegal frame, and the new state."""
        x, illegal = self.preparation(frame)
        logits, state = self.net.step(x[:, 0], state)
        return _probabilities(logits, illegal[:, 0]), *state


class SequenceModel(nn.Module):
    """Probabilities of whole sequences."""

    def __init__(self, preparation, net):
        super().__init__()
        self.preparation, self.net = preparation, net

    def forward(self, frames):
        """Probabilities (n, n_classes); NaN with an illegal frame, and without any frame."""
        x, illegal = self.preparation(frames)
        return _probabilities(self.net(x), _unusable(x, illegal))


class BeforeScan(nn.Module):
    """The part of a sequence model before its loop over the frames."""

    def __init__(self, preparation, state):
        super().__init__()
        self.preparation = preparation
        self.state_shapes = [part.shape[1:] for part in state]

    def forward(self, frames):
        """Sequences that cannot be used (n,), standardized frames, and the state of zeros."""
        x, illegal = self.preparation(frames)
        state = [x.new_zeros(x.shape[0], *shape) for shape in self.state_shapes]
        return _unusable(x, illegal), x, *state


class ScanBody(nn.Module):
    """The loop over the frames."""

    def __init__(self, net):
        super().__init__()
        self.net = net

    def forward(self, x, *state):
        """State after one more frame (n, c, h, w)."""
        return self.net._forward_step(x, state)


class AfterScan(nn.Module):
    """The part of a sequence model after its loop over the frames."""

    def __init__(self, net):
        super().__init__()
        self.head = net.head

    def forward(self, unusable, hidden):
        """Probabilities of the last hidden state, NaN for sequences that cannot be used."""
        return _probabilities(self.head(hidden), unusable)


class _CenterCrop(nn.Module):
    needs_intensities = False

    def __init__(self, step):
        super().__init__()
        self.size = height_and_width(step.size, "size")

    def forward(self, x):
        return center_crop(x, self.size)


class _VegetationMask(nn.Module):
    needs_intensities = True

    def __init__(self, step):
        super().__init__()
        self.factor = 1 + step.threshold

    def forward(self, x):
        return torch.where(_leaves(x, self.factor)[..., None], x, 0)


class _CanopyCover(_VegetationMask):
    def forward(self, x):
        cover = _leaves(x, self.factor).double().mean(dim=(2, 3))
        return cover[:, :, None, None, None]


class _FrameScaler(nn.Module):
    needs_intensities = False

    def __init__(self, step):
        super().__init__()
        n_frames = len(step.mean_)
        shape = (n_frames, 1, 1, -1)
        _keep(self, mean=step.mean_.reshape(shape), scale=step.scale_.reshape(shape))

    def forward(self, x):
        return (x - self.mean) / self.scale


_PARTS = {
    CanopyCover: _CanopyCover,
    CenterCrop: _CenterCrop,
    FrameScaler: _FrameScaler,
    VegetationMask: _VegetationMask,
}


def _as_part(step):
    if type(step) not in _PARTS:
        name = type(step).__name__
        raise ValueError(
            f"{name} has no form in ONNX that gives exactly the same numbers; "
            f"{', '.join(sorted(known.__name__ for known in _PARTS))} have. Transform the frames "
            f"before the file gets them: if {name} is the first step, export pipeline[1:] and "
            f"give the file what pipeline[:1].transform returns."
        )
    return _PARTS[type(step)](step)


def _leaves(x, factor):
    """What `find_leaves` computes, in the same order and precision."""
    r, g, b = x.double().unbind(-1)
    return (3 * x[..., 1]).double() > factor * (r + g + b)


def _unusable(x, illegal):
    return illegal.any(dim=1) | x.flatten(1).isnan().all(dim=1)


def _probabilities(logits, unusable):
    if logits.shape[1] > 1:
        probabilities = logits.softmax(dim=1)
    else:
        probabilities = torch.cat([(-logits).sigmoid(), logits.sigmoid()], dim=1)
    return torch.where(unusable[:, None], torch.nan, probabilities)


def _by_frame(mask):
    return mask[:, :, None, None, None]


def _keep(module, **arrays):
    for name, array in arrays.items():
        module.register_buffer(name, torch.from_numpy(np.array(array, dtype=np.float64)))
