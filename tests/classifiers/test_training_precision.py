"""``precision="bfloat16"`` of both classifiers: near float32, and honest where it cannot be had."""

import warnings

import joblib
import numpy as np
import pytest
import torch
from end_of_training import KeepTheEnd, end_of
from sklearn.base import clone

from skwater.classifiers import _training


@pytest.fixture(params=[True, False], ids=["has bfloat16", "has none"])
def has_bfloat16(request, monkeypatch):
    monkeypatch.setattr(_training, "has_bfloat16", lambda device: request.param)
    return request.param


@pytest.fixture
def _hardware(monkeypatch):
    """The arithmetic is the same on hardware that has to do it in software."""
    monkeypatch.setattr(_training, "has_bfloat16", lambda device: True)


def fit(make_classifier, X, y, **params):
    return make_classifier(precision="bfloat16", **params).fit(X, y)


def weights(model):
    return torch.cat([p.detach().ravel() for p in model.net_.module_.parameters()])


@pytest.mark.usefixtures("_hardware")
def test_learns_the_same_as_in_float32(make_classifier, make_task):
    X, y = make_task()
    X[3, 1] = X[5, :2] = np.nan
    X_new, y_new = make_task(seed=1)
    params = {"lr": 0.03, "max_epochs": 15}
    model, exact = fit(make_classifier, X, y, **params), make_classifier(**params).fit(X, y)
    assert model.score(X_new, y_new) == exact.score(X_new, y_new) == 1
    one, other = model.predict_proba(X_new), exact.predict_proba(X_new)
    assert 0 < np.abs(one - other).max() < 0.1


@pytest.mark.usefixtures("_hardware")
def test_weights_losses_and_predictions_are_float32(make_classifier, make_task):
    X, y = make_task()
    params = {"early_stopping": True, "max_epochs": 2, "callbacks": [KeepTheEnd()]}
    model = fit(make_classifier, X, y, **params)
    assert {p.dtype for p in model.net_.module_.parameters()} == {torch.float32}
    assert {row["exp_avg"].dtype for row in end_of(model).state.values()} == {torch.float32}
    exact = make_classifier().fit(X, y)
    exact.net_.module_.load_state_dict(model.net_.module_.state_dict())
    exact.mean_, exact.std_ = model.mean_, model.std_
    assert np.array_equal(model.predict_proba(X), exact.predict_proba(X))
    assert np.array_equal(model.predict_proba_over_time(X), exact.predict_proba_over_time(X))


@pytest.mark.usefixtures("_hardware")
def test_same_seed_same_bits(make_classifier, make_task):
    X, y = make_task()
    one, same = (fit(make_classifier, X, y, max_epochs=3) for _ in range(2))
    assert torch.equal(weights(one), weights(same))
    assert one.history_ == same.history_


@pytest.mark.usefixtures("_hardware")
def test_copies(make_classifier, make_task, tmp_path):
    X, y = make_task()
    model = fit(make_classifier, X, y)
    joblib.dump(model, tmp_path / "model.joblib")
    loaded = joblib.load(tmp_path / "model.joblib")
    assert loaded.get_params()["precision"] == "bfloat16"
    assert np.array_equal(loaded.predict_proba(X), model.predict_proba(X))
    assert torch.equal(weights(clone(model).fit(X, y)), weights(model))


def test_hardware_without_it_warns_and_fits_in_float32(make_classifier, make_task, has_bfloat16):
    X, y = make_task()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model = fit(make_classifier, X, y, max_epochs=3)
    messages = [str(warning.message) for warning in caught]
    expected = [] if has_bfloat16 else ["'cpu' is not known to multiply bfloat16"]
    assert len(messages) == len(expected)
    assert all(part in message for part, message in zip(expected, messages, strict=True))
    exact = make_classifier(max_epochs=3).fit(X, y)
    assert torch.equal(weights(model), weights(exact)) is not has_bfloat16
    assert model.precision == "bfloat16"


@pytest.mark.filterwarnings("error")
@pytest.mark.usefixtures("has_bfloat16")
@pytest.mark.parametrize("ndim", [2, 3])
def test_numbers_are_float32(make_classifier, make_task, ndim):
    X, y = make_task(ndim=ndim)
    model, exact = fit(make_classifier, X, y), make_classifier().fit(X, y)
    assert torch.equal(weights(model), weights(exact))


@pytest.mark.parametrize("precision", ["float16", None, 16])
def test_another_precision_is_refused(make_classifier, make_task, precision):
    with pytest.raises(ValueError, match="The 'precision' parameter"):
        make_classifier(precision=precision).fit(*make_task())
