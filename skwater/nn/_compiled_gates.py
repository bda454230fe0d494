"""The pass over the pixels as machine code made by llvmlite: each number is read and written once.

The arithmetic is that of `_gates`. An exponential is a power of 2: that of the whole part is put
into the exponent of the float, that of the rest, within a half, is a polynomial.
"""

from functools import cache
from itertools import chain, pairwise, product

import torch

from ._machine_code import Lines, compile_loop, constant, vector_size

# Of 2**r for |r| <= 1/2 with a relative error of 2e-9: least squares at Chebyshev nodes.
_POWER_OF_2 = (
    *(1.0, 0.6931472056, 0.2402264661, 0.05550328998, 0.00961851953, 0.001339986036),
    0.0001533757682,
)
_MINUS_LOG2_E = -1.4426950408889634
_ROUNDER = 1.5 * 2**23  # what is added to it is rounded to a whole number


def compiled_gates(bias):
    """Return CompiledGates for gates with these biases, or None where there is no such code.

    It is for single precision on the CPU.
    """
    on_cpu = bias.device.type == "cpu" and bias.dtype == torch.float32
    return CompiledGates(len(bias) // 4) if on_cpu and vector_size() is not None else None


class CompiledGates:
    """The pass over the pixels, forwards and backwards; the interface of TorchGates."""

    def __init__(self, n_hidden):
        self._n_hidden = n_hidden

    def squash(self, raw, gates):
        """Squash the raw gates and write them."""
        _run(_compile_squash(self._n_hidden, vector_size()), [raw, gates])

    def advance(self, raw, cell, gates, new_cell, hidden):
        """Squash the raw gates; write them, the new cell state and the hidden state.

        The gates are not written where they would replace the raw ones: nobody reads them.
        """
        keep = gates is not raw
        function = _compile_advance(self._n_hidden, keep, vector_size())
        _run(function, [raw, cell, new_cell, hidden, *([gates] if keep else [])])

    def retreat(self, gates, cell, new_cell, d_hidden, d_cell):
        """Put the gradient by the raw gates in place of the gates, and step `d_cell` back."""
        function = _compile_retreat(self._n_hidden, vector_size())
        _run(function, [gates, cell, new_cell, d_hidden, d_cell])


def _run(function, arrays):
    n, n_pixels, _ = arrays[0].shape
    size = arrays[0].element_size()
    strides = [(a.data_ptr(), size * a.stride(0), size * a.stride(1)) for a in arrays]
    function(n, n_pixels, n * n_pixels, *chain(*strides))


@cache
def _compile_squash(n_hidden, size):
    pixel = _Pixel(dict.fromkeys(["raw", "gates"], 4 * n_hidden), size[0])
    for _, of_gates in pixel.pieces(n_hidden):
        for at in of_gates:
            pixel.store(pixel.sigmoid(pixel.load("raw", at)), "gates", at)
    return pixel.compile("squash")


@cache
def _compile_advance(n_hidden, keep, size):
    states = dict.fromkeys(["cell", "new_cell", "hidden"], n_hidden)
    gates = dict.fromkeys(["raw", "gates"] if keep else ["raw"], 4 * n_hidden)
    pixel = _Pixel({"raw": 4 * n_hidden, **states, **gates}, size[0])
    for some, of_gates in pixel.pieces(n_hidden):
        i, f, o, g = opened = [pixel.sigmoid(pixel.load("raw", at)) for at in of_gates]
        if keep:
            for value, at in zip(opened, of_gates, strict=True):
                pixel.store(value, "gates", at)
        cell = pixel.multiply(f, pixel.load("cell", some))
        cell = pixel.fma(i, pixel.fma(g, 2, -1), cell)
        pixel.store(cell, "new_cell", some)
        pixel.store(pixel.multiply(o, pixel.tanh(cell)), "hidden", some)
    return pixel.compile("advance")


@cache
def _compile_retreat(n_hidden, size):
    states = dict.fromkeys(["cell", "new_cell", "d_hidden", "d_cell"], n_hidden)
    pixel = _Pixel({"gates": 4 * n_hidden, **states}, size[0])
    for some, of_gates in pixel.pieces(n_hidden):
        i, f, o, g = gates = [pixel.load("gates", at) for at in of_gates]
        d_hidden, squashed = pixel.load("d_hidden", some), pixel.tanh(pixel.load("new_cell", some))
        slope = pixel.fma(pixel.negative(squashed), squashed, 1)
        through_hidden = pixel.multiply(pixel.multiply(d_hidden, o), slope)
        d_cell = pixel.add(pixel.load("d_cell", some), through_hidden)
        d_gates = [
            pixel.multiply(d_cell, pixel.fma(g, 2, -1)),
            pixel.multiply(d_cell, pixel.load("cell", some)),
            pixel.multiply(d_hidden, squashed),
            pixel.multiply(d_cell, pixel.multiply(i, 2)),
        ]
        for gate, d_gate, at in zip(gates, d_gates, of_gates, strict=True):
            slope = pixel.fma(pixel.negative(gate), gate, gate)
            pixel.store(pixel.multiply(d_gate, slope), "gates", at)
        pixel.store(pixel.multiply(d_cell, f), "d_cell", some)
    return pixel.compile("retreat")


class _Pixel:
    """What is done at one pixel, with vectors of channels.

    Parameters
    ----------
    arrays : dict of int
        Names of the arrays and how many channels they have.
    n_lanes : int
        Numbers in a vector.
    """

    def __init__(self, arrays, n_lanes):
        self._arrays, self._n_lanes = arrays, n_lanes
        self._lines, self._pointers = Lines(), {}
        for name in arrays:
            sample = self._let(f"mul i64 %sample, %{name}.by_sample")
            pixel = self._let(f"mul i64 %item, %{name}.by_pixel")
            address = self._let(f"add i64 {sample}, {pixel}")
            address = self._let(f"add i64 {address}, %{name}")
            self._pointers[name] = self._let(f"inttoptr i64 {address} to ptr")

    def compile(self, name):
        """Compile the loop over all pixels."""
        parts = "", ".by_sample", ".by_pixel"
        arguments = [array + part for array, part in product(self._arrays, parts)]
        self._lines.add("br label %item.end")
        vector = self._vector()
        fma = f"declare {vector} @llvm.fma.v{self._n_lanes}f32({vector}, {vector}, {vector})"
        return compile_loop(name, arguments, str(self._lines), fma)

    def pieces(self, n_hidden):
        """For each vector of hidden channels, these channels and those of the gates i, f, o, g."""
        edges = [*range(0, n_hidden, self._n_lanes), n_hidden]
        for start, stop in pairwise(edges):
            gates = [range(start + k * n_hidden, stop + k * n_hidden) for k in range(4)]
            yield range(start, stop), gates

    def load(self, name, some):
        """Channels `some` of an array, and anything in the lanes that are left."""
        # The vector must end within the pixel. Masked loads would do, if they were not so slow.
        n_channels = self._arrays[name]
        width = self._n_lanes if n_channels >= self._n_lanes else len(some)
        first = min(some.start, n_channels - width)
        value = self._let(f"load {self._vector(width)}, ptr {self._at(name, first)}, align 4")
        return self._shuffle(value, width, range(some.start - first, width), self._n_lanes)

    def store(self, value, name, some):
        """Write channels `some` of an array."""
        value = self._shuffle(value, self._n_lanes, range(len(some)), len(some))
        at = self._at(name, some.start)
        self._lines.add(f"store {self._vector(len(some))} {value}, ptr {at}, align 4")

    def multiply(self, a, b):
        """Product."""
        return self._let(f"fmul {self._vector()} {a}, {self._value(b)}")

    def add(self, a, b):
        """Sum."""
        return self._let(f"fadd {self._vector()} {a}, {self._value(b)}")

    def negative(self, a):
        """Minus a."""
        return self._let(f"fneg {self._vector()} {a}")

    def fma(self, a, b, c):
        """Product of a and b, plus c."""
        values = ", ".join(f"{self._vector()} {self._value(value)}" for value in (a, b, c))
        return self._let(f"call {self._vector()} @llvm.fma.v{self._n_lanes}f32({values})")

    def tanh(self, a):
        """Hyperbolic tangent."""
        return self.fma(self.sigmoid(self.multiply(a, 2)), 2, -1)

    def sigmoid(self, a):
        """1 / (1 + exp(-a)); NaN where a is."""
        floats, integers = self._vector(), f"<{self._n_lanes} x i32>"
        power = self.multiply(a, _MINUS_LOG2_E)
        for comparison, limit in (("olt", -126), ("ogt", 126)):  # false for NaN, which remains
            limit = self._value(limit)
            beyond = self._let(f"fcmp {comparison} {floats} {power}, {limit}")
            choice = f"{floats} {limit}, {floats} {power}"
            power = self._let(f"select <{self._n_lanes} x i1> {beyond}, {choice}")
        rounded = self.add(power, _ROUNDER)
        whole = self.add(rounded, -_ROUNDER)
        rest = self.add(power, self.negative(whole))
        result = self._value(_POWER_OF_2[-1])
        for coefficient in _POWER_OF_2[-2::-1]:
            result = self.fma(rest, result, coefficient)
        bits = self._let(f"bitcast {floats} {rounded} to {integers}")
        bits = self._let(f"add {integers} {bits}, {self._all('i32 127')}")
        bits = self._let(f"shl {integers} {bits}, {self._all('i32 23')}")
        scale = self._let(f"bitcast {integers} {bits} to {floats}")
        divisor = self.fma(result, scale, 1)
        return self._let(f"fdiv {floats} {self._value(1)}, {divisor}")

    def _let(self, operation):
        return self._lines.let(operation)

    def _vector(self, width=None):
        return f"<{width or self._n_lanes} x float>"

    def _value(self, value):
        return value if isinstance(value, str) else self._all(f"float {constant(value)}")

    def _all(self, value):
        return f"<{', '.join([value] * self._n_lanes)}>"

    def _at(self, name, channel):
        return self._let(f"getelementptr float, ptr {self._pointers[name]}, i64 {channel}")

    def _shuffle(self, value, width, lanes, new_width):
        """Move lanes to the front of a vector of another width."""
        if (width, lanes.start) == (new_width, 0):
            return value
        lanes = [f"i32 {lane}" for lane in lanes][:new_width]
        lanes = ", ".join(lanes + ["i32 poison"] * (new_width - len(lanes)))
        vector = self._vector(width)
        return self._let(
            f"shufflevector {vector} {value}, {vector} poison, <{new_width} x i32> <{lanes}>"
        )
