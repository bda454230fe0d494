"""How fast are the nets on a GPU? Against the textbook's loop, with autocast and torch.compile.

    python examples/benchmarks/bench_gpu.py results
    python examples/benchmarks/bench_gpu.py results --rehearsal

Training step (forwards, backwards, Adam) and a whole fit of the classifier, 2 epochs on 32 plants,
each contender in a process of its own; memory is what PyTorch had of the GPU at its peak. The
loops are torch's own: ``conv2d`` frame by frame for ConvLSTM, and for CNN-LSTM an encoder frame by
frame with ``torch.nn.LSTM`` behind it. ``torch.compile`` is asked for CUDA graphs
(``mode="reduce-overhead"``). Two rounds go before those that count, for compiling; a fit would do
that anew each time, so it is not compiled. It takes up to a minute for a case and a contender:
choose some with ``--cases``. On CUDA PyTorch computes convolutions in TF32 by default, for all
alike. A rehearsal takes tiny images on the CPU, to see that the script runs: its numbers mean
nothing.
"""

import sys
import warnings
from functools import partial

from side_by_side import arguments, compare, report

N_FRAMES = 16
CASES = {"small": (8, 64, 16), "ref b1": (1, 224, 10), "ref b4": (4, 224, 10)}
NETS = ["ConvLSTM", "CNN-LSTM"]
CONTENDERS = [
    "loop",
    "loop, autocast",
    "loop, compiled",
    "loop, autocast, compiled",
    "skwater",
    "skwater, bfloat16",
]


def build(rehearsal, contender, case, threads):
    """Return the actions of one contender."""
    import numpy as np
    import torch
    from textbook import TextbookConvLSTMNet
    from torch import nn

    from skwater import CNNLSTMClassifier, ConvLSTMClassifier
    from skwater.nn import CNNLSTMNet, ConvLSTMNet

    warnings.filterwarnings("ignore", message="Online softmax is disabled")
    torch.set_num_threads(threads)
    device = torch.device("cpu" if rehearsal else "cuda")
    name, shape = case.split(", ")
    batch, size, n_hidden = (2, 12, 4) if rehearsal else CASES[shape]

    class CNNLSTMLoop(CNNLSTMNet):
        """The same weights, each frame encoded on its own."""

        def forward(self, x):
            codes = torch.stack([self.encoder(frame) for frame in x.unbind(1)], dim=1)
            return self.head(self.lstm(codes)[0][:, -1])

    ours, loop, classifier, params = {
        "ConvLSTM": (
            ConvLSTMNet,
            TextbookConvLSTMNet,
            ConvLSTMClassifier,
            {"hidden_channels": n_hidden},
        ),
        "CNN-LSTM": (CNNLSTMNet, CNNLSTMLoop, CNNLSTMClassifier, {}),
    }[name]
    is_loop = contender.startswith("loop")
    use_autocast, use_compile = "autocast" in contender, "compiled" in contender
    if contender == "skwater, bfloat16":
        params["precision"] = "bfloat16"

    class Contender(loop if is_loop else ours):
        """A network that is run as the contender would."""

        def forward(self, x):
            with torch.autocast(device.type, torch.bfloat16, enabled=use_autocast):
                return super().forward(x).float()

    net = Contender(3, 1, frame_size=(size, size), **params).to(device)
    logits = torch.compile(net, mode="reduce-overhead") if use_compile else net
    optimizer = torch.optim.Adam(net.parameters(), 1e-6)
    x = torch.rand(batch, N_FRAMES, 3, size, size, device=device)
    y = torch.ones(batch, 1, device=device)
    rng = np.random.default_rng(0)
    plants = rng.integers(256, size=(32, N_FRAMES, size, size, 3), dtype=np.uint8)

    def training():
        optimizer.zero_grad()
        nn.functional.binary_cross_entropy_with_logits(logits(x), y).backward()
        optimizer.step()
        if not rehearsal:
            torch.cuda.synchronize()

    def fit():
        model = classifier(
            **params,
            max_epochs=2,
            batch_size=batch,
            device=str(device),
            net_params={"module": Contender},
            random_state=0,
        )
        model.fit(plants, np.arange(len(plants)) % 2)

    def peak():
        return 0.0 if rehearsal else torch.cuda.max_memory_allocated() / 2**20

    fits = {} if use_compile else {"fit": fit}
    return {"training": training, **fits, "peak memory": peak}


def main():
    """Compare, or say what is missing."""
    import torch

    options = arguments(__doc__, "--rehearsal")
    if options.rehearsal:
        about, shapes = {"device": "a rehearsal on the CPU: the numbers mean nothing"}, ["tiny"]
    elif torch.cuda.is_available():
        about, shapes = {"device": torch.cuda.get_device_name()}, list(CASES)
    else:
        why = "sees no GPU" if torch.version.cuda else "was built without CUDA"
        sys.exit(
            f"Nothing was measured: torch {torch.__version__} {why}. This needs an NVIDIA GPU, its "
            f"driver, and a CUDA build of torch, https://pytorch.org/get-started/locally/."
        )
    print(about["device"])
    cases = options.cases or [f"{name}, {shape}" for name in NETS for shape in shapes]
    rows = compare(
        partial(build, options.rehearsal),
        CONTENDERS,
        cases,
        n_rounds=options.rounds,
        threads=options.threads,
    )
    report("bench_gpu", rows, options, **about)


if __name__ == "__main__":
    main()
