"""What torch sets for a whole process: generators, default dtype, number of threads.

Each context manager here sets one of them and gives it back. A lock makes those in several threads
follow each other.
"""

import os
import threading
from contextlib import contextmanager

import torch

from ._waiting import sleeping_if_busy

# With fewer pixels in a batch, a second thread makes a step slower: up to ten times for vectors.
_PIXELS_FOR_THREADS = 8 * 64 * 64


class _Process:
    """State of this process: a forked one starts anew, without the threads of its parent."""

    def __init__(self, *, is_forked=False):
        self.is_forked = is_forked
        # Torch draws from generators of the process: of two fits in threads each would take draws
        # of the other, and neither could be repeated.
        self.one_fit_at_a_time = threading.RLock()
        self.thread = threading.local()
        self.lock = threading.Lock()
        self.n_threads_before = []  # one item for each thread that is limited to one torch thread


_process = _Process()


def _start_anew():
    global _process
    _process = _Process(is_forked=True)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_start_anew)


@contextmanager
def one_fit_at_a_time():
    """Wait for the fits in other threads of this process."""
    with _process.one_fit_at_a_time:
        yield


@contextmanager
def isolated_rng(seed, device):
    """Seed torch, and give the caller's generators back as they were."""
    devices = [torch.device(device)] if torch.device(device).type == "cuda" else []
    with torch.random.fork_rng(devices):
        torch.default_generator.manual_seed(seed)
        for cuda in devices:
            with torch.cuda.device(cuda):
                torch.cuda.manual_seed(seed)
        yield


def check_fork():
    """Fail in a process that was forked from one that has used CUDA: torch cannot train there.

    Not even on the processor, since its optimizers ask CUDA first.
    """
    if not (_process.is_forked and torch.cuda.is_available()):
        return
    try:
        torch.cuda.is_current_stream_capturing()
    except RuntimeError as error:
        raise RuntimeError(
            "This process was forked from one that has used CUDA, so it cannot train images. Start "
            "processes anew: backend='loky', the default of joblib, in place of 'multiprocessing'."
        ) from error


@contextmanager
def single_threaded_if_small(n_pixels):
    """Use one torch thread if batches are so small that threads would only wait for each other.

    A forked process always uses one: OpenMP would wait there for threads of the parent, forever.
    If several are used, they sleep while they wait on a busy machine.
    """
    process, is_small = _process, n_pixels < _PIXELS_FOR_THREADS
    if getattr(process.thread, "is_limited", False):
        yield
        return
    if not (is_small or process.is_forked):
        with sleeping_if_busy():
            yield
        return
    with process.lock:
        # A new thread starts with the number of the process. If that is limited now, the number
        # to go back to is the one before.
        before = (process.n_threads_before or [torch.get_num_threads()])[0]
        process.n_threads_before.append(before)
        torch.set_num_threads(1)
    process.thread.is_limited = True
    try:
        yield
    finally:
        process.thread.is_limited = False
        with process.lock:
            process.n_threads_before.pop()
            torch.set_num_threads(before)


@contextmanager
def float32_by_default():
    """Build networks in float32, the dtype of the batches."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float32)
    try:
        yield
    finally:
        torch.set_default_dtype(before)


def choose_device(device, frame_size):
    """Return the device of that name; "auto" takes a CUDA device for images if there is one.

    Vectors are so little work that a CUDA device would wait for its next call most of the time.
    """
    if device != "auto":
        return device
    return "cuda" if frame_size != (1, 1) and torch.cuda.is_available() else "cpu"
