"""One epoch of an LSTM on vectors as a single compiled call: no Python between two steps.

With tensors this small, torch spends nearly all of an epoch on everything around the arithmetic:
autograd, the optimizer's loop over tensors, the loader.
"""

from collections import namedtuple
from math import ceil, sqrt

import numpy as np
from numba import njit

Data = namedtuple("Data", "frames table present classes class_weight")
Sizes = namedtuple("Sizes", "dense lstm n_biases o_at g_at n_outputs")
Optimizer = namedtuple("Optimizer", "lr beta1 beta2 eps n_steps")


def _compiled(function):
    # Sums may be reordered, which is what makes vector instructions possible. NaN and infinity
    # keep their meaning: a loss that is not finite must be seen.
    options = {"nogil": True, "fastmath": {"contract", "reassoc", "nsz", "arcp"}}
    try:
        return njit(cache=True, **options)(function)
    except RuntimeError:  # no folder can be written: compile anew in each process
        return njit(**options)(function)


@_compiled
def run_epoch(data, sizes, order, batch_size, weights, moment1, moment2, optimizer):
    """Train on all batches of an epoch.

    Parameters
    ----------
    data : Data
        Standardized frames (n_frames, n_channels), zero if missing; for each sequence its rows in
        them (n, t), which of these are present, and its class (n,); the weight of each class.
    sizes : Sizes
        Widths of the dense layers on each frame and of the LSTM layers, number of bias vectors of
        an LSTM layer, positions of the gates o and g after i and f, number of logits.
    order : ndarray of shape (n,), dtype int64
        Sequences in the order of the batches.
    batch_size : int
        Sequences of a batch.
    weights : ndarray of shape (n_weights,), dtype float32
        Weights of all layers, one after the other; changed in place.
    moment1, moment2 : ndarray of shape (n_weights,) or (0,), dtype float32
        Moments of Adam, changed in place; empty for plain gradient descent.
    optimizer : Optimizer
        Its settings, and the number of steps before this epoch.

    Returns
    -------
    ndarray of shape (n_batches,), dtype float32
        Mean loss of each batch.
    """
    losses = np.empty(ceil(len(order) / batch_size), dtype=np.float32)
    gradient = np.empty_like(weights)
    for i in range(len(losses)):
        rows = order[i * batch_size : (i + 1) * batch_size]
        losses[i] = _gradient(data, sizes, rows, weights, gradient)
        if len(moment1) > 0:
            _adam_step(weights, gradient, moment1, moment2, optimizer, optimizer.n_steps + i + 1)
        else:
            weights -= np.float32(optimizer.lr) * gradient
    return losses


@_compiled
def _adam_step(weights, gradient, moment1, moment2, adam, step):
    rate = np.float32(adam.lr / (1 - adam.beta1**step))
    unbias = np.float32(1 / sqrt(1 - adam.beta2**step))
    keep1, keep2 = np.float32(adam.beta1), np.float32(adam.beta2)
    take1, take2 = np.float32(1 - adam.beta1), np.float32(1 - adam.beta2)
    eps = np.float32(adam.eps)
    for k in range(len(weights)):
        g = gradient[k]
        moment1[k] = keep1 * moment1[k] + take1 * g
        moment2[k] = keep2 * moment2[k] + take2 * g * g
        weights[k] -= rate * moment1[k] / (np.sqrt(moment2[k]) * unbias + eps)


@_compiled
def _gradient(data, sizes, rows, weights, gradient):
    """Write the gradient of the mean loss of some sequences, and return that loss.

    Activations are matrices with one row for each sequence and date, date after date.
    """
    n, t = len(rows), data.table.shape[1]
    x, present = _gather(data, rows)
    at = 0  # where the weights of the next layer begin
    begins = [at]
    read = [x]  # what each layer reads
    for width in sizes.dense:
        W, b, at = _dense_weights(weights, at, x.shape[1], width)
        x = _relu(np.dot(x, W.T), b)
        begins.append(at)
        read.append(x)
    gates, cells, states = [x], [x], [x]  # of the LSTM layers; numba wants lists with a first item
    for width in sizes.lstm:
        W, R, b_at = _lstm_weights(weights, at, x.shape[1], width)
        at = b_at + sizes.n_biases * 4 * width
        b = weights[b_at:at].reshape(sizes.n_biases, 4 * width).sum(axis=0)
        a, c, h = _lstm(np.dot(x, W.T), R, b, present, sizes.o_at, sizes.g_at)
        x = h[n:]
        gates.append(a)
        cells.append(c)
        states.append(h)
        begins.append(at)
        read.append(x)
    last = x[(t - 1) * n :]
    W, b, _ = _dense_weights(weights, at, last.shape[1], sizes.n_outputs)
    logits = np.dot(last, W.T)
    logits += b
    loss, d_logits = _loss(logits, data.classes[rows], data.class_weight)

    dW, db, _ = _dense_weights(gradient, at, last.shape[1], sizes.n_outputs)
    dW[:] = np.dot(d_logits.T, last)
    db[:] = d_logits.sum(axis=0)
    dx = np.zeros_like(x)
    dx[(t - 1) * n :] = np.dot(d_logits, W)
    for k in range(len(sizes.lstm), 0, -1):
        width, layer = sizes.lstm[k - 1], len(sizes.dense) + k - 1
        x, at = read[layer], begins[layer]
        W, R, b_at = _lstm_weights(weights, at, x.shape[1], width)
        da = _lstm_backward(dx, gates[k], cells[k], R, present, sizes.o_at, sizes.g_at)
        dW, dR, _ = _lstm_weights(gradient, at, x.shape[1], width)
        dW[:] = np.dot(da.T, x)
        dR[:] = np.dot(da.T, states[k][: t * n])
        db = da.sum(axis=0)
        for i in range(sizes.n_biases):
            gradient[b_at + i * 4 * width : b_at + (i + 1) * 4 * width] = db
        if layer > 0:
            dx = np.dot(da, W)
    for layer in range(len(sizes.dense), 0, -1):
        x, at = read[layer - 1], begins[layer - 1]
        W, b, _ = _dense_weights(weights, at, x.shape[1], sizes.dense[layer - 1])
        dx *= read[layer] > 0
        dW, db, _ = _dense_weights(gradient, at, x.shape[1], sizes.dense[layer - 1])
        dW[:] = np.dot(dx.T, x)
        db[:] = dx.sum(axis=0)
        if layer > 1:
            dx = np.dot(dx, W)
    return loss


@_compiled
def _gather(data, rows):
    n, t = len(rows), data.table.shape[1]
    x = np.empty((t * n, data.frames.shape[1]), dtype=np.float32)
    present = np.empty((t, n), dtype=np.bool_)
    for d in range(t):
        for i in range(n):
            x[d * n + i] = data.frames[data.table[rows[i], d]]
            present[d, i] = data.present[rows[i], d]
    return x, present


@_compiled
def _dense_weights(flat, at, n_in, n_out):
    """Views of the weights (n_out, n_in) and the bias, and where they end."""
    middle, end = at + n_out * n_in, at + n_out * (n_in + 1)
    return flat[at:middle].reshape(n_out, n_in), flat[middle:end], end


@_compiled
def _lstm_weights(flat, at, n_in, width):
    """Views of the weights of inputs (4 width, n_in) and states, and where the biases begin."""
    middle = at + 4 * width * n_in
    end = middle + 4 * width * width
    return flat[at:middle].reshape(4 * width, n_in), flat[middle:end].reshape(-1, width), end


@_compiled
def _relu(x, bias):
    for i in range(x.shape[0]):
        for j in range(x.shape[1]):
            x[i, j] = max(x[i, j] + bias[j], np.float32(0))
    return x


@_compiled
def _lstm(a, R, bias, present, o_at, g_at):
    """Gates (t n, 4 width), overwriting `a`; cells and states ((t + 1) n, width), first zeros."""
    t, n = present.shape
    width = R.shape[1]
    o, g = o_at * width, g_at * width
    c = np.zeros(((t + 1) * n, width), dtype=np.float32)
    h = np.zeros(((t + 1) * n, width), dtype=np.float32)
    for d in range(t):
        recurrent = np.dot(h[d * n : (d + 1) * n], R.T)
        for i in range(n):
            before, after = d * n + i, (d + 1) * n + i
            if not present[d, i]:  # the state is carried over a missing frame
                c[after], h[after] = c[before], h[before]
                continue
            gates = a[before]
            for j in range(4 * width):
                gates[j] += recurrent[i, j] + bias[j]
            for j in range(g):
                gates[j] = _sigmoid(gates[j])
            for j in range(g, g + width):
                gates[j] = _tanh(gates[j])
            for j in range(g + width, 4 * width):
                gates[j] = _sigmoid(gates[j])
            for j in range(width):
                c[after, j] = gates[width + j] * c[before, j] + gates[j] * gates[g + j]
            for j in range(width):
                h[after, j] = gates[o + j] * _tanh(c[after, j])
    return a, c, h


@_compiled
def _lstm_backward(d_states, a, c, R, present, o_at, g_at):
    """Gradient by the gates before they were squashed, overwriting `a`."""
    t, n = present.shape
    width = R.shape[1]
    o, g = o_at * width, g_at * width
    one = np.float32(1)
    dh = np.zeros((n, width), dtype=np.float32)
    dc = np.zeros((n, width), dtype=np.float32)
    for d in range(t - 1, -1, -1):
        dh += d_states[d * n : (d + 1) * n]
        for i in range(n):
            before, after = d * n + i, (d + 1) * n + i
            gates = a[before]
            if not present[d, i]:
                gates[:] = 0
                continue
            for j in range(width):
                gi, gf, go, gg = gates[j], gates[width + j], gates[o + j], gates[g + j]
                squashed = _tanh(c[after, j])
                into_cell = dc[i, j] + dh[i, j] * go * (one - squashed * squashed)
                gates[j] = into_cell * gg * gi * (one - gi)
                gates[width + j] = into_cell * c[before, j] * gf * (one - gf)
                gates[o + j] = dh[i, j] * squashed * go * (one - go)
                gates[g + j] = into_cell * gi * (one - gg * gg)
                dc[i, j] = into_cell * gf
                dh[i, j] = 0
        dh += np.dot(a[d * n : (d + 1) * n], R)
    return a


@_compiled
def _loss(logits, classes, class_weight):
    """Mean loss of `BinaryLoss` or `CrossEntropyLoss`, and its gradient by the logits."""
    n, n_outputs = logits.shape
    d_logits = np.empty_like(logits)
    loss = 0.0
    for i in range(n):
        weight = class_weight[classes[i]]
        if n_outputs == 1:
            z = logits[i, 0] if classes[i] == 1 else -logits[i, 0]
            loss += weight * (np.log1p(np.exp(-abs(z))) + max(-z, np.float32(0)))
            wrong = weight * _sigmoid(-z) / np.float32(n)
            d_logits[i, 0] = -wrong if classes[i] == 1 else wrong
        else:
            top = logits[i].max()
            shares = np.exp(logits[i] - top)
            total = shares.sum()
            loss += weight * (np.log(total) + top - logits[i, classes[i]])
            d_logits[i] = shares / total
            d_logits[i, classes[i]] -= np.float32(1)
            d_logits[i] *= weight / np.float32(n)
    return loss / n, d_logits


@_compiled
def _sigmoid(x):
    return np.float32(1) / (np.float32(1) + _exp(-x))


@_compiled
def _tanh(x):
    return np.float32(2) * _sigmoid(np.float32(2) * x) - np.float32(1)


@_compiled
def _exp(x):
    """e to the x within 2e-7 of it, in arithmetic that is turned into vector instructions."""
    x = min(max(x, np.float32(-87)), np.float32(88))
    n = np.floor(x * np.float32(1.44269504) + np.float32(0.5))
    r = x - n * np.float32(0.693359375) + n * np.float32(2.12194440e-4)
    p = np.float32(1.9875691500e-4)
    p = p * r + np.float32(1.3981999507e-3)
    p = p * r + np.float32(8.3334519073e-3)
    p = p * r + np.float32(4.1665795894e-2)
    p = p * r + np.float32(1.6666665459e-1)
    p = p * r + np.float32(5.0000001201e-1)
    power = np.int32((np.int32(n) + np.int32(127)) << np.int32(23)).view(np.float32)
    return (p * r * r + r + np.float32(1)) * power
