"""SequenceClassifier with networks of other people, and what a fitted classifier holds."""

import inspect
import pickle
import warnings

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from skorch.callbacks import EarlyStopping, EpochScoring, LRScheduler
from torch import nn
from torch.utils.data import Subset

from skwater import (
    CNNLSTMClassifier,
    ConvLSTMClassifier,
    RSSResampler,
    SequenceClassifier,
    SplicedSequences,
    make_pipeline,
)
from skwater.classifiers._batches import Batches
from skwater.nn import CNNLSTMNet, ConvLSTMNet


class MeanNet(nn.Module):
    """A linear layer on the mean of all frames that are present; it knows no time."""

    def __init__(self, n_channels, n_outputs, frame_size, *, scale=1.0):
        super().__init__()
        self.scale = scale
        self.head = nn.Linear(n_channels * frame_size[0] * frame_size[1], n_outputs)

    def forward(self, x):
        return self.head(self.scale * x.flatten(2).nanmean(dim=1).nan_to_num(0))


def fit(X, y, network=MeanNet, **params):
    defaults = {"max_epochs": 5, "lr": 0.03, "random_state": 0, "device": "cpu"}
    return SequenceClassifier(network, **{**defaults, **params}).fit(X, y)


@pytest.mark.parametrize("ndim", [2, 3, 4, 5])
@pytest.mark.parametrize("n_classes", [2, 3])
def test_a_network_of_the_user(make_task, ndim, n_classes):
    X, y = make_task(18, n_classes=n_classes, ndim=ndim)
    X[0, 2] = np.nan
    model = fit(X, y, max_epochs=60, network_params={"scale": 2.0})
    assert model.score(X, y) > 0.9
    assert model.net_.module_.scale == 2
    over_time = model.predict_proba_over_time(X)
    assert over_time.shape == (18, 5, n_classes)
    if ndim > 2:
        np.testing.assert_allclose(over_time[:, 2], model.predict_proba(X[:, :3]), atol=1e-6)
    np.testing.assert_allclose(over_time[:, -1], model.predict_proba(X), atol=1e-6)


@pytest.mark.parametrize(
    "params",
    [
        {"augment": "default"},
        {"early_stopping": True},
        {"class_weight": "balanced"},
        {"verbose": 1},
    ],
    ids=str,
)
def test_all_options_work_for_it(make_task, params):
    X, y = make_task(20, dtype="uint8")
    model = make_pipeline(
        RSSResampler(14, lazy=True, random_state=0),
        SequenceClassifier(MeanNet, max_epochs=2, random_state=0, **params),
    )
    assert np.isfinite(model.fit(X, y).predict_proba(SplicedSequences(X))).all()


@pytest.mark.parametrize(
    ("network", "thin"),
    [(ConvLSTMNet, ConvLSTMClassifier), (CNNLSTMNet, CNNLSTMClassifier)],
    ids=["ConvLSTM", "CNN-LSTM"],
)
@pytest.mark.parametrize("ndim", [3, 5])
def test_the_classifiers_are_it_with_their_network(make_task, network, thin, ndim):
    X, y = RSSResampler(12, lazy=True, random_state=0).fit_resample(*make_task(ndim=ndim))
    chosen = {  # by "auto"
        ConvLSTMNet: {"hidden_channels": 32 if ndim == 3 else 10},
        CNNLSTMNet: {"block_channels": () if ndim == 3 else (8, 16, 32)},
    }
    params = chosen[network]
    one = fit(X, y, network, network_params={"precision": "float32", **params})
    other = thin(max_epochs=5, lr=0.03, random_state=0, device="cpu").fit(X, y)
    assert np.array_equal(one.predict_proba(X), other.predict_proba(X))


def test_shared_parameters_are_documented_once_and_everywhere():
    shared = inspect.signature(SequenceClassifier).parameters.keys() - {"network", "network_params"}
    for cls in (ConvLSTMClassifier, CNNLSTMClassifier):
        parameters = inspect.signature(cls).parameters
        for name in shared:
            assert (
                parameters[name].default
                == inspect.signature(SequenceClassifier).parameters[name].default
            )
            assert cls.__doc__.count(f"\n{name} : ") == 1
        assert "\nhistory_ : list of dict" in cls.__doc__
        assert "{" + "shared" not in cls.__doc__


@pytest.mark.parametrize("network", [MeanNet(1, 1, (1, 1)), "MeanNet", None], ids=type)
def test_network_must_be_a_class(make_task, network):
    with pytest.raises(ValueError, match="The 'network' parameter of SequenceClassifier"):
        fit(*make_task(ndim=3), network)


def test_network_must_be_a_torch_module(make_task):
    with pytest.raises(ValueError, match=r"subclass of torch\.nn\.Module, got <class 'dict'>"):
        fit(*make_task(), network=dict)


@pytest.mark.parametrize("name", ["n_channels", "n_outputs", "frame_size"])
def test_what_follows_from_the_data_is_no_parameter(make_task, name):
    with pytest.raises(ValueError, match=f"network_params must not hold \\['{name}'\\]"):
        fit(*make_task(), network_params={name: 1})


class StepNet(MeanNet):
    """The mean of the frames so far, one at a time; it counts its steps."""

    n_steps = 0

    def step(self, frame, state=None):
        StepNet.n_steps += 1
        frame = frame[:, None] if state is None else torch.cat([state, frame[:, None]], dim=1)
        return self(frame), frame


def test_a_network_with_steps_is_read_step_by_step(make_task):
    X, y = make_task(12, ndim=3)
    X[0, :2] = np.nan
    over_time = fit(X, y, network=StepNet).predict_proba_over_time(X)
    assert StepNet.n_steps == X.shape[1]
    np.testing.assert_allclose(over_time, fit(X, y).predict_proba_over_time(X))


class ForgetfulNet(MeanNet):
    def forward(self, x):
        return self.head(x.flatten(2).nanmean(dim=1))  # NaN without any frame


def test_nan_for_a_season_without_a_frame_is_an_error(make_task):
    X, y = make_task(12, ndim=3)
    X[0, 0] = np.nan
    model = fit(X, y, network=ForgetfulNet)
    assert np.isfinite(model.predict_proba(X)).all()
    with pytest.raises(ValueError, match="ForgetfulNet returned NaN"):
        model.predict_proba_over_time(X)


def test_clone_keeps_the_network():
    model = clone(SequenceClassifier(MeanNet, network_params={"scale": 3.0}))
    assert model.network is MeanNet
    assert model.network_params == {"scale": 3.0}


@pytest.mark.parametrize("n_classes", [2, 3])
def test_net_still_predicts(make_classifier, make_task, n_classes):
    X, y = make_task(n_classes=n_classes)
    model = make_classifier(early_stopping=True, max_epochs=2).fit(X, y)
    for net in (model.net_, pickle.loads(pickle.dumps(model)).net_):
        batches = Subset(
            Batches(X, torch.zeros(len(X)), model.mean_, model.std_, False), range(len(X))
        )
        np.testing.assert_allclose(net.predict_proba(batches), model.predict_proba(X), atol=1e-6)
        assert np.array_equal(model.classes_[net.predict(batches)], model.predict(X))


def held_by(thing, seen=None):
    """All objects that a fitted classifier holds."""
    seen = {} if seen is None else seen
    if id(thing) in seen or isinstance(thing, type | str | int | float):
        return seen
    seen[id(thing)] = thing
    parts = list(getattr(thing, "__dict__", {}).values())
    if isinstance(thing, dict):
        parts += thing.values()
    elif isinstance(thing, list | tuple | set):
        parts += thing
    for part in parts:
        held_by(part, seen)
    return seen


def test_fitted_classifier_holds_no_training(make_classifier, make_task):
    X, y = make_task(40)
    callbacks = [
        LRScheduler("StepLR", step_size=2),
        EarlyStopping(patience=9, load_best=True),
        EpochScoring("accuracy", on_train=True, name="score"),
    ]
    params = {"max_epochs": 3, "lr_schedule": "constant", "early_stopping": True}
    model = make_classifier(callbacks=callbacks, **params).fit(X, y)
    held = held_by(model).values()
    assert not [h for h in held if isinstance(h, torch.optim.Optimizer | Batches | Subset)]
    assert sum(h.size for h in held if isinstance(h, np.ndarray)) < 20
    n_values = sum(h.numel() for h in held if isinstance(h, torch.Tensor))
    assert n_values <= model.n_parameters_ + 2
    assert len(model.history_) == 3
    assert "score" in model.net_.history[-1]
    assert "batches" not in model.net_.history[-1]


@pytest.mark.parametrize("early_stopping", [False, True])
def test_pickle_is_at_most_three_times_the_weights(early_stopping):
    X = np.random.default_rng(0).integers(256, size=(12, 2, 64, 64, 3), dtype=np.uint8)
    params = {"max_epochs": 25, "early_stopping": early_stopping, "random_state": 0}
    model = ConvLSTMClassifier.compact(**params).fit(X, np.arange(12) % 2)
    assert len(pickle.dumps(model)) <= 3 * 4 * model.n_parameters_


def test_d10_diverged_training_is_warned_of(make_sequences):
    X, y = make_sequences(16, ndim=3), np.arange(16) % 2
    with pytest.warns(ConvergenceWarning, match=r"diverged with lr=1000000\.0") as caught:
        fit(X, y, lr=1e6)
    assert caught[0].filename.endswith("test_sequence_classifier.py")


@pytest.mark.filterwarnings("error")
def test_d10_ordinary_training_is_not_warned_of(make_task):
    fit(*make_task(ndim=3))


@pytest.mark.parametrize("shape", [(), (2,), (4, 4), (4, 4, 3)])
def test_n8_values_of_another_unit_are_noticed(shape):
    X = np.random.default_rng(0).random((8, 3, *shape))
    X[0, 1] = np.nan
    model = ConvLSTMClassifier(hidden_channels=2, max_epochs=1).fit(X, np.arange(8) % 2)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model.predict(X)
        model.predict(X + 3)  # a drier season is no other unit
    with pytest.warns(UserWarning, match=r"Channel 0 of X .* in another unit") as caught:
        model.predict(255 * X)
    assert caught[0].filename == __file__
    large = ConvLSTMClassifier(hidden_channels=2, max_epochs=1).fit(255 * X, np.arange(8) % 2)
    if len(shape) > 1:  # numbers may well be close together
        with pytest.warns(UserWarning, match="in another unit"):
            large.predict_proba(X)
