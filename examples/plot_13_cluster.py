"""
How do I run a study on several machines?
=========================================

Everything that scikit-learn and ``skwater.evaluation`` run with joblib also runs on a cluster,
by the same lines inside a ``with``. The numbers do not change, and a study that was killed goes on
where it was.
"""

# %%
# A study
# -------
# A network and the baselines on simulated plants, one treatment left out at a time. Seeds are drawn
# before the fits are handed out, so that it does not matter which machine runs which fit.
import os
import tempfile
from contextlib import contextmanager
from importlib.util import find_spec
from time import perf_counter

import matplotlib.pyplot as plt
import numpy as np
from joblib import parallel_config

from skwater import ConvLSTMClassifier
from skwater.datasets import make_water_stress
from skwater.evaluation import benchmark
from skwater.plotting import BenchmarkDisplay
from skwater.preprocessing import CanopyCover

fast = "SKWATER_EXAMPLES_FAST" in os.environ  # for the tests: everything small
days = [14, 18, 21, 25, 28, 32, 36, 39]
plants = make_water_stress(
    18 if fast else 30, len(days), days=days, size=16 if fast else 48, random_state=0
)
X = CanopyCover().fit_transform(plants.data)[..., None]
models = {"ConvLSTM": ConvLSTMClassifier(max_epochs=2 if fast else "auto")}
study = {
    "groups": plants.plant,
    "treatments": plants.treatment,
    "n_repeats": 1,
    "random_state": 0,
    "verbose": 0,
}
alone = benchmark(models, X, plants.target, **study)
print(alone)


# %%
# The same study on a cluster
# ---------------------------
# With dask, this is all::
#
#     from dask.distributed import Client
#
#     client = Client("scheduler:8786")  # the address of your scheduler
#     with parallel_config(backend="dask"):
#         result = benchmark(models, X, y, memory="/shared/study", **study)
#
# With ray::
#
#     from ray.util.joblib import register_ray
#
#     register_ray()
#     with parallel_config(backend="ray", n_jobs=-1):
#         result = benchmark(models, X, y, memory="/shared/study", **study)
#
# The machines need the same versions of the packages, and a shared folder for ``memory``, which
# keeps finished fits. Here there is one machine: two workers of dask if it is installed, or else
# two threads of joblib.
@contextmanager
def workers():
    """Run the fits of joblib on two workers."""
    if fast or find_spec("distributed") is None:
        with parallel_config(backend="threading", n_jobs=2):
            yield "two threads of joblib"
        return
    from dask.distributed import Client

    options = {"n_workers": 2, "threads_per_worker": 1, "processes": False}
    with Client(**options, dashboard_address=None), parallel_config(backend="dask"):
        yield "two workers of dask"


memory = tempfile.TemporaryDirectory()
seconds = []
with workers() as name:
    for _ in range(2):
        start = perf_counter()
        shared = benchmark(models, X, plants.target, memory=memory.name, **study)
        seconds.append(perf_counter() - start)

print(f"with {name}:")
for one, other in zip(alone.rows, shared.rows, strict=True):
    same = np.isclose(one["balanced_accuracy"], other["balanced_accuracy"])
    print(f"  {one['model']}: {'the same score' if same else 'another score'}")
print(f"first run {seconds[0]:.1f} s; second run, from the fits in memory, {seconds[1]:.1f} s")
memory.cleanup()

BenchmarkDisplay.from_result(shared)
plt.show()

# %%
# The plants are simulated and end on day 39: the scores show nothing about real plants.
#
# **Read next:** :func:`~skwater.evaluation.benchmark` on ``memory`` and ``n_jobs``, and
# :doc:`plot_07_honest_score` on what the table says.
