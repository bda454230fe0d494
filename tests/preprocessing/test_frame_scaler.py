import re
import warnings

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skwater.preprocessing import BaselineCorrector, FrameScaler


@pytest.fixture(autouse=True)
def no_warnings():
    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)
        yield


@pytest.mark.parametrize("ndim", [2, 3])
def test_equals_the_formula(make_sequences, ndim):
    X = 3 + 2 * make_sequences(7, 5, ndim=ndim, dtype="float64")
    X[0, 1] = X[2, 1] = X[4, 4] = np.nan
    scaler = FrameScaler().fit(X)
    assert scaler.mean_.shape == scaler.scale_.shape == X.shape[1:]
    for t in range(5):
        there = [i for i in range(7) if not np.isnan(X[i, t]).any()]
        np.testing.assert_allclose(scaler.mean_[t], X[there, t].mean(axis=0))
        np.testing.assert_allclose(scaler.scale_[t], X[there, t].std(axis=0))
    np.testing.assert_allclose(scaler.transform(X), (X - scaler.mean_) / scaler.scale_)


def test_tables_are_scaled_as_scikit_learn_does(make_sequences):
    X, new = make_sequences(7, 5, ndim=2, dtype="float64"), make_sequences(3, 5, ndim=2, seed=1)
    X[1, 2] = X[3, 0] = np.nan
    np.testing.assert_allclose(
        FrameScaler().fit(X).transform(new), StandardScaler().fit(X).transform(new), rtol=1e-5
    )


@pytest.mark.parametrize("ndim", [2, 3])
def test_light_and_growth_of_the_date_go(make_sequences, ndim):
    X = make_sequences(7, 5, ndim=ndim, dtype="float64")
    rng = np.random.default_rng(1)
    light, gain = rng.normal(size=X.shape[1:]), rng.uniform(1, 9, size=X.shape[1:])
    np.testing.assert_allclose(
        FrameScaler().fit_transform(light + gain * X), FrameScaler().fit_transform(X), atol=1e-12
    )


def test_new_plants_are_scaled_by_the_training_plants(make_sequences):
    X, new = make_sequences(7, 5, ndim=3), make_sequences(3, 5, ndim=3, seed=1)
    scaler = FrameScaler().fit(X)
    np.testing.assert_array_equal(scaler.transform(new)[:1], scaler.transform(new[:1]))
    np.testing.assert_allclose(scaler.transform(new), (new - X.mean(0)) / X.std(0), rtol=1e-4)


@pytest.mark.parametrize("length", [1, 3, 5])
def test_season_so_far(make_sequences, length):
    X = make_sequences(7, 5, ndim=3)
    scaler = FrameScaler().fit(X)
    np.testing.assert_array_equal(
        scaler.transform(X[:, :length]), scaler.transform(X)[:, :length], strict=True
    )


def test_numbers_follow_the_rule_of_scikit_learn(make_sequences):
    scaler = FrameScaler().fit(make_sequences(5, 9, ndim=2))
    with pytest.raises(ValueError, match="X has 8 features, but FrameScaler is expecting 9"):
        scaler.transform(make_sequences(5, 8, ndim=2))


@pytest.mark.parametrize("ndim", [2, 3])
def test_missing_frames_stay_missing(make_sequences, ndim):
    X = make_sequences(7, 5, ndim=ndim)
    X[0, 1] = X[2, 4] = np.nan
    np.testing.assert_array_equal(np.isnan(FrameScaler().fit_transform(X)), np.isnan(X))


@pytest.mark.parametrize("ndim", [2, 3])
def test_date_that_all_training_plants_lack(make_sequences, ndim):
    X, new = make_sequences(7, 5, ndim=ndim), make_sequences(2, 5, ndim=ndim, seed=1)
    X[:, 3] = np.nan
    scaler = FrameScaler().fit(X)
    assert np.isnan(scaler.mean_[3]).all()
    np.testing.assert_array_equal(scaler.scale_[3], 1)
    assert np.isnan(scaler.transform(new)[:, 3]).all()
    assert np.isnan(scaler.transform(X)[:, 3]).all()


def test_equal_plants_become_zero(make_sequences):
    X = make_sequences(7, 5, ndim=3, dtype="float64")
    X[:, 2, 1] = 0.1
    X[1:, 4] = np.nan  # a plant alone on its date
    scaler = FrameScaler().fit(X)
    assert scaler.scale_[2, 1] == 1
    np.testing.assert_array_equal(scaler.scale_[4], 1)
    np.testing.assert_allclose(scaler.transform(X)[:, 2, 1], 0, atol=1e-15)
    np.testing.assert_array_equal(scaler.transform(X)[0, 4], 0)
    assert (scaler.scale_[[0, 1, 3]] != 1).all()


def test_a_single_plant(make_sequences):
    X = make_sequences(1, 5, ndim=3)
    np.testing.assert_allclose(FrameScaler().fit_transform(X), 0, atol=1e-6)


def test_rounding_of_the_baseline_is_not_blown_up():
    levels = np.array([0.1, 0.7, 1.3, 2.9])[:, None]
    X = np.hstack([np.repeat(levels, 7, axis=1), levels + np.arange(1, 5)[:, None]])
    changes = BaselineCorrector(7).fit_transform(X)
    assert np.ptp(changes[:, 0]) > 0  # rounding, and nothing else
    scaled = FrameScaler().fit_transform(changes)
    np.testing.assert_allclose(scaled[:, :7], 0, atol=1e-12)
    np.testing.assert_allclose(scaled[:, 7].std(), 1)


def test_tiny_units_are_kept(make_sequences):
    X = make_sequences(7, 5, ndim=3, dtype="float64")
    np.testing.assert_allclose(
        FrameScaler().fit_transform(X * [1e-30, 1, 1e30]), FrameScaler().fit_transform(X)
    )


@pytest.mark.parametrize(
    ("dtype", "returned"),
    [("float32", "float32"), ("float64", "float64"), ("float16", "float64"), ("uint8", "float64")],
)
def test_dtype(make_sequences, dtype, returned):
    X = (10 * make_sequences(4, 6, ndim=3, dtype="float64") + 100).astype(dtype)
    scaler = FrameScaler()
    scaled = scaler.fit_transform(X)
    assert scaled.dtype == returned
    assert scaler.mean_.dtype == scaler.scale_.dtype == "float64"
    X = X.astype("float64")
    np.testing.assert_allclose(scaled, (X - X.mean(0)) / X.std(0), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_input_stays_as_it_is(make_sequences, dtype):
    X = make_sequences(4, 6, ndim=3, dtype=dtype)
    X[1, 2] = np.nan
    before = X.copy()
    scaled = FrameScaler().fit_transform(X)
    scaled[:] = 0
    np.testing.assert_array_equal(X, before)


def test_illegal_values(make_sequences):
    X = make_sequences(5, 9, ndim=3)
    scaler = FrameScaler().fit(X)
    for bad, message in [(np.nan, "NaN in sample 1, frame 2"), (np.inf, "infinity in sample 1")]:
        Z = X.copy()
        Z[1, 2, 0] = bad
        for method in (scaler.transform, clone(scaler).fit):
            with pytest.raises(ValueError, match=message):
                method(Z)
    X[3] = np.nan
    with pytest.raises(ValueError, match="no frame at all in sample 3"):
        scaler.transform(X)


def test_other_frames_than_in_fit(make_sequences):
    scaler = FrameScaler().fit(make_sequences(5, 9, ndim=3))
    with pytest.raises(ValueError, match="X has 10 frames"):
        scaler.transform(make_sequences(5, 10, ndim=3))
    with pytest.raises(ValueError, match=re.escape("fitted on sequences of shape (9, 3)")):
        scaler.transform(make_sequences(5, 9, ndim=2))


def test_fit_comes_first(make_sequences):
    with pytest.raises(NotFittedError):
        FrameScaler().transform(make_sequences(ndim=2))


def test_clone_and_refit(make_sequences):
    scaler = FrameScaler().fit(make_sequences(4, 9, ndim=3))
    assert not hasattr(clone(scaler), "mean_")
    X = make_sequences(4, 6, ndim=2)
    np.testing.assert_array_equal(scaler.fit(X).transform(X), FrameScaler().fit_transform(X))
    assert scaler.mean_.shape == (6,)
    assert (scaler.n_features_in_, scaler.sequence_shape_) == (6, (6,))


def test_plants_left_out_have_no_part_in_a_pipeline(make_task):
    X, y = make_task(12, ndim=2)
    model = make_pipeline(BaselineCorrector(2), FrameScaler(), LogisticRegression())
    model.fit(X[:8], y[:8])
    np.testing.assert_allclose(
        model[1].mean_, BaselineCorrector(2).fit_transform(X[:8]).mean(axis=0), atol=1e-6
    )
    before = model.predict_proba(X[8:9])
    X[9:] += 1000
    np.testing.assert_array_equal(model.predict_proba(X[8:])[:1], before)
