"""Many fits: kept in a folder, also after kill -9; their threads, copies of X, and hashes."""

import os
import subprocess
import sys
import tempfile
import time
import tracemalloc
from pathlib import Path

import cv2
import joblib
import numpy as np
import pytest
import torch
from counting import CountingClassifier
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold, cross_validate
from sklearn.preprocessing import FunctionTransformer
from skorch.callbacks import Callback

from skwater import (
    ConvLSTMClassifier,
    ImageSequences,
    RSSResampler,
    SplicedSequences,
    make_pipeline,
)
from skwater.evaluation import benchmark
from skwater.evaluation._folds import Fold
from skwater.evaluation._tasks import Task, run
from skwater.preprocessing import CenterCrop, Resize

LR = LogisticRegression()


def score(estimators, X, y, groups, **options):
    return benchmark(estimators, X, y, groups=groups, **{"verbose": 0, "random_state": 0} | options)


def test_a_resumed_study_fits_only_what_is_new(make_plants, tmp_path):
    X, y, plants, _ = make_plants()
    log = tmp_path / "log"
    models = {"a": CountingClassifier(log=str(log))}
    options = {"memory": tmp_path / "cache", "baselines": None, "n_repeats": 2}
    first = score(models, X, y, plants, **options)
    assert len(log.read_text().split()) == 6
    again = score(models, X, y, plants, **options)
    assert len(log.read_text().split()) == 6
    assert str(first.rows) == str(again.rows)  # times too
    score(models, X, y, plants, **options | {"n_repeats": 3})
    assert len(log.read_text().split()) == 9
    score(models, X + 1, y, plants, **options)  # other data are other fits
    assert len(log.read_text().split()) == 15


def test_memory_without_a_seed_is_refused(make_plants, tmp_path):
    X, y, plants, _ = make_plants()
    with pytest.raises(ValueError, match="memory needs an int as random_state"):
        score({"lr": LR}, X, y, plants, memory=tmp_path, random_state=None)


KILLED = """
import sys, time
import numpy as np
sys.path.insert(0, {tests!r})
from counting import CountingClassifier
from skwater.evaluation import benchmark

class Slow(CountingClassifier):
    def fit(self, X, y):
        time.sleep(0.05)
        return super().fit(X, y)

if __name__ == "__main__":
    X = np.random.default_rng(0).normal(size=(24, 6))
    y = np.arange(24) % 2
    result = benchmark(
        {{"slow": Slow({log!r})}}, X, y, groups=np.arange(24), memory={memory!r}, n_repeats=10,
        random_state=0, verbose=0, baselines=None,
    )
    for row in result.rows:
        print({{k: v for k, v in row.items() if not k.endswith("_time")}})
"""


def test_killed_study_goes_on_where_it_was(tmp_path):
    def study(name):
        folder, log = tmp_path / name, tmp_path / f"{name}.log"
        script = tmp_path / f"{name}.py"
        tests = os.path.dirname(__file__)
        script.write_text(KILLED.format(tests=tests, log=str(log), memory=str(folder)))
        return [sys.executable, str(script)], log

    command, log = study("whole")
    whole = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
    assert len(log.read_text().split()) == 30
    command, log = study("killed")
    for n_fits in (3, 9, 20):
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        while process.poll() is None and (
            not log.exists() or len(log.read_text().split()) < n_fits
        ):
            time.sleep(0.01)
        process.kill()
        process.wait(timeout=60)
    resumed = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
    assert resumed.stdout == whole.stdout
    # A fit that was killed between its end and the write of its result is made again.
    assert 30 <= len(log.read_text().split()) <= 33


SCRIPT = """
import sys
import numpy as np
sys.path.insert(0, {tests!r})
from counting import CountingClassifier
from skwater.evaluation import benchmark

class Own(CountingClassifier):
    pass

if __name__ == "__main__":
    X, y = np.random.default_rng(0).normal(size=(24, 6)), np.arange(24) % 2
    for _ in range(2):
        benchmark(
            {{"own": Own({log!r})}}, X, y, groups=np.arange(24), memory={memory!r},
            random_state=0, n_jobs=2, n_repeats=1, verbose=0, baselines=None,
        )
"""


def test_classes_of_a_script_are_cached_by_processes(tmp_path):
    log, script = tmp_path / "log", tmp_path / "script.py"
    tests, memory = os.path.dirname(__file__), str(tmp_path / "cache")
    script.write_text(SCRIPT.format(tests=tests, log=str(log), memory=memory))
    subprocess.run([sys.executable, str(script)], check=True, timeout=120)
    assert len(log.read_text().split()) == 3


def test_what_has_no_name_cannot_be_cached(make_plants, tmp_path):
    X, y, plants, _ = make_plants()
    model = make_pipeline(FunctionTransformer(lambda X: X), LR)
    with pytest.raises(ValueError, match="memory cannot tell fits apart"):
        score({"m": model}, X, y, plants, memory=tmp_path)


# Threads.

TINY = {"hidden_channels": 1, "head_channels": (), "max_epochs": 1, "device": "cpu"}
CV = StratifiedKFold(3, shuffle=True, random_state=0)


@pytest.fixture
def as_usual(monkeypatch):
    """No variable of this environment says how many threads there are."""
    for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS"):
        monkeypatch.delenv(name, raising=False)


SHARE = max(1, joblib.cpu_count() // 2)


def test_cross_validation_shares_the_cores_among_its_processes(make_sequences, as_usual):
    class NoteThreads(Callback):
        def on_batch_end(self, net, **kwargs):
            net.history.record("threads", torch.get_num_threads())

    def threads(estimator, X, y):
        assert os.getpid() != parent
        return estimator.net_.history[-1]["threads"]

    parent = os.getpid()
    # A batch of as many pixels is one of those that all threads are for.
    model = ConvLSTMClassifier(**TINY, batch_size=10_000, callbacks=[NoteThreads()])
    X, y = make_sequences(8), np.arange(8) % 2
    scores = cross_validate(model, X, y, cv=2, n_jobs=2, scoring=threads, error_score="raise")
    assert scores["test_score"].tolist() == [SHARE, SHARE]


def test_benchmark_shares_the_cores_among_its_processes(make_sequences, as_usual):
    class Threads(DummyClassifier):
        def predict(self, X):
            return np.full(len(X), torch.get_num_threads())

    X, y = make_sequences(4), np.arange(4) % 2
    fold = Fold(0, 0, np.arange(2), np.arange(2, 4), seed=0)
    outcomes = dict(run([Task(Threads(), X, y, fold)] * 2, n_jobs=2, verbose=0))
    assert [outcomes[i].predicted.tolist() for i in (0, 1)] == [[SHARE, SHARE]] * 2


# Copies.


@pytest.fixture(scope="module")
def mapped(tmp_path_factory):
    """Photos of 24 plants in a memory-mapped file of 8 MB."""
    file = tmp_path_factory.mktemp("mapped") / "X.npy"
    X = np.random.default_rng(0).random((24, 7, 64, 64, 3), dtype=np.float32)
    np.save(file, X)
    return np.load(file, mmap_mode="r"), np.arange(24) % 2


def peak_memory(function):
    """Largest number of bytes that arrays had at once."""
    tracemalloc.start()
    function()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak


STUDIES = {
    "cross_validate": lambda model, X, y: cross_validate(model, X, y, cv=CV, error_score="raise"),
    "benchmark": lambda model, X, y: benchmark(
        {"model": model}, X, y, groups=np.arange(len(y)), cv=3, n_repeats=1, verbose=0
    ),
}


@pytest.mark.parametrize("study", STUDIES.values(), ids=STUDIES)
def test_folds_of_lazy_sequences_copy_only_batches(mapped, study):
    X, y = mapped
    network = ConvLSTMClassifier(**TINY, batch_size=1)
    model = make_pipeline(Resize(32), RSSResampler(20, lazy=True), network)
    study(model, X[:9], y[:9])  # what is imported on the way is no copy
    # A batch is one plant, 1/24 of it.
    assert peak_memory(lambda: study(model, SplicedSequences(X), y)) < X.nbytes / 3


def test_classifiers_do_not_copy_memory_mapped_sequences(mapped):
    X, y = mapped
    model = ConvLSTMClassifier(**TINY, batch_size=1).fit(X[:4], y[:4])
    model.predict(X[:4])
    assert peak_memory(lambda: model.fit(X, y).predict(X)) < X.nbytes / 3


def test_processes_map_what_lazy_sequences_hold(make_sequences):
    def is_mapped(estimator, X, y):
        return isinstance(X.base, np.memmap)

    X = SplicedSequences(make_sequences(8).repeat(16, axis=2).repeat(16, axis=3))
    assert X.base.nbytes > 2**20
    model, y = DummyClassifier(), np.arange(8) % 2
    scores = cross_validate(model, X, y, cv=2, n_jobs=2, scoring=is_mapped, error_score="raise")
    assert scores["test_score"].all()


# Cached preprocessing.


@pytest.fixture
def photos(tmp_path):
    """Files of 6 plants on 3 dates."""
    rng = np.random.default_rng(0)
    paths = [[str(tmp_path / f"{i}{t}.png") for t in range(3)] for i in range(6)]
    for path in np.ravel(paths):
        cv2.imwrite(path, rng.integers(256, size=(24, 24, 3), dtype=np.uint8))
    return paths


CONTAINERS = {
    "splices": lambda photos: SplicedSequences(np.asarray(ImageSequences(photos))),
    "memory-mapped": lambda photos: SplicedSequences(as_memmap(photos)),
    "photos": ImageSequences,
    "resized photos": lambda photos: Resize(8).fit_transform(ImageSequences(photos)),
}


def as_memmap(photos):
    with tempfile.NamedTemporaryFile(suffix=".npy", dir=Path(photos[0][0]).parent) as file:
        np.save(file, ImageSequences(photos))
        return np.load(file.name, mmap_mode="r")


@pytest.mark.parametrize("make", CONTAINERS.values(), ids=CONTAINERS)
def test_lazy_sequences_are_hashed_by_what_they_hold(photos, make):
    X = make(photos)
    assert joblib.hash(X) == joblib.hash(make(photos))
    assert joblib.hash(X[[0, 2]]) == joblib.hash(make(photos)[[0, 2]])
    different = [X, X[[0, 2]], X[[0, 1]], X[[1, 0]], X.take_frames([0, 2]), X.take_frames([0, 1])]
    different += [X.splice([[0, 1, 0]]), X.splice([[0, 0, 1]]), Resize(6).fit_transform(X)]
    different += [CenterCrop(6).fit_transform(X)]
    cv2.imwrite(photos[2][1], np.zeros((24, 24, 3), np.uint8))  # another photo of the same name
    different.append(make(photos))
    assert len({joblib.hash(x) for x in different}) == len(different)


class CountingResize(Resize):
    """Counts its fits, also in clones."""

    n_fits = 0

    def fit(self, X, y=None):
        type(self).n_fits += 1
        return super().fit(X, y)


class CountingResampler(RSSResampler):
    """Counts its draws, also in clones."""

    n_draws = 0

    def fit_resample(self, X, y, strata=None):
        type(self).n_draws += 1
        return super().fit_resample(X, y, strata)


@pytest.mark.parametrize("make", [np.asarray, lambda X: X], ids=["array", "photos"])
def test_preprocessing_is_cached(photos, tmp_path, make):
    CountingResize.n_fits = CountingResampler.n_draws = 0
    y = np.array([0, 0, 0, 1, 1, 1])

    def fit(memory, X, size=8):
        steps = [
            CenterCrop(16),
            CountingResize(size),
            CountingResampler(5, lazy=True, random_state=0),
            ConvLSTMClassifier(**TINY, random_state=0),
        ]
        model = make_pipeline(*steps, memory=memory).fit(X, y)
        return model, model.predict_proba(X)

    def n_computed():
        return CountingResize.n_fits, CountingResampler.n_draws

    X = make(ImageSequences(photos))
    plain, expected = fit(None, X)
    cold, first = fit(str(tmp_path / "memory"), X)
    assert n_computed() == (2, 2)
    warm, again = fit(str(tmp_path / "memory"), make(ImageSequences(photos)))
    assert n_computed() == (2, 2)  # nothing new
    np.testing.assert_array_equal(first, expected)
    np.testing.assert_array_equal(again, expected)
    for model in cold, warm:
        donors = model["countingresampler"].donors_
        assert np.array_equal(donors, plain["countingresampler"].donors_)
    fit(str(tmp_path / "memory"), X[::-1])
    assert n_computed() == (3, 3)
    fit(str(tmp_path / "memory"), X, size=4)
    assert n_computed() == (4, 4)
    cv2.imwrite(photos[0][0], np.zeros((24, 24, 3), np.uint8))
    _, other = fit(str(tmp_path / "memory"), make(ImageSequences(photos)))
    assert n_computed() == (5, 5)
    assert not np.array_equal(other, expected)
