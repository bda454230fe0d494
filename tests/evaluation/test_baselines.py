"""Baselines read the data as they say."""

import numpy as np
import pytest
from sklearn.base import clone

from skwater import SplicedSequences
from skwater.evaluation._baselines import FrameSummary, default_baselines
from skwater.preprocessing import CanopyCover


def test_photos_are_summed_up_by_their_cover(make_sequences):
    X = make_sequences(dtype="uint8")
    assert np.allclose(FrameSummary().transform(X), CanopyCover().fit_transform(X))


def test_numbers_are_summed_up_by_channel(make_sequences):
    gray = make_sequences(ndim=4)
    assert np.allclose(FrameSummary().transform(gray), gray.mean(axis=(2, 3)))
    vectors = make_sequences(ndim=3)
    assert np.allclose(FrameSummary().transform(vectors), vectors.reshape(len(vectors), -1))
    numbers = make_sequences(ndim=2)
    assert np.allclose(FrameSummary().transform(numbers), numbers)


def test_last_frame_is_the_last_that_is_there(make_sequences):
    X = make_sequences(ndim=3)
    X[0, -2:] = np.nan
    last = FrameSummary("last").transform(X)
    assert np.allclose(last[0], X[0, -3])
    assert np.allclose(last[1:], X[1:, -1])


def test_gaps_of_series_are_interpolated(make_sequences):
    X = make_sequences(ndim=2, n_frames=4)
    X[0, 1] = np.nan
    series = FrameSummary("series").transform(X)
    assert series.shape == (8, 1, 4)
    assert series[0, 0, 1] == pytest.approx((X[0, 0] + X[0, 2]) / 2)


def test_lazy_sequences(make_sequences):
    X = make_sequences(ndim=3)
    lazy = SplicedSequences(X)
    assert np.allclose(FrameSummary().transform(lazy), FrameSummary().transform(X))


@pytest.mark.parametrize("ndim", [2, 3, 4, 5])
def test_all_baselines_fit_with_missing_frames(make_task, ndim):
    X, y = make_task(ndim=ndim)
    X[0, 0] = np.nan
    X = np.abs(X)
    for name, baseline in default_baselines(X).items():
        if "class" not in name:
            assert clone(baseline).fit(X, y).score(X, y) > 0.6, name


@pytest.mark.parametrize(
    "metadata",
    [
        np.array([["high"], ["low"]] * 8),
        np.arange(16.0)[:, None] % 2,
        np.array([["high", 1], ["low", 2]] * 8, dtype=object),
    ],
)
def test_metadata(make_task, metadata):
    X, y = make_task()
    baseline = default_baselines(X, metadata)["metadata only"]
    assert baseline.fit(metadata, y).score(metadata, y) == 1


def test_metadata_of_a_data_frame(make_task):
    pd = pytest.importorskip("pandas")
    X, y = make_task()
    frame = pd.DataFrame({"nitrogen": ["high", "low"] * 8, "row": np.arange(16)})
    baseline = default_baselines(X, frame)["metadata only"]
    assert baseline.fit(frame, y).score(frame, y) == 1
    new = frame.assign(nitrogen="unheard of")
    assert baseline.predict(new).shape == (16,)


def test_aeon_is_used_where_it_is_installed(make_task):
    pytest.importorskip("aeon.classification")
    X, y = make_task(n_frames=10, ndim=3)
    found = default_baselines(X)
    for name in ("MiniRocket, means", "Hydra, means"):
        assert found[name].fit(X, y).score(X, y) > 0.9
    assert {"MiniRocket, means", "Hydra, means"} & set(default_baselines(X[:, :8])) == set()
