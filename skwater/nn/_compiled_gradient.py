"""The gradient with respect to the weights of a convolution, as machine code.

It is half of a training step, and a general convolution library is slow at it: 13 channels
and 40 gates fill no vector. Here the gates of a pixel are vectors, each of a few channels of a
neighbor is multiplied by them, and the sums stay in registers along a row of pixels.
"""

from functools import cache
from itertools import pairwise, product

import torch

from ._machine_code import Kernel, compile_kernel, fma, vector_size

_MOST_WEIGHTS = 2**15
# Each chunk of rows has sums of its own, which are added in order: chunks depend on the frames
# alone, so the result is the same with any number of threads. A power of 2 suits most numbers.
_MOST_CHUNKS = 64
_CHUNK_PIXELS = 2**10


def compiled_weight_gradient(weight):
    """Return a new CompiledWeightGradient for these kernels, or None if another way is better.

    It is for single precision on the CPU. Kernels of one row have no padding below that vectors
    may read from, and that of a few gates is too short for it; with many channels a convolution
    library is as fast.
    """
    n_gates, n_channels, height, width = weight.shape
    if (
        vector_size() is None
        or weight.device.type != "cpu"
        or weight.dtype != torch.float32
        or height == 1
        or n_gates < vector_size()[0]
        or weight.numel() > _MOST_WEIGHTS
    ):
        return None
    return CompiledWeightGradient(n_gates, n_channels, height, width)


class CompiledWeightGradient:
    """Gradient with respect to the kernels over [x, h]; the interface of TorchWeightGradient.

    Height and width of the kernels are odd.
    """

    def __init__(self, n_gates, n_channels, height, width):
        self._shape = n_gates, n_channels, height, width
        self._sums = None

    def add(self, xh, d_gates):
        """Add the gradient of one frame; both (n, h + padding, w, channels), rows padded."""
        n_gates, n_channels, height, width = self._shape
        n, n_padded_rows, n_columns, _ = xh.shape
        for name, array, channels in (("xh", xh, n_channels), ("d_gates", d_gates, n_gates)):
            shape = n, n_padded_rows, n_columns, channels
            # The kernel would read other numbers, or beyond the array.
            if (
                array.shape != shape
                or not array.is_contiguous()
                or array.dtype is not torch.float32
            ):
                raise ValueError(
                    f"{name} must be contiguous float32 of shape {shape}, got {array.dtype}, "
                    f"{tuple(array.shape)}, strides {array.stride()}."
                )
        n_rows = n_padded_rows - height + 1
        n_pixels = n * n_rows * n_columns
        if self._sums is None:
            limit = max(1, min(_MOST_CHUNKS, n * n_rows, n_pixels // _CHUNK_PIXELS))
            n_chunks = 1 << (limit.bit_length() - 1)
            shape = n_chunks, height, width, n_channels, _padded(n_gates, vector_size()[0])
            self._sums = torch.zeros(shape, dtype=torch.float32, device="cpu")
        add_rows = _compile(*self._shape, *vector_size())  # not before it is needed
        addresses = [array.data_ptr() for array in (xh, d_gates, self._sums)]
        n_chunks = len(self._sums)
        add_rows(n_chunks, n_pixels, *addresses, n_chunks, n, n_rows, n_columns)

    def total(self):
        """Sum over all frames."""
        return self._sums.sum(0)[..., : self._shape[0]].permute(3, 2, 0, 1)


@cache
def _compile(n_gates, n_channels, height, width, n_lanes, n_sums):
    return compile_kernel(write_kernel(n_gates, n_channels, height, width, n_lanes, n_sums))


def write_kernel(n_gates, n_channels, height, width, n_lanes, n_sums):
    """Add up the products of gates and channels at all neighbors of all pixels.

    Parameters
    ----------
    n_gates, n_channels, height, width : int
        Shape of the weights.
    n_lanes : int
        Floats in a vector.
    n_sums : int
        Vectors of sums that fit the registers.

    Returns
    -------
    Kernel
        Its items are chunks of rows. Its arguments are the addresses of [x, h], of the gradient
        of the gates and of the sums (chunks, height, width, channels, gates); the number of
        chunks, of samples, of rows of a sample without padding, and of columns.
    """
    kernel = Kernel("add_weight_gradient")
    x, d, sums = (kernel.pointer() for _ in range(3))
    n_chunks, n_samples, n_rows, n_columns = (kernel.integer() for _ in range(4))
    all_rows, padding = n_samples * n_rows, width // 2
    in_tap = n_channels * _padded(n_gates, n_lanes)
    # Offsets of neighbors that at least one column has inside the frame.
    first_dx = (padding + 1 - n_columns).at_least(0)
    stop_dx = (padding + n_columns).at_most(width)

    for chunk in kernel.range(kernel.first, kernel.stop):
        chunk_sums = sums + chunk * (height * width * in_tap)
        first, stop = all_rows * chunk // n_chunks, all_rows * (chunk + 1) // n_chunks
        for row in kernel.range(first, stop):
            padded_row = row + row // n_rows * (height - 1)
            d_row = d + (padded_row + height // 2) * n_columns * n_gates
            for dy in kernel.range(0, height):
                x_row = x + (padded_row + dy) * n_columns * n_channels
                row_sums = chunk_sums + dy * (width * in_tap)
                for dx in kernel.range(first_dx, stop_dx):
                    shift = dx - padding
                    left, right = (-shift).at_least(0), shift.at_least(0)  # columns left out
                    _add_row(
                        kernel,
                        x_row + (left + shift) * n_channels,
                        d_row + left * n_gates,
                        row_sums + dx * in_tap,
                        n_columns - left - right,
                        (n_gates, n_channels, n_lanes, n_sums),
                    )
    return kernel


def _add_row(kernel, x, d, tap_sums, n_columns, sizes):
    """Add the products along one row of pixels, at one tap of the convolution kernel."""
    n_gates, n_channels, n_lanes, n_sums = sizes
    n_padded = _padded(n_gates, n_lanes)
    for channels, vectors in _tiles(n_channels, n_padded // n_lanes, n_sums):
        pairs = list(product(channels, vectors))
        now = {"x": x, "d": d} | {pair: kernel.zeros(n_lanes) for pair in pairs}
        for _ in kernel.repeat(0, n_columns, now):
            gates = {v: (now["d"] + v * n_lanes).load(n_lanes) for v in vectors}
            for c in channels:
                channel = (now["x"] + c).load_all(n_lanes)
                for v in vectors:
                    now[c, v] = fma(channel, gates[v], now[c, v])
            now["x"] += n_channels
            now["d"] += n_gates
        for c, v in pairs:
            place = tap_sums + (c * n_padded + v * n_lanes)
            place.store(place.load(n_lanes) + now[c, v])


def _tiles(n_channels, n_vectors, n_sums):
    """Split channels by vectors of gates into tiles whose sums fit the registers."""
    for v in range(0, n_vectors, 4):
        vectors = range(v, min(v + 4, n_vectors))
        n_tiles = -(-n_channels // (n_sums // len(vectors)))
        edges = [n_channels * i // n_tiles for i in range(n_tiles + 1)]
        for start, stop in pairwise(edges):
            yield range(start, stop), vectors


def _padded(n_gates, n_lanes):
    """Gates in whole vectors."""
    return -(-n_gates // n_lanes) * n_lanes
