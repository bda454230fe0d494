"""Does an update of StressMonitor cost the same on each day? Time, memory and equality.

Simulated plants are followed for a whole season, all plants of a day in one call. Printed are
seconds for each plant on the first and the last ten days, the memory of the states beside what the
process takes more, the largest difference to `predict_proba_over_time` of some plants, and whether
a restart in the middle (save, a new monitor, load) changed an answer. Some minutes.
"""

import argparse
import resource
import tempfile
import time
from pathlib import Path

import numpy as np

from skwater import ConvLSTMClassifier
from skwater.datasets import make_water_stress
from skwater.monitoring import StressMonitor

parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
parser.add_argument("--plants", type=int, default=1000)
parser.add_argument("--days", type=int, default=60)
parser.add_argument("--size", type=int, default=64)
options = parser.parse_args()


def peak_memory():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


train = make_water_stress(8, 6, options.size, random_state=0)
model = ConvLSTMClassifier(max_epochs=1, random_state=0).fit(train.data, train.target)
rng = np.random.default_rng(0)
names = [f"plant {i}" for i in range(options.plants)]
watched = np.empty((4, options.days, options.size, options.size, 3), np.uint8)
monitor = StressMonitor(model, threshold=0.5)
twin = StressMonitor(model, threshold=0.5)
twin.update("warm", train.data[0, 0], 0)
before, seconds = peak_memory(), []
twin = StressMonitor(model, threshold=0.5)
for day in range(options.days):
    frames = rng.integers(0, 256, (options.plants, *watched.shape[2:]), dtype=np.uint8)
    watched[:, day] = frames[:4]
    start = time.perf_counter()
    monitor.update_many(names, frames, day)
    seconds.append((time.perf_counter() - start) / options.plants)
    twin.update_many(names[:4], frames[:4], day)
    if day == options.days // 2:
        with tempfile.TemporaryDirectory() as folder:
            twin.save(Path(folder) / "states.npz")
            twin = StressMonitor(model, threshold=0.5).load(Path(folder) / "states.npz")

states = options.plants * 2 * 10 * options.size**2 * 4 / 2**20
print(f"{options.plants} plants, {options.days} days, {options.size} x {options.size} pixels")
print(f"milliseconds for an update, first ten days: {1e3 * np.median(seconds[:10]):.2f}")
print(f"milliseconds for an update, last ten days:  {1e3 * np.median(seconds[-10:]):.2f}")
print(f"memory: {peak_memory() - before:.0f} MB more; the states are {states:.0f} MB")
# The batch answer of the model reads unsigned integers as the monitor does.
model.sequence_shape_ = (options.days, *model.sequence_shape_[1:])
batch = model.predict_proba_over_time(watched)[:, -1, 1]
found = np.array([monitor.status(name).probability for name in names[:4]])
restarted = np.array([twin.status(name).probability for name in names[:4]])
print(f"largest difference to the batch answer: {np.abs(found - batch).max():.1e}")
print(f"largest difference after a restart:     {np.abs(found - restarted).max():.1e}")
