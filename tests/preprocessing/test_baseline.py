import re
import warnings

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

from skwater import ConvLSTMClassifier, RSSResampler, SplicedSequences, make_pipeline
from skwater.preprocessing import BaselineCorrector, CanopyCover, FrameScaler


@pytest.fixture(autouse=True)
def no_warnings():
    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)
        yield


def test_numbers_by_hand():
    X = [[1, 3, 4, 2], [5, 7, 8, 9]]
    np.testing.assert_array_equal(
        BaselineCorrector(2).fit_transform(X), [[-1, 1, 2, 0], [-1, 1, 2, 3]]
    )


@pytest.mark.parametrize("ndim", [2, 3])
@pytest.mark.parametrize("n_frames", [1, 3, 9, 100])
def test_equals_the_formula(make_sequences, ndim, n_frames):
    X = make_sequences(6, 9, ndim=ndim, dtype="float64")
    X[0, 0] = X[1, 4] = np.nan
    X[2, 1:] = np.nan
    if n_frames == 1:
        X = X[1:]
    expected = np.empty_like(X)
    for i, plant in enumerate(X):
        before = [frame for frame in plant[:n_frames] if not np.isnan(frame).any()]
        expected[i] = plant - sum(before) / len(before)
    np.testing.assert_allclose(BaselineCorrector(n_frames).fit_transform(X), expected, atol=1e-14)


def test_differences_from_before_the_stress_cancel(make_sequences):
    X = make_sequences(6, 9, ndim=3, dtype="float64")
    place = np.random.default_rng(1).normal(size=(6, 1, 3))
    corrector = BaselineCorrector(4).fit(X)
    np.testing.assert_allclose(corrector.transform(X + place), corrector.transform(X), atol=1e-13)


def test_each_plant_by_itself(make_sequences):
    X = make_sequences(6, 9, ndim=3)
    corrector = BaselineCorrector(4).fit(X[:2])
    np.testing.assert_array_equal(corrector.transform(X)[3:4], corrector.transform(X[3:4]))


@pytest.mark.parametrize("length", [1, 2, 4, 8])
def test_season_so_far(make_sequences, length):
    X = make_sequences(5, 9, ndim=3, dtype="float64")
    so_far = BaselineCorrector(4).fit(X).transform(X[:, :length])
    np.testing.assert_array_equal(so_far, BaselineCorrector(4).fit_transform(X[:, :length]))
    np.testing.assert_allclose(so_far[:, :4].mean(axis=1), 0, atol=1e-15)


def test_frames_after_the_window_change_nothing_before_them(make_sequences):
    X = make_sequences(5, 9, ndim=3)
    corrector = BaselineCorrector(4).fit(X)
    whole = corrector.transform(X)
    for length in range(4, 9):
        np.testing.assert_array_equal(corrector.transform(X[:, :length]), whole[:, :length])


def test_numbers_follow_the_rule_of_scikit_learn(make_sequences):
    corrector = BaselineCorrector(4).fit(make_sequences(5, 9, ndim=2))
    with pytest.raises(ValueError, match="X has 8 features, but BaselineCorrector is expecting 9"):
        corrector.transform(make_sequences(5, 8, ndim=2))


@pytest.mark.parametrize("ndim", [2, 3])
def test_missing_frames_stay_missing(make_sequences, ndim):
    X = make_sequences(5, 9, ndim=ndim)
    X[0, 1] = X[2, 7] = np.nan
    np.testing.assert_array_equal(
        np.isnan(BaselineCorrector(4).fit_transform(X)), np.isnan(X), strict=True
    )


@pytest.mark.parametrize(
    ("dtype", "returned"),
    [("float32", "float32"), ("float64", "float64"), ("float16", "float64"), ("uint8", "float64")],
)
def test_dtype(make_sequences, dtype, returned):
    X = (10 * make_sequences(4, 6, ndim=3, dtype="float64") + 100).astype(dtype)
    changes = BaselineCorrector(3).fit_transform(X)
    assert changes.dtype == returned
    X = X.astype("float64")
    np.testing.assert_allclose(changes, X - X[:, :3].mean(axis=1, keepdims=True), atol=1e-5)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_input_stays_as_it_is(make_sequences, dtype):
    X = make_sequences(4, 6, ndim=3, dtype=dtype)
    before = X.copy()
    changes = BaselineCorrector(3).fit_transform(X)
    changes[:] = 0
    np.testing.assert_array_equal(X, before)


def test_plant_without_a_baseline(make_sequences):
    X = make_sequences(5, 9, ndim=3)
    X[2, :4] = X[4, :5] = np.nan
    corrector = BaselineCorrector(4).fit(X)
    with pytest.raises(ValueError, match=r"no baseline in sample 2: its first 4 .*\(2 such"):
        corrector.transform(X)
    with pytest.raises(ValueError, match="no baseline in sample 4: its first 5 "):
        corrector.set_params(n_baseline_frames=5).transform(X)
    assert np.isfinite(corrector.set_params(n_baseline_frames=6).transform(X)[4, 5:]).all()


def test_illegal_values(make_sequences):
    X = make_sequences(5, 9, ndim=3)
    corrector = BaselineCorrector(4).fit(X)
    for bad, message in [(np.nan, "NaN in sample 1, frame 2"), (np.inf, "infinity in sample 1")]:
        Z = X.copy()
        Z[1, 2, 0] = bad
        for method in (corrector.transform, clone(corrector).fit):
            with pytest.raises(ValueError, match=message):
                method(Z)
    X[3] = np.nan
    with pytest.raises(ValueError, match="no frame at all in sample 3"):
        corrector.transform(X)


def test_other_frames_than_in_fit(make_sequences):
    corrector = BaselineCorrector(4).fit(make_sequences(5, 9, ndim=3))
    with pytest.raises(ValueError, match="X has 10 frames"):
        corrector.transform(make_sequences(5, 10, ndim=3))
    with pytest.raises(ValueError, match=re.escape("fitted on sequences of shape (9, 3)")):
        corrector.transform(make_sequences(5, 9, ndim=2))


@pytest.mark.parametrize("n_frames", [0, -1, 2.5, None, "7"])
def test_illegal_number_of_frames(make_sequences, n_frames):
    with pytest.raises(ValueError, match="'n_baseline_frames' parameter of BaselineCorrector"):
        BaselineCorrector(n_frames).fit(make_sequences(ndim=2))


def test_fit_comes_first(make_sequences):
    with pytest.raises(NotFittedError):
        BaselineCorrector(7).transform(make_sequences(ndim=2))


def splice_with_itself(X):
    return SplicedSequences(X, np.arange(len(X))[:, None].repeat(X.shape[1], axis=1))


@pytest.mark.parametrize("transformer", [BaselineCorrector(7), FrameScaler()])
@pytest.mark.parametrize("container", [np.asarray, np.ndarray.tolist, splice_with_itself])
@pytest.mark.parametrize("ndim", [4, 5])
def test_pictures_are_refused(make_sequences, transformer, container, ndim):
    transformer = clone(transformer)
    pictures = container(make_sequences(ndim=ndim))
    with pytest.raises(ValueError, match=r"got images of shape \(8, 5, 4, .*CanopyCover"):
        transformer.fit(pictures)
    assert not hasattr(transformer, "n_features_in_")
    with pytest.raises(ValueError, match=r"got images of shape \(8, 5, 4, .*CanopyCover"):
        transformer.fit(make_sequences(ndim=3)).transform(pictures)


@pytest.mark.parametrize("transformer", [BaselineCorrector(7), FrameScaler()])
@pytest.mark.parametrize("ndim", [2, 3])
def test_lazy_sequences_are_refused(make_sequences, transformer, ndim):
    X = make_sequences(ndim=ndim)
    lazy = splice_with_itself(X)
    message = rf"got lazy sequences \(SplicedSequences\)\. Put {type(transformer).__name__} before"
    with pytest.raises(ValueError, match=message):
        clone(transformer).fit(lazy)
    with pytest.raises(ValueError, match=message):
        clone(transformer).fit(X).transform(lazy)
    clone(transformer).fit(np.asarray(lazy))  # what the message says


def test_clone_and_refit(make_sequences):
    corrector = BaselineCorrector(3).fit(make_sequences(4, 9, ndim=3))
    assert clone(corrector).get_params() == {"n_baseline_frames": 3}
    X = make_sequences(4, 6, ndim=2)
    corrector.fit(X)
    assert (corrector.n_features_in_, corrector.sequence_shape_) == (6, (6,))
    np.testing.assert_array_equal(corrector.transform(X), BaselineCorrector(3).fit_transform(X))


def test_names_of_a_table():
    pandas = pytest.importorskip("pandas")
    table = pandas.DataFrame([[1.0, 2.0, 3.0], [3.0, 2.0, 1.0]], columns=["d1", "d2", "d3"])
    corrector = BaselineCorrector(1).fit(table)
    assert corrector.feature_names_in_.tolist() == ["d1", "d2", "d3"]
    np.testing.assert_array_equal(corrector.transform(table), [[0, 1, 2], [0, -1, -2]])


def test_after_the_cover():
    rng = np.random.default_rng(0)
    photos = rng.integers(0, 256, (3, 6, 4, 5, 3), dtype=np.uint8)
    cover = CanopyCover().fit_transform(photos)
    changes = make_pipeline(CanopyCover(), BaselineCorrector(2)).fit_transform(photos)
    np.testing.assert_allclose(changes, cover - cover[:, :2].mean(axis=1, keepdims=True))


@pytest.mark.parametrize("lazy", [False, True])
def test_before_splicing_and_a_network(make_task, lazy):
    X, y = make_task(16, ndim=3, n_frames=8)
    X[3, 1] = X[5, 6] = np.nan
    model = make_pipeline(
        BaselineCorrector(3),
        FrameScaler(),
        RSSResampler(12, lazy=lazy, random_state=0),
        ConvLSTMClassifier(max_epochs=1, hidden_channels=2, random_state=0, device="cpu"),
    )
    probabilities = clone(model).fit(X, y).predict_proba(X)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-6)
    assert model.fit(X, y).predict_proba(X[:, :5]).shape == (16, 2)
    by_hand = FrameScaler().fit_transform(BaselineCorrector(3).fit_transform(X))
    np.testing.assert_array_equal(
        clone(model[2:]).fit(by_hand, y).predict_proba(by_hand), probabilities
    )
