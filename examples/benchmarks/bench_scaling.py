"""Does the cost grow linearly? Time and memory against frames, pixels, channels and plants.

One of them varies, the others stay: 8 plants (a batch) of 16 x 3 x 64 x 64. A training step
(forwards, backwards, Adam) and inference of ConvLSTMNet; for plants the whole fit of a
ConvLSTMClassifier, two epochs, and its predict_proba. Each size has a process of its own and all
sizes of an axis take turns. The slope is that of the logarithm of the time against the logarithm of
the size, and in brackets the lowest and highest of a single round.

These are the sizes that people wait for, and the smallest is the one that all axes share. Below it
something else is counted: a frame of a batch takes about a millisecond however small it is (8
plants of 16 x 16 train 5 times as fast as those of 64 x 64, not 16 times), and a fit some 40 ms
before its first step. The classifiers use a single thread there.

Channels are cheaper than linear: only the convolutions forwards and for the weights look at them,
and these see the 10 of the state too. Memory of prediction does not grow with frames or plants:
what has been seen is forgotten; nor does that of a fit with plants. Memory is the peak above what
the process has after its imports, a first tiny step and building the data.
"""

import ctypes

import numpy as np
from side_by_side import arguments, compare, write_json

BASE = {"frames": 16, "pixels": 64 * 64, "channels": 3, "plants": 8}
SIZES = {
    "frames": (16, 32, 64, 128),
    "pixels": tuple(side**2 for side in (64, 96, 128, 160, 192)),
    "channels": (3, 6, 12, 24, 48),
    "plants": (8, 16, 32, 64, 128),
}
ACTIONS = ("training", "prediction")


def build(size, case, threads):
    """Return the action of one size."""
    import torch

    torch.set_num_threads(threads)
    axis, action = case.split()
    sizes = BASE | {axis: size}
    # The memory of code that is loaded or compiled once, some 150 MB, is no part of a step.
    make_step(action, plants=1, frames=1, channels=sizes["channels"], pixels=8 * 8)()
    make = make_fit if axis == "plants" else make_step
    return {action: make(action, **sizes)}


def make_step(action, plants, frames, channels, pixels):
    """Make a training step of the network, or inference."""
    import torch
    from torch import nn

    from skwater.nn import ConvLSTMNet

    side = round(pixels**0.5)
    net = ConvLSTMNet(channels, 1, frame_size=(side, side))
    x, y = torch.rand(plants, frames, channels, side, side), torch.ones(plants, 1)
    if action == "prediction":
        return torch.inference_mode()(lambda: net(x))
    optimizer = torch.optim.Adam(net.parameters(), 1e-6)

    def training():
        optimizer.zero_grad()
        nn.functional.binary_cross_entropy_with_logits(net(x), y).backward()
        optimizer.step()

    return training


def make_fit(action, plants, frames, channels, pixels):
    """Make a whole fit, or predict_proba."""
    from skwater import ConvLSTMClassifier

    side = round(pixels**0.5)
    shape = plants, frames, side, side, channels
    X, y = np.random.default_rng(0).random(shape, dtype=np.float32), np.arange(plants) % 2
    model = ConvLSTMClassifier(max_epochs=2, device="cpu", random_state=0)
    if action == "training":
        return lambda: model.fit(X, y)
    model.set_params(max_epochs=1).fit(X[:2], y[:2])
    ctypes.CDLL(None).malloc_trim(0)  # or else predictions are made in memory that fit has freed
    return lambda: model.predict_proba(X)


def find_slopes(rows):
    """Slope of log time (lowest and highest round too) and of log memory for each case."""
    slopes = []
    for case in dict.fromkeys(row["case"] for row in rows):
        of_case = [row for row in rows if row["case"] == case]
        size, seconds, memory, rounds = (
            np.log([row[key] for row in of_case])
            for key in ("contender", "seconds", "peak_mb", "each_round")
        )
        each = np.polyfit(size, rounds, 1)[0]
        slopes.append(
            {
                "case": case,
                "time": float(np.polyfit(size, seconds, 1)[0]),
                "lowest": float(each.min()),
                "highest": float(each.max()),
                "memory": float(np.polyfit(size, memory, 1)[0]),
            }
        )
    return slopes


def show(rows, slopes):
    """Print the tables."""
    for slope in slopes:
        print(f"\n{slope['case']:24}{'ms':>8}{'MB':>8}")
        for row in rows:
            if row["case"] == slope["case"]:
                print(f"{row['contender']:24}{1e3 * row['seconds']:8.1f}{row['peak_mb']:8.1f}")
        spread = f"({slope['lowest']:.2f} to {slope['highest']:.2f})"
        print(f"{'slope':24}{slope['time']:8.2f}{slope['memory']:8.2f}   time {spread}")


def draw(rows, slopes, path):
    """Draw time and memory of training and of prediction."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    _, axes = plt.subplots(2, 2, figsize=(9, 8), sharex=True, layout="constrained")
    for slope in slopes:
        axis, action = slope["case"].split()
        of_case = [row for row in rows if row["case"] == slope["case"]]
        size = [row["contender"] / BASE[axis] for row in of_case]
        for ax, quantity, key in zip(
            axes[ACTIONS.index(action)], ("time", "memory"), ("seconds", "peak_mb"), strict=True
        ):
            label = f"{axis}, slope {slope[quantity]:.2f}"
            ax.loglog(size, [row[key] for row in of_case], "o-", label=label)
    for (left, right), action in zip(axes, ACTIONS, strict=True):
        left.set(title=action, ylabel="seconds")
        right.set(title=action, ylabel="peak memory above the data, MB")
        left.legend()
        right.legend()
    for ax in axes[-1]:
        ax.set_xlabel(", ".join(f"{n} {axis}" for axis, n in BASE.items()) + " = 1")
    plt.savefig(path, dpi=120)


def main():
    """Measure all sizes of one axis in turn, then the next."""
    options = arguments(__doc__)
    rows = []
    for axis in options.cases or SIZES:
        for action in ACTIONS:
            rows += compare(
                build,
                SIZES[axis],
                [f"{axis} {action}"],
                n_rounds=options.rounds,
                threads=options.threads,
                warm=True,
            )
    slopes = find_slopes(rows)
    show(rows, slopes)
    write_json("bench_scaling", rows, options, base=BASE, slopes=slopes)
    draw(rows, slopes, options.results / "bench_scaling.png")


if __name__ == "__main__":
    main()
