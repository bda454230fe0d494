"""The authors' checkpoints, read into our network."""

import os

import torch

from ._conv_lstm import ConvLSTMNet

# Their name of each layer, and ours.
_LAYERS = {
    "conv_lstm.conv": "layers.0.conv",
    "conv1": "head.0",
    "conv2": "head.3",
    "fc1": "head.7",
}


def load_published_convlstm(path: str | os.PathLike[str]) -> ConvLSTMNet:
    """Load a published ConvLSTM checkpoint, weights only.

    The files of [1]_ hold the 20,541 parameters of the network that was trained on the
    Eschikon sugar beet images at 224 x 224 pixels with values in 0 to 1. Nothing in the file is
    executed. Each was chosen by its score on the one test split of eleven plants, so that score
    says little about new plants.

    Parameters
    ----------
    path : str or path-like
        A ``.pt`` file of the authors.

    Returns
    -------
    ConvLSTMNet
        The network, on the CPU. It gives one logit; the published output is its sigmoid.

    Raises
    ------
    ValueError
        If the file holds another network, or anything but weights.

    References
    ----------
    .. [1] "Spatio-Temporal Analysis", https://github.com/GVS-007/Spatio-Temporal-Analysis (MIT).

    Examples
    --------
    >>> from skwater.nn import load_published_convlstm
    >>> load_published_convlstm("setup.cfg")
    Traceback (most recent call last):
    FileNotFoundError: [Errno 2] No such file or directory: 'setup.cfg'
    """
    try:
        theirs = torch.load(path, map_location="cpu", weights_only=True)
    except OSError:
        raise
    except Exception as error:  # torch.load raises a different kind for each way to be wrong
        raise ValueError(f"{path} is not a file of network weights: {error}") from error
    net = ConvLSTMNet(3, 1)
    names = {
        f"{a}.{part}": f"{b}.{part}" for a, b in _LAYERS.items() for part in ("weight", "bias")
    }
    expected = {name: net.state_dict()[ours].shape for name, ours in names.items()}
    if not isinstance(theirs, dict):
        theirs = {}
    found = {name: getattr(value, "shape", None) for name, value in theirs.items()}
    if found != expected:
        raise ValueError(
            f"{path} is not a published ConvLSTM checkpoint: expected {_describe(expected)}, "
            f"got {_describe(found)}."
        )
    net.load_state_dict({ours: theirs[name] for name, ours in names.items()})
    return net


def _describe(shapes):
    return ", ".join(f"{name} {tuple(shape or ())}" for name, shape in shapes.items())
