"""Decoding, cropping and resizing."""

import cv2
import numpy as np
import pytest
from drawn import smooth

from skwater import ImageSequences
from skwater.preprocessing import CenterCrop, Resize
from skwater.sequences._pixels import center_crop, cut_box, resize


def test_center_then_box_then_size(save):
    image = smooth(60, 80)
    X = ImageSequences(
        [[save("a.png", image)]], center_crop=(40, 60), boxes=(10, 5, 24, 12), size=(6, 12)
    )
    cut = image[10:50, 10:70][5:17, 10:34]
    assert np.array_equal(X[0][0], cv2.resize(cut, (12, 6), interpolation=cv2.INTER_AREA))


def test_boxes_differ_between_images(save):
    path = save("a.png")
    boxes = np.array([[[0, 0, 10, 8], [4, 6, 10, 8]]])
    X = ImageSequences([[path, path]], boxes=boxes)
    assert np.array_equal(X[0], [smooth()[:8, :10], smooth()[6:14, 4:14]])


@pytest.mark.parametrize("angle", [90.0, -90.0, 180.0])
def test_rotation_is_counter_clockwise(angle):
    turned = np.rot90(smooth(), round(angle / 90))
    height, width = turned.shape[:2]
    assert np.array_equal(cut_box(smooth(), (0, 0, width, height, angle)), turned)


def test_small_rotation_keeps_what_lies_under_the_box():
    image = np.zeros((100, 200, 1), np.uint8)
    image[20:23, 150:153] = 255  # up and to the right: goes further up
    cut = cut_box(image, (110, 25, 60, 50, 10.0))
    y, x = np.argwhere(cut[..., 0] > 100).mean(axis=0)
    angle = np.deg2rad(10)
    dx, dy = 151.5 - 100, 21.5 - 50
    canvas = (
        200 * np.cos(angle) + 100 * np.sin(angle),
        200 * np.sin(angle) + 100 * np.cos(angle),
    )
    expected_x = canvas[0] / 2 + dx * np.cos(angle) + dy * np.sin(angle) - 110
    expected_y = canvas[1] / 2 - dx * np.sin(angle) + dy * np.cos(angle) - 25
    assert (x + 0.5, y + 0.5) == pytest.approx((expected_x, expected_y), abs=0.5)


def test_many_channels_are_cut_and_resized():
    image = np.dstack([smooth(seed=i) for i in range(9)])[..., :25]
    cut = cut_box(image, (8, 8, 10, 8, 3.0))
    assert np.array_equal(cut[..., 4:7], cut_box(image[..., 4:7], (8, 8, 10, 8, 3.0)))
    assert np.array_equal(resize(image, (5, 5))[..., 9:12], resize(image[..., 9:12], (5, 5)))


def test_nothing_is_stretched_unasked(save):
    circle = cv2.circle(np.zeros((40, 80), np.uint8), (40, 20), 15, 255, -1)
    path = save("a.png", circle)
    narrow = ImageSequences([[path]], size=20, color="gray")[0][0, ..., 0] > 127
    assert abs(int(narrow.any(0).sum()) - int(narrow.any(1).sum())) <= 1
    wide = ImageSequences([[path]], size=20, color="gray", stretch=True)[0][0, ..., 0] > 127
    assert wide.any(1).sum() > 1.5 * wide.any(0).sum()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"boxes": (30, 0, 10, 10)}, r"a.png: the box \(30, 0, 10, 10, 0\) reaches outside"),
        ({"boxes": (0, 0, 36, 24, 9)}, r"a.png: the box .* reaches outside the image"),
        ({"boxes": (0, 0, 0, 10)}, r"a.png: the box .* is empty"),
        ({"boxes": (0, 0, np.nan, 10)}, r"a.png: the box .* is not made of numbers"),
        ({"center_crop": 30}, r"a.png: \(24, 36\) pixels are smaller than the center crop"),
        ({"size": (3, 0)}, r"size must be \(height, width\)"),
        ({"boxes": np.zeros((2, 2, 5))}, r"boxes must have shape .*got \(2, 2, 5\)"),
        ({"color": "bgr"}, r"color must be one of .*'bgr'"),
        ({"dtype": "float32"}, "dtype must be one of"),
        ({"on_error": "ignore"}, "on_error must be one of"),
    ],
)
def test_cuts_that_cannot_be(save, options, message):
    with pytest.raises(ValueError, match=message):
        ImageSequences([[save("a.png")]], **options)


@pytest.mark.parametrize("n_channels", [1, 2, 3, 4, 5, 25])
@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
@pytest.mark.parametrize("size", [(12, 18), (5, 8), (48, 72)])
def test_d17_resize_and_center_crop_are_one_implementation(n_channels, dtype, size):
    image = np.random.default_rng(0).integers(0, 256, (24, 36, n_channels)).astype(dtype)
    X = image[None, None]
    assert np.array_equal(Resize(size).transform(X)[0, 0], resize(image, size))
    assert np.array_equal(CenterCrop((9, 8)).transform(X)[0, 0], center_crop(image, (9, 8)))
