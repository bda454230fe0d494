"""A convolution of few channels as machine code.

A general convolution library prepares each call: it looks for a kernel, and reorders weights. On
small images that takes longer than the arithmetic.
"""

import math
from functools import cache
from itertools import pairwise

import torch
import torch.nn.functional as F  # noqa: N812 - torch's own name for it

from ._machine_code import Kernel, compile_kernel, fma, vector_size

_MOST_WEIGHTS = 2**15
_MOST_PIXELS = 2**10  # of a frame
_MOST_PIXELS_IN_TILE = 8  # each has a pointer in a register


def compiled_convolution(weight, bias, frame_size):
    """Return a CompiledConvolution with these weights, or None if another way is better.

    It is for single precision on the CPU. With many channels or large frames a convolution
    library is as fast, and kernels of one pixel are matrix products.
    """
    if (
        vector_size() is None
        or weight.device.type != "cpu"
        or weight.dtype != torch.float32
        or weight.numel() > _MOST_WEIGHTS
        or tuple(weight.shape[2:]) == (1, 1)
        or math.prod(frame_size) > _MOST_PIXELS
    ):
        return None
    return CompiledConvolution(weight, bias)


class CompiledConvolution:
    """Convolution of images with padded rows, to images of the same size.

    Parameters
    ----------
    weight : tensor of shape (n_out, n_in, height, width)
        The kernels; height and width are odd.
    bias : tensor of shape (n_out,) or None
        What is added.
    """

    def __init__(self, weight, bias):
        self._shape = weight.shape
        n_out, n_in = weight.shape[:2]
        padding = [0, -n_out % vector_size()[0]]
        bias = weight.new_zeros(n_out) if bias is None else bias
        self._weight = F.pad(weight.permute(2, 3, 1, 0), padding).contiguous()
        self._bias = F.pad(bias, padding)
        self._zeros = weight.new_zeros(n_in)  # what lies beside a frame

    def __call__(self, x, out):
        """Convolve x (n, h + height - 1, w, n_in) and write the result to out (n, h, w, n_out)."""
        n_out, n_in, height, _ = self._shape
        n, n_rows, n_columns = out.shape[:3]
        by_pixel = out.stride(2)
        # The kernel would read other numbers, or beyond the array.
        for name, array, shape, by_column in (
            ("x", x, (n, n_rows + height - 1, n_columns, n_in), n_in),
            ("out", out, (n, n_rows, n_columns, n_out), by_pixel),
        ):
            strides = array.stride()
            if (
                array.shape != shape
                or strides[1:] != (n_columns * by_column, by_column, 1)
                or array.dtype is not torch.float32
            ):
                raise ValueError(
                    f"{name} must be float32 of shape {shape} with adjacent rows and channels, got "
                    f"{array.dtype}, {tuple(array.shape)}, strides {strides}."
                )
        convolve = _compile(*self._shape, *vector_size())
        addresses = [array.data_ptr() for array in (x, out, self._weight, self._bias, self._zeros)]
        strides = x.stride(0), out.stride(0), by_pixel
        convolve(n * n_rows, n * n_rows * n_columns, *addresses, *strides, n_rows, n_columns)


@cache
def _compile(n_out, n_in, height, width, n_lanes, n_sums):
    return compile_kernel(write_kernel(n_out, n_in, height, width, n_lanes, n_sums))


def write_kernel(n_out, n_in, height, width, n_lanes, n_sums):
    """Convolve rows of pixels.

    Parameters
    ----------
    n_out, n_in, height, width : int
        Shape of the weights.
    n_lanes : int
        Floats in a vector.
    n_sums : int
        Vectors of sums that fit the registers.

    Returns
    -------
    Kernel
        Its items are the rows of all samples. Its arguments are the addresses of the input, of
        the output, of the weights (height, width, n_in, n_out, in whole vectors), of the bias
        and of `n_in` zeros; the strides of the input by sample and of the output by sample and
        by pixel, in floats; the number of rows of a sample and of columns.
    """
    kernel = Kernel("convolve")
    x, out, weight, bias, zeros = (kernel.pointer() for _ in range(5))
    x_by_sample, out_by_sample, by_pixel = (kernel.integer() for _ in range(3))
    n_rows, n_columns = (kernel.integer() for _ in range(2))
    for item in kernel.range(kernel.first, kernel.stop):
        sample = item // n_rows
        row = item - sample * n_rows
        x_row = x + sample * x_by_sample + row * n_columns * n_in
        out_row = out + sample * out_by_sample + row * n_columns * by_pixel
        for vectors, n_pixels in _tiles(-(-n_out // n_lanes), n_sums):
            for tile in kernel.range(0, (n_columns + (n_pixels - 1)) // n_pixels):
                first = tile * n_pixels
                start = {v: (bias + v * n_lanes).load(n_lanes) for v in vectors}
                now = {(p, v): start[v] for p in range(n_pixels) for v in vectors}
                now["weight"] = weight
                sizes = n_out, n_in, height, width, n_lanes, vectors, n_pixels
                _add_taps(kernel, now, x_row, zeros, first, n_columns, sizes)
                for p in range(n_pixels):
                    # Once, if the tile does not end before.
                    for column in kernel.range(first + p, n_columns.at_most(first + (p + 1))):
                        pixel = out_row + column * by_pixel
                        for v in vectors:
                            n_stored = min(n_lanes, n_out - v * n_lanes)
                            (pixel + v * n_lanes).store(now[p, v].lanes(range(n_stored)))
    return kernel


def _add_taps(kernel, now, x_row, zeros, first, n_columns, sizes):
    """Add the products at all neighbors to the sums of a tile of pixels."""
    n_out, n_in, height, width, n_lanes, vectors, n_pixels = sizes
    for dy in kernel.repeat(0, height, now):
        line = x_row + dy * n_columns * n_in
        for dx in kernel.repeat(0, width, now):
            columns = [first + dx + (p - width // 2) for p in range(n_pixels)]
            pixels = [c.if_below(n_columns, line + c * n_in, zeros) for c in columns]
            for channel in kernel.repeat(0, n_in, now):
                weights = {v: (now["weight"] + v * n_lanes).load(n_lanes) for v in vectors}
                for p, pixel in enumerate(pixels):
                    value = (pixel + channel).load_all(n_lanes)
                    for v in vectors:
                        now[p, v] = fma(value, weights[v], now[p, v])
                now["weight"] += -(-n_out // n_lanes) * n_lanes


def _tiles(n_vectors, n_sums):
    """Split the vectors of outputs evenly, and say how many pixels fit the registers with them."""
    n_tiles = -(-n_vectors // 4)
    edges = [n_vectors * i // n_tiles for i in range(n_tiles + 1)]
    for start, stop in pairwise(edges):
        yield range(start, stop), min(_MOST_PIXELS_IN_TILE, n_sums // (stop - start))
