"""Both classifiers: what they learn, what they keep to themselves, and whom they work with."""

import builtins
import pickle
import random
import sys
import tracemalloc
from unittest.mock import patch

import joblib
import numpy as np
import pytest
import torch
from end_of_training import KeepTheEnd, end_of
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import StackingClassifier
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import (
    GridSearchCV,
    TunedThresholdClassifierCV,
    cross_val_predict,
    cross_val_score,
    permutation_test_score,
)
from skorch.callbacks import Callback, EpochScoring

from skwater import (
    CNNLSTMClassifier,
    ConvLSTMClassifier,
    RSSResampler,
    SplicedSequences,
    make_pipeline,
)
from skwater.classifiers import _reproducibility
from skwater.nn import CNNLSTMNet

ABOUT_EQUAL = {"rtol": 0, "atol": 1e-6}


@pytest.mark.parametrize(
    ("ndim", "dtype"), [(2, "float64"), (3, "float32"), (4, "uint16"), (5, "uint8")]
)
def test_learns_an_easy_task(make_classifier, make_task, ndim, dtype):
    X, y = make_task(ndim=ndim, dtype=dtype)
    X_new, y_new = make_task(ndim=ndim, dtype=dtype, seed=1)
    model = make_classifier(lr=0.03, max_epochs=30).fit(X, y)
    assert model.score(X_new, y_new) == 1
    assert model.history_[-1]["train_loss"] < model.history_[0]["train_loss"] / 2


def test_learns_three_classes(make_classifier, make_task):
    X, y = make_task(24, n_classes=3, ndim=3)
    model = make_classifier(lr=0.05, max_epochs=40).fit(X, y)
    assert model.score(X, y) == 1
    probabilities = model.predict_proba(X)
    assert probabilities.shape == (24, 3)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1)
    assert np.array_equal(model.decision_function(X).argmax(axis=1), y)


@pytest.mark.parametrize(
    "labels", [["dry", "wet"], [True, False], [1.0, 2.0], [1, 2], [3, -1]], ids=str
)
def test_labels_of_any_type(make_classifier, make_task, labels):
    X, y = make_task(ndim=3)
    y = np.array(labels)[y]
    model = make_classifier(lr=0.03, max_epochs=15).fit(X, y)
    assert np.array_equal(model.classes_, np.unique(y))
    assert model.predict(X).dtype == y.dtype
    assert np.array_equal(model.predict(X), y)
    second = model.predict(X) == model.classes_[1]
    assert np.array_equal(second, model.decision_function(X) > 0)
    assert np.array_equal(second, model.predict_proba(X)[:, 1] > 0.5)


def test_class_order_does_not_depend_on_the_rows(make_classifier, make_task):
    X, y = make_task(ndim=3)
    model = make_classifier().fit(X, np.array(["wet", "dry"])[y])
    assert model.classes_.tolist() == ["dry", "wet"]


def weights(model):
    return torch.cat([p.detach().ravel() for p in model.net_.module_.parameters()])


@pytest.mark.parametrize("early_stopping", [False, True])
def test_same_seed_same_bits(make_classifier, make_task, early_stopping):
    X, y = make_task()
    params = {"max_epochs": 3, "early_stopping": early_stopping}
    one, same = (make_classifier(**params).fit(X, y) for _ in range(2))
    assert torch.equal(weights(one), weights(same))
    assert np.array_equal(one.predict_proba(X), same.predict_proba(X))
    assert one.history_ == same.history_
    other = make_classifier(**params, random_state=1).fit(X, y)
    assert not torch.equal(weights(one), weights(other))


def test_no_seed_differs_each_time(make_classifier, make_task):
    X, y = make_task(ndim=3)
    one, other = (make_classifier(random_state=None).fit(X, y) for _ in range(2))
    assert not torch.equal(weights(one), weights(other))


def test_fit_does_not_depend_on_the_global_generators(make_classifier, make_task):
    X, y = make_task(ndim=3)
    fits = []
    with torch.random.fork_rng():
        for seed in range(2):
            torch.manual_seed(seed)
            fits.append(weights(make_classifier().fit(X, y)))
    assert torch.equal(*fits)


def global_states():
    _, keys, *rest = np.random.get_state()  # noqa: NPY002
    return torch.get_rng_state().tolist(), keys.tolist(), rest, random.getstate()


def test_fits_in_threads_are_those_of_one_thread(make_classifier, make_task):
    X, y = make_task()
    pipeline = make_pipeline(RSSResampler(12, random_state=0), make_classifier(max_epochs=3))
    options = {"cv": 4, "scoring": "neg_log_loss", "error_score": "raise"}
    alone = cross_val_score(pipeline, X, y, **options)
    with joblib.parallel_config(backend="threading", n_jobs=4):
        together = cross_val_score(pipeline, X, y, **options)
    assert together.tolist() == alone.tolist()


class Fail(Callback):
    """An error of the user's own."""

    def on_epoch_end(self, net, **kwargs):
        raise ZeroDivisionError


class PredictInThreads(Callback):
    """Ask another model from other threads while this one is fitted."""

    def __init__(self, model, X):
        self.model, self.X, self.found = model, X, []

    def on_epoch_end(self, net, **kwargs):
        with joblib.parallel_config(backend="threading", n_jobs=2):
            ask = joblib.delayed(self.model.predict)
            self.found.append(joblib.Parallel(timeout=60)(ask(self.X) for _ in range(2)))


def test_predictions_do_not_wait_for_a_fit(make_classifier, make_task):
    X, y = make_task()
    model = make_classifier().fit(X, y)
    twin = make_classifier(max_epochs=1, callbacks=[PredictInThreads(model, X)]).fit(X, y)
    (callback,) = (c for _, c in twin.net_.callbacks_ if isinstance(c, PredictInThreads))
    assert np.shape(callback.found) == (1, 2, len(X))


def test_memory_is_given_back_when_a_fit_fails(make_classifier, make_task, monkeypatch):
    X, y = make_task()
    given_back = []
    monkeypatch.setattr(_reproducibility, "give_freed_memory_back", lambda: given_back.append(True))
    with pytest.raises(ZeroDivisionError):
        make_classifier(callbacks=[Fail()]).fit(X, y)
    assert given_back


def test_predictions_leave_inference_mode(make_classifier, make_task):
    X, y = make_task()
    model, frames = make_classifier().fit(X, y), []
    sys.setprofile(lambda frame, event, value: frames.append(frame))  # as samplers do, which keep
    try:
        model.predict_proba(X)  # its generators alive
    finally:
        sys.setprofile(None)
    assert not torch.is_inference_mode_enabled()
    model.fit(X, y)


def test_global_generators_stay_as_they_were(make_classifier, make_task):
    X, y = make_task()
    before = global_states()
    make_classifier(early_stopping=True).fit(X, y).predict(X)
    assert global_states() == before


def test_inputs_are_not_changed(make_classifier, make_task):
    X, y = make_task()
    kept = X.copy(), y.copy()
    make_classifier(early_stopping=True).fit(X, y).predict(X)
    assert np.array_equal(X, kept[0])
    assert np.array_equal(y, kept[1])


def test_refit_on_another_shape_erases_the_first_fit(make_classifier, make_task):
    first, second = make_task(n_classes=3, ndim=5), make_task(ndim=3)
    model = make_classifier(early_stopping=True, max_epochs=3).fit(*first)
    model.set_params(early_stopping=False, max_epochs=1).fit(*second)
    fresh = make_classifier().fit(*second)
    assert set(vars(model)) == set(vars(fresh))
    assert model.sequence_shape_ == (5, 3)
    assert model.history_ == fresh.history_
    assert np.array_equal(model.predict_proba(second[0]), fresh.predict_proba(second[0]))
    with pytest.raises(ValueError, match="fitted on sequences of shape"):
        model.predict(first[0])


@pytest.mark.parametrize("ndim", [3, 4, 5])
def test_prefix_of_the_season_at_predict(make_classifier, make_task, ndim):
    X, y = make_task(ndim=ndim)
    model = make_classifier().fit(X, y)
    over_time = model.predict_proba_over_time(X)
    for t in range(1, 6):
        prefix = model.predict_proba(X[:, :t])
        np.testing.assert_allclose(prefix, over_time[:, t - 1], **ABOUT_EQUAL)


@pytest.mark.parametrize("lazy", [False, True])
def test_numbers_per_frame_are_features_at_predict(make_classifier, make_task, lazy):
    X, y = make_task(ndim=2)
    model = make_classifier().fit(X, y)
    prefix = X[:, :3]
    if lazy:
        prefix = SplicedSequences(prefix, np.zeros((2, 3), int))
    with pytest.raises(ValueError, match=r"X has 3 features, but .* is expecting 5 features"):
        model.predict(prefix)


@pytest.mark.parametrize("n_classes", [2, 3])
def test_probabilities_over_time_are_causal(make_classifier, make_task, n_classes):
    X, y = make_task(n_classes=n_classes)
    model = make_classifier(max_epochs=3).fit(X, y)
    changed = X.copy()
    changed[:, 3:] = 20
    one, other = model.predict_proba_over_time(X), model.predict_proba_over_time(changed)
    assert one.shape == (len(X), 5, n_classes)
    assert one.dtype == np.float64
    assert np.array_equal(one[:, :3], other[:, :3])
    assert not np.allclose(one[:, 3:], other[:, 3:])
    np.testing.assert_allclose(one[:, -1], model.predict_proba(X), **ABOUT_EQUAL)


@pytest.mark.parametrize("ndim", [2, 3, 5])
def test_padding_with_missing_frames_changes_nothing(make_classifier, make_task, ndim):
    X, y = make_task(ndim=ndim)
    padded = np.insert(X, [0, 2, 5, 5], np.nan, axis=1)
    plain, other = make_classifier(max_epochs=2).fit(X, y), make_classifier(max_epochs=2)
    other.fit(padded, y)
    np.testing.assert_allclose(other.mean_, plain.mean_)
    np.testing.assert_allclose(other.std_, plain.std_)
    np.testing.assert_allclose(other.predict_proba(padded), plain.predict_proba(X), atol=1e-5)


def test_lazy_splices_are_the_same_as_their_copy(make_classifier, make_task):
    X, y = make_task(dtype="uint8")
    lazy, y_new = RSSResampler(12, lazy=True, random_state=0).fit_resample(X, y)
    one, other = (make_classifier().fit(Z, y_new) for Z in (lazy, np.asarray(lazy)))
    np.testing.assert_allclose(weights(one), weights(other), rtol=0, atol=1e-5)
    np.testing.assert_allclose(one.predict_proba(lazy), one.predict_proba(np.asarray(lazy)))


@pytest.mark.parametrize(
    "dtype", ["bool", "uint8", "uint16", "int64", "float16", "float64", "object"]
)
def test_dtypes_are_only_casts(make_classifier, make_sequences, dtype):
    X = make_sequences(dtype="uint8") // 128
    y = [0, 1] * 4
    expected = make_classifier().fit(X, y).predict_proba(X)
    X = X.astype(dtype)
    np.testing.assert_allclose(make_classifier().fit(X, y).predict_proba(X), expected, atol=1e-4)


def test_balanced_weights_favour_the_rare_class(make_classifier, make_sequences):
    X, y = make_sequences(20, ndim=3), np.array([0] * 16 + [1] * 4)
    options = [None, "balanced", {0: 0.625, 1: 2.5}]
    models = [make_classifier(lr=0.05, max_epochs=5, class_weight=w).fit(X, y) for w in options]
    plain, balanced, same = (model.predict_proba(X)[:, 1].mean() for model in models)
    assert balanced > plain + 0.1
    assert same == balanced


def test_weights_of_three_classes(make_classifier, make_sequences):
    X, y = make_sequences(20, ndim=3), np.array(["a"] * 8 + ["b"] * 8 + ["c"] * 4)
    heavy = {"a": 1, "b": 1, "c": 50}
    model = make_classifier(lr=0.05, max_epochs=5, class_weight=heavy).fit(X, y)
    assert (model.predict(X) == "c").all()


@pytest.mark.parametrize("weight", [0, -1])
def test_class_weights_must_be_positive(make_classifier, make_task, weight):
    with pytest.raises(ValueError, match="class_weight must be positive"):
        make_classifier(class_weight={0: 1, 1: weight}).fit(*make_task(ndim=3))


def test_early_stopping_stops_and_keeps_the_best_weights(make_classifier, make_sequences):
    X, y = make_sequences(30, ndim=3), np.array([0, 1] * 15)
    params = {"lr": 0.1, "lr_schedule": "constant", "early_stopping": True, "random_state": 3}
    model = make_classifier(max_epochs=60, patience=4, **params).fit(X, y)
    losses = [row["valid_loss"] for row in model.history_]
    best = int(np.argmin(losses))
    assert len(losses) == best + 1 + 4 < 60
    shorter = make_classifier(max_epochs=best + 1, patience=60, **params).fit(X, y)
    assert torch.equal(weights(model), weights(shorter))


def test_without_early_stopping_all_epochs_and_plants_are_used(make_classifier, make_task):
    X, y = make_task(ndim=3)
    model = make_classifier(max_epochs=4).fit(X, y)
    assert [sorted(row) for row in model.history_] == [["epoch", "train_loss"]] * 4
    assert model.mean_ == pytest.approx(X.mean(axis=(0, 1)), rel=1e-6)


def test_validation_plants_are_not_pickled(make_classifier, make_sequences):
    X, y = make_sequences(40, 40), np.array([0, 1] * 20)
    model = make_classifier(early_stopping=True).fit(X, y)
    assert len(pickle.dumps(model)) < X.nbytes / 4


class Count(Callback):
    epochs = 0

    def on_epoch_end(self, net, **kwargs):
        self.epochs += 1


def test_callbacks_are_copied(make_classifier, make_task):
    counter = Count()
    model = make_classifier(max_epochs=3, callbacks=[counter]).fit(*make_task(ndim=3))
    assert counter.epochs == 0
    assert model.callbacks == [counter]
    assert [c.epochs for c in model.net_.callbacks if isinstance(c, Count)] == [3]


def test_scoring_callback_sees_the_batches(make_classifier, make_task):
    X, y = make_task(ndim=3)
    scores = EpochScoring(lambda net, X, y: 0.25, name="quarter", on_train=True)
    model = make_classifier(callbacks=[scores]).fit(X, y)
    assert model.net_.history[-1, "quarter"] == 0.25


def test_net_params_have_the_last_word(make_classifier, make_task):
    params = {"max_epochs": 2, "optimizer__weight_decay": 0.5}
    model = make_classifier(max_epochs=9, net_params=params, callbacks=[KeepTheEnd()])
    model.fit(*make_task(ndim=3))
    assert len(model.history_) == 2
    assert end_of(model).group["weight_decay"] == 0.5


@pytest.mark.parametrize(
    ("optimizer", "expected"),
    [
        ("adam", torch.optim.Adam),
        ("adamw", torch.optim.AdamW),
        ("sgd", torch.optim.SGD),
        (torch.optim.RMSprop, torch.optim.RMSprop),
    ],
)
def test_optimizers(make_classifier, make_task, optimizer, expected):
    params = {"lr": 0.125, "lr_schedule": "constant", "callbacks": [KeepTheEnd()]}
    model = make_classifier(optimizer=optimizer, **params).fit(*make_task(ndim=3))
    assert end_of(model).optimizer is expected
    assert end_of(model).group["lr"] == 0.125


@pytest.mark.parametrize(
    "params",
    [
        {"optimizer": "newton"},
        {"lr": 0},
        {"max_epochs": 0},
        {"batch_size": 2.5},
        {"validation_fraction": 1.0},
        {"patience": 0},
        {"verbose": 3},
        {"class_weight": "heavy"},
        {"device": None},
        {"callbacks": "all"},
        {"kernel_size": 0},
    ],
    ids=str,
)
def test_bad_parameters_are_named(make_classifier, make_task, params):
    with pytest.raises(ValueError, match=f"The '{next(iter(params))}' parameter"):
        make_classifier(**params).fit(*make_task(ndim=3))


@pytest.mark.parametrize(
    ("verbose", "out", "err"), [(0, [], []), (1, [], ["3/3"]), (2, ["epoch", "train_loss"], [])]
)
def test_verbosity(make_classifier, make_task, capsys, verbose, out, err):
    make_classifier(max_epochs=3, early_stopping=True, patience=1, verbose=verbose).fit(
        *make_task(ndim=3)
    )
    printed = capsys.readouterr()
    assert all(word in printed.out for word in out)
    assert all(word in printed.err for word in err)
    assert bool(printed.out) == bool(out)
    assert bool(printed.err) == bool(err)


def test_silent_after_print_was_replaced(make_classifier, make_task, capsys, monkeypatch):
    monkeypatch.setattr(builtins, "print", lambda *args: sys.stdout.write(f"{args}\n"))
    model = make_classifier().fit(*make_task(ndim=3))
    assert capsys.readouterr().out == ""
    pickle.dumps(model)


@pytest.mark.parametrize(
    "net_params", [{"verbose": 1}, {"callbacks__print_log__sink": print, "verbose": 1}], ids=str
)
def test_printed_by_net_params(make_classifier, make_task, capsys, net_params):
    make_classifier(net_params=net_params).fit(*make_task(ndim=3))
    assert "train_loss" in capsys.readouterr().out


@pytest.mark.parametrize(("size", "n_parameters"), [(64, 5931), (224, 9131)])
def test_compact_has_at_most_ten_thousand_parameters(size, n_parameters):
    model = ConvLSTMClassifier.compact(max_epochs=1, random_state=0)
    X = np.random.default_rng(0).integers(256, size=(2, 1, size, size, 3), dtype=np.uint8)
    model.fit(X, [0, 1])
    assert model.n_parameters_ == n_parameters <= 10_000


def test_compact_takes_other_parameters():
    model = ConvLSTMClassifier.compact(lr=0.5, hidden_channels=2)
    assert (model.lr, model.hidden_channels, model.head_channels) == (0.5, 2, (10, 20))


def test_fitted_attributes(make_classifier, make_task):
    X, y = make_task(n=16, ndim=5)
    model = make_classifier(max_epochs=2).fit(X, y)
    assert model.n_parameters_ == len(weights(model))
    assert [row["epoch"] for row in model.history_] == [1, 2]
    assert model.n_features_in_ == 5
    assert model.sequence_shape_ == X.shape[1:]
    np.testing.assert_allclose(model.mean_, X.mean(axis=(0, 1, 2, 3)), rtol=1e-5)
    np.testing.assert_allclose(model.std_, X.std(axis=(0, 1, 2, 3)), rtol=1e-5)


def test_scale_of_the_channels_does_not_matter(make_classifier, make_task):
    X, y = make_task(dtype="float64")
    scaled = X * [1e-3, 1, 1e3] + [5, -5, 1e4]
    one, other = make_classifier().fit(X, y), make_classifier().fit(scaled, y)
    np.testing.assert_allclose(other.predict_proba(scaled), one.predict_proba(X), atol=1e-4)


def test_not_fitted(make_classifier, make_sequences):
    with pytest.raises(NotFittedError):
        make_classifier().predict(make_sequences())


def joblib_copy(model, path):
    joblib.dump(model, path)
    return joblib.load(path)


def test_copies_predict_the_same(make_classifier, make_task, tmp_path):
    X, y = make_task()
    model = make_classifier(early_stopping=True, verbose=1).fit(X, y)
    expected = model.predict_proba(X)
    copies = pickle.loads(pickle.dumps(model)), joblib_copy(model, tmp_path / "model.joblib")
    for copy in copies:
        assert np.array_equal(copy.predict_proba(X), expected)
        assert copy.history_ == model.history_
    assert np.array_equal(clone(model).fit(X, y).predict_proba(X), expected)


def test_batch_size_does_not_change_predictions(make_classifier, make_task):
    X, y = make_task()
    model = make_classifier().fit(X, y)
    expected = model.predict_proba(X)
    for batch_size in 1, 3, 100:
        model.set_params(batch_size=batch_size)
        np.testing.assert_allclose(model.predict_proba(X), expected, **ABOUT_EQUAL)


@pytest.fixture(scope="module")
def photos(make_task):
    """5-D uint8: 18 plants, 6 of them stressed."""
    X, y = make_task(18, n_frames=3, dtype="uint8")
    y[1::6] = 0
    return X, y


@pytest.fixture
def pipeline(make_classifier):
    sampler = RSSResampler(n_segments=2, random_state=0)
    return make_pipeline(sampler, make_classifier(max_epochs=2, lr=0.02))


def test_two_jobs_give_the_same_as_one(make_classifier, make_task):
    X, y = make_task(40)
    X = X.repeat(8, axis=2).repeat(8, axis=3)
    assert X.nbytes > 2**20, "joblib maps arrays of more than 1 MB into its workers, read-only"
    pipeline = make_pipeline(RSSResampler(15, lazy=True, random_state=0), make_classifier())
    one, two = (
        cross_val_predict(pipeline, X, y, cv=2, n_jobs=n_jobs, method="predict_proba")
        for n_jobs in (1, 2)
    )
    np.testing.assert_array_equal(one, two)


def test_grid_search(photos):
    pipeline = make_pipeline(
        RSSResampler(random_state=0),
        ConvLSTMClassifier(head_channels=(2,), pool_size=2, max_epochs=1, random_state=0),
    )
    grid = {"rssresampler__n_segments": [2, "frame"], "convlstmclassifier__hidden_channels": [1, 2]}
    search = GridSearchCV(pipeline, grid, cv=2, scoring="balanced_accuracy").fit(*photos)
    assert len(search.cv_results_["params"]) == 4
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()
    assert search.predict(photos[0]).shape == (18,)


@pytest.mark.parametrize(
    "wrap",
    [
        lambda pipeline: TunedThresholdClassifierCV(pipeline, cv=2),
        lambda pipeline: CalibratedClassifierCV(pipeline, cv=2),
        lambda pipeline: StackingClassifier([("net", pipeline)], LogisticRegression(), cv=2),
    ],
    ids=["TunedThresholdClassifierCV", "CalibratedClassifierCV", "StackingClassifier"],
)
def test_scikit_learn_wraps_the_pipeline(pipeline, photos, wrap):
    X, y = photos
    model = wrap(pipeline).fit(X, y)
    assert np.isin(model.predict(X), [0, 1]).all()
    np.testing.assert_allclose(model.predict_proba(X).sum(axis=1), 1)


def test_permutation_test(pipeline, photos):
    score, others, p = permutation_test_score(
        pipeline, *photos, cv=2, n_permutations=2, random_state=0, scoring="balanced_accuracy"
    )
    assert 0 <= score <= 1
    assert others.shape == (2,)
    assert p in (1 / 3, 2 / 3, 1)


def test_fitting_on_lazy_splices_copies_only_batches(make_classifier):
    X = np.random.default_rng(0).integers(256, size=(30, 8, 16, 16, 3), dtype=np.uint8)
    splices = RSSResampler(500, lazy=True, random_state=0)
    X_new, y_new = splices.fit_resample(X, np.array([0] * 20 + [1] * 10))
    assert len(X_new) == 1000
    model = make_classifier(batch_size=8)
    tracemalloc.start()
    model.fit(X_new, y_new).predict(X_new[:100])
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1000 * X[0].nbytes / 2


def test_lazy_splices_never_become_one_array(make_classifier, make_task):
    X, y = make_task(dtype="uint8")
    X_new, y_new = RSSResampler(20, lazy=True, random_state=0).fit_resample(X, y)
    sizes, read = [], SplicedSequences._read

    def spy(self, rows, columns):
        sizes.append(len(rows))
        return read(self, rows, columns)

    with patch.object(SplicedSequences, "_read", spy):
        model = make_classifier(batch_size=4, early_stopping=True).fit(X_new, y_new)
        model.predict_proba_over_time(X_new)
        model.predict(X_new)
    assert max(sizes) == 4 * X.shape[1]


@pytest.mark.parametrize("ndim", [3, 5])
def test_shared_frames_change_nothing(make_task, monkeypatch, ndim):
    X, y = make_task(ndim=ndim)
    X[1, 2] = X[4, :2] = np.nan
    X, y = RSSResampler(20, lazy=True, random_state=0).fit_resample(X, y)
    scoring, fits = EpochScoring("balanced_accuracy", name="score"), []
    for shares in (True, False):
        monkeypatch.setattr(CNNLSTMNet, "takes_shared_frames", shares)
        model = CNNLSTMClassifier(
            max_epochs=3, early_stopping=True, callbacks=[scoring], device="cpu", random_state=0
        )
        fits.append(model.fit(X, y))
    torch.testing.assert_close(*map(weights, fits), rtol=0, atol=1e-5)
    histories = [model.net_.history[:, ("train_loss", "valid_loss", "score")] for model in fits]
    np.testing.assert_allclose(*histories, **ABOUT_EQUAL)
    over_time = [model.predict_proba_over_time(X) for model in fits]
    np.testing.assert_allclose(*over_time, rtol=0, atol=1e-5)


class Stop(Callback):
    def __init__(self, when):
        self.when = when

    def on_epoch_end(self, net, **kwargs):
        if self.when == "callback" and len(net.history) == 3:
            raise KeyboardInterrupt  # how skorch's callbacks end the training


class CtrlC(torch.utils.data.DataLoader):
    """Stands for somebody who presses Ctrl-C while a batch is made."""

    n_epochs = 0

    def __iter__(self):
        type(self).n_epochs += 1
        if self.n_epochs > 2:
            raise KeyboardInterrupt
        return super().__iter__()


def test_ctrl_c_stops_and_keeps_what_was_learnt(make_classifier, make_sequences):
    CtrlC.n_epochs = 0
    model = make_classifier(max_epochs=9, net_params={"iterator_train": CtrlC})
    X = make_sequences()
    with pytest.raises(KeyboardInterrupt):
        model.fit(X, np.arange(len(X)) % 2)
    assert model.interrupted_
    assert len(model.history_) == 3
    assert model.predict(X).shape == (len(X),)


def test_callback_may_stop_the_training(make_classifier, make_sequences):
    X = make_sequences()
    model = make_classifier(max_epochs=9, callbacks=[Stop("callback")])
    model.fit(X, np.arange(len(X)) % 2)
    assert not model.interrupted_
    assert len(model.history_) == 3


@pytest.mark.parametrize("n_classes", [2, 3])
def test_skorch_scoring_callback(make_classifier, make_sequences, n_classes):
    X = make_sequences(n=12)
    scoring = EpochScoring("balanced_accuracy", name="score")
    model = make_classifier(callbacks=[scoring], early_stopping=True, validation_fraction=0.25)
    model.fit(X, np.arange(12) % n_classes)
    assert 0 <= model.net_.history[-1, "score"] <= 1


@pytest.mark.parametrize("name", ["callbacks", "train_split"])
def test_net_params_that_have_a_parameter(make_classifier, make_sequences, name):
    X = make_sequences()
    with pytest.raises(ValueError, match=rf"net_params must not hold \['{name}'\]"):
        make_classifier(net_params={name: None}).fit(X, np.arange(len(X)) % 2)


def test_pickle_holds_the_network_once(make_classifier, make_sequences):
    X = make_sequences()
    model = make_classifier().fit(X, np.arange(len(X)) % 2)
    assert isinstance(model.net_.module, type)
