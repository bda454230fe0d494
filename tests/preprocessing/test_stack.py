"""Channels of several sequences."""

import pickle
import sys
import tracemalloc

import cv2
import numpy as np
import pytest
from generated import make_images
from sklearn.utils import Bunch

from skwater import ConvLSTMClassifier, ImageSequences, RSSResampler, SplicedSequences
from skwater.model_selection import check_no_leakage
from skwater.preprocessing import CenterCrop, Resize, stack_channels
from skwater.sequences import check_sequences, is_lazy, missing_frames

LOST = "missing in some of the arguments only"


def lazily(X):
    return SplicedSequences(X)


def halved(frames):
    return frames / 2


each_container = pytest.mark.parametrize("contain", [np.asarray, lazily], ids=["array", "lazy"])


@each_container
@pytest.mark.parametrize(
    ("first", "second", "stacked"),
    [((), (), (2,)), ((), (3,), (4,)), ((5,), (3,), (8,)), ((4, 6), (4, 6), (4, 6, 2)),
     ((4, 6, 3), (4, 6), (4, 6, 4)), ((4, 6, 25), (4, 6, 1), (4, 6, 26))],
)  # fmt: skip
def test_channels_lie_side_by_side(contain, first, second, stacked):
    A, B = make_images(shape=first), make_images(shape=second, seed=1)
    X = stack_channels(contain(A), B)
    assert is_lazy(X) == (contain is lazily)
    assert (X.shape, X.dtype) == ((3, 4, *stacked), np.uint8)
    n = stacked[-1] - (second[-1] if len(second) in (1, 3) else 1)
    values = np.asarray(X)
    np.testing.assert_array_equal(values[..., :n].reshape(A.shape), A)
    np.testing.assert_array_equal(values[..., n:].reshape(B.shape), B)


def test_more_than_two():
    parts = [make_images(shape=(4, 6, c), seed=c) for c in (3, 1, 2)]
    np.testing.assert_array_equal(stack_channels(*parts), np.concatenate(parts, axis=-1))
    np.testing.assert_array_equal(stack_channels(*map(lazily, parts)), stack_channels(*parts))


@each_container
@pytest.mark.parametrize(
    ("dtypes", "promoted"),
    [(("uint8", "uint16"), "uint16"), (("uint8", "float32"), "float32"),
     (("uint16", "float32"), "float32"), (("uint8", "float64"), "float64"),
     (("int32", "float32"), "float64")],
)  # fmt: skip
def test_dtypes_are_promoted_as_numpy_does(contain, dtypes, promoted):
    A, B = (make_images(dtype=dtype) for dtype in dtypes)
    X = stack_channels(contain(A), contain(B))
    assert X.dtype == promoted
    np.testing.assert_array_equal(np.asarray(X), np.concatenate([A, B], axis=-1))


@each_container
def test_frame_that_one_lacks_is_missing(contain):
    A, B, C = make_images(dtype=np.float32), make_images(dtype=np.float64), make_images()
    A[0, 1] = A[2, 3] = B[2, 3] = B[1, 0] = np.nan
    expected = np.concatenate([A, B, C], axis=-1)
    missing = np.isnan(expected).any(axis=(2, 3, 4))
    expected[missing] = np.nan
    message = rf"3 of 12 frames are {LOST} \(2 in argument 1, 2 in argument 2\)"
    with pytest.warns(UserWarning, match=message):
        X = stack_channels(contain(A), contain(B), contain(C))
    np.testing.assert_array_equal(np.asarray(X), expected)
    np.testing.assert_array_equal(missing_frames(X), missing)
    check_sequences(None, X)


@each_container
def test_frames_that_all_lack_are_no_warning(contain, recwarn):
    A, B = make_images(dtype=np.float32), make_images(dtype=np.float32)[..., 0]
    A[0, 1] = B[0, 1] = np.nan
    X = stack_channels(contain(A), contain(B))
    assert np.argwhere(missing_frames(X)).tolist() == [[0, 1]]
    assert not recwarn


@each_container
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_values_that_are_not_legal(contain, value):
    A, B = make_images(), make_images(dtype=np.float32)
    B[1, 2, 0, 0, 0] = value
    with pytest.raises(ValueError, match=r"Argument 2: .*sample 1.*, frame 2, channel 0"):
        stack_channels(contain(A), contain(B))


@pytest.mark.filterwarnings(f"ignore:.*{LOST}")
def test_lazy_stack_is_like_any_lazy_sequences():
    A, B = make_images(6, dtype=np.float32), make_images(6, seed=1)[..., 0]
    A[0, 1] = np.nan
    array = stack_channels(A, B)
    X = pickle.loads(pickle.dumps(stack_channels(lazily(A), B)))
    rows, donors = np.array([4, 0, 0]), [[0, 1, 2, 3], [5, 5, 0, 0]]
    for chosen, expected in [
        (X[rows], array[rows]),
        (X[:, 1:3], array[:, 1:3]),
        (X.take_frames([3, 1])[rows], array[rows][:, [3, 1]]),
        (X.splice(donors), array[np.array(donors), np.arange(4)]),
        (X[:, :2].map_frames(halved, X.shape[2:], X.dtype), array[:, :2] / 2),
        (Resize((4, 6)).transform(X), Resize((4, 6)).transform(array)),
        (stack_channels(X, lazily(B)), stack_channels(array, B)),
    ]:
        assert is_lazy(chosen)
        np.testing.assert_array_equal(np.asarray(chosen), expected)
        np.testing.assert_array_equal(chosen[0], expected[0])
        np.testing.assert_array_equal(chosen[0, 1], expected[0, 1])
        np.testing.assert_array_equal(missing_frames(chosen), missing_frames(expected))


def test_rows_and_frames_chosen_before():
    A, B = make_images(6), make_images(6, seed=1)
    rows = np.array([4, 0, 3])
    expected = np.concatenate([A, B], axis=-1)[rows][:, [2, 0]]
    chosen = lazily(A)[rows].take_frames([2, 0])
    np.testing.assert_array_equal(stack_channels(chosen, B[rows][:, [2, 0]]), expected)
    np.testing.assert_array_equal(
        stack_channels(chosen, lazily(B[:, ::-1]).take_frames([1, 3])[rows]), expected
    )


def test_lazy_means_that_nothing_is_read():
    def fail(frames):
        raise AssertionError("a frame was read")

    A = make_images()
    X = stack_channels(lazily(A).map_frames(fail, (8, 12, 3), np.uint8), A)
    assert X[[1, 0]][:, :2].shape == (2, 2, 8, 12, 6)
    with pytest.raises(AssertionError, match="a frame was read"):
        X[0]


def test_no_second_copy_is_made_on_the_way():
    X = np.broadcast_to(make_images(1, shape=(16, 24, 3)), (400, 4, 16, 24, 3))
    stack_channels(X[:1], X[:1])
    tracemalloc.start()
    nbytes = stack_channels(X, X).nbytes
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1.2 * nbytes


def test_size_is_that_of_the_sources():
    A = make_images(n=40)
    assert sys.getsizeof(stack_channels(lazily(A), A)) > 2 * A.nbytes


def test_splices_of_other_donors_are_refused():
    A, B = lazily(make_images(6)), lazily(make_images(6, seed=1))
    donors = np.random.default_rng(0).integers(6, size=(9, 4))
    same = stack_channels(A.splice(donors), B.splice(donors))
    np.testing.assert_array_equal(np.asarray(same), np.asarray(stack_channels(A, B).splice(donors)))
    for other in (B.splice(donors[::-1]), np.asarray(B.splice(donors))):
        with pytest.raises(ValueError, match=r"spliced or repeated in different ways.*Stack the"):
            stack_channels(A.splice(donors), other)


def test_leakage_is_seen_through_the_stack():
    A, B = lazily(make_images(4)), lazily(make_images(4, seed=1))
    donors = [[0, 0, 1, 1], [2, 3, 3, 2], [1, 1, 0, 0]]
    X = stack_channels(A.splice(donors), B.splice(donors))
    check_no_leakage([0], [1], ["a", "b", "c"], X)
    with pytest.raises(ValueError, match="Donors on both sides"):
        check_no_leakage([0], [2], ["a", "b", "c"], X)


@pytest.mark.parametrize(
    ("first", "second", "message"),
    [
        ((3, 4, 8, 12, 3), (2, 4, 8, 12, 3), "Argument 1 has 3 plants, argument 2 has 2: shapes"),
        ((3, 4, 8, 12, 3), (3, 5, 8, 12, 3), "Argument 1 has 4 frames, argument 2 has 5: shapes"),
        (
            (3, 4, 8, 12, 3),
            (3, 4, 4, 6, 3),
            r"1 has images of 8 x 12 pixels .*2 has images of 4 x 6 .*Resize\(\(4, 6\)\), after Ce",
        ),
        (
            (3, 4, 8, 12, 3),
            (3, 4, 5),
            r"1 has images of 8 x 12 .*, argument 2 has vectors\. Make vectors .* FrameEncoder or",
        ),
        ((3, 4), (3, 4, 2, 2), r"1 has vectors, argument 2 has images of 2 x 2 .*CanopyCover"),
        ((3, 4), (3,), r"Argument 2: X must have 2 to 5 dimensions|Argument 2: .*1D array"),
    ],
)
@each_container
def test_shapes_that_differ(contain, first, second, message):
    with pytest.raises(ValueError, match=message):
        stack_channels(contain(np.zeros(first)), np.zeros(second))


def test_remedy_for_sizes():
    A, B = make_images(shape=(16, 20, 3)), make_images(shape=(8, 8, 1))
    X = stack_channels(Resize((8, 8)).transform(CenterCrop(16).transform(A)), B)
    assert X.shape == (3, 4, 8, 8, 4)


@pytest.mark.parametrize("n", [0, 1])
def test_one_list_is_not_two_sequences(n):
    arguments = [[make_images(), make_images()]][:n]
    with pytest.raises(ValueError, match=f"takes two or more sequences.*got {n} argument"):
        stack_channels(*arguments)


def plants(**items):
    days = [0, 7, 14, 21]
    return Bunch(data=make_images(), plant=np.array(["a", "b", "c"]), days=np.array(days), **items)


def test_what_loaders_return():
    X = stack_channels(plants(target=None), plants(target=[0, 1, 0]), make_images(seed=2))
    expected = [make_images(), make_images(), make_images(seed=2)]
    np.testing.assert_array_equal(X, np.concatenate(expected, axis=-1))


@pytest.mark.parametrize(
    ("name", "values", "message"),
    [
        ("days", [0, 7, 15, 21], "15 and 14 at position 2. Load all of them with the same grid="),
        ("days", [0, 7, 14], "none and 21 at position 3"),
        ("plant", ["b", "a", "c"], "b and a at position 0. Load the same plants"),
        ("dates", [1.0, 8.0, 15.0, 22.0], "1.0 and 0.0 at position 0"),
        ("target", [0, 0, 0], "0 and 1 at position 1"),
    ],
)
def test_other_plants_or_dates(name, values, message):
    known = {"dates": [0.0, 7.0, 14.0, 21.0], "target": [0, 1, 0]}
    other = plants(**known)
    other[name] = values
    with pytest.raises(ValueError, match=f"`{name}` of argument 3 is not that of argument 1: "):
        stack_channels(plants(**known), make_images(), other)
    with pytest.raises(ValueError, match=message):
        stack_channels(plants(**known), make_images(), other)


def test_days_that_lazy_images_know():
    A, B = lazily(make_images()), lazily(make_images())
    A.recipe, B.recipe = {"days": [0, 7, 14, 21]}, {"days": [0, 7, 15, 21]}
    with pytest.raises(ValueError, match=r"`days` of argument 2 is .*: 15 and 14 at position 2"):
        stack_channels(A, B)
    assert stack_channels(A[:, :2], B[:, :2]).shape == (3, 2, 8, 12, 6)
    with pytest.raises(ValueError, match="15 and 14"):
        stack_channels(A, Bunch(data=make_images(), days=[0, 7, 15, 21]))
    A.recipe, B.recipe = A.recipe | {"start": "2024-05-01"}, A.recipe | {"start": "2024-05-11"}
    with pytest.raises(ValueError, match=r"`start` of argument 2 .*2024-05-11 and 2024-05-01"):
        stack_channels(A, B)


@pytest.mark.filterwarnings(f"ignore:.*{LOST}")
@pytest.mark.parametrize("lazy", [False, True])
def test_images_on_disk_to_a_network(tmp_path, lazy):
    paths = np.empty((6, 3), dtype=object)
    for cell in np.ndindex(paths.shape):
        paths[cell] = str(tmp_path / f"{cell[0]}-{cell[1]}.png")
        assert cv2.imwrite(paths[cell], make_images(1, 1, (8, 8, 3), seed=sum(cell))[0, 0])
    paths[2, 1] = None
    color, gray = ImageSequences(paths), ImageSequences(paths, color="gray", size=8)
    X = stack_channels(color, gray)
    if not lazy:
        X = np.asarray(X)
    y = [0, 1] * 3
    spliced, y = RSSResampler(6, lazy=lazy, random_state=0).fit_resample(X, y)
    assert is_lazy(spliced) == lazy
    model = ConvLSTMClassifier(max_epochs=1, hidden_channels=2, random_state=0, device="cpu")
    assert model.fit(spliced, y).predict_proba(X[:, :2]).shape == (6, 2)
    expected = ConvLSTMClassifier(
        max_epochs=1, hidden_channels=2, random_state=0, device="cpu"
    ).fit(np.asarray(spliced), y)
    np.testing.assert_array_equal(model.predict_proba(X), expected.predict_proba(X))
