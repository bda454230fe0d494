"""ConvLSTM: a recurrent network whose state is an image."""

from collections import deque
from collections.abc import Sequence

import torch
from torch import nn
from torch.nn.functional import conv2d

from ._precision import as_dtype
from ._recurrence import hidden_states, stream_hidden_states
from ._recurrent_net import RecurrentNet
from ._shapes import (
    as_sizes,
    find_present,
    is_traced,
    same_kernel,
    split_missing,
)
from ._vector_lstm import vector_states
from ._workspace import Workspace


class ConvLSTMNet(RecurrentNet):
    """Convolutional LSTM over the frames, and a convolutional head on its last state.

    Its defaults are the published network, with 20,541 parameters at 3 channels and one output.
    The recurrence is that of [1]_ without peepholes, gates in the order i, f, o, g. The head
    is a convolution, ReLU and max-pooling for each of `head_channels`, then a linear layer on
    all that is left. Kernels and pools wider than a frame shrink to it, and the head ends if a
    single pixel is left: on frames of 1 x 1 the net is an LSTM on vectors and a linear layer.

    Parameters
    ----------
    n_channels : int
        Channels of a frame.
    n_outputs : int
        Number of logits.
    frame_size : tuple of int (height, width), default=(224, 224)
        Size of a frame in pixels. The linear layer depends on it.
    hidden_channels : int or tuple of int, default=10
        Channels of the state; a tuple stacks one layer for each.
    kernel_size : int, default=3
        Side of all convolution kernels, in pixels.
    head_channels : tuple of int, default=(20, 40)
        Output channels of the convolutions of the head; empty for a linear layer on the state.
    pool_size : int, default=4
        Side of the max-pooling windows of the head, in pixels.
    low_memory : bool, default=False
        Keep only the states of the frames in training; the backward pass recomputes the gates.
        The same gradients in half of the memory, in about a fifth more time.
    precision : {"float32", "bfloat16"}, default="float32"
        Precision of the convolutions of the recurrence in training mode. "bfloat16" rounds inputs
        and hidden states to an 8-bit mantissa before each convolution; gates, cell states, sums
        over frames, weights and the head stay in float32. It is faster on hardware that multiplies
        bfloat16, and slower on other hardware. Evaluation mode, frames of 1 x 1 and exported or
        compiled networks are always float32.

    Raises
    ------
    ValueError
        If a size is not a positive integer, or for another `precision`.

    See Also
    --------
    skwater.ConvLSTMClassifier : The same network as a scikit-learn estimator.
    load_published_convlstm : The authors' trained weights.

    References
    ----------
    .. [1] X. Shi et al., "Convolutional LSTM Network: A Machine Learning Approach for
       Precipitation Nowcasting", NeurIPS 2015, https://arxiv.org/abs/1506.04214.

    Examples
    --------
    >>> import torch
    >>> from skwater.nn import ConvLSTMNet
    >>> net = ConvLSTMNet(3, 1)
    >>> sum(p.numel() for p in net.parameters())
    20541
    >>> net = ConvLSTMNet(3, 1, frame_size=(32, 32))
    >>> net(torch.zeros(2, 5, 3, 32, 32)).shape
    torch.Size([2, 1])
    """

    def __init__(
        self,
        n_channels: int,
        n_outputs: int,
        *,
        frame_size: tuple[int, int] = (224, 224),
        hidden_channels: int | Sequence[int] = 10,
        kernel_size: int = 3,
        head_channels: Sequence[int] = (20, 40),
        pool_size: int = 4,
        low_memory: bool = False,
        precision: str = "float32",
    ) -> None:
        super().__init__()
        self._reduced = as_dtype(precision)
        hidden_channels = as_sizes("hidden_channels", hidden_channels)
        if not hidden_channels:
            raise ValueError("hidden_channels must hold at least one positive integer, got none.")
        (kernel_size,) = as_sizes("kernel_size", kernel_size)
        (pool_size,) = as_sizes("pool_size", pool_size)
        kernel = same_kernel(kernel_size, frame_size)
        inputs = (n_channels, *hidden_channels)
        self.layers = nn.ModuleList(
            ConvLSTMLayer(n_in, n_hidden, kernel, low_memory=low_memory)
            for n_in, n_hidden in zip(inputs, hidden_channels, strict=False)
        )
        self.head = _conv_head(
            hidden_channels[-1], n_outputs, frame_size, kernel_size, head_channels, pool_size
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Logits after the last frame.

        Parameters
        ----------
        x : tensor of shape (n, t, c, h, w), dtype float
            Sequences of frames. An all-NaN frame is missing: the state is carried over it.

        Returns
        -------
        tensor of shape (n, n_outputs)
            Logits.
        """
        if is_traced():
            return self._step_through(x)
        return self.head(self._last_state(x))

    def forward_over_time(self, x: torch.Tensor) -> torch.Tensor:
        """Logits after each frame, from the frames up to it.

        Parameters
        ----------
        x : tensor of shape (n, t, c, h, w), dtype float
            Sequences, as in :meth:`forward`.

        Returns
        -------
        tensor of shape (n, t, n_outputs)
            Logits.
        """
        return torch.stack([self.head(state) for state in self._states(x)], dim=1)

    def _forward_step(self, frame, state):
        missing, x = split_missing(frame)
        if state is None:
            state = [
                x.new_zeros(x.shape[0], layer.n_hidden, *x.shape[2:])
                for layer in self.layers
                for _ in ("hidden", "cell")
            ]
        missing, new_state = missing[:, None, None, None], []
        for layer, h, c in zip(self.layers, state[::2], state[1::2], strict=True):
            new_h, new_c = textbook_step(x, h, c, *layer.weights())
            x = torch.where(missing, h, new_h)
            new_state += [x, torch.where(missing, c, new_c)]
        return tuple(new_state)

    def _last_state(self, x):
        if self._streams(x):
            return deque(self._states(x), maxlen=1).pop()
        return self._run(x)[1]

    def _states(self, x):
        """Hidden states of the last layer, one frame after the other."""
        if self._streams(x):
            frames, missing = _by_frame(x)
            layers = [layer.weights() for layer in self.layers]
            states = stream_hidden_states(frames, layers, missing, dtype=self._dtype(x))
        else:
            states = self._run(x)[0].unbind(0)
        return (state.to(x.dtype) for state in states)

    def _dtype(self, x):
        """What the convolutions run in; None for that of the weights."""
        return self._reduced if self.training and x.shape[3:] != (1, 1) else None

    def _streams(self, x):
        """Whether each frame can be forgotten after the next: there is no backward pass."""
        return not _is_vector(x) and not self._needs_gradient(x)

    def _needs_gradient(self, x):
        weights = self.layers.parameters()
        return torch.is_grad_enabled() and any(p.requires_grad for p in (x, *weights))

    def _run(self, x):
        """Hidden states of the last layer, (t, n, n_hidden, h, w), and the last one alone."""
        states, missing = _by_frame(x)
        if _is_vector(x):
            return vector_states(states, [layer.weights() for layer in self.layers], missing)
        for layer in self.layers:
            states, last = layer(states, missing, self._dtype(x))
        return states, last


class ConvLSTMLayer(nn.Module):
    """Weights of one layer: one convolution over [x, h] gives all four gates."""

    def __init__(self, n_in, n_hidden, kernel_size, *, low_memory=False):
        super().__init__()
        self.n_hidden = n_hidden
        self.low_memory = low_memory
        self.conv = nn.Conv2d(n_in + n_hidden, 4 * n_hidden, kernel_size, padding="same")
        with torch.no_grad():  # remember, until it learns to forget (Gers et al. 2000)
            self.conv.bias[n_hidden : 2 * n_hidden] += 2

        self._workspace = Workspace()

    def forward(self, x, missing, dtype=None):
        """Hidden states after all frames (t, n, c, h, w), and the last one alone."""
        workspace = self._workspace if self.training else None
        return hidden_states(
            x,
            *self.weights(),
            missing,
            workspace=workspace,
            recompute_gates=self.low_memory,
            dtype=dtype,
        )

    def train(self, mode=True):
        """Switch between training and evaluation, which gives the memory of training back."""
        if not mode:
            self._workspace.clear()
        return super().train(mode)

    def weights(self):
        """Kernels and biases of the gates i, f, o, g."""
        return self.conv.weight, self.conv.bias


def textbook_step(x, h, c, weight, bias):
    """Hidden and cell state of a layer after one frame, as textbooks write it.

    Nothing is fused or written in place, so it can be traced, and the fast recurrence is tested
    against it.
    """
    gates = conv2d(torch.cat((x, h), dim=1), weight, bias, padding="same")
    i, f, o, g = gates.chunk(4, dim=1)
    c = f.sigmoid() * c + i.sigmoid() * g.tanh()
    return o.sigmoid() * c.tanh(), c


def _is_vector(x):
    return x.shape[3:] == (1, 1) and x.device.type == "cpu"


def _by_frame(x):
    """Frames (t, n, c, h, w) without NaN, and which samples miss them, (t, n), or None."""
    present, x = find_present(x)
    return x.transpose(0, 1), None if present.all() else ~present.T


def _conv_head(n_in, n_outputs, frame_size, kernel_size, head_channels, pool_size):
    layers = []
    size = tuple(frame_size)
    for n_out in as_sizes("head_channels", head_channels):
        if size == (1, 1):
            break  # nothing is left to convolve
        kernel = tuple(min(kernel_size, s) for s in size)
        size = tuple(s - k + 1 for s, k in zip(size, kernel, strict=True))
        pool = tuple(min(pool_size, s) for s in size)
        size = tuple(s // p for s, p in zip(size, pool, strict=True))
        # Pooled first: the same, on fewer pixels.
        layers += [nn.Conv2d(n_in, n_out, kernel), nn.MaxPool2d(pool), nn.ReLU()]
        n_in = n_out
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(n_in * size[0] * size[1], n_outputs))
