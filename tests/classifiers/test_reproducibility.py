"""What a fit sets for the process is given back, however the fit ends."""

import os
import signal
import subprocess
import sys
import threading
from contextlib import suppress

import numpy as np
import pytest
import torch
from skorch.callbacks import Callback

from skwater import ConvLSTMClassifier
from skwater.classifiers._reproducibility import isolated_fit
from skwater.nn import _process
from skwater.nn._process import single_threaded_if_small


class PressCtrlC(Callback):
    """Ctrl-C that lands while this callback runs."""

    def __init__(self, when, epoch=2):
        self.when, self.epoch = when, epoch

    def on_epoch_end(self, net, **kwargs):
        if self.when == "epoch" and len(net.history) == self.epoch:
            signal.raise_signal(signal.SIGINT)

    def on_train_end(self, net, **kwargs):
        if self.when == "end":
            signal.raise_signal(signal.SIGINT)


@pytest.mark.parametrize(("when", "n_epochs"), [("epoch", 2), ("end", 5)])
@pytest.mark.parametrize("ndim", [3, 5])
def test_d1_ctrl_c_in_a_callback_is_not_swallowed(make_classifier, make_task, when, n_epochs, ndim):
    X, y = make_task(ndim=ndim)
    model = make_classifier(max_epochs=5, callbacks=[PressCtrlC(when)])
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        model.fit(X, y)
    assert model.interrupted_
    assert len(model.history_) == n_epochs
    assert model.predict(X).shape == (len(X),)
    assert signal.getsignal(signal.SIGINT) is before


def test_d1_handler_of_the_user_that_ignores_ctrl_c(make_classifier, make_task):
    calls, before = [], signal.getsignal(signal.SIGINT)
    signal.signal(signal.SIGINT, lambda *args: calls.append(args))
    try:
        model = make_classifier(max_epochs=5, callbacks=[PressCtrlC("epoch")]).fit(*make_task())
    finally:
        signal.signal(signal.SIGINT, before)
    assert len(calls) == 1
    assert not model.interrupted_
    assert len(model.history_) == 5


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16], ids=str)
@pytest.mark.parametrize("ndim", [2, 5])
def test_d5_default_dtype_of_torch_changes_nothing(make_classifier, make_task, dtype, ndim):
    X, y = make_task(ndim=ndim)
    expected = make_classifier(max_epochs=2).fit(X, y).predict_proba(X)
    before = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        model = make_classifier(max_epochs=2).fit(X, y)
        assert torch.get_default_dtype() is dtype
        assert np.array_equal(model.predict_proba(X), expected)
        assert model.predict_proba_over_time(X).shape == (len(X), 5, 2)
    finally:
        torch.set_default_dtype(before)


FORKED = """
import numpy as np
import torch
from joblib import parallel_config
from sklearn.model_selection import cross_val_score

from skwater import ConvLSTMClassifier

torch.set_num_threads(2)
X = np.random.default_rng(0).normal(size=(8, 2, 64, 64, 3)).astype(np.float32)
y = np.arange(8) % 2
model = ConvLSTMClassifier(max_epochs=1, batch_size=8, random_state=0, device="cpu").fit(X, y)
with parallel_config("multiprocessing", n_jobs=2):
    print(cross_val_score(model, X, y, cv=2, error_score="raise").shape)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="processes are not forked here")
def test_d9_forked_processes_fit_after_a_fit():
    settings = {name: value for name, value in os.environ.items() if name != "OMP_NUM_THREADS"}
    run = subprocess.run(
        [sys.executable, "-c", FORKED], env=settings, capture_output=True, text=True, timeout=120
    )
    if torch.cuda.is_available():
        assert "forked from one that has used CUDA" in run.stderr
        return
    assert run.returncode == 0, run.stderr
    assert run.stdout == "(2,)\n"


def test_forked_from_a_process_that_has_used_cuda(make_classifier, make_task, monkeypatch):
    def fail():
        raise RuntimeError("CUDA error: initialization error")

    monkeypatch.setattr(_process, "_process", _process._Process(is_forked=True))
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "is_current_stream_capturing", fail)
    with pytest.raises(RuntimeError, match="backend='loky'"):
        make_classifier().fit(*make_task())
    pytest.importorskip("numba", reason="numba is not installed")
    make_classifier().fit(*make_task(ndim=3))  # machine code does not ask CUDA


def settings():
    return (
        torch.get_num_threads(),
        torch.get_default_dtype(),
        torch.get_rng_state().tolist(),
        signal.getsignal(signal.SIGINT),
    )


@pytest.mark.parametrize("error", [None, ZeroDivisionError, KeyboardInterrupt, SystemExit])
def test_settings_are_given_back(error):
    before = settings()
    with suppress(error or ()), isolated_fit(0, "cpu", 1):
        torch.rand(3)
        assert torch.get_num_threads() == 1
        if error is not None:
            raise error
    assert settings() == before


def test_threads_of_new_threads_are_given_back():
    before, inside = torch.get_num_threads(), threading.Barrier(2)
    torch.set_num_threads(2)

    def work():
        with single_threaded_if_small(1):
            inside.wait(60)

    try:
        thread = threading.Thread(target=work)
        with single_threaded_if_small(1):
            thread.start()  # this one knows of one thread only
            inside.wait(60)
        thread.join()
        with single_threaded_if_small(1), single_threaded_if_small(1):
            assert torch.get_num_threads() == 1
        found = []
        other = threading.Thread(target=lambda: found.append(torch.get_num_threads()))
        other.start(), other.join()
        assert found == [torch.get_num_threads()] == [2]
    finally:
        torch.set_num_threads(before)


def test_fits_in_other_threads_are_not_stopped_by_a_callback(make_task):
    """There Ctrl-C does not arrive, and its handler cannot be set."""
    X, y = make_task(ndim=3)
    fits = []

    def work():
        fits.append(ConvLSTMClassifier(max_epochs=2, random_state=0, device="cpu").fit(X, y))

    thread = threading.Thread(target=work)
    thread.start(), thread.join()
    assert not fits[0].interrupted_
