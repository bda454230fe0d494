"""Freed memory is kept for the next training step, and returned after training."""

import subprocess
import sys

import pytest

from skwater.nn import _workspace

SCRIPT = """
import resource, sys, torch
from skwater.nn import {net}

torch.set_num_threads(1)
net, x = {net}(3, 1, frame_size=(96, 96)), torch.rand(4, 12, 3, 96, 96)

def resident():
    return int(open("/proc/self/statm").read().split()[1]) * resource.getpagesize()

def faults_of_a_step():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    net(x).sum().backward()
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

start = resident()
steps = [faults_of_a_step() for _ in range(4)]
trained = resident()
net.eval()
print(steps[0], steps[-1], (trained - start) // 2**20, (trained - resident()) // 2**20)
"""


@pytest.mark.skipif(_workspace._glibc() is None, reason="the C library is not glibc")
@pytest.mark.parametrize("net", ["ConvLSTMNet", "CNNLSTMNet"])
def test_memory_is_kept_in_training_and_returned_after_it(net):
    # In a process of its own: what others have freed would hide it.
    command = [sys.executable, "-c", SCRIPT.format(net=net)]
    first, last, saved, given_back = map(int, subprocess.check_output(command).split())
    assert last < first / 10  # page faults
    assert min(saved, given_back) > 40  # MB
