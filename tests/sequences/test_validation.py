"""The one check of X: shapes and values that must be refused, by their messages."""

import re
import warnings
from pathlib import Path

import numpy as np
import pytest
from sklearn.base import clone

import skwater
from skwater import CNNLSTMClassifier, RSSResampler, SplicedSequences
from skwater.preprocessing import BaselineCorrector, FrameSampler, Resize
from skwater.sequences import (
    as_frames,
    channel_statistics,
    check_sequences,
    iter_sequences,
    missing_frames,
)

RANKS = [2, 3, 4, 5]


def spliced(X):
    return SplicedSequences(X)


@pytest.fixture
def no_warnings():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


@pytest.mark.parametrize("ndim", RANKS)
@pytest.mark.parametrize("container", [np.asarray, spliced])
def test_sequences_are_read_one_by_one(make_sequences, ndim, container):
    X = make_sequences(3, 5, ndim=ndim)
    rows = list(iter_sequences(container(X)))
    assert np.array_equal(np.stack(rows), as_frames(X))


@pytest.mark.parametrize("container", [np.asarray, spliced])
@pytest.mark.parametrize("value", [1e39, -1e39, 1e200])
@pytest.mark.parametrize("ndim", RANKS)
def test_d10_values_that_float32_cannot_hold(make_sequences, container, value, ndim):
    X = make_sequences(6, 5, ndim=ndim, dtype="float64")
    model = CNNLSTMClassifier(max_epochs=1, random_state=0).fit(X, [0, 1] * 3)
    X[2, 3] = value
    X[4, 0] = np.nan
    message = rf"too large for float32: {re.escape(f'{value:g}')} in sample 2.*, frame 3, channel 0"
    for ask in (
        lambda X: CNNLSTMClassifier().fit(X, [0, 1] * 3),
        model.predict_proba,
        lambda X: channel_statistics(X, np.arange(6)),
        lambda X: RSSResampler(8).fit_resample(X, [0, 1] * 3),
    ):
        with pytest.raises(ValueError, match=message):
            ask(container(X))


def test_d10_the_largest_float32_is_legal(no_warnings):
    X = np.full((2, 3, 4), np.finfo(np.float32).max, dtype=np.float64)
    X[0, 1] = np.nan
    assert np.argwhere(missing_frames(X)).tolist() == [[0, 1]]
    mean, std = channel_statistics(X, np.arange(2))
    assert np.isfinite([mean, std]).all()


CHANNELS_FIRST = [(5, 32, 40), (1, 32, 40), (3, 12, 12), (4, 9, 16), (2, 8, 8), (12, 16, 16)]
CHANNELS_LAST = [
    (4, 4, 3),
    (32, 40, 5),
    (32, 40, 1),
    (1, 1, 28),
    (8, 12, 150),
    (4, 6, 28),
    (1, 2, 3),
]


@pytest.mark.parametrize("frame", CHANNELS_FIRST, ids=str)
def test_d16_channels_first(frame):
    X = np.zeros((6, 4, *frame), dtype=np.float32)
    for container in (np.asarray, spliced):
        with pytest.raises(
            ValueError, match=r"looks channels-first: expected .*moveaxis\(X, 2, -1"
        ):
            CNNLSTMClassifier().fit(container(X), [0, 1] * 3)


@pytest.mark.parametrize("frame", CHANNELS_LAST, ids=str)
def test_d16_channels_last(frame, no_warnings):
    X = np.zeros((6, 4, *frame), dtype=np.float32)
    assert check_sequences(None, X)[0] is X


@pytest.mark.parametrize(
    "estimator",
    [CNNLSTMClassifier(), RSSResampler(), FrameSampler(), BaselineCorrector(2)],
    ids=lambda estimator: type(estimator).__name__,
)
def test_d16_one_axis(estimator):
    with pytest.raises(ValueError, match=r"X must have 2 to 5 dimensions, .* got shape \(6,\)"):
        estimator.fit(np.arange(6.0), [0, 1] * 3)


def array_of_objects(lengths):
    X = np.empty(len(lengths), dtype=object)
    X[:] = [np.arange(float(n)) for n in lengths]
    return X


def test_d16_ragged_array_of_objects():
    for X in array_of_objects([3, 3, 2]), array_of_objects([3, 3, 2])[:, None]:
        with pytest.raises(ValueError, match="X is ragged: all sequences need the same number"):
            CNNLSTMClassifier().fit(X, [0, 1, 0])


def test_d16_array_of_equal_objects_is_read():
    X, _ = check_sequences(None, array_of_objects([3, 3]))
    assert X.tolist() == [[0, 1, 2], [0, 1, 2]]


@pytest.mark.parametrize("container", [np.asarray, spliced])
@pytest.mark.parametrize("dtype", ["datetime64[D]", "timedelta64[s]", "U3"])
def test_d16_dtypes_that_are_no_numbers(container, dtype):
    X = container(np.arange(36).reshape(6, 3, 2).astype(dtype))
    with pytest.raises(
        ValueError, match=rf"X must hold real numbers, got dtype <?{re.escape(dtype)}"
    ):
        CNNLSTMClassifier().fit(X, [0, 1] * 3)


@pytest.mark.parametrize("container", [np.asarray, spliced])
@pytest.mark.parametrize("dtype", ["int64", "uint64"])
def test_d16_integers_that_float64_rounds(container, dtype):
    X = np.arange(36, dtype=dtype).reshape(6, 3, 2)
    model = CNNLSTMClassifier(max_epochs=1, random_state=0).fit(X, [0, 1] * 3)
    X += 2**53 - 18
    message = r"integers too large for float64: 9007199254740993 in sample 3.*, frame 0, channel 1"
    for ask in model.predict, lambda X: CNNLSTMClassifier().fit(X, [0, 1] * 3):
        with pytest.raises(ValueError, match=message):
            ask(container(X))
    assert not missing_frames(container(X[:3])).any()


@pytest.mark.parametrize(
    ("estimator", "ndim"),
    [
        *((CNNLSTMClassifier(max_epochs=1), ndim) for ndim in RANKS),
        *((FrameSampler(), ndim) for ndim in RANKS),
        (BaselineCorrector(2), 2),
        (BaselineCorrector(2), 3),
    ],
    ids=lambda value: value if isinstance(value, int) else type(value).__name__,
)
def test_n6_one_plant(make_sequences, estimator, ndim):
    X = make_sequences(6, 5, ndim=ndim)
    estimator = clone(estimator).fit(X, [0, 1] * 3)
    ask = estimator.predict if hasattr(estimator, "predict") else estimator.transform
    shape = re.escape(f"{X.shape[1:]}")
    for plant in X[0], X[0].tolist():
        with pytest.raises(ValueError, match=rf"X has shape {shape}: this is one plant.*X\[None\]"):
            ask(plant)
    assert len(ask(X[0][None])) == 1  # what the message says


@pytest.mark.parametrize("container", [np.asarray, spliced])
@pytest.mark.parametrize("shape", [(6, 24, 32, 3), (6, 24, 32, 4), (6, 16, 16, 3)], ids=str)
def test_n7_one_image_per_plant(container, shape):
    X = np.random.default_rng(0).random(shape, dtype=np.float32)
    message = rf"{shape[1]} grayscale frames of {shape[2]} x {shape[3]} .*give X\[:, None\]"
    for ask in (
        lambda X: CNNLSTMClassifier(max_epochs=1).fit(X, [0, 1] * 3),
        lambda X: RSSResampler(8).fit_resample(X, [0, 1] * 3),
        lambda X: Resize(shape[2:]).fit(X),
    ):
        with pytest.warns(UserWarning, match=message):
            ask(container(X))


@pytest.mark.parametrize("shape", [(6, 5, 4, 4), (6, 24, 32, 32), (6, 24, 3, 3), (6, 24, 32, 3, 1)])
def test_n7_small_images_are_no_channels(shape, no_warnings):
    check_sequences(None, np.zeros(shape))


def test_fit_learns_what_a_sequence_looks_like(make_sequences):
    estimator = FrameSampler()
    X = make_sequences(6, 5, ndim=4)
    check_sequences(estimator, X, reset=True)
    assert (estimator.n_features_in_, estimator.sequence_shape_) == (5, (5, 4, 4))
    check_sequences(estimator, X[:, :3], reset=False)
    for other in X[..., :3], X[:, :, 0], np.repeat(X, 2, axis=1):
        with pytest.raises(ValueError, match="FrameSampler was fitted on"):
            check_sequences(estimator, other, reset=False)
    check_sequences(estimator, X[..., :3], reset=False, complete=False)


def test_without_reset_nothing_is_learned(make_sequences):
    estimator = FrameSampler()
    check_sequences(estimator, make_sequences())
    assert vars(estimator) == vars(FrameSampler())


def test_plants_without_a_frame(make_sequences):
    X = make_sequences()
    X[3] = np.nan
    check_sequences(None, X, complete=False)
    with pytest.raises(ValueError, match="no frame at all in sample 3: all of its values are NaN"):
        check_sequences(None, X)


def test_paths_are_legal_if_no_numbers_are_asked_for():
    paths = np.array([["a.png", None], ["b.png", "c.png"]], dtype=object)
    assert check_sequences(None, paths, numeric=False)[0] is paths
    with pytest.raises(ValueError, match=r"real numbers, got a table of <U5 .*ImageSequences"):
        check_sequences(None, paths.astype(str))


def test_only_this_package_looks_at_the_number_of_axes():
    package = Path(skwater.__file__).parent
    elsewhere = [
        f"{path.relative_to(package)}:{number}"
        for path in package.rglob("*.py")
        if path.relative_to(package).parts[0] not in ("sequences", "nn")
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if re.search(r"\.ndim\b", line)
    ]
    assert elsewhere == []


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_gaps_are_legal_if_asked_for(make_sequences, dtype):
    X = make_sequences(ndim=3, dtype=dtype)
    X[1, 2, 0] = X[3, 0] = np.nan
    checked, _ = check_sequences(None, X, gaps=True)
    np.testing.assert_array_equal(checked, X, strict=True)  # still with the gap
    with pytest.raises(ValueError, match="NaN in sample 1, frame 2, channel 0"):
        check_sequences(None, X)
    X[2] = np.nan
    with pytest.raises(ValueError, match="no frame at all in sample 2"):
        check_sequences(None, X, gaps=True)
    X[2] = np.inf
    with pytest.raises(ValueError, match="infinity in sample 2, frame 0"):
        check_sequences(None, X, gaps=True)


def test_lazy_images_that_miss_frames_may_have_gaps(make_sequences):
    """benchmark allows gaps, and stopped at lazy images of which one is missing."""
    X = make_sequences(ndim=5)
    X[1, 2] = np.nan
    checked, _ = check_sequences(None, SplicedSequences(X), gaps=True)
    np.testing.assert_array_equal(np.asarray(checked), X)
    X[2] = np.nan
    with pytest.raises(ValueError, match="no frame at all in sample 2"):
        check_sequences(None, SplicedSequences(X), gaps=True)
