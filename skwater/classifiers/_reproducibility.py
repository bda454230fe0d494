"""What a fit sets for the whole process, and gives back however the fit ends.

These are torch's random generators, its default dtype and number of threads, the handler of Ctrl-C,
and the memory that the C library keeps.
"""

import signal
import threading
from contextlib import contextmanager

from ..nn._process import (
    float32_by_default,
    isolated_rng,
    one_fit_at_a_time,
    single_threaded_if_small,
)
from ..nn._workspace import give_freed_memory_back


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
        one_fit_at_a_time(),
        float32_by_default(),
        isolated_rng(seed, device),
        single_threaded_if_small(n_pixels),
        _noted_ctrl_c() as pressed,
    ):
        try:
            yield pressed
        finally:
            give_freed_memory_back()


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
