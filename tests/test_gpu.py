"""A GPU gives the answers of the processor. Everything here skips without one."""

import copy
import warnings

import joblib
import numpy as np
import pytest
import torch
from torch import nn

import skwater
from skwater import ConvLSTMClassifier, RSSResampler, make_pipeline
from skwater.datasets import make_water_stress
from skwater.monitoring import StressMonitor
from skwater.nn import CNNLSTMNet, ConvLSTMNet
from skwater.preprocessing import FrameEncoder, VegetationMask

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs an NVIDIA GPU")

NETS = {
    "ConvLSTM": (ConvLSTMNet, {}),
    "two layers": (ConvLSTMNet, {"hidden_channels": (4, 3)}),
    "even kernel": (ConvLSTMNet, {"kernel_size": 4}),
    "low memory": (ConvLSTMNet, {"low_memory": True}),
    "CNN-LSTM": (CNNLSTMNet, {}),
}


@pytest.fixture(autouse=True)
def _full_float32():
    """TF32, with its 10-bit mantissa, is what convolutions have by default."""
    with torch.backends.cudnn.flags(enabled=True, allow_tf32=False):
        yield


@pytest.fixture(scope="module")
def plants():
    X, y = make_water_stress(16, 6, 16, random_state=0, return_X_y=True)
    X = X.astype(np.float32)
    X[1, 0] = X[2, 2] = X[3, 3:] = np.nan
    return X, y


@pytest.fixture
def make_pair(make_classifier):
    """One classifier for the processor and one for the GPU."""

    def make(**params):
        params = {"max_epochs": 5, "augment": None, "lr": 0.01, **params}
        return [make_classifier(device=device, **params) for device in ("cpu", "cuda")]

    return make


@pytest.mark.parametrize("frame_size", [(1, 1), (12, 9)], ids=str)
@pytest.mark.parametrize("name", NETS)
def test_logits_and_gradients(name, frame_size):
    cls, params = NETS[name]
    torch.manual_seed(0)
    net = cls(3, 2, frame_size=frame_size, **params)
    x = torch.randn(4, 5, 3, *frame_size)
    x[0, 1] = x[1, 0] = x[2, 2:] = torch.nan
    answers = []
    for device in ("cpu", "cuda"):
        twin = copy.deepcopy(net).to(device)
        logits, over_time = twin(x.to(device)), twin.eval().forward_over_time(x.to(device))
        logits.square().sum().backward()
        state = None
        for frame in x.to(device).unbind(1):
            last, state = twin.step(frame, state)
        gradients = [p.grad for p in twin.parameters()]
        answers.append([t.detach().cpu() for t in (logits, over_time, last, *gradients)])
    for ours, expected in zip(answers[1], answers[0], strict=True):
        torch.testing.assert_close(ours, expected, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("name", NETS)
def test_what_is_recorded_follows_the_weights_and_the_batches(name):
    cls, params = NETS[name]
    torch.manual_seed(0)
    net = cls(3, 1, frame_size=(12, 9), **params)
    twins = [copy.deepcopy(net).to(device) for device in ("cpu", "cuda")]
    optimizers = [torch.optim.SGD(twin.parameters(), 0.05) for twin in twins]
    for step in range(16):
        x = torch.randn(4 if step % 3 else 2, 5, 3, 12, 9)
        if step % 2:
            x[0, 1 + step % 4] = x[1, :2] = torch.nan
        losses = []
        for twin, optimizer in zip(twins, optimizers, strict=True):
            batch = x.to(next(twin.parameters()).device, copy=True).requires_grad_(step > 8)
            if step % 5:
                loss = twin(batch).square().mean()
            else:
                loss = twin.forward_over_time(batch).square().mean()
            optimizer.zero_grad()
            loss.backward(retain_graph=step == 12)
            if step == 12:
                loss.backward()
            optimizer.step()
            by_x = [] if batch.grad is None else [batch.grad.nan_to_num().cpu()]
            losses.append([loss.detach().cpu(), *by_x])
        for ours, expected in zip(losses[1], losses[0], strict=True):
            torch.testing.assert_close(ours, expected, rtol=1e-3, atol=1e-4)
    for ours, expected in zip(twins[1].parameters(), twins[0].parameters(), strict=True):
        torch.testing.assert_close(ours.cpu(), expected, rtol=1e-3, atol=1e-4)


def test_two_losses_at_once_do_not_share_memory():
    torch.manual_seed(0)
    net = ConvLSTMNet(3, 1, frame_size=(12, 9)).cuda()
    batches = torch.randn(2, 4, 5, 3, 12, 9, device="cuda")
    leaves = list(net.parameters())
    for _ in range(3):
        losses = [net(x).square().sum() for x in batches]
        expected = [torch.autograd.grad(net(x).square().sum(), leaves) for x in batches]
        for loss, theirs in zip(losses, expected, strict=True):
            for one, other in zip(torch.autograd.grad(loss, leaves), theirs, strict=True):
                torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-5)
        net(batches[0]).sum().backward()  # alone: this is what is recorded


def test_evaluation_gives_the_memory_back():
    net = ConvLSTMNet(3, 1, frame_size=(64, 64)).cuda()
    before = torch.cuda.memory_allocated()
    for _ in range(3):
        net(torch.rand(4, 8, 3, 64, 64, device="cuda")).sum().backward()
    net.zero_grad()
    assert torch.cuda.memory_allocated() > before + 2**20
    net.eval()
    assert torch.cuda.memory_allocated() < before + 2**20


@pytest.mark.parametrize(
    "params",
    [
        {},
        {"optimizer": "sgd"},
        {"class_weight": "balanced"},
        {"early_stopping": True},
        {"lr_schedule": "constant"},
        {"batch_size": 5},
    ],
    ids=str,
)
def test_a_fit_ends_at_the_same_probabilities(make_pair, plants, params):
    X, y = plants
    cpu, cuda = (model.fit(X, y) for model in make_pair(**params))
    assert next(cuda.net_.module_.parameters()).is_cuda
    np.testing.assert_allclose(cuda.predict_proba(X), cpu.predict_proba(X), atol=1e-3)
    np.testing.assert_allclose(
        cuda.predict_proba_over_time(X), cpu.predict_proba_over_time(X), atol=1e-3
    )


def test_lazy_splices(make_pair, plants):
    X, y = plants
    answers = []
    for model in make_pair():
        pipeline = make_pipeline(VegetationMask(), RSSResampler(20, random_state=0), model)
        answers.append(pipeline.fit(X, y).predict_proba(X))
    np.testing.assert_allclose(*answers, atol=1e-3)


def test_two_fits_agree_and_leave_the_generators_alone(make_pair, plants):
    states = torch.get_rng_state(), torch.cuda.get_rng_state()
    fits = [make_pair(augment="default")[1].fit(*plants) for _ in range(2)]
    assert torch.equal(torch.get_rng_state(), states[0])
    assert torch.equal(torch.cuda.get_rng_state(), states[1])
    one, other = (model.predict_proba(plants[0]) for model in fits)
    np.testing.assert_allclose(one, other, atol=1e-4)


def test_bfloat16(make_pair, plants):
    X, y = plants
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        rounded = make_pair(precision="bfloat16")[1].fit(X, y).predict_proba(X)
    difference = np.abs(rounded - make_pair()[1].fit(X, y).predict_proba(X)).max()
    assert 0 < difference < 0.1


def test_auto_takes_it_for_images_alone(make_classifier, plants):
    X, y = plants
    images = make_classifier(device="auto").fit(X, y)
    vectors = make_classifier(device="auto").fit(X.mean((2, 3)), y)
    assert images.net_.device == "cuda"
    assert vectors.net_.device == "cpu"


@pytest.mark.parametrize("write", [skwater.save, joblib.dump], ids=["save", "joblib"])
def test_a_file_of_a_model(make_pair, plants, tmp_path, write):
    X, y = plants
    model = make_pair()[1].fit(X, y)
    write(model, tmp_path / "model")
    loaded = (skwater.load if write is skwater.save else joblib.load)(tmp_path / "model")
    assert loaded.net_.device == "cuda"
    np.testing.assert_allclose(loaded.predict_proba(X), model.predict_proba(X), atol=1e-6)


def test_one_image_at_a_time(make_pair, plants, tmp_path):
    X, y = plants
    model = make_pair()[1].fit(X, y)
    monitor = StressMonitor(model, threshold=0.5)
    for t in range(X.shape[1]):
        if t == 3:  # a restart
            monitor.save(tmp_path / "monitor.npz")
            monitor = StressMonitor(model, threshold=0.5).load(tmp_path / "monitor.npz")
        statuses = monitor.update_many(range(len(X)), X[:, t], t)
    found = [status.probability for status in statuses]
    np.testing.assert_allclose(found, model.predict_proba(X)[:, 1], atol=1e-5)


def test_frame_encoder(plants):
    encoder = nn.Sequential(nn.Conv2d(3, 5, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    cpu, cuda = (FrameEncoder(encoder, white=255, device=device) for device in ("cpu", "cuda"))
    X = plants[0]
    np.testing.assert_allclose(cuda.fit_transform(X), cpu.fit_transform(X), rtol=1e-4, atol=1e-5)


def test_onnx_file(make_pair, plants, tmp_path):
    pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")
    pytest.importorskip("onnxscript", reason="onnxscript, which torch needs, is not installed")
    from skwater.export import to_onnx

    X, y = plants
    to_onnx(make_pair()[1].fit(X, y), tmp_path / "model.onnx")  # compares probabilities itself


def test_default_classifier_on_the_default_device():
    X, y = make_water_stress(8, 4, 32, random_state=0, return_X_y=True)
    model = ConvLSTMClassifier(max_epochs=2, random_state=0).fit(X, y)
    assert np.isfinite(model.predict_proba(X)).all()
