"""Kill ``skwater watch`` at random moments while images arrive, and see what it has written.

python tests/cli/kill_watch.py 20
"""

import csv
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import skwater
from skwater.datasets import load_manifest, make_image_folder
from skwater.monitoring import FolderWatch, StressMonitor

DAYS = tuple(range(14, 34))


def prepare(folder):
    """Images of 12 plants on 20 days, and a model file."""
    csv_file = make_image_folder(folder / "season", n_plants=12, size=16, days=DAYS, random_state=0)
    plants = load_manifest(csv_file, start="2025-05-01", size=16)
    model = skwater.ConvLSTMClassifier(hidden_channels=4, max_epochs=1, random_state=0)
    skwater.save(model.fit(plants.data, plants.target), folder / "model.skwater")


def expected(folder):
    """Lines of a watch that nothing stopped."""
    monitor = StressMonitor(skwater.load(folder / "model.skwater"), threshold=0.5, pos_label="dry")
    with FolderWatch(monitor, folder / "season" / "images", folder / "expected.csv") as watch:
        watch.poll()
    return rows(folder / "expected.csv")


def rows(file):
    """Cells of the lines by image; an error if an image has two."""
    with open(file, newline="") as opened:
        lines = list(csv.DictReader(opened))
    found = {line["image"]: line for line in lines}
    assert len(found) == len(lines), "an image is repeated"
    return found


def start(folder, *args):
    """Start the command, and wait until it watches."""
    command = [sys.executable, "-m", "skwater", "watch", "new", "--model", "model.skwater"]
    command += ["--out", "alarms.csv", "--threshold", "0.5", "--pos-label", "dry", *args]
    pipes = {"stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE}
    process = subprocess.Popen(command, cwd=folder, text=True, **pipes)
    while "Watching" not in (line := process.stderr.readline()):
        assert line, "it does not start"
    threading.Thread(target=process.stderr.read, daemon=True).start()  # no full pipe
    return process


def deliver(folder, names):
    """Write images as a slow camera does: half of a file, then the rest."""
    for name in names:
        data = (folder / "season" / "images" / name).read_bytes()
        target = folder / "new" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        with open(target, "wb") as file:
            file.write(data[: len(data) // 2])
            file.flush()
            time.sleep(0.002)
            file.write(data[len(data) // 2 :])


def kill_at_random_moments(folder, n_kills, rng):
    """Deliver all images while the watch is killed and started anew; its lines at the end."""
    names = sorted(
        (
            path.relative_to(folder / "season" / "images")
            for path in folder.glob("season/images/*/*")
        ),
        key=lambda path: (path.stem, path.parent),
    )
    for i in range(n_kills):
        share = names[i * len(names) // n_kills : (i + 1) * len(names) // n_kills]
        process = start(folder, "--interval", "0.01")
        camera = threading.Thread(target=deliver, args=(folder, share))
        camera.start()
        moment = rng.uniform(0, 1)
        time.sleep(moment)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        n_lines = (folder / "alarms.csv").read_bytes().count(b"\n") - 1
        print(f"killed after {moment:.3f} s with {n_lines} lines", file=sys.stderr)
        camera.join()
    process = start(folder, "--once")
    process.wait()
    return rows(folder / "alarms.csv")


def check(folder, n_kills, seed):
    """Compare with a watch that nothing stopped."""
    prepare(folder)
    wanted = expected(folder)
    (folder / "new").mkdir()
    found = kill_at_random_moments(folder, n_kills, random.Random(seed))
    assert found.keys() == wanted.keys(), "an image is lost"
    for image, row in found.items():
        assert row["day"] == wanted[image]["day"]
        assert abs(float(row["probability"]) - float(wanted[image]["probability"])) < 2e-6
        assert (row["alarm"], row["alarm_day"]) == tuple(
            wanted[image][name] for name in ("alarm", "alarm_day")
        )
    return len(found)


if __name__ == "__main__":
    n_kills = int(sys.argv[1])
    folder = Path(tempfile.mkdtemp())
    try:
        n_images = check(folder, n_kills, seed=int(sys.argv[2]) if sys.argv[2:] else 0)
    finally:
        shutil.rmtree(folder)
    print(f"{n_kills} kills, {n_images} images: none lost, none repeated")
