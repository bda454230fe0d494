"""Prediction on sequences of vectors in double precision, in one call of machine code.

The layout of the weights is that of `_vector_kernel`, whose layers these are. Each sequence is
computed on its own, in the same places of memory: the numbers of a plant cannot depend on the
plants beside it.

All that is compiled is in this one file: numba looks at no other for changes.
"""

import math

import numpy as np

from ._jit import compiled
from ._vector_network import BLAS_FROM

_FLAT = 40.0  # exp(-40) is nothing beside 1


@compiled
def add_product(row, weight, out):
    """Add row @ weight to out, four rows of the weight at a time."""
    fours = len(row) - len(row) % 4
    for k in range(0, fours, 4):
        r0, r1, r2, r3 = row[k], row[k + 1], row[k + 2], row[k + 3]
        w0, w1, w2, w3 = weight[k], weight[k + 1], weight[k + 2], weight[k + 3]
        for j in range(len(out)):
            out[j] += (r0 * w0[j] + r1 * w1[j]) + (r2 * w2[j] + r3 * w3[j])
    for k in range(fours, len(row)):
        r, w = row[k], weight[k]
        for j in range(len(out)):
            out[j] += r * w[j]


@compiled
def subtract(row, other, out):
    """out = row - other."""
    for j in range(len(row)):
        out[j] = row[j] - other[j]


@compiled
def multiply(x, weight, n_hidden, out):
    """out = x @ weight + biases, without the rows for the last hidden state."""
    n_in = x.shape[1]
    if n_in * out.shape[1] >= BLAS_FROM:
        np.dot(x, weight[:n_in], out)
    else:
        out[:] = 0
        for i in range(len(x)):
            add_product(x[i], weight[:n_in], out[i])
    for k in range(n_in + n_hidden, len(weight)):
        for i in range(len(x)):
            for j in range(out.shape[1]):
                out[i, j] += weight[k, j]


@compiled
def sigmoid(x, steepness):
    """Replace each number by sigmoid(steepness * x). Without calls, so that it becomes vectors.

    The error is below 1e-13: exp(z) is exp(z / 256) ** 256.
    """
    for j in range(len(x)):
        z = -steepness * x[j]
        z = _FLAT if z > _FLAT else z  # NaN stays NaN
        z = -_FLAT if z < -_FLAT else z
        r = z / 256
        e = 1 + r / 5 * (1 + r / 6 * (1 + r / 7 * (1 + r / 8 * (1 + r / 9))))
        e = 1 + r * (1 + r / 2 * (1 + r / 3 * (1 + r / 4 * e)))
        for _ in range(8):
            e *= e
        x[j] = 1 / (1 + e)


@compiled
def run_lstm(recurrent, gates, out):
    """Hidden states after each step, from the products of the inputs."""
    n_hidden = out.shape[1]
    cell = np.zeros(n_hidden)
    for s in range(len(out)):
        gate, hidden = gates[s], out[s]
        if s:
            add_product(out[s - 1], recurrent, gate)
        sigmoid(gate[: 3 * n_hidden], 1.0)
        sigmoid(gate[3 * n_hidden :], 2.0)  # tanh(x) is 2 sigmoid(2 x) - 1
        for j in range(n_hidden):
            new = gate[j] * (2 * gate[3 * n_hidden + j] - 1)
            cell[j] = gate[n_hidden + j] * cell[j] + new
            hidden[j] = cell[j]
        sigmoid(hidden, 2.0)
        for j in range(n_hidden):
            hidden[j] = gate[2 * n_hidden + j] * (2 * hidden[j] - 1)


@compiled
def allocate(widths, n_dense, n_biases, t, weights):
    """Arrays for each layer: its weights, its inputs, and its products of a sequence."""
    matrices = []
    states = []
    gates = []
    n_layers, start = len(widths) - 1, 0
    for k in range(n_layers):
        n_in, n_out = widths[k], widths[k + 1]
        recurs = n_dense <= k < n_layers - 1
        n_rows = n_in + n_out + n_biases if recurs else n_in + 1
        n_columns = 4 * n_out if recurs else n_out
        stop = start + n_rows * n_columns
        matrices.append(weights[start:stop].reshape(n_rows, n_columns))
        states.append(np.empty((t, n_in)))
        gates.append(np.empty((t, n_columns)))
        start = stop
    return matrices, states, gates


@compiled
def run_layers(layers, n_dense, m):
    """Compute the states of all layers but the head after each of m frames."""
    matrices, states, gates = layers
    for k in range(len(matrices) - 1):
        x, out, weight, gate = states[k][:m], states[k + 1][:m], matrices[k], gates[k][:m]
        n_in, n_hidden = x.shape[1], out.shape[1]
        if k < n_dense:
            multiply(x, weight, 0, out)
            for s in range(m):
                for j in range(n_hidden):
                    out[s, j] = 0 if out[s, j] < 0 else out[s, j]  # NaN stays NaN
        else:
            multiply(x, weight, n_hidden, gate)
            run_lstm(weight[n_in : n_in + n_hidden], gate, out)


@compiled
def predict(frames, mean, std, network, weights, over_time):
    """Logits (n, t, n_outputs) after each frame of sequences (n, t, c), or (n, 1, n_outputs).

    A frame whose first value is NaN is missing. The network is the widths of its input and of the
    output of each layer, the number of dense layers, and that of the biases of each gate. The
    weights are changed.
    """
    widths, n_dense, n_biases = network
    n, t, n_channels = frames.shape
    layers = allocate(widths, n_dense, n_biases, t, weights)
    matrices, states, _ = layers
    for j in range(n_channels):
        matrices[0][j] /= std[j]  # once, in place of each frame
    x, head, hidden = states[0], matrices[-1], states[-1]
    logits = np.empty((n, t if over_time else 1, widths[-1]))
    for i in range(n):
        m = 0
        for s in range(t):
            if not math.isnan(frames[i, s, 0]):
                subtract(frames[i, s], mean, x[m])
                m += 1
        run_layers(layers, n_dense, m)
        seen = 0
        for s in range(t):
            seen += not math.isnan(frames[i, s, 0])
            if over_time or s == t - 1:
                logit = logits[i, s if over_time else 0]
                logit[:] = head[-1]
                if seen:
                    add_product(hidden[seen - 1], head[: hidden.shape[1]], logit)
    return logits
