"""One ConvLSTM layer: the layout of its buffers, and one step forward and backward.

Gates are activated once, and overwritten by their gradients in the backward pass. Frames are
processed in slabs of rows that stay in the cache.
"""

from importlib.util import find_spec

import torch
import torch.nn.functional as F  # noqa: N812 - torch's own name for it

from ._gates import TorchGates, TorchWeightGradient
from ._shapes import is_traced

# Gates of one slab. The C library returns much larger blocks to the system, and to allocate them
# again, page by page, takes longer than the convolution; smaller ones only make threads wait.
_SLAB_BYTES = 2**23
_HAS_LLVMLITE = find_spec("llvmlite") is not None


def prepare(weight, bias):
    """Double the weights of g, see `_gates`; pad even kernels by a row and column of zeros."""
    twice = weight.new_ones(len(bias))
    twice[3 * len(bias) // 4 :] = 2
    height, width = weight.shape[2:]
    if height % 2 == 0 or width % 2 == 0:  # padding="same" has one row more below than above
        weight = F.pad(weight, (1 - width % 2, 0, 1 - height % 2, 0))
    return weight * twice[:, None, None, None], bias * twice


class Layer:
    """One layer and the layout of its buffers: (n, h, w, channels), rows padded for the kernel.

    Parameters
    ----------
    weight, bias : tensor
        Results of :func:`prepare`.
    like : tensor of shape (n, any, h, w)
        A frame.
    buffers : Buffers
        Memory for the large arrays.
    dtype : torch.dtype
        What the convolutions read and write; the rest has the dtype of `bias`.
    """

    def __init__(self, weight, bias, like, buffers, dtype):
        self.buffers = buffers
        self.n, _, self.height, self.width = like.shape
        self.n_hidden = len(bias) // 4
        self.n_in = weight.shape[1] - self.n_hidden
        self.weight = weight.to(dtype).contiguous(memory_format=torch.channels_last)
        self.bias = bias
        self.halo = weight.shape[2] // 2
        self.padding = (0, weight.shape[3] // 2)
        self.is_product = tuple(weight.shape[2:]) == (1, 1)
        self.slabs = list(self._slabs())
        self.gates = _choose_gates(self.bias)
        self.convolution = _choose_convolution(self.weight, self.bias, like.shape[2:])

    def _slabs(self):
        """Pairs of slices, of samples and of rows; large frames are divided into several slabs."""
        row_bytes = self.width * 4 * self.n_hidden * self.bias.element_size()
        rows = max(1, _SLAB_BYTES // row_bytes)
        if self.weight.device.type != "cpu" or rows >= self.n * self.height:
            yield slice(0, self.n), slice(0, self.height)
            return
        samples = max(1, rows // self.height)
        for i in range(0, self.n, samples):
            for r in range(0, self.height, rows):
                yield slice(i, min(i + samples, self.n)), slice(r, min(r + rows, self.height))

    def new_frames(self, t):
        """Buffer of [x, h], h zero in the first frame."""
        buffer = self._padded("frames", t, self.n_in + self.n_hidden, self.weight)
        self.hidden(buffer[0]).zero_()
        return buffer

    def new_gates(self, t):
        """Buffer of gates."""
        return self._padded("gates", t, 4 * self.n_hidden, self.bias)

    def new_cells(self, t):
        """Buffer of cell states, zero in the first frame."""
        shape = (t, self.n, self.height, self.width, self.n_hidden)
        cells = self.buffers.get("cells", shape, self.bias)
        cells[0] = 0
        return cells

    def _padded(self, name, t, channels, like):
        height = self.height + 2 * self.halo
        shape = (t, self.n, height, self.width, channels)
        buffer = self.buffers.get(name, shape, like)
        buffer[:, :, : self.halo] = 0
        buffer[:, :, height - self.halo :] = 0
        return buffer

    def rows(self, buffer):
        """Leave out the padding."""
        return buffer[..., self.halo : self.halo + self.height, :, :]

    def hidden(self, xh):
        """Return the part of [x, h] that is h."""
        return self.rows(xh)[..., self.n_in :]

    def put(self, x, xh):
        """Write frames (..., n_in, h, w) into a buffer of [x, h]."""
        self.rows(xh)[..., : self.n_in] = x.movedim(-3, -1)

    def forward_step(self, xh, cell, gates, new_cell, hidden):
        """Compute one step; the gates are not saved if `gates` is None."""
        for samples, rows in self.slabs:
            raw = self.raw_gates(xh, samples, rows)
            saved = raw if gates is None else _pixels(self.rows(gates)[samples, rows])
            read = _pixels(hidden[samples, rows])  # by the next convolution
            is_rounded = read.dtype != raw.dtype
            new_hidden = raw.new_empty(read.shape) if is_rounded else read
            self.gates.forward_step(
                raw,
                _pixels(cell[samples, rows]),
                saved,
                _pixels(new_cell[samples, rows]),
                new_hidden,
            )
            if is_rounded:
                read.copy_(new_hidden)

    def recompute_gates(self, xh, gates):
        """Compute the gates of an earlier step once more."""
        for samples, rows in self.slabs:
            saved = _pixels(self.rows(gates)[samples, rows])
            self.gates.activate(self.raw_gates(xh, samples, rows), saved)

    def raw_gates(self, xh, samples, rows):
        """Gates of a slab before their activation, (n, pixels, channels) in this order."""
        slab, bias = self.with_halo(xh, samples, rows), self.bias.to(self.weight.dtype)
        if self.convolution is not None:
            raw = bias.new_empty(len(slab), rows.stop - rows.start, self.width, len(bias))
            self.convolution(slab, raw)
            raw = _pixels(raw)
        elif self.is_product:
            raw = torch.addmm(bias, slab.flatten(0, 2), self.weight.flatten(1).T)
            raw = raw.view(len(slab), -1, len(bias))
        else:
            raw = F.conv2d(channels_second(slab), self.weight, bias, padding=self.padding)
            # Without oneDNN a convolution may answer in another memory layout.
            raw = _pixels(raw.permute(0, 2, 3, 1).contiguous())
        return raw.to(self.bias.dtype)

    def with_halo(self, buffer, samples, rows):
        """Slab and the rows around it that the kernel reads."""
        return buffer[samples, rows.start : rows.stop + 2 * self.halo]

    def backward_step(self, gates, cell, new_cell, d_hidden, d_cell):
        """Replace gates by their gradient, and `d_cell` by that of the previous cell state."""
        for samples, rows in self.slabs:
            self.gates.backward_step(
                _pixels(self.rows(gates)[samples, rows]),
                _pixels(cell[samples, rows]),
                _pixels(new_cell[samples, rows]),
                _pixels(d_hidden[samples, rows]),
                _pixels(d_cell[samples, rows]),
            )

    def as_read(self, d_gates):
        """Gradients of the gates in the dtype of the convolutions."""
        if d_gates.dtype == self.weight.dtype:
            return d_gates
        return self.buffers.get("d_gates", d_gates.shape, self.weight).copy_(d_gates)


class InputGradient:
    """Gradient with respect to [x, h]: a convolution too, with transposed and flipped kernels."""

    def __init__(self, layer, need_x):
        self.layer = layer
        self.first = 0 if need_x else layer.n_in
        flipped = layer.weight[:, self.first :].transpose(0, 1).flip(2, 3)
        self.weight = flipped.contiguous(memory_format=torch.channels_last)
        frame_size = layer.height, layer.width
        self.convolution = _choose_convolution(self.weight, None, frame_size)

    def __call__(self, d_gates, d_x, d_hidden):
        layer = self.layer
        for samples, rows in layer.slabs:
            slab, d_h = layer.with_halo(d_gates, samples, rows), d_hidden[samples, rows]
            if self.convolution is not None and d_x is None:
                self.convolution(slab, d_h)
                continue
            if self.convolution is not None:
                d_xh = d_h.new_empty(*d_h.shape[:3], len(self.weight))
                self.convolution(slab, d_xh)
            elif layer.is_product:
                d_xh = slab @ self.weight.flatten(1).T
            else:
                d_xh = F.conv2d(channels_second(slab), self.weight, padding=layer.padding)
                d_xh = d_xh.permute(0, 2, 3, 1)
            d_h.copy_(d_xh[..., -layer.n_hidden :])
            if d_x is not None:
                d_x[samples, rows] = d_xh[..., : layer.n_in]


def _choose_gates(bias):
    if _can_compile():
        from ._compiled_gates import compiled_gates

        return compiled_gates(bias) or TorchGates()
    return TorchGates()


def _choose_convolution(weight, bias, frame_size):
    """Return a compiled convolution, or None if torch's is to be used."""
    if not _can_compile():
        return None
    from ._compiled_convolution import compiled_convolution

    return compiled_convolution(weight, bias, frame_size)


def choose_weight_gradient(layer):
    weight_gradient = None
    if _can_compile():
        from ._compiled_gradient import compiled_weight_gradient

        weight_gradient = compiled_weight_gradient(layer.weight)
    return weight_gradient or TorchWeightGradient(layer.weight, layer.bias.dtype)


def _can_compile():
    # Machine code cannot be traced. Its import takes time, and llvmlite is optional.
    return _HAS_LLVMLITE and not is_traced()


def channels_second(images):
    return images.movedim(-1, -3)


def _pixels(images):
    """(n, pixels, channels) of (n, h, w, channels); a view."""
    return images.flatten(1, 2)
