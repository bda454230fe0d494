"""The parameter `augment` of both classifiers: what it changes, and what it must not."""

import os
import pickle

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, cross_val_predict

from skwater import RSSResampler, make_pipeline

os.environ.setdefault("NO_ALBUMENTATIONS_UPDATE", "1")

import albumentations as A  # noqa: N812 - its users' name for it


def weights(model):
    return torch.cat([p.detach().ravel() for p in model.net_.module_.parameters()])


def add_noise(sequence):
    return sequence + np.random.normal(size=sequence.shape)  # noqa: NPY002


class Recorder:
    """Keep what comes in; all copies write into one list."""

    seen = []

    def __init__(self):
        self.seen.clear()

    def __call__(self, sequence):
        self.seen.append(sequence.copy())
        return sequence


AUGMENTS = ["default", A.HorizontalFlip(p=0.5), A.Compose([A.VerticalFlip(p=0.5)]), add_noise]
NAMES = ["default", "bare", "Compose", "function"]


@pytest.mark.parametrize("augment", AUGMENTS, ids=NAMES)
def test_two_fits_are_equal_and_seeded(make_classifier, make_task, augment):
    X, y = make_task(dtype="uint8")
    one, same = (make_classifier(max_epochs=2, augment=augment).fit(X, y) for _ in range(2))
    assert torch.equal(weights(one), weights(same))
    assert np.array_equal(one.predict_proba(X), same.predict_proba(X))
    plain = make_classifier(max_epochs=2).fit(X, y)
    assert not torch.equal(weights(one), weights(plain))


@pytest.mark.parametrize("augment", AUGMENTS, ids=NAMES)
def test_clones_and_pickles_fit_the_same(make_classifier, make_task, augment):
    X, y = make_task(dtype="uint8")
    model = make_classifier(augment=augment)
    expected = model.fit(X, y).predict_proba(X)
    for other in clone(model), pickle.loads(pickle.dumps(model)):
        assert type(other.augment) is type(augment)
        assert np.array_equal(other.fit(X, y).predict_proba(X), expected)
    assert not hasattr(clone(model), "net_")


def test_parameters_draw_nothing(make_classifier):
    # albumentations has a get_params too: it makes a random draw
    transform = A.RandomBrightnessContrast(p=1)
    state = transform.py_random.getstate()
    params = make_classifier(augment=transform).get_params()
    assert params["augment"] is transform
    assert not [name for name in params if "__" in name]
    assert transform.py_random.getstate() == state


def test_other_draws_in_every_epoch(make_classifier, make_task):
    X, y = make_task(4, dtype="float32")
    draws = []
    noise = []

    def draw(sequence):
        noise.append(np.random.random())  # noqa: NPY002
        return sequence

    for seed in (0, 0, 1):
        noise.clear()
        make_classifier(max_epochs=3, augment=draw, random_state=seed).fit(X, y)
        draws.append(sorted(noise))
    assert len(set(draws[0])) == 12
    assert draws[0] == draws[1] != draws[2]


def test_training_sequences_only_as_they_are(make_classifier, make_task):
    X, y = make_task(10, dtype="uint8")
    recorder = Recorder()
    model = make_classifier(max_epochs=2, early_stopping=True, augment=recorder).fit(X, y)
    seen = list(recorder.seen)
    assert len(seen) == 2 * 8  # 2 of 10 validate
    assert {sequence.dtype for sequence in seen} == {X.dtype}
    rows = {x.tobytes() for x in X}
    trained = [sequence.tobytes() for sequence in seen]
    assert set(trained) < rows
    assert len(set(trained)) == 8
    model.predict(X)
    model.predict_proba_over_time(X)
    assert len(recorder.seen) == len(seen)


def test_validation_pictures_stay_as_they_are(make_classifier, make_task):
    # Training goes nowhere, so the validation loss changes only if its pictures do.
    X, y = make_task(20)
    model = make_classifier(
        max_epochs=3, early_stopping=True, lr=1e-30, optimizer="sgd", augment=add_noise
    ).fit(X, y)
    assert len({row["valid_loss"] for row in model.history_}) == 1
    assert len({row["train_loss"] for row in model.history_}) == 3


def test_statistics_are_those_of_the_pictures(make_classifier, make_task):
    X, y = make_task()
    model = make_classifier(augment=lambda sequence: 2 * sequence).fit(X, y)
    np.testing.assert_array_equal(model.mean_, make_classifier().fit(X, y).mean_)


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "int64", "float16", "float64"])
def test_changing_nothing_changes_nothing(make_classifier, make_task, dtype):
    X, y = make_task(dtype=dtype)
    recorder = Recorder()
    # In one batch of all, where the order of the sequences does not matter.
    one, other = (make_classifier(augment=a, batch_size=16).fit(X, y) for a in (recorder, None))
    np.testing.assert_allclose(weights(one), weights(other), rtol=0, atol=1e-5)
    assert {sequence.dtype for sequence in recorder.seen} == {X.dtype}


def test_missing_frames_are_carried_over(make_classifier, make_task):
    X, y = make_task()
    X[::2, 1] = np.nan
    recorder = Recorder()
    make_classifier(augment=recorder).fit(X, y)
    missing = np.isnan(recorder.seen).all(axis=(2, 3, 4))
    assert sorted(missing.sum(axis=1)) == [0] * 8 + [1] * 8
    model = make_classifier(augment="default").fit(X, y)
    assert np.isfinite(model.predict_proba(X)).all()


def test_multispectral_16_bit_and_gray(make_classifier, make_task):
    X, y = make_task(dtype="uint16")
    wide = np.concatenate([X, X, X], axis=-1)
    for pictures in (wide, X[..., 0]):
        model = make_classifier(augment="default").fit(pictures, y)
        assert np.isfinite(model.predict_proba(pictures)).all()


def test_pipeline_of_lazy_splices_on_two_jobs(make_classifier, make_task):
    X, y = make_task(12, dtype="uint8")
    pipeline = make_pipeline(
        RSSResampler(10, lazy=True, random_state=0),
        make_classifier(augment=A.HorizontalFlip(p=0.5)),
    )
    one, two = (
        cross_val_predict(pipeline, X, y, cv=2, n_jobs=n_jobs, method="predict_proba")
        for n_jobs in (1, 2)
    )
    np.testing.assert_array_equal(one, two)


def test_grid_search_over_augmentation(make_classifier, make_task):
    X, y = make_task(12, dtype="uint8")
    options = [None, "default", A.Compose([A.HorizontalFlip(p=0.5)]), add_noise]
    search = GridSearchCV(make_classifier(), {"augment": options}, cv=2).fit(X, y)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()


@pytest.mark.parametrize("ndim", [2, 3])
def test_numbers_cannot_be_augmented(make_classifier, make_task, ndim):
    X, y = make_task(ndim=ndim)
    with pytest.raises(ValueError, match=r"augment='default' needs images, .* 1 x 1"):
        make_classifier(augment="default").fit(X, y)


@pytest.mark.parametrize(
    "augment", ["flip", 3, [A.HorizontalFlip()]], ids=["word", "number", "list"]
)
def test_what_is_no_augmentation(make_classifier, make_task, augment):
    with pytest.raises(ValueError, match="The 'augment' parameter"):
        make_classifier(augment=augment).fit(*make_task())
