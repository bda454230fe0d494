"""Kernels: each item once with any number of threads, and the assembly for other processors."""

import platform
import re

import pytest
import torch

pytest.importorskip("llvmlite", reason="there is no llvmlite for this platform")

from llvmlite import binding

from skwater.nn import (
    _compiled_convolution,
    _compiled_gates,
    _compiled_gradient,
    _machine_code,
)
from skwater.nn._machine_code import Kernel, compile_kernel, fma, target_machine, to_assembly

ARM = {
    "Neoverse N1": ("aarch64-linux-gnu", "neoverse-n1"),
    "Neoverse V2": ("aarch64-linux-gnu", "neoverse-v2"),
    "Apple M1": ("arm64-apple-macosx", "apple-m1"),
}
PARTS = {
    "activate": ("raw", "gates"),
    "forward_step": ("raw", "cell", "new_cell", "hidden", "gates"),
    "backward_step": ("gates", "cell", "new_cell", "d_hidden", "d_cell"),
}


@pytest.fixture(scope="module")
def count():
    """Add 1 to the element of each item of each sample."""
    kernel = Kernel("count")
    counts, n_samples, width = kernel.pointer(), kernel.integer(), kernel.integer()
    for sample in kernel.range(0, n_samples):
        for item in kernel.range(kernel.first, kernel.stop):
            place = counts + (sample * width + item)
            place.store(place.load(1) + 1)
    return compile_kernel(kernel)


@pytest.mark.parametrize("n_threads", [1, 2, 3, 5])
@pytest.mark.parametrize("shape", [(1, 1), (3, 4), (2, 1001), (0, 5), (5, 0)])
def test_each_item_once(count, shape, n_threads, monkeypatch):
    monkeypatch.setattr(_machine_code, "_SMALLEST_SHARE", 1)
    monkeypatch.setattr(torch, "get_num_threads", lambda: n_threads)
    counts = torch.zeros(shape)
    count(shape[1], counts.numel(), counts.data_ptr(), *shape)
    assert (counts == 1).all()


def test_arithmetic():
    kernel = Kernel("arithmetic")
    source, target, n = kernel.pointer(), kernel.pointer(), kernel.integer()
    variables = {"sum": kernel.zeros(4), "at": source}
    for i in kernel.repeat(0, n, variables):
        vector = variables["at"].load(4)
        clipped = vector.at_least(-2).at_most(2)
        (target + i * 4).store(1 / fma(clipped, clipped, 1) - (2 - clipped))
        variables["sum"] = variables["sum"] + vector.lanes([3, 2, 1, 0])
        variables["at"] += 4
    (target + n * 4).store(-variables["sum"])
    (target + (n + 1) * 4).store(source.load_all(4))
    (target + (n + 2) * 4).store(((source.load(4).bits() << 1) + 1).floats())
    x, out = torch.linspace(-3, 3, 12).view(3, 4), torch.full((6, 4), torch.nan)
    compile_kernel(kernel)(1, 0, x.data_ptr(), out.data_ptr(), 3)
    clipped = x.clamp(-2, 2)
    torch.testing.assert_close(out[:3], 1 / (clipped**2 + 1) - (2 - clipped))
    torch.testing.assert_close(out[3], -x.sum(0).flip(0))
    assert torch.equal(out[4], x[0, :1].expand(4))
    assert torch.equal(out[5].view(torch.int32), (x[0].view(torch.int32) << 1) + 1)


def test_nothing_is_compiled_for_another_library_of_threads(monkeypatch):
    monkeypatch.setattr(_machine_code, "_threads", lambda: None)
    assert _machine_code.vector_size.__wrapped__() is None


@pytest.mark.parametrize("name", ["aarch64", "arm64"])
def test_arm_processors_are_accepted(name, monkeypatch):
    monkeypatch.setattr(platform, "machine", lambda: name)
    monkeypatch.setattr(binding, "get_host_cpu_features", dict)  # Apple's have no "fma"
    monkeypatch.setattr(_machine_code, "_threads", object)
    assert _machine_code.vector_size.__wrapped__() == (4, 24)


def test_other_processors_without_fma_are_not(monkeypatch):
    monkeypatch.setattr(platform, "machine", lambda: "riscv64")
    monkeypatch.setattr(binding, "get_host_cpu_features", dict)
    assert _machine_code.vector_size.__wrapped__() is None


@pytest.fixture(params=ARM)
def arm(request):
    try:
        return target_machine(*ARM[request.param])
    except RuntimeError as error:
        pytest.skip(f"this llvmlite does not compile for Arm: {error}")


def inner_loops(assembly):
    """Blocks that branch to their own start."""
    parts = re.split(r"^(\.?LBB\d+_\d+):.*$", assembly, flags=re.MULTILINE)
    for label, block in zip(parts[1::2], parts[2::2], strict=True):
        loop, branch, _ = block.partition(f"{label}\n")
        if branch:
            yield loop


def n_vector_fma(loop):
    return len(re.findall(r"fml[as]\.4s|fml[as]\s+v\d+\.4s", loop))


@pytest.mark.parametrize("shape", [(40, 13, 3, 3), (16, 6, 5, 5), (4, 24, 3, 3)], ids=str)
def test_sums_stay_in_the_registers_of_arm(arm, shape):
    kernel = _compiled_gradient.write_kernel(*shape, 4, 24)
    loops = list(inner_loops(to_assembly(kernel, arm)))
    n_gates, n_channels, *_ = shape
    assert sum(map(n_vector_fma, loops)) == n_channels * n_gates / 4  # of each tile, once
    assert not any(re.search(r"\bsp\b", loop) for loop in loops)


@pytest.mark.parametrize("shape", [(40, 13, 3, 3), (10, 40, 3, 3), (4, 16, 5, 5)], ids=str)
def test_sums_of_a_convolution_stay_in_the_registers_of_arm(arm, shape):
    kernel = _compiled_convolution.write_kernel(*shape, 4, 24)
    loops = [loop for loop in inner_loops(to_assembly(kernel, arm)) if n_vector_fma(loop)]
    tiles = list(_compiled_convolution._tiles(-(-shape[0] // 4), 24))
    n_fma = [len(vectors) * n_pixels for vectors, n_pixels in tiles]
    assert [n_vector_fma(loop) for loop in loops] == n_fma
    assert not any(re.search(r"\bsp\b", loop) for loop in loops)


@pytest.mark.parametrize("name", PARTS)
def test_gates_stay_in_the_registers_of_arm(arm, name):
    kernel = _compiled_gates.write_kernel(name, 4, PARTS[name], 4)
    (loop,) = inner_loops(to_assembly(kernel, arm))
    assert n_vector_fma(loop) >= 9
    assert not re.search(r"\bsp\b", loop)
