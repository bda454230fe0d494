"""The cache of encoded images: across processes, after a kill, with damaged files."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from encoders import Counting, Slow, encoded
from generated import make_images

from skwater import ImageSequences
from skwater.preprocessing import CenterCrop, FrameEncoder, VegetationMask


@pytest.fixture
def folder(tmp_path):
    """A place for a cache."""
    return tmp_path / "cache"


def encode(X, folder, encoder=None, **options):
    """Vectors, and how many images were encoded."""
    options = {"verbose": 0, "batch_size": 4, "cache": folder, **options}
    return encoded(FrameEncoder(encoder or Counting(), **options).fit_transform, X)


def save_images(folder, n=3, n_frames=4, seed=0):
    paths = np.empty((n, n_frames), dtype=object)
    images = make_images(n=n, n_frames=n_frames, seed=seed)
    for cell in np.ndindex(n, n_frames):
        paths[cell] = str(folder / f"{seed}-{cell[0]}-{cell[1]}.png")
        cv2.imwrite(paths[cell], images[cell])
    return paths


def files_in(folder):
    return sorted(folder.rglob("*.npz"))


def test_a_second_run_encodes_nothing(folder):
    X = make_images()
    first, n = encode(X, folder)
    assert n == 12
    second, n = encode(X, folder)
    assert n == 0
    np.testing.assert_array_equal(second, first)
    np.testing.assert_array_equal(first, FrameEncoder(Counting(), verbose=0).transform(X))


def test_only_new_images_are_encoded(folder, tmp_path):
    paths = np.concatenate([save_images(tmp_path), save_images(tmp_path, seed=1)])
    assert encode(ImageSequences(paths[:3]), folder)[1] == 12
    more = ImageSequences(paths)
    assert encode(more, folder)[1] == 12  # more plants
    assert encode(more[[5, 0]], folder)[1] == 0  # a fold
    assert encode(more[:, :2], folder)[1] == 0  # the season so far
    missing = paths.copy()
    missing[0, 0] = None  # frames are floats then
    assert encode(ImageSequences(missing), folder)[1] == 0


def test_images_that_are_made_otherwise_are_encoded_anew(folder, tmp_path):
    paths = save_images(tmp_path)
    assert encode(ImageSequences(paths), folder)[1] == 12
    for options in ({"size": (4, 6)}, {"center_crop": 6}, {"boxes": [0, 0, 6, 6]}):
        assert encode(ImageSequences(paths, **options), folder)[1] == 12
        assert encode(ImageSequences(paths, **options), folder)[1] == 0
    X = ImageSequences(paths)
    for step in (CenterCrop(4), VegetationMask(threshold=0.0), VegetationMask(threshold=0.1)):
        assert encode(step.transform(X), folder)[1] == 12
        assert encode(step.transform(X), folder)[1] == 0


def test_a_file_that_has_changed_is_encoded_anew(folder, tmp_path):
    paths = save_images(tmp_path)
    encode(ImageSequences(paths), folder)
    image = cv2.imread(paths[1, 2])
    cv2.imwrite(paths[1, 2], 255 - image)
    os.utime(paths[1, 2], ns=(1, 1))
    vectors, n = encode(ImageSequences(paths), folder)
    assert n == 1
    expected = FrameEncoder(Counting(), verbose=0).transform(ImageSequences(paths))
    np.testing.assert_array_equal(vectors, expected)


def test_functions_without_a_name_are_told_apart_by_the_pixels(folder, tmp_path):
    paths = save_images(tmp_path)
    one = ImageSequences(paths, convert=lambda image: image // 2)
    other = ImageSequences(paths, convert=lambda image: image // 3)
    assert encode(one, folder)[1] == 12
    assert encode(other, folder)[1] == 12
    assert encode(one, folder)[1] == 0


def test_another_encoder_has_its_own_vectors(folder):
    X = make_images()

    class Other(Counting):
        def forward(self, x):
            return super().forward(x) + 1

    class Third(Counting):
        def forward(self, x):
            return super().forward(x) + 2

    for first in (Other(), Third(), Counting(7)):
        assert encode(X, folder, first)[1] == 12
        assert encode(X, folder, first)[1] == 0
    changed = Counting()
    with torch.no_grad():
        changed.convolution.weight[0, 0, 0, 0] += 0.01
    assert encode(X, folder, changed)[1] == 12
    changed.power = 2  # a plain attribute, which the code may read
    assert encode(X, folder, changed)[1] == 12
    assert encode(X, folder, image_size=(4, 6))[1] == 12
    assert encode(X, folder, channels=(2, 1, 0))[1] == 12
    assert encode(X // 2, folder, white=128)[1] == 12


def test_options_that_do_not_change_vectors_share_them(folder):
    X = make_images()
    encode(X, folder)
    assert encode(X, folder, batch_size=1, device="cpu", verbose=1)[1] == 0


# ---- damage


def test_a_file_of_the_cache_that_was_changed_is_noticed(folder):
    X = make_images()
    expected, _ = encode(X, folder)
    path = files_in(folder)[1]
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    with pytest.warns(UserWarning, match=rf"{path.name} in the cache .*: damaged, and removed"):
        vectors, n = encode(X, folder)
    assert n == 4
    np.testing.assert_array_equal(vectors, expected)
    assert encode(X, folder)[1] == 0  # and once only


def test_truncated_and_empty_files_of_the_cache_are_noticed(folder):
    X = make_images()
    expected, _ = encode(X, folder)
    one, other, _ = files_in(folder)
    os.truncate(one, 0)
    os.truncate(other, other.stat().st_size - 1)
    with pytest.warns(UserWarning, match="and 1 more in the cache"):
        vectors, n = encode(X, folder)
    assert n == 8
    np.testing.assert_array_equal(vectors, expected)


def test_other_files_in_the_folder_are_left_alone(folder):
    X = make_images()
    encode(X, folder)
    note = files_in(folder)[0].with_name("notes.txt")
    note.write_text("mine")
    half = note.with_name("a.part")
    half.write_text("of a process that lives")
    assert encode(X, folder)[1] == 0
    assert half.exists()
    os.utime(half, (1, 1))
    encode(X, folder)
    assert not half.exists()
    assert note.read_text() == "mine"


def test_a_cache_that_cannot_be_made(tmp_path):
    tmp_path.joinpath("file").write_text("")
    with pytest.raises(OSError, match="The cache cannot be made"):
        encode(make_images(), tmp_path / "file")


# ---- other processes

PROGRAM = """
import sys
from encoders import Slow
from generated import make_images
from skwater.preprocessing import FrameEncoder
X = make_images(n=4, n_frames=25)
FrameEncoder(Slow(), cache=sys.argv[1], batch_size=4, verbose=0).fit_transform(X)
"""


def start(folder):
    paths = os.pathsep.join([str(Path(__file__).parent), os.environ.get("PYTHONPATH", "")])
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM, folder], env=os.environ | {"PYTHONPATH": paths}
    )


def test_a_run_after_a_kill_encodes_what_is_missing(folder):
    process = start(folder)
    while process.poll() is None and len(files_in(folder)) < 3:
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    n_saved = 4 * len(files_in(folder))
    assert 12 <= n_saved < 100
    X = make_images(n=4, n_frames=25)
    vectors, n = encode(X, folder, Slow())
    assert n == 100 - n_saved
    np.testing.assert_array_equal(vectors, FrameEncoder(Slow(), verbose=0).transform(X))


def test_processes_share_the_cache(folder):
    processes = [start(folder) for _ in range(3)]
    assert [process.wait() for process in processes] == [0, 0, 0]
    X = make_images(n=4, n_frames=25)
    vectors, n = encode(X, folder, Slow())
    assert n == 0
    np.testing.assert_array_equal(vectors, FrameEncoder(Slow(), verbose=0).transform(X))
