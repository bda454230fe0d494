"""Choosing frames."""

import numpy as np
import pytest
import sklearn
from generated import Lazy
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

from skwater import SplicedSequences
from skwater.preprocessing import FrameSampler
from skwater.sequences import is_lazy


def numbered(n_frames, ndim=2):
    """Two plants whose frames hold 0, 1, ... and 100, 101, ..."""
    X = np.arange(n_frames) + np.array([[0], [100]])
    return X.reshape(2, n_frames, *[1] * (ndim - 2)) * np.ones((4, 4, 3)[: ndim - 2], int)


@pytest.mark.parametrize(
    ("strategy", "n_frames", "frames"),
    [
        ("uniform", 4, [0, 3, 6, 9]),
        ("uniform", 8, [0, 1, 3, 4, 5, 6, 8, 9]),
        ("uniform", 3, [0, 4, 9]),
        ("uniform", 2, [0, 9]),
        ("uniform", 1, [4]),
        ("first", 3, [0, 1, 2]),
        ("last", 3, [7, 8, 9]),
        ("last", 10, list(range(10))),
        ("uniform", 11, list(range(10))),
        ("first", 11, list(range(10))),
        ("last", 11, list(range(10))),
        ("random", 11, list(range(10))),
    ],
)
def test_frames_of_ten(strategy, n_frames, frames):
    sampler = FrameSampler(n_frames, strategy=strategy).fit(numbered(10))
    assert sampler.frames_.tolist() == frames
    np.testing.assert_array_equal(sampler.transform(numbered(10)), numbered(10)[:, frames])


def test_uniform_frames_are_different_and_evenly_spaced():
    for available in range(1, 41):
        for n_frames in range(2, available + 1):
            frames = FrameSampler(n_frames).fit(np.zeros((1, available))).frames_
            steps = np.diff(frames)
            assert (frames[0], frames[-1], len(frames)) == (0, available - 1, n_frames)
            assert steps.min() >= 1
            assert np.ptp(steps) <= 1 + (n_frames > 2)


def test_random_frames_are_drawn_once_in_fit():
    X = numbered(30)
    draws = {
        tuple(FrameSampler(5, strategy="random", random_state=s).fit(X).frames_) for s in range(60)
    }
    assert len(draws) > 50
    assert all(len(set(draw)) == 5 and list(draw) == sorted(draw) for draw in draws)
    assert set().union(*draws) == set(range(30))
    sampler = FrameSampler(5, strategy="random", random_state=0).fit(X)
    np.testing.assert_array_equal(sampler.transform(X), sampler.transform(X))
    np.testing.assert_array_equal(clone(sampler).fit(X).frames_, sampler.frames_)


@pytest.mark.parametrize("ndim", [2, 3, 4, 5])
@pytest.mark.parametrize("dtype", ["uint8", "float32", "U5", object])
def test_sequences_of_any_rank_and_dtype(ndim, dtype):
    X = numbered(9, ndim).astype(dtype)
    sampled = FrameSampler(3).fit_transform(X)
    np.testing.assert_array_equal(sampled, X[:, [0, 4, 8]])
    assert sampled.dtype == X.dtype
    assert not np.shares_memory(sampled, X)
    spliced = SplicedSequences(X, np.arange(2)[:, None].repeat(9, axis=1))
    lazy = FrameSampler(3).fit_transform(spliced)
    assert is_lazy(lazy)
    np.testing.assert_array_equal(lazy, sampled)


def test_missing_frames_are_sampled_like_others():
    X = numbered(9, 5).astype(np.float32)
    X[0, 4], X[1] = np.nan, np.nan
    np.testing.assert_array_equal(FrameSampler(3).fit_transform(X), X[:, [0, 4, 8]])


class Undecodable(Lazy):
    """Sequences whose frames cannot be read."""

    def __getitem__(self, i):
        raise AssertionError("a frame was read")


def test_no_frame_is_read():
    base = Undecodable(numbered(9, 5))
    X = SplicedSequences(base, np.arange(2)[:, None].repeat(9, axis=1))
    assert FrameSampler(3).fit_transform(X).shape == (2, 3, 4, 4, 3)


@pytest.mark.parametrize("lazy", [False, True])
def test_shorter_sequences_give_the_frames_they_have(lazy):
    sampler = FrameSampler(4).fit(numbered(10, 3))
    for n_frames, kept in [(10, 4), (9, 3), (7, 3), (6, 2), (1, 1)]:
        X = numbered(n_frames, 3)
        X = SplicedSequences(X, np.arange(2)[:, None].repeat(n_frames, axis=1)) if lazy else X
        np.testing.assert_array_equal(
            sampler.transform(X), numbered(10, 3)[:, sampler.frames_[:kept]]
        )


def test_too_short_too_long_and_other_sequences():
    sampler = FrameSampler(2, strategy="last").fit(numbered(10, 3))
    with pytest.raises(
        ValueError, match=r"X has 8 frames, and none .* number 8, .*strategy='first'"
    ):
        sampler.transform(numbered(8, 3))
    with pytest.raises(ValueError, match=r"X has 11 frames, .* fitted on 10 .*fit again"):
        sampler.transform(numbered(11, 3))
    with pytest.raises(ValueError, match=r"shape \(2, 10, 4, 4\).*\(n_samples, n_frames, n_chan"):
        sampler.transform(numbered(10, 4))


@pytest.mark.parametrize("lazy", [False, True])
def test_tables_follow_the_rule_of_scikit_learn(lazy):
    sampler = FrameSampler(2).fit(numbered(10))
    X = numbered(9)
    X = SplicedSequences(X, np.arange(2)[:, None].repeat(9, axis=1)) if lazy else X
    with pytest.raises(ValueError, match="X has 9 features, but FrameSampler is expecting 10"):
        sampler.transform(X)


def test_refitting_forgets():
    sampler = FrameSampler(3).fit(numbered(9, 5)).fit(numbered(5))
    assert sampler.frames_.tolist() == [0, 2, 4]
    assert sampler.transform(numbered(5)).shape == (2, 3)


def test_names_of_sampled_frames():
    pandas = pytest.importorskip("pandas")
    table = pandas.DataFrame(numbered(5), columns=list("abcde"))
    sampler = FrameSampler(3)
    with pytest.raises(NotFittedError):
        sampler.get_feature_names_out()
    assert list(sampler.fit(table).get_feature_names_out()) == ["a", "c", "e"]
    sampled = clone(sampler).set_output(transform="pandas").fit_transform(table)
    assert list(sampled.columns) == ["a", "c", "e"]
    assert list(sampler.fit(numbered(5)).get_feature_names_out()) == ["x0", "x2", "x4"]


@pytest.mark.parametrize("ndim", [3, 4, 5])
def test_sampled_images_have_no_names(ndim):
    pytest.importorskip("pandas")
    X = numbered(9, ndim)
    with sklearn.config_context(transform_output="pandas"):
        assert isinstance(FrameSampler(3).fit_transform(X), np.ndarray)
    with pytest.raises(AttributeError) as error:
        FrameSampler(3).fit(X).get_feature_names_out()
    assert "no columns to name" in str(error.value.__cause__)


@pytest.mark.parametrize(
    "params", [{"n_frames": 0}, {"n_frames": 2.5}, {"strategy": "middle"}, {"random_state": "a"}]
)
def test_illegal_parameters_of_the_sampler(params):
    with pytest.raises(ValueError, match=f"'{next(iter(params))}' parameter of FrameSampler"):
        FrameSampler(**params).fit(numbered(9))


def test_ragged_and_ill_shaped_sequences_to_sample():
    with pytest.raises(ValueError, match="ragged"):
        FrameSampler().fit([["a", "b"], ["c"]])
    with pytest.raises(ValueError, match=r"2 to 5 dimensions.*\(1, 2, 3, 4, 5, 3\)"):
        FrameSampler().fit(np.zeros((1, 2, 3, 4, 5, 3)))
