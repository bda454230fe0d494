"""What a fit sets for the whole process, and gives back however the fit ends.

These are torch's random generators, its default dtype and number of threads, the handler of Ctrl-C,
and the memory that the C library keeps. A lock makes fits in several threads follow each other.
"""

import os
import signal
import threading
from contextlib import contextmanager

import torch

from ..nn._waiting import sleeping_if_busy
from ..nn._workspace import give_freed_memory_back

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
def isolated_fit(seed, device, n_pixels):
    """Surround a fit: set what it needs in the process, and give it back.

    Parameters
    ----------
    seed : int
        Seed of torch's generators.
    device : str
        Device of the fit.
    n_pixels : int
        Pixels in a batch.

    Yields
    ------
    list
        Not empty after Ctrl-C.
    """
    with (
        _process.one_fit_at_a_time,
        _float32_by_default(),
        isolated_rng(seed, device),
        single_threaded_if_small(n_pixels),
        _noted_ctrl_c() as pressed,
    ):
        try:
            yield pressed
        finally:
            give_freed_memory_back()


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
def _float32_by_default():
    """Build networks in float32, the dtype of the batches."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float32)
    try:
        yield
    finally:
        torch.set_default_dtype(before)


@contextmanager
def _noted_ctrl_c():
    """Note whether a KeyboardInterrupt is Ctrl-C: callbacks raise one too, to end the training."""
    pressed, before = [], signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or not callable(before):
        yield pressed  # Ctrl-C does not reach this thread, or is ignored
        return

    def handle(signum, frame):
        try:
            before(signum, frame)
        except KeyboardInterrupt:
            pressed.append(True)
            raise

    try:
        signal.signal(signal.SIGINT, handle)
        yield pressed
    finally:
        signal.signal(signal.SIGINT, before)
