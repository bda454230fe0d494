"""The gradient by the weights of one frame, as machine code made by llvmlite for this processor.

It is half of a training step, and a general convolution library is at its worst there: 13 channels
and 40 gates fill no vector. Here the gates of a pixel are vectors, a few channels of a neighbour
are multiplied by each, and the sums stay in registers along a row of pixels.
"""

import ctypes
import os
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from itertools import pairwise, product

import torch
from llvmlite import binding

_engines = []  # the machine code lives as long as they do
_MOST_WEIGHTS = 2**15
_PIXELS_FOR_THREADS = 2**11


@cache
def _processor():
    """Machine to compile for, floats in a vector, and vectors of sums that fit its registers."""
    binding.initialize_native_target()
    binding.initialize_native_asmprinter()
    features = binding.get_host_cpu_features()
    machine = binding.Target.from_default_triple().create_target_machine(
        cpu=binding.get_host_cpu_name(), features=features.flatten(), opt=3, jit=True
    )
    return machine, *((16, 24) if features.get("avx512f") else (8, 12))


def compiled_weight_gradient(weight):
    """Return a WeightGradient for these kernels, or None where another way is better.

    It is for single precision on the CPU. Kernels of one row have no padding below that vectors
    may read from; with many channels a convolution library is as fast.
    """
    n_gates, n_channels, height, width = weight.shape
    if (
        binding.llvm_version_info[0] < 17
        or weight.device.type != "cpu"
        or weight.dtype != torch.float32
        or height == 1
        or weight.numel() > _MOST_WEIGHTS
    ):
        return None
    return WeightGradient(n_gates, n_channels, height, width)


class WeightGradient:
    """Gradient by the kernels over [x, h], whose height and width are odd."""

    def __init__(self, n_gates, n_channels, height, width):
        self._shape = n_gates, n_channels, height, width
        self._lanes = -(-n_gates // _processor()[1]) * _processor()[1]
        self._add = _compile(n_gates, n_channels, height, width)

    def __call__(self, xh, d_gates):
        """Sum over the pixels of one frame; both (n, h + padding, w, channels), rows padded."""
        n_gates, n_channels, height, width = self._shape
        n_rows, n_columns = xh.shape[1] - height + 1, xh.shape[2]
        n_threads = torch.get_num_threads() if n_rows * n_columns >= _PIXELS_FOR_THREADS else 1
        sums = torch.zeros(n_threads, height, width, n_channels, self._lanes)

        def share(thread):
            rows = n_rows * thread // n_threads, n_rows * (thread + 1) // n_threads
            for x, d in zip(xh, d_gates, strict=True):
                self._add(x.data_ptr(), d.data_ptr(), sums[thread].data_ptr(), *rows, n_columns)

        if n_threads == 1:
            share(0)
        else:
            list(_threads(os.getpid(), n_threads).map(share, range(n_threads)))
        return sums.sum(0)[..., :n_gates].permute(3, 2, 0, 1)


@cache
def _threads(process, n_threads):
    """Return threads of this process: a fork does not inherit those of its parent."""
    return ThreadPoolExecutor(n_threads)


@cache
def _compile(n_gates, n_channels, height, width):
    machine, n_lanes, n_sums = _processor()
    module = binding.parse_assembly(_write(n_gates, n_channels, height, width, n_lanes, n_sums))
    module.verify()
    engine = binding.create_mcjit_compiler(module, machine)
    engine.finalize_object()
    _engines.append(engine)
    address = engine.get_function_address("add_weight_gradient")
    return ctypes.CFUNCTYPE(None, *[ctypes.c_void_p] * 3, *[ctypes.c_int64] * 3)(address)


def _write(n_gates, n_channels, height, width, n_lanes, n_sums):
    """Text of the function: for each row and each tap of the kernel, a loop over the pixels."""
    vector = f"<{n_lanes} x float>"
    n_vectors = -(-n_gates // n_lanes)
    shape = n_gates, n_channels, height, width
    taps = "\n".join(
        _write_tap(tap, tile, shape, n_lanes)
        for tap in product(range(height), range(width))
        for tile in _tiles(n_channels, n_vectors, n_sums)
    )
    return f"""
declare {vector} @llvm.fma.v{n_lanes}f32({vector}, {vector}, {vector})
define void @add_weight_gradient(ptr %x, ptr %d, ptr %sums, i64 %first, i64 %stop, i64 %w) #0 {{
start:
  br label %rows
rows:
  %y = phi i64 [%first, %start], [%y.next, %row.end]
  %go = icmp slt i64 %y, %stop
  br i1 %go, label %row, label %end
row:
{taps}
  br label %row.end
row.end:
  %y.next = add i64 %y, 1
  br label %rows
end:
  ret void
}}
attributes #0 = {{ nounwind "prefer-vector-width"="512" "min-legal-vector-width"="512" }}
"""


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
        f"  %{name}.x0 = getelementptr float, ptr %x, i64 %{name}.xat",
        f"  %{name}.drow = add i64 %y, {height // 2}",
        f"  %{name}.dpixel = mul i64 %{name}.drow, %w",
        f"  %{name}.dstart = add i64 %{name}.dpixel, {left}",
        f"  %{name}.dat = mul i64 %{name}.dstart, {n_gates}",
        f"  %{name}.d0 = getelementptr float, ptr %d, i64 %{name}.dat",
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
            f"  %{name}.to{c}.{v} = getelementptr float, ptr %sums, i64 {at}",
            f"  %{name}.old{c}.{v} = load {vector}, ptr %{name}.to{c}.{v}, align 4",
            f"  %{name}.total{c}.{v} = fadd {vector} %{name}.old{c}.{v}, %{name}.new{c}.{v}",
            f"  store {vector} %{name}.total{c}.{v}, ptr %{name}.to{c}.{v}, align 4",
        ]
    lines += [f"  br label %{name}.end", f"{name}.end:"]
    return "\n".join(lines)
