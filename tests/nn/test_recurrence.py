"""The fast recurrence against the naive one: the same states, gradients and missing frames."""

import copy
import pickle

import numpy as np
import pytest
import torch
from naive import naive_logits, naive_states

from skwater.nn import ConvLSTMNet, _layer
from skwater.nn._recurrence import hidden_states, stream_hidden_states
from skwater.nn._vector_lstm import vector_states
from skwater.nn._workspace import Workspace

SIZES = [(1, 1), (1, 6), (5, 1), (2, 3), (7, 5), (16, 12)]
KERNELS = [(1, 1), (3, 3), (1, 3), (2, 2), (4, 3), (5, 5)]


def draw(seed, dtype=torch.float64, size=None):
    """Draw frames with gaps, weights and the options of one case."""
    rng = np.random.default_rng(seed)

    def normal(*shape):
        return torch.from_numpy(rng.normal(size=shape)).to(dtype)

    n, t, c = rng.integers(1, 5, 3)
    size = size or SIZES[rng.integers(len(SIZES))]
    kernel = KERNELS[rng.integers(len(KERNELS))]
    kernel = tuple(min(k, 2 * s - 1) for k, s in zip(kernel, size, strict=True))
    layers, n_in = [], c
    for n_hidden in rng.integers(1, 6, rng.integers(1, 4)):
        weight = 0.3 * normal(4 * n_hidden, n_in + n_hidden, *kernel)
        layers.append((weight, normal(4 * n_hidden)))
        n_in = n_hidden
    x = normal(n, t, c, *size)
    x[torch.from_numpy(rng.random((n, t)) < rng.choice([0, 0.4]))] = torch.nan
    return x, layers


def missing_of(x):
    """Table (t, n) of the frames that are missing, or None."""
    missing = x.isnan().flatten(2).all(2).T
    return missing if missing.any() else None


def fast_states(x, layers, **options):
    """The same as naive_states, by the function under test."""
    missing = missing_of(x)
    states = x.nan_to_num(0).transpose(0, 1)
    for weight, bias in layers:
        states, last = hidden_states(states, weight, bias, missing, **options)
    torch.testing.assert_close(last, states[-1], rtol=0, atol=0, check_dtype=False)
    return states


def gradients(function, x, layers, **options):
    """Gradients of x and of all weights, of a loss that depends on every state."""
    leaves = [x, *(tensor for layer in layers for tensor in layer)]
    leaves = [leaf.detach().clone().requires_grad_() for leaf in leaves]
    states = function(leaves[0], list(zip(leaves[1::2], leaves[2::2], strict=True)), **options)
    weights = torch.linspace(-1, 1, states.numel(), dtype=states.dtype)
    return torch.autograd.grad((states.reshape(-1) * weights).sum(), leaves)


@pytest.fixture(params=[2**23, 1], ids=["one slab", "a slab for each row"])
def _slabs(request, monkeypatch):
    monkeypatch.setattr(_layer, "_SLAB_BYTES", request.param)


@pytest.mark.usefixtures("_slabs")
@pytest.mark.parametrize("recompute_gates", [False, True])
@pytest.mark.parametrize("seed", range(20))
def test_states_and_gradients_are_those_of_the_loop(seed, recompute_gates):
    x, layers = draw(seed)
    options = {"recompute_gates": recompute_gates}
    torch.testing.assert_close(fast_states(x, layers, **options), naive_states(x, layers))
    expected = gradients(naive_states, x, layers)
    for ours, theirs in zip(gradients(fast_states, x, layers, **options), expected, strict=True):
        torch.testing.assert_close(ours, theirs)


@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.parametrize("seed", range(10))
def test_single_precision(seed, compiled, monkeypatch):
    if compiled:
        pytest.importorskip("llvmlite", reason="llvmlite is not installed")
    monkeypatch.setattr(_layer, "_HAS_LLVMLITE", compiled)
    x, layers = draw(seed, torch.float32)
    torch.testing.assert_close(
        fast_states(x, layers), naive_states(x, layers), rtol=1e-5, atol=1e-6
    )
    expected = gradients(naive_states, x, layers)
    for ours, theirs in zip(gradients(fast_states, x, layers), expected, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-4)


@pytest.mark.usefixtures("_slabs")
@pytest.mark.parametrize("seed", range(10))
def test_stream_is_the_same_without_gradients(seed):
    x, layers = draw(seed)
    missing = missing_of(x)
    stream = stream_hidden_states(x.nan_to_num(0).transpose(0, 1), layers, missing)
    for ours, theirs in zip(stream, naive_states(x, layers), strict=True):
        torch.testing.assert_close(ours, theirs)


@pytest.mark.parametrize("seed", range(8))
def test_vectors_are_images_of_one_pixel(seed):
    x, layers = draw(seed, size=(1, 1))
    missing = missing_of(x)

    def run(x, layers):
        return vector_states(x.nan_to_num(0).transpose(0, 1), layers, missing)[0]

    torch.testing.assert_close(run(x, layers), naive_states(x, layers))
    expected = gradients(naive_states, x, layers)
    for ours, theirs in zip(gradients(run, x.nan_to_num(0), layers), expected, strict=True):
        torch.testing.assert_close(ours, theirs)


@pytest.mark.parametrize("recompute_gates", [False, True])
def test_gradcheck(recompute_gates):
    x, layers = torch.randn(2, 3, 2, 4, 3, dtype=torch.float64), draw(0)[1]
    weight, bias = torch.randn(12, 5, 3, 3, dtype=torch.float64), layers[0][1].new_zeros(12)
    missing = torch.tensor([[False, False], [True, False], [False, False]])

    def run(x, weight, bias):
        x = x.transpose(0, 1)
        return hidden_states(x, weight, bias, missing, recompute_gates=recompute_gates)

    inputs = [tensor.requires_grad_() for tensor in (x, weight, bias)]
    assert torch.autograd.gradcheck(run, inputs, fast_mode=True)


def test_gradient_by_some_only():
    x, layers = draw(3)
    expected = gradients(naive_states, x, layers)
    for leaf in range(3):
        leaves = [x.clone(), *(tensor.clone() for tensor in layers[0])]
        leaves[leaf].requires_grad_()
        states = fast_states(leaves[0], [tuple(leaves[1:]), *layers[1:]])
        weights = torch.linspace(-1, 1, states.numel(), dtype=states.dtype)
        (states.reshape(-1) * weights).sum().backward()
        torch.testing.assert_close(leaves[leaf].grad, expected[leaf])


def test_frames_need_not_be_contiguous():
    x, layers = draw(1)
    strided = x.movedim(2, -1).contiguous().movedim(-1, 2)
    assert strided.stride() != x.stride() or 1 in x.shape
    torch.testing.assert_close(fast_states(strided, layers), fast_states(x, layers))


def test_two_backward_passes():
    x, layers = draw(2)
    leaf = layers[0][0].requires_grad_()
    loss = fast_states(x, layers).square().sum()
    (first,) = torch.autograd.grad(loss, leaf, retain_graph=True)
    (second,) = torch.autograd.grad(loss, leaf)
    torch.testing.assert_close(first, second, rtol=0, atol=0)
    with pytest.raises(RuntimeError, match="second time"):
        torch.autograd.grad(loss, leaf)


def test_two_graphs_at_once_do_not_share_memory():
    workspace = Workspace()
    x, layers = draw(2)
    leaf = layers[0][0].requires_grad_()
    one, two = x, 2 * x.nan_to_num(1)
    losses = [fast_states(x, layers[:1], workspace=workspace).square().sum() for x in (one, two)]
    expected = [fast_states(x, layers[:1]).square().sum() for x in (one, two)]
    for ours, theirs in zip(losses, expected, strict=True):
        assert torch.equal(*(torch.autograd.grad(loss, leaf)[0] for loss in (ours, theirs)))


def make_net(**options):
    torch.manual_seed(0)
    options = {"hidden_channels": (3, 2), "head_channels": (4,), "pool_size": 2, **options}
    return ConvLSTMNet(3, 2, frame_size=(9, 8), **options)


def buffers_of(net):
    return [layer._workspace._buffers._flat for layer in net.layers]


def test_memory_is_reused_and_returned():
    net, x = make_net().train(), torch.randn(4, 3, 3, 9, 8)
    net(x).sum().backward()
    before = [{name: b.data_ptr() for name, b in flat.items()} for flat in buffers_of(net)]
    assert all(before)
    net(x[:2]).sum().backward()  # the last batch of an epoch
    after = [{name: b.data_ptr() for name, b in flat.items()} for flat in buffers_of(net)]
    assert before == after
    assert buffers_of(copy.deepcopy(net)) == buffers_of(pickle.loads(pickle.dumps(net))) == [{}, {}]
    net.eval()
    assert buffers_of(net) == [{}, {}]


def test_network_is_the_naive_one_in_training():
    net = make_net().train()
    naive = copy.deepcopy(net)
    optimizers = [torch.optim.SGD(module.parameters(), 0.1) for module in (net, naive)]
    for seed in range(3):
        x = torch.randn(3, 4, 3, 9, 8, generator=torch.Generator().manual_seed(seed))
        x[1, seed] = torch.nan
        logits = net(x), naive_logits(naive, x)
        torch.testing.assert_close(*logits, rtol=1e-5, atol=1e-5)
        for optimizer, out in zip(optimizers, logits, strict=True):
            optimizer.zero_grad()
            out.square().sum().backward()
            optimizer.step()
    for ours, theirs in zip(net.parameters(), naive.parameters(), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-5)


def test_forward_over_time_with_gradients():
    net, x = make_net().train(), torch.randn(2, 4, 3, 9, 8)
    over_time = net.forward_over_time(x)
    with torch.no_grad():
        torch.testing.assert_close(over_time, net.forward_over_time(x))
    over_time.square().sum().backward()
    assert all(p.grad.isfinite().all() and p.grad.any() for p in net.parameters())


def frames(*shape):
    generator = torch.Generator().manual_seed(0)
    return torch.randn(*shape, generator=generator, dtype=torch.float32)


def with_gradients(x, weight, bias, loss_weights):
    """Last hidden state and its gradients, after one step of a layer."""
    leaves = [leaf.clone().requires_grad_() for leaf in (x, weight, bias)]
    _, last = hidden_states(*leaves, None)
    return [last.detach(), *torch.autograd.grad((last * loss_weights).sum(), leaves)]


@pytest.fixture
def _no_onednn():
    enabled = torch.backends.mkldnn.set_flags(False)
    yield
    torch.backends.mkldnn.set_flags(*enabled)


@pytest.mark.usefixtures("_no_onednn")
def test_d4_without_onednn():
    # A large batch of small frames: the convolution answers in another memory layout.
    x, layers = frames(20, 3, 3, 12, 12), [(0.3 * frames(24, 9, 3, 3), frames(24))]
    states = naive_states(x.double(), [(w.double(), b.double()) for w, b in layers])
    torch.testing.assert_close(fast_states(x, layers).double(), states, rtol=1e-4, atol=1e-4)
    expected = gradients(naive_states, x, layers)
    for ours, theirs in zip(gradients(fast_states, x, layers), expected, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16])
def test_d5_the_default_dtype_changes_nothing(dtype, default_dtype):
    case = frames(3, 2, 3, 9, 8), 0.3 * frames(32, 11, 3, 3), frames(32), frames(2, 8, 9, 8)
    before = with_gradients(*case)
    default_dtype(dtype)
    for ours, theirs in zip(with_gradients(*case), before, strict=True):
        assert torch.equal(ours, theirs)


def test_d5_the_default_device_changes_nothing():
    case = frames(3, 2, 3, 9, 8), 0.3 * frames(32, 11, 3, 3), frames(32), frames(2, 8, 9, 8)
    before = with_gradients(*case)
    with torch.device("meta"):
        after = with_gradients(*case)
    for ours, theirs in zip(after, before, strict=True):
        assert torch.equal(ours, theirs)


def test_d8_machine_code_gives_the_same_bits_with_any_number_of_threads():
    pytest.importorskip("llvmlite", reason="llvmlite is not installed")
    case = frames(3, 4, 3, 64, 64), 0.3 * frames(40, 13, 3, 3), frames(40), frames(4, 10, 64, 64)
    before = torch.get_num_threads()
    try:
        one, two, three = (
            torch.set_num_threads(n_threads) or with_gradients(*case) for n_threads in (1, 2, 3)
        )
    finally:
        torch.set_num_threads(before)
    for tensors in zip(one, two, three, strict=True):
        assert all(torch.equal(tensors[0], other) for other in tensors[1:])


def test_inference_holds_no_memory():
    net, x = make_net(), torch.randn(2, 4, 3, 9, 8)
    with torch.no_grad():
        logits = net.eval()(x)
    assert not logits.requires_grad
    assert buffers_of(net) == [{}, {}]


@pytest.mark.parametrize(("size", "n_compiled"), [((32, 32), 2), ((33, 32), 0), ((16, 80), 0)])
def test_convolutions_are_compiled_for_small_frames_only(size, n_compiled, monkeypatch):
    pytest.importorskip("llvmlite", reason="there is no llvmlite for this platform")
    chosen, choose = [], _layer._choose_convolution
    monkeypatch.setattr(
        _layer, "_choose_convolution", lambda *args: chosen.append(choose(*args)) or chosen[-1]
    )
    net = ConvLSTMNet(3, 1, frame_size=size)
    net(torch.zeros(1, 2, 3, *size)).sum().backward()
    assert len(chosen) == 2
    assert sum(convolution is not None for convolution in chosen) == n_compiled
