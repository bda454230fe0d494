"""The networks: shapes, missing frames, causality, gradients, and outputs known from elsewhere."""

import pickle
import warnings
from contextlib import suppress

import numpy as np
import pytest
import torch
from sklearn.utils.fixes import parse_version
from torch.nn.functional import conv2d

from skwater.nn import CNNLSTMNet, ConvLSTMNet, load_published_convlstm
from skwater.nn._shared_frames import SharedFrames

NETS = {
    ConvLSTMNet: {"hidden_channels": (3, 2), "head_channels": (4,), "pool_size": 2},
    CNNLSTMNet: {"block_channels": (3, 4), "lstm_size": 5},
}
CHECKPOINTS = ["with_rss_seed101", "without_rss_seed101"]
THEIR_NAMES = {
    "layers.0.conv": "conv_lstm.conv",
    "head.0": "conv1",
    "head.3": "conv2",
    "head.7": "fc1",
}


@pytest.fixture(params=NETS, ids=lambda cls: cls.__name__)
def make_net(request):
    def make(frame_size=(6, 5), n_outputs=2, **params):
        torch.manual_seed(0)
        params = {**NETS[request.param], **params}
        return request.param(3, n_outputs, frame_size=frame_size, **params).eval()

    with torch.random.fork_rng():
        yield make


def frames(*shape, seed=0, dtype=torch.float32):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


@pytest.mark.parametrize("frame_size", [(1, 1), (1, 7), (2, 2), (5, 3), (32, 32)], ids=str)
@pytest.mark.parametrize("net", NETS, ids=lambda cls: cls.__name__)
def test_default_nets_take_any_frame_size(net, frame_size):
    logits = net(4, 3, frame_size=frame_size)(frames(2, 3, 4, *frame_size))
    assert logits.shape == (2, 3)
    assert logits.isfinite().all()


@pytest.mark.parametrize("hidden_channels", [4, (4,), [3, 2, 5]], ids=str)
def test_stacked_layers(hidden_channels):
    net = ConvLSTMNet(3, 2, frame_size=(8, 8), hidden_channels=hidden_channels)
    n_hidden = np.atleast_1d(hidden_channels).tolist()
    n_in = [3, *n_hidden[:-1]]
    assert [layer.n_hidden for layer in net.layers] == n_hidden
    assert [layer.conv.in_channels for layer in net.layers] == np.add(n_in, n_hidden).tolist()
    assert net(frames(2, 4, 3, 8, 8)).shape == (2, 2)


def test_head_without_convolutions():
    net = ConvLSTMNet(3, 2, frame_size=(8, 8), hidden_channels=4, head_channels=())
    assert net(frames(2, 4, 3, 8, 8)).shape == (2, 2)


@pytest.mark.parametrize(
    ("net", "params"),
    [
        (ConvLSTMNet, {"hidden_channels": 0}),
        (ConvLSTMNet, {"hidden_channels": (4, 2.5)}),
        (ConvLSTMNet, {"hidden_channels": ()}),
        (ConvLSTMNet, {"head_channels": (4, -1)}),
        (ConvLSTMNet, {"kernel_size": 0}),
        (ConvLSTMNet, {"pool_size": 0}),
        (CNNLSTMNet, {"block_channels": ("8",)}),
        (CNNLSTMNet, {"kernel_size": 0}),
        (CNNLSTMNet, {"lstm_size": 0}),
    ],
    ids=str,
)
def test_sizes_must_be_positive_integers(net, params):
    with pytest.raises(ValueError, match=r"positive|greater than zero"):
        net(3, 1, frame_size=(8, 8), **params)


def test_published_network_is_the_default():
    assert sum(p.numel() for p in ConvLSTMNet(3, 1).parameters()) == 20_541


def test_weights_of_cnn_lstm_do_not_depend_on_the_frame_size():
    small, large = CNNLSTMNet(3, 1, frame_size=(32, 32)), CNNLSTMNet(3, 1)
    large.load_state_dict(small.state_dict())


@pytest.mark.parametrize("where", [[0, 0], [0, 2], [4, 4], [0, 1, 3, 4]], ids=str)
def test_missing_frames_change_nothing(make_net, where):
    net, x = make_net(), frames(2, 4, 3, 6, 5)
    padded = torch.from_numpy(np.insert(x.numpy(), where, np.nan, axis=1))
    torch.testing.assert_close(net(padded), net(x), rtol=0, atol=1e-6)


def test_each_plant_may_miss_other_frames(make_net):
    net, x = make_net(), frames(3, 5, 3, 6, 5)
    gaps = x.clone()
    gaps[0, 0] = gaps[1, 2] = gaps[2, 3:] = torch.nan
    present = [[1, 2, 3, 4], [0, 1, 3, 4], [0, 1, 2]]
    alone = [net(x[i : i + 1, kept]) for i, kept in enumerate(present)]
    torch.testing.assert_close(net(gaps), torch.cat(alone), rtol=0, atol=1e-6)


def test_forward_over_time_ends_with_forward(make_net):
    net, x = make_net(), frames(2, 5, 3, 6, 5)
    x[1, 1:3] = torch.nan
    over_time = net.forward_over_time(x)
    assert over_time.shape == (2, 5, 2)
    torch.testing.assert_close(over_time[:, -1], net(x), rtol=0, atol=1e-6)


def by_steps(net, x):
    """Logits after each frame, and the last state."""
    state, logits = None, []
    for frame in x.unbind(1):
        out, state = net.step(frame, state)
        logits.append(out)
    return torch.stack(logits, dim=1), state


STEPPED = [
    (ConvLSTMNet, {}),
    (ConvLSTMNet, {"hidden_channels": (3, 5, 2), "kernel_size": 2}),
    (ConvLSTMNet, {"hidden_channels": 4, "head_channels": ()}),
    (CNNLSTMNet, {}),
    (CNNLSTMNet, {"block_channels": ()}),
]


@pytest.mark.parametrize("frame_size", [(1, 1), (1, 7), (12, 10)], ids=str)
@pytest.mark.parametrize("missing", [False, True])
@pytest.mark.parametrize(("cls", "params"), STEPPED, ids=str)
def test_steps_are_forward(cls, params, missing, frame_size):
    torch.manual_seed(0)
    net, x = cls(3, 2, frame_size=frame_size, **params).eval(), frames(4, 5, 3, *frame_size)
    if missing:
        x[0, 0] = x[1, 2:4] = x[2, 4] = x[3] = torch.nan
    with torch.no_grad():
        logits, state = by_steps(net, x)
        torch.testing.assert_close(logits[:, -1], net(x), rtol=0, atol=1e-6)
        torch.testing.assert_close(logits, net.forward_over_time(x), rtol=0, atol=1e-6)
    assert type(state) is tuple
    assert all(type(part) is torch.Tensor and len(part) == 4 for part in state)


def test_steps_leave_the_state_that_they_were_given(make_net):
    net, x = make_net(), frames(2, 2, 3, 6, 5)
    _, state = net.step(x[:, 0])
    before = [part.clone() for part in state]
    first, second = net.step(x[:, 1], state)[0], net.step(x[:, 1], state)[0]
    assert torch.equal(first, second)
    assert all(map(torch.equal, state, before))


@pytest.mark.skipif(
    parse_version(torch.__version__) < parse_version("2.10"),
    reason="torch before 2.10 cannot export for any number of samples",
)
@pytest.mark.parametrize("frame_size", [(1, 1), (12, 10)], ids=str)
@pytest.mark.parametrize(("cls", "params"), STEPPED, ids=str)
def test_exported_network_is_the_same(cls, params, frame_size):
    torch.manual_seed(0)
    net, x = cls(3, 2, frame_size=frame_size, **params).eval(), frames(4, 5, 3, *frame_size)
    shapes = {"x": {0: torch.export.Dim("n")}}
    exported = torch.export.export(net, (x,), dynamic_shapes=shapes).module()
    other = frames(3, 5, 3, *frame_size, seed=1)
    other[0, 0] = other[1, 2:4] = torch.nan
    for given in (x, other):
        torch.testing.assert_close(exported(given), net(given), rtol=0, atol=1e-6)


def test_step_can_be_exported(make_net):
    net, x = make_net(), frames(2, 3, 3, 6, 5)
    _, state = net.step(x[:, 0])

    class Step(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.net = net

        def forward(self, frame, *state):
            return self.net.step(frame, state)

    exported = torch.export.export(Step(), (x[:, 1], *state)).module()
    torch.testing.assert_close(exported(x[:, 2], *state), net.step(x[:, 2], state))


@pytest.mark.parametrize("missing", [[], [1], [0, 3], [0, 1, 2, 3, 4]], ids=str)
def test_shared_frames_are_encoded_once_and_change_nothing(missing):
    net, some = CNNLSTMNet(3, 2, frame_size=(6, 5), block_channels=(3, 4)), frames(5, 3, 6, 5)
    some[missing] = torch.nan
    table = torch.tensor([[0, 1, 2], [0, 3, 2], [4, 1, 0]])
    sizes, outcomes = [], []
    net.encoder.register_forward_hook(lambda _, __, codes: sizes.append(len(codes)))
    for x in (some[table], SharedFrames(some, table)):
        sizes.clear(), net.zero_grad()
        logits = net.forward_over_time(x)
        torch.testing.assert_close(net(x), logits[:, -1])
        logits.square().sum().backward()
        outcomes.append([logits, *(p.grad for p in net.parameters())])
    assert sum(sizes) == 2 * (5 - len(missing))  # over time and not
    torch.testing.assert_close(*outcomes)


def test_forward_over_time_is_the_output_on_each_prefix(make_net):
    net, x = make_net(), frames(2, 5, 3, 6, 5)
    x[0, 1] = torch.nan
    for t, logits in enumerate(net.forward_over_time(x).unbind(1), start=1):
        torch.testing.assert_close(logits, net(x[:, :t]), rtol=0, atol=1e-6)


def test_forward_over_time_does_not_see_the_future(make_net):
    net, x = make_net(), frames(2, 5, 3, 6, 5)
    other = torch.cat([x[:, :3], 9 + frames(2, 2, 3, 6, 5, seed=1)], dim=1)
    one, two = (net.forward_over_time(z).unbind(1) for z in (x, other))
    assert all(torch.equal(a, b) for a, b in zip(one[:3], two[:3], strict=True))
    assert not any(torch.allclose(a, b) for a, b in zip(one[3:], two[3:], strict=True))


def test_order_of_frames_matters(make_net):
    net, x = make_net(), frames(2, 5, 3, 6, 5)
    assert not torch.allclose(net(x), net(x.flip(1)))


def test_gradients_are_right(make_net):
    net = make_net((3, 3), 1).double()
    x = frames(1, 2, 3, 3, 3, dtype=torch.float64).requires_grad_()
    assert torch.autograd.gradcheck(net, x, fast_mode=True)


def test_gradients_are_finite_with_missing_frames(make_net):
    net, x = make_net(), frames(3, 4, 3, 6, 5)
    x[0, 0] = x[1, 3] = x[2, 1] = torch.nan
    net(x).sum().backward()
    gradients = [p.grad for p in net.parameters()]
    assert all(g.isfinite().all() for g in gradients)
    assert any(g.abs().max() > 0 for g in gradients)


def naive_convlstm(x, weight, bias):
    """Last hidden state of one layer, gates in the order i, f, o, g."""
    n, _, _, height, width = x.shape
    n_hidden = len(bias) // 4
    h = c = torch.zeros(n, n_hidden, height, width)
    for frame in x.unbind(1):
        gates = conv2d(torch.cat((frame, h), 1), weight, bias, padding=weight.shape[-1] // 2)
        i, f, o, g = (gates[:, k * n_hidden : (k + 1) * n_hidden] for k in range(4))
        c = 1 / (1 + (-f).exp()) * c + 1 / (1 + (-i).exp()) * g.tanh()
        h = 1 / (1 + (-o).exp()) * c.tanh()
    return h


def test_recurrence_is_the_textbook_one():
    net = ConvLSTMNet(3, 1, frame_size=(9, 7), hidden_channels=4, head_channels=())
    x = frames(2, 6, 3, 9, 7)
    hidden = naive_convlstm(x, net.layers[0].conv.weight, net.layers[0].conv.bias)
    expected = hidden.flatten(1) @ net.head[-1].weight.T + net.head[-1].bias
    torch.testing.assert_close(net(x), expected, rtol=0, atol=1e-5)
    torch.testing.assert_close(by_steps(net, x)[0][:, -1], expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize("name", CHECKPOINTS)
def test_published_outputs(test_data, name):
    folder = test_data / "reference_convlstm"
    pictures = np.random.default_rng(7).integers(0, 256, (2, 4, 224, 224, 3), dtype=np.uint8)
    x = torch.from_numpy(pictures / 255).float().permute(0, 1, 4, 2, 3)
    with np.load(folder / "expected.npz") as expected, torch.inference_mode():
        logits = load_published_convlstm(folder / f"{name}.pt")(x)[:, 0]
        np.testing.assert_allclose(logits, expected[f"{name}_logit"], rtol=0, atol=1e-4)


def test_checkpoint_is_read_by_the_authors_names(tmp_path):
    ours = ConvLSTMNet(3, 1)
    theirs = {}
    for name, value in ours.state_dict().items():
        layer, part = name.rsplit(".", 1)
        theirs[f"{THEIR_NAMES[layer]}.{part}"] = value
    torch.save(theirs, tmp_path / "theirs.pt")
    read = load_published_convlstm(tmp_path / "theirs.pt")
    x = frames(1, 2, 3, 224, 224)
    assert torch.equal(read(x), ours(x))


@pytest.mark.parametrize(
    "content",
    [
        ConvLSTMNet(3, 1).state_dict(),
        CNNLSTMNet(3, 1).state_dict(),
        {"conv1.weight": "text"},
        {},
        torch.zeros(3),
        [1, 2],
        None,
    ],
    ids=["our names", "CNN-LSTM", "text", "empty", "tensor", "list", "None"],
)
def test_another_checkpoint_is_refused(tmp_path, content):
    torch.save(content, tmp_path / "other.pt")
    with pytest.raises(ValueError, match=r"other\.pt is not a published ConvLSTM checkpoint"):
        load_published_convlstm(tmp_path / "other.pt")


@pytest.mark.parametrize("content", [b"", b"<html>404</html>", b"PK\x03\x04 cut off", b"\x80\x02."])
def test_another_file_is_refused(tmp_path, content):
    tmp_path.joinpath("other.pt").write_bytes(content)
    with pytest.raises(ValueError, match=r"other\.pt is not a file of network weights"):
        load_published_convlstm(tmp_path / "other.pt")


class Malicious:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return open, (self.path, "w")


def save_pickle(content, path):
    path.write_bytes(pickle.dumps(content, protocol=2))


@pytest.mark.parametrize("save", [torch.save, save_pickle])
def test_nothing_in_a_checkpoint_is_executed(tmp_path, save):
    touched, checkpoint = tmp_path / "touched", tmp_path / "bad.pt"
    save(Malicious(str(touched)), checkpoint)
    with pytest.raises(ValueError, match="not a file of network weights"):
        load_published_convlstm(checkpoint)
    assert not touched.exists()
    with suppress(Exception):
        torch.load(checkpoint, weights_only=False)
    assert touched.exists(), "the file is harmless and proves nothing"


def test_traced_network_is_the_same_on_other_frames():
    torch.manual_seed(0)
    net, x = ConvLSTMNet(3, 1, frame_size=(12, 12)).eval(), torch.randn(2, 3, 3, 12, 12)
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # tracing is deprecated, and says what it takes for fixed
        traced = torch.jit.trace(net, x)
        torch.testing.assert_close(traced(2 * x), net(2 * x), rtol=1e-5, atol=1e-5)
