"""What both networks share: sizes that adapt to small frames, missing frames, and tracing."""

from numbers import Integral

import torch


def as_sizes(name, value):
    """An int or a sequence of them as a tuple of positive ints."""
    sizes = (value,) if isinstance(value, Integral) else tuple(value)
    if not all(isinstance(size, Integral) and size >= 1 for size in sizes):
        raise ValueError(f"{name} must be positive integers, got {value!r}.")
    return sizes


def same_kernel(kernel_size, frame_size):
    """Kernel of a padded convolution, less the taps that could only ever meet padding."""
    return tuple(min(kernel_size, 2 * size - 1) for size in frame_size)


def find_present(x):
    """Table (n, t) of the frames that are present, and x with zeros in place of missing ones."""
    present = ~x[:, :, 0, 0, 0].isnan()
    if present.all():  # one value of each frame was enough to know
        return present, x
    present = ~x.isnan().flatten(2).all(dim=2)
    return present, torch.where(present[:, :, None, None, None], x, 0)


def split_missing(frame):
    """Mask (n,) of the samples that miss a frame (n, c, h, w), and the frame without their NaN."""
    missing = frame.isnan().flatten(1).all(dim=1)
    return missing, torch.where(missing[:, None, None, None], 0, frame)


def is_traced():
    """Whether operations are recorded (export, compile, trace) and must not depend on the data."""
    return torch.compiler.is_compiling() or torch.jit.is_tracing()
