"""Fixtures: small sequences, tasks and classifiers."""

import os
from pathlib import Path

import numpy as np
import pytest
import torch

from skwater import CNNLSTMClassifier, ConvLSTMClassifier

SMALL = {
    ConvLSTMClassifier: {"hidden_channels": 4, "head_channels": (4,), "pool_size": 2},
    CNNLSTMClassifier: {"block_channels": (4,), "lstm_size": 4},
}

# They need what is beside tests/ in a checkout. A wheel can be tested with tests/ alone.
OF_CHECKOUT = [
    "test_common.py",  # an example's network is among the estimators
    "test_docs.py",
    "test_docstrings.py",
    "test_examples.py",
    "test_packaging.py",
]
ONLY_TESTS = not Path(__file__).parents[1].joinpath("examples").is_dir()
collect_ignore = ["typing"]  # mypy reads it, nothing runs it
if ONLY_TESTS:
    collect_ignore += OF_CHECKOUT

if "PYTEST_XDIST_WORKER" in os.environ:
    torch.set_num_threads(1)


def pytest_report_header():
    return f"not collected, they need the whole checkout: {OF_CHECKOUT}" if ONLY_TESTS else None


@pytest.fixture(scope="session")
def make_sequences():
    """Noise of 2 to 5 dimensions, with frames of 4 x 4 pixels and 3 channels."""

    def make(n=8, n_frames=5, ndim=5, dtype="float32", seed=0):
        frame = {2: (), 3: (3,), 4: (4, 4), 5: (4, 4, 3)}[ndim]
        rng = np.random.default_rng(seed)
        if np.dtype(dtype).kind in "iu":
            return rng.integers(0, 256, (n, n_frames, *frame)).astype(dtype)
        return rng.normal(size=(n, n_frames, *frame)).astype(dtype)

    return make


@pytest.fixture(scope="session")
def make_task(make_sequences):
    """Sequences of classes 0, 1, ... that are easy to classify: class k has 5 k added."""

    def make(n=16, n_classes=2, ndim=5, dtype="float32", **options):
        y = np.arange(n) % n_classes
        X = make_sequences(n, ndim=ndim, dtype="float64", **options)
        X += 5 * y.reshape(-1, *[1] * (ndim - 1))
        if np.dtype(dtype).kind in "iu":
            X = (100 + 10 * X).clip(0, 255)
        return X.astype(dtype), y

    return make


@pytest.fixture(scope="session", params=SMALL, ids=lambda cls: cls.__name__)
def make_classifier(request):
    """Both classifiers, with small networks and one epoch by default."""

    def make(**params):
        defaults = {"max_epochs": 1, "random_state": 0, "device": "cpu"}
        return request.param(**{**SMALL[request.param], **defaults, **params})

    return make


@pytest.fixture(scope="session")
def make_plants():
    """Numbers of n plants in six treatments, two of them stressed, with an effect of stress."""

    def make(effect=1.0, n=24, n_frames=6, seed=0):
        treatments = np.arange(n) % 6
        y = (treatments < 2).astype(int)
        X = np.random.default_rng(seed).normal(size=(n, n_frames))
        X[:, n_frames // 2 :] -= effect * y[:, None]
        return X, y, np.arange(n), treatments

    return make


@pytest.fixture(scope="session")
def test_data():
    """Folder of the real data sets."""
    if "SKWATER_TEST_DATA" not in os.environ:
        pytest.skip("SKWATER_TEST_DATA is not set")
    return Path(os.environ["SKWATER_TEST_DATA"])
