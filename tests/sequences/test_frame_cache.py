"""The cache of decoded frames, and row 24 of the faults."""

import os
import pickle
import runpy
from pathlib import Path

import numpy as np
import pytest
from drawn import double, halve, smooth

from skwater import ImageSequences
from skwater.sequences._frame_cache import FrameCache
from skwater.sequences._frame_cache import __file__ as frame_cache_file


@pytest.fixture
def count_loads(monkeypatch):
    """Slots that were decoded."""
    loaded, load = [], ImageSequences._load
    monkeypatch.setattr(
        ImageSequences, "_load", lambda self, slot: loaded.append(slot) or load(self, slot)
    )
    return loaded


def test_second_epoch_does_not_decode(table, tmp_path, count_loads):
    X = ImageSequences(table[1], cache=tmp_path / "cache")
    first = np.asarray(X)
    assert len(count_loads) == 11
    assert np.array_equal(X, first, equal_nan=True)
    assert np.array_equal(ImageSequences(table[1], cache=tmp_path / "cache"), first, equal_nan=True)
    assert np.array_equal(pickle.loads(pickle.dumps(X)), first, equal_nan=True)
    assert len(count_loads) == 11


@pytest.mark.parametrize("change", ["size", "image", "box"])
def test_cache_of_something_else_is_replaced(table, tmp_path, save, change):
    images, paths = table
    options = {"cache": tmp_path / "cache"}
    np.asarray(ImageSequences(paths, **options))
    if change == "image":
        save("00.png", 255 - images[0, 0])
        os.utime(paths[0][0], (1, 1))
    else:
        options |= {"size": (12, 18)} if change == "size" else {"boxes": (1, 1, 35, 23)}
    fresh = ImageSequences(paths, **(options | {"cache": None}))
    assert np.array_equal(ImageSequences(paths, **options), fresh, equal_nan=True)


def test_half_written_frame_is_decoded_again(table, tmp_path, count_loads):
    X = ImageSequences(table[1], cache=tmp_path / "cache")
    first = np.asarray(X)
    with X._cache.path.open("r+b") as file:
        file.seek(-1000, os.SEEK_END)
        file.write(bytes(1000))
    assert np.array_equal(X, first, equal_nan=True)
    assert len(count_loads) == 12


def test_row_24_disk_too_small_is_said_at_the_start(table, tmp_path, monkeypatch):
    def full(fd, offset, length):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", full)
    with pytest.raises(OSError, match=r"cache of 0 MB cannot be made \(No space left on device\)"):
        ImageSequences(table[1], cache=tmp_path / "cache")
    assert not list(tmp_path.glob("cache*"))


def test_row_24_folder_that_cannot_be_written_to(table, tmp_path):
    with pytest.raises(OSError, match=r"cannot be made.*cache=None.*nowhere"):
        ImageSequences(table[1], cache=tmp_path / "nowhere" / "cache")
    with pytest.raises(IsADirectoryError, match="give a file in it"):
        ImageSequences(table[1], cache=tmp_path)


def test_file_of_somebody_is_left_alone(table):
    image = table[1][0][0]
    before = Path(image).read_bytes()
    with pytest.raises(FileExistsError, match="is a file of something else"):
        ImageSequences(table[1], cache=image)
    assert Path(image).read_bytes() == before


def test_cache_takes_any_frame(tmp_path):
    cache = FrameCache(tmp_path / "cache", b"", (3, 5, 7, 3), np.uint16)
    frame = np.arange(105, dtype=np.uint16).reshape(5, 7, 3)
    cache.put(1, frame)
    assert cache.get(0) is None
    assert np.array_equal(cache.get(1), frame)


def test_cache_where_the_system_reads_at_no_position(tmp_path, monkeypatch):
    monkeypatch.delattr(os, "pread")
    cache = runpy.run_path(frame_cache_file)["FrameCache"](
        tmp_path / "cache", b"", (3, 5), np.uint8
    )
    frame = np.arange(5, dtype=np.uint8)
    cache.put(1, frame)
    assert cache.get(0) is None
    assert np.array_equal(cache.get(1), frame)


def test_d7_cache_refuses_functions_without_a_name(save, tmp_path):
    def inner(image):
        return image

    for convert in (lambda image: image, lambda image: 255 - image, inner):
        with pytest.raises(ValueError, match=r"convert=.* has no name by which cache= can tell it"):
            ImageSequences([[save("a.png")]], convert=convert, cache=tmp_path / "cache")


def test_d7_cache_tells_functions_apart(save, tmp_path, monkeypatch):
    path = save("a.png")

    def read(convert):
        return ImageSequences([[path]], convert=convert, cache=tmp_path / "cache")[0][0]

    assert np.array_equal(read(double), 2 * smooth())
    assert np.array_equal(read(halve), smooth() // 2)
    same_name = eval("lambda image: image // 4")
    same_name.__qualname__ = "halve"
    monkeypatch.setattr(f"{__name__}.halve", same_name)
    assert np.array_equal(read(halve), smooth() // 4)


@pytest.mark.parametrize("length", [0, 10, 100, 5000])
def test_d13_truncated_cache_is_noticed_and_filled_again(table, tmp_path, count_loads, length):
    X = ImageSequences(table[1], cache=tmp_path / "cache")
    first, size = np.asarray(X), (tmp_path / "cache").stat().st_size
    os.truncate(tmp_path / "cache", length)
    for _ in range(2):
        assert np.array_equal(X, first, equal_nan=True)
    assert len(count_loads) == 22
    assert (tmp_path / "cache").stat().st_size == size
    os.truncate(tmp_path / "cache", length)
    again = ImageSequences(table[1], cache=tmp_path / "cache")
    assert np.array_equal(again, first, equal_nan=True)
