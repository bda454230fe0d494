"""Epochs of machine code on sequences of vectors against epochs of torch."""

import re
import sys

import numpy as np
import pytest
import torch
from end_of_training import KeepTheEnd, end_of
from skorch.callbacks import Callback, EpochScoring, LRScheduler

from skwater import CNNLSTMClassifier, ConvLSTMClassifier, SplicedSequences
from skwater.classifiers import _training, _vector_kernel
from skwater.classifiers._jit import compiled, compiles
from skwater.classifiers._losses import BinaryLoss
from skwater.classifiers._vector_support import runs_compiled

pytestmark = pytest.mark.skipif(not compiles(), reason="numba is not here")


def name(params):
    """Name settings without addresses, which differ between processes."""
    return re.sub(" object at 0x[0-9a-f]+", "", str(params))


SETTINGS = {"max_epochs": 3, "batch_size": 8, "device": "cpu", "random_state": 0}


@pytest.fixture
def compiled_epochs(monkeypatch):
    """Take note of each epoch that is machine code."""
    epochs, train = [], _training.train_compiled

    def spy(net, iterator):
        epochs.append(train(net, iterator))
        return epochs[-1]

    monkeypatch.setattr(_training, "train_compiled", spy)
    return epochs


@pytest.fixture
def fit_both(monkeypatch, compiled_epochs):
    """Fit the same in machine code and in torch."""

    def fit(cls, X, y, **params):
        params = {**SETTINGS, **params}
        params["callbacks"] = [*params.get("callbacks", []), KeepTheEnd()]
        one = cls(**params).fit(X, y)
        assert len(compiled_epochs) == len(one.history_)
        with monkeypatch.context() as patch:
            patch.setattr(_training, "runs_compiled", lambda *args: False)
            other = cls(**params).fit(X, y)
        assert len(compiled_epochs) == len(one.history_)
        return one, other

    return fit


def numbers_of(model):
    """Weights, averages of the optimiser and losses, as arrays."""
    end = end_of(model)
    losses = [list(row.values()) for row in model.history_]
    names = ("step", "exp_avg", "exp_avg_sq")
    moments = [end.state[k][name] for k in sorted(end.state) for name in names]
    weights = [p.detach() for p in model.net_.module_.parameters()]
    return [*map(np.asarray, [*weights, *moments, losses]), *map(np.array, end.batches)]


def assert_same(one, other, X):
    pairs = list(zip(numbers_of(one), numbers_of(other), strict=True))
    assert pairs
    for ours, theirs in pairs:
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=2e-5)
    np.testing.assert_allclose(one.predict_proba(X), other.predict_proba(X), rtol=0, atol=1e-5)
    names = [sorted(row) for row in one.net_.history]
    assert names == [sorted(row) for row in other.net_.history]


def make_data(n=29, n_frames=6, n_channels=5, n_classes=2, missing=False):
    X = np.random.default_rng(0).normal(size=(n, n_frames, n_channels))
    y = np.arange(n) % n_classes
    X += y[:, None, None]
    if missing:
        X[1, 0] = X[2, 2] = X[3, ::2] = np.nan
        X[4, 3:] = np.nan
        X[5, :4] = X[5, 5:] = np.nan
        X[6, 1:] = np.nan
    return X, y


NETWORKS = [
    (ConvLSTMClassifier, {}),
    (ConvLSTMClassifier, {"hidden_channels": (3, 5, 4)}),
    (CNNLSTMClassifier, {}),
    (CNNLSTMClassifier, {"block_channels": (7,), "lstm_size": 3}),
    (CNNLSTMClassifier, {"block_channels": (8, 16, 32)}),
]


@pytest.mark.parametrize(("cls", "params"), NETWORKS, ids=name)
@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("missing", [False, True])
def test_networks(fit_both, cls, params, n_classes, missing):
    X, y = make_data(n_classes=n_classes, missing=missing)
    assert_same(*fit_both(cls, X, y, **params), X)


@pytest.mark.parametrize("cls", [ConvLSTMClassifier, CNNLSTMClassifier])
@pytest.mark.parametrize(
    "params",
    [
        {"optimizer": "sgd", "lr": 0.1},
        {"lr_schedule": "constant"},
        {"lr_schedule": "cosine", "lr": 0.01},
        {"early_stopping": True},
        {"early_stopping": True, "patience": 1, "lr": 0.05, "max_epochs": 6},
        {"class_weight": {0: 1, 1: 3.5}},
        {"batch_size": 1},
        {"batch_size": 100},
        {"verbose": 1},
        {"net_params": {"iterator_train__shuffle": False}},
        {"net_params": {"iterator_train__drop_last": True}},
        {"net_params": {"optimizer__betas": (0.5, 0.9), "optimizer__eps": 1e-3}},
        {"callbacks": [LRScheduler("StepLR", step_size=1)], "lr_schedule": "constant"},
        {"callbacks": [EpochScoring("accuracy")], "early_stopping": True},
    ],
    ids=name,
)
def test_options(fit_both, cls, params):
    X, y = make_data()
    one, other = fit_both(cls, X, y, **params)
    if "sgd" in params.values():
        assert not end_of(one).state
    assert_same(one, other, X)


def test_weights_of_three_classes(fit_both):
    X, y = make_data(n_classes=3)
    weights = {0: 0.5, 1: 1, 2: 4}
    assert_same(*fit_both(ConvLSTMClassifier, X, y, class_weight=weights), X)


@pytest.mark.parametrize("shape", [(12, 3), (12, 3, 1), (12, 3, 1, 1), (12, 3, 1, 1, 2)])
def test_shapes(fit_both, shape):
    X, y = np.random.default_rng(0).normal(size=shape), np.arange(12) % 2
    assert_same(*fit_both(ConvLSTMClassifier, X, y), X)


@pytest.mark.parametrize(
    ("cls", "params"),
    [
        (ConvLSTMClassifier, {"hidden_channels": 4}),
        (CNNLSTMClassifier, {"lstm_size": 4}),
        (CNNLSTMClassifier, {"block_channels": (8, 16, 32)}),
    ],
    ids=name,
)
def test_more_channels_than_a_product_by_hand_pays_for(fit_both, cls, params):
    X, y = make_data(n_channels=1100)
    assert_same(*fit_both(cls, X, y, **params), X)


@pytest.mark.parametrize("cls", [ConvLSTMClassifier, CNNLSTMClassifier])
@pytest.mark.parametrize("early_stopping", [False, True])
def test_lazy_sequences(fit_both, cls, early_stopping):
    X, y = make_data(missing=True)
    donors = np.random.default_rng(0).integers(7, 29, size=(40, 6))
    donors[:29] = np.arange(29)[:, None]
    splices, y = SplicedSequences(X, donors), np.arange(40) % 2
    assert_same(*fit_both(cls, splices, y, early_stopping=early_stopping), splices)


def test_two_fits_are_equal_to_the_bit(compiled_epochs):
    X, y = make_data(missing=True)
    one, other = (
        CNNLSTMClassifier(callbacks=[KeepTheEnd()], **SETTINGS).fit(X, y) for _ in range(2)
    )
    assert len(compiled_epochs) == 6
    for ours, theirs in zip(numbers_of(one), numbers_of(other), strict=True):
        assert np.array_equal(ours, theirs)


def test_paths_can_change_between_epochs(fit_both, monkeypatch):
    X, y = make_data()
    _, other = fit_both(ConvLSTMClassifier, X, y, max_epochs=4)
    monkeypatch.setattr(
        _training,
        "runs_compiled",
        lambda net, iterator: len(net.history) in (2, 4) and runs_compiled(net, iterator),
    )
    params = {**SETTINGS, "max_epochs": 4, "callbacks": [KeepTheEnd()]}
    assert_same(ConvLSTMClassifier(**params).fit(X, y), other, X)


@pytest.mark.parametrize("optimizer", ["adam", "sgd"])
@pytest.mark.parametrize("n_classes", [2, 3])
def test_losses_that_are_not_finite_stop_training(compiled_epochs, optimizer, n_classes):
    X, y = make_data(n_classes=n_classes)
    with pytest.raises(ValueError, match=r"The (loss|weights) became .* in epoch . with lr=1e"):
        ConvLSTMClassifier(optimizer=optimizer, lr=1e38, **SETTINGS).fit(X, y)
    assert compiled_epochs


class Watch(Callback):
    n_batches = 0

    def on_batch_end(self, net, **kwargs):
        self.n_batches += 1


class Hook(Callback):
    """Look at the hidden states."""

    n_calls = 0

    def on_train_begin(self, net, **kwargs):
        net.module_.head.register_forward_hook(self._count)

    def _count(self, *args):
        self.n_calls += 1


class Freeze(Callback):
    """Leave the biases as they are."""

    def on_train_begin(self, net, **kwargs):
        net.module_.head[-1].bias.requires_grad_(False)


class Loader(torch.utils.data.DataLoader):
    """A loader of the user's own."""


@pytest.mark.parametrize(
    "params",
    [
        {"optimizer": "adamw"},
        {"optimizer": torch.optim.RMSprop},
        {"net_params": {"optimizer__weight_decay": 0.1}},
        {"net_params": {"optimizer__amsgrad": True}},
        {"net_params": {"optimizer__param_groups": [("*bias*", {"lr": 0.1})]}},
        {"optimizer": "sgd", "net_params": {"optimizer__momentum": 0.9}},
        {"net_params": {"iterator_train": Loader}},
        {"net_params": {"criterion": type("Mine", (BinaryLoss,), {})}},
        {"callbacks": [Watch()]},
        {"callbacks": [Hook()]},
        {"callbacks": [Freeze()]},
        {"callbacks": [EpochScoring("accuracy", on_train=True)]},
        {"callbacks": [LRScheduler("StepLR", step_size=9, step_every="batch")]},
    ],
    ids=name,
)
def test_other_settings_are_left_to_torch(compiled_epochs, params):
    X, y = make_data()
    model = ConvLSTMClassifier(**SETTINGS, **params).fit(X, y)
    assert len(model.history_) == 3
    assert not compiled_epochs
    seen = [c for _, c in model.net_.callbacks_ if isinstance(c, Watch | Hook)]
    assert all(max(vars(c).values(), default=0) == 12 for c in seen)


def test_dropout_is_left_to_torch(compiled_epochs):
    X, y = make_data()
    model = CNNLSTMClassifier(dropout=0.5, **SETTINGS).fit(X, y)
    assert len(model.history_) == 3
    assert not compiled_epochs


def test_pictures_are_left_to_torch(compiled_epochs, make_classifier, make_task):
    make_classifier().fit(*make_task())
    assert not compiled_epochs


def test_works_without_numba(compiled_epochs, monkeypatch):
    X, y = make_data()
    monkeypatch.setitem(sys.modules, "numba", None)  # cannot be imported
    assert not compiles()
    assert len(ConvLSTMClassifier(**SETTINGS).fit(X, y).history_) == 3
    assert not compiled_epochs


def test_compiles_where_nothing_can_be_written(monkeypatch):
    def njit(cache=False, **options):
        if cache:
            raise RuntimeError("cannot cache function: no locator available")
        return numba_njit(**options)

    numba = pytest.importorskip("numba")
    numba_njit = numba.njit
    monkeypatch.setattr(numba, "njit", njit)
    assert compiled(lambda x: x + 1)(2) == 3


def test_tanh():
    x = np.linspace(-12, 12, 5001, dtype=np.float32)
    ours = np.empty_like(x)
    _vector_kernel.flat_tanh(x, ours)
    np.testing.assert_allclose(ours, np.tanh(x), rtol=1e-6)
    special = np.array([np.nan, np.inf, -np.inf, 0], np.float32)
    _vector_kernel.flat_tanh(special, special)
    np.testing.assert_allclose(special, [np.nan, 1, -1, 0], rtol=1e-6)


@pytest.mark.parametrize("shape", [(1, 1, 1), (2, 3, 9), (5, 7, 4), (17, 131, 40), (3, 130, 80)])
def test_products(shape):
    n, k, m = shape
    rng = np.random.default_rng(0)
    a, b, c = (rng.normal(size=s).astype(np.float32) for s in ((n, k), (k, m), (n, m)))
    for x, y in ((a, b), (a.T, c), (c, np.ascontiguousarray(b.T))):
        expected = x @ y
        out = np.ones(expected.shape, np.float32)
        _vector_kernel.add_product(x, y, out)
        np.testing.assert_allclose(out, expected + 1, rtol=1e-4, atol=1e-4)
        for n_weights in (1, 2**20):  # by hand, and by a BLAS
            out[:] = np.nan
            _vector_kernel.multiply(x, y, out, n_weights)
            np.testing.assert_allclose(out, expected, rtol=1e-4, atol=1e-4)


def test_lowest_numpy_warned_of_tensors_written_to_arrays(monkeypatch, make_task):
    """numpy 2.0 to 2.2 warns when a tensor of torch is converted without asking for it."""

    def refuse(*args, **kwargs):
        raise AssertionError("numpy converts a tensor by itself")

    X, y = make_task(ndim=3)
    monkeypatch.setattr(torch.Tensor, "__array__", refuse)
    model = ConvLSTMClassifier(**SETTINGS).fit(X, y)
    assert model.predict(X).shape == y.shape
