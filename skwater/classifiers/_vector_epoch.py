"""Epochs on sequences of vectors by `_vector_kernel`, for the settings that it knows."""

from functools import cache

import numpy as np
import torch
from skorch.callbacks import Callback, LRScheduler
from threadpoolctl import ThreadpoolController
from torch import nn
from torch.utils.data import DataLoader

from .._sequences import as_frames, frame_shape, is_lazy
from ..nn import CNNLSTMNet, ConvLSTMNet
from ._batches import to_tensor
from ._losses import BinaryLoss, CrossEntropyLoss

# Settings of the optimizers that the kernel does not have; all of them are off by default.
_EXTRAS = {
    torch.optim.Adam: ("weight_decay", "amsgrad", "maximize", "capturable", "differentiable"),
    torch.optim.SGD: ("weight_decay", "momentum", "maximize", "differentiable"),
}


class VectorEpochs:
    """Training data as the kernel reads them, and the way of the weights there and back.

    Parameters
    ----------
    net : SequenceNet
        A net that :func:`can_compile` approves of.
    dataset : torch.utils.data.Subset of Batches
        Training sequences.
    """

    def __init__(self, net, dataset):
        from . import _vector_kernel as kernel  # its import takes as long as that of numpy

        self._kernel, self._optimizer = kernel, net.optimizer_
        batches = dataset.dataset
        self._sequences = np.asarray(dataset.indices, dtype=np.int64)
        frames, table = _distinct_frames(batches.X)
        frames = to_tensor(frames[:, None], batches.mean, batches.std).numpy()
        frames = frames.reshape(len(frames), -1)
        present = ~np.isnan(frames[:, 0])
        frames[~present] = 0
        table = np.ascontiguousarray(table, dtype=np.int64)
        self._sizes, self._parameters = _layout(net.module_, kernel.Sizes)
        class_weight = _class_weight(net.criterion_, self._sizes.n_outputs)
        classes = batches.y.numpy()
        self._data = kernel.Data(frames, table, present[table], classes, class_weight)

    def run(self, order, batch_size):
        """Train on sequences of the dataset in this order; return the loss of each batch."""
        (group,) = self._optimizer.param_groups
        tensors = [[parameter for parameter, _ in self._parameters]]
        states = []
        if isinstance(self._optimizer, torch.optim.Adam):
            states = [self._adam_state(parameter) for parameter in tensors[0]]
            tensors += [[state[name] for state in states] for name in ("exp_avg", "exp_avg_sq")]
        flat = [np.concatenate([v.ravel() for v in self._views(some)]) for some in tensors]
        moments = flat[1:] or [np.empty(0, dtype=np.float32)] * 2
        beta1, beta2 = group.get("betas", (0.0, 0.0))
        n_steps = int(states[0]["step"]) if states else 0
        settings = self._kernel.Optimizer(
            float(group["lr"]), beta1, beta2, group.get("eps", 0.0), n_steps
        )
        sequences = self._sequences[order]
        with _matrix_products().limit(limits=1):  # two threads would only wait for each other
            losses = self._kernel.run_epoch(
                self._data, self._sizes, sequences, batch_size, flat[0], *moments, settings
            )
        for some, values in zip(tensors, flat, strict=True):
            begin = 0
            for view in self._views(some):
                view[...] = values[begin : begin + view.size].reshape(view.shape)
                begin += view.size
        for state in states:
            state["step"] += len(losses)
        # Without gradients this does nothing, but a scheduler warns if it has never been called.
        self._optimizer.zero_grad()
        self._optimizer.step()
        return losses

    def _views(self, tensors):
        """Arrays that share the memory of the tensors, in the order of the kernel."""
        for tensor, (_, split) in zip(tensors, self._parameters, strict=True):
            yield from split(tensor.detach().numpy())

    def _adam_state(self, parameter):
        """State as torch's Adam keeps it, so that it can go on from here."""
        state = self._optimizer.state[parameter]
        if not state:
            state["step"] = torch.tensor(0.0)
            state["exp_avg"] = torch.zeros_like(parameter)
            state["exp_avg_sq"] = torch.zeros_like(parameter)
        return state


@cache
def _matrix_products():
    """Thread pools of the libraries that numba multiplies matrices with."""
    return ThreadpoolController().select(user_api="blas")


def can_compile(net, iterator):
    """Tell whether the kernel does the same as the batch loop of skorch would."""
    module, optimizer = net.module_, net.optimizer_
    extras = _EXTRAS.get(type(optimizer))
    return bool(
        extras is not None
        and len(optimizer.param_groups) == 1
        and not any(optimizer.param_groups[0].get(name) for name in extras)
        and all(p.requires_grad and p.dtype == torch.float32 for p in module.parameters())
        and type(iterator) is DataLoader
        and iterator.batch_size is not None
        and not iterator.drop_last
        and iterator.dataset.dataset.augmenter is None
        and torch.device(net.device).type == "cpu"
        and type(net.criterion_) in (BinaryLoss, CrossEntropyLoss)
        and _is_vector_net(module, iterator.dataset.dataset.X)
        and not any(_looks_at_batches(callback) for _, callback in net.callbacks_)
        and _has_numba()
    )


@cache
def _has_numba():
    try:
        import numba  # noqa: F401 - half a second, which fits of images need not spend
    except ImportError:  # not installed, or not made for the numpy that is
        return False
    return True


def _is_vector_net(module, X):
    if frame_shape(X)[:2] != (1, 1):
        return False
    if type(module) is CNNLSTMNet:
        return module.head[0].p == 0
    return type(module) is ConvLSTMNet


def _looks_at_batches(callback):
    if isinstance(callback, LRScheduler):
        return callback.step_every == "batch"
    events = ("on_batch_begin", "on_batch_end", "on_grad_computed")
    return any(getattr(type(callback), e) is not getattr(Callback, e) for e in events)


def _distinct_frames(X):
    if is_lazy(X):
        return X.distinct_frames()
    frames = as_frames(np.asarray(X))
    n, t = frames.shape[:2]
    return frames.reshape(n * t, *frames.shape[2:]), np.arange(n * t).reshape(n, t)


def _class_weight(criterion, n_outputs):
    if isinstance(criterion, BinaryLoss):
        ratio = 1.0 if criterion.pos_weight is None else float(criterion.pos_weight)
        return np.array([1, ratio], dtype=np.float32)
    if criterion.weight is None:
        return np.ones(n_outputs, dtype=np.float32)
    return criterion.weight.numpy()


def _layout(module, Sizes):
    """Sizes of the layers, and for each parameter how it splits into the kernel's pieces."""
    if isinstance(module, ConvLSTMNet):
        convolutions, lstm = [], [cell.n_hidden for cell in module.cells]
        parameters = []
        for cell in module.cells:
            parameters += [(cell.conv.weight, _split_at(-cell.n_hidden)), (cell.conv.bias, _whole)]
        gates = {"n_biases": 1, "o_at": 2, "g_at": 3}
    else:
        convolutions = [part for part in module.encoder if isinstance(part, nn.Conv2d)]
        lstm = [module.lstm.hidden_size]
        parameters = [(p, _whole) for conv in convolutions for p in conv.parameters()]
        parameters += [(p, _whole) for p in module.lstm.parameters()]
        gates = {"n_biases": 2, "o_at": 3, "g_at": 2}
    linear = module.head[-1]
    parameters += [(p, _whole) for p in linear.parameters()]
    dense = [conv.out_channels for conv in convolutions]
    # Arrays: of tuples the kernel would be compiled anew for each number of layers.
    dense, lstm = np.array(dense, dtype=np.int64), np.array(lstm, dtype=np.int64)
    return Sizes(dense=dense, lstm=lstm, n_outputs=linear.out_features, **gates), parameters


def _whole(array):
    return [array]


def _split_at(column):
    return lambda array: [array[:, :column], array[:, column:]]
