"""FrameEncoder: images in, vectors out, each image once."""

import pickle
import subprocess
import sys

import cv2
import joblib
import numpy as np
import pytest
import torch
from encoders import Counting, encoded
from generated import Lazy, make_images
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline as make_plain_pipeline
from sklearn.preprocessing import FunctionTransformer
from torch import nn

from skwater import (
    CNNLSTMClassifier,
    ConvLSTMClassifier,
    ImageSequences,
    RSSResampler,
    SplicedSequences,
    make_pipeline,
)
from skwater.evaluation import benchmark, early_detection_curve
from skwater.preprocessing import (
    CenterCrop,
    FrameEncoder,
    FrameSampler,
    Resize,
    VegetationMask,
)


def encode(X, encoder=None, **options):
    return FrameEncoder(encoder or Counting(), **{"verbose": 0, **options}).fit_transform(X)


def one_by_one(X, encoder, white=255):
    """Vectors by the plain loop that FrameEncoder stands for."""
    out = []
    with torch.inference_mode():
        for frame in X.reshape(-1, *X.shape[2:]):
            x = torch.from_numpy(frame.astype(np.float32) / np.float32(white))
            out.append(encoder.eval()(x.permute(2, 0, 1)[None])[0].numpy())
    return np.stack(out).reshape(*X.shape[:2], -1)


@pytest.fixture
def folder(tmp_path):
    """Images on disk, (3, 4) of them, and their table of paths."""
    paths = np.empty((3, 4), dtype=object)
    for (i, t), image in zip(np.ndindex(3, 4), make_images().reshape(-1, 8, 12, 3), strict=True):
        paths[i, t] = str(tmp_path / f"{i}-{t}.png")
        cv2.imwrite(paths[i, t], image)
    return paths


# ---- vectors


@pytest.mark.parametrize("batch_size", [1, 3, 32])
def test_vectors_are_those_of_a_plain_loop(batch_size):
    X = make_images()
    vectors = encode(X, batch_size=batch_size)
    assert vectors.dtype == np.float32
    assert vectors.shape == (3, 4, 6)
    np.testing.assert_allclose(vectors, one_by_one(X, Counting()), atol=1e-6)


def test_batch_normalization_is_not_trained_and_the_module_is_left_as_it_is():
    net = nn.Sequential(
        nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.AdaptiveAvgPool2d(1), nn.Flatten()
    )
    before = {name: value.clone() for name, value in net.state_dict().items()}
    X = make_images()
    vectors = encode(X, net)
    assert net.training
    assert all(torch.equal(value, before[name]) for name, value in net.state_dict().items())
    np.testing.assert_allclose(vectors, one_by_one(X, net), atol=1e-6)


def test_a_class_is_built_with_the_same_weights_each_time():
    class Random(nn.Sequential):
        def __init__(self):
            super().__init__(nn.Conv2d(3, 2, 3), nn.AdaptiveMaxPool2d(1), nn.Flatten())

    torch.manual_seed(1)
    first = encode(make_images(), Random)
    state = torch.get_rng_state()
    np.testing.assert_array_equal(encode(make_images(), Random), first)
    assert torch.equal(torch.get_rng_state(), state)


def test_default_dtype_of_torch_does_not_matter():
    expected = encode(make_images(), Counting)
    torch.set_default_dtype(torch.float64)
    try:
        np.testing.assert_array_equal(encode(make_images(), Counting), expected)
    finally:
        torch.set_default_dtype(torch.float32)


def test_the_number_of_threads_is_given_back():
    before = torch.get_num_threads()
    encode(make_images())
    assert torch.get_num_threads() == before


def test_missing_frames_stay_missing_and_change_nothing_else():
    X = make_images(dtype=np.float32)
    expected = encode(make_images())
    X[0, 1], X[2, 3], expected[0, 1], expected[2, 3] = 4 * [np.nan]
    np.testing.assert_allclose(encode(X, white=255), expected, atol=1e-6)


def test_no_frame_at_all_gives_missing_vectors():
    vectors = encode(np.full((2, 3, 8, 8, 3), np.nan), white=255)
    assert vectors.shape == (2, 3, 6)
    assert np.isnan(vectors).all()


def test_a_frame_that_is_nan_in_part():
    X = make_images(dtype=np.float32)
    X[1, 2, 0, 0, 0] = np.nan
    with pytest.raises(ValueError, match="sample 1, frame 2"):
        encode(X, white=255)


# ---- channels and white


def test_other_channels_need_a_choice():
    with pytest.raises(ValueError, match=r"X has 1 channel, .*channels=\(0, 0, 0\)"):
        encode(make_images(shape=(8, 8)))
    with pytest.raises(ValueError, match="X has 5 channels"):
        encode(make_images(shape=(8, 8, 5)))


def test_gray_can_be_repeated():
    gray = make_images(shape=(8, 8))
    expected = encode(np.repeat(gray[..., None], 3, axis=-1))
    np.testing.assert_array_equal(encode(gray, channels=(0, 0, 0)), expected)


def test_channels_are_chosen_in_their_order():
    X = make_images(shape=(8, 8, 5))
    np.testing.assert_array_equal(encode(X, channels=(3, 0, 4)), encode(X[..., [3, 0, 4]]))


def test_an_encoder_of_one_channel():
    X = make_images(shape=(8, 8))
    assert encode(X, Counting(n_channels=1), channels=(0,)).shape == (3, 4, 6)


@pytest.mark.parametrize("channels", [(0, 1, 3), (-1, 0, 1), (0.0, 1, 2), ()])
def test_channels_that_x_does_not_have(channels):
    with pytest.raises(ValueError, match="channels must be numbers from 0 to 2"):
        encode(make_images(), channels=channels)


def test_uint16_and_floats_of_the_same_images():
    X = make_images()
    expected = encode(X)
    np.testing.assert_allclose(encode(X.astype(np.uint16) * 257), expected, atol=1e-6)
    np.testing.assert_allclose(encode(X / 255, white=1), expected, atol=1e-6)


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int64])
def test_white_of_other_dtypes_is_not_guessed(dtype):
    with pytest.raises(ValueError, match=r"white=255 .* or white=1"):
        encode(make_images(dtype=dtype))


@pytest.mark.parametrize("value", [256, -1])
def test_values_that_do_not_fit_white(value):
    X = make_images(dtype=np.float32)
    X[0, 0, 0, 0, 0] = value
    with pytest.raises(ValueError, match="white=255 is white"):
        encode(X, white=255)


def test_a_wrong_white_is_noticed():
    with pytest.warns(UserWarning, match=r"reaches 0\.0039 of white"):
        encode(make_images(dtype=np.float32) / 255, white=255)


def test_lazy_images_know_their_white_though_some_are_missing(folder):
    expected = encode(ImageSequences(folder))
    folder[1, 1], expected[1, 1] = None, np.nan
    X = ImageSequences(folder)
    assert X.dtype == np.float32
    np.testing.assert_array_equal(encode(X), expected)
    assert encode(CenterCrop(6).transform(X)).shape == (3, 4, 6)
    with pytest.raises(ValueError, match="does not tell the value of white"):
        encode(X.map_frames(np.sqrt, X.frame_shape, np.float64))


# ---- size


def test_images_are_resized_as_pillow_does():
    from PIL import Image

    X = make_images(shape=(40, 60, 3))
    small = np.stack(
        [
            Image.fromarray(image).resize((30, 20), Image.Resampling.BICUBIC)
            for image in X.reshape(-1, 40, 60, 3)
        ]
    )
    expected = one_by_one(small.reshape(3, 4, 20, 30, 3), Counting())
    np.testing.assert_allclose(encode(X, image_size=(20, 30)), expected, atol=0.01)


def test_images_are_not_stretched():
    with pytest.raises(ValueError, match=r"CenterCrop\(\(8, 8\)\)"):
        encode(make_images(), image_size=16)


@pytest.mark.parametrize("size", [(8,), (8, 0), (8.0, 8)])
def test_illegal_size(size):
    with pytest.raises(ValueError, match="image_size must be"):
        encode(make_images(), image_size=size)


# ---- what an encoder must be


def test_an_encoder_that_returns_images():
    with pytest.raises(ValueError, match=r"\(n_images, n_features\), got \(4, 3, 4, 6\)"):
        encode(make_images(), nn.AvgPool2d(2), batch_size=4, device="cpu")


def test_an_encoder_that_returns_nan():
    class Nan(Counting):
        def forward(self, x):
            return super().forward(x) / 0 * 0

    with pytest.raises(ValueError, match="NaN or infinity for sample 0, frame 0"):
        encode(make_images(), Nan())


@pytest.mark.parametrize("encoder", ["resnet18", len, int])
def test_what_is_no_encoder(encoder):
    with pytest.raises(ValueError, match="encoder must be a torch"):
        encode(make_images(), encoder)


def test_vectors_have_been_encoded_already():
    with pytest.raises(ValueError, match="FrameEncoder needs images"):
        encode(np.zeros((3, 4, 6)))


# ---- each image once


def test_splices_are_encoded_once():
    base = make_images()
    rows = np.random.default_rng(0).integers(0, 3, (50, 4))
    X = SplicedSequences(base, rows)
    vectors, n = encoded(encode, X)
    assert n == 12
    np.testing.assert_array_equal(vectors, encode(np.asarray(X)))
    assert encoded(encode, np.asarray(X))[1] == 12  # found by their pixels


def test_a_file_that_is_twice_in_the_table_is_encoded_once(folder):
    folder[2] = folder[0]
    vectors, n = encoded(encode, ImageSequences(folder))
    assert n == 8
    np.testing.assert_array_equal(vectors[2], vectors[0])


def test_an_array_is_not_changed_and_lazy_sequences_are_not_copied_whole():
    X = make_images()
    np.testing.assert_array_equal(encode(Lazy(X)), encode(X))


def test_a_dataset_of_h5py(tmp_path):
    h5py = pytest.importorskip("h5py")
    with h5py.File(tmp_path / "images.h5", "w") as file:
        X = file.create_dataset("X", data=make_images())
        np.testing.assert_array_equal(encode(X), encode(make_images()))


def test_only_a_few_images_are_in_memory(folder):
    table = np.repeat(folder, 25, axis=1)  # 300 images of 12 files
    size = {"size": (80, 120), "boxes": np.zeros((*table.shape, 5))}
    size["boxes"][...] = [0, 0, 12, 8, 0]
    size["boxes"][..., 2] -= np.arange(100) / 50  # each cut otherwise
    X = ImageSequences(table, **size)
    read, source = [], X._read
    X._read = lambda rows, columns: read.append(len(rows)) or source(rows, columns)
    encode(X, batch_size=8)
    assert max(read) <= 8
    assert sum(read) > 100


# ---- before and after


@pytest.mark.parametrize(
    "step",
    [FrameSampler(2), CenterCrop(6), Resize((4, 6)), VegetationMask(threshold=0.0)],
    ids=lambda step: type(step).__name__,
)
def test_steps_before_it_take_lazy_images(folder, step):
    X = ImageSequences(folder)
    lazy = make_pipeline(step, FrameEncoder(Counting(), verbose=0)).fit_transform(X)
    np.testing.assert_allclose(lazy, encode(step.fit_transform(np.asarray(X))), atol=1e-6)


def flatten(X):
    return X.reshape(len(X), -1)


def simple_model():
    return make_plain_pipeline(FunctionTransformer(flatten), LogisticRegression())


@pytest.mark.parametrize("classifier", [CNNLSTMClassifier, ConvLSTMClassifier])
def test_classifiers_after_it(classifier):
    X, y = make_images(n=8), np.arange(8) % 2
    model = make_pipeline(
        FrameEncoder(Counting(), verbose=0),
        RSSResampler(12, random_state=0),
        classifier(max_epochs=2, random_state=0),
    ).fit(X, y)
    assert model.predict_proba(X).shape == (8, 2)
    np.testing.assert_allclose(
        model.predict_proba(X), model[1:].predict_proba(model[0].transform(X)), atol=1e-6
    )


def test_the_benchmark_finds_baselines_on_vectors():
    X, y = encode(make_images(n=12)), np.arange(12) % 2
    options = {"groups": np.arange(12), "cv": 3, "n_repeats": 1, "verbose": 0}
    result = benchmark({"model": simple_model()}, X, y, **options)
    assert "logistic regression, means" in str(result)


def test_the_curve_of_early_detection(folder):
    X, y = encode(make_images(n=12)), np.arange(12) % 2
    options = {"days": range(4), "groups": np.arange(12), "cv": 3, "n_repeats": 1, "verbose": 0}
    assert len(early_detection_curve(simple_model(), X, y, **options).days) == 4
    lazy = ImageSequences(np.concatenate(4 * [folder]))
    options["groups"] = np.tile(np.arange(3), 4)  # the same images are the same plants
    pipeline = make_pipeline(FrameEncoder(Counting(), verbose=0), simple_model())
    assert len(early_detection_curve(pipeline, lazy, y, **options).days) == 4


def test_once_before_cross_validation_equals_a_step_of_a_pipeline():
    X, y = make_images(n=12), np.arange(12) % 2
    encoder = FrameEncoder(Counting(), verbose=0)
    inside = make_pipeline(encoder, simple_model()).fit(X[:8], y[:8]).predict_proba(X[8:])
    outside = simple_model().fit(encoder.transform(X)[:8], y[:8])
    np.testing.assert_allclose(outside.predict_proba(encoder.transform(X)[8:]), inside, atol=1e-6)


# ---- scikit-learn


def test_clone_pickle_and_joblib(tmp_path):
    encoder = FrameEncoder(Counting(), verbose=0).fit(make_images())
    expected = encoder.transform(make_images())
    joblib.dump(encoder, tmp_path / "encoder.joblib")
    for twin in (
        clone(encoder),
        pickle.loads(pickle.dumps(encoder)),
        joblib.load(tmp_path / "encoder.joblib"),
    ):
        np.testing.assert_array_equal(twin.transform(make_images()), expected)
    assert "FrameEncoder" in repr(encoder)


@pytest.mark.parametrize("backend", ["threading", "loky", "multiprocessing"])
def test_several_at_once(backend):
    X = make_images()
    encoder = FrameEncoder(Counting(), verbose=0)
    expected = encoder.transform(X)
    many = joblib.Parallel(2, backend=backend)(
        joblib.delayed(encoder.transform)(X) for _ in range(4)
    )
    assert all(np.allclose(vectors, expected, atol=1e-6) for vectors in many)


def test_data_frames_are_never_made():
    encoder = FrameEncoder(Counting(), verbose=0)
    assert isinstance(encoder.fit_transform(make_images()), np.ndarray)
    assert not hasattr(encoder, "get_feature_names_out")


def test_fit_needs_no_torch():
    program = (
        "import sys, numpy as np\n"
        "from skwater.preprocessing import FrameEncoder\n"
        "FrameEncoder('timm:resnet18').fit(np.zeros((2, 3, 8, 8, 3), np.uint8))\n"
        "print('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout.strip() == "False", done.stderr


@pytest.mark.parametrize("verbose", [0, 1])
def test_progress(verbose, capsys):
    encode(make_images(), verbose=verbose)
    assert ("12/12" in capsys.readouterr().err) == bool(verbose)
