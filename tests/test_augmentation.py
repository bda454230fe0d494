"""Augmentation: one draw for a sequence, nothing that a classifier could not undo at prediction."""

import os
import random
import subprocess
import sys

import numpy as np
import pytest
import torch

from skwater import SplicedSequences
from skwater.augmentation import Augmenter, augment_sequences, default_transform

os.environ.setdefault("NO_ALBUMENTATIONS_UPDATE", "1")

import albumentations as A  # noqa: N812 - its users' name for it


@pytest.fixture
def pictures():
    """Noise of any dtype with no symmetry, in which all frames of a sequence are alike."""

    def make(n=4, n_frames=3, size=16, n_channels=3, dtype="uint8"):
        rng = np.random.default_rng(0)
        frames = rng.integers(0, 200, (n, 1, size, size, n_channels)).astype(dtype)
        return np.repeat(frames, n_frames, axis=1)

    return make


def mirrored(sequence):
    return sequence[:, :, ::-1]


def test_default_is_the_published_recipe():
    affine, *flips = default_transform()
    assert isinstance(affine, A.Affine)
    assert affine.translate_percent == {"x": (-0.05, 0.05), "y": (-0.05, 0.05)}
    assert affine.scale == {"x": (0.95, 1.05), "y": (0.95, 1.05)}
    assert affine.keep_ratio
    assert (affine.rotate, affine.p) == ((-15, 15), 0.9)
    assert [(type(flip), flip.p) for flip in flips] == [
        (A.HorizontalFlip, 0.5),
        (A.VerticalFlip, 0.5),
    ]


@pytest.mark.parametrize("n_channels", [1, 3, 5, 28])
@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32", "float64", "int64", "bool"])
def test_one_draw_for_all_frames_of_a_sequence(pictures, n_channels, dtype):
    X = pictures(n_channels=n_channels, dtype=dtype)
    X_new = augment_sequences(X, random_state=0)
    assert X_new.shape == X.shape
    if dtype not in ("int64", "bool"):
        assert X_new.dtype == X.dtype
    for t in range(1, X.shape[1]):
        assert np.array_equal(X_new[:, t], X_new[:, 0])
    assert not np.array_equal(X_new, X)


@pytest.mark.parametrize("n_channels", [1, 3, 5, 9])
def test_default_does_what_its_transforms_do_one_by_one(pictures, n_channels):
    y, x = np.ogrid[:24, :20]
    frame = np.stack([y + 2 * x + 100 * k for k in range(n_channels)], axis=-1)
    X = frame[None, None].astype("float32")
    augmenter = Augmenter("default", X)
    for seed in range(12):
        expected, rng = X[0, 0], random.Random(seed)
        for transform in default_transform():
            transform.set_random_state(None, rng)
            expected = transform(image=expected)["image"]
        rounding = (1 + 2) / 64  # OpenCV rounds origins to 1/32 of a pixel
        np.testing.assert_allclose(augmenter(X[0], seed)[0], expected, rtol=0, atol=1.1 * rounding)


@pytest.mark.parametrize("augment", ["default", A.Affine(rotate=20, p=1)], ids=["default", "other"])
def test_byte_order_of_a_file(pictures, augment):
    X = pictures(dtype="uint16")
    foreign = X.astype(X.dtype.newbyteorder())
    one, same = (augment_sequences(Z, augment, random_state=0) for Z in (X, foreign))
    assert np.array_equal(one, same)


@pytest.mark.parametrize("shape", [(1, 9), (9, 1), (2, 2)])
def test_slim_pictures(shape):
    X = np.arange(4 * 9 * 2).reshape(-1)[: 2 * np.prod(shape)].reshape(1, 2, *shape, 1) / 9
    X_new = augment_sequences(X, random_state=0)
    assert X_new.shape == X.shape
    assert X_new.min() >= X.min()
    assert X_new.max() <= X.max()


def test_another_draw_for_every_sequence(pictures):
    X = np.repeat(pictures(n=1), 20, axis=0)
    X_new = augment_sequences(X, random_state=0)
    assert len(np.unique(X_new.reshape(20, -1), axis=0)) > 15


def test_transforms_draw_independently(pictures):
    # With a seed for each transform, albumentations flips both ways or not at all.
    X = np.repeat(pictures(n=1), 60, axis=0)
    both_flips = A.Compose([A.HorizontalFlip(p=0.5), A.VerticalFlip(p=0.5)])
    X_new = augment_sequences(X, both_flips, random_state=0)
    outcomes = [X[0], X[0, :, :, ::-1], X[0, :, ::-1], X[0, :, ::-1, ::-1]]
    counts = [sum(np.array_equal(x, outcome) for x in X_new) for outcome in outcomes]
    assert sum(counts) == 60
    assert min(counts) >= 5


def test_values_stay_within_the_range_of_the_picture(pictures):
    X = pictures(dtype="float32") + 300  # of a thermal camera: no black corners
    X_new = augment_sequences(X, random_state=0)
    assert X_new.min() >= X.min()
    assert X_new.max() <= X.max()


@pytest.mark.parametrize(
    "transform",
    [
        mirrored,
        A.HorizontalFlip(p=1),
        A.Compose([A.HorizontalFlip(p=1)], strict=True),
        A.ReplayCompose([A.HorizontalFlip(p=1)]),
        A.OneOf([A.HorizontalFlip(p=1)], p=1),
        A.Compose([A.Compose([]), A.HorizontalFlip(p=1)]),
    ],
    ids=["function", "bare", "strict Compose", "ReplayCompose", "OneOf", "nested"],
)
def test_kinds_of_transforms(pictures, transform):
    X = pictures()
    assert np.array_equal(augment_sequences(X, transform), X[:, :, :, ::-1])


@pytest.mark.parametrize("transform", [A.Compose([]), A.NoOp()], ids=["empty", "NoOp"])
def test_transforms_that_do_nothing(pictures, transform):
    X = pictures()
    assert np.array_equal(augment_sequences(X, transform), X)


def test_grey_and_spliced_sequences(pictures):
    X = pictures()
    expected = augment_sequences(X[..., :1], random_state=0)
    assert np.array_equal(augment_sequences(X[..., 0], random_state=0), expected[..., 0])
    donors = np.array([[0, 1, 2], [3, 3, 3]])
    lazy = SplicedSequences(X, donors)
    spliced = augment_sequences(np.asarray(lazy), random_state=0)
    assert np.array_equal(augment_sequences(lazy, random_state=0), spliced)


@pytest.mark.parametrize(
    "augment",
    ["default", A.HorizontalFlip(p=1), mirrored, lambda x: np.nan_to_num(x) + 1],
    ids=["default", "transform", "function", "fills gaps"],
)
def test_missing_frames_stay_missing(pictures, augment):
    X = pictures(dtype="float32")
    expected = augment_sequences(X, augment, random_state=0)
    X[0, 0] = X[1, 1:] = expected[0, 0] = expected[1, 1:] = np.nan
    np.testing.assert_array_equal(augment_sequences(X, augment, random_state=0), expected)


def shuffle_globally(sequence):
    """Use every global generator that there is."""
    noise = np.random.normal(size=sequence.shape) + random.random()  # noqa: NPY002
    return sequence + noise


@pytest.mark.parametrize(
    "augment",
    ["default", A.RandomBrightnessContrast(p=1), shuffle_globally],
    ids=["default", "transform", "function"],
)
def test_seed(pictures, augment):
    X = pictures()
    states = random.getstate(), np.random.get_state()[1].tolist(), torch.get_rng_state().tolist()  # noqa: NPY002
    one, same, other = (augment_sequences(X, augment, random_state=s) for s in (0, 0, 1))
    assert np.array_equal(one, same)
    assert not np.array_equal(one, other)
    after = random.getstate(), np.random.get_state()[1].tolist(), torch.get_rng_state().tolist()  # noqa: NPY002
    assert after == states


def test_given_transform_is_not_changed(pictures):
    transform = A.Compose([A.Affine(rotate=20, p=0.5)], seed=1)
    keys, state = set(transform.available_keys), transform.py_random.getstate()
    augment_sequences(pictures(), transform, random_state=0)
    assert transform.available_keys == keys
    assert transform.py_random.getstate() == state


def test_given_function_may_work_in_place(pictures):
    X = pictures()
    kept = X.copy()

    def darken(sequence):
        sequence //= 2
        return sequence

    assert np.array_equal(augment_sequences(X, darken), kept // 2)
    assert np.array_equal(X, kept)


def test_function_may_return_one_buffer_again_and_again(pictures):
    X = pictures()
    buffer = np.empty_like(X[0])

    def copied(sequence):
        buffer[:] = sequence
        return buffer

    assert np.array_equal(augment_sequences(X, copied), X)


def crop(sequence):
    return sequence[:, 1:]


def forget(sequence):
    sequence[:] = 0


def spoil(sequence):
    return np.where(np.arange(len(sequence))[:, None, None, None] == 1, np.nan, sequence)


def name_pixels(sequence):
    return sequence.astype(str)


@pytest.mark.parametrize(
    ("augment", "message"),
    [
        (crop, r"augment=crop must return .* = \(3, 16, 16, 3\), got shape \(3, 15, 16, 3\)"),
        (forget, "augment=forget must return .* got NoneType"),
        (torch.tensor, "augment=tensor must return .* got Tensor"),
        (name_pixels, "augment=name_pixels must return .* got dtype <U"),
        (spoil, "augment=spoil returned NaN or infinity in frame 1"),
        (A.RandomCrop(8, 8), r"augment=RandomCrop must return .* got shape \(3, 8, 8, 3\)"),
        (A.Normalize(), "augment=Normalize turns frames of uint8 into float32"),
        (A.OneOf([]), "augment=OneOf has no target 'image'"),
        (A.CoarseDropout3D(), "augment=CoarseDropout3D has no target 'image'"),
        (A.HorizontalFlip, "augment=HorizontalFlip must be .* Give an instance, not a class"),
        ("defualt", "augment='defualt' must be 'default'"),
    ],
    ids=[
        "crop",
        "nothing",
        "tensor",
        "text",
        "NaN",
        "RandomCrop",
        "Normalize",
        "empty",
        "3-D",
        "class",
        "word",
    ],
)
def test_what_is_no_augmentation_is_named(pictures, augment, message):
    with pytest.raises(ValueError, match=message):
        augment_sequences(pictures(), augment)


def test_transform_that_cannot_take_such_frames_is_named(pictures):
    with pytest.raises(ValueError, match=r"augment=HueSaturationValue fails .*\(16, 16, 5\).*uint"):
        augment_sequences(pictures(n_channels=5), A.HueSaturationValue(p=1))


@pytest.mark.parametrize("offset", [0, -250])
def test_clipping_is_noticed(pictures, offset):
    # albumentations takes floats to run from 0 to 1, and cuts off all else without a word.
    X = pictures(dtype="float32") + offset
    brighter = A.RandomBrightnessContrast(p=1)
    with pytest.raises(ValueError, match="augment=RandomBrightnessContrast has clipped"):
        augment_sequences(X, brighter, random_state=0)
    scaled = pictures(dtype="float32") / 255
    assert not np.array_equal(augment_sequences(scaled, brighter, random_state=0), scaled)


def test_function_of_missing_frames_is_told_of_them(pictures):
    X = pictures(dtype="float32")
    X[0, 2] = np.nan
    with pytest.raises(ValueError, match="in frame 0, which had none"):
        augment_sequences(X, lambda sequence: sequence - sequence.mean())


def test_frames_in_part_nan(pictures):
    X = pictures(dtype="float32")
    X[0, 1, 3] = np.nan
    with pytest.raises(ValueError, match="NaN in sample 0, frame 1"):
        augment_sequences(X)


@pytest.mark.parametrize("shape", [(4, 5), (4, 5, 3), (4, 5, 1, 1), (4, 5, 1, 1, 3)])
def test_numbers_cannot_be_augmented(shape):
    with pytest.raises(ValueError, match=r"augment='default' needs images, .* 1 x 1"):
        augment_sequences(np.zeros(shape))


def test_albumentations_does_not_ask_the_network():
    program = """
import os, urllib.request
os.environ.pop("NO_ALBUMENTATIONS_UPDATE", None)
def refuse(*args, **kwargs):
    raise SystemExit("asked the network")
urllib.request.OpenerDirector.open = refuse
import sys
import skwater.augmentation
assert "albumentations" not in sys.modules
skwater.augmentation.default_transform()
assert "albumentations" in sys.modules
"""
    subprocess.run([sys.executable, "-c", program], check=True, timeout=120)
