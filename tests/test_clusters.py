"""Clusters: joblib's backends of dask and ray, each with two worker processes on this machine."""

import builtins
import os
import pickle
import secrets
import time
from numbers import Real

import cv2
import numpy as np
import pytest
from joblib import parallel_config
from joblib.pool import PicklingPool
from sklearn.model_selection import GridSearchCV, cross_val_score

from skwater import (
    ConvLSTMClassifier,
    ImageSequences,
    RSSResampler,
    SplicedSequences,
    make_pipeline,
)
from skwater.evaluation import benchmark
from skwater.sequences import LazySequences

PIPELINE = make_pipeline(
    RSSResampler(12, random_state=0),
    ConvLSTMClassifier(
        hidden_channels=4,
        head_channels=(4,),
        pool_size=2,
        max_epochs=2,
        batch_size=4,
        random_state=0,
        device="cpu",
    ),
)


def near(expected):
    """Equal up to float32 rounding, which can differ between processes."""
    return pytest.approx(expected, rel=1e-6, nan_ok=True)


def start_dask(folder):
    distributed = pytest.importorskip("distributed", reason="dask.distributed is not installed")
    cluster = distributed.LocalCluster(
        n_workers=2,
        threads_per_worker=1,
        processes=True,
        host="127.0.0.1",
        dashboard_address="127.0.0.1:0",
        local_directory=folder,
        silence_logs="CRITICAL",  # shutting down may interrupt a heartbeat
    )
    with cluster, distributed.Client(cluster):
        yield


def start_ray(folder):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(
            "RAY_AUTH_TOKEN", secrets.token_hex(32)
        )  # without it ray writes one into the home folder
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        ray = pytest.importorskip("ray", reason="ray is not installed")
        from ray.util.joblib import register_ray

        # Ray replaces these permanently.
        patch.setattr(builtins, "print", print)
        bases = PicklingPool.__bases__
        register_ray()
        ray.init(num_cpus=2, include_dashboard=False, logging_level="ERROR")
        yield
        ray.shutdown()
        PicklingPool.__bases__ = bases


@pytest.fixture(scope="module", params=["dask", "ray"])
def backend(request, tmp_path_factory):
    """Start two workers, for the joblib backend of this name."""
    start = {"dask": start_dask, "ray": start_ray}[request.param]
    for _ in start(tmp_path_factory.mktemp(request.param)):
        yield request.param


def make_images(folder, n, n_frames=3, size=32):
    """Images on disk, and classes that can be predicted from them."""
    y = np.arange(n) % 2
    paths = np.empty((n, n_frames), object)
    for i, t in np.ndindex(paths.shape):
        paths[i, t] = str(folder / f"{i}_{t}.png")
        cv2.imwrite(paths[i, t], np.full((size, size, 3), 100 + 9 * i * y[i] + t, np.uint8))
    return ImageSequences(paths), y


def make_splices(folder, n):
    X, y = make_images(folder, n)
    return SplicedSequences(np.asarray(X), np.repeat(np.arange(n)[:, None], 3, axis=1)), y


@pytest.fixture
def pickled(monkeypatch):
    """Sizes in bytes of the lazy sequences that are pickled in this process."""
    sizes = []

    def getstate(self):
        sizes.append(len(pickle.dumps(vars(self))))
        return vars(self)

    monkeypatch.setattr(LazySequences, "__getstate__", getstate)
    return sizes


def test_cross_val_score(backend, make_task):
    X, y = make_task()
    options = {"cv": 4, "scoring": "neg_log_loss", "error_score": "raise"}
    expected = cross_val_score(PIPELINE, X, y, n_jobs=1, **options)
    with parallel_config(backend=backend, n_jobs=2):
        scores = cross_val_score(PIPELINE, X, y, **options)
    assert scores == near(expected)
    assert len(set(scores)) == 4


def test_grid_search_in_two_processes(backend, make_task, tmp_path):
    def process(estimator, X, y):
        (tmp_path / str(os.getpid())).touch()
        for _ in range(6000):  # the other worker gets the next fit, and may start late
            if len(list(tmp_path.iterdir())) == 2:
                break
            time.sleep(0.01)
        return os.getpid()

    X, y = make_task()
    grid = {"convlstmclassifier__hidden_channels": [2, 4], "rssresampler__n_segments": [2, 3]}
    search = GridSearchCV(PIPELINE, grid, cv=2, scoring="neg_log_loss", error_score="raise")
    expected = search.fit(X, y).cv_results_["mean_test_score"]
    search.set_params(scoring={"loss": "neg_log_loss", "process": process}, refit="loss")
    with parallel_config(backend=backend, n_jobs=2):
        results = search.fit(X, y).cv_results_
    assert results["mean_test_loss"] == near(expected)
    processes = {*results["split0_test_process"], *results["split1_test_process"]}
    assert len(processes) == 2
    assert os.getpid() not in processes


def test_benchmark(backend, make_plants, tmp_path, monkeypatch, capfd):
    X, y, plants, _ = make_plants()

    def table(**options):
        result = benchmark(
            {"rss": PIPELINE}, X, y, groups=plants, n_repeats=2, random_state=0, **options
        )
        return {
            f"{row['model']}, {name}": value
            for row in result.rows
            for name, value in row.items()
            if isinstance(value, Real) and not name.endswith("_time")
        }

    expected = near(table(verbose=0))
    monkeypatch.chdir(tmp_path)  # no worker runs in this folder
    with parallel_config(backend=backend, n_jobs=2):
        assert table(memory="study") == expected
        assert "24/24" in capfd.readouterr().err
        written = {file: file.stat().st_mtime_ns for file in tmp_path.glob("study/*")}
        assert len(written) == 24
        assert table(memory="study", verbose=0) == expected
    assert {file: file.stat().st_mtime_ns for file in tmp_path.glob("study/*")} == written


@pytest.mark.parametrize("make", [make_images, make_splices])
def test_lazy_sequences_stay_lazy(backend, make, tmp_path, pickled):
    def is_lazy(estimator, X, y):
        return isinstance(X, LazySequences)

    X, y = make(tmp_path, n=12)
    size = len(pickle.dumps(X))
    most = (2 if backend == "dask" else 6) * size  # ray's backend sends X with each of the 6 fits
    pickled.clear()
    with parallel_config(backend=backend, n_jobs=2):
        lazy = cross_val_score(PIPELINE, X, y, cv=6, scoring=is_lazy, error_score="raise")
        assert lazy.all()
        assert 0 < sum(pickled) <= most
        pickled.clear()
        benchmark(
            {"rss": PIPELINE}, X, y, groups=np.arange(12), cv=6, n_repeats=1, random_state=0,
            baselines=None, verbose=0,
        )  # fmt: skip
        assert 0 < sum(pickled) <= most
    if make is make_images:
        assert size < X.dtype.itemsize * np.prod(X.shape) / 10
