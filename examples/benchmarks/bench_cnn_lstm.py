"""How fast is CNNLSTMNet? Against a loop over the frames and against one batch of all of them.

Training step (forwards, backwards, Adam), inference, and the peak memory of training, each
contender in a process of its own: 4 sequences of 16 x 3 x 224 x 224.
"""

from side_by_side import arguments, compare, report

CONTENDERS = ["loop over frames", "all frames at once", "skwater", "skwater, bfloat16"]


def build(contender, case, threads):
    """Return the actions of one contender."""
    import torch
    from torch import nn

    from skwater.nn import CNNLSTMNet

    torch.set_num_threads(threads)
    batch, size = {"ref b4": (4, 224), "small": (8, 64)}[case]
    precision = "bfloat16" if "bfloat16" in contender else "float32"
    net = CNNLSTMNet(3, 1, frame_size=(size, size), precision=precision)
    layers = [layer for layer in net.encoder if not isinstance(layer, nn.ReLU | nn.MaxPool2d)]
    blocks = [nn.Sequential(conv, nn.ReLU(), nn.MaxPool2d(2)) for conv in layers[:-2]]
    encoder = nn.Sequential(*blocks, *layers[-2:])  # as it is mostly written
    x, y = torch.rand(batch, 16, 3, size, size), torch.ones(batch, 1)

    def logits():
        if contender.startswith("skwater"):
            return net(x)
        if contender == "loop over frames":
            codes = torch.stack([encoder(frame) for frame in x.unbind(1)], dim=1)
        else:
            codes = encoder(x.flatten(0, 1)).unflatten(0, x.shape[:2])
        return net.head(net.lstm(codes)[0][:, -1])

    optimizer = torch.optim.Adam(net.parameters(), 1e-6)

    def training():
        optimizer.zero_grad()
        nn.functional.binary_cross_entropy_with_logits(logits(), y).backward()
        optimizer.step()

    def inference():
        net.eval()
        return logits()

    return {"training": training, "inference": torch.inference_mode()(inference)}


def main():
    """Compare."""
    options = arguments(__doc__)
    cases = options.cases or ["small", "ref b4"]
    rows = compare(build, CONTENDERS, cases, n_rounds=options.rounds, threads=options.threads)
    report("bench_cnn_lstm", rows, options)


if __name__ == "__main__":
    main()
