"""Means over the plants, on which the importance of frames is based."""

import numpy as np

from skwater.plotting._occlusion import balanced_mean, mean_frames


def test_mean_frames():
    X = np.random.default_rng(0).random((5, 3, 2, 2))
    X[1, 0] = np.nan
    X[:, 2] = np.nan
    mean = mean_frames(X)
    assert mean.shape == (3, 2, 2, 1)
    assert np.allclose(
        mean[..., 0], [X[[0, 2, 3, 4], 0].mean(0), X[:, 1].mean(0), X[0, 2]], equal_nan=True
    )


def test_classes_count_alike():
    y = np.array([0, 0, 0, 0, 1, 1])
    values = np.array([[0.0], [0.0], [0.0], [0.0], [0.4], [0.8]])
    mean, error = balanced_mean(values, y)
    assert np.allclose(mean, (0 + 0.6) / 2)
    assert np.allclose(error, np.sqrt(0 + 0.08 / 2) / 2)
    mean, error = balanced_mean(values[3:5], y[3:5])
    assert np.allclose(mean, 0.2)
    assert np.isnan(error).all()
