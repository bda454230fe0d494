"""How fast is ConvLSTMNet? Against the loop that a textbook has, and against Keras.

Training step (forwards, backwards, Adam), inference, and the peak memory of training, each
contender in a process of its own. "small" is a batch of 8 sequences of 16 x 3 x 64 x 64 and 16
hidden channels; "ref b1" and "ref b4" are the published network, 16 x 3 x 224 x 224, with 1 and 4.
Machine code by llvmlite and Keras take part where they are installed, ``pip install
skwater[bench]``. The share of the roofline is of what a convolution of 64 to 64 channels reaches in
the same rounds.
"""

import os
from importlib.util import find_spec

from side_by_side import arguments, compare, report

N_FRAMES = 16
CASES = {"small": (8, 64, 16), "ref b1": (1, 224, 10), "ref b4": (4, 224, 10)}
PYTORCH_ONLY = "skwater, PyTorch only"
ROOFLINE = "large convolution"


def build(contender, case, threads):
    """Return the actions of one contender."""
    if contender.startswith("Keras"):
        return build_keras(contender.split()[-1], *CASES[case], threads)
    return build_torch(contender, *CASES[case], threads)


def build_torch(contender, batch, size, n_hidden, threads):
    """Ours, the naive loop, or one convolution."""
    import torch
    from textbook import TextbookConvLSTMNet
    from torch import nn

    from skwater.nn import ConvLSTMNet, _layer

    torch.set_num_threads(threads)
    if contender == PYTORCH_ONLY:
        _layer._HAS_LLVMLITE = False
    if contender == ROOFLINE:
        conv, x = nn.Conv2d(64, 64, 3, padding=1), torch.rand(batch, 64, size, size)
        x = x.to(memory_format=torch.channels_last)
        return {"training": torch.inference_mode()(lambda: conv(x))}

    module = TextbookConvLSTMNet if contender == "naive" else ConvLSTMNet
    options = {
        "hidden_channels": n_hidden,
        "low_memory": "low memory" in contender,
        "precision": "bfloat16" if "bfloat16" in contender else "float32",
    }

    def actions(batch, size):
        net = module(3, 1, frame_size=(size, size), **options)
        optimizer = torch.optim.Adam(net.parameters(), 1e-6)
        x, y = torch.rand(batch, N_FRAMES, 3, size, size), torch.ones(batch, 1)

        def training():
            optimizer.zero_grad()
            nn.functional.binary_cross_entropy_with_logits(net(x), y).backward()
            optimizer.step()

        return {"training": training, "inference": torch.inference_mode()(lambda: net.eval()(x))}

    actions(1, 8)["training"]()  # the memory of code that is loaded or compiled once does not count
    return actions(batch, size)


def build_keras(backend, batch, size, n_hidden, threads):
    """The same layers in Keras."""
    os.environ |= {"KERAS_BACKEND": backend, "OMP_NUM_THREADS": str(threads)}
    if backend == "tensorflow":
        import tensorflow

        tensorflow.config.threading.set_intra_op_parallelism_threads(threads)
        tensorflow.config.threading.set_inter_op_parallelism_threads(1)
    else:
        import torch

        torch.set_num_threads(threads)
    import keras
    import numpy as np

    pool = keras.layers.MaxPooling2D
    net = keras.Sequential(
        [
            keras.Input((N_FRAMES, size, size, 3)),
            keras.layers.ConvLSTM2D(n_hidden, 3, padding="same", recurrent_activation="sigmoid"),
            keras.layers.Conv2D(20, 3, activation="relu"),
            pool(4),
            keras.layers.Conv2D(40, 3, activation="relu"),
            pool(4),
            keras.layers.Flatten(),
            keras.layers.Dense(1, activation="sigmoid"),
        ]
    )
    net.compile(keras.optimizers.Adam(1e-6), "binary_crossentropy")
    x = np.random.default_rng(0).random((batch, N_FRAMES, size, size, 3), dtype=np.float32)
    y = np.ones((batch, 1), dtype=np.float32)
    return {
        "training": lambda: net.train_on_batch(x, y),
        "inference": lambda: net.predict_on_batch(x),
    }


def flops(case):
    """Arithmetic of the convolutions over [x, h] in a training step, and of the large one."""
    batch, size, n_hidden = CASES[case]
    tap = 2 * 9 * batch * size**2
    forwards = weights = tap * (3 + n_hidden) * 4 * n_hidden
    by_state = tap * n_hidden * 4 * n_hidden
    return N_FRAMES * (forwards + weights + by_state), tap * 64 * 64


def main():
    """Compare, and add the share of the roofline to each training step."""
    options = arguments(__doc__)
    contenders = ["naive", "skwater", "skwater, low memory", "skwater, bfloat16", ROOFLINE]
    if find_spec("llvmlite"):
        contenders.insert(1, PYTORCH_ONLY)
    if find_spec("keras"):
        backends = [name for name in ("torch", "tensorflow") if find_spec(name)]
        contenders += [f"Keras on {backend}" for backend in backends]
    cases = options.cases or list(CASES)
    rows = compare(build, contenders, cases, n_rounds=options.rounds, threads=options.threads)
    roof = {row["case"]: row["seconds"] for row in rows if row["contender"] == ROOFLINE}
    rows = [row for row in rows if row["contender"] != ROOFLINE]
    report("bench_convlstm", rows, options)
    for row in rows:
        if row["action"] == "training":
            ours, large = flops(row["case"])
            share = ours / row["seconds"] / (large / roof[row["case"]])
            print(f"{row['case']:8} {row['contender']:22} {share:4.0%} of the roofline")


if __name__ == "__main__":
    main()
