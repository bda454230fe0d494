"""The ConvLSTM recurrence over a whole sequence, with a backward pass of its own.

Autograd would keep a dozen images for each frame and allocate one for each operation. Here one
buffer holds [x, h] of every frame, channels last, and each hidden state is written where the next
convolution reads it.
"""

from functools import partial

import torch
from torch.autograd.function import once_differentiable

from ._layer import InputGradient, Layer, channels_second, choose_weight_gradient, prepare
from ._replay import Replay
from ._workspace import Buffers, Workspace, keep_freed_memory


def hidden_states(x, weight, bias, missing, *, workspace=None, recompute_gates=False, dtype=None):
    """Run one layer over all frames, in a form that autograd can differentiate.

    Parameters
    ----------
    x : tensor of shape (t, n, n_in, h, w)
        Frames. Missing ones must hold finite values.
    weight : tensor of shape (4 * n_hidden, n_in + n_hidden, height, width)
        Kernels over [x, h] of the gates i, f, o, g.
    bias : tensor of shape (4 * n_hidden,)
        Bias of the gates.
    missing : tensor of shape (t, n), dtype bool, or None
        Which samples miss which frames, and carry their state over; None if there are none.
    workspace : Workspace or None, default=None
        Memory of the previous step, to be used again.
    recompute_gates : bool, default=False
        Keep the states only; the backward pass recomputes the gates.
    dtype : torch.dtype or None, default=None
        What the convolutions read and write, forward and backward; None for that of the weights.
        Gates, cell states, sums over frames and weight gradients keep the dtype of the weights.

    Returns
    -------
    states : tensor of shape (t, n, n_hidden, h, w), in the dtype of the convolutions
        Hidden state after each frame. The next step with this workspace overwrites it.
    last : tensor of shape (n, n_hidden, h, w)
        The last of them once more, in the dtype of the weights: if the loss depends on it alone,
        no gradients of zero are needed for the others.
    """
    weight, bias = prepare(weight, bias)
    workspace, dtype = workspace or Workspace(), dtype or weight.dtype
    return _Recurrence.apply(x, weight, bias, missing, workspace, recompute_gates, dtype)


def stream_hidden_states(x, layers, missing, *, dtype=None):
    """Yield the hidden state of the last layer after each frame; nothing is kept for gradients.

    Parameters
    ----------
    x : tensor of shape (t, n, n_in, h, w)
        Frames. Missing ones must hold finite values.
    layers : list of (weight, bias)
        As in :func:`hidden_states`.
    missing : tensor of shape (t, n), dtype bool, or None
        As in :func:`hidden_states`.
    dtype : torch.dtype or None, default=None
        As in :func:`hidden_states`.

    Yields
    ------
    tensor of shape (n, n_hidden, h, w), in the dtype of the convolutions
        Hidden state after one more frame. The next one overwrites it.
    """
    if x.device.type == "cpu":
        keep_freed_memory(training=False)
    layers = [
        Layer(*prepare(weight, bias), x[0], Buffers(), dtype or weight.dtype)
        for weight, bias in layers
    ]
    # Two alternating buffers: a slab reads rows of its neighbor, which must be of the last frame.
    states = [(layer.new_frames(2), layer.new_cells(1)[0]) for layer in layers]
    for k, (frame, absent) in enumerate(zip(x.unbind(0), _absents(missing, len(x)), strict=True)):
        for layer, (frames, cell) in zip(layers, states, strict=True):
            xh, hidden = frames[k % 2], layer.hidden(frames[(k + 1) % 2])
            layer.put(frame, xh)
            before = _select(absent, layer.hidden(xh), cell)
            layer.forward_step(xh, cell, None, cell, hidden)
            _carry_over(absent, before, (hidden, cell))
            frame = channels_second(hidden)
        yield frame


class _Recurrence(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, weight, bias, missing, workspace, recompute_gates, dtype):
        if x.device.type == "cpu":
            keep_freed_memory(training=True)
        kind = ctx.needs_input_grad[:3], recompute_gates, dtype
        shape = (x.device, x.shape, missing is None) if x.is_cuda else None  # of what is recorded
        run, token = workspace.claim((kind, shape), partial(_Pass, *kind))
        run.forward(x, weight, bias, missing)
        hidden = run.layer.hidden(run.frames)
        ctx.run, ctx.is_second = run, False
        ctx.save_for_backward(run.frames, run.cells, token)
        ctx.set_materialize_grads(False)
        last = hidden[-1].to(bias.dtype, copy=True, memory_format=torch.contiguous_format)
        return channels_second(hidden[1:]), channels_second(last)

    @staticmethod
    @once_differentiable
    def backward(ctx, d_states, d_last):
        _ = ctx.saved_tensors  # fails if they are gone or changed
        gradients = ctx.run.backward(d_states, d_last, again=ctx.is_second)
        ctx.is_second = True
        return *gradients, None, None, None, None


class _Pass:
    """One layer over a batch, forward and backward, in the same memory each time.

    Parameters
    ----------
    needed : tuple of bool
        Whether gradients with respect to x, weight and bias are needed.
    recompute_gates, dtype
        As in :func:`hidden_states`.
    buffers : Buffers
        Memory for the large arrays.
    """

    def __init__(self, needed, recompute_gates, dtype, buffers):
        self.needed = needed
        self.recompute_gates = recompute_gates
        self.dtype = dtype
        self.buffers = buffers
        self._replay_forward, self._replay_backward = Replay(), Replay()

    def forward(self, x, weight, bias, missing):
        """Write the states after all frames; the arguments are those of `hidden_states`."""
        self._replay_forward(self._forward, x, weight, bias, missing)

    def backward(self, d_states, d_last, *, again):
        """Gradients by x, weight and bias; None for those that are not needed.

        The first time overwrites the gates. Another one, with retain_graph, recomputes them.
        """
        if again:
            return self._backward(d_states, d_last, again=True)
        return self._replay_backward(self._backward, d_states, d_last)

    def _forward(self, x, weight, bias, missing):
        t = len(x)
        layer = self.layer = Layer(weight, bias, x[0], self.buffers, self.dtype)
        frames, cells = layer.new_frames(t + 1), layer.new_cells(t + 1)
        gates = None if self.recompute_gates else layer.new_gates(t)
        absents = _absents(missing, t)
        layer.put(x, frames[:t])
        hidden = layer.hidden(frames)
        for k, absent in enumerate(absents):
            saved = None if gates is None else gates[k]
            layer.forward_step(frames[k], cells[k], saved, cells[k + 1], hidden[k + 1])
            before = _select(absent, hidden[k], cells[k])
            _carry_over(absent, before, (hidden[k + 1], cells[k + 1]))
        self.frames, self.cells, self.gates, self.absents = frames, cells, gates, absents

    def _backward(self, d_states, d_last, again=False):
        layer, frames, cells = self.layer, self.frames, self.cells
        gates = None if again else self.gates
        need_x, need_weight, need_bias = self.needed
        spare = layer.new_gates(1)[0] if gates is None else None
        weight_gradient, d_bias = choose_weight_gradient(layer), torch.zeros_like(layer.bias)
        d_x = torch.empty_like(layer.rows(frames)[:-1, ..., : layer.n_in]) if need_x else None
        d_cell, d_hidden = torch.zeros_like(cells[0]), torch.zeros_like(cells[0])
        if d_last is not None:
            d_hidden += d_last.movedim(1, -1)
        input_gradient = InputGradient(layer, need_x)
        for k, absent in reversed(list(enumerate(self.absents))):
            if d_states is not None:
                d_hidden += d_states[k].movedim(1, -1)
            d_gates = spare if gates is None else gates[k]
            if gates is None:
                layer.recompute_gates(frames[k], d_gates)
            before = _select(absent, d_hidden, d_cell)
            layer.backward_step(d_gates, cells[k], cells[k + 1], d_hidden, d_cell)
            _carry_over(absent, [d_gates.new_zeros(())], [d_gates])
            if need_bias:
                d_bias += d_gates.flatten(0, -2).sum(0)
            d_gates = layer.as_read(d_gates)
            if need_weight:
                weight_gradient.add(frames[k], d_gates)
            if k > 0 or need_x:
                input_gradient(d_gates, d_x[k] if need_x else None, d_hidden)
            _carry_over(absent, before, (d_hidden, d_cell))
        return (
            channels_second(d_x) if need_x else None,
            weight_gradient.total() if need_weight else None,
            d_bias if need_bias else None,
        )


def _absents(missing, t):
    """For each of t frames, which samples miss it; None if it is known that none does."""
    if missing is None:
        return [None] * t
    if missing.device.type != "cpu":  # it would be waited for
        return list(missing)
    return [row if row.any() else None for row in missing]


def _select(absent, *tensors):
    """Copy the rows of the samples that miss a frame; on a GPU, which would count them, all."""
    if absent is None:
        return []
    return [t[absent] if absent.device.type == "cpu" else t.clone() for t in tensors]


def _carry_over(absent, before, after):
    """Write what was selected before a frame over what came after it."""
    if absent is None:
        return
    for old, new in zip(before, after, strict=True):
        if absent.device.type == "cpu":
            new[absent] = old
        else:
            torch.where(absent[:, None, None, None], old, new, out=new)
