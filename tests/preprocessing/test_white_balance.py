"""Color constancy."""

import pickle

import numpy as np
import pytest
from generated import LEAF, SOIL, Lazy, leaf_images, make_images
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.utils import get_tags

from skwater import ConvLSTMClassifier, RSSResampler, SplicedSequences, make_pipeline
from skwater.datasets import make_water_stress
from skwater.preprocessing import CanopyCover, CenterCrop, VegetationMask, WhiteBalance
from skwater.sequences import is_lazy, missing_frames

CARD = (0, 0, 2, 2)
each_reference = pytest.mark.parametrize("reference", ["background", CARD], ids=["soil", "card"])


def in_light(X, seed=0, color=0.15, brightness=0.2):
    """Images in a light that changes from plant to plant and from day to day."""
    rng = np.random.default_rng(seed)
    light = rng.lognormal(0, brightness, (*X.shape[:2], 1, 1, 1))
    light = light * rng.lognormal(0, color, (*X.shape[:2], 1, 1, 3))
    light[0, 0] = 1
    lit = X * light
    return lit.astype(X.dtype) if X.dtype.kind == "f" else np.rint(lit.clip(0, 255)).astype(X.dtype)


def with_card(X):
    X = X.copy()
    X[:, :, :2, :2] = 100
    return X


@each_reference
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_light_cancels(reference, dtype):
    X = with_card(leaf_images(np.arange(12).reshape(3, 4), dtype))
    lit = in_light(X)
    balance = WhiteBalance(reference=reference).fit(X)
    np.testing.assert_allclose(balance.transform(lit), X, rtol=1e-6)
    factors = balance.fit(lit).transform(lit) / X  # now the light of the training images
    np.testing.assert_allclose(factors, np.broadcast_to(factors[0, 0, 0, 0], X.shape), rtol=1e-5)


def test_reference_is_the_median_of_the_training_images():
    X = np.full((3, 1, 4, 5, 3), SOIL, np.float64) * np.array([1, 2, 9]).reshape(3, 1, 1, 1, 1)
    np.testing.assert_allclose(WhiteBalance().fit(X).reference_, 2 * np.array(SOIL))
    np.testing.assert_allclose(WhiteBalance().fit(X[:1]).transform(X), X[[0, 0, 0]])


def test_background_are_the_least_green_pixels():
    X = leaf_images([[0, 10, 18]])  # two pixels are soil, a tenth of the image
    np.testing.assert_array_equal(WhiteBalance().fit(X).reference_, SOIL)
    X = leaf_images([[19]])
    np.testing.assert_array_equal(WhiteBalance().fit(X).reference_, np.mean([SOIL, LEAF], axis=0))


def test_the_light_no_longer_decides_on_the_cover():
    plants = make_water_stress(6, 5, size=32, random_state=0)
    X = (0.6 * plants.data).astype(np.uint8)
    X[:, :, :4, :4] = 120
    expected = CanopyCover().fit_transform(X)

    def error(images):
        return np.abs(CanopyCover().fit_transform(images) - expected).mean()

    lit = in_light(X)
    assert error(lit) > 0.05
    assert error(WhiteBalance(reference=(0, 0, 4, 4)).fit(X).transform(lit)) < 0.01
    assert error(WhiteBalance().fit(X).transform(lit)) < 0.02


def test_it_harms_if_plants_fill_the_image():
    X = leaf_images([[2], [20]], np.float64)
    balanced = WhiteBalance().fit(X[:1]).transform(X)
    assert CanopyCover().fit_transform(X)[1] == 1
    assert CanopyCover().fit_transform(balanced)[1] == 0  # green leaves became brown


@each_reference
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.int32, np.float32, np.float64])
def test_dtype_is_kept_and_integers_are_clipped(reference, dtype):
    X = make_images(dtype=dtype)
    balance = WhiteBalance(reference=reference).fit(X)
    assert balance.transform(X).dtype == dtype
    balance.reference_ *= 1000
    top = {"uint8": 255, "uint16": 65535}.get(np.dtype(dtype).name)
    assert top is None or balance.transform(X).max() == top


@each_reference
def test_each_image_is_corrected_by_itself(reference):
    X = make_images()
    balance = WhiteBalance(reference=reference).fit(X)
    expected = balance.transform(X)
    np.testing.assert_array_equal(balance.transform(X[:, ::-1])[:, ::-1], expected)
    np.testing.assert_array_equal(balance.transform(X[1:2, 2:]), expected[1:2, 2:])


@each_reference
def test_missing_frames_stay_missing(reference):
    X = make_images(dtype=np.float32)
    X[0, 1] = X[2] = np.nan
    balance = WhiteBalance(reference=reference).fit(X)
    np.testing.assert_array_equal(missing_frames(balance.transform(X)), missing_frames(X))
    X[:] = np.nan
    with pytest.raises(ValueError, match="X has no frame"):
        balance.fit(X)


@each_reference
def test_lazy_images_stay_lazy(reference):
    base = make_images(dtype=np.float32)
    base[0, 1] = np.nan
    X = SplicedSequences(base, [[0, 1, 2, 0], [0, 0, 0, 0], [2, 0, 1, 1]])
    balance = WhiteBalance(reference=reference).fit(X)
    eager = clone(balance).fit(np.asarray(X))
    np.testing.assert_array_equal(balance.reference_, eager.reference_)
    lazy = pickle.loads(pickle.dumps(balance.transform(X)))
    assert is_lazy(lazy)
    np.testing.assert_array_equal(np.asarray(lazy), eager.transform(np.asarray(X)))
    np.testing.assert_array_equal(balance.transform(Lazy(base)), balance.transform(base))


@pytest.mark.parametrize(
    "shape", [(2, 3), (2, 3, 4), (2, 3, 4, 4), (2, 3, 4, 4, 1), (2, 3, 4, 4, 4)]
)
def test_only_color_images_are_taken(shape):
    with pytest.raises(ValueError, match="WhiteBalance needs color images, X of shape") as error:
        WhiteBalance().fit(np.ones(shape))
    assert str(shape) in str(error.value)


def test_black_and_negative_references():
    X = leaf_images([[3], [5]], np.float64)
    X[1, 0, :2, :2] = 0
    with pytest.raises(ValueError, match=r"Sample 1: The reference has the color \[0.0, 0.0, 0.0"):
        WhiteBalance(reference=CARD).fit(X)
    with pytest.raises(ValueError, match="Sample 1: The reference has the color"):
        WhiteBalance(reference=CARD).fit(X[:1]).transform(X)
    assert WhiteBalance().fit(X).reference_.tolist() == SOIL  # black is no background
    with pytest.raises(ValueError, match=r"Sample 0: .*black.*before any mask"):
        WhiteBalance().fit(np.zeros((1, 2, 4, 5, 3)))
    X[1] -= 1
    with pytest.raises(ValueError, match=r"Sample 1: X has negative.*before any standardization"):
        WhiteBalance().fit(X)


def test_partly_missing_images():
    X = make_images(dtype=np.float32)
    X[1, 2, 0, 0, 0] = np.nan
    with pytest.raises(ValueError, match="sample 1, frame 2, channel 0"):
        WhiteBalance().fit(X)


@pytest.mark.parametrize("reference", [(0, 0, 9, 2), (7, 11, 1, 2), (-1, 0, 2, 2), (0, 0, 0, 2)])
def test_references_outside_of_the_image(reference):
    with pytest.raises(ValueError, match="is not inside of images of 8 x 12 pixels"):
        WhiteBalance(reference=reference).fit(make_images())
    balance = WhiteBalance(reference=(6, 6, 2, 2)).fit(make_images())
    with pytest.raises(ValueError, match="is not inside of images of 4 x 6 pixels"):
        balance.transform(make_images(shape=(4, 6, 3)))


@pytest.mark.parametrize("reference", [(0, 0, 2), (0, 0, 2, 2.5), "card", None, 4])
def test_illegal_references(reference):
    with pytest.raises(ValueError, match=r"reference must be|'reference' parameter of WhiteBal"):
        WhiteBalance(reference=reference).fit(make_images())


def test_fit_comes_first_and_learns_little():
    with pytest.raises(NotFittedError):
        WhiteBalance().transform(make_images())
    X = make_images()
    X.flags.writeable = False
    balance = WhiteBalance().fit(X)
    balance.transform(X)[...] = 0
    assert set(vars(balance)) == {"reference", "reference_", "n_features_in_", "sequence_shape_"}
    tags = get_tags(balance)
    assert tags.requires_fit
    assert tags.input_tags.positive_only


@pytest.mark.parametrize("lazy", [False, True])
def test_before_a_mask_splicing_and_a_network(lazy):
    X, y = in_light(leaf_images(np.arange(48).reshape(8, 6) % 15, np.float32)), np.arange(8) % 2
    X[3, 5] = np.nan
    pipeline = make_pipeline(
        WhiteBalance(),
        VegetationMask(),
        CenterCrop(4),
        RSSResampler(6, random_state=0),
        ConvLSTMClassifier(max_epochs=1, hidden_channels=2, random_state=0, device="cpu"),
    )
    data = SplicedSequences(X) if lazy else X
    probabilities = pipeline.fit(data, y).predict_proba(data)
    np.testing.assert_array_equal(probabilities, clone(pipeline).fit(X, y).predict_proba(X))
