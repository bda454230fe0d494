"""An encoder that was trained elsewhere, inside a network."""

import torch
from torch import nn

from ._pretrained import load_encoder


class GivenEncoder(nn.Module):
    """A given encoder whose codes are standardized, frozen or trained on.

    Parameters
    ----------
    encoder : torch.nn.Module or class of one
        Takes frames (k, c, h, w), returns codes (k, d). It is copied.
    mean, std : ndarray of shape (d,)
        Of its codes before training.
    freeze : bool
        Whether it stays as it is, in evaluation mode.
    """

    out_channels = 8  # tells CNNLSTMNet how much memory an image takes: few are encoded at once

    def __init__(self, encoder, mean, std, freeze):
        super().__init__()
        self.encoder = load_encoder(encoder)[0].requires_grad_(not freeze)
        self.register_buffer("mean", torch.as_tensor(mean, dtype=torch.float32))
        self.register_buffer("std", torch.as_tensor(std, dtype=torch.float32))
        self.n_features = len(mean)
        self._freeze = freeze

    def train(self, mode=True):
        """Switch between training and evaluation; frozen it stays in evaluation."""
        return super().train(mode and not self._freeze)

    def forward(self, frames):
        """Codes (k, d)."""
        with torch.set_grad_enabled(torch.is_grad_enabled() and not self._freeze):
            codes = self.encoder(frames)
        return (codes - self.mean) / self.std
