"""What does a fit cost beside a busy neighbor? Quiet and busy rounds in turn.

The neighbor is one process that computes without a pause, as another user's would. On two cores
a fit with one thread should take as long as before; one with two threads loses half of one
core, and much more if its threads wait for each other in busy loops. Shown are the medians of the
wall time and of the processor time of the fit, and the ratio of the medians.

    python examples/benchmarks/bench_busy.py results                # 4 minutes
    python examples/benchmarks/bench_busy.py results --rounds 3 --cases vectors
"""

import subprocess
import sys
from contextlib import contextmanager
from time import perf_counter, process_time, sleep

import numpy as np
import torch
from side_by_side import arguments, write_json
from sklearn.model_selection import cross_val_score

from skwater import ConvLSTMClassifier, RSSResampler, make_pipeline
from skwater.datasets import make_water_stress


def readme():
    """The README's first example with two epochs: three fits with splicing, 16 x 16 pixels."""
    plants = make_water_stress(size=16, random_state=0)
    sampler = RSSResampler(60, onset=plants.onset, random_state=0)
    pipeline = make_pipeline(
        sampler, ConvLSTMClassifier(max_epochs=2, random_state=0, device="cpu")
    )
    return lambda: cross_val_score(
        pipeline, plants.data, plants.target, scoring="balanced_accuracy", cv=3
    )


def images():
    """Thirty sequences of 16 images of 64 x 64 pixels, three epochs."""
    plants = make_water_stress(size=64, random_state=0)
    model = ConvLSTMClassifier(max_epochs=3, random_state=0, device="cpu")
    return lambda: model.fit(plants.data, plants.target)


def vectors():
    """120 sequences of 16 vectors of 28 numbers, 300 steps."""
    X = np.random.default_rng(0).normal(size=(120, 16, 28)).astype(np.float32)
    y = np.arange(120) % 2
    model = ConvLSTMClassifier(max_epochs=20, batch_size=8, random_state=0, device="cpu")
    return lambda: model.fit(X, y)


CASES = {"README, 16 px": readme, "images, 64 px": images, "vectors": vectors}


@contextmanager
def neighbor():
    """Another process that keeps one core busy."""
    process = subprocess.Popen([sys.executable, "-c", "while True: pass"])
    try:
        sleep(0.5)  # it runs, and the fits before have no thread left that waits
        yield
    finally:
        process.kill()
        process.wait()


def timed(action):
    """Wall time and processor time in seconds."""
    start, cpu = perf_counter(), process_time()
    action()
    return perf_counter() - start, process_time() - cpu


def main():
    """Measure all cases."""
    options = arguments(__doc__)
    torch.set_num_threads(options.threads)
    rows = []
    print(f"{'':16}{'quiet s':>9}{'busy s':>9}{'ratio':>7}{'CPU ratio':>11}  (lowest to highest)")
    for case in options.cases or CASES:
        action = CASES[case]()
        action()  # compiles
        rounds = []
        for _ in range(options.rounds):
            quiet = timed(action)
            with neighbor():
                rounds.append([quiet, timed(action)])
        seconds = np.array(rounds)  # round, quiet or busy, wall or processor
        (wall, cpu), (busy_wall, busy_cpu) = np.median(seconds, axis=0)
        each = seconds[:, 1, 0] / seconds[:, 0, 0]
        print(
            f"{case:16}{wall:9.2f}{busy_wall:9.2f}{busy_wall / wall:7.2f}{busy_cpu / cpu:11.2f}"
            f"  ({each.min():.2f} to {each.max():.2f})",
            flush=True,
        )
        rows.append({"case": case, "ratio": busy_wall / wall, "each_round": seconds.tolist()})
    write_json("bench_busy", rows, options)


if __name__ == "__main__":
    main()
