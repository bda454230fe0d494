"""The ConvLSTM as a textbook would write it: a loop over frames, and autograd for the rest."""

import torch

from skwater.nn._conv_lstm import textbook_step


def naive_states(x, layers):
    """Hidden states (t, n, n_hidden, h, w) of the last layer; NaN frames carry the state over.

    `x` is (n, t, c, h, w); `layers` holds a weight and a bias for each, gates i, f, o, g.
    """
    present = ~x.isnan().flatten(2).all(dim=2)
    states = x.nan_to_num(0).unbind(1)
    for weight, bias in layers:
        h = c = x.new_zeros(len(x), len(bias) // 4, *x.shape[3:])
        outputs = []
        for frame, seen in zip(states, present.unbind(1), strict=True):
            new_h, new_c = textbook_step(frame, h, c, weight, bias)
            seen = seen[:, None, None, None]
            h, c = torch.where(seen, new_h, h), torch.where(seen, new_c, c)
            outputs.append(h)
        states = outputs
    return torch.stack(outputs)


def naive_logits(net, x):
    """What a ConvLSTMNet should answer."""
    return net.head(naive_states(x, [layer.weights() for layer in net.layers])[-1])
