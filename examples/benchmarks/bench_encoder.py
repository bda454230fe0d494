"""FrameEncoder against a plain loop over the same network, from its cache, and its memory.

    python examples/benchmarks/bench_encoder.py [N_IMAGES]

Generated JPEGs of 224 x 224 pixels on disk (10,000 by default), EfficientNet-Lite0. The loop reads
and encodes one image at a time with all threads of torch. Each run is a process of its own. Loop
and encoder take turns on the first 128 images; then all images are encoded, and once more from the
cache. Memory is the peak of the process less what it has after its imports and the table of files.
"""

import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import cv2
import numpy as np
import torch
from pretrained import Lite0

from skwater import ImageSequences
from skwater.preprocessing import FrameEncoder

N_FRAMES, N_COMPARED, ROUNDS = 10, 128, 3


def write_images(folder, n):
    """Write n different JPEGs."""
    rng = np.random.default_rng(0)
    for i in range(n):
        image = cv2.resize(rng.integers(0, 256, (14, 14, 3), dtype=np.uint8), (224, 224))
        cv2.imwrite(str(folder / f"{i:06}.jpg"), image)


def files(folder, n):
    """Table (n / 10, 10) of the first files, or a single row."""
    paths = sorted(map(str, folder.glob("*.jpg")))[:n]
    return np.array(paths, dtype=object).reshape(-1, N_FRAMES if n % N_FRAMES == 0 else n)


def loop(folder, n):
    """Encode one image at a time."""
    net = Lite0().eval()
    paths = files(folder, n).ravel()
    with torch.inference_mode():
        net(torch.zeros(1, 3, 224, 224))
        start = time.perf_counter()
        for path in paths:
            image = cv2.cvtColor(cv2.imread(path), cv2.COLOR_BGR2RGB)
            x = torch.from_numpy(image).permute(2, 0, 1)[None].float() / 255
            net(x).numpy()
    return time.perf_counter() - start, 0


def encode(folder, n, cache=None):
    """Encode with FrameEncoder."""
    X = ImageSequences(files(folder, n))
    before = peak()
    start = time.perf_counter()
    vectors = FrameEncoder(Lite0, cache=cache, verbose=0).transform(X)
    assert np.isfinite(vectors).all()
    return time.perf_counter() - start, peak() - before


def peak():
    """Peak memory of this process in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def in_process(*arguments):
    """Seconds and MB of a run in a process of its own."""
    run = [sys.executable, __file__, "--run", *map(str, arguments)]
    done = subprocess.run(run, check=True, capture_output=True, text=True)
    return tuple(map(float, done.stdout.split()))


def main(n_images):
    """Print rates, gain of the cache, and memory."""
    with tempfile.TemporaryDirectory() as name:
        folder, cache = Path(name), Path(name, "cache")
        write_images(folder, n_images)
        compared = min(N_COMPARED, n_images)
        rates = {"loop": [], "encode": []}
        for _ in range(ROUNDS):
            for contender, values in rates.items():
                values.append(compared / in_process(contender, folder, compared)[0])
        loop_rate, rate = (statistics.median(values) for values in rates.values())
        print(f"plain loop, one image at a time: {loop_rate:.1f} images a second")
        print(f"FrameEncoder: {rate:.1f} images a second, {rate / loop_rate:.2f} times the loop")
        first, memory = in_process("encode", folder, n_images, cache)
        print(f"{n_images} images: {first:.1f} s, {memory:.0f} MB above imports and table")
        again, memory = in_process("encode", folder, n_images, cache)
        print(f"from the cache: {again:.2f} s, {first / again:.0f} times as fast, {memory:.0f} MB")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--run"]:
        contender, folder, n, *cache = sys.argv[2:]
        print(*{"loop": loop, "encode": encode}[contender](Path(folder), int(n), *cache))
    else:
        main(int((sys.argv[1:] or [10_000])[0]))
