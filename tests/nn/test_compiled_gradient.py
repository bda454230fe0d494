"""The compiled gradient by the weights against that of torch."""

import numpy as np
import pytest
import torch
from torch.nn.functional import conv2d, pad

pytest.importorskip("llvmlite", reason="there is no llvmlite for this platform")

from skwater.nn import _compiled_gradient, _machine_code
from skwater.nn._compiled_gradient import WeightGradient, compiled_weight_gradient


def expected(xh, d_gates, weight):
    """Gradient by autograd; the rows are padded, the columns are not."""
    x, d = (tensor.movedim(-1, 1).double() for tensor in (xh, d_gates))
    weight = weight.double().requires_grad_()
    side, edge = weight.shape[3] // 2, weight.shape[2] // 2
    gates = conv2d(pad(x, (side, side)), weight)
    return torch.autograd.grad(gates, weight, d[:, :, edge : d.shape[2] - edge])[0]


@pytest.fixture(params=["this processor", "one with short vectors"])
def _processor(request, monkeypatch):
    if request.param != "this processor":
        monkeypatch.setattr(_compiled_gradient, "vector_size", lambda: (8, 12))
    _compiled_gradient._compile.cache_clear()
    yield
    _compiled_gradient._compile.cache_clear()


@pytest.mark.usefixtures("_processor")
@pytest.mark.parametrize("n_threads", [1, 2])
@pytest.mark.parametrize("seed", range(6))
def test_gradient_is_that_of_torch(seed, n_threads, monkeypatch):
    monkeypatch.setattr(_machine_code, "_SMALLEST_SHARE", 1)
    monkeypatch.setattr(torch, "get_num_threads", lambda: n_threads)
    rng = np.random.default_rng(seed)
    n, h, w, n_in, n_hidden = rng.integers(1, (4, 12, 12, 5, 20))
    height, width = rng.choice([3, 5]), rng.choice([1, 3, 5])
    n_gates, n_channels, edge = 4 * n_hidden, n_in + n_hidden, height // 2
    # Whole numbers: sums in another order are the same to the last bit.
    xh = torch.from_numpy(rng.integers(-3, 4, (n, h + 2 * edge, w, n_channels))).float()
    d_gates = torch.from_numpy(rng.integers(-3, 4, (n, h + 2 * edge, w, n_gates))).float()
    d_gates[:, :edge] = d_gates[:, h + edge :] = 0
    weight = torch.zeros(n_gates, n_channels, height, width)
    ours = WeightGradient(*weight.shape)(xh, d_gates)
    assert torch.equal(ours.double(), expected(xh, d_gates, weight))


@pytest.mark.parametrize(
    ("shape", "dtype", "taken"),
    [
        ((40, 13, 3, 3), torch.float32, True),
        ((40, 13, 3, 3), torch.float64, False),
        ((40, 13, 1, 3), torch.float32, False),
        ((4, 3, 3, 3), torch.float32, False),
        ((256, 128, 3, 3), torch.float32, False),
    ],
    ids=str,
)
def test_it_is_taken_where_it_is_good(shape, dtype, taken):
    assert (compiled_weight_gradient(torch.zeros(shape, dtype=dtype)) is not None) == taken
