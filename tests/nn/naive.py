"""The networks as a textbook would write them: a loop over frames, and autograd for the rest."""

import torch
from torch.nn.functional import conv2d


def naive_states(x, layers):
    """Hidden states (t, n, n_hidden, h, w) of the last layer; NaN frames carry the state over.

    `x` is (n, t, c, h, w); `layers` holds a weight and a bias for each, gates i, f, o, g.
    """
    there = ~x.isnan().flatten(2).all(dim=2)
    states = x.nan_to_num(0).unbind(1)
    for weight, bias in layers:
        h = c = x.new_zeros(len(x), len(bias) // 4, *x.shape[3:])
        outputs = []
        for frame, seen in zip(states, there.unbind(1), strict=True):
            gates = conv2d(torch.cat((frame, h), 1), weight, bias, padding="same")
            i, f, o, g = gates.chunk(4, dim=1)
            new_c = f.sigmoid() * c + i.sigmoid() * g.tanh()
            new_h = o.sigmoid() * new_c.tanh()
            seen = seen[:, None, None, None]
            h, c = torch.where(seen, new_h, h), torch.where(seen, new_c, c)
            outputs.append(h)
        states = outputs
    return torch.stack(outputs)


def naive_logits(net, x):
    """What a ConvLSTMNet should answer."""
    layers = [(layer.conv.weight, layer.conv.bias) for layer in net.cells]
    return net.head(naive_states(x, layers)[-1])
