"""An epoch on sequences of vectors as one call of machine code.

Torch's optimizer and weights, the order of the batches and skorch's history are what they would be
after an epoch of torch, so that the two can follow each other.
"""

from itertools import chain

import numpy as np
import torch

from ._vector_network import PackedNetwork, as_rows


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
    order = subset[np.fromiter(chain.from_iterable(batches), np.int64, bounds[-1])]

    network = PackedNetwork(net.module_)
    optimizer = net.optimizer_
    (group,) = optimizer.param_groups
    places = [as_rows(network.parameters)]
    states = []
    if type(optimizer) is torch.optim.Adam:
        states = [_adam_state(optimizer, p) for p in network.parameters]
        places += [as_rows(state[name] for state in states) for name in ("exp_avg", "exp_avg_sq")]
    packed = np.stack([network.pack(views) for views in places])
    losses = np.empty(len(batches))
    class_weights = _class_weights(net.criterion_, network.widths[-1])
    with network.one_blas_thread():
        n_batches = kernel.run_epoch(
            (frames, table, data.y.numpy(), class_weights),
            (order, bounds, max(sizes, default=0)),
            network.describe(),
            packed[0],
            packed[1:],
            int(states[0]["step"]) if states else 0,
            (
                float(group["lr"]),
                *map(float, group.get("betas", (0, 0))),
                float(group.get("eps", 0)),
            ),
            losses,
        )
    for values, views in zip(packed, places, strict=True):
        network.unpack(values, views)
    for state in states:
        state["step"] += n_batches
    optimizer._opt_called = True  # torch's schedules ask for it
    return losses[:n_batches].tolist(), sizes[:n_batches]


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
