"""A batch in which several sequences have the same frame, and hold it once."""

from dataclasses import dataclass

import torch


@dataclass(frozen=True)
class SharedFrames:
    """Sequences as a table of places in a list of frames.

    Parameters
    ----------
    frames : tensor of shape (k, c, h, w), dtype float
        The distinct frames. An all-NaN frame is missing.
    table : tensor of shape (n, t), dtype int64
        For each frame of each sequence, its place in `frames`.
    """

    frames: torch.Tensor
    table: torch.Tensor

    def __len__(self):
        return len(self.table)

    def to(self, device):
        """Copy to a device."""
        return SharedFrames(self.frames.to(device), self.table.to(device))
