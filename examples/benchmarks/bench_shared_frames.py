"""What does it gain that CNNLSTMClassifier encodes each distinct frame of a batch once?

One epoch, and prediction of the training sequences: 19 plants of 16 dates, 6 of one class and 13 of
the other, spliced to 95 each as in the published study. "64 px b8" are frames of 64 x 64 x 3 in
batches of 8.
"""

import numpy as np
from side_by_side import arguments, compare, report

CONTENDERS = ["frames of each sequence", "distinct frames"]
CASES = {"64 px b8": (64, 8), "64 px b32": (64, 32), "224 px b8": (224, 8), "224 px b32": (224, 32)}


def splices(size):
    """Noise, spliced."""
    from skwater import RSSResampler

    X = np.random.default_rng(0).integers(256, size=(19, 16, size, size, 3), dtype=np.uint8)
    return RSSResampler(95, lazy=True, random_state=0).fit_resample(X, np.arange(19) > 12)


def build(contender, case, threads):
    """Return the actions of one contender."""
    import torch

    from skwater import CNNLSTMClassifier
    from skwater.nn import CNNLSTMNet

    torch.set_num_threads(threads)
    size, batch_size = CASES[case]
    X, y = splices(size)
    model = CNNLSTMClassifier(max_epochs=1, batch_size=batch_size, device="cpu", random_state=0)
    CNNLSTMNet.takes_shared_frames = contender == "distinct frames"
    return {"training": lambda: model.fit(X, y), "prediction": lambda: model.predict(X)}


def distinct(donors, batch_size):
    """Share of the frames of shuffled batches that are distinct."""
    rows = np.random.default_rng(0).permutation(len(donors))
    batches = np.split(donors[rows], range(batch_size, len(rows), batch_size))
    return sum(len(np.unique(date)) for batch in batches for date in batch.T) / donors.size


def main():
    """Compare, and say how many frames are distinct."""
    options = arguments(__doc__)
    cases = options.cases or list(CASES)
    rows = compare(build, CONTENDERS, cases, n_rounds=options.rounds, threads=options.threads)
    report("bench_shared_frames", rows, options)
    donors = splices(1)[0].donors
    for batch_size in (1, 4, 8, 16, 32, 64):
        print(f"batches of {batch_size:2}: {distinct(donors, batch_size):4.0%} of the frames")


if __name__ == "__main__":
    main()
