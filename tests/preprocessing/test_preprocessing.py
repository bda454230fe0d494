import pickle
import re
import tracemalloc

import numpy as np
import pytest
import sklearn
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.utils import get_tags

import skwater
from skwater import ConvLSTMClassifier, EarlyDetector, RSSResampler, SplicedSequences
from skwater.preprocessing import CanopyCover, CenterCrop, FrameSampler, Resize, VegetationMask
from skwater.sequences import is_lazy, missing_frames

LEAF, SOIL, YELLOW = [60, 120, 40], [90, 70, 50], [190, 170, 90]


def photos(covers, dtype=np.uint8):
    """Sequences of 4 x 5 pixels, of which the given numbers, (n, t), are leaf."""
    covers = np.asarray(covers)
    leaf = np.arange(20) < covers[..., None]
    return np.where(leaf[..., None], LEAF, SOIL).reshape(*covers.shape, 4, 5, 3).astype(dtype)


class Lazy:
    """A container that yields one sequence at a time and refuses to become an array."""

    def __init__(self, base):
        self.base, self.shape, self.ndim, self.dtype = base, base.shape, base.ndim, base.dtype

    def __len__(self):
        return len(self.base)

    def __getitem__(self, i):
        assert np.ndim(i) == 0
        return self.base[i]

    def __array__(self, dtype=None, copy=None):
        raise AssertionError("the whole container was converted")


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.int64, np.float32, np.float64])
def test_cover_is_the_fraction_of_leaf(dtype):
    cover = CanopyCover().fit_transform(photos([[0, 5], [20, 1]], dtype))
    np.testing.assert_array_equal(cover, [[0, 0.25], [1, 0.05]])
    assert cover.dtype == np.float64


def test_equals_the_published_formula():
    X = np.random.default_rng(0).integers(0, 256, (3, 2, 8, 8, 3), dtype=np.uint8)
    r, g, b = np.moveaxis(X / X.sum(axis=-1, keepdims=True), -1, 0)
    for threshold in (-0.3, 0.0, 0.2):
        expected = (2 * g - r - b > threshold).mean(axis=(2, 3))
        actual = CanopyCover(threshold=threshold).fit_transform(X)
        np.testing.assert_allclose(actual, expected, atol=0.02)  # a pixel may lie on the border
        assert 0 < actual.mean() < 1


def test_brightness_cancels_out():
    X = photos([[3, 17]])
    np.testing.assert_array_equal(
        CanopyCover().fit_transform(X), CanopyCover().fit_transform(X / 255)
    )
    np.testing.assert_array_equal(
        CanopyCover().fit_transform(X), CanopyCover().fit_transform(X.astype(np.uint16) * 257)
    )


def test_threshold_decides_on_yellow_leaves():
    X = np.full((1, 1, 2, 2, 3), YELLOW, dtype=np.uint8)  # its index is 0.13
    assert CanopyCover(threshold=0.1).fit_transform(X) == 1
    assert CanopyCover(threshold=0.2).fit_transform(X) == 0


def test_black_and_grey_are_not_plant():
    X = np.zeros((1, 3, 2, 2, 3), np.uint8)
    X[0, 1], X[0, 2] = 128, 255
    np.testing.assert_array_equal(CanopyCover(threshold=0).fit_transform(X), [[0, 0, 0]])


def test_missing_photos_are_nan_and_stay_in_place():
    X = photos([[0, 5, 10], [20, 1, 2]], np.float32)
    X[0, 1] = np.nan
    np.testing.assert_array_equal(
        CanopyCover().fit_transform(X), [[0, np.nan, 0.5], [1, 0.05, 0.1]]
    )


def test_partly_missing_photo_is_an_error():
    X = photos([[0, 5], [20, 1]], np.float32)
    X[1, 0, 2, 2, 1] = np.nan
    with pytest.raises(ValueError, match="sample 1, frame 0"):
        CanopyCover().fit_transform(X)


def test_negative_values_are_an_error():
    X = photos([[0, 5], [20, 1]], np.float64)
    X[1] -= X[1].mean()
    with pytest.raises(
        ValueError, match=r"negative values in sample 1.*before any standardization"
    ):
        CanopyCover().fit_transform(X)


@pytest.mark.parametrize(
    "shape", [(2, 3), (2, 3, 4), (2, 3, 4, 4), (2, 3, 4, 4, 1), (2, 3, 4, 4, 4), (1, 2, 3, 4, 4, 3)]
)
@pytest.mark.parametrize("method", ["fit", "transform"])
def test_wrong_shape_names_the_right_one(shape, method):
    with pytest.raises(
        ValueError, match=r"\(n_samples, n_frames, height, width, 3\), got"
    ) as error:
        getattr(CanopyCover(), method)(np.zeros(shape))
    assert str(shape) in str(error.value)


@pytest.mark.parametrize("shape", [(0, 3, 4, 4, 3), (2, 0, 4, 4, 3), (2, 3, 0, 4, 3)])
def test_empty_is_an_error(shape):
    with pytest.raises(ValueError, match="must not be empty"):
        CanopyCover().fit_transform(np.zeros(shape))


def test_lazy_containers_stay_lazy():
    X = photos([[0, 5], [20, 1]], np.float32)
    X[1, 1] = np.nan
    expected = CanopyCover().fit_transform(X)
    np.testing.assert_array_equal(CanopyCover().fit_transform(Lazy(X)), expected)
    spliced = SplicedSequences(X, [[0, 1], [1, 0], [0, 0]])
    np.testing.assert_array_equal(
        CanopyCover().fit_transform(spliced), CanopyCover().fit_transform(np.asarray(spliced))
    )


def test_lists_are_read():
    X = photos([[0, 5], [20, 1]])
    np.testing.assert_array_equal(CanopyCover().fit_transform(X.tolist()), [[0, 0.25], [1, 0.05]])


def test_needs_no_fit_and_reads_any_number_of_frames():
    transformer = CanopyCover()
    np.testing.assert_array_equal(transformer.transform(photos([[5]])), [[0.25]])
    transformer.fit(photos([[0, 5]]))
    assert transformer.transform(photos([[0, 5, 6]])).shape == (1, 3)


def test_leaves_the_input_and_itself_alone():
    X = photos([[0, 5], [20, 1]])
    before = X.copy()
    transformer = CanopyCover(threshold=0.3)
    fitted = transformer.fit(X)
    transformer.transform(X)
    np.testing.assert_array_equal(X, before)
    assert fitted is transformer
    assert vars(transformer) == {"threshold": 0.3, "n_features_in_": 2}
    assert vars(clone(transformer)) == {"threshold": 0.3}


def test_names_of_columns():
    pandas = pytest.importorskip("pandas")
    transformer = CanopyCover()
    with pytest.raises(NotFittedError):
        transformer.get_feature_names_out()
    X = photos([[0, 5], [20, 1]])
    assert list(transformer.fit(X).get_feature_names_out()) == ["cover_0", "cover_1"]
    table = transformer.set_output(transform="pandas").transform(X)
    assert isinstance(table, pandas.DataFrame)
    assert list(table.columns) == ["cover_0", "cover_1"]


@pytest.mark.parametrize("threshold", [-1.1, 2.1, None, "0.1"])
@pytest.mark.parametrize("method", ["fit", "transform"])
def test_illegal_threshold_is_named(threshold, method):
    with pytest.raises(ValueError, match="'threshold' parameter of CanopyCover"):
        getattr(CanopyCover(threshold=threshold), method)(photos([[1]]))


def test_tags_are_honest():
    tags = get_tags(CanopyCover())
    assert not tags.requires_fit
    assert not tags.input_tags.two_d_array
    assert tags.input_tags.allow_nan
    assert tags.input_tags.positive_only


def test_in_a_pipeline():
    X = photos([[1, 2], [2, 1], [18, 19], [19, 17]])
    y = ["bare", "bare", "full", "full"]
    assert make_pipeline(CanopyCover(), LogisticRegression()).fit(X, y).score(X, y) == 1


def test_channels_first_photos_are_recognised():
    with pytest.raises(ValueError, match="looks channels-first"):
        CanopyCover().fit(np.zeros((2, 5, 3, 32, 32), np.uint8))


# What all transformers of pictures share. Pictures of 8 x 12 pixels fit each of them.

PICTURE_TRANSFORMERS = [CenterCrop((4, 6)), Resize((4, 6)), VegetationMask(threshold=0.0)]
each = pytest.mark.parametrize("transformer", PICTURE_TRANSFORMERS, ids=lambda t: type(t).__name__)
each_transformer_of_images = pytest.mark.parametrize(
    "transformer",
    [*PICTURE_TRANSFORMERS, FrameSampler(3, strategy="first"), CanopyCover(threshold=0.0)],
    ids=lambda t: type(t).__name__,
)
each_size = pytest.mark.parametrize("cls", [CenterCrop, Resize])


def pictures(n=3, n_frames=4, shape=(8, 12, 3), dtype=np.uint8, seed=0):
    return np.random.default_rng(seed).integers(1, 256, (n, n_frames, *shape)).astype(dtype)


@each
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32, np.float64])
def test_dtype_is_kept(transformer, dtype):
    assert transformer.fit_transform(pictures(dtype=dtype)).dtype == dtype


@each
def test_each_picture_is_transformed_by_itself(transformer):
    X = pictures()
    expected = transformer.transform(X)
    np.testing.assert_array_equal(transformer.transform(X[:, ::-1])[:, ::-1], expected)
    np.testing.assert_array_equal(transformer.transform(X[1:2, 2:]), expected[1:2, 2:])


@each
def test_missing_frames_stay_missing(transformer):
    X = pictures(dtype=np.float32)
    expected = transformer.transform(X)
    X[0, 1], X[2, 3], expected[0, 1], expected[2, 3] = 4 * [np.nan]
    np.testing.assert_array_equal(transformer.transform(X), expected)


@each
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_frame_that_is_not_finite_in_part(transformer, value):
    X = pictures(dtype=np.float64)
    X[1, 2, 0, 0, 0] = value
    with pytest.raises(ValueError, match="sample 1, frame 2, channel 0"):
        transformer.fit(X).transform(X)


@each
def test_lazy_pictures_stay_lazy(transformer):
    base = pictures(dtype=np.float32)
    base[0, 1] = np.nan
    X = SplicedSequences(base, [[0, 1, 2, 0], [0, 0, 0, 0], [2, 0, 1, 1]])
    expected = transformer.transform(np.asarray(X))
    lazy = pickle.loads(pickle.dumps(transformer.fit(X).transform(X)))
    assert is_lazy(lazy)
    assert (lazy.shape, lazy.dtype) == (expected.shape, expected.dtype)
    np.testing.assert_array_equal(np.asarray(lazy), expected)
    np.testing.assert_array_equal(lazy[2], expected[2])
    np.testing.assert_array_equal(
        transformer.transform(SplicedSequences(pictures(), X.donors)),
        transformer.transform(pictures())[X.donors, np.arange(4)],
    )


@each
@pytest.mark.parametrize("rank", [4, 5])
def test_n1_rows_frames_and_prefixes_of_lazy_images(transformer, rank):
    base = pictures(dtype=np.float32)
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
    X, y = pictures(8, dtype=np.float32), np.arange(8) % 2
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
def test_grey_pictures_lose_no_axis(cls):
    X = pictures(dtype=np.float32)
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
    X = pictures(shape=(8, 12, n_channels))
    channels = [cls(size).transform(X[..., k]) for k in range(n_channels)]
    np.testing.assert_array_equal(cls(size).transform(X), np.stack(channels, axis=-1))


@each
def test_containers_of_rows_are_read_a_row_at_a_time(transformer):
    X = pictures()
    np.testing.assert_array_equal(transformer.transform(Lazy(X)), transformer.transform(X))


@pytest.mark.parametrize(
    "transformer", [CenterCrop((8, 12)), Resize((8, 12)), VegetationMask()], ids=str
)
def test_no_second_copy_is_made_on_the_way(transformer):
    X = np.broadcast_to(pictures(n=1, shape=(16, 24, 3)), (400, 4, 16, 24, 3))
    transformer.transform(X[:1])  # imports
    tracemalloc.start()
    nbytes = transformer.transform(X).nbytes
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1.2 * nbytes


@each
@pytest.mark.parametrize("shape", [(2, 3), (2, 3, 4), (1, 2, 3, 4, 4, 3)])
@pytest.mark.parametrize("method", ["fit", "transform"])
def test_only_pictures_are_taken(transformer, shape, method):
    with pytest.raises(ValueError, match=r"needs .*\(n_samples, n_frames, height, width") as error:
        getattr(transformer, method)(np.zeros(shape))
    assert str(shape) in str(error.value)


@each
def test_tables_of_file_names_are_recognised(transformer):
    with pytest.raises(ValueError, match=r"table of <U5 .*ImageSequences read the files"):
        transformer.fit(np.array([["a.png", "b.png"]]))


@each
def test_empty_and_channels_first_pictures(transformer):
    with pytest.raises(ValueError, match="must not be empty"):
        transformer.fit(np.zeros((0, 2, 8, 12, 3)))
    with pytest.raises(ValueError, match="looks channels-first"):
        transformer.fit(np.zeros((2, 2, 3, 32, 48)))


@each
def test_lists_of_pictures(transformer):
    X = pictures(n=1, n_frames=2, dtype=np.float64)
    np.testing.assert_array_equal(transformer.transform(X.tolist()), transformer.transform(X))
    with pytest.raises(ValueError, match="ragged"):
        transformer.fit([[np.zeros((8, 12, 3)), np.zeros((8, 11, 3))]])


@each
def test_input_and_transformer_are_left_alone(transformer):
    X = pictures()
    X.flags.writeable = False
    transformer = clone(transformer)
    params = dict(vars(transformer))
    transformer.fit(X).transform(X)[...] = 0  # a copy, which may be changed
    assert vars(transformer) == {**params, "n_features_in_": 4}
    assert vars(clone(transformer)) == params


@each
def test_pictures_are_never_put_in_a_data_frame(transformer):
    pytest.importorskip("pandas")
    assert not hasattr(transformer, "get_feature_names_out")
    with sklearn.config_context(transform_output="pandas"):
        assert isinstance(transformer.fit_transform(pictures()), np.ndarray)


@each
def test_tags_of_picture_transformers(transformer):
    tags = get_tags(transformer)
    assert not tags.requires_fit
    assert not tags.input_tags.two_d_array
    assert tags.input_tags.allow_nan


@each_size
@pytest.mark.parametrize("size", [0, -3, (4,), (4, 6, 3), (4, 0), (4.0, 6)])
@pytest.mark.parametrize("method", ["fit", "transform"])
def test_illegal_numbers_of_pixels(cls, size, method):
    with pytest.raises(ValueError, match=rf"size of {cls.__name__} must be .*\(height, width\)"):
        getattr(cls(size), method)(pictures())


@each_size
@pytest.mark.parametrize("size", ["46", None, 4.0, {4, 6}])
@pytest.mark.parametrize("method", ["fit", "transform"])
def test_illegal_kinds_of_size(cls, size, method):
    with pytest.raises(ValueError, match=f"'size' parameter of {cls.__name__}"):
        getattr(cls(size), method)(pictures())


# CenterCrop


@pytest.mark.parametrize("size", [(4, 6), [4, 6], np.array([4, 6])])
def test_crop_is_the_middle(size):
    X = pictures()
    np.testing.assert_array_equal(CenterCrop(size).transform(X), X[:, :, 2:6, 3:9])


def test_crop_by_one_number_is_square():
    X = pictures()
    np.testing.assert_array_equal(CenterCrop(4).transform(X), X[:, :, 2:6, 4:8])


def test_odd_border_is_cut_below_and_on_the_right():
    X = pictures()
    np.testing.assert_array_equal(CenterCrop((7, 11)).transform(X), X[:, :, :7, :11])


def test_crop_of_the_whole_is_a_copy():
    X = pictures()
    whole = CenterCrop((8, 12)).transform(X)
    np.testing.assert_array_equal(whole, X)
    assert not np.shares_memory(whole, X)


@pytest.mark.parametrize("size", [9, (9, 4), (4, 13)])
@pytest.mark.parametrize("method", ["fit", "transform"])
def test_crop_larger_than_the_picture(size, method):
    with pytest.raises(ValueError, match=r"8 x 12 pixels.*too small.*choose a smaller size"):
        getattr(CenterCrop(size), method)(pictures())


# Resize


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32, np.float64])
def test_resized_pixel_is_the_mean_of_those_it_covers(dtype):
    X = pictures(dtype=dtype)
    expected = X.reshape(3, 4, 4, 2, 6, 2, 3).mean(axis=(3, 5), dtype=np.float64)
    rounding = 0.5 if np.dtype(dtype).kind == "u" else 1e-4
    np.testing.assert_allclose(Resize((4, 6)).transform(X), expected, rtol=0, atol=rounding)


def test_sixteen_bits_are_not_lost():
    X = np.full((1, 1, 4, 4, 3), 40001, np.uint16)
    assert (Resize(2).transform(X) == 40001).all()


def test_resize_keeps_the_mean_where_pixels_do_not_divide():
    X = pictures(shape=(10, 10, 3), dtype=np.float64)
    resized = Resize(7).transform(X)
    np.testing.assert_allclose(resized.mean(axis=(2, 3)), X.mean(axis=(2, 3)), rtol=1e-6)


@pytest.mark.parametrize("dtype", [np.int64, np.int16, np.float16, bool])
def test_other_types_become_float(dtype):
    X = pictures().astype(dtype)
    resized = Resize((4, 6)).transform(X)
    assert resized.dtype == np.float64
    np.testing.assert_array_equal(resized, Resize((4, 6)).transform(X.astype(np.float64)))


def test_enlarged_picture_is_smooth():
    X = np.array([[[[0.0, 8.0]]]])
    np.testing.assert_array_equal(Resize((2, 4)).transform(X), [[2 * [[0, 2, 6, 8]]]])


@pytest.mark.parametrize(
    ("old", "new"), [((8, 12), (4, 6)), ((9, 16), (4, 7)), ((1080, 1920), (64, 114)), ((5, 5), 3)]
)
def test_resize_may_round_a_side(old, new):
    Resize(new).fit(np.zeros((1, 1, *old), np.uint8))


@pytest.mark.parametrize("new", [(4, 5), (4, 7), (5, 6), (3, 6)])
def test_a_pixel_off_is_a_stretch(new):
    with pytest.raises(ValueError, match="would stretch"):
        Resize(new).fit(pictures())


@pytest.mark.parametrize("old", [(480, 640), (1080, 1920), (97, 101), (640, 480)])
@pytest.mark.parametrize("new", [32, (48, 56), (100, 40)])
def test_resize_never_stretches_and_says_what_would_do(old, new):
    X = np.zeros((1, 1, *old), np.uint8)
    with pytest.raises(ValueError, match="would stretch images of") as error:
        Resize(new).fit(X)
    assert f"{old[0]} x {old[1]} pixels" in str(error.value)
    numbers = [int(word.strip("(),.")) for word in re.findall(r"\d+,|\d+\)", str(error.value))]
    crop, kept_shape = tuple(numbers[:2]), tuple(numbers[2:])
    assert Resize(new).fit_transform(CenterCrop(crop).fit_transform(X)).size
    assert Resize(kept_shape).fit_transform(X).shape == (1, 1, *kept_shape)


# VegetationMask


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.int64, np.float32, np.float64])
def test_mask_keeps_leaves_and_blackens_the_rest(dtype):
    X = photos([[0, 5], [20, 1]], dtype)
    leaf = (X == LEAF).all(axis=-1, keepdims=True)
    masked = VegetationMask().fit_transform(X)
    np.testing.assert_array_equal(masked, X * leaf)
    assert masked.dtype == dtype


@pytest.mark.parametrize("threshold", [-1, -0.2, 0.0, 0.1, 0.5])
def test_mask_is_what_the_cover_counts(threshold):
    X = np.random.default_rng(0).integers(0, 256, (3, 2, 8, 8, 3), dtype=np.uint8)
    X[0, 0, 0] = 0
    masked = VegetationMask(threshold=threshold).transform(X)
    np.testing.assert_array_equal(
        masked.any(axis=-1).mean(axis=(2, 3)), CanopyCover(threshold=threshold).transform(X)
    )


def test_mask_of_photos_with_negative_values():
    X = photos([[0, 5], [20, 1]], np.float32)
    X[1] -= 50
    with pytest.raises(ValueError, match=r"Sample 1: .*negative.*before any standardization"):
        VegetationMask().fit_transform(X)
    lazy = VegetationMask().transform(SplicedSequences(X, [[0, 0], [1, 1]]))
    with pytest.raises(ValueError, match="negative"):
        lazy[1]


@pytest.mark.parametrize("shape", [(2, 3, 4, 4), (2, 3, 4, 4, 1), (2, 3, 4, 4, 4)])
def test_mask_needs_colour(shape):
    with pytest.raises(ValueError, match=r"color images.*width, 3\), got"):
        VegetationMask().fit(np.zeros(shape))


@pytest.mark.parametrize("threshold", [-1.1, 2.1, None, "0.1"])
@pytest.mark.parametrize("method", ["fit", "transform"])
def test_illegal_threshold_of_the_mask(threshold, method):
    with pytest.raises(ValueError, match="'threshold' parameter of VegetationMask"):
        getattr(VegetationMask(threshold=threshold), method)(photos([[1]]))


# FrameSampler


def numbered(n_frames, ndim=2):
    """Two plants whose frames hold 0, 1, ... and 100, 101, ..."""
    X = np.arange(n_frames) + np.array([[0], [100]])
    return X.reshape(2, n_frames, *[1] * (ndim - 2)) * np.ones((4, 4, 3)[: ndim - 2], int)


@pytest.mark.parametrize(
    ("strategy", "n_frames", "frames"),
    [
        ("uniform", 4, [0, 3, 6, 9]),
        ("uniform", 8, [0, 1, 3, 4, 5, 6, 8, 9]),
        ("uniform", 3, [0, 4, 9]),
        ("uniform", 2, [0, 9]),
        ("uniform", 1, [4]),
        ("first", 3, [0, 1, 2]),
        ("last", 3, [7, 8, 9]),
        ("last", 10, list(range(10))),
        ("uniform", 11, list(range(10))),
        ("first", 11, list(range(10))),
        ("last", 11, list(range(10))),
        ("random", 11, list(range(10))),
    ],
)
def test_frames_of_ten(strategy, n_frames, frames):
    sampler = FrameSampler(n_frames, strategy=strategy).fit(numbered(10))
    assert sampler.frames_.tolist() == frames
    np.testing.assert_array_equal(sampler.transform(numbered(10)), numbered(10)[:, frames])


def test_uniform_frames_are_different_and_evenly_spaced():
    for available in range(1, 41):
        for n_frames in range(2, available + 1):
            frames = FrameSampler(n_frames).fit(np.zeros((1, available))).frames_
            steps = np.diff(frames)
            assert (frames[0], frames[-1], len(frames)) == (0, available - 1, n_frames)
            assert steps.min() >= 1
            assert np.ptp(steps) <= 1 + (n_frames > 2)


def test_random_frames_are_drawn_once_in_fit():
    X = numbered(30)
    draws = {
        tuple(FrameSampler(5, strategy="random", random_state=s).fit(X).frames_) for s in range(60)
    }
    assert len(draws) > 50
    assert all(len(set(draw)) == 5 and list(draw) == sorted(draw) for draw in draws)
    assert set().union(*draws) == set(range(30))
    sampler = FrameSampler(5, strategy="random", random_state=0).fit(X)
    np.testing.assert_array_equal(sampler.transform(X), sampler.transform(X))
    np.testing.assert_array_equal(clone(sampler).fit(X).frames_, sampler.frames_)


@pytest.mark.parametrize("ndim", [2, 3, 4, 5])
@pytest.mark.parametrize("dtype", ["uint8", "float32", "U5", object])
def test_sequences_of_any_rank_and_dtype(ndim, dtype):
    X = numbered(9, ndim).astype(dtype)
    sampled = FrameSampler(3).fit_transform(X)
    np.testing.assert_array_equal(sampled, X[:, [0, 4, 8]])
    assert sampled.dtype == X.dtype
    assert not np.shares_memory(sampled, X)
    spliced = SplicedSequences(X, np.arange(2)[:, None].repeat(9, axis=1))
    lazy = FrameSampler(3).fit_transform(spliced)
    assert is_lazy(lazy)
    np.testing.assert_array_equal(lazy, sampled)


def test_missing_frames_are_sampled_like_others():
    X = numbered(9, 5).astype(np.float32)
    X[0, 4], X[1] = np.nan, np.nan
    np.testing.assert_array_equal(FrameSampler(3).fit_transform(X), X[:, [0, 4, 8]])


class Undecodable(Lazy):
    """Sequences whose frames cannot be read."""

    def __getitem__(self, i):
        raise AssertionError("a frame was read")


def test_no_frame_is_read():
    base = Undecodable(numbered(9, 5))
    X = SplicedSequences(base, np.arange(2)[:, None].repeat(9, axis=1))
    assert FrameSampler(3).fit_transform(X).shape == (2, 3, 4, 4, 3)


@pytest.mark.parametrize("lazy", [False, True])
def test_shorter_sequences_give_the_frames_they_have(lazy):
    sampler = FrameSampler(4).fit(numbered(10, 3))
    for n_frames, kept in [(10, 4), (9, 3), (7, 3), (6, 2), (1, 1)]:
        X = numbered(n_frames, 3)
        X = SplicedSequences(X, np.arange(2)[:, None].repeat(n_frames, axis=1)) if lazy else X
        np.testing.assert_array_equal(
            sampler.transform(X), numbered(10, 3)[:, sampler.frames_[:kept]]
        )


def test_too_short_too_long_and_other_sequences():
    sampler = FrameSampler(2, strategy="last").fit(numbered(10, 3))
    with pytest.raises(
        ValueError, match=r"X has 8 frames, and none .* number 8, .*strategy='first'"
    ):
        sampler.transform(numbered(8, 3))
    with pytest.raises(ValueError, match=r"X has 11 frames, .* fitted on 10 .*fit again"):
        sampler.transform(numbered(11, 3))
    with pytest.raises(ValueError, match=r"shape \(2, 10, 4, 4\).*\(n_samples, n_frames, n_chan"):
        sampler.transform(numbered(10, 4))


@pytest.mark.parametrize("lazy", [False, True])
def test_tables_follow_the_rule_of_scikit_learn(lazy):
    sampler = FrameSampler(2).fit(numbered(10))
    X = numbered(9)
    X = SplicedSequences(X, np.arange(2)[:, None].repeat(9, axis=1)) if lazy else X
    with pytest.raises(ValueError, match="X has 9 features, but FrameSampler is expecting 10"):
        sampler.transform(X)


def test_refitting_forgets():
    sampler = FrameSampler(3).fit(numbered(9, 5)).fit(numbered(5))
    assert sampler.frames_.tolist() == [0, 2, 4]
    assert sampler.transform(numbered(5)).shape == (2, 3)


def test_names_of_sampled_frames():
    pandas = pytest.importorskip("pandas")
    table = pandas.DataFrame(numbered(5), columns=list("abcde"))
    sampler = FrameSampler(3)
    with pytest.raises(NotFittedError):
        sampler.get_feature_names_out()
    assert list(sampler.fit(table).get_feature_names_out()) == ["a", "c", "e"]
    sampled = clone(sampler).set_output(transform="pandas").fit_transform(table)
    assert list(sampled.columns) == ["a", "c", "e"]
    assert list(sampler.fit(numbered(5)).get_feature_names_out()) == ["x0", "x2", "x4"]


@pytest.mark.parametrize("ndim", [3, 4, 5])
def test_sampled_pictures_have_no_names(ndim):
    pytest.importorskip("pandas")
    X = numbered(9, ndim)
    with sklearn.config_context(transform_output="pandas"):
        assert isinstance(FrameSampler(3).fit_transform(X), np.ndarray)
    with pytest.raises(AttributeError) as error:
        FrameSampler(3).fit(X).get_feature_names_out()
    assert "no columns to name" in str(error.value.__cause__)


@pytest.mark.parametrize(
    "params", [{"n_frames": 0}, {"n_frames": 2.5}, {"strategy": "middle"}, {"random_state": "a"}]
)
def test_illegal_parameters_of_the_sampler(params):
    with pytest.raises(ValueError, match=f"'{next(iter(params))}' parameter of FrameSampler"):
        FrameSampler(**params).fit(numbered(9))


def test_ragged_and_ill_shaped_sequences_to_sample():
    with pytest.raises(ValueError, match="ragged"):
        FrameSampler().fit([["a", "b"], ["c"]])
    with pytest.raises(ValueError, match=r"2 to 5 dimensions.*\(1, 2, 3, 4, 5, 3\)"):
        FrameSampler().fit(np.zeros((1, 2, 3, 4, 5, 3)))


# Together


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


def test_sampler_before_the_cover():
    pipeline = make_pipeline(FrameSampler(2), CanopyCover())
    X = photos([[0, 3, 5], [20, 2, 1]])
    np.testing.assert_array_equal(pipeline.fit_transform(X), [[0, 0.25], [1, 0.05]])
