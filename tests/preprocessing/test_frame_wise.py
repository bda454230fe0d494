"""Transformers of tables on the vectors of all frames."""

import pickle
import re
import warnings

import numpy as np
import pytest
from sklearn.base import BaseEstimator, TransformerMixin, clone
from sklearn.decomposition import PCA
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.exceptions import NotFittedError
from sklearn.feature_selection import SelectKBest
from sklearn.impute import KNNImputer, SimpleImputer
from sklearn.pipeline import make_pipeline as make_table_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    KBinsDiscretizer,
    PolynomialFeatures,
    StandardScaler,
)
from sklearn.utils import get_tags

from skwater import ConvLSTMClassifier, RSSResampler, SplicedSequences, make_pipeline
from skwater.preprocessing import BaselineCorrector, FrameScaler, FrameWise


@pytest.fixture(autouse=True)
def no_warnings():
    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)
        yield


@pytest.fixture
def vectors(make_sequences):
    """Vectors (8, 5, 3), two frames of which are missing."""
    X = make_sequences(ndim=3, dtype="float64")
    X[0, 1] = X[5, 4] = np.nan
    return X


def frame_by_frame(fitted, X):
    """What FrameWise must return, by a loop."""
    n_channels = fitted.transform(np.ones((1, *X.shape[2:])) if X[0].shape[1:] else [[1]]).shape[1]
    out = np.full((*X.shape[:2], n_channels), np.nan)
    for i, t in np.ndindex(X.shape[:2]):
        frame = X[i, t].reshape(1, -1)
        if not np.isnan(frame).all():
            new = fitted.transform(frame)
            out[i, t] = new.toarray() if hasattr(new, "toarray") else new
    return out


@pytest.mark.parametrize(
    "transformer",
    [
        StandardScaler(),
        PCA(2),
        PCA(1),
        FunctionTransformer(np.exp),
        PolynomialFeatures(2),
        KBinsDiscretizer(2, quantile_method="averaged_inverted_cdf"),  # returns a sparse matrix
        make_table_pipeline(StandardScaler(), PCA(2)),
    ],
    ids=lambda transformer: type(transformer).__name__,
)
def test_equals_a_loop_over_frames(vectors, transformer):
    wrapped = FrameWise(transformer).fit(vectors)
    present = ~np.isnan(vectors[..., 0])
    expected = frame_by_frame(clone(transformer).fit(vectors[present]), vectors)
    np.testing.assert_allclose(wrapped.transform(vectors), expected, atol=1e-12)
    np.testing.assert_allclose(wrapped.transform(vectors[2:4, :3]), expected[2:4, :3], atol=1e-12)
    assert not hasattr(transformer, "n_features_in_")  # a clone was fitted


def test_numbers_stay_numbers(make_sequences):
    X = make_sequences(ndim=2, dtype="float64")
    X[3, 2] = np.nan
    scaled = FrameWise(StandardScaler()).fit_transform(X)
    np.testing.assert_allclose(scaled, (X - np.nanmean(X)) / np.nanstd(X), atol=1e-12)
    powers = FrameWise(PolynomialFeatures(2)).fit_transform(X)
    np.testing.assert_allclose(powers[..., 2], X**2)
    assert powers.shape == (8, 5, 3)
    np.testing.assert_array_equal(np.isnan(powers).all(axis=-1), np.isnan(X))


def test_one_channel_of_vectors_keeps_its_axis(make_sequences):
    X = make_sequences(ndim=3)[..., :1]
    assert FrameWise(StandardScaler()).fit_transform(X).shape == (8, 5, 1)


@pytest.mark.parametrize("imputer", [SimpleImputer(), KNNImputer(n_neighbors=2)])
def test_imputer_fills_gaps_within_frames(vectors, imputer):
    gaps = vectors.copy()
    gaps[1, 2, 0] = gaps[1, 2, 1] = gaps[7, 0, 2] = np.nan
    filled = FrameWise(imputer).fit_transform(gaps)
    missing = np.isnan(vectors)
    np.testing.assert_array_equal(np.isnan(filled), missing)
    known = ~np.isnan(gaps)
    np.testing.assert_array_equal(filled[known], gaps[known])
    if isinstance(imputer, SimpleImputer):
        np.testing.assert_allclose(filled[1, 2, :2], np.nanmean(gaps, axis=(0, 1))[:2])
    for step in BaselineCorrector(2), FrameScaler():  # legal everywhere now, and not before
        clone(step).fit_transform(filled)
        with pytest.raises(ValueError, match="NaN in sample 1, frame 2"):
            clone(step).fit(gaps)


def test_gaps_are_filled_from_training_frames(vectors):
    imputer = FrameWise(SimpleImputer()).fit(vectors[:4])
    X = vectors[4:].copy()
    X[0, 0, 1] = np.nan
    assert imputer.transform(X)[0, 0, 1] == pytest.approx(np.nanmean(vectors[:4, :, 1]))


def test_imputer_in_a_pipeline_of_tables(vectors):
    vectors[1, 2, 0] = np.nan
    steps = make_table_pipeline(SimpleImputer(), PCA(2))
    assert np.isfinite(FrameWise(steps).fit_transform(vectors)[1, 2]).all()


@pytest.mark.parametrize("transformer", [PCA(2), PolynomialFeatures()])
def test_gaps_that_the_transformer_refuses(vectors, transformer):
    gaps = vectors.copy()
    gaps[1, 2, 0] = gaps[3, 3, 1] = np.nan
    wrapped = FrameWise(transformer)
    fitted = clone(wrapped).fit(vectors)
    message = r"sample 1, frame 2 and 1 more frames, and .* refuses.*NaN(.|\n)*FrameWise\(SimpleImp"
    for method in wrapped.fit, fitted.transform:
        with pytest.raises(ValueError, match=message):
            method(gaps)


@pytest.mark.parametrize("transformer", [StandardScaler(), FunctionTransformer()])
def test_gaps_that_the_transformer_leaves(vectors, transformer):
    vectors[1, 2, 0] = np.nan
    wrapped = FrameWise(transformer).fit(vectors)
    with pytest.raises(ValueError, match=r"returned NaN.*sample 1, frame 2\. If X has NaN there"):
        wrapped.transform(vectors)


def quiet_log(X):
    with np.errstate(all="ignore"):
        return np.log(X)


@pytest.mark.parametrize("ndim", [2, 3])
def test_values_that_the_transformer_makes_illegal(make_sequences, ndim):
    X = np.abs(make_sequences(ndim=ndim, dtype="float64")) + 1
    wrapped = FrameWise(FunctionTransformer(quiet_log)).fit(X)
    for value in -1, 0:  # NaN, which must not become a missing frame, and infinity
        X[6, 3] = value
        with pytest.raises(ValueError, match=r"\(func=.*returned NaN.*sample 6, frame 3\."):
            wrapped.transform(X)
    with pytest.raises(ValueError, match="too large for float32 for sample 0, frame 0 and 39 more"):
        FrameWise(FunctionTransformer(lambda X: X + 1e39)).fit_transform(X)


@pytest.mark.parametrize("value", [np.inf, 1e39])
def test_illegal_values(vectors, value):
    wrapped = FrameWise(FunctionTransformer()).fit(vectors)
    vectors[1, 2, 0] = value
    vectors[1, 2, 1] = np.nan
    for method in wrapped.transform, clone(wrapped).fit:
        with pytest.raises(ValueError, match="sample 1, frame 2, channel 0"):
            method(vectors)


def test_plant_without_a_frame(vectors):
    vectors[3] = np.nan
    with pytest.raises(ValueError, match="no frame at all in sample 3"):
        FrameWise(SimpleImputer()).fit(vectors)


@pytest.mark.parametrize(
    ("dtype", "returned"),
    [("float32", "float32"), ("float64", "float64"), ("float16", "float64"), ("uint8", "float64")],
)
def test_dtype(make_sequences, dtype, returned):
    X = make_sequences(ndim=3, dtype=dtype)
    assert FrameWise(StandardScaler()).fit_transform(X).dtype == returned
    assert FrameWise(FunctionTransformer()).fit_transform(X).dtype == returned


def test_class_of_a_plant_goes_to_each_frame(make_task):
    X, y = make_task(ndim=3)
    X[2, 1] = np.nan
    present = ~np.isnan(X[..., 0])
    wrapped = FrameWise(SelectKBest(k=1)).fit(X, np.where(y, "dry", "wet"))
    expected = SelectKBest(k=1).fit(X[present], np.repeat(y, 5)[present.ravel()])
    np.testing.assert_array_equal(wrapped.transformer_.scores_, expected.scores_)
    assert wrapped.transform(X).shape == (16, 5, 1)
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        FrameWise(SelectKBest(k=1)).fit(X, y[1:])


@pytest.mark.parametrize("ndim", [4, 5])
@pytest.mark.parametrize("contain", [np.asarray, SplicedSequences])
def test_images_are_refused(make_sequences, contain, ndim):
    with pytest.raises(ValueError, match=r"got images of shape \(8, .*FrameEncoder or CanopyCover"):
        FrameWise(StandardScaler()).fit(contain(make_sequences(ndim=ndim)))


def test_lazy_sequences_are_refused(make_sequences):
    X = SplicedSequences(make_sequences(ndim=3))
    with pytest.raises(ValueError, match=r"got lazy sequences .*Put FrameWise before the resampl"):
        FrameWise(StandardScaler()).fit(X)


def test_other_frames_than_in_fit(vectors, make_sequences):
    wrapped = FrameWise(FunctionTransformer()).fit(vectors)
    with pytest.raises(ValueError, match="X has 6 frames"):
        wrapped.transform(make_sequences(8, 6, ndim=3))
    for other in vectors[..., :2], vectors[..., 0]:
        with pytest.raises(ValueError, match=re.escape("fitted on sequences of shape (5, 3)")):
            wrapped.transform(other)


class Summed(TransformerMixin, BaseEstimator):
    def fit(self, X, y=None):
        return self

    def transform(self, X):
        return X.sum(axis=1)

    def __sklearn_is_fitted__(self):
        return True


def test_transformer_that_returns_no_table(vectors):
    with pytest.raises(ValueError, match=r"Summed\(\) must return a row for each of the 38 frames"):
        FrameWise(Summed()).fit_transform(vectors)


@pytest.mark.parametrize("transformer", [None, "pca", 3, SelectKBest])
def test_what_is_no_transformer(vectors, transformer):
    with pytest.raises((ValueError, TypeError), match=r"'transformer' parameter|class instead"):
        FrameWise(transformer).fit(vectors)


def test_a_class_is_refused_with_the_remedy(vectors):
    """With scikit-learn 1.8 the message was of its tags."""
    with pytest.raises(TypeError, match=r"pass SelectKBest\(\)\.$"):
        FrameWise(SelectKBest).fit(vectors)


def test_fit_comes_first(vectors):
    with pytest.raises(NotFittedError):
        FrameWise(PCA(2)).transform(vectors)


def test_clone_pickle_and_parameters(vectors):
    wrapped = FrameWise(PCA(2)).fit(vectors)
    assert clone(wrapped).set_params(transformer__n_components=1).transformer.n_components == 1
    again = pickle.loads(pickle.dumps(wrapped))
    np.testing.assert_array_equal(again.transform(vectors), wrapped.transform(vectors))
    assert list(wrapped.transformer_.get_feature_names_out()) == ["pca0", "pca1"]
    assert not hasattr(wrapped, "get_feature_names_out")


def test_output_of_the_transformer_may_be_a_data_frame(vectors):
    pytest.importorskip("pandas")
    scaled = FrameWise(StandardScaler().set_output(transform="pandas")).fit_transform(vectors)
    np.testing.assert_array_equal(scaled, FrameWise(StandardScaler()).fit_transform(vectors))


def test_input_stays_as_it_is(vectors):
    vectors[1, 2, 0] = np.nan
    vectors.flags.writeable = False
    FrameWise(SimpleImputer(copy=False)).fit_transform(vectors)


def test_tags():
    tags = get_tags(FrameWise(LinearDiscriminantAnalysis()))
    assert tags.input_tags.allow_nan
    assert tags.input_tags.three_d_array
    assert tags.target_tags.required
    assert not get_tags(FrameWise(PCA())).target_tags.required


@pytest.mark.parametrize("lazy", [False, True])
def test_before_splicing_and_a_network(make_task, lazy):
    X, y = make_task(16, ndim=3, n_frames=8)
    X[3, 1] = X[5, 6, 0] = np.nan
    model = make_pipeline(
        FrameWise(SimpleImputer()),
        FrameWise(PCA(2)),
        RSSResampler(12, lazy=lazy, random_state=0),
        ConvLSTMClassifier(max_epochs=1, hidden_channels=2, random_state=0, device="cpu"),
    )
    assert model.fit(X, y).predict_proba(X[:, :5]).shape == (16, 2)
    assert model[-1].sequence_shape_ == (8, 2)
