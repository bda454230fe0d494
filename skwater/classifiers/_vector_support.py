"""Which nets can train on sequences of vectors, and predict them, in machine code.

It knows the two networks, two rules and two losses. What else listens to single batches, or changes
how they are trained on, gets epochs of torch.
"""

import torch
from skorch.callbacks import Callback, EpochScoring, LRScheduler
from torch import nn
from torch.utils.data import DataLoader, Subset

from ..nn import CNNLSTMNet, ConvLSTMNet
from ..nn._conv_lstm import ConvLSTMLayer
from ._batches import Batches, identity_collate
from ._callbacks import StopOnNaN
from ._jit import compiles
from ._losses import BinaryLoss, CrossEntropyLoss

_LAYERS = {
    ConvLSTMNet,
    ConvLSTMLayer,
    CNNLSTMNet,
    nn.LSTM,
    nn.Conv2d,
    nn.MaxPool2d,
    nn.AdaptiveAvgPool2d,
    nn.ReLU,
    nn.Flatten,
    nn.Dropout,
    nn.Linear,
    nn.Sequential,
    nn.ModuleList,
}
_HOOKS = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks")

# Settings of an optimizer whose step is the one of the kernel.
_PLAIN = {
    torch.optim.Adam: {
        "weight_decay": 0,
        "amsgrad": False,
        "maximize": False,
        "capturable": False,
        "differentiable": False,
        "decoupled_weight_decay": False,
    },
    torch.optim.SGD: {
        "weight_decay": 0,
        "momentum": 0,
        "maximize": False,
        "differentiable": False,
    },
}
_OF_A_BATCH = ("on_batch_begin", "on_batch_end", "on_grad_computed")


def runs_compiled(net, iterator):
    """Whether an epoch of training of a net over a loader can be machine code."""
    if not _has_vectors(iterator):
        return False
    parts = list(net.module_.modules())  # a walk of torch's takes time, and this is each epoch
    return (
        _is_known_network(net.module_, parts)
        and not any(type(part) is nn.Dropout and part.p > 0 for part in parts)
        and _is_plain_optimizer(net.optimizer_, _parameters(parts))
        and _is_known_loss(net.criterion_)
        and not any(_watches_batches(callback) for _, callback in net.callbacks_)
        and compiles()
    )


def predicts_compiled(module):
    """Whether a trained network can predict vectors in machine code."""
    parts = list(module.modules())
    return (
        _is_known_network(module, parts)
        and all(p.device.type == "cpu" and p.dtype == torch.float32 for p in _parameters(parts))
        and compiles()
    )


def _has_vectors(iterator):
    return (
        type(iterator) is DataLoader
        and iterator.num_workers == 0
        and iterator.batch_sampler is not None
        and iterator.collate_fn is identity_collate
        and type(iterator.dataset) is Subset
        and type(iterator.dataset.dataset) is Batches
        and iterator.dataset.dataset.holds_vectors
    )


def _parameters(parts):
    return [p for part in parts for p in part.parameters(recurse=False)]


def _is_known_network(module, parts):
    """Whether a module is one of ours, without layers of the user's own and without hooks."""
    if type(module) not in (CNNLSTMNet, ConvLSTMNet) or type(module.head[-1]) is not nn.Linear:
        return False
    return (
        len(module.head) == 2
        and all(type(part) in _LAYERS for part in parts)
        and not any(getattr(part, name) for part in parts for name in _HOOKS)
    )


def _is_plain_optimizer(optimizer, parameters):
    plain = _PLAIN.get(type(optimizer))
    if plain is None or len(optimizer.param_groups) != 1:
        return False
    (group,) = optimizer.param_groups
    numbers = [group["lr"], *group.get("betas", ()), group.get("eps", 0.0)]
    hooks = optimizer._optimizer_step_pre_hooks or optimizer._optimizer_step_post_hooks
    return (
        all(group.get(name, value) == value for name, value in plain.items())
        and all(isinstance(number, float | int) for number in numbers)
        and not hooks
        and {id(p) for p in group["params"]} == {id(p) for p in parameters}
        and all(_is_plain_tensor(p) for p in parameters)
    )


def _is_plain_tensor(p):
    return (
        p.requires_grad
        and p.device.type == "cpu"
        and p.dtype == torch.float32
        and not p._backward_hooks
    )


def _is_known_loss(criterion):
    return type(criterion) in (BinaryLoss, CrossEntropyLoss)


def _watches_batches(callback):
    if isinstance(callback, LRScheduler):
        return callback.step_every != "epoch"
    if type(callback) is EpochScoring:
        return callback.on_train and callback.use_caching
    if type(callback) is StopOnNaN:  # it is shown the losses of the compiled batches
        return False
    return any(
        getattr(type(callback), name, None) is not getattr(Callback, name) or name in vars(callback)
        for name in _OF_A_BATCH
    )
