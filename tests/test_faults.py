"""Faulty input, and the error message it gives. The numbers are the rows of the table of faults."""

import os
import subprocess
import sys

import numpy as np
import pytest
import torch

import skwater
from skwater import CNNLSTMClassifier, ConvLSTMClassifier, RSSResampler, SplicedSequences
from skwater.exceptions import ModelFileError

LABELS = [0, 1] * 4


def partly_nan(X):
    X[2, 1, 0, 3, 2] = np.nan
    return X


def with_infinity(X):
    X[2, 1, :, 3, 2] = -np.inf
    return X


BAD_VALUES = [
    (partly_nan, r"NaN in sample 2, frame 1, channel 2; 1 such value"),
    (with_infinity, r"infinity in sample 2, frame 1, channel 2; 4 such values"),
]


@pytest.mark.parametrize(("spoil", "message"), BAD_VALUES)
def test_row_1_bad_value_at_fit(make_classifier, make_sequences, spoil, message):
    with pytest.raises(ValueError, match=message):
        make_classifier().fit(spoil(make_sequences()), LABELS)


@pytest.mark.parametrize(
    "method", ["predict", "predict_proba", "decision_function", "predict_proba_over_time"]
)
@pytest.mark.parametrize(("spoil", "message"), BAD_VALUES)
def test_row_1_bad_value_at_predict(make_classifier, make_sequences, spoil, message, method):
    model = make_classifier().fit(make_sequences(), LABELS)
    with pytest.raises(ValueError, match=message):
        getattr(model, method)(spoil(make_sequences()))


@pytest.mark.parametrize(("spoil", "message"), BAD_VALUES)
def test_row_1_bad_value_under_lazy_splices(make_classifier, make_sequences, spoil, message):
    X = SplicedSequences(spoil(make_sequences()), np.repeat(np.arange(8)[:, None], 5, axis=1))
    with pytest.raises(ValueError, match=message.replace("sample 2", "sample 2 of the base")):
        make_classifier().fit(X, LABELS)


def test_row_1_object_array_hides_no_nan(make_classifier, make_sequences):
    X = partly_nan(make_sequences()).astype(object)
    with pytest.raises(ValueError, match=r"NaN in sample 2, frame 1, channel 2"):
        make_classifier().fit(X, LABELS)
    lazy = SplicedSequences(X, np.repeat(np.arange(8)[:, None], 5, axis=1))
    model = make_classifier().fit(make_sequences(), LABELS)
    for method in make_classifier().fit, lambda X, y: model.predict(X):
        with pytest.raises(ValueError, match=r"NaN in sample 2, frame 1, channel 2|object"):
            method(lazy, LABELS)


def test_row_2_missing_frame_leaves_the_other_frames(make_classifier, make_sequences):
    X = make_sequences()
    X[3, 2] = X[5, 0] = X[6, 4] = np.nan
    model = make_classifier().fit(X, LABELS)
    short = np.delete(X[3], 2, axis=0)[None]
    np.testing.assert_allclose(model.predict_proba(X[3:4]), model.predict_proba(short), atol=1e-6)


def test_row_2_sample_without_any_frame(make_classifier, make_sequences):
    X = make_sequences()
    X[[3, 5]] = np.nan
    with pytest.raises(ValueError, match="no frame at all in sample 3 and 1 more samples"):
        make_classifier().fit(X, LABELS)
    model = make_classifier().fit(X[:3], LABELS[:3])
    with pytest.raises(ValueError, match="no frame at all in sample 0"):
        model.predict(X[3:5])


@pytest.mark.parametrize("classifier", [ConvLSTMClassifier, CNNLSTMClassifier])
def test_row_3_loss_is_not_finite(classifier, make_sequences):
    model = classifier(lr=1e30, max_epochs=5, random_state=0)
    message = r"(loss|weights) became (nan|inf|NaN or infinite) in epoch \d with lr=1e\+30"
    with pytest.raises(ValueError, match=message):
        model.fit(make_sequences(), LABELS)
    assert not hasattr(model, "net_")


@pytest.mark.parametrize("shape", [(8,), (8, 5, 4, 4, 3, 1)], ids=str)
def test_row_4_wrong_rank(make_classifier, shape):
    with pytest.raises(ValueError, match=r"2 to 5 dimensions, .*got shape") as error:
        make_classifier().fit(np.zeros(shape), LABELS)
    assert str(shape) in str(error.value)


@pytest.mark.parametrize("frame", [(3, 16, 16), (1, 16, 16), (4, 20, 30), (5, 32, 32)], ids=str)
def test_row_4_channels_first(make_classifier, frame):
    message = (
        r"looks channels-first: expected \(n_samples, n_frames, height, width, n_channels\), "
        r"got \(8, 5, .*moveaxis"
    )
    with pytest.raises(ValueError, match=message):
        make_classifier().fit(np.zeros((8, 5, *frame)), LABELS)
    with pytest.raises(ValueError, match=message):
        RSSResampler(6).fit_resample(np.zeros((8, 5, *frame)), LABELS)


@pytest.mark.parametrize(
    "other",
    [(5, 3, 4, 3), (5, 4, 5, 3), (5, 4, 4, 1), (5, 4, 4), (5, 48), (6, 4, 4, 3)],
    ids=["height", "width", "channels", "rank 4", "rank 3", "more frames"],
)
def test_row_5_other_shape_at_predict(make_classifier, make_sequences, other):
    model = make_classifier().fit(make_sequences(), LABELS)
    with pytest.raises(ValueError) as error:  # noqa: PT011
        model.predict(np.zeros((2, *other)))
    assert str((2, *other)) in str(error.value)
    assert "(5, 4, 4, 3)" in str(error.value)


@pytest.mark.parametrize("lazy", [False, True])
@pytest.mark.parametrize(
    ("dtype", "message"), [("complex64", "(?i)complex"), ("U3", "(?i)string|numeric|dtype|convert")]
)
def test_row_6_dtypes_that_are_not_numeric(make_classifier, make_sequences, dtype, message, lazy):
    X = make_sequences().astype(dtype)
    if lazy:
        X = SplicedSequences(X, np.repeat(np.arange(8)[:, None], 5, axis=1))
    with pytest.raises(ValueError, match=message):
        make_classifier().fit(X, LABELS)


def test_row_6_object_array_of_text(make_classifier, make_sequences):
    X = make_sequences(ndim=2).astype(object)
    X[0, 0] = "plant1.png"
    with pytest.raises(ValueError, match="could not convert string to float"):
        make_classifier().fit(X, LABELS)


@pytest.mark.parametrize(
    "shape", [(0, 5, 4, 4, 3), (8, 0, 4, 4, 3), (8, 5, 0, 4, 3), (8, 5, 4, 4, 0)], ids=str
)
def test_row_7_empty(make_classifier, shape):
    message = r"must not be empty.*got \([08]|Found array with 0 (sample|feature)"
    with pytest.raises(ValueError, match=message):
        make_classifier().fit(np.zeros(shape), LABELS[: shape[0]])


@pytest.mark.parametrize(
    "ragged", [[[1.0, 2.0], [1.0]], [np.zeros((2, 3)), np.zeros((2, 4))]], ids=["frames", "size"]
)
def test_row_7_ragged(make_classifier, ragged):
    with pytest.raises(ValueError, match=r"X is ragged: .*Enter a missing image as a frame of NaN"):
        make_classifier().fit(ragged, [0, 1])


def test_row_8_one_class(make_classifier, make_sequences):
    with pytest.raises(ValueError, match="at least 2 classes in y, got 1 class"):
        make_classifier().fit(make_sequences(), ["wet"] * 8)


def test_row_8_continuous_labels(make_classifier, make_sequences):
    with pytest.raises(ValueError, match="Unknown label type: continuous"):
        make_classifier().fit(make_sequences(), np.linspace(0, 1, 8))


def test_row_8_missing_labels(make_classifier, make_sequences):
    with pytest.raises(ValueError, match="Input y contains NaN"):
        make_classifier().fit(make_sequences(), [np.nan, *LABELS[1:]])
    with pytest.raises(ValueError, match=r"Expected array-like .* got None"):
        make_classifier().fit(make_sequences(), None)


def test_row_9_class_of_one_plant(make_sequences):
    with pytest.raises(ValueError, match=r"Class dry has 1 sequence: .*at least 2"):
        RSSResampler().fit_resample(make_sequences(), ["dry"] + ["wet"] * 7)


def test_row_10_more_than_can_differ(make_sequences):
    with pytest.raises(ValueError, match=r"997 new .*class 1, but only 8 different ones are poss"):
        RSSResampler({1: 999}, n_segments=2).fit_resample(make_sequences(6), [0, 0, 0, 0, 1, 1])


@pytest.mark.parametrize("lazy", [False, True])
def test_row_11_y_of_another_length(make_classifier, make_sequences, lazy):
    X = make_sequences()
    if lazy:
        X = SplicedSequences(X, np.zeros((8, 5), int))
    for method in make_classifier().fit, RSSResampler().fit_resample:
        with pytest.raises(ValueError, match=r"inconsistent numbers of samples: \[8, 7\]"):
            method(X, LABELS[:7])


def test_row_11_strata_of_another_length(make_sequences):
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        RSSResampler().fit_resample(make_sequences(), LABELS, strata=[0, 1, 0])


@pytest.mark.parametrize(
    "X",
    [
        np.zeros((8, 3, 4, 4, 3), np.uint8),
        np.full((8, 3, 4, 4), 0.1),
        np.full((8, 3, 2), 1e30),
        np.full((8, 3), -5.0),
        np.arange(24.0).reshape(8, 3, 1, 1, 1),
        np.arange(8.0).reshape(8, 1),
        np.arange(128.0).reshape(8, 1, 4, 4),
    ],
    ids=["black", "constant", "huge", "number", "1 x 1 pixels", "one number", "one frame"],
)
def test_row_29_degenerate_images(make_classifier, X):
    model = make_classifier(max_epochs=2).fit(X, LABELS)
    assert np.isfinite(model.predict_proba(X)).all()
    assert np.isfinite(model.decision_function(X)).all()
    assert np.isfinite(model.predict_proba_over_time(X)).all()


WITHOUT_INTERNET = """
import socket

def refuse(*args, **kwargs):
    raise OSError("tried to open a connection")

socket.getaddrinfo = socket.create_connection = refuse
socket.socket.connect = socket.socket.connect_ex = refuse

import numpy as np
import skwater
from skwater import CNNLSTMClassifier, ConvLSTMClassifier, RSSResampler, make_pipeline

for name in skwater.__all__:
    getattr(skwater, name)
X, y = np.random.default_rng(0).normal(size=(6, 3)), [0, 0, 0, 0, 1, 1]
for classifier in ConvLSTMClassifier, CNNLSTMClassifier:
    model = make_pipeline(RSSResampler(random_state=0), classifier(max_epochs=1))
    print(model.fit(X, y).predict(X).shape)
"""


def test_row_30_no_internet():
    run = subprocess.run(
        [sys.executable, "-c", WITHOUT_INTERNET],
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert run.returncode == 0, run.stderr
    assert run.stdout == "(6,)\n(6,)\n"


@pytest.fixture
def model_file(make_classifier, make_sequences, tmp_path):
    path = tmp_path / "model.skwater"
    skwater.save(make_classifier().fit(make_sequences(), LABELS), path)
    return path


# Every kind of change, 2,000 times: tests/fuzz. Every part: tests/persistence.
@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda data: data[:50], "header: the file is truncated"),
        (lambda data: data[:-1], "arrays: they do not fit the file"),
        (lambda data: data[:-1] + bytes([data[-1] ^ 1]), "arrays: they are damaged"),
        (lambda data: data.replace(b"mean_", b"meam_", 1), "header: it is damaged"),
        (lambda data: data.replace(b'"skwater":"1 ', b'"skwater":"9 '), "format: .* update skwa"),
        (lambda data: b"\x80\x04]." + data, "file: it is a pickle, and not"),
        (lambda data: b"\xff" * 8 + data[8:], "header: it declares 18446744073709551615 bytes"),
    ],
)
def test_row_21_damaged_model_file(model_file, spoil, message):
    model_file.write_bytes(spoil(model_file.read_bytes()))
    with pytest.raises(ModelFileError, match=message) as caught:
        skwater.load(model_file)
    assert str(model_file) in str(caught.value)


# The child starts a grandchild for each kill: imports take longer than saves.
KILLED_WHILE_SAVING = """
import os, random, signal, sys, time
import numpy as np, skwater
from sklearn.linear_model import LogisticRegression
from skwater.persistence._container import read

path, rng = sys.argv[1], random.Random(0)
models = [LogisticRegression().fit(np.eye(2) * scale, [0, 1]) for scale in (1, 2)]
for model in models:
    model.ballast_ = np.full(200_000, model.coef_[0, 0])
skwater.save(models[0], path)
for _ in range(20):
    child = os.fork()
    if not child:
        while True:
            for model in models:
                skwater.save(model, path)
    time.sleep(rng.uniform(0.002, 0.06))
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    loaded = skwater.load(path)
    assert (loaded.ballast_ == loaded.coef_[0, 0]).all()
    assert loaded.coef_[0, 0] in [model.coef_[0, 0] for model in models]
skwater.save(models[0], path)
print(os.listdir(os.path.dirname(path)))
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork to kill so often")
def test_row_22_killed_while_saving(tmp_path):
    run = subprocess.run(
        [sys.executable, "-c", KILLED_WHILE_SAVING, str(tmp_path / "model")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.stdout == "['model']\n", run.stderr


@pytest.mark.skipif(torch.cuda.is_available(), reason="needs a computer without a GPU")
def test_row_27_model_of_a_gpu_without_one(make_classifier, make_sequences, tmp_path):
    X = make_sequences()
    model = make_classifier().fit(X, LABELS)
    expected = model.predict_proba(X)
    model.set_params(device="cuda:1")  # what a model that was trained there says
    model.net_.device = "cuda:1"
    skwater.save(model, tmp_path / "model.skwater")
    loaded = skwater.load(tmp_path / "model.skwater")
    assert loaded.net_.device == "cpu"
    np.testing.assert_array_equal(loaded.predict_proba(X), expected)
