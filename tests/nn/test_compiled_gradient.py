"""The compiled gradient of the weights against that of autograd and the torch version."""

import numpy as np
import pytest
import torch
from torch.nn.functional import conv2d, pad

pytest.importorskip("llvmlite", reason="there is no llvmlite for this platform")


from skwater.nn import _compiled_gradient, _machine_code
from skwater.nn._compiled_gradient import CompiledWeightGradient, compiled_weight_gradient
from skwater.nn._gates import TorchWeightGradient


def draw(seed, least_hidden=1):
    """Integers, whose sums in another order are the same to the last bit, and the weights."""
    rng = np.random.default_rng(seed)
    n, h, w, n_in, n_hidden = rng.integers([1, 1, 1, 1, least_hidden], (4, 12, 12, 5, 20))
    height, width = rng.choice([3, 5]), rng.choice([1, 3, 5])
    n_gates, n_channels, edge = 4 * n_hidden, n_in + n_hidden, height // 2
    xh = torch.from_numpy(rng.integers(-3, 4, (n, h + 2 * edge, w, n_channels))).float()
    d_gates = torch.from_numpy(rng.integers(-3, 4, (n, h + 2 * edge, w, n_gates))).float()
    d_gates[:, :edge] = d_gates[:, h + edge :] = 0
    return xh, d_gates, torch.zeros(n_gates, n_channels, height, width, dtype=torch.float32)


def gradient(weight, *frames):
    """Sum over frames, each a pair of xh and d_gates."""
    sums = CompiledWeightGradient(*weight.shape)
    for frame in frames:
        sums.add(*frame)
    return sums.total()


def expected(xh, d_gates, weight):
    """Gradient by autograd; the rows are padded, the columns are not."""
    x, d = (tensor.movedim(-1, 1).double() for tensor in (xh, d_gates))
    weight = weight.double().requires_grad_()
    side, edge = weight.shape[3] // 2, weight.shape[2] // 2
    gates = conv2d(pad(x, (side, side)), weight)
    return torch.autograd.grad(gates, weight, d[:, :, edge : d.shape[2] - edge])[0]


@pytest.fixture(params=["this processor", "one with short vectors", "Arm"])
def _processor(request, monkeypatch):
    sizes = {"one with short vectors": (8, 12), "Arm": (4, 24)}
    if request.param in sizes:
        monkeypatch.setattr(_compiled_gradient, "vector_size", lambda: sizes[request.param])


@pytest.mark.usefixtures("_processor")
@pytest.mark.parametrize("n_threads", [1, 2])
@pytest.mark.parametrize("seed", range(6))
def test_gradient_is_that_of_torch(seed, n_threads, monkeypatch):
    monkeypatch.setattr(_machine_code, "_SMALLEST_SHARE", 1)
    monkeypatch.setattr(_compiled_gradient, "_CHUNK_PIXELS", 7)
    monkeypatch.setattr(torch, "get_num_threads", lambda: n_threads)
    xh, d_gates, weight = draw(seed)
    ours = gradient(weight, (xh, d_gates))
    assert torch.equal(ours.double(), expected(xh, d_gates, weight))
    theirs = TorchWeightGradient(weight, torch.float32)
    theirs.add(xh, d_gates)
    assert torch.equal(ours, theirs.total())


def test_frames_are_added_up():
    xh, d_gates, weight = draw(0)
    two = expected(xh, d_gates, weight) + expected(xh + 1, 2 * d_gates, weight)
    assert torch.equal(gradient(weight, (xh, d_gates), (xh + 1, 2 * d_gates)).double(), two)


@pytest.mark.usefixtures("_processor")
@pytest.mark.parametrize("seed", range(6))
def test_nothing_outside_is_read_or_written(seed, guarded):
    xh, d_gates, weight = draw(seed, least_hidden=4)  # fewer are left to torch
    total = gradient(weight, (guarded(xh), guarded(d_gates)))
    assert torch.equal(total, gradient(weight, (xh, d_gates)))


def test_d4_arrays_of_another_layout_are_refused():
    xh, d_gates, weight = draw(1)
    channels_first = xh.movedim(-1, 1).contiguous().movedim(1, -1)
    with pytest.raises(ValueError, match="xh must be contiguous float32"):
        gradient(weight, (channels_first, d_gates))
    with pytest.raises(ValueError, match="d_gates must be contiguous float32"):
        gradient(weight, (xh, d_gates.double()))
    with pytest.raises(ValueError, match="d_gates must be contiguous float32 of shape"):
        gradient(weight, (xh, d_gates[:, 1:].contiguous()))


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16])
def test_d5_the_default_dtype_may_change_between_two_passes(dtype, default_dtype):
    xh, d_gates, weight = draw(2)
    before = gradient(weight, (xh, d_gates))
    default_dtype(dtype)
    after = gradient(weight, (xh, d_gates))
    assert after.dtype == torch.float32
    assert torch.equal(before, after)


def test_d8_sums_do_not_depend_on_the_number_of_threads(monkeypatch):
    generator = torch.Generator().manual_seed(0)
    xh, d_gates = (torch.randn(3, 66, 64, c, generator=generator) for c in (13, 40))
    results = []
    for n_threads in (1, 2, 3):
        monkeypatch.setattr(torch, "get_num_threads", lambda n_threads=n_threads: n_threads)
        results.append(gradient(torch.zeros(40, 13, 3, 3), (xh, d_gates), (xh, d_gates)))
    assert all(torch.equal(results[0], other) for other in results[1:])


def test_d15_a_large_kernel_is_no_more_to_compile():
    small, large = (
        len(str(_compiled_gradient.write_kernel(40, 13, side, side, 16, 24))) for side in (3, 11)
    )
    assert large < 1.02 * small


@pytest.mark.parametrize(
    ("shape", "dtype", "used"),
    [
        ((40, 13, 3, 3), torch.float32, True),
        ((40, 13, 3, 3), torch.float64, False),
        ((40, 13, 1, 3), torch.float32, False),
        ((4, 3, 3, 3), torch.float32, False),
        ((256, 128, 3, 3), torch.float32, False),
    ],
    ids=str,
)
def test_it_is_used_if_it_is_good(shape, dtype, used):
    assert (compiled_weight_gradient(torch.zeros(shape, dtype=dtype)) is not None) == used
