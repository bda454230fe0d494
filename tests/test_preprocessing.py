import numpy as np
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.utils import get_tags

from skwater import SplicedSequences
from skwater.preprocessing import CanopyCover

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
        ValueError, match=r"negative values in sample 1.*before any standardisation"
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
