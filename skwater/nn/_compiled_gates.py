"""The operations at each pixel as machine code: each number is read and written once.

The arithmetic is that of `_gates`. An exponential is a power of 2: the integer part is written
into the exponent of the float, and the rest, within a half, goes through a polynomial.
"""

from functools import cache
from itertools import pairwise

import torch

from ._machine_code import Kernel, compile_kernel, fma, vector_size

# Of 2**r for |r| <= 1/2 with a relative error of 2e-9: least squares at Chebyshev nodes.
_POWER_OF_2 = (
    *(1.0, 0.6931472056, 0.2402264661, 0.05550328998, 0.00961851953, 0.001339986036),
    0.0001533757682,
)
_MINUS_LOG2_E = -1.4426950408889634
_N_PARTS = {"raw": 4, "gates": 4}  # i, f, o, g
_ROUNDER = 1.5 * 2**23  # adding it rounds to an integer, which the last bits then hold


def compiled_gates(bias):
    """Return CompiledGates for gates with these biases, or None if there is no such code.

    It is for single precision on the CPU.
    """
    on_cpu = bias.device.type == "cpu" and bias.dtype == torch.float32
    return CompiledGates(len(bias) // 4) if on_cpu and vector_size() is not None else None


class CompiledGates:
    """The operations at each pixel, forward and backward; the interface of TorchGates."""

    def __init__(self, n_hidden):
        self._n_hidden = n_hidden

    def activate(self, raw, gates):
        """Apply the sigmoid to the raw gates and write the result."""
        _run("activate", self._n_hidden, raw=raw, gates=gates)

    def forward_step(self, raw, cell, gates, new_cell, hidden):
        """Activate the raw gates; write them, the new cell state and the hidden state.

        The gates are not written if they would replace the raw ones: nobody reads them.
        """
        saved = {} if gates is raw else {"gates": gates}
        states = {"cell": cell, "new_cell": new_cell, "hidden": hidden}
        _run("forward_step", self._n_hidden, raw=raw, **states, **saved)

    def backward_step(self, gates, cell, new_cell, d_hidden, d_cell):
        """Replace the gates by the gradient of the raw gates, and step `d_cell` back."""
        states = {"cell": cell, "new_cell": new_cell, "d_hidden": d_hidden, "d_cell": d_cell}
        _run("backward_step", self._n_hidden, gates=gates, **states)


def _run(name, n_hidden, **arrays):
    """Run a kernel on arrays (n, pixels, channels)."""
    function = _compile(name, n_hidden, tuple(arrays), vector_size()[0])
    n, n_pixels, _ = next(iter(arrays.values())).shape
    arguments = [n]
    for array_name, array in arrays.items():
        shape = n, n_pixels, n_hidden * _N_PARTS.get(array_name, 1)
        by_sample, by_pixel, by_channel = array.stride()
        # The kernel would read other numbers, or beyond the array.
        if array.shape != shape or by_channel != 1 or array.dtype is not torch.float32:
            raise ValueError(
                f"{array_name} must be float32 of shape {shape} with adjacent channels, got "
                f"{array.dtype}, {tuple(array.shape)}, strides {array.stride()}."
            )
        arguments += array.data_ptr(), by_sample, by_pixel
    function(n_pixels, n * n_pixels, *arguments)


@cache
def _compile(name, n_hidden, arrays, n_lanes):
    return compile_kernel(write_kernel(name, n_hidden, arrays, n_lanes))


def write_kernel(name, n_hidden, arrays, n_lanes):
    """Loop over the pixels of all samples.

    Parameters
    ----------
    name : {"activate", "forward_step", "backward_step"}
        What is done at each pixel.
    n_hidden : int
        Number of hidden channels.
    arrays : sequence of str
        Names of the arrays.
    n_lanes : int
        Floats in a vector.

    Returns
    -------
    Kernel
        Its items are pixels. Its arguments are the number of samples and, for each array, its
        address and its strides by sample and by pixel, in floats.
    """
    kernel = Kernel(name)
    n_samples = kernel.integer()
    places = {array: (kernel.pointer(), kernel.integer(), kernel.integer()) for array in arrays}
    for sample in kernel.range(0, n_samples):
        starts = {
            array: (start + sample * by_sample, by_pixel)
            for array, (start, by_sample, by_pixel) in places.items()
        }
        for item in kernel.range(kernel.first, kernel.stop):
            pointers = {array: start + item * stride for array, (start, stride) in starts.items()}
            _AT_PIXEL[name](_Pixel(pointers, n_hidden, n_lanes))
    return kernel


def _activate(pixel):
    for _, of_gates in pixel.pieces():
        for at in of_gates:
            pixel.store(_sigmoid(pixel.load("raw", at)), "gates", at)


def _forward_step(pixel):
    for channels, of_gates in pixel.pieces():
        i, f, o, g = gates = [_sigmoid(pixel.load("raw", at)) for at in of_gates]
        if pixel.has("gates"):
            for gate, at in zip(gates, of_gates, strict=True):
                pixel.store(gate, "gates", at)
        cell = fma(i, fma(g, 2, -1), f * pixel.load("cell", channels))
        pixel.store(cell, "new_cell", channels)
        pixel.store(o * _tanh(cell), "hidden", channels)


def _backward_step(pixel):
    for channels, of_gates in pixel.pieces():
        i, f, o, g = gates = [pixel.load("gates", at) for at in of_gates]
        d_hidden, tanh = pixel.load("d_hidden", channels), _tanh(pixel.load("new_cell", channels))
        d_cell = pixel.load("d_cell", channels) + d_hidden * o * fma(-tanh, tanh, 1)
        d_gates = [
            d_cell * fma(g, 2, -1),
            d_cell * pixel.load("cell", channels),
            d_hidden * tanh,
            d_cell * (i * 2),
        ]
        for gate, d_gate, at in zip(gates, d_gates, of_gates, strict=True):
            pixel.store(d_gate * fma(-gate, gate, gate), "gates", at)
        pixel.store(d_cell * f, "d_cell", channels)


_AT_PIXEL = {
    "activate": _activate,
    "forward_step": _forward_step,
    "backward_step": _backward_step,
}


def _tanh(a):
    return fma(_sigmoid(a * 2), 2, -1)


def _sigmoid(a):
    """1 / (1 + exp(-a)); NaN if a is."""
    power = (a * _MINUS_LOG2_E).at_least(-126).at_most(126)
    rounded = power + _ROUNDER
    rest = power - (rounded - _ROUNDER)
    result = fma(rest, _POWER_OF_2[-1], _POWER_OF_2[-2])
    for coefficient in _POWER_OF_2[-3::-1]:
        result = fma(rest, result, coefficient)
    scale = ((rounded.bits() + 127) << 23).floats()  # 2 ** the integer part
    return 1 / fma(result, scale, 1)


class _Pixel:
    """The arrays at one pixel, read and written as vectors of channels.

    Parameters
    ----------
    pointers : dict of Value
        For each array, where its channels start.
    n_hidden : int
        Number of hidden channels.
    n_lanes : int
        Floats in a vector.
    """

    def __init__(self, pointers, n_hidden, n_lanes):
        self._pointers, self._n_hidden, self._n_lanes = pointers, n_hidden, n_lanes

    def has(self, name):
        """Whether there is such an array."""
        return name in self._pointers

    def pieces(self):
        """For each vector of hidden channels, these channels and those of the gates i, f, o, g."""
        n_hidden = self._n_hidden
        edges = [*range(0, n_hidden, self._n_lanes), n_hidden]
        for start, stop in pairwise(edges):
            gates = [range(start + k * n_hidden, stop + k * n_hidden) for k in range(4)]
            yield range(start, stop), gates

    def load(self, name, channels):
        """Some channels of an array; the lanes that are left are undefined."""
        # The vector must end within the pixel. Masked loads would do, if they were not so slow.
        n_channels = self._n_hidden * _N_PARTS.get(name, 1)
        width = self._n_lanes if n_channels >= self._n_lanes else len(channels)
        first = min(channels.start, n_channels - width)
        vector = (self._pointers[name] + first).load(width)
        lanes = range(channels.start - first, width)[: self._n_lanes]
        return self._lanes(vector, width, lanes, self._n_lanes)

    def store(self, vector, name, channels):
        """Write some channels of an array."""
        vector = self._lanes(vector, self._n_lanes, range(len(channels)), len(channels))
        (self._pointers[name] + channels.start).store(vector)

    @staticmethod
    def _lanes(vector, width, lanes, new_width):
        if width == new_width and lanes.start == 0:
            return vector
        return vector.lanes([*lanes, *[None] * (new_width - len(lanes))])
