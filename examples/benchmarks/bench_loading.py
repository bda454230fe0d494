"""How fast are images read? 480 PNGs of 1920 x 1080 in the authors' layout, to 64 x 64 pixels.

Three epochs: a serial loop with PIL (decode, rotate, cut, resize; and once more without the
rotation), skwater from the files, and skwater from its cache. The peak of the memory is that of a
process of its own, less what it has after its imports. Takes a minute or two and 1 GB of disk.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from skwater.datasets import load_eschikon
from skwater.datasets._eschikon import DAYS
from skwater.datasets._eschikon_images import SOWING

N_BOXES, SIZE = 30, 64


def write_tree(root):
    """Write generated images in the authors' layout; each of 30 images serves 16 dates."""
    rng = np.random.default_rng(0)
    images = []
    for _ in range(N_BOXES):
        image = cv2.resize(rng.integers(0, 256, (68, 120, 3), dtype=np.uint8), (1920, 1080))
        noise = rng.integers(0, 8, image.shape, dtype=np.uint8)  # compresses as real images do
        images.append(cv2.imencode(".png", cv2.add(image, noise))[1].tobytes())
    for day in DAYS:
        date = SOWING + np.timedelta64(int(day), "D").item()
        folder = root / f"{date:%Y%m%d}_greenhouse_measurements" / "rgb"
        folder.mkdir(parents=True)
        for box, image in enumerate(images, start=1):
            folder.joinpath(f"{box}.png").write_bytes(image)


def make_boxes():
    """Boxes like those of the authors."""
    rng = np.random.default_rng(1)
    corner = rng.uniform((411, 312), (529, 425), (len(DAYS), N_BOXES, 2))
    size = rng.uniform((720, 470), (780, 510), (len(DAYS), N_BOXES, 2))
    angle = rng.choice([0.5, 1, 1.5, 2], (len(DAYS), N_BOXES, 1))
    return np.concatenate([corner, size, angle], axis=2).round(1)


def load(root, cache=None):
    """Return the series."""
    return load_eschikon(root, size=SIZE, boxes=make_boxes(), cache=cache).data


def epoch(X):
    """Read all plants in batches of four; return seconds and a sum."""
    start, total = time.perf_counter(), 0.0
    for i in range(0, len(X), 4):
        total += np.asarray(X[i : i + 4]).sum(dtype=np.float64)
    return time.perf_counter() - start, total


def pil_epoch(root, *, rotate):
    """Do the same with PIL, one image after the other."""
    start, boxes, X = time.perf_counter(), make_boxes(), load(root)
    for i, j in np.ndindex(X.paths.shape):
        x, y, w, h, angle = boxes[j, i]
        image = Image.open(X.paths[i, j]).convert("RGB")
        if rotate:
            image = image.rotate(angle, Image.Resampling.BILINEAR, expand=True)
        left = x + (w - h) / 2  # the largest central square of the box
        image = image.resize((SIZE, SIZE), Image.Resampling.BOX, box=(left, y, left + h, y + h))
        np.asarray(image)
    return time.perf_counter() - start


def peak_memory(root):
    """Peak of the memory of an epoch in MB, above what the imports need."""
    before = _high_water_mark()
    epoch(load(root))
    return (_high_water_mark() - before) / 1024


def _high_water_mark():
    """Largest memory of this process so far in KB; Linux only."""
    # Not getrusage: after a fork it starts from what the parent had.
    status = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in status if line.startswith("VmHWM"))


def main():
    """Print rates and their ratios."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--peak", type=Path, help="only print the peak memory for this tree")
    args = parser.parse_args()
    if args.peak:
        print(peak_memory(args.peak))
        return
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder, "images")
        write_tree(root)
        n = len(DAYS) * N_BOXES
        epoch(load(root)[:2])  # imports of libraries are not counted
        seconds = {
            "PIL, serial": pil_epoch(root, rotate=True),
            "PIL, serial, not rotated": pil_epoch(root, rotate=False),
            "skwater": epoch(load(root))[0],
        }
        X = load(root, Path(folder, "frames.cache"))
        seconds["skwater, filling the cache"], first = epoch(X)
        seconds["skwater, from the cache"], second = epoch(X)
        assert first == second
        for name, s in seconds.items():
            print(f"{name:28} {n / s:9.0f} images/s   x {seconds['PIL, serial'] / s:.2f}")
        ratio = seconds["skwater, filling the cache"] / seconds["skwater, from the cache"]
        print(f"second epoch from the cache: {ratio:.0f} times as fast as the first")
        peak = subprocess.check_output([sys.executable, __file__, "--peak", root], text=True)
        print(f"peak memory above the imports: {float(peak):.0f} MB")


if __name__ == "__main__":
    main()
