"""Threads that wait sleep on a busy machine, and compute the same."""

import os
import threading
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch

from skwater import ConvLSTMClassifier
from skwater.nn import _waiting
from skwater.nn._waiting import openmp, sleeping_if_busy

TASKS = Path("/proc/self/task")
needs_libgomp = pytest.mark.skipif(
    openmp() is None or not _waiting._LOAD.exists(), reason="torch has other threads here"
)


@pytest.fixture
def two_threads():
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


def wait_until(condition):
    for _ in range(6000):
        if condition():
            return
        threading.Event().wait(0.01)
    raise TimeoutError


def in_python():
    return {thread for thread in threading.enumerate() if thread.is_alive()}


@needs_libgomp
def test_a_busy_machine_has_more_openmp_threads_than_processors(monkeypatch, two_threads):
    is_busy, looked, watcher = threading.Event(), threading.Event(), []

    def look():
        watcher.append(threading.current_thread())
        looked.set()
        return is_busy.is_set()

    monkeypatch.setattr(_waiting, "_is_busy", look)
    before = in_python()
    torch.ones(2**20).exp_()  # torch's own threads exist from now on
    n_before = len(list(TASKS.iterdir()))
    with sleeping_if_busy():
        assert looked.wait(60)
        assert in_python() == before | {watcher[0]}
        is_busy.set()
        # The watcher, the thread that holds the team, and the rest of the team.
        n_team = len(os.sched_getaffinity(0))
        wait_until(lambda: len(list(TASKS.iterdir())) == n_before + 1 + n_team)
        is_busy.clear()
        wait_until(lambda: in_python() == before | {watcher[0]})
        is_busy.set()
        wait_until(lambda: len(in_python()) == len(before) + 2)
    assert in_python() == before
    wait_until(lambda: len(list(TASKS.iterdir())) == n_before)


@needs_libgomp
def test_one_thread_has_nobody_to_wait_for(monkeypatch, two_threads):
    monkeypatch.setattr(_waiting, "_is_busy", pytest.fail)
    torch.set_num_threads(1)
    before = in_python()
    with sleeping_if_busy():
        assert in_python() == before


def test_other_systems_change_nothing(monkeypatch, two_threads, tmp_path):
    monkeypatch.setattr(_waiting, "_LOAD", tmp_path / "no such file")
    before = in_python()
    with sleeping_if_busy():
        assert in_python() == before


@pytest.mark.parametrize(("n_ready", "expected"), [(1, False), (3, False), (4, True), (40, True)])
def test_busy_is_more_ready_threads_than_processors(monkeypatch, tmp_path, n_ready, expected):
    monkeypatch.setattr(_waiting, "_LOAD", tmp_path / "loadavg")
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    _waiting._LOAD.write_text(f"4.32 2.83 2.25 {n_ready}/108 9640\n")
    assert _waiting._is_busy() is expected


@needs_libgomp
def test_fits_on_a_busy_machine_are_bit_equal(monkeypatch, two_threads):
    X = np.random.default_rng(0).normal(size=(8, 3, 64, 64, 3)).astype(np.float32)
    y = np.arange(8) % 2
    model = ConvLSTMClassifier(max_epochs=3, batch_size=8, random_state=0, device="cpu")
    probabilities, looks = [], []
    for busy in (True, False):
        monkeypatch.setattr(_waiting, "_PERIOD", 0.001)
        monkeypatch.setattr(_waiting, "_is_busy", partial(lambda b: looks.append(b) or b, busy))
        probabilities.append(model.fit(X, y).predict_proba(X))
    assert {True, False} <= set(looks)
    assert np.array_equal(*probabilities)
