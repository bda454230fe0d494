"""Why splicing belongs inside the pipeline: on noise, every score above chance is a leak."""

import warnings

import numpy as np
import pytest
from sklearn.model_selection import StratifiedKFold, cross_val_score
from sklearn.neighbors import KNeighborsClassifier

from skwater import ConvLSTMClassifier, RSSResampler, make_pipeline
from skwater.exceptions import LeakageWarning
from skwater.model_selection import check_no_leakage
from skwater.model_selection._validation_split import validation_split


def noise(seed, *shape):
    """30 plants of pure noise, 9 of them called stressed."""
    rng = np.random.default_rng(seed)
    return rng.normal(size=(30, *shape)), rng.permutation([0] * 21 + [1] * 9)


def scores(model, seasons, onset=None):
    """Mean balanced accuracy with splicing before the split, and with splicing inside."""
    sampler = RSSResampler(60, onset=onset, random_state=0)
    how = {"cv": StratifiedKFold(2, shuffle=True, random_state=0), "scoring": "balanced_accuracy"}
    before = [cross_val_score(model, *sampler.fit_resample(X, y), **how) for X, y in seasons]
    inside = [cross_val_score(make_pipeline(sampler, model), X, y, **how) for X, y in seasons]
    return np.mean(before), np.mean(inside)


# With an onset fewer frames tell the class, so splicing before the split misleads a little less.
@pytest.mark.parametrize(("onset", "reported"), [(None, 0.9), (10, 0.8), (20, 0.65)])
def test_nearest_neighbour_learns_noise_only_by_splicing_before_the_split(onset, reported):
    seasons = [noise(seed, 40) for seed in range(20)]
    before, inside = scores(KNeighborsClassifier(1), seasons, onset)
    assert before > reported
    assert abs(inside - 0.5) < 0.1


@pytest.mark.parametrize(("onset", "reported"), [(None, 0.8), (2, 0.65)])
@pytest.mark.parametrize("frame", [(32,), (4, 4, 2)], ids=["3-D", "5-D"])
def test_convlstm_learns_noise_only_by_splicing_before_the_split(frame, onset, reported):
    model = ConvLSTMClassifier(
        hidden_channels=16, head_channels=(), lr=0.05, max_epochs=12, batch_size=64, random_state=0
    )
    before, inside = scores(model, [noise(seed, 4, *frame) for seed in range(6)], onset)
    assert before > reported
    assert abs(inside - 0.5) < 0.15


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


@pytest.mark.parametrize("lazy", [True, False])
def test_donor_before_the_onset_is_found_on_the_other_side(lazy):
    X, y = noise(0, 8, 2)
    sampler = RSSResampler(60, n_segments=2, onset=4, lazy=lazy, random_state=0)
    X_new, y_new = sampler.fit_resample(X, y)
    before, after = sampler.donors_[:, 0], sampler.donors_[:, -1]
    new = np.flatnonzero(y[before] != y_new)[0]  # a splice with frames of the other class
    others = np.setdiff1d(np.arange(30), [before[new], after[new]])
    plants = np.arange(len(X_new))
    check_no_leakage(others, [new], plants, X_new)
    donors = rf"rows {before[new]} of the base" if lazy else rf"sample {before[new]}, trained on"
    with pytest.raises(ValueError, match=donors):
        check_no_leakage([*others, before[new]], [new], plants, X_new)
