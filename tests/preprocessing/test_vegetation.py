"""Canopy cover and vegetation mask."""

import numpy as np
import pytest
from generated import LEAF, YELLOW, Lazy, leaf_images
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.utils import get_tags

from skwater import SplicedSequences
from skwater.preprocessing import CanopyCover, FrameSampler, VegetationMask


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.int64, np.float32, np.float64])
def test_cover_is_the_fraction_of_leaf(dtype):
    cover = CanopyCover().fit_transform(leaf_images([[0, 5], [20, 1]], dtype))
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
    X = leaf_images([[3, 17]])
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


def test_black_and_gray_are_not_plant():
    X = np.zeros((1, 3, 2, 2, 3), np.uint8)
    X[0, 1], X[0, 2] = 128, 255
    np.testing.assert_array_equal(CanopyCover(threshold=0).fit_transform(X), [[0, 0, 0]])


def test_missing_images_are_nan_and_stay_in_place():
    X = leaf_images([[0, 5, 10], [20, 1, 2]], np.float32)
    X[0, 1] = np.nan
    np.testing.assert_array_equal(
        CanopyCover().fit_transform(X), [[0, np.nan, 0.5], [1, 0.05, 0.1]]
    )


def test_partly_missing_image_is_an_error():
    X = leaf_images([[0, 5], [20, 1]], np.float32)
    X[1, 0, 2, 2, 1] = np.nan
    with pytest.raises(ValueError, match="sample 1, frame 0"):
        CanopyCover().fit_transform(X)


def test_negative_values_are_an_error():
    X = leaf_images([[0, 5], [20, 1]], np.float64)
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
    X = leaf_images([[0, 5], [20, 1]], np.float32)
    X[1, 1] = np.nan
    expected = CanopyCover().fit_transform(X)
    np.testing.assert_array_equal(CanopyCover().fit_transform(Lazy(X)), expected)
    spliced = SplicedSequences(X, [[0, 1], [1, 0], [0, 0]])
    np.testing.assert_array_equal(
        CanopyCover().fit_transform(spliced), CanopyCover().fit_transform(np.asarray(spliced))
    )


def test_lists_are_read():
    X = leaf_images([[0, 5], [20, 1]])
    np.testing.assert_array_equal(CanopyCover().fit_transform(X.tolist()), [[0, 0.25], [1, 0.05]])


def test_needs_no_fit_and_reads_any_number_of_frames():
    transformer = CanopyCover()
    np.testing.assert_array_equal(transformer.transform(leaf_images([[5]])), [[0.25]])
    transformer.fit(leaf_images([[0, 5]]))
    assert transformer.transform(leaf_images([[0, 5, 6]])).shape == (1, 3)


def test_leaves_the_input_and_itself_alone():
    X = leaf_images([[0, 5], [20, 1]])
    before = X.copy()
    transformer = CanopyCover(threshold=0.3)
    fitted = transformer.fit(X)
    transformer.transform(X)
    np.testing.assert_array_equal(X, before)
    assert fitted is transformer
    assert vars(transformer) == {
        "threshold": 0.3,
        "n_features_in_": 2,
        "sequence_shape_": (2, 4, 5, 3),
    }
    assert vars(clone(transformer)) == {"threshold": 0.3}


def test_names_of_columns():
    pandas = pytest.importorskip("pandas")
    transformer = CanopyCover()
    with pytest.raises(NotFittedError):
        transformer.get_feature_names_out()
    X = leaf_images([[0, 5], [20, 1]])
    assert list(transformer.fit(X).get_feature_names_out()) == ["cover_0", "cover_1"]
    table = transformer.set_output(transform="pandas").transform(X)
    assert isinstance(table, pandas.DataFrame)
    assert list(table.columns) == ["cover_0", "cover_1"]


@pytest.mark.parametrize("threshold", [-1.1, 2.1, None, "0.1"])
@pytest.mark.parametrize("method", ["fit", "transform"])
def test_illegal_threshold_is_named(threshold, method):
    with pytest.raises(ValueError, match="'threshold' parameter of CanopyCover"):
        getattr(CanopyCover(threshold=threshold), method)(leaf_images([[1]]))


def test_tags_are_honest():
    tags = get_tags(CanopyCover())
    assert not tags.requires_fit
    assert not tags.input_tags.two_d_array
    assert tags.input_tags.allow_nan
    assert tags.input_tags.positive_only


def test_in_a_pipeline():
    X = leaf_images([[1, 2], [2, 1], [18, 19], [19, 17]])
    y = ["bare", "bare", "full", "full"]
    assert make_pipeline(CanopyCover(), LogisticRegression()).fit(X, y).score(X, y) == 1


def test_channels_first_images_are_recognized():
    with pytest.raises(ValueError, match="looks channels-first"):
        CanopyCover().fit(np.zeros((2, 5, 3, 32, 32), np.uint8))


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.int64, np.float32, np.float64])
def test_mask_keeps_leaves_and_blackens_the_rest(dtype):
    X = leaf_images([[0, 5], [20, 1]], dtype)
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


def test_mask_of_images_with_negative_values():
    X = leaf_images([[0, 5], [20, 1]], np.float32)
    X[1] -= 50
    with pytest.raises(ValueError, match=r"Sample 1: .*negative.*before any standardization"):
        VegetationMask().fit_transform(X)
    lazy = VegetationMask().transform(SplicedSequences(X, [[0, 0], [1, 1]]))
    with pytest.raises(ValueError, match="negative"):
        lazy[1]


@pytest.mark.parametrize("shape", [(2, 3, 4, 4), (2, 3, 4, 4, 1), (2, 3, 4, 4, 4)])
def test_mask_needs_color(shape):
    with pytest.raises(ValueError, match=r"color images.*width, 3\), got"):
        VegetationMask().fit(np.zeros(shape))


@pytest.mark.parametrize("threshold", [-1.1, 2.1, None, "0.1"])
@pytest.mark.parametrize("method", ["fit", "transform"])
def test_illegal_threshold_of_the_mask(threshold, method):
    with pytest.raises(ValueError, match="'threshold' parameter of VegetationMask"):
        getattr(VegetationMask(threshold=threshold), method)(leaf_images([[1]]))


def test_sampler_before_the_cover():
    pipeline = make_pipeline(FrameSampler(2), CanopyCover())
    X = leaf_images([[0, 3, 5], [20, 2, 1]])
    np.testing.assert_array_equal(pipeline.fit_transform(X), [[0, 0.25], [1, 0.05]])
