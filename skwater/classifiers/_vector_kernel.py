"""Training of an LSTM on sequences of vectors, one epoch in one call of machine code.

The network is a chain of layers: dense layers with ReLU on each frame, LSTM layers, and a linear
layer on the state after the last frame. All weights are one array. A layer's part of it is a
matrix with a row for each input and one or two for the biases, and a column for each output; an
LSTM layer has rows for its own last state after those of the inputs, and columns for the gates i,
f, o, g.

Frames of a batch lie step by step, as in torch's PackedSequence: sequences are sorted from the
longest to the shortest, so that those which have a step s are the first ones. Missing frames are
left out, which is the same as carrying the state over them.

All that is compiled is in this one file: numba looks at no other for changes.
"""

import math

import numpy as np

from ._jit import compiled
from ._vector_network import BLAS_FROM

_ZERO, _HALF, _ONE = np.float32(0), np.float32(0.5), np.float32(1)
# tanh(x) = x p(x^2) / q(x^2) for |x| < 9, where it reaches 1: a minimax fit of the relative error.
_LARGEST = np.float32(9)
_P0, _P1, _P2 = np.float32(0.99999998), np.float32(0.13381039), np.float32(0.0034956036)
_P3, _P4 = np.float32(2.0609306e-05), np.float32(1.3354917e-08)
_Q1, _Q2 = np.float32(0.46714355), np.float32(0.025877043)
_Q3, _Q4 = np.float32(0.00032856588), np.float32(7.7766742e-07)
_COLUMNS_AT_ONCE = 128  # so many rows of the other factor stay in the fastest cache


@compiled
def tanh(x):
    """Hyperbolic tangent; NaN stays NaN. Without calls, so that loops over it become vectors."""
    x = _LARGEST if x > _LARGEST else x
    x = -_LARGEST if x < -_LARGEST else x
    s = x * x
    p = _P0 + s * (_P1 + s * (_P2 + s * (_P3 + s * _P4)))
    q = _ONE + s * (_Q1 + s * (_Q2 + s * (_Q3 + s * _Q4)))
    return x * p / q


@compiled
def copy(row, out):
    """Copy a row; an assignment would be slower, because it looks for overlap."""
    for j in range(len(row)):
        out[j] = row[j]


@compiled
def add_scaled(factor, row, out):
    """Add factor * row to out."""
    for j in range(len(row)):
        out[j] += factor * row[j]


@compiled
def add_product(a, b, out):
    """Add a @ b to out, two rows of a and four of b at a time."""
    n, m = out.shape
    for start in range(0, a.shape[1], _COLUMNS_AT_ONCE):
        stop = min(start + _COLUMNS_AT_ONCE, a.shape[1])
        fours = stop - (stop - start) % 4
        for i in range(0, n - 1, 2):
            u, v = out[i], out[i + 1]
            for k in range(start, fours, 4):
                u0, u1, u2, u3 = a[i, k], a[i, k + 1], a[i, k + 2], a[i, k + 3]
                v0, v1, v2, v3 = a[i + 1, k], a[i + 1, k + 1], a[i + 1, k + 2], a[i + 1, k + 3]
                b0, b1, b2, b3 = b[k], b[k + 1], b[k + 2], b[k + 3]
                for j in range(m):
                    u[j] += (u0 * b0[j] + u1 * b1[j]) + (u2 * b2[j] + u3 * b3[j])
                    v[j] += (v0 * b0[j] + v1 * b1[j]) + (v2 * b2[j] + v3 * b3[j])
            for k in range(fours, stop):
                add_scaled(a[i, k], b[k], u)
                add_scaled(a[i + 1, k], b[k], v)
        if n % 2:
            for k in range(start, stop):
                add_scaled(a[n - 1, k], b[k], out[n - 1])


@compiled
def multiply(a, b, out, n_weights):
    """out = a @ b, one of the products of a layer with so many weights."""
    if n_weights >= BLAS_FROM:
        np.dot(a, b, out)
    else:
        out[:] = _ZERO
        add_product(a, b, out)


@compiled
def add_biases(biases, out):
    """Add each of the biases to all rows of out."""
    for k in range(len(biases)):
        for i in range(out.shape[0]):
            add_scaled(_ONE, biases[k], out[i])


@compiled
def sum_rows(rows, out):
    """Write the sum of the rows into each row of out."""
    out[:] = _ZERO
    for k in range(len(out)):
        for i in range(len(rows)):
            add_scaled(_ONE, rows[i], out[k])


@compiled
def pack(frames, table, rows, x, begins, last):
    """Gather the frames of a batch step by step; return the number of steps.

    Step s of the longest sequences is from ``begins[s]`` to ``begins[s + 1]`` in x. ``last[i]`` is
    the place of the last frame of the i-th row, -1 if it has none.
    """
    longer = np.zeros(table.shape[1] + 1, np.int64)  # sequences with more than s frames
    for i in range(len(rows)):
        for s in range((table[rows[i]] >= 0).sum()):
            longer[s] += 1
    n_steps = 0
    while longer[n_steps] > 0:
        begins[n_steps + 1] = begins[n_steps] + longer[n_steps]
        n_steps += 1
    place = longer  # in each of its steps, of the next sequence with n frames
    for i in range(len(rows)):
        places = table[rows[i]]
        n = (places >= 0).sum()
        s, last[i] = 0, -1
        for t in range(len(places)):
            if places[t] >= 0:
                last[i] = begins[s] + place[n]
                copy(frames[places[t]], x[last[i]])
                s += 1
        place[n] += 1
    return n_steps


@compiled
def dense_forward(x, weight, out):
    """out = relu(x @ weight + bias)."""
    n_in = x.shape[1]
    multiply(x, weight[:n_in], out, n_in * out.shape[1])
    add_biases(weight[n_in:], out)
    for i in range(out.shape[0]):
        for j in range(out.shape[1]):
            out[i, j] = _ZERO if out[i, j] < _ZERO else out[i, j]


@compiled
def dense_backward(x, out, d_out, d_weight):
    """Gradient of the weights; d_out becomes that before the ReLU."""
    n_in = x.shape[1]
    for i in range(out.shape[0]):
        for j in range(out.shape[1]):
            d_out[i, j] = d_out[i, j] if out[i, j] > _ZERO else _ZERO
    multiply(x.T, d_out, d_weight[:n_in], n_in * out.shape[1])
    sum_rows(d_out, d_weight[n_in:])


@compiled
def lstm_forward(x, weight, begins, n_steps, gates, memory, out):
    """Hidden states after each step, and what the backward pass needs of it."""
    n_in, n_hidden, cells, tanh_cells = x.shape[1], out.shape[1], memory[0], memory[1]
    multiply(x, weight[:n_in], gates, n_in * gates.shape[1])
    add_biases(weight[n_in + n_hidden :], gates)
    recurrent = weight[n_in : n_in + n_hidden]
    for s in range(n_steps):
        start, stop = begins[s], begins[s + 1]
        before = begins[s - 1] if s else 0
        if s:
            add_product(out[before : before + stop - start], recurrent, gates[start:stop])
        for i in range(start, stop):
            activate(gates[i], n_hidden)
            old = before + i - start
            for j in range(n_hidden):
                cell = gates[i, j] * gates[i, 3 * n_hidden + j]
                if s:
                    cell += gates[i, n_hidden + j] * cells[old, j]
                cells[i, j] = cell
        flat_tanh(cells[start:stop].reshape(-1), tanh_cells[start:stop].reshape(-1))
        for i in range(start, stop):
            for j in range(n_hidden):
                out[i, j] = gates[i, 2 * n_hidden + j] * tanh_cells[i, j]


@compiled
def activate(gates, n_hidden):
    """Sigmoid of i, f and o and tanh of g; sigmoid(x) is (1 + tanh(x / 2)) / 2."""
    for j in range(3 * n_hidden):
        gates[j] = _HALF + _HALF * tanh(_HALF * gates[j])
    for j in range(3 * n_hidden, 4 * n_hidden):
        gates[j] = tanh(gates[j])


@compiled
def flat_tanh(x, out):
    """Tanh of each number."""
    for j in range(len(x)):
        out[j] = tanh(x[j])


@compiled
def lstm_backward(x, weight, begins, n_steps, gates, memory, out, d_out, d_weight):
    """Gradient of the weights; gates become their gradients before sigmoid and tanh."""
    n_in, n_hidden, cells, tanh_cells = x.shape[1], out.shape[1], memory[0], memory[1]
    recurrent = np.ascontiguousarray(weight[n_in : n_in + n_hidden].T)
    d_recurrent = d_weight[n_in : n_in + n_hidden]
    d_recurrent[:] = _ZERO
    d_cells = np.zeros((begins[1], n_hidden), np.float32)  # of the sequences at the present step
    for s in range(n_steps - 1, -1, -1):
        start, stop = begins[s], begins[s + 1]
        before = begins[s - 1] if s else 0
        for i in range(start, stop):
            old = before + i - start
            for j in range(n_hidden):
                i_gate, f_gate = gates[i, j], gates[i, n_hidden + j]
                o_gate, g_gate = gates[i, 2 * n_hidden + j], gates[i, 3 * n_hidden + j]
                d_hidden, tanh_cell = d_out[i, j], tanh_cells[i, j]
                d_cell = d_cells[i - start, j]
                d_cell += d_hidden * o_gate * (_ONE - tanh_cell * tanh_cell)
                old_cell = cells[old, j] if s else _ZERO
                gates[i, j] = d_cell * g_gate * i_gate * (_ONE - i_gate)
                gates[i, n_hidden + j] = d_cell * old_cell * f_gate * (_ONE - f_gate)
                gates[i, 2 * n_hidden + j] = d_hidden * tanh_cell * o_gate * (_ONE - o_gate)
                gates[i, 3 * n_hidden + j] = d_cell * i_gate * (_ONE - g_gate * g_gate)
                d_cells[i - start, j] = d_cell * f_gate
        if s:
            old = slice(before, before + stop - start)
            add_product(gates[start:stop], recurrent, d_out[old])
            add_product(out[old].T, gates[start:stop], d_recurrent)
    multiply(x.T, gates, d_weight[:n_in], n_in * gates.shape[1])
    sum_rows(gates, d_weight[n_in + n_hidden :])


@compiled
def loss_of(logits, classes, rows, class_weights, d_logits):
    """Mean weighted cross-entropy of a batch and its gradient.

    One logit is that of the second of two classes; that of the first is then 0.
    """
    n, n_outputs = logits.shape
    total = 0.0
    for i in range(n):
        right = classes[rows[i]]
        largest = 0.0 if n_outputs == 1 else float(logits[i, 0])
        for k in range(n_outputs):
            if logits[i, k] > largest:
                largest = float(logits[i, k])
        exponentials = math.exp(-largest) if n_outputs == 1 else 0.0
        for k in range(n_outputs):
            exponentials += math.exp(logits[i, k] - largest)
        log_sum = largest + math.log(exponentials)
        weight = class_weights[right]
        first = 1 if n_outputs == 1 else 0  # class of the first logit
        score = logits[i, right - first] if right >= first else _ZERO
        total += weight * (log_sum - score)
        for k in range(n_outputs):
            probability = math.exp(logits[i, k] - log_sum)
            d_logits[i, k] = weight * (probability - (k + first == right)) / n
    return total / n


@compiled
def adam(weights, gradient, first, second, step, lr, beta1, beta2, eps):
    """One step of Adam as torch takes it."""
    size = np.float32(lr / (1 - beta1**step))
    root = np.float32(1 / math.sqrt(1 - beta2**step))
    keep1, keep2 = np.float32(beta1), np.float32(beta2)
    new1, new2, eps = np.float32(1 - beta1), np.float32(1 - beta2), np.float32(eps)
    for k in range(len(weights)):
        g = gradient[k]
        first[k] = keep1 * first[k] + new1 * g
        second[k] = keep2 * second[k] + new2 * g * g
        weights[k] -= size * first[k] / (np.sqrt(second[k]) * root + eps)


@compiled
def allocate(widths, n_dense, n_biases, n_items, weights, gradient):
    """Arrays for each layer: weights, inputs, the gradients of both, and what an LSTM keeps."""
    matrices = []
    d_matrices = []
    states = []
    d_states = []
    gates = []
    memory = []
    n_layers, start = len(widths) - 1, 0
    for k in range(n_layers):
        n_in, n_out = widths[k], widths[k + 1]
        recurs = n_dense <= k < n_layers - 1
        n_rows = n_in + n_out + n_biases if recurs else n_in + 1
        n_columns = 4 * n_out if recurs else n_out
        stop = start + n_rows * n_columns
        matrices.append(weights[start:stop].reshape(n_rows, n_columns))
        d_matrices.append(gradient[start:stop].reshape(n_rows, n_columns))
        states.append(np.empty((n_items, n_in), np.float32))
        d_states.append(np.empty((n_items, n_in if k else 0), np.float32))
        n_gated = n_items if recurs else 0
        gates.append(np.empty((n_gated, n_columns), np.float32))
        memory.append(np.empty((2, n_gated, n_out), np.float32))
        start = stop
    return matrices, d_matrices, states, d_states, gates, memory


@compiled
def forward(layers, n_dense, begins, n_steps):
    """Compute the states of all layers but the head."""
    matrices, _, states, _, gates, memory = layers
    n = begins[n_steps]
    for k in range(len(matrices) - 1):
        x, weight, out = states[k][:n], matrices[k], states[k + 1][:n]
        if k < n_dense:
            dense_forward(x, weight, out)
        else:
            lstm_forward(x, weight, begins, n_steps, gates[k][:n], memory[k], out)


@compiled
def head_and_loss(layers, last, classes, rows, class_weights):
    """Loss of a batch, and the gradients of the head and of the states that it reads."""
    matrices, d_matrices, states, d_states, _, _ = layers
    head, d_head, hidden, d_hidden = matrices[-1], d_matrices[-1], states[-1], d_states[-1]
    n_hidden = hidden.shape[1]
    final = np.zeros((len(rows), n_hidden), np.float32)
    for i in range(len(rows)):
        if last[i] >= 0:
            copy(hidden[last[i]], final[i])
    logits = np.empty((len(rows), head.shape[1]), np.float32)
    multiply(final, head[:n_hidden], logits, head.size)
    add_biases(head[n_hidden:], logits)
    d_logits = np.empty_like(logits)
    loss = loss_of(logits, classes, rows, class_weights, d_logits)
    multiply(final.T, d_logits, d_head[:n_hidden], head.size)
    sum_rows(d_logits, d_head[n_hidden:])
    multiply(d_logits, np.ascontiguousarray(head[:n_hidden].T), final, head.size)
    d_hidden[:] = _ZERO
    for i in range(len(rows)):
        if last[i] >= 0:
            copy(final[i], d_hidden[last[i]])
    return loss


@compiled
def backward(layers, n_dense, begins, n_steps):
    """Gradients of the weights of all layers but the head."""
    matrices, d_matrices, states, d_states, gates, memory = layers
    n = begins[n_steps]
    for k in range(len(matrices) - 2, -1, -1):
        x, out, d_out, weight = states[k][:n], states[k + 1][:n], d_states[k + 1][:n], matrices[k]
        d_raw = d_out  # by the product of x, before the activation
        if k < n_dense:
            dense_backward(x, out, d_out, d_matrices[k])
        else:
            d_raw = gates[k][:n]
            d_weight = d_matrices[k]
            lstm_backward(x, weight, begins, n_steps, d_raw, memory[k], out, d_out, d_weight)
        if k:
            weight = weight[: x.shape[1]]
            multiply(d_raw, np.ascontiguousarray(weight.T), d_states[k][:n], weight.size)


@compiled
def run_epoch(data, batches, network, weights, moments, step, settings, losses):
    """Train for an epoch; return the number of batches, the last of which may have a loss of NaN.

    Data are the frames (k, widths[0]); a table (n, t) of the place of each frame of each sequence
    in them, -1 if it is missing; the encoded classes (n,); the weight of each class in the loss.
    Batch b has the rows of the table from ``bounds[b]`` to ``bounds[b + 1]`` of the order. The
    widths of the network are the size of its input and of the output of each layer; each gate has
    one or two biases. Weights and moments are changed in place; moments (2, len(weights)) are the
    averages of Adam after so many steps, and without any, (0, 0), the rule is gradient descent.
    """
    frames, table, classes, class_weights = data
    order, bounds, largest = batches
    widths, n_dense, n_biases = network
    lr, beta1, beta2, eps = settings
    gradient = np.empty_like(weights)
    layers = allocate(widths, n_dense, n_biases, largest * table.shape[1], weights, gradient)
    begins = np.zeros(table.shape[1] + 2, np.int64)
    last = np.empty(largest, np.int64)
    for b in range(len(losses)):
        rows = order[bounds[b] : bounds[b + 1]]
        n_steps = pack(frames, table, rows, layers[2][0], begins, last)
        forward(layers, n_dense, begins, n_steps)
        losses[b] = head_and_loss(layers, last, classes, rows, class_weights)
        backward(layers, n_dense, begins, n_steps)
        if len(moments):
            adam(weights, gradient, moments[0], moments[1], step + b + 1, lr, beta1, beta2, eps)
        else:
            weights -= np.float32(lr) * gradient
        if not math.isfinite(losses[b]):
            return b + 1
    return len(losses)
