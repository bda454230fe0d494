"""How fast is a fit on sequences of vectors? Against skorch, Keras, aeon, and plain C.

`fit` and `predict` of a network with 10 hidden units, 16 frames, batches of 8, and as many epochs
as some 300 steps of Adam need. "16 x 28, 120" are 120 sequences of 16 frames of 28 numbers
(indicators); 1,280 is an embedding. Each contender has a process and a thread of its own; seconds
are those of the CPU. "plain C" is the floor: the same arithmetic without any library, compiled
with ``cc -O3 -march=native`` and checked against torch's losses. It takes standardized float32.
aeon has no recurrent classifier; its FCN is another, larger network. Contenders that are not
installed are left out.
"""

import ctypes
import os
import subprocess
import tempfile
import time
from importlib import import_module
from pathlib import Path

import numpy as np
from side_by_side import arguments, compare, report

N_FRAMES, N_HIDDEN, BATCH_SIZE, LR, N_STEPS = 16, 10, 8, 1e-3, 300
CASES = {
    f"16 x {n_channels}, {n}": (n, n_channels)
    for n_channels in (28, 1280)
    for n in (30, 120, 300, 3000)
}
NEEDS = {"Keras": ("keras", "tensorflow"), "aeon": ("aeon", "tensorflow")}
CONTENDERS = ["plain C", "skwater", "skwater, CNN-LSTM", "skorch, nn.LSTM", "Keras", "aeon"]


def build(contender, case, threads):
    """Return the actions of one contender."""
    n, n_channels = CASES[case]
    X = np.random.default_rng(0).normal(size=(n, N_FRAMES, n_channels)).astype(np.float32)
    y = np.arange(n) % 2
    epochs = max(1, round(N_STEPS / -(-n // BATCH_SIZE)))
    makers = {"plain C": floor, "skorch, nn.LSTM": with_skorch, "Keras": keras, "aeon": aeon}
    fit, predict = makers.get(contender, ours)(X, y, epochs, contender)
    fit()
    return {"fit": fit, "predict": predict}


def ours(X, y, epochs, contender):
    """The classifiers of this package."""
    from skwater import CNNLSTMClassifier, ConvLSTMClassifier

    options = {"max_epochs": epochs, "batch_size": BATCH_SIZE, "lr": LR, "random_state": 0}
    if contender == "skwater":
        model = ConvLSTMClassifier(hidden_channels=N_HIDDEN, **options)
    else:
        model = CNNLSTMClassifier(**options)
    return lambda: model.fit(X, y), lambda: model.predict_proba(X)


def with_skorch(X, y, epochs, contender):
    """A plain skorch net around torch's LSTM."""
    import torch
    from skorch import NeuralNetBinaryClassifier

    class Net(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.lstm = torch.nn.LSTM(X.shape[2], N_HIDDEN, batch_first=True)
            self.head = torch.nn.Linear(N_HIDDEN, 1)

        def forward(self, x):
            return self.head(self.lstm(x)[1][0][-1])

    torch.set_num_threads(1)
    model = NeuralNetBinaryClassifier(
        Net,
        optimizer=torch.optim.Adam,
        lr=LR,
        max_epochs=epochs,
        batch_size=BATCH_SIZE,
        iterator_train__shuffle=True,
        train_split=None,
        verbose=0,
    )
    X, y = (X - X.mean((0, 1))) / X.std((0, 1)), y.astype(np.float32)
    return lambda: model.fit(X, y), lambda: model.predict_proba(X)


def keras(X, y, epochs, contender):
    """The same layers in Keras."""
    import tensorflow

    tensorflow.config.threading.set_intra_op_parallelism_threads(1)
    tensorflow.config.threading.set_inter_op_parallelism_threads(1)
    import keras

    layers = [keras.layers.LSTM(N_HIDDEN), keras.layers.Dense(1, activation="sigmoid")]
    net = keras.Sequential([keras.Input(X.shape[1:]), *layers])
    net.compile(keras.optimizers.Adam(LR), "binary_crossentropy")
    options = {"batch_size": BATCH_SIZE, "epochs": epochs, "verbose": 0}
    return lambda: net.fit(X, y, **options), lambda: net.predict(X, verbose=0)


def aeon(X, y, epochs, contender):
    """The convolutional network of aeon, which takes (n, channels, frames)."""
    from aeon.classification.deep_learning import FCNClassifier

    X = np.ascontiguousarray(X.transpose(0, 2, 1))
    model = FCNClassifier(n_epochs=epochs, batch_size=BATCH_SIZE, random_state=0)
    return lambda: model.fit(X, y), lambda: model.predict_proba(X)


def floor(X, y, epochs, contender):
    """The program in C, after its losses have been compared with those of torch."""
    library = compile_floor()
    Z, y = (X - X.mean((0, 1))) / X.std((0, 1)), y.astype(np.float32)
    n, t, c = X.shape
    weights = check_against_torch(library, Z, y)
    rng = np.random.default_rng(0)
    bounds = np.arange(0, n, BATCH_SIZE)
    n_rows = np.tile(np.diff(np.append(bounds, n)), epochs).astype(np.int32)

    def fit():
        order = np.concatenate([rng.permutation(n) for _ in range(epochs)]).astype(np.int32)
        train(library, Z, y, order, n_rows, weights.copy())

    logits = np.empty(n, np.float32)
    return fit, lambda: library.predict(
        pointer(Z), n, t, c, N_HIDDEN, pointer(weights), pointer(logits)
    )


def compile_floor():
    """Compile the program into a library."""
    source = Path(__file__).with_name("vectors_floor.c")
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "floor.so"
        options = ["-O3", "-march=native", "-shared", "-fPIC"]
        subprocess.run(["cc", *options, source, "-o", target, "-lm"], check=True)
        return ctypes.CDLL(str(target))


def pointer(array):
    """Address of an array for C."""
    return array.ctypes.data_as(ctypes.c_void_p)


def train(library, X, y, order, n_rows, weights):
    """Train the weights in place; return the losses of the batches."""
    losses = np.empty(len(n_rows), np.float32)
    _, t, c = X.shape
    data, steps = (pointer(X), pointer(y), t, c, N_HIDDEN), (pointer(order), pointer(n_rows))
    rule = ctypes.c_float(LR), pointer(weights), pointer(losses)
    library.train(*data, *steps, len(n_rows), *rule)
    return losses


def check_against_torch(library, X, y):
    """Compare the losses of some steps with torch's; return the first weights."""
    import torch
    from textbook import TextbookConvLSTMNet

    torch.manual_seed(0)
    net = TextbookConvLSTMNet(X.shape[2], 1, frame_size=(1, 1), hidden_channels=N_HIDDEN)
    (layer,), linear = net.layers, net.head[-1]
    parts = [layer.conv.weight.flatten(1).T, layer.conv.bias, linear.weight, linear.bias]
    weights = np.concatenate([part.detach().numpy().ravel() for part in parts])
    order = np.arange(24, dtype=np.int32)
    found = train(library, X, y, order, np.full(3, 8, np.int32), weights.copy())
    optimizer, losses = torch.optim.Adam(net.parameters(), LR), []
    for rows in order.reshape(3, 8):
        logits = net(torch.from_numpy(X[rows])[..., None, None])[:, 0]
        loss = torch.nn.functional.binary_cross_entropy_with_logits(
            logits, torch.from_numpy(y[rows])
        )
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    np.testing.assert_allclose(found, losses, rtol=1e-4)
    return weights


def is_missing(contender):
    """Say which module a contender lacks, if it lacks one."""
    try:
        for name in NEEDS.get(contender, ()):
            import_module(name)
    except ImportError as error:
        print(f"{contender} is left out: {error}")
        return True
    return False


def main():
    """Compare."""
    options = arguments(__doc__)
    options.threads = 1
    os.environ["OMP_NUM_THREADS"] = "1"  # of the contenders, which are started after this
    contenders = [name for name in CONTENDERS if not is_missing(name)]
    # In the order of the table; ratios are to the first.
    contenders.sort(key=lambda name: name != "skorch, nn.LSTM")
    rows = compare(
        build,
        contenders,
        options.cases or list(CASES),
        n_rounds=options.rounds,
        threads=1,
        warm=True,
        clock=time.process_time,
    )
    report("bench_vectors", rows, options)


if __name__ == "__main__":
    main()
