"""A ConvLSTM on frames of one pixel: torch's own LSTM, which has less to do between two steps."""

import torch


def vector_states(x, layers, missing):
    """Run all layers over sequences of vectors.

    Parameters
    ----------
    x : tensor of shape (t, n, n_in, 1, 1)
        Frames. Those that are missing must be finite.
    layers : list of (weight, bias)
        Kernels of 1 x 1 over [x, h] and biases of the gates i, f, o, g.
    missing : tensor of shape (t, n), dtype bool, or None
        Which samples carry their state over which frames; None if there are none.

    Returns
    -------
    states : tensor of shape (t, n, n_hidden, 1, 1)
        Hidden state of the last layer after each frame.
    last : tensor of shape (n, n_hidden, 1, 1)
        The last of them.
    """
    t, n = x.shape[:2]
    states, n_seen = x.flatten(2), None
    if missing is not None:
        # Carrying the state over missing frames is the same as leaving them out: the others move
        # to the front, and each frame reads the state of the last one that was seen.
        order = missing.int().argsort(dim=0, stable=True)
        states = states.gather(0, order[..., None].expand(-1, -1, states.shape[2]))
        n_seen = (~missing).cumsum(dim=0)
    for weight, bias in layers:
        n_hidden = len(bias) // 4
        weight, bias = _reorder(weight.flatten(1)), _reorder(bias)
        weights = weight[:, :-n_hidden], weight[:, -n_hidden:], bias, torch.zeros_like(bias)
        start = x.new_zeros(1, n, n_hidden)
        states, _, _ = torch.lstm(
            states, (start, start), weights, True, 1, 0.0, False, False, False
        )
    if n_seen is not None:
        states = torch.cat([start, states])
        states = states.gather(0, n_seen[..., None].expand(t, n, n_hidden))
    states = states[..., None, None]
    return states, states[-1]


def _reorder(gates):
    """Rows i, f, o, g as torch has them: i, f, g, o."""
    i, f, o, g = gates.chunk(4)
    return torch.cat([i, f, g, o])
