"""Validation plants of early stopping: no frame of them is trained on."""

import warnings

import numpy as np
import pytest

from skwater import ConvLSTMClassifier, RSSResampler
from skwater.exceptions import LeakageWarning
from skwater.model_selection._validation_split import validation_split


def noise(seed, *shape):
    """30 plants of pure noise, 9 of them called stressed."""
    rng = np.random.default_rng(seed)
    return rng.normal(size=(30, *shape)), rng.permutation([0] * 21 + [1] * 9)


def originals_and_splices(n_segments=3, seed=0, onset=None):
    X, y = noise(seed, 8, 2)
    sampler = RSSResampler(60, n_segments=n_segments, onset=onset, lazy=True, random_state=seed)
    return sampler.fit_resample(X, y)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("n_segments", [2, 3])
@pytest.mark.parametrize("onset", [None, 4])
def test_no_frame_of_a_validation_plant_is_trained_on(onset, n_segments, seed):
    X, y = originals_and_splices(n_segments, seed, onset)
    train, valid = validation_split(X, y, 0.2, np.random.RandomState(seed))
    assert len(train) > 40
    assert len(valid) == 6
    assert sorted(y[valid]) == [0, 0, 0, 0, 1, 1]
    assert set(X.donors[train].ravel()).isdisjoint(X.donors[valid].ravel())
    assert (X.donors[valid] == X.donors[valid][:, :1]).all()
    assert set(np.unique(y[train])) == {0, 1}


def test_splice_with_a_validation_plant_before_the_onset_leaves_training():
    X, y = originals_and_splices(2, onset=4)
    train, valid = validation_split(X, y, 0.2, np.random.RandomState(0))
    before = np.isin(X.donors[:, :4], X.donors[valid]).any(axis=1)
    after = np.isin(X.donors[:, 4:], X.donors[valid]).any(axis=1)
    of_another_class = (y[X.donors[:, 0]] != y) & before & ~after
    assert of_another_class.any()
    assert not of_another_class[train].any()
    assert sorted([*train, *np.flatnonzero(before | after)]) == list(range(len(X)))


def test_split_of_splices_of_splices():
    X, y = originals_and_splices()
    X, y = RSSResampler(100, random_state=1).fit_resample(X, y)
    train, valid = validation_split(X, y, 0.2, np.random.RandomState(0))
    assert set(X.donors[train].ravel()).isdisjoint(X.donors[valid].ravel())


def test_class_that_training_would_lose():
    X, y = originals_and_splices()
    rows = np.r_[np.flatnonzero(y[:30] == 0), np.flatnonzero(y[:30] == 1)[:2]]
    with pytest.raises(ValueError, match="no training sequence of one class is left"):
        validation_split(X[rows], y[rows], 0.9, np.random.RandomState(0))


def fit_with_early_stopping(X, y):
    ConvLSTMClassifier(
        hidden_channels=1, head_channels=(), max_epochs=1, early_stopping=True, random_state=0
    ).fit(X, y)


@pytest.mark.parametrize("dtype", ["float64", "uint8"])
def test_copied_splices_warn(dtype):
    X, y = originals_and_splices()
    X = np.asarray(X) if dtype == "float64" else (40 * np.asarray(X) + 128).astype(dtype)
    with pytest.warns(LeakageWarning, match=r"share frames from \d+ on: they look spliced or"):
        fit_with_early_stopping(X, y)


@pytest.mark.parametrize("junction", ["shift", "scale"])
def test_splices_of_changed_values_warn_by_their_first_piece(junction):
    X, y = noise(0, 8, 2)
    sampler = RSSResampler(60, onset=4, junction=junction, random_state=0)
    with pytest.warns(LeakageWarning, match=r"share frames from \d+ on: they look spliced or"):
        fit_with_early_stopping(*sampler.fit_resample(X, y))


def test_repeated_plant_warns():
    X, y = noise(0, 8, 2)
    with pytest.warns(LeakageWarning, match="Samples 3 and 30 share frames from 0 on"):
        fit_with_early_stopping(np.concatenate([X, X[3:4]]), np.append(y, y[3]))


@pytest.mark.parametrize("kind", ["array", "missing frames", "lazy"])
def test_honest_sequences_do_not_warn(kind):
    X, y = noise(0, 8, 2)
    if kind == "missing frames":
        X[:20, 3] = np.nan
    if kind == "lazy":
        X, y = originals_and_splices()
    with warnings.catch_warnings():
        warnings.simplefilter("error", LeakageWarning)
        fit_with_early_stopping(X, y)


def test_copied_splices_do_not_warn_without_early_stopping():
    X, y = originals_and_splices()
    with warnings.catch_warnings():
        warnings.simplefilter("error", LeakageWarning)
        ConvLSTMClassifier(max_epochs=1, head_channels=()).fit(np.asarray(X), y)


def test_one_shared_picture_warns():
    X, y = noise(0, 8, 6)
    X[7, 5] = X[3, 5]
    with pytest.warns(LeakageWarning, match="Samples 3 and 7 share frames from 5 on"):
        fit_with_early_stopping(X, y)


def test_lazy_splices_of_copied_splices_warn():
    X, y = originals_and_splices()
    X, y = RSSResampler(70, lazy=True, random_state=1).fit_resample(np.asarray(X), y)
    with pytest.warns(LeakageWarning, match="look spliced or repeated"):
        fit_with_early_stopping(X, y)
