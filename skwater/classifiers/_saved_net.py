"""The trained network of a classifier as arrays and arguments, and back."""

import numpy as np
import torch

from ..nn._process import choose_device
from ..sequences import frame_shape_of
from ._batches import identity_collate
from ._losses import BinaryLoss, CrossEntropyLoss
from ._reproducibility import isolated_fit
from ._training import _SkorchNet

_MAX_LAYERS = 100


def arguments_and_weights(net):
    """What a trained network was built with, and its arrays.

    Parameters
    ----------
    net : skorch.NeuralNet
        The trained net.

    Returns
    -------
    arguments : dict
        Keyword arguments of the class of the network.
    weights : dict of str to ndarray
        Its parameters and buffers.
    """
    if not isinstance(net.module, type):
        raise ValueError("net_params holds a network that was built already. Pass its class.")
    weights = {}
    for name, value in net.module_.state_dict().items():
        if not isinstance(value, torch.Tensor) or value.dtype == torch.bfloat16:
            raise ValueError(f"{name} of {net.module.__name__} is no array that numpy has.")
        weights[name] = value.detach().cpu().numpy()
    return net.get_params_for("module"), weights


def restore_net(classifier, network, arguments, weights):
    """Build the network of a classifier anew, for prediction.

    Parameters
    ----------
    classifier : SequenceClassifier
        The classifier, with all fitted attributes but the net.
    network : type
        Class of the network.
    arguments : dict
        Its keyword arguments.
    weights : dict of str to ndarray
        Its parameters and buffers.

    Returns
    -------
    skorch.NeuralNet
        The net, on the device of the classifier if there is one, or else on the CPU.

    Raises
    ------
    ValueError
        If the parts do not fit each other. A network of skwater is compared with the weights
        before it takes any memory.
    """
    _check_classifier(classifier, arguments)
    is_ours = network.__module__.startswith("skwater.nn.")
    if is_ours:
        _check_arguments(arguments)
    device = _available(choose_device(classifier.device, arguments["frame_size"]))
    net = _SkorchNet(
        network,
        criterion=BinaryLoss if arguments["n_outputs"] == 1 else CrossEntropyLoss,
        optimizer=_no_optimizer,
        iterator_train__collate_fn=identity_collate,
        iterator_valid__collate_fn=identity_collate,
        predict_nonlinearity=None,
        train_split=None,
        callbacks__print_log=None,
        verbose=0,
        device="meta" if is_ours else "cpu",
        **{f"module__{name}": value for name, value in arguments.items()},
    )
    with torch.device("meta") if is_ours else isolated_fit(0, "cpu", np.inf):
        net.initialize()
    tensors = {name: torch.from_numpy(array).clone() for name, array in weights.items()}
    _check_weights(net.module_, tensors)
    net.module_.load_state_dict(tensors, assign=is_ours)
    net.device = device
    net.module_.to(device)
    net.drop_what_training_needs()
    return net


def _no_optimizer(*args, **kwargs):
    """Stand in for an optimizer of torch, the first of which imports its compiler, for seconds."""


def _check_classifier(classifier, arguments):
    """Compare what prediction reads with what the network was built for."""
    shape, classes = classifier.sequence_shape_, classifier.classes_
    if not (
        isinstance(shape, tuple)
        and 1 <= len(shape) <= 4
        and all(type(n) is int and n > 0 for n in shape)
    ):
        raise ValueError(f"sequence_shape_ is {shape!r:.80}")
    if not isinstance(classes, np.ndarray) or len(classes.shape) != 1 or len(classes) < 2:
        raise ValueError("classes_ is no array of two classes or more")
    h, w, c = frame_shape_of(shape)
    n_outputs = 1 if len(classes) == 2 else len(classes)
    expected = {"n_channels": c, "n_outputs": n_outputs, "frame_size": (h, w)}
    found = {name: arguments.get(name) for name in expected}
    if found != expected:
        raise ValueError(f"the network is for {found!r:.200}, and the classifier for {expected}")
    for name in ("mean_", "std_"):
        value = getattr(classifier, name)
        if not isinstance(value, np.ndarray) or (value.shape, value.dtype) != ((c,), np.float64):
            raise ValueError(f"{name} is no array of {c} float64")
    if type(classifier.batch_size_) is not int or classifier.batch_size_ < 1:
        raise ValueError(f"batch_size_ is {classifier.batch_size_!r:.80}")


def _check_arguments(arguments):
    """Refuse what would take our networks long to build, even without memory."""
    for name, value in arguments.items():
        if isinstance(value, tuple | list) and len(value) > _MAX_LAYERS:
            raise ValueError(f"{name} has {len(value)} layers, more than {_MAX_LAYERS}")


def _check_weights(module, tensors):
    """Compare names, shapes and types; lazy modules take the shapes that they are given."""
    expected = module.state_dict()
    if set(expected) != set(tensors):
        odd = sorted(set(expected) ^ set(tensors))
        raise ValueError(f"the network and the file differ in the weights {odd!r:.200}")
    for name, value in expected.items():
        if torch.nn.parameter.is_lazy(value):
            continue
        found = tensors[name]
        same_kind = found.is_floating_point() == value.is_floating_point()
        if found.shape != value.shape or not same_kind:
            raise ValueError(
                f"{name} has shape {tuple(found.shape)} and type {found.dtype} in the file, and "
                f"{tuple(value.shape)} and {value.dtype} in the network"
            )


def _available(device):
    """Return the device, or "cpu" if this computer does not have it."""
    try:
        torch.empty(1, device=device).cpu()
    except (RuntimeError, AssertionError, NotImplementedError, ValueError, TypeError):
        return "cpu"
    return device
