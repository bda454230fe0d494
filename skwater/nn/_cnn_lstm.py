"""CNN-LSTM: a convolutional encoder of single frames, and an LSTM over their codes."""

from collections.abc import Sequence

import torch
from torch import nn

from ._precision import as_dtype
from ._recurrent_net import RecurrentNet
from ._shapes import (
    as_sizes,
    find_present,
    is_traced,
    same_kernel,
    split_missing,
)
from ._shared_frames import SharedFrames
from ._workspace import keep_freed_memory

# Images of the first convolution, in bytes, that are encoded at once. The C library gives larger
# ones back to the system, and to fetch them anew takes longer than the convolution.
_BYTES_AT_ONCE = 2**23


class CNNLSTMNet(RecurrentNet):
    """A small CNN that encodes each frame by itself, an LSTM over the codes, a linear layer.

    Each block of the CNN is a convolution, max-pooling by 2 and ReLU; the last one is averaged
    over all pixels, so the number of parameters does not depend on the frame size. It cannot see
    how a part of the image changes, only how its average code does. The published
    network of this name [1]_ has the same parts and some 500 million parameters, far too many
    for a few dozen plants; this one is of the size of the published ConvLSTM.

    Parameters
    ----------
    n_channels : int
        Channels of a frame.
    n_outputs : int
        Number of logits.
    frame_size : tuple of int (height, width), default=(224, 224)
        Size of a frame in pixels. Kernels wider than a frame shrink to it.
    block_channels : tuple of int, default=(8, 16, 32)
        Output channels of the convolution blocks.
    kernel_size : int, default=3
        Side of the convolution kernels, in pixels.
    lstm_size : int, default=32
        Number of units of the LSTM.
    dropout : float, default=0.0
        Probability to drop a unit between the LSTM and the linear layer in training.
    precision : {"float32", "bfloat16"}, default="float32"
        Precision of the encoder in training mode. "bfloat16" rounds images to an 8-bit mantissa
        before and after each convolution; the LSTM, the weights and the sums of their gradients
        stay in float32. It is faster on hardware that multiplies bfloat16, and slower on other
        hardware. Evaluation mode, frames of 1 x 1 and exported or compiled networks are always
        float32.
    encoder : torch.nn.Module, default=None
        Takes frames (k, c, h, w), returns codes (k, d), and has d as ``n_features``. It is used in
        place of the blocks.

    Raises
    ------
    ValueError
        If a size is not a positive integer, or for another `precision`.

    See Also
    --------
    skwater.CNNLSTMClassifier : The same network as a scikit-learn estimator.
    ConvLSTMNet : Keeps an image as its state.

    References
    ----------
    .. [1] "Spatio-Temporal Analysis", https://github.com/GVS-007/Spatio-Temporal-Analysis.

    Examples
    --------
    >>> import torch
    >>> from skwater.nn import CNNLSTMNet
    >>> net = CNNLSTMNet(3, 1, frame_size=(32, 32))
    >>> net(torch.zeros(2, 5, 3, 32, 32)).shape
    torch.Size([2, 1])
    """

    takes_shared_frames = True

    def __init__(
        self,
        n_channels: int,
        n_outputs: int,
        *,
        frame_size: tuple[int, int] = (224, 224),
        block_channels: Sequence[int] = (8, 16, 32),
        kernel_size: int = 3,
        lstm_size: int = 32,
        dropout: float = 0.0,
        precision: str = "float32",
        encoder: nn.Module | None = None,
    ) -> None:
        super().__init__()
        self._reduced = as_dtype(precision)
        (kernel_size,) = as_sizes("kernel_size", kernel_size)
        (lstm_size,) = as_sizes("lstm_size", lstm_size)
        if encoder is not None:
            self.encoder, n_in = nn.Sequential(encoder), encoder.n_features
        else:
            self.encoder, n_in = _blocks(n_channels, frame_size, block_channels, kernel_size)
        self.lstm = nn.LSTM(n_in, lstm_size, batch_first=True)
        self.head = nn.Sequential(nn.Dropout(dropout), nn.Linear(lstm_size, n_outputs))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Logits after the last frame.

        Parameters
        ----------
        x : tensor of shape (n, t, c, h, w), dtype float, or SharedFrames
            Sequences of frames. An all-NaN frame is missing: the state is carried over it.

        Returns
        -------
        tensor of shape (n, n_outputs)
            Logits.
        """
        if is_traced():
            return self._step_through(x)
        return self.head(self._states(x)[:, -1])

    def forward_over_time(self, x: torch.Tensor) -> torch.Tensor:
        """Logits after each frame, from the frames up to it.

        Parameters
        ----------
        x : tensor of shape (n, t, c, h, w), dtype float, or SharedFrames
            Sequences, as in :meth:`forward`.

        Returns
        -------
        tensor of shape (n, t, n_outputs)
            Logits.
        """
        return self.head(self._states(x))

    def _forward_step(self, frame, state):
        missing, x = split_missing(frame)
        if state is None:
            state = [x.new_zeros(x.shape[0], self.lstm.hidden_size) for _ in ("hidden", "cell")]
        after = torch.lstm_cell(self.encoder(x), state, *self.lstm.all_weights[0])
        pairs = zip(state, after, strict=True)
        return tuple(torch.where(missing[:, None], old, new) for old, new in pairs)

    def _states(self, x):
        """Hidden states (n, t, lstm_size) after each frame."""
        present, codes = self._codes(x)
        n, t = present.shape
        # Carrying the state over missing frames is the same as leaving them out: the codes of the
        # present frames move to the front, and each frame reads the state of the last one.
        n_seen = present.cumsum(dim=1)
        rows = torch.arange(n, device=codes.device)[:, None].expand(n, t)
        front = codes.new_zeros(n, t, codes.shape[1])
        front[rows[present], n_seen[present] - 1] = codes
        hidden, _ = self.lstm(front)
        nothing_seen = hidden.new_zeros(n, 1, hidden.shape[2])
        return torch.cat([nothing_seen, hidden], dim=1)[rows, n_seen]

    def _codes(self, x):
        """Which frames are present, (n, t), and their codes in the order of the samples."""
        if not isinstance(x, SharedFrames):
            present, x = find_present(x)
            return present, self._encode(x, present)
        distinct, frames = find_present(x.frames[:, None])
        codes = self._encode(frames, distinct)  # of a frame once, however many sequences have it
        present = distinct[:, 0][x.table]
        places = distinct[:, 0].cumsum(0) - 1
        return present, codes[places[x.table[present]]]

    def _encode(self, x, present):
        """Codes of the present frames, in the order of the samples."""
        frames = x.flatten(0, 1)
        if not present.all():
            frames = frames[present.flatten()]
        at_once = max(1, len(frames))
        if frames.device.type == "cpu":
            keep_freed_memory(self.training)
            channels = getattr(self.encoder[0], "out_channels", 1)
            n_bytes = channels * frames.shape[2] * frames.shape[3] * frames.element_size()
            at_once = max(1, _BYTES_AT_ONCE // n_bytes)
        reduced = self._reduced if self.training and frames.shape[2:] != (1, 1) else None
        return torch.cat([self._encode_some(some, reduced) for some in frames.split(at_once)])

    def _encode_some(self, frames, reduced):
        frames = frames.contiguous(memory_format=torch.channels_last)
        if reduced is None:
            return self.encoder(frames)
        # Here and not around all parts: autocast rounds the weights once, and gradients by what it
        # has rounded would be summed over the parts in bfloat16.
        with torch.autocast(frames.device.type, reduced):
            return self.encoder(frames.to(reduced)).to(frames.dtype)


def _blocks(n_channels, frame_size, block_channels, kernel_size):
    """Convolution blocks and an average over the pixels; the number of codes beside them."""
    blocks = []
    size, n_in = tuple(frame_size), n_channels
    for n_out in as_sizes("block_channels", block_channels):
        pool = tuple(min(2, s) for s in size)
        kernel = same_kernel(kernel_size, size)
        # Pooled before the ReLU: the same, on a quarter of the pixels.
        blocks += [nn.Conv2d(n_in, n_out, kernel, padding="same")]
        blocks += [nn.MaxPool2d(pool), nn.ReLU()]
        size, n_in = tuple(s // p for s, p in zip(size, pool, strict=True)), n_out
    return nn.Sequential(*blocks, nn.AdaptiveAvgPool2d(1), nn.Flatten()), n_in
