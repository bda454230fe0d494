"""Convolutions in bfloat16: close to float32, and float32 wherever that is promised."""

import copy
import pickle
from pathlib import Path

import pytest
import torch
import torch.fx.experimental._config
from naive import naive_states
from test_recurrence import SIZES, draw, fast_states, gradients, missing_of

from skwater.nn import CNNLSTMNet, ConvLSTMNet, _cnn_lstm, _precision
from skwater.nn._precision import has_bfloat16
from skwater.nn._recurrence import hidden_states, stream_hidden_states
from skwater.nn._workspace import Workspace

NETS = {
    ConvLSTMNet: {"hidden_channels": (3, 2), "head_channels": (4,), "pool_size": 2},
    CNNLSTMNet: {"block_channels": (3, 4), "lstm_size": 5},
}
BFLOAT16 = {"dtype": torch.bfloat16}


@pytest.fixture(params=NETS, ids=lambda cls: cls.__name__)
def make_net(request):
    def make(frame_size=(9, 8), precision="bfloat16", **params):
        torch.manual_seed(0)
        params = {**NETS[request.param], **params}
        return request.param(3, 2, frame_size=frame_size, precision=precision, **params)

    with torch.random.fork_rng():
        yield make


def frames(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def distance(ours, theirs):
    """Relative to the norm of the expected tensor."""
    return float((ours - theirs).norm() / theirs.norm())


@pytest.mark.parametrize("recompute_gates", [False, True])
@pytest.mark.parametrize("seed", range(12))
def test_recurrence_is_near_the_loop_but_not_the_same(seed, recompute_gates):
    x, layers = draw(seed, torch.float32, SIZES[1 + seed % 5])
    options = {**BFLOAT16, "recompute_gates": recompute_gates}
    states, expected = fast_states(x, layers, **options).float(), naive_states(x, layers)
    assert 1e-4 < distance(states, expected) < 0.01
    expected = gradients(naive_states, x, layers)
    for ours, theirs in zip(gradients(fast_states, x, layers, **options), expected, strict=True):
        assert ours.dtype == torch.float32
        assert distance(ours, theirs) < 0.03


def test_states_do_not_drift_over_a_long_series():
    weight, bias = 0.1 * frames(16, 7, 3, 3), torch.zeros(16)
    bias[4:8] = 8  # the cell state is a sum over all frames, too many for bfloat16
    x = frames(1, 300, 3, 6, 6) + 1
    expected = naive_states(x, [(weight, bias)])[-1]
    assert distance(fast_states(x, [(weight, bias)], **BFLOAT16)[-1].float(), expected) < 0.01


@pytest.mark.parametrize("seed", range(6))
def test_stream_is_the_same_without_gradients(seed):
    x, layers = draw(seed, torch.float32)
    stream = stream_hidden_states(
        x.nan_to_num(0).transpose(0, 1), layers, missing_of(x), **BFLOAT16
    )
    for ours, theirs in zip(stream, fast_states(x, layers, **BFLOAT16), strict=True):
        torch.testing.assert_close(ours, theirs)


def test_weight_gradients_are_summed_in_float32():
    # Each frame adds the same; 300 of them in bfloat16 would stop growing at 256 times the first.
    weight, bias = torch.zeros(4, 2, 3, 3).requires_grad_(), torch.zeros(4)
    bias[1] = -30  # forget all
    x = torch.ones(300, 1, 1, 4, 4)
    states, _ = hidden_states(x, weight, bias, None, **BFLOAT16)
    (one,) = torch.autograd.grad(states[0].float().sum(), weight, retain_graph=True)
    (all_,) = torch.autograd.grad(states.float().sum(), weight)
    torch.testing.assert_close(all_[:, 0], 300 * one[:, 0], rtol=1e-3, atol=1e-3)


def test_encoder_gradients_are_summed_in_float32(monkeypatch):
    monkeypatch.setattr(_cnn_lstm, "_BYTES_AT_ONCE", 1)  # each frame on its own
    torch.manual_seed(0)
    net = CNNLSTMNet(3, 2, frame_size=(9, 8), precision="bfloat16")
    x = frames(1, 1, 3, 9, 8)
    for t in 1, 300:
        codes = net._encode(x.expand(1, t, 3, 9, 8), torch.ones(1, t, dtype=torch.bool))
        net.zero_grad()
        codes.sum().backward()
        if t == 1:
            one = [p.grad.clone() for p in net.encoder.parameters()]
    for all_, once in zip(net.encoder.parameters(), one, strict=True):
        torch.testing.assert_close(all_.grad, 300 * once, rtol=1e-3, atol=1e-3)


def gradients_of(net, x):
    net.zero_grad()
    logits = net(x)
    logits.square().sum().backward()
    return [logits.detach(), *(p.grad.clone() for p in net.parameters())]


def test_nets_train_near_float32(make_net):
    x = frames(3, 4, 3, 9, 8)
    x[1, 2] = torch.nan
    rounded, exact = (gradients_of(make_net(precision=p), x) for p in ("bfloat16", "float32"))
    assert all(g.dtype == torch.float32 for g in rounded)
    assert max(distance(ours, theirs) for ours, theirs in zip(rounded, exact, strict=True)) < 0.1
    assert not any(torch.equal(ours, theirs) for ours, theirs in zip(rounded, exact, strict=True))


def test_same_net_same_bits(make_net):
    x = frames(3, 4, 3, 9, 8)
    one, same = (gradients_of(make_net(), x) for _ in range(2))
    assert all(torch.equal(a, b) for a, b in zip(one, same, strict=True))


def test_evaluation_is_in_float32(make_net):
    x = frames(2, 4, 3, 9, 8)
    net, exact = make_net(), make_net(precision="float32").eval()
    assert not torch.equal(net(x), exact(x))
    assert torch.equal(net.eval()(x), exact(x))
    with torch.no_grad():
        assert torch.equal(net(x), exact(x))


def test_scalars_are_float32(make_net):
    x = frames(3, 5, 3, 1, 1)
    rounded, exact = (gradients_of(make_net((1, 1), p), x) for p in ("bfloat16", "float32"))
    assert all(torch.equal(a, b) for a, b in zip(rounded, exact, strict=True))


def test_missing_frames_change_nothing(make_net):
    net, x = make_net(), frames(2, 4, 3, 9, 8)
    gaps = torch.full((2, 7, 3, 9, 8), torch.nan)
    gaps[:, [1, 2, 4, 6]] = x
    for ours, theirs in zip(gradients_of(net, gaps), gradients_of(net, x), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=1e-5)


def test_forward_over_time_ends_with_forward(make_net):
    net, x = make_net(), frames(2, 5, 3, 9, 8)
    x[1, 1:3] = torch.nan
    over_time = net.forward_over_time(x)
    assert over_time.dtype == torch.float32
    torch.testing.assert_close(over_time[:, -1], net(x), rtol=0, atol=1e-6)
    with torch.no_grad():
        torch.testing.assert_close(net.forward_over_time(x), over_time, rtol=0, atol=1e-6)


def test_low_memory_is_the_same():
    x = frames(3, 4, 3, 9, 8)
    torch.manual_seed(0)
    net = ConvLSTMNet(3, 2, frame_size=(9, 8), precision="bfloat16")
    low = ConvLSTMNet(3, 2, frame_size=(9, 8), precision="bfloat16", low_memory=True)
    low.load_state_dict(net.state_dict())
    for ours, theirs in zip(gradients_of(low, x), gradients_of(net, x), strict=True):
        assert torch.equal(ours, theirs)


def test_copies_keep_the_precision(make_net):
    net, x = make_net(), frames(2, 4, 3, 9, 8)
    for twin in copy.deepcopy(net), pickle.loads(pickle.dumps(net)):
        assert torch.equal(twin(x), net(x))


@pytest.mark.parametrize("precision", ["float16", "bf16", None, torch.bfloat16])
def test_another_precision_is_refused(make_net, precision):
    with pytest.raises(ValueError, match="precision must be one of"):
        make_net(precision=precision)


@pytest.mark.parametrize("dtype", [None, torch.bfloat16])
@pytest.mark.parametrize("recompute_gates", [False, True])
@pytest.mark.parametrize("kernel", [1, 3])
def test_all_tensors_are_on_the_device_of_the_frames(kernel, recompute_gates, dtype):
    # Device "meta" refuses to mix with the CPU as an accelerator does.
    x = torch.empty(5, 2, 3, 8, 6, device="meta", requires_grad=True)
    missing = torch.empty(5, 2, dtype=torch.bool, device="meta")
    weight = torch.empty(16, 7, kernel, kernel, device="meta", requires_grad=True)
    bias, workspace = torch.empty(16, device="meta", requires_grad=True), Workspace()
    options = {"recompute_gates": recompute_gates, "dtype": dtype, "workspace": workspace}
    states, last = hidden_states(x, weight, bias, missing, **options)
    (states.float().sum() + last.sum()).backward()
    for leaf in (x, weight, bias):
        assert (leaf.grad.device.type, leaf.grad.dtype) == ("meta", torch.float32)
    buffers = workspace._buffers._flat
    assert all(buffer.device.type == "meta" for buffer in buffers.values())
    assert {buffers[name].dtype for name in ("cells", "gates")} == {torch.float32}
    assert buffers["frames"].dtype == (dtype or torch.float32)
    with torch.no_grad():
        stream = list(stream_hidden_states(x, [(weight, bias)], missing, dtype=dtype))
    assert {state.device.type for state in stream} == {"meta"}


@pytest.mark.skipif(not Path("/proc/cpuinfo").exists(), reason="the system is not Linux")
def test_the_instructions_of_the_cpu_decide():
    assert has_bfloat16("cpu") == ("avx512_bf16" in Path("/proc/cpuinfo").read_text())


def test_which_devices_have_bfloat16(monkeypatch):
    assert not has_bfloat16("meta")
    for answer in (True, False):
        monkeypatch.setattr(_precision, "_cpu_has_bfloat16", lambda answer=answer: answer)
        assert has_bfloat16("cpu") is answer
