"""Cropping and resizing."""

import re

import numpy as np
import pytest
from generated import make_images

from skwater.preprocessing import CenterCrop, Resize


@pytest.mark.parametrize("size", [(4, 6), [4, 6], np.array([4, 6])])
def test_crop_is_the_middle(size):
    X = make_images()
    np.testing.assert_array_equal(CenterCrop(size).transform(X), X[:, :, 2:6, 3:9])


def test_crop_by_one_number_is_square():
    X = make_images()
    np.testing.assert_array_equal(CenterCrop(4).transform(X), X[:, :, 2:6, 4:8])


def test_odd_border_is_cut_below_and_on_the_right():
    X = make_images()
    np.testing.assert_array_equal(CenterCrop((7, 11)).transform(X), X[:, :, :7, :11])


def test_crop_of_the_whole_is_a_copy():
    X = make_images()
    whole = CenterCrop((8, 12)).transform(X)
    np.testing.assert_array_equal(whole, X)
    assert not np.shares_memory(whole, X)


@pytest.mark.parametrize("size", [9, (9, 4), (4, 13)])
@pytest.mark.parametrize("method", ["fit", "transform"])
def test_crop_larger_than_the_image(size, method):
    with pytest.raises(ValueError, match=r"8 x 12 pixels.*too small.*choose a smaller size"):
        getattr(CenterCrop(size), method)(make_images())


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32, np.float64])
def test_resized_pixel_is_the_mean_of_those_it_covers(dtype):
    X = make_images(dtype=dtype)
    expected = X.reshape(3, 4, 4, 2, 6, 2, 3).mean(axis=(3, 5), dtype=np.float64)
    rounding = 0.5 if np.dtype(dtype).kind == "u" else 1e-4
    np.testing.assert_allclose(Resize((4, 6)).transform(X), expected, rtol=0, atol=rounding)


def test_sixteen_bits_are_not_lost():
    X = np.full((1, 1, 4, 4, 3), 40001, np.uint16)
    assert (Resize(2).transform(X) == 40001).all()


def test_resize_keeps_the_mean_where_pixels_do_not_divide():
    X = make_images(shape=(10, 10, 3), dtype=np.float64)
    resized = Resize(7).transform(X)
    np.testing.assert_allclose(resized.mean(axis=(2, 3)), X.mean(axis=(2, 3)), rtol=1e-6)


@pytest.mark.parametrize("dtype", [np.int64, np.int16, np.float16, bool])
def test_other_types_become_float(dtype):
    X = make_images().astype(dtype)
    resized = Resize((4, 6)).transform(X)
    assert resized.dtype == np.float64
    np.testing.assert_array_equal(resized, Resize((4, 6)).transform(X.astype(np.float64)))


def test_enlarged_image_is_smooth():
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
        Resize(new).fit(make_images())


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
