"""What both networks share: one frame at a time, and memory that is given back after training."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from torch import nn

from ._workspace import give_freed_memory_back

if TYPE_CHECKING:
    import torch


class RecurrentNet(nn.Module):
    """Base of the networks: ``_forward_step(frame, state)`` is their recurrence, ``head`` reads it.

    A state is a tuple of the hidden and the cell state of each layer: (h0, c0, h1, c1, ...).
    """

    def step(
        self, frame: torch.Tensor, state: tuple[torch.Tensor, ...] | None = None
    ) -> tuple[torch.Tensor, tuple[torch.Tensor, ...]]:
        """Logits after one more frame, for images that arrive one at a time.

        Step by step it gives the logits that :meth:`forward` gives on all frames so far.

        Parameters
        ----------
        frame : tensor of shape (n, c, h, w), dtype float
            The next frame of each sequence. All-NaN is a missing frame: the state is carried over
            it.
        state : tuple of tensor, default=None
            State after the frames so far, as returned by the last step; None before the first.

        Returns
        -------
        logits : tensor of shape (n, n_outputs)
            Logits after this frame.
        state : tuple of tensor
            Hidden and cell state of each layer, (h0, c0, h1, c1, ...), of shape (n, n_hidden, h, w)
            in a ConvLSTM and (n, lstm_size) in a CNN-LSTM.
        """
        after = self._forward_step(frame, state)
        return self.head(after[-2]), after

    def train(self, mode: bool = True) -> Self:
        """Switch between training and evaluation, which gives the memory of training back.

        Parameters
        ----------
        mode : bool, default=True
            Whether to train.

        Returns
        -------
        torch.nn.Module
            The network itself.
        """
        was_training = self.training
        super().train(mode)
        if was_training and not mode:
            give_freed_memory_back()
        return self

    def _step_through(self, x):
        """Logits after all frames of x, one at a time: the form of `forward` that can be traced."""
        state = None
        for frame in x.unbind(1):
            state = self._forward_step(frame, state)
        return self.head(state[-2])
