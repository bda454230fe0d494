"""Parts of a ConvLSTM step in torch: the operations at each pixel, and the weight gradient.

They are the reference for the machine code in `_compiled_gates` and `_compiled_gradient`.

At each pixel, all arrays have the shape (n, pixels, channels), and all results are written in
place: fresh memory of this size costs more than the arithmetic. The gates come as i, f, o, g, with
g doubled: ``tanh(z) = 2 sigmoid(2 z) - 1``, and one sigmoid over all the gates at once is several
times as fast as a sigmoid over three quarters of them and a tanh over the rest.
"""

import torch


class TorchGates:
    """The operations at each pixel, forward and backward."""

    def __init__(self):
        self._scratch = {}

    def activate(self, raw, gates):
        """Apply the sigmoid to the raw gates and write the result."""
        torch.sigmoid(raw, out=gates)

    def forward_step(self, raw, cell, gates, new_cell, hidden):
        """Activate the raw gates; write them, the new cell state and the hidden state."""
        self.activate(raw, gates)
        i, f, o, g = gates.chunk(4, dim=-1)
        torch.mul(f, cell, out=new_cell)
        new_cell.sub_(i).addcmul_(i, g, value=2)
        torch.mul(o, self._tanh(new_cell), out=hidden)

    def backward_step(self, gates, cell, new_cell, d_hidden, d_cell):
        """Replace the gates by the gradient of the raw gates, and step `d_cell` back.

        On entry `d_cell` is the gradient with respect to the new cell state, without the part
        that comes through the hidden state; on return, with respect to the old one. `d_hidden`
        is overwritten.
        """
        d_gates = self._get("d_gates", gates)
        i, f, o, g = gates.chunk(4, dim=-1)
        d_i, d_f, d_o, d_g = d_gates.chunk(4, dim=-1)
        tanh = self._tanh(new_cell)
        torch.mul(d_hidden, tanh, out=d_o)
        d_hidden.mul_(o)
        d_cell.add_(d_hidden).addcmul_(d_hidden, tanh.square_(), value=-1)
        torch.mul(d_cell, cell, out=d_f)
        minus = torch.neg(d_cell, out=tanh)
        torch.addcmul(minus, d_cell, g, value=2, out=d_i)
        twice = minus.mul_(-2)
        torch.mul(twice, i, out=d_g)
        d_cell.mul_(f)
        torch.ops.aten.sigmoid_backward.grad_input(d_gates, gates, grad_input=gates)

    def _tanh(self, cell):
        scratch = self._get("tanh", cell)
        return torch.mul(cell, 2, out=scratch).sigmoid_().mul_(2).sub_(1)

    def _get(self, name, like):
        key = name, like.shape
        if key not in self._scratch:
            self._scratch[key] = torch.empty_like(like, memory_format=torch.contiguous_format)
        return self._scratch[key]


class TorchWeightGradient:
    """Gradient with respect to the kernels over [x, h], summed over frames.

    Parameters
    ----------
    weight : tensor of shape (n_gates, n_channels, height, width)
        The kernels; height and width are odd.
    dtype : torch.dtype
        Of the sum.
    """

    def __init__(self, weight, dtype):
        self._weight = weight
        self._total = torch.zeros_like(weight, dtype=dtype)

    def add(self, xh, d_gates):
        """Add the gradient of one frame; both (n, h + padding, w, channels), rows padded."""
        height, width = self._weight.shape[2:]
        if (height, width) == (1, 1):
            gradient = d_gates.flatten(0, 2).T @ xh.flatten(0, 2)
            self._total += gradient.view_as(self._weight)
            return
        # The samples are stacked into one tall image: gradients in the rows between are zero.
        tall_xh, tall_d = (array.flatten(0, 1)[None].movedim(-1, -3) for array in (xh, d_gates))
        halo, padding = height // 2, [0, width // 2]
        tall_d = tall_d[:, :, halo : tall_d.shape[2] - halo]
        # Stride, padding, dilation, transposed, output padding, groups.
        geometry = [1, 1], padding, [1, 1], False, [0, 0], 1
        self._total += torch.ops.aten.convolution_backward(
            tall_d, tall_xh, self._weight, None, *geometry, [False, True, False]
        )[1]

    def total(self):
        """Sum over all frames."""
        return self._total
