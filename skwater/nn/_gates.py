"""What happens at each pixel of a ConvLSTM step: gates, cell state and hidden state, and back.

All arrays have the shape (n, pixels, channels), and all results are written in place: fresh
memory of this size costs more than the arithmetic. The gates come as i, f, o, g, with g doubled:
``tanh(z) = 2 sigmoid(2 z) - 1``, and one sigmoid over all the gates at once is several times as
fast as a sigmoid over three quarters of them and a tanh over the rest.
"""

import torch


class TorchGates:
    """The pass over the pixels, forwards and backwards, made of torch operations."""

    def __init__(self):
        self._scratch = {}

    def squash(self, raw, gates):
        """Squash the raw gates and write them."""
        torch.sigmoid(raw, out=gates)

    def advance(self, raw, cell, gates, new_cell, hidden):
        """Squash the raw gates; write them, the new cell state and the hidden state."""
        self.squash(raw, gates)
        i, f, o, g = gates.chunk(4, dim=-1)
        torch.mul(f, cell, out=new_cell)
        new_cell.sub_(i).addcmul_(i, g, value=2)
        torch.mul(o, self._tanh(new_cell), out=hidden)

    def retreat(self, gates, cell, new_cell, d_hidden, d_cell):
        """Put the gradient by the raw gates in place of the gates, and step `d_cell` back.

        `d_cell` is by the new cell state when it comes, less what reaches it through the hidden
        state, and by the old one when it leaves. `d_hidden` is used up.
        """
        opened = self._get("opened", gates)
        i, f, o, g = gates.chunk(4, dim=-1)
        d_i, d_f, d_o, d_g = opened.chunk(4, dim=-1)
        squashed = self._tanh(new_cell)
        torch.mul(d_hidden, squashed, out=d_o)
        d_hidden.mul_(o)
        d_cell.add_(d_hidden).addcmul_(d_hidden, squashed.square_(), value=-1)
        torch.mul(d_cell, cell, out=d_f)
        minus = torch.neg(d_cell, out=squashed)
        torch.addcmul(minus, d_cell, g, value=2, out=d_i)
        twice = minus.mul_(-2)
        torch.mul(twice, i, out=d_g)
        d_cell.mul_(f)
        torch.ops.aten.sigmoid_backward.grad_input(opened, gates, grad_input=gates)

    def _tanh(self, cell):
        scratch = self._get("squashed", cell)
        return torch.mul(cell, 2, out=scratch).sigmoid_().mul_(2).sub_(1)

    def _get(self, name, like):
        key = name, like.shape
        if key not in self._scratch:
            self._scratch[key] = torch.empty_like(like, memory_format=torch.contiguous_format)
        return self._scratch[key]
