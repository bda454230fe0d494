"""Training of an LSTM on sequences of vectors, one epoch in one call of machine code.

The network is a chain of layers: dense layers with ReLU on each frame, LSTM layers, and a linear
layer on the state after the last frame. All weights are one array. A layer's part of it is a
matrix with a row for each input and one or two for the biases, and a column for each output; an
LSTM layer has rows for its own last state after those of the inputs, and columns for the gates i,
f, o, g.

Frames of a batch lie step by step, as in torch's PackedSequence: sequences are sorted from the
longest to the shortest, so that those which have a step s are the first ones. Missing frames are
left out, which is the same as to carry the state over them.

All that is compiled is in this one file: numba looks at no other for changes.
"""

import math

import numpy as np

from ._jit import compiled

_HALF = np.float32(0.5)
_ONE = np.float32(1)
_ZERO = np.float32(0)
# tanh(x) = x p(x^2) / q(x^2) for |x| < 9, where it reaches 1: a minimax fit of the relative error.
_LARGEST = np.float32(9)
_P0, _P1, _P2, _P3, _P4 = (
    np.float32(c)
    for c in (
        0.999999979494398,
        0.1338103927623848,
        0.0034956035597392843,
        2.060930626069624e-05,
        1.3354916971039672e-08,
    )
)
_Q1, _Q2, _Q3, _Q4 = (
    np.float32(c)
    for c in (
        0.46714354898162985,
        0.02587704288618834,
        0.00032856587506453126,
        7.776674380681404e-07,
    )
)
_COLUMNS_AT_ONCE = 128  # so many rows of the other factor stay in the fastest cache
_MANY = 2**13  # numbers in a matrix, from which on the product of a BLAS is worth its call
_LINE = 16  # numbers in a line of the cache


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
    """Copy a row of numbers."""
    for j in range(len(row)):
        out[j] = row[j]


@compiled
def clear(rows):
    """Fill with zeros."""
    for i in range(rows.shape[0]):
        for j in range(rows.shape[1]):
            rows[i, j] = _ZERO


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
def add_product_of_transposed(a, b, out):
    """Add a.T @ b to out, two rows of out and four of b at a time."""
    n_rows, m = b.shape
    fours = n_rows - n_rows % 4
    for start in range(0, out.shape[0], _LINE):
        stop = min(start + _LINE, out.shape[0])
        twos = stop - (stop - start) % 2
        for i in range(0, fours, 4):
            b0, b1, b2, b3 = b[i], b[i + 1], b[i + 2], b[i + 3]
            for k in range(start, twos, 2):
                u, v = out[k], out[k + 1]
                u0, u1, u2, u3 = a[i, k], a[i + 1, k], a[i + 2, k], a[i + 3, k]
                v0, v1, v2, v3 = a[i, k + 1], a[i + 1, k + 1], a[i + 2, k + 1], a[i + 3, k + 1]
                for j in range(m):
                    u[j] += (u0 * b0[j] + u1 * b1[j]) + (u2 * b2[j] + u3 * b3[j])
                    v[j] += (v0 * b0[j] + v1 * b1[j]) + (v2 * b2[j] + v3 * b3[j])
            for k in range(twos, stop):
                add_scaled(a[i, k], b0, out[k])
                add_scaled(a[i + 1, k], b1, out[k])
                add_scaled(a[i + 2, k], b2, out[k])
                add_scaled(a[i + 3, k], b3, out[k])
        for i in range(fours, n_rows):
            for k in range(start, stop):
                add_scaled(a[i, k], b[i], out[k])


@compiled
def add_product_with_transposed(a, b, out):
    """Add a @ b.T to out, two rows of b at a time."""
    for i in range(out.shape[0]):
        row = a[i]
        for k in range(0, out.shape[1] - 1, 2):
            b0, b1 = b[k], b[k + 1]
            s0 = s1 = _ZERO
            for j in range(len(row)):
                s0 += row[j] * b0[j]
                s1 += row[j] * b1[j]
            out[i, k] += s0
            out[i, k + 1] += s1
        if out.shape[1] % 2:
            k = out.shape[1] - 1
            b0, s0 = b[k], _ZERO
            for j in range(len(row)):
                s0 += row[j] * b0[j]
            out[i, k] += s0


@compiled
def multiply(a, b, out):
    """out = a @ b."""
    if b.size >= _MANY:
        np.dot(a, b, out)
    else:
        clear(out)
        add_product(a, b, out)


@compiled
def multiply_transposed(a, b, out):
    """out = a.T @ b."""
    if out.size >= _MANY:
        np.dot(a.T, b, out)
    else:
        clear(out)
        add_product_of_transposed(a, b, out)


@compiled
def multiply_with_transposed(a, b, out):
    """out = a @ b.T."""
    if b.size >= _MANY:
        np.dot(a, b.T, out)
    else:
        clear(out)
        add_product_with_transposed(a, b, out)


@compiled
def add_biases(biases, out):
    """Add each of the biases to all rows of out."""
    for k in range(len(biases)):
        for i in range(out.shape[0]):
            add_scaled(_ONE, biases[k], out[i])


@compiled
def sum_rows(rows, out):
    """Write the sum of the rows into each row of out."""
    clear(out)
    for k in range(len(out)):
        for i in range(len(rows)):
            add_scaled(_ONE, rows[i], out[k])


@compiled
def count_frames(places):
    """Number of the frames that a sequence has."""
    n = 0
    for t in range(len(places)):
        n += places[t] >= 0
    return n


@compiled
def pack(frames, table, rows, x, begins, last):
    """Gather the frames of a batch step by step; return the number of steps.

    Step s of the longest sequences is from ``begins[s]`` to ``begins[s + 1]`` in x. ``last[i]`` is
    where the last frame of the i-th row is, -1 where it has none.
    """
    longer = np.zeros(table.shape[1] + 1, np.int64)  # sequences with more than s frames
    for i in range(len(rows)):
        for s in range(count_frames(table[rows[i]])):
            longer[s] += 1
    n_steps = 0
    while longer[n_steps] > 0:
        begins[n_steps + 1] = begins[n_steps] + longer[n_steps]
        n_steps += 1
    place = longer  # in each of its steps, of the next sequence with n frames
    for i in range(len(rows)):
        places = table[rows[i]]
        n = count_frames(places)
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
    multiply(x, weight[:n_in], out)
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
    multiply_transposed(x, d_out, d_weight[:n_in])
    sum_rows(d_out, d_weight[n_in:])


@compiled
def lstm_forward(x, weight, begins, n_steps, gates, cells, tanh_cells, out):
    """Hidden states after each step, and what the way back needs of it."""
    n_in, n_hidden = x.shape[1], out.shape[1]
    multiply(x, weight[:n_in], gates)
    add_biases(weight[n_in + n_hidden :], gates)
    recurrent = weight[n_in : n_in + n_hidden]
    for s in range(n_steps):
        start, stop = begins[s], begins[s + 1]
        before = begins[s - 1] if s else 0
        if s:
            add_product(out[before : before + stop - start], recurrent, gates[start:stop])
        for i in range(start, stop):
            squash(gates[i], n_hidden)
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
def squash(gates, n_hidden):
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
def lstm_backward(x, weight, begins, n_steps, gates, cells, tanh_cells, out, d_out, d_weight):
    """Gradient of the weights; gates become their gradients before sigmoid and tanh."""
    n_in, n_hidden = x.shape[1], out.shape[1]
    recurrent = weight[n_in : n_in + n_hidden]
    d_recurrent = d_weight[n_in : n_in + n_hidden]
    clear(d_recurrent)
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
            add_product_with_transposed(gates[start:stop], recurrent, d_out[old])
            add_product_of_transposed(out[old], gates[start:stop], d_recurrent)
    multiply_transposed(x, gates, d_weight[:n_in])
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
def sgd(weights, gradient, lr):
    """One step down the gradient."""
    for k in range(len(weights)):
        weights[k] -= np.float32(lr) * gradient[k]


@compiled
def run_epoch(
    frames,
    table,
    classes,
    class_weights,
    order,
    bounds,
    widths,
    n_dense,
    n_biases,
    weights,
    moments,
    step,
    settings,
    losses,
):
    """Train for an epoch; weights and moments are changed in place.

    Parameters
    ----------
    frames : ndarray of shape (k, widths[0]), dtype float32
        Frames, standardised.
    table : ndarray of shape (n, t), dtype int64
        Place of each frame of each sequence in `frames`, -1 where it is missing.
    classes : ndarray of shape (n,), dtype int64
        Encoded classes.
    class_weights : ndarray of shape (n_classes,), dtype float64
        Weight of each class in the loss.
    order, bounds : ndarray, dtype int64
        Rows of batch b are from ``bounds[b]`` to ``bounds[b + 1]`` in `order`.
    widths : ndarray, dtype int64
        Numbers that go into the network, and that come out of each layer.
    n_dense : int
        Number of dense layers.
    n_biases : int
        Biases of each gate, 1 or 2.
    weights : ndarray, dtype float32
        Matrices of all layers, one after the other.
    moments : ndarray of shape (2, len(weights)) or (0, 0), dtype float32
        Averages of Adam. Without them the rule is plain gradient descent.
    step : int
        Number of steps that Adam has done.
    settings : tuple of float (lr, beta1, beta2, eps)
        What the rule needs.
    losses : ndarray of shape (n_batches,), dtype float64
        Takes the loss of each batch.

    Returns
    -------
    int
        Number of batches done; the loss of the last one is not finite if they are not all.
    """
    n_layers = len(widths) - 1
    largest = 0
    for b in range(len(bounds) - 1):
        largest = max(largest, bounds[b + 1] - bounds[b])
    n_items = largest * table.shape[1]

    gradient = np.empty_like(weights)
    starts = np.zeros(n_layers + 1, np.int64)
    shapes = np.zeros((n_layers, 2), np.int64)
    states = []
    d_states = []
    gates = []
    cells = []
    tanh_cells = []
    for layer in range(n_layers):
        n_in, n_out = widths[layer], widths[layer + 1]
        states.append(np.empty((n_items, n_in), np.float32))
        d_states.append(np.empty((n_items, n_in if layer else 0), np.float32))
        recurs = n_dense <= layer < n_layers - 1
        n_gated = n_items if recurs else 0
        gates.append(np.empty((n_gated, 4 * n_out), np.float32))
        cells.append(np.empty((n_gated, n_out), np.float32))
        tanh_cells.append(np.empty((n_gated, n_out), np.float32))
        shapes[layer, 0] = n_in + n_out + n_biases if recurs else n_in + 1
        shapes[layer, 1] = 4 * n_out if recurs else n_out
        starts[layer + 1] = starts[layer] + shapes[layer, 0] * shapes[layer, 1]
    matrices = [
        weights[starts[k] : starts[k + 1]].reshape(shapes[k, 0], shapes[k, 1])
        for k in range(n_layers)
    ]
    d_matrices = [
        gradient[starts[k] : starts[k + 1]].reshape(shapes[k, 0], shapes[k, 1])
        for k in range(n_layers)
    ]
    begins = np.zeros(table.shape[1] + 2, np.int64)
    last = np.empty(largest, np.int64)
    n_hidden = widths[n_layers - 1]
    head, d_head = matrices[n_layers - 1], d_matrices[n_layers - 1]

    for b in range(len(bounds) - 1):
        rows = order[bounds[b] : bounds[b + 1]]
        n_steps = pack(frames, table, rows, states[0], begins, last)
        n_items = begins[n_steps]

        for k in range(n_dense):
            dense_forward(states[k][:n_items], matrices[k], states[k + 1][:n_items])
        for k in range(n_dense, n_layers - 1):
            lstm_forward(
                states[k][:n_items],
                matrices[k],
                begins,
                n_steps,
                gates[k][:n_items],
                cells[k],
                tanh_cells[k],
                states[k + 1][:n_items],
            )
        final = np.zeros((len(rows), n_hidden), np.float32)
        for i in range(len(rows)):
            if last[i] >= 0:
                copy(states[n_layers - 1][last[i]], final[i])
        logits = np.empty((len(rows), widths[n_layers]), np.float32)
        multiply(final, head[:n_hidden], logits)
        add_biases(head[n_hidden:], logits)

        d_logits = np.empty_like(logits)
        losses[b] = loss_of(logits, classes, rows, class_weights, d_logits)

        multiply_transposed(final, d_logits, d_head[:n_hidden])
        sum_rows(d_logits, d_head[n_hidden:])
        d_final = np.empty_like(final)
        multiply_with_transposed(d_logits, head[:n_hidden], d_final)
        clear(d_states[n_layers - 1][:n_items])
        for i in range(len(rows)):
            if last[i] >= 0:
                copy(d_final[i], d_states[n_layers - 1][last[i]])
        for k in range(n_layers - 2, n_dense - 1, -1):
            lstm_backward(
                states[k][:n_items],
                matrices[k],
                begins,
                n_steps,
                gates[k][:n_items],
                cells[k],
                tanh_cells[k],
                states[k + 1],
                d_states[k + 1],
                d_matrices[k],
            )
            if k:
                n_in = widths[k]
                d_gates = gates[k][:n_items]
                multiply_with_transposed(d_gates, matrices[k][:n_in], d_states[k][:n_items])
        for k in range(n_dense - 1, -1, -1):
            d_out = d_states[k + 1][:n_items]
            dense_backward(states[k][:n_items], states[k + 1][:n_items], d_out, d_matrices[k])
            if k:
                n_in = widths[k]
                multiply_with_transposed(d_out, matrices[k][:n_in], d_states[k][:n_items])

        lr, beta1, beta2, eps = settings
        if len(moments):
            adam(weights, gradient, moments[0], moments[1], step + b + 1, lr, beta1, beta2, eps)
        else:
            sgd(weights, gradient, lr)
        if not math.isfinite(losses[b]):
            return b + 1
    return len(losses)
