"""An epoch on sequences of vectors as one call of machine code.

Torch's optimizer and weights, the order of the batches and skorch's history are what they would be
after an epoch of torch, so that the two can follow each other.
"""

from functools import cache

import numpy as np
import torch
from threadpoolctl import ThreadpoolController
from torch import nn

from ..nn import CNNLSTMNet


def train_compiled(net, iterator):
    """Train for an epoch; return the losses and sizes of its batches.

    Training ends after the first loss that is not finite.
    """
    from . import _vector_kernel as kernel  # and with it numba

    data, subset = iterator.dataset.dataset, np.asarray(iterator.dataset.indices)
    frames, table = data.vectors
    iter(iterator)  # draws the seed of the workers, as each epoch of torch does
    batches = list(iterator.batch_sampler)
    sizes = [len(rows) for rows in batches]
    bounds = np.cumsum([0, *sizes])
    order = subset[np.concatenate([*batches, []]).astype(np.int64)]

    network = _Network(net.module_)
    optimizer = net.optimizer_
    (group,) = optimizer.param_groups
    weights, moments, n_done = network.pack(p.detach() for p in network.parameters), None, 0
    if type(optimizer) is torch.optim.Adam:
        states = [_adam_state(optimizer, p) for p in network.parameters]
        names = "exp_avg", "exp_avg_sq"
        moments = np.stack([network.pack(state[name] for state in states) for name in names])
        n_done = int(states[0]["step"])
    losses = np.empty(len(batches))
    class_weights = _class_weights(net.criterion_, network.widths[-1])
    with _blas().limit(limits=1):  # two threads take ten times as long for a batch
        n_batches = kernel.run_epoch(
            (frames, table, data.y.numpy(), class_weights),
            (order, bounds, max(sizes, default=0)),
            (network.widths, network.n_dense, network.n_biases),
            weights,
            np.empty((0, 0), np.float32) if moments is None else moments,
            n_done,
            (
                float(group["lr"]),
                *map(float, group.get("betas", (0, 0))),
                float(group.get("eps", 0)),
            ),
            losses,
        )
    network.unpack(weights, [p.detach() for p in network.parameters])
    if moments is not None:
        for name, values in zip(names, moments, strict=True):
            network.unpack(values, [state[name] for state in states])
        for state in states:
            state["step"] += n_batches
    optimizer._opt_called = True  # torch's schedules ask for it
    return losses[:n_batches].tolist(), sizes[:n_batches]


@cache
def _blas():
    return ThreadpoolController().select(user_api="blas")


def _adam_state(optimizer, parameter):
    """Return torch's own state of a parameter, made as torch makes it if there is none yet."""
    state = optimizer.state[parameter]
    if not state:
        state["step"] = torch.tensor(0.0, dtype=torch.float32)
        state["exp_avg"] = torch.zeros_like(parameter, memory_format=torch.preserve_format)
        state["exp_avg_sq"] = torch.zeros_like(parameter, memory_format=torch.preserve_format)
    return state


def _class_weights(criterion, n_outputs):
    if n_outputs == 1:
        weights = np.ones(2)
        if criterion.pos_weight is not None:
            weights[1] = criterion.pos_weight.item()
        return weights
    if criterion.weight is None:
        return np.ones(n_outputs)
    return criterion.weight.numpy().astype(np.float64)


class _Network:
    """The layers of a module, and the places of its parameters in one array of all weights.

    Each parameter becomes rows of the matrix of its layer, an input a row; see `_vector_kernel`.
    """

    def __init__(self, module):
        head = module.head[-1]
        if isinstance(module, CNNLSTMNet):
            dense = [layer for layer in module.encoder if isinstance(layer, nn.Conv2d)]
            lstm = [getattr(module.lstm, f"{name}_l0") for name in _LSTM_NAMES]
            widths = [layer.out_channels for layer in dense] + [module.lstm.hidden_size]
            n_in = dense[0].in_channels if dense else module.lstm.input_size
            self.n_biases = 2
        else:
            dense, lstm = [], [p for layer in module.layers for p in layer.weights()]
            widths = [layer.n_hidden for layer in module.layers]
            n_in = lstm[0].shape[1] - widths[0]
            self.n_biases = 1
        self.n_dense = len(dense)
        self.widths = np.array([n_in, *widths, head.out_features])
        before = [p for layer in dense for p in (layer.weight, layer.bias)]
        self.parameters = [*before, *lstm, head.weight, head.bias]
        # Torch's LSTM has the gates i, f, g, o.
        in_torch_order = isinstance(module, CNNLSTMNet)
        self._is_turned = [in_torch_order and any(p is q for q in lstm) for p in self.parameters]

    def pack(self, tensors):
        """Return one array of the values of tensors that are like the parameters."""
        pairs = zip(tensors, self._is_turned, strict=True)
        return np.concatenate([_turn(_as_rows(tensor), turned).ravel() for tensor, turned in pairs])

    def unpack(self, flat, tensors):
        """Write the values back."""
        start = 0
        for tensor, turned in zip(tensors, self._is_turned, strict=True):
            rows = _as_rows(tensor)
            rows[:] = _turn(flat[start : start + rows.size].reshape(rows.shape), turned)
            start += rows.size


_LSTM_NAMES = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")


def _as_rows(tensor):
    """A view of a tensor with an output a column."""
    return tensor.numpy().reshape(len(tensor), -1).T


def _turn(rows, turned):
    """Swap the last two gates: i, f, g, o become i, f, o, g, and the other way round."""
    if not turned:
        return rows
    i, f, g, o = np.split(rows, 4, axis=1)
    return np.concatenate([i, f, o, g], axis=1)
