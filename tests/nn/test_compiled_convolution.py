"""The compiled convolution against that of torch."""

import numpy as np
import pytest
import torch
from torch.nn.functional import conv2d, pad

pytest.importorskip("llvmlite", reason="there is no llvmlite for this platform")

from skwater.nn import _compiled_convolution, _machine_code
from skwater.nn._compiled_convolution import CompiledConvolution, compiled_convolution


def draw(seed, *size):
    """Integers, whose sums in another order are the same to the last bit."""
    return torch.from_numpy(np.random.default_rng(seed).integers(-3, 4, size)).float()


def draw_all(seed):
    """Padded frames, weights and a bias."""
    rng = np.random.default_rng(seed)
    n, h, w, n_in, n_out = rng.integers([1, 1, 1, 1, 1], [4, 12, 20, 9, 80])
    height, width = rng.choice([1, 3, 5]), rng.choice([1, 3, 5])
    x = draw(seed, n, h + height - 1, w, n_in)
    return x, draw(seed + 1, n_out, n_in, height, width), draw(seed + 2, n_out)


def convolve(x, weight, bias):
    n, h, w, _ = x.shape
    out = torch.full((n, h - weight.shape[2] + 1, w, len(weight)), torch.nan)
    CompiledConvolution(weight, bias)(x, out)
    return out


def expected(x, weight, bias):
    """What torch makes of it; the rows are padded, the columns are not."""
    edge = weight.shape[3] // 2
    out = conv2d(pad(x.movedim(-1, 1), (edge, edge)).double(), weight.double(), bias.double())
    return out.movedim(1, -1).float()


@pytest.fixture(params=["this processor", "one with short vectors", "Arm"])
def _processor(request, monkeypatch):
    sizes = {"one with short vectors": (8, 12), "Arm": (4, 24)}
    if request.param in sizes:
        monkeypatch.setattr(_compiled_convolution, "vector_size", lambda: sizes[request.param])


@pytest.mark.usefixtures("_processor")
@pytest.mark.parametrize("n_threads", [1, 2])
@pytest.mark.parametrize("seed", range(6))
def test_result_is_that_of_torch(seed, n_threads, monkeypatch):
    monkeypatch.setattr(_machine_code, "_SMALLEST_SHARE", 1)
    monkeypatch.setattr(torch, "get_num_threads", lambda: n_threads)
    x, weight, bias = draw_all(seed)
    assert torch.equal(convolve(x, weight, bias), expected(x, weight, bias))
    assert torch.equal(convolve(x, weight, None), expected(x, weight, 0 * bias))


@pytest.mark.usefixtures("_processor")
@pytest.mark.parametrize("seed", range(6))
def test_nothing_outside_is_read_or_written(seed, guarded):
    x, weight, bias = draw_all(seed)
    out = guarded(torch.zeros_like(expected(x, weight, bias)))
    CompiledConvolution(weight, bias)(guarded(x), out)
    assert torch.equal(out, expected(x, weight, bias))


def test_output_may_be_some_of_the_channels_and_samples_may_lie_apart():
    x, weight, bias = draw(0, 6, 7, 9, 3), draw(1, 4, 3, 3, 3), draw(2, 4)
    wide = torch.zeros(6, 5, 9, 7)
    CompiledConvolution(weight, bias)(x[::2], wide[::2, ..., 2:6])
    assert torch.equal(wide[::2, ..., 2:6], expected(x[::2], weight, bias))
    assert not wide[1::2].any()
    assert not wide[..., [0, 1, 6]].any()


def test_arrays_of_another_layout_are_refused():
    x, weight, bias = draw(0, 2, 7, 9, 3), draw(1, 4, 3, 3, 3), draw(2, 4)
    convolution, out = CompiledConvolution(weight, bias), torch.zeros(2, 5, 9, 4)
    with pytest.raises(ValueError, match="x must be float32 of shape"):
        convolution(x[:, 1:], out)
    with pytest.raises(ValueError, match="x must be float32 of shape"):
        convolution(x.movedim(-1, 1).contiguous().movedim(1, -1), out)
    with pytest.raises(ValueError, match="out must be float32 of shape"):
        convolution(x, out.double())


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16])
def test_the_default_dtype_may_change(dtype, default_dtype):
    x, weight, bias = draw_all(0)
    default_dtype(dtype)
    out = torch.empty(expected(x, weight, bias).shape, dtype=torch.float32)
    CompiledConvolution(weight, None)(x, out)
    assert torch.equal(out, expected(x, weight, 0 * bias))


def test_d15_a_large_kernel_is_no_more_to_compile():
    small, large = (
        len(str(_compiled_convolution.write_kernel(40, 13, side, side, 16, 24))) for side in (3, 11)
    )
    assert large < 1.02 * small


@pytest.mark.parametrize(
    ("shape", "dtype", "side", "used"),
    [
        ((40, 13, 3, 3), torch.float32, 32, True),
        ((40, 13, 3, 3), torch.float64, 32, False),
        ((40, 13, 3, 3), torch.float32, 33, False),
        ((40, 13, 1, 1), torch.float32, 32, False),
        ((256, 128, 3, 3), torch.float32, 32, False),
    ],
    ids=str,
)
def test_it_is_used_if_it_is_good(shape, dtype, side, used):
    convolution = compiled_convolution(torch.zeros(shape, dtype=dtype), None, (side, side))
    assert (convolution is not None) == used
