"""ONNX files give the probabilities of the estimator, and bad input never a silent answer."""

import json
import sys
from importlib.metadata import version
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.utils.fixes import parse_version
from torch import nn

from skwater import (
    CNNLSTMClassifier,
    ConvLSTMClassifier,
    EarlyDetector,
    RSSResampler,
    SequenceClassifier,
    make_pipeline,
)
from skwater.datasets import make_water_stress
from skwater.export import _to_onnx, _verify, to_onnx
from skwater.export._modules import Preparation
from skwater.preprocessing import (
    BaselineCorrector,
    CanopyCover,
    CenterCrop,
    FrameScaler,
    Resize,
    VegetationMask,
)

onnx = pytest.importorskip("onnx", reason="onnx is not installed")
ort = pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")
pytest.importorskip("onnxscript", reason="onnxscript, which torch needs, is not installed")
if parse_version(torch.__version__) < parse_version("2.10"):
    pytest.skip("torch is older than 2.10", allow_module_level=True)


def _plants(n_frames=4):
    plants = make_water_stress(9, n_frames, 8, random_state=0)
    X = plants.data.astype(np.float32)
    if n_frames > 1:
        X[1, 0] = X[2, 2] = X[3, 1:] = np.nan
    return X, plants.target


MODELS = {
    "ConvLSTM": lambda: ConvLSTMClassifier(hidden_channels=(3, 2), max_epochs=2, random_state=0),
    "CNN-LSTM": lambda: CNNLSTMClassifier(lstm_size=3, max_epochs=2, random_state=0),
    "masked": lambda: make_pipeline(
        VegetationMask(),
        CenterCrop((6, 5)),
        RSSResampler(20, random_state=0),
        ConvLSTMClassifier(hidden_channels=3, max_epochs=2, random_state=0),
    ),
    "cover": lambda: make_pipeline(
        CanopyCover(), CNNLSTMClassifier(lstm_size=3, max_epochs=2, random_state=0)
    ),
}
PAIRS = [(name, kind) for name in MODELS for kind in ("sequence", "step")]


class LastFrame(nn.Module):
    """A network that has no step."""

    def __init__(self, n_channels, n_outputs, frame_size):
        super().__init__()
        self.head = nn.Linear(n_channels * frame_size[0] * frame_size[1], n_outputs)

    def forward(self, x):
        return self.head(x[:, -1].flatten(1).nan_to_num(0))


class DataDependent(LastFrame):
    """A network that cannot be traced."""

    def forward(self, x):
        return super().forward(x) if x.nan_to_num(0).sum() > 0 else super().forward(-x)


@pytest.fixture(scope="module")
def fitted():
    """Fitted estimators by name; a third class for the pipeline with a mask."""
    X, y = _plants()
    labels = {"masked": np.array(["dry", "wet", "soil"])[np.arange(len(y)) % 3]}
    return {name: make().fit(X, labels.get(name, y)) for name, make in MODELS.items()}


@pytest.fixture(scope="module")
def file_of(fitted, tmp_path_factory):
    """Path of the file of a model, which is exported once."""
    folder, files = tmp_path_factory.mktemp("onnx"), {}

    def export(name, kind):
        if (name, kind) not in files:
            files[name, kind] = folder / f"{name} {kind}.onnx"
            to_onnx(fitted[name], files[name, kind], kind=kind)
        return files[name, kind]

    return export


def _over_time(estimator, X):
    for _, step in getattr(estimator, "steps", [])[:-1]:
        X = X if hasattr(step, "fit_resample") else step.transform(X)
    return getattr(estimator, "steps", [(None, estimator)])[-1][1].predict_proba_over_time(X)


@pytest.mark.parametrize(("name", "kind"), PAIRS)
def test_equals_torch(name, kind, fitted, file_of):
    X, _ = _plants()
    X = X[:, :, ::-1].copy()  # images that were not in training
    data = file_of(name, kind).read_bytes()
    expected = fitted[name].predict_proba(X) if kind == "sequence" else _over_time(fitted[name], X)
    for n in (1, 4, 9):
        found = _verify.run(data, X[:n], kind)
        assert found.dtype == np.float32
        np.testing.assert_allclose(found, expected[:n], rtol=0, atol=1e-5)


@pytest.mark.parametrize("step", [VegetationMask(), CanopyCover()], ids=["mask", "cover"])
def test_preparation_is_exact_at_the_threshold(step):
    """Pixels with 3g = 1.1 (r + g + b), up to the last bit."""
    g = np.arange(1, 251)
    total = np.rint(3 * g / 1.1).astype(int)
    r = (total - g) // 2
    X = np.stack([r, g, total - g - r], axis=-1).reshape(1, 1, 25, 10, 3).clip(0, 255)
    expected = step.transform(X.astype(np.uint8))
    none = SimpleNamespace(mean_=np.zeros(1), std_=np.ones(1))
    preparation = Preparation([step], none, X.shape[1:])
    found, _ = preparation(torch.tensor(X, dtype=torch.float32))
    found = found.movedim(2, -1).reshape(expected.shape).numpy()
    np.testing.assert_array_equal(found, expected.astype(np.float32))


def test_numbers_scaled_by_date(tmp_path):
    X, y = _plants()
    X = CanopyCover().fit_transform(X)
    X = np.where(np.isnan(X), np.nan, X + 1e6)  # float32 would lose them
    X[:, 3] = np.nan  # a date that all training plants lack
    model = make_pipeline(
        FrameScaler(), ConvLSTMClassifier(hidden_channels=2, max_epochs=2, random_state=0)
    ).fit(X, y)
    to_onnx(model, tmp_path / "model.onnx")
    new = X + 0.01
    new[:, 3] = 1e6
    found = _verify.run((tmp_path / "model.onnx").read_bytes(), new, "sequence")
    np.testing.assert_allclose(found, model.predict_proba(new), rtol=0, atol=1e-5)
    with pytest.raises(ValueError, match=r'FrameScaler scales each date .* kind="sequence"'):
        to_onnx(model, tmp_path / "step.onnx", kind="step")


def test_network_without_step(tmp_path):
    X, y = _plants()
    model = SequenceClassifier(LastFrame, max_epochs=2, random_state=0).fit(X, y)
    to_onnx(model, tmp_path / "model.onnx")
    found = _verify.run((tmp_path / "model.onnx").read_bytes(), X, "sequence")
    np.testing.assert_allclose(found, model.predict_proba(X), rtol=0, atol=1e-5)
    with pytest.raises(ValueError, match=r"LastFrame, .* an ONNX file needs a recurrent network"):
        to_onnx(model, tmp_path / "step.onnx", kind="step")


def test_network_that_cannot_be_traced(tmp_path):
    X, y = _plants()
    model = SequenceClassifier(DataDependent, max_epochs=1, random_state=0).fit(X, y)
    with pytest.raises(ValueError, match="DataDependent cannot be exported"):
        to_onnx(model, tmp_path / "model.onnx")
    assert list(tmp_path.iterdir()) == []


def test_compact_model_is_small(tmp_path):
    X, y = make_water_stress(4, 16, 64, random_state=0, return_X_y=True)
    model = ConvLSTMClassifier.compact(max_epochs=1, random_state=0).fit(X, y)
    for kind in ("sequence", "step"):
        to_onnx(model, tmp_path / "model.onnx", kind=kind)
        assert (tmp_path / "model.onnx").stat().st_size < 100_000


@pytest.mark.parametrize("name", ["ConvLSTM", "CNN-LSTM"])
def test_frames_are_one_loop(name, file_of):
    operations = [node.op_type for node in onnx.load(file_of(name, "sequence")).graph.node]
    assert operations.count("Scan") == 1
    assert not {"LSTM", "Tanh", "Loop"} & set(operations)  # they are in its body


def test_number_and_type_of_frames_are_checked(file_of):
    X, _ = _plants()
    data = file_of("ConvLSTM", "sequence").read_bytes()
    with pytest.raises(ort.capi.onnxruntime_pybind11_state.InvalidArgument, match="index: 1"):
        _verify.run(data, X[:, :3], "sequence")
    with pytest.raises(ort.capi.onnxruntime_pybind11_state.InvalidArgument, match="uint8"):
        _verify.run(data, np.nan_to_num(X).astype(np.uint8), "sequence")


def test_illegal_sequences_are_nan(file_of, fitted):
    X, _ = _plants()
    expected = fitted["masked"].predict_proba(X)
    X[0, 1, 2, 3, 0] = np.nan
    X[4, 1, 2, 3, 0] = np.inf
    X[5, 1, 3, 3, 1] = -1
    X[6] = np.nan  # no frame at all
    found = _verify.run(file_of("masked", "sequence").read_bytes(), X, "sequence")
    illegal = [0, 4, 5, 6]
    assert np.isnan(found[illegal]).all()
    legal = [1, 2, 3, 7, 8]
    np.testing.assert_allclose(found[legal], expected[legal], rtol=0, atol=1e-5)


def test_illegal_frame_leaves_the_state(file_of):
    X, _ = _plants()
    X = np.nan_to_num(X[:1])
    missing = X.copy()
    X[0, 1, 2, 3, 0], missing[0, 1] = np.inf, np.nan
    data = file_of("ConvLSTM", "step").read_bytes()
    found, expected = (_verify.run(data, some, "step")[0] for some in (X, missing))
    assert np.isnan(found[1]).all()
    np.testing.assert_array_equal(found[[0, 2, 3]], expected[[0, 2, 3]])


def test_metadata(file_of, fitted):
    model = onnx.load(file_of("masked", "step"))
    metadata = {entry.key: json.loads(entry.value) for entry in model.metadata_props}
    versions = metadata.pop("versions")
    assert metadata == {
        "classes": ["dry", "soil", "wet"],
        "kind": "step",
        "estimator": ["VegetationMask", "CenterCrop", "ConvLSTMClassifier"],
        "n_frames": 4,
        "frame_shape": [8, 8, 3],
    }
    assert versions["torch"] == version("torch")
    assert model.producer_name == "skwater"
    inputs = {value.name: value.type.tensor_type for value in model.graph.input}
    assert list(inputs) == ["frame", "state_0", "state_1"]
    assert inputs["frame"].shape.dim[0].dim_param == "n_samples"
    assert [dim.dim_value for dim in inputs["state_0"].shape.dim[1:]] == [3, 6, 5]
    outputs = [value.name for value in model.graph.output]
    assert outputs == ["probabilities", "new_state_0", "new_state_1"]


def _use_graph(monkeypatch, path):
    """Export a graph that is already there, which saves the time to trace it."""
    monkeypatch.setattr(_to_onnx, "_make_graph", lambda *args: onnx.load(path).graph)


def test_days_of_the_loader(tmp_path, file_of, fitted, monkeypatch):
    _use_graph(monkeypatch, file_of("ConvLSTM", "step"))
    monkeypatch.setattr(fitted["ConvLSTM"], "recipe_", {"days": [0, 3, 7, 8.5]}, raising=False)
    to_onnx(fitted["ConvLSTM"], tmp_path / "model.onnx", kind="step")
    props = {entry.key: entry.value for entry in onnx.load(tmp_path / "model.onnx").metadata_props}
    assert json.loads(props["days"]) == [0, 3, 7, 8.5]


def test_difference_leaves_the_old_file(tmp_path, file_of, fitted, monkeypatch):
    _use_graph(monkeypatch, file_of("ConvLSTM", "sequence"))
    X, y = _plants()
    other = MODELS["ConvLSTM"]().set_params(random_state=1).fit(X, y)
    with pytest.raises(RuntimeError, match=r"differ by up to .* of ConvLSTMClassifier"):
        to_onnx(other, tmp_path / "model.onnx")
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "model.onnx").write_text("old")
    with pytest.raises(RuntimeError, match="no file was written"):
        to_onnx(other, tmp_path / "model.onnx")
    assert (tmp_path / "model.onnx").read_text() == "old"


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda c: make_pipeline(Resize(4), c), r"Resize has no form in ONNX .* pipeline\[1:\]"),
        (lambda c: make_pipeline(BaselineCorrector(1), c), "BaselineCorrector .* an ONNX file"),
        (lambda c: make_pipeline(CanopyCover(), LogisticRegression()), "LogisticRegression"),
        (lambda c: EarlyDetector(c, threshold=0.5), "EarlyDetector .*estimators_"),
    ],
)
def test_refused_by_name(make, message, tmp_path):
    X, y = make_water_stress(8, 3, 8, random_state=0, return_X_y=True)
    model = make(ConvLSTMClassifier(hidden_channels=2, max_epochs=1, random_state=0))
    if "BaselineCorrector" in message:
        X = CanopyCover().fit_transform(X)
    with pytest.raises(ValueError, match=message):
        to_onnx(model.fit(X, y), tmp_path / "model.onnx")
    assert list(tmp_path.iterdir()) == []


def test_missing_package_is_named(fitted, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnxscript", None)
    with pytest.raises(ImportError, match=r'onnxscript: pip install "skwater\[onnx\]"'):
        to_onnx(fitted["ConvLSTM"], tmp_path / "model.onnx")


def test_torch_that_is_too_old(fitted, tmp_path, monkeypatch):
    monkeypatch.setattr(torch, "__version__", "2.9.1+cu128")
    with pytest.raises(ImportError, match=r"torch 2\.10 or newer, and this is 2\.9\.1\+cu128"):
        to_onnx(fitted["ConvLSTM"], tmp_path / "model.onnx")
