"""What all transformers of images share."""

import pickle
import tracemalloc

import numpy as np
import pytest
import sklearn
from generated import Lazy, make_images
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.utils import get_tags

import skwater
from skwater import ConvLSTMClassifier, EarlyDetector, RSSResampler, SplicedSequences
from skwater.preprocessing import CanopyCover, CenterCrop, FrameSampler, Resize, VegetationMask
from skwater.sequences import is_lazy, missing_frames

TRANSFORMERS = [CenterCrop((4, 6)), Resize((4, 6)), VegetationMask(threshold=0.0)]


each = pytest.mark.parametrize("transformer", TRANSFORMERS, ids=lambda t: type(t).__name__)


each_transformer_of_images = pytest.mark.parametrize(
    "transformer",
    [*TRANSFORMERS, FrameSampler(3, strategy="first"), CanopyCover(threshold=0.0)],
    ids=lambda t: type(t).__name__,
)


each_size = pytest.mark.parametrize("cls", [CenterCrop, Resize])


@each
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32, np.float64])
def test_dtype_is_kept(transformer, dtype):
    assert transformer.fit_transform(make_images(dtype=dtype)).dtype == dtype


@each
def test_each_image_is_transformed_by_itself(transformer):
    X = make_images()
    expected = transformer.transform(X)
    np.testing.assert_array_equal(transformer.transform(X[:, ::-1])[:, ::-1], expected)
    np.testing.assert_array_equal(transformer.transform(X[1:2, 2:]), expected[1:2, 2:])


@each
def test_missing_frames_stay_missing(transformer):
    X = make_images(dtype=np.float32)
    expected = transformer.transform(X)
    X[0, 1], X[2, 3], expected[0, 1], expected[2, 3] = 4 * [np.nan]
    np.testing.assert_array_equal(transformer.transform(X), expected)


@each
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_frame_that_is_not_finite_in_part(transformer, value):
    X = make_images(dtype=np.float64)
    X[1, 2, 0, 0, 0] = value
    with pytest.raises(ValueError, match="sample 1, frame 2, channel 0"):
        transformer.fit(X).transform(X)


@each
def test_lazy_images_stay_lazy(transformer):
    base = make_images(dtype=np.float32)
    base[0, 1] = np.nan
    X = SplicedSequences(base, [[0, 1, 2, 0], [0, 0, 0, 0], [2, 0, 1, 1]])
    expected = transformer.transform(np.asarray(X))
    lazy = pickle.loads(pickle.dumps(transformer.fit(X).transform(X)))
    assert is_lazy(lazy)
    assert (lazy.shape, lazy.dtype) == (expected.shape, expected.dtype)
    np.testing.assert_array_equal(np.asarray(lazy), expected)
    np.testing.assert_array_equal(lazy[2], expected[2])
    np.testing.assert_array_equal(
        transformer.transform(SplicedSequences(make_images(), X.donors)),
        transformer.transform(make_images())[X.donors, np.arange(4)],
    )


@each
@pytest.mark.parametrize("rank", [4, 5])
def test_n1_rows_frames_and_prefixes_of_lazy_images(transformer, rank):
    base = make_images(dtype=np.float32)
    base[0, 1] = np.nan
    if rank == 4 and not isinstance(transformer, VegetationMask):
        base = base[..., 0]
    expected = transformer.transform(base)
    lazy = transformer.transform(SplicedSequences(base))
    rows = np.array([2, 0])

    def negative(frames):
        return -frames.reshape(len(frames), *expected.shape[2:])

    for X, array in (
        (lazy, expected),
        (transformer.transform(lazy), transformer.transform(expected)),
    ):
        for chosen, same in [
            (X[rows][:, :2], array[rows][:, :2]),
            (X[:, 1:][rows], array[:, 1:][rows]),
            (X.take_frames([3, 1])[:, :1], array[:, [3]]),
            (X[:, :3].map_frames(negative, X.shape[2:], X.dtype), -array[:, :3]),
        ]:
            assert is_lazy(chosen)
            np.testing.assert_array_equal(chosen, same)
            np.testing.assert_array_equal(chosen[0], same[0])
            np.testing.assert_array_equal(missing_frames(chosen), missing_frames(same))
        np.testing.assert_array_equal(X[1, 2], array[1, 2])


@each_transformer_of_images
@pytest.mark.parametrize("one_model_per_date", [False, True])
def test_n1_early_detection_from_lazy_images(transformer, one_model_per_date):
    X, y = make_images(8, dtype=np.float32), np.arange(8) % 2
    X[0, 1] = X[3, 0] = np.nan
    model = skwater.make_pipeline(
        transformer,
        ConvLSTMClassifier(max_epochs=1, hidden_channels=2, random_state=0, device="cpu"),
    )
    if isinstance(transformer, CanopyCover):  # single numbers can have no prefix
        model = skwater.make_pipeline(transformer, FirstNumber())
    detector = EarlyDetector(model, one_model_per_date=one_model_per_date)
    lazy, eager = (
        clone(detector).fit(data, y).predict_proba(data) for data in (SplicedSequences(X), X)
    )
    np.testing.assert_array_equal(lazy, eager)


class FirstNumber(ClassifierMixin, BaseEstimator):
    """Takes any number of frames."""

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        return self

    def predict_proba(self, X):
        p = np.nan_to_num(X[:, -1], nan=0.5)
        return np.column_stack([1 - p, p])


@each_size
def test_gray_images_lose_no_axis(cls):
    X = make_images(dtype=np.float32)
    X[1, 0] = np.nan
    expected = cls((4, 6)).transform(X)[..., 1]
    gray = np.ascontiguousarray(X[..., 1])
    np.testing.assert_array_equal(cls((4, 6)).transform(gray), expected)
    lazy = cls((4, 6)).transform(SplicedSequences(gray, np.arange(3)[:, None].repeat(4, axis=1)))
    assert lazy.shape == expected.shape
    np.testing.assert_array_equal(lazy, expected)


@each_size
@pytest.mark.parametrize("n_channels", [1, 2, 3, 4, 5, 28, 150])
@pytest.mark.parametrize("size", [(4, 6), (6, 9)])
def test_any_number_of_channels(cls, n_channels, size):
    X = make_images(shape=(8, 12, n_channels))
    channels = [cls(size).transform(X[..., k]) for k in range(n_channels)]
    np.testing.assert_array_equal(cls(size).transform(X), np.stack(channels, axis=-1))


@each
def test_containers_of_rows_are_read_a_row_at_a_time(transformer):
    X = make_images()
    np.testing.assert_array_equal(transformer.transform(Lazy(X)), transformer.transform(X))


@pytest.mark.parametrize(
    "transformer", [CenterCrop((8, 12)), Resize((8, 12)), VegetationMask()], ids=str
)
def test_no_second_copy_is_made_on_the_way(transformer):
    X = np.broadcast_to(make_images(n=1, shape=(16, 24, 3)), (400, 4, 16, 24, 3))
    transformer.transform(X[:1])  # imports
    tracemalloc.start()
    nbytes = transformer.transform(X).nbytes
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1.2 * nbytes


@each
@pytest.mark.parametrize("shape", [(2, 3), (2, 3, 4), (1, 2, 3, 4, 4, 3)])
@pytest.mark.parametrize("method", ["fit", "transform"])
def test_only_images_are_taken(transformer, shape, method):
    with pytest.raises(ValueError, match=r"needs .*\(n_samples, n_frames, height, width") as error:
        getattr(transformer, method)(np.zeros(shape))
    assert str(shape) in str(error.value)


@each
def test_tables_of_file_names_are_recognized(transformer):
    with pytest.raises(ValueError, match=r"table of <U5 .*ImageSequences read the files"):
        transformer.fit(np.array([["a.png", "b.png"]]))


@each
def test_empty_and_channels_first_images(transformer):
    with pytest.raises(ValueError, match="must not be empty"):
        transformer.fit(np.zeros((0, 2, 8, 12, 3)))
    with pytest.raises(ValueError, match="looks channels-first"):
        transformer.fit(np.zeros((2, 2, 3, 32, 48)))


@each
def test_lists_of_images(transformer):
    X = make_images(n=1, n_frames=2, dtype=np.float64)
    np.testing.assert_array_equal(transformer.transform(X.tolist()), transformer.transform(X))
    with pytest.raises(ValueError, match="ragged"):
        transformer.fit([[np.zeros((8, 12, 3)), np.zeros((8, 11, 3))]])


@each
def test_input_and_transformer_are_left_alone(transformer):
    X = make_images()
    X.flags.writeable = False
    transformer = clone(transformer)
    params = dict(vars(transformer))
    transformer.fit(X).transform(X)[...] = 0  # a copy, which may be changed
    assert vars(transformer) == {**params, "n_features_in_": 4, "sequence_shape_": (4, 8, 12, 3)}
    assert vars(clone(transformer)) == params


@each
def test_images_are_never_put_in_a_data_frame(transformer):
    pytest.importorskip("pandas")
    assert not hasattr(transformer, "get_feature_names_out")
    with sklearn.config_context(transform_output="pandas"):
        assert isinstance(transformer.fit_transform(make_images()), np.ndarray)


@each
def test_tags_of_image_transformers(transformer):
    tags = get_tags(transformer)
    assert not tags.requires_fit
    assert not tags.input_tags.two_d_array
    assert tags.input_tags.allow_nan


@each_size
@pytest.mark.parametrize("size", [0, -3, (4,), (4, 6, 3), (4, 0), (4.0, 6)])
@pytest.mark.parametrize("method", ["fit", "transform"])
def test_illegal_numbers_of_pixels(cls, size, method):
    with pytest.raises(ValueError, match=rf"size of {cls.__name__} must be .*\(height, width\)"):
        getattr(cls(size), method)(make_images())


@each_size
@pytest.mark.parametrize("size", ["46", None, 4.0, {4, 6}])
@pytest.mark.parametrize("method", ["fit", "transform"])
def test_illegal_kinds_of_size(cls, size, method):
    with pytest.raises(ValueError, match=f"'size' parameter of {cls.__name__}"):
        getattr(cls(size), method)(make_images())


@pytest.mark.parametrize("lazy", [False, True])
def test_all_before_splicing_in_a_pipeline(lazy):
    X = np.random.default_rng(0).uniform(0, 255, (8, 12, 18, 20, 3)).astype(np.float32)
    X[3, 5] = np.nan
    y = np.arange(8) // 5
    if lazy:
        X = SplicedSequences(X, np.arange(8)[:, None].repeat(12, axis=1))
    pipeline = skwater.make_pipeline(
        FrameSampler(4),
        CenterCrop(16),
        VegetationMask(threshold=0.0),
        Resize(8),
        RSSResampler(random_state=0),
        ConvLSTMClassifier(max_epochs=1, hidden_channels=2, random_state=0, device="cpu"),
    )
    probabilities = pipeline.fit(X, y).predict_proba(X)
    assert pipeline[-1].sequence_shape_ == (4, 8, 8, 3)
    assert is_lazy(pipeline[:-2].transform(X)) == lazy
    np.testing.assert_allclose(probabilities.sum(axis=1), 1)
    np.testing.assert_array_equal(  # by now all the same, lazy or not
        probabilities, clone(pipeline).fit(np.asarray(X), y).predict_proba(np.asarray(X))
    )
    assert pipeline.predict_proba(X[:2]).shape == (2, 2)
