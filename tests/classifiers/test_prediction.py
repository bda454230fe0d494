"""Prediction of vectors in machine code against torch in double precision."""

import re

import numpy as np
import pytest
import torch
from torch import nn

from skwater import CNNLSTMClassifier, ConvLSTMClassifier, SplicedSequences
from skwater.classifiers import _prediction
from skwater.classifiers._jit import compiles
from skwater.classifiers._prediction import predict_logits
from skwater.classifiers._vector_support import predicts_compiled

pytestmark = pytest.mark.skipif(not compiles(), reason="numba is not installed")

SETTINGS = {"max_epochs": 3, "batch_size": 8, "lr": 0.05, "device": "cpu", "random_state": 0}
NETWORKS = [
    (ConvLSTMClassifier, {}),
    (ConvLSTMClassifier, {"hidden_channels": (3, 5, 4)}),
    (CNNLSTMClassifier, {"dropout": 0.5}),
    (CNNLSTMClassifier, {"block_channels": ()}),
]


def make_data(n_channels=5, n_classes=2):
    X = 100 + 3 * np.random.default_rng(0).normal(size=(29, 6, n_channels))
    X[1, 0] = X[2, 2] = X[3, ::2] = X[4, 3:] = X[5, :5] = X[6, 1:] = np.nan
    return X, np.arange(29) % n_classes


@pytest.fixture
def with_torch(monkeypatch):
    """Predict without machine code."""

    def logits(model, X, **options):
        with monkeypatch.context() as patch:
            patch.setattr(_prediction, "predicts_compiled", lambda module: False)
            return predict_logits(model, X, **options)

    return logits


@pytest.mark.parametrize(
    ("cls", "params"), NETWORKS, ids=lambda value: re.sub(r"\W+", " ", str(value))
)
@pytest.mark.parametrize(("n_channels", "n_classes"), [(5, 2), (5, 3), (1100, 2)])
@pytest.mark.parametrize("over_time", [False, True])
def test_same_as_torch_and_alone(with_torch, cls, params, n_channels, n_classes, over_time):
    X, y = make_data(n_channels, n_classes)
    model = cls(**SETTINGS, **params).fit(X, y)
    assert predicts_compiled(model.net_.module_)
    logits = predict_logits(model, X, over_time=over_time)
    expected = with_torch(model, X, over_time=over_time)
    np.testing.assert_allclose(logits, expected, rtol=0, atol=1e-9)
    alone = [predict_logits(model, X[i : i + 1], over_time=over_time) for i in range(len(X))]
    np.testing.assert_array_equal(logits, np.concatenate(alone))  # to the last bit


def test_parts_are_independent(monkeypatch):
    X, y = make_data()
    model = ConvLSTMClassifier(**SETTINGS).fit(X, y)
    expected = model.predict_proba(X)
    monkeypatch.setattr(_prediction, "_VALUES_AT_ONCE", 4 * X[0].size)
    np.testing.assert_array_equal(model.predict_proba(X), expected)


@pytest.mark.parametrize("kind", ["float32", "int", "lazy", "read-only", "strided", "scalars"])
def test_kinds_of_arrays(with_torch, kind):
    X, y = make_data()
    X = np.nan_to_num(X, nan=100.0)
    if kind in ("float32", "int"):
        X = X.astype(kind)
    elif kind == "lazy":
        X = SplicedSequences(X, np.random.default_rng(0).integers(29, size=(29, 6)))
    elif kind == "read-only":
        X.flags.writeable = False
    elif kind == "strided":
        X = X[:, :, ::2]
    elif kind == "scalars":
        X = X[:, :, 0]
    model = ConvLSTMClassifier(**SETTINGS).fit(X, y)
    logits = predict_logits(model, X)
    np.testing.assert_allclose(logits, with_torch(model, X), rtol=0, atol=1e-9)


def test_weights_are_not_changed():
    X, y = make_data()
    model = ConvLSTMClassifier(**SETTINGS).fit(X, y)
    before = [p.detach().clone() for p in model.net_.module_.parameters()]
    np.testing.assert_array_equal(model.predict_proba(X), model.predict_proba(X))
    pairs = zip(before, model.net_.module_.parameters(), strict=True)
    assert all(torch.equal(old, new) for old, new in pairs)


def test_changed_networks_are_left_to_torch():
    X, y = make_data()
    model = ConvLSTMClassifier(**SETTINGS).fit(X, y)
    expected, module = predict_logits(model, X), model.net_.module_
    head = module.head
    module.head = nn.Sequential(*head, nn.Tanh())
    assert not predicts_compiled(module)
    np.testing.assert_allclose(predict_logits(model, X), np.tanh(expected), atol=1e-9)
    module.head = head
    module.head.register_forward_hook(lambda *args: 2 * args[-1])
    assert not predicts_compiled(module)
    np.testing.assert_allclose(predict_logits(model, X), 2 * expected, atol=1e-9)
