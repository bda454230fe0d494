"""The compiled operations at each pixel against those of torch."""

import pytest
import torch

pytest.importorskip("llvmlite", reason="there is no llvmlite for this platform")


from skwater.nn import _compiled_gates, _machine_code
from skwater.nn._compiled_gates import CompiledGates, compiled_gates
from skwater.nn._gates import TorchGates

UNTOUCHED = 7.0


@pytest.fixture(params=["this processor", "one with short vectors"])
def _processor(request, monkeypatch):
    if request.param != "this processor":
        monkeypatch.setattr(_compiled_gates, "vector_size", lambda: (8, 12))


def draw(n_hidden, n=2, n_pixels=9, scale=3.0):
    """Raw gates, cell state, and gradients of the hidden and the cell state."""
    generator = torch.Generator().manual_seed(n_hidden)
    channels = [4 * n_hidden, n_hidden, n_hidden, n_hidden]
    return [scale * torch.randn(n, n_pixels, c, generator=generator) for c in channels]


def inside(like):
    """Memory of the shape of `like` with a margin around each sample and each pixel."""
    n, n_pixels, n_channels = like.shape
    whole = torch.full((n, n_pixels + 2, n_channels + 3), UNTOUCHED, dtype=torch.float32)
    return whole, whole[:, 1:-1, 2:-1]


def forward_and_backward(gates, raw, cell, d_hidden, d_cell):
    """All that one step forward and backward writes, inside margins."""
    wholes, views = zip(*map(inside, (raw, cell, cell, d_hidden, d_cell)), strict=True)
    activated, new_cell, hidden, d_hidden_in, d_cell_in = views
    d_hidden_in.copy_(d_hidden)
    d_cell_in.copy_(d_cell)
    gates.forward_step(raw.clone(), cell, activated, new_cell, hidden)
    after_forward = [whole.clone() for whole in wholes[:3]]
    gates.backward_step(activated, cell, new_cell, d_hidden_in, d_cell_in)
    return [*after_forward, wholes[0], wholes[4]]  # d_hidden is overwritten


@pytest.mark.usefixtures("_processor")
@pytest.mark.parametrize("n_threads", [1, 3])
@pytest.mark.parametrize("n_hidden", [1, 2, 3, 5, 8, 10, 16, 20, 33])
def test_results_are_those_of_torch(n_hidden, n_threads, monkeypatch):
    monkeypatch.setattr(_machine_code, "_SMALLEST_SHARE", 1)
    monkeypatch.setattr(torch, "get_num_threads", lambda: n_threads)
    arrays = draw(n_hidden)
    ours = forward_and_backward(CompiledGates(n_hidden), *arrays)
    theirs = forward_and_backward(TorchGates(), *arrays)
    for one, other in zip(ours, theirs, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-5, atol=1e-6)
        edges = one[:, [0, -1]], one[..., :2], one[..., -1:]
        assert all((edge == UNTOUCHED).all() for edge in edges)


@pytest.mark.usefixtures("_processor")
@pytest.mark.parametrize("n_hidden", [3, 10, 16])
def test_in_place_without_saving_the_gates(n_hidden):
    raw, cell, *_ = draw(n_hidden)
    results = []
    for gates in (CompiledGates(n_hidden), TorchGates()):
        raw_, cell_, hidden = raw.clone(), cell.clone(), torch.empty_like(cell)
        gates.forward_step(raw_, cell_, raw_, cell_, hidden)
        results.append((cell_, hidden))
    for one, other in zip(*results, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-5, atol=1e-6)


@pytest.mark.usefixtures("_processor")
@pytest.mark.parametrize("n_hidden", [3, 10, 16])
def test_recomputed_gates_are_the_same(n_hidden):
    raw, cell, *_ = draw(n_hidden)
    gates, again, scratch = torch.empty_like(raw), torch.empty_like(raw), torch.empty_like(cell)
    CompiledGates(n_hidden).forward_step(raw, cell, gates, scratch, scratch)
    CompiledGates(n_hidden).activate(raw, again)
    assert torch.equal(gates, again)


@pytest.mark.usefixtures("_processor")
def test_nan_stays_and_extremes_saturate():
    values = [torch.nan, torch.inf, -torch.inf, 1e30, -1e30, 90, -90, 0]
    raw = torch.tensor(values)[None, :, None].expand(1, 8, 4).contiguous()
    cell, gates = torch.zeros(1, 8, 1), torch.empty(1, 8, 4)
    hidden, new_cell = torch.empty(1, 8, 1), torch.empty(1, 8, 1)
    CompiledGates(1).forward_step(raw, cell, gates, new_cell, hidden)
    assert gates[0, 0].isnan().all()
    assert hidden[0, 0].isnan()
    torch.testing.assert_close(gates[0, 1:], raw[0, 1:].sigmoid(), rtol=1e-5, atol=1e-37)


@pytest.mark.usefixtures("_processor")
@pytest.mark.parametrize("n_hidden", [1, 3, 4, 10, 16, 17])
def test_nothing_outside_is_read_or_written(n_hidden, guarded):
    arrays = draw(n_hidden)
    raw, cell, d_hidden, d_cell = (guarded(array) for array in arrays)
    activated, new_cell, hidden = guarded(arrays[0]), guarded(arrays[1]), guarded(arrays[1])
    gates = CompiledGates(n_hidden)
    gates.activate(raw, activated)
    gates.forward_step(raw, cell, activated, new_cell, hidden)
    gates.backward_step(activated, cell, new_cell, d_hidden, d_cell)
    gates.forward_step(raw, cell, raw, cell, hidden)
    assert hidden.isfinite().all()


def test_d4_arrays_of_another_layout_are_refused():
    raw, cell, *_ = draw(6)
    channels_first = raw.transpose(1, 2).contiguous().transpose(1, 2)
    with pytest.raises(ValueError, match=r"raw must be float32 .* adjacent channels"):
        CompiledGates(6).activate(channels_first, torch.empty_like(raw))
    with pytest.raises(ValueError, match="gates must be float32"):
        CompiledGates(6).activate(raw, torch.empty_like(raw, dtype=torch.float64))
    with pytest.raises(ValueError, match="cell must be float32"):
        CompiledGates(6).forward_step(raw, cell[:, 1:], raw, cell, torch.empty_like(cell))


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16])
def test_d5_constants_do_not_depend_on_the_default_dtype(dtype, default_dtype):
    n_hidden, arrays = 7, draw(7)
    expected = forward_and_backward(TorchGates(), *arrays)
    _compiled_gates._compile.cache_clear()
    default_dtype(dtype)
    ours = forward_and_backward(CompiledGates(n_hidden), *arrays)
    _compiled_gates._compile.cache_clear()
    for one, other in zip(ours, expected, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-5, atol=1e-6)


def test_it_is_used_if_it_is_good():
    assert isinstance(compiled_gates(torch.zeros(40)), CompiledGates)
    assert compiled_gates(torch.zeros(40, dtype=torch.float64)) is None
    assert compiled_gates(torch.zeros(40, device="meta")) is None
