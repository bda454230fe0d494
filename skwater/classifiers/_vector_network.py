"""The weights of a network on vectors, as one array for machine code."""

from contextlib import nullcontext
from functools import cache

import numpy as np
from threadpoolctl import ThreadpoolController
from torch import nn

from ..nn import CNNLSTMNet

BLAS_FROM = 2**13  # weights in a matrix, from which on a BLAS is worth its call


class PackedNetwork:
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

    def one_blas_thread(self):
        """Limit a BLAS, if a matrix is large enough for one: two threads take ten times as long."""
        n_weights = 4 * (self.widths[:-1] + 1) * self.widths[1:]
        return _blas().limit(limits=1) if n_weights.max() >= BLAS_FROM else nullcontext()

    def describe(self):
        """Widths of all layers, number of dense layers, and of the biases of each gate."""
        return self.widths, self.n_dense, self.n_biases

    def pack(self, views):
        """Return one array of the values of tensors like the parameters, given by `as_rows`."""
        pairs = zip(views, self._is_turned, strict=True)
        return np.concatenate([_turn(rows, turned).ravel() for rows, turned in pairs])

    def unpack(self, flat, views):
        """Write the values back."""
        start = 0
        for rows, turned in zip(views, self._is_turned, strict=True):
            rows[:] = _turn(flat[start : start + rows.size].reshape(rows.shape), turned)
            start += rows.size


_LSTM_NAMES = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")


def as_rows(tensors):
    """Views of tensors, with an output a column."""
    arrays = [tensor.detach().numpy() for tensor in tensors]
    return [array.reshape(len(array), -1).T for array in arrays]


def _turn(rows, turned):
    """Swap the last two gates: i, f, g, o become i, f, o, g, and the other way round."""
    if not turned:
        return rows
    i, f, g, o = np.split(rows, 4, axis=1)
    return np.concatenate([i, f, o, g], axis=1)


@cache
def _blas():
    return ThreadpoolController().select(user_api="blas")
