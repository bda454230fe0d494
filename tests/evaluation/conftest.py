"""Plants for studies that take no time."""

import numpy as np
import pytest


@pytest.fixture(scope="session")
def make_plants():
    """Numbers of n plants, six treatments in turn, a third of them stressed, with some effect."""

    def make(effect=1.0, n=24, n_frames=6, seed=0):
        treatments = np.arange(n) % 6
        y = (treatments < 2).astype(int)
        X = np.random.default_rng(seed).normal(size=(n, n_frames))
        X[:, n_frames // 2 :] -= effect * y[:, None]
        return X, y, np.arange(n), treatments

    return make
