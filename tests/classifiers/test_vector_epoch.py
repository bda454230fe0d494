"""Compiled epochs and torch's own batch loop train the same network."""

import numpy as np
import pytest
import torch
from skorch.callbacks import Callback, LRScheduler

from skwater import CNNLSTMClassifier, ConvLSTMClassifier, RSSResampler
from skwater.classifiers import _net

pytest.importorskip("numba", reason="epochs are compiled by numba only")


@pytest.fixture
def vectors(make_sequences):
    """29 sequences of 6 vectors of 3, some frames missing: early, late, all but one."""
    X = make_sequences(29, 6, ndim=3)
    X[4, :2] = X[5, 4:] = X[6, 1:] = X[7, 2:4] = X[8, :5] = np.nan
    return X, np.arange(29) % 2


def fit_both(model, X, y, monkeypatch):
    """Fit by compiled epochs and by torch."""
    fits = []
    for compiled in (True, False):
        epochs = []
        with monkeypatch.context() as patch:
            patch.setattr(_net.VectorEpochs, "run", _count(epochs, _net.VectorEpochs.run))
            if not compiled:
                patch.setattr(_net, "can_compile", lambda net, iterator: False)
            fits.append(model.__sklearn_clone__().fit(X, y))
        assert len(epochs) == (len(fits[-1].history_) if compiled else 0)
    return fits


def _count(epochs, run):
    def counted(self, *args):
        epochs.append(True)
        return run(self, *args)

    return counted


def assert_same(one, other, X):
    losses = [[list(row.values()) for row in model.history_] for model in (one, other)]
    np.testing.assert_allclose(*losses, rtol=1e-4)
    np.testing.assert_allclose(one.predict_proba(X), other.predict_proba(X), atol=1e-5)
    weights = ([p.detach().numpy() for p in m.net_.module_.parameters()] for m in (one, other))
    for ours, theirs in zip(*weights, strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-4)


@pytest.mark.parametrize(
    "model",
    [
        ConvLSTMClassifier(),
        ConvLSTMClassifier(hidden_channels=(5, 3)),
        CNNLSTMClassifier(),
        CNNLSTMClassifier(block_channels=(), lstm_size=6),
    ],
    ids=["ConvLSTM", "stacked", "CNN-LSTM", "LSTM"],
)
@pytest.mark.parametrize(
    "params",
    [
        {},
        {"class_weight": "balanced"},
        {"optimizer": "sgd", "lr": 0.1},
        {"lr_schedule": "constant"},
        {"early_stopping": True, "validation_fraction": 0.3},
        {"net_params": {"optimizer__betas": (0.8, 0.9), "optimizer__eps": 1e-4}},
    ],
    ids=["cosine", "class weight", "sgd", "constant", "early stopping", "betas"],
)
@pytest.mark.parametrize("n_classes", [2, 3])
def test_same_as_torch(model, params, n_classes, vectors, monkeypatch):
    X, y = vectors[0], np.minimum(np.arange(29) % 5, n_classes - 1)
    model = model.__sklearn_clone__().set_params(
        max_epochs=4, batch_size=8, random_state=0, device="cpu", **params
    )
    assert_same(*fit_both(model, X, y, monkeypatch), X)


@pytest.mark.parametrize("classifier", [ConvLSTMClassifier, CNNLSTMClassifier])
@pytest.mark.parametrize("kind", ["numbers", "one class weight", "lazy", "float64"])
def test_same_as_torch_on_other_input(classifier, kind, vectors, monkeypatch):
    X, y = vectors
    if kind == "numbers":
        X = X[:, :, 0]
    elif kind == "lazy":
        X, y = RSSResampler(20, lazy=True, random_state=0).fit_resample(X, y)
    elif kind == "float64":
        X = X.astype(np.float64) + 1e6
    params = {"class_weight": {0: 1, 1: 3}} if kind == "one class weight" else {}
    model = classifier(max_epochs=3, random_state=0, device="cpu", **params)
    assert_same(*fit_both(model, X, y, monkeypatch), X)


def test_weights_can_be_trained_on_by_torch(vectors):
    X, y = vectors
    model = ConvLSTMClassifier(max_epochs=3, random_state=0, device="cpu").fit(X, y)
    (state,) = {int(s["step"]) for s in model.net_.optimizer_.state.values()}
    assert state == 3 * 4
    for parameter, state in model.net_.optimizer_.state.items():
        assert state["exp_avg"].shape == state["exp_avg_sq"].shape == parameter.shape
    assert model.net_._vector_epochs is None  # no training data is kept


class Batchwise(Callback):
    """Want to see every batch."""

    seen = 0

    def on_batch_end(self, net, training=True, **kwargs):
        self.seen += training


@pytest.mark.parametrize(
    "params",
    [
        {"optimizer": "adamw"},
        {"optimizer": torch.optim.RMSprop},
        {"callbacks": [Batchwise()]},
        {"callbacks": [LRScheduler("CosineAnnealingLR", T_max=4, step_every="batch")]},
        {"net_params": {"optimizer__weight_decay": 0.1}},
        {"net_params": {"iterator_train__drop_last": True}},
        {"dropout": 0.5},
    ],
    ids=["adamw", "RMSprop", "callback", "schedule", "weight decay", "drop last", "dropout"],
)
def test_other_settings_are_left_to_torch(params, vectors, monkeypatch):
    X, y = vectors
    epochs = []
    monkeypatch.setattr(_net.VectorEpochs, "run", _count(epochs, _net.VectorEpochs.run))
    model = CNNLSTMClassifier(max_epochs=2, random_state=0, device="cpu", **params).fit(X, y)
    assert not epochs
    assert len(model.history_) == 2
    for _, callback in model.net_.callbacks_:
        if isinstance(callback, Batchwise):
            assert callback.seen == 2 * 4


def test_images_are_left_to_torch(make_task, monkeypatch):
    epochs = []
    monkeypatch.setattr(_net.VectorEpochs, "run", _count(epochs, _net.VectorEpochs.run))
    ConvLSTMClassifier(max_epochs=1, hidden_channels=2, device="cpu").fit(*make_task(ndim=4))
    assert not epochs


def test_loss_that_is_not_finite_is_found(vectors):
    X, y = vectors
    with pytest.raises(ValueError, match="Try a smaller lr"):
        ConvLSTMClassifier(optimizer="sgd", lr=3e38, random_state=0, device="cpu").fit(X, y)
