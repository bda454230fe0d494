"""How torch's threads wait for each other: in busy loops, or asleep if the machine is busy."""

import ctypes
import os
import threading
from contextlib import contextmanager
from pathlib import Path

import torch

from ._machine_code import _threads as openmp

_LOAD = Path("/proc/loadavg")  # Linux only
_PERIOD = 0.05  # seconds between two looks at the load


@contextmanager
def sleeping_if_busy():
    """Let threads of torch sleep while they wait, as long as other processes need the processors.

    A thread that waits for the next operation runs in a busy loop for some milliseconds. That is
    the fastest way to wait, but beside another process it takes the processor from the thread that
    is waited for. How long it does so is read from the environment once, when torch is loaded. But
    libgomp sleeps almost at once if there are more OpenMP threads than processors. So idle ones
    are added while more threads are ready to run than there are processors. The number of threads
    that compute stays, and with it every bit of the result.
    """
    library = openmp()
    if library is None or torch.get_num_threads() == 1 or not _LOAD.exists():
        yield
        return
    is_done = threading.Event()
    watcher = threading.Thread(target=_watch, args=(library, is_done), daemon=True)
    watcher.start()
    try:
        yield
    finally:
        is_done.set()
        watcher.join()


def _watch(library, is_done):
    while not is_done.wait(_PERIOD):
        if not _is_busy():
            continue
        is_quiet = threading.Event()
        idle = threading.Thread(target=_idle_team, args=(library, is_quiet), daemon=True)
        idle.start()
        while not is_done.wait(_PERIOD) and _is_busy():
            pass
        is_quiet.set()
        idle.join()


def _is_busy():
    """Whether more threads are ready to run on this machine than it has processors."""
    n_ready = int(_LOAD.read_text(encoding="ascii").split()[3].partition("/")[0])
    return n_ready - 1 > os.cpu_count()  # this thread only looks


def _idle_team(library, is_quiet):
    """Hold an OpenMP thread for each processor; they sleep, and end with this thread."""
    nothing = ctypes.cast(library.omp_get_thread_num, ctypes.c_void_p)
    library.GOMP_parallel(nothing, None, len(os.sched_getaffinity(0)), 0)
    is_quiet.wait()
