"""The gradient by the weights of one frame, as machine code made by llvmlite for this processor.

It is half of a training step, and a general convolution library is at its worst there: 13 channels
and 40 gates fill no vector. Here the gates of a pixel are vectors, a few channels of a neighbour
are multiplied by each, and the sums stay in registers along a row of pixels.
"""

from functools import cache
from itertools import pairwise, product

import torch

from ._machine_code import compile_loop, vector_size

_MOST_WEIGHTS = 2**15


def compiled_weight_gradient(weight):
    """Return a WeightGradient for these kernels, or None where another way is better.

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
    return WeightGradient(n_gates, n_channels, height, width)


class WeightGradient:
    """Gradient by the kernels over [x, h], whose height and width are odd."""

    def __init__(self, n_gates, n_channels, height, width):
        self._shape = n_gates, n_channels, height, width
        n_lanes, _ = vector_size()
        self._n_padded = -(-n_gates // n_lanes) * n_lanes

    def __call__(self, xh, d_gates):
        """Sum over the pixels of one frame; both (n, h + padding, w, channels), rows padded."""
        n_gates, n_channels, height, width = self._shape
        n, n_rows, n_columns = len(xh), xh.shape[1] - height + 1, xh.shape[2]
        sums = torch.zeros(torch.get_num_threads(), height, width, n_channels, self._n_padded)
        add_rows = _compile(*self._shape)  # not before it is needed: prediction does not
        add_rows(
            n,
            n_rows,
            n * n_rows * n_columns,
            xh.data_ptr(),
            d_gates.data_ptr(),
            sums.data_ptr(),
            n_rows + height - 1,
            n_columns,
        )
        return sums.sum(0)[..., :n_gates].permute(3, 2, 0, 1)


@cache
def _compile(n_gates, n_channels, height, width):
    n_lanes, n_sums = vector_size()
    n_padded = -(-n_gates // n_lanes) * n_lanes
    shape = n_gates, n_channels, height, width
    taps = "\n".join(
        _write_tap(tap, tile, shape, n_lanes)
        for tap in product(range(height), range(width))
        for tile in _tiles(n_channels, n_padded // n_lanes, n_sums)
    )
    body = f"""
  %sample.row = mul i64 %sample, %h
  %y = add i64 %sample.row, %item
  %x.pointer = inttoptr i64 %x to ptr
  %d.pointer = inttoptr i64 %d to ptr
  %sums.start = inttoptr i64 %sums to ptr
  %sums.mine = mul i64 %thread, {n_padded * n_channels * height * width}
  %sums.pointer = getelementptr float, ptr %sums.start, i64 %sums.mine
{taps}
  br label %item.end
"""
    vector = f"<{n_lanes} x float>"
    fma = f"declare {vector} @llvm.fma.v{n_lanes}f32({vector}, {vector}, {vector})"
    return compile_loop("add_weight_gradient", ["x", "d", "sums", "h", "w"], body, fma)


def _tiles(n_channels, n_vectors, n_sums):
    """Split channels by vectors of gates into tiles whose sums fit the registers."""
    for v in range(0, n_vectors, 4):
        vectors = range(v, min(v + 4, n_vectors))
        n_tiles = -(-n_channels // (n_sums // len(vectors)))
        edges = [n_channels * i // n_tiles for i in range(n_tiles + 1)]
        for start, stop in pairwise(edges):
            yield range(start, stop), vectors


def _write_tap(tap, tile, shape, n_lanes):
    """Sums of one tile over the pixels of row %y, for the neighbours at one tap of the kernel."""
    n_gates, n_channels, height, width = shape
    dy, dx = tap
    channels, vectors = tile
    name = f"t{dy}.{dx}.{channels.start}.{vectors.start}"
    vector, pad = f"<{n_lanes} x float>", width // 2
    left, right = max(0, pad - dx), max(0, dx - pad)  # where the neighbour is outside the picture
    n_padded = -(-n_gates // n_lanes) * n_lanes
    pairs = [(c, v) for c in channels for v in vectors]
    lines = [
        f"  br label %{name}.before",
        f"{name}.before:",
        f"  %{name}.n = sub i64 %w, {left + right}",
        f"  %{name}.xrow = add i64 %y, {dy}",
        f"  %{name}.xpixel = mul i64 %{name}.xrow, %w",
        f"  %{name}.xstart = add i64 %{name}.xpixel, {left + dx - pad}",
        f"  %{name}.xat = mul i64 %{name}.xstart, {n_channels}",
        f"  %{name}.x0 = getelementptr float, ptr %x.pointer, i64 %{name}.xat",
        f"  %{name}.drow = add i64 %y, {height // 2}",
        f"  %{name}.dpixel = mul i64 %{name}.drow, %w",
        f"  %{name}.dstart = add i64 %{name}.dpixel, {left}",
        f"  %{name}.dat = mul i64 %{name}.dstart, {n_gates}",
        f"  %{name}.d0 = getelementptr float, ptr %d.pointer, i64 %{name}.dat",
        f"  %{name}.any = icmp sgt i64 %{name}.n, 0",
        f"  br i1 %{name}.any, label %{name}, label %{name}.end",
        f"{name}:",
    ]

    def phi(kind, value, start, following):
        lines.append(
            f"  %{name}.{value} = phi {kind} [{start}, %{name}.before], [{following}, %{name}]"
        )

    phi("i64", "p", "0", f"%{name}.p1")
    phi("ptr", "x1", f"%{name}.x0", f"%{name}.x2")
    phi("ptr", "d1", f"%{name}.d0", f"%{name}.d2")
    for c, v in pairs:
        phi(vector, f"sum{c}.{v}", "zeroinitializer", f"%{name}.new{c}.{v}")
    for v in vectors:
        lines += [
            f"  %{name}.dp{v} = getelementptr float, ptr %{name}.d1, i64 {v * n_lanes}",
            f"  %{name}.d.{v} = load {vector}, ptr %{name}.dp{v}, align 4",
        ]
    for c in channels:
        lines += [
            f"  %{name}.xp{c} = getelementptr float, ptr %{name}.x1, i64 {c}",
            f"  %{name}.x.{c} = load float, ptr %{name}.xp{c}, align 4",
            f"  %{name}.one{c} = insertelement {vector} poison, float %{name}.x.{c}, i64 0",
            f"  %{name}.all{c} = shufflevector {vector} %{name}.one{c}, {vector} poison, "
            f"<{n_lanes} x i32> zeroinitializer",
        ]
    for c, v in pairs:
        lines.append(
            f"  %{name}.new{c}.{v} = call {vector} @llvm.fma.v{n_lanes}f32("
            f"{vector} %{name}.all{c}, {vector} %{name}.d.{v}, {vector} %{name}.sum{c}.{v})"
        )
    lines += [
        f"  %{name}.p1 = add i64 %{name}.p, 1",
        f"  %{name}.x2 = getelementptr float, ptr %{name}.x1, i64 {n_channels}",
        f"  %{name}.d2 = getelementptr float, ptr %{name}.d1, i64 {n_gates}",
        f"  %{name}.more = icmp slt i64 %{name}.p1, %{name}.n",
        f"  br i1 %{name}.more, label %{name}, label %{name}.store",
        f"{name}.store:",
    ]
    for c, v in pairs:
        at = ((dy * width + dx) * n_channels + c) * n_padded + v * n_lanes
        lines += [
            f"  %{name}.to{c}.{v} = getelementptr float, ptr %sums.pointer, i64 {at}",
            f"  %{name}.old{c}.{v} = load {vector}, ptr %{name}.to{c}.{v}, align 4",
            f"  %{name}.total{c}.{v} = fadd {vector} %{name}.old{c}.{v}, %{name}.new{c}.{v}",
            f"  store {vector} %{name}.total{c}.{v}, ptr %{name}.to{c}.{v}, align 4",
        ]
    lines += [f"  br label %{name}.end", f"{name}.end:"]
    return "\n".join(lines)
