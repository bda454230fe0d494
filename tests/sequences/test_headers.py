"""Files that give no image, rows 13 and 14 of the faults."""

import os
import re
import struct
import tracemalloc
import zlib
from pathlib import Path

import numpy as np
import pytest
from drawn import double, smooth

from skwater import ImageSequences
from skwater.sequences import missing_frames


def png_that_declares(width, height):
    def chunk(kind, data):
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    pixels = zlib.compress(bytes(10_000))
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")
    )


@pytest.fixture
def bad_files(save, tmp_path):
    """Files that cannot be used, and why."""
    png, jpg = (tmp_path / os.path.basename(save(f"good.{kind}")) for kind in ("png", "jpg"))
    content = {
        "short.png": (png.read_bytes()[:-20], "truncated: the PNG has no end chunk"),
        "short.jpg": (jpg.read_bytes()[:-20], "truncated: the JPEG has no end marker"),
        "half.jpg": (jpg.read_bytes()[: jpg.stat().st_size // 2], "truncated"),
        "header.png": (png.read_bytes()[:20], "truncated: the header breaks off"),
        "page.png": (
            b"<!DOCTYPE html><html>404</html>",
            "HTML, such as the page of a failed download",
        ),
        "text.jpg": (b"no image at all", "something else"),
        "empty.png": (b"", "the file is empty"),
        "bomb.png": (png_that_declares(20_000, 20_000), "20000 x 20000 pixels, more than"),
        "flat.png": (png_that_declares(0, 5), "5 x 0 pixels"),
    }
    for name, (data, _) in content.items():
        (tmp_path / name).write_bytes(data)
    reasons = {str(tmp_path / name): reason for name, (_, reason) in content.items()}
    return reasons | {str(tmp_path / "missing.png"): "No such file", str(tmp_path): "directory"}


def test_row_13_all_bad_files_are_in_one_error(save, bad_files):
    with pytest.raises(ValueError, match=f"{len(bad_files)} images cannot be used") as caught:
        ImageSequences([[save("a.png"), *bad_files]])
    lines = dict(line.strip().split(": ", 1) for line in str(caught.value).splitlines()[1:-1])
    assert lines.keys() == bad_files.keys()
    for file, reason in bad_files.items():
        assert reason.lower() in lines[file].lower()


def test_row_13_bad_files_can_be_missing_frames(save, bad_files):
    X = ImageSequences([[save("a.png"), *bad_files]], on_error="missing")
    assert missing_frames(X).sum() == len(bad_files)
    assert X.skipped.keys() == bad_files.keys()
    assert np.array_equal(X[0][0], smooth())
    assert X.paths[0].tolist() == [X.paths[0, 0]] + [None] * len(bad_files)


def test_row_13_nothing_but_bad_files(bad_files):
    with pytest.raises(ValueError, match="no image that can be used"):
        ImageSequences([list(bad_files)], on_error="missing")


def test_row_13_end_of_a_thumbnail_is_not_the_end(save, tmp_path):
    """A JPEG within the EXIF data ends with an end marker too."""
    thumbnail = (tmp_path / os.path.basename(save("t.jpg"))).read_bytes()
    whole = (tmp_path / os.path.basename(save("a.jpg"))).read_bytes()
    segment = b"\xff\xe2" + struct.pack(">H", len(thumbnail) + 2) + thumbnail
    (tmp_path / "b.jpg").write_bytes(whole[:2] + segment + whole[2:-2])
    with pytest.raises(ValueError, match="no end marker"):
        ImageSequences([[str(tmp_path / "b.jpg")]])


def test_row_13_damage_within_a_png(save):
    path = Path(save("a.png"))
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 16
    path.write_bytes(data)
    X = ImageSequences([[str(path)]])
    with pytest.raises(ValueError, match=r"a.png: damaged: a PNG chunk IDAT is corrupt"):
        X[0]


def test_row_13_file_that_changes_its_size(save):
    X = ImageSequences([[save("a.png")]])
    save("a.png", smooth(30, 30))
    with pytest.raises(ValueError, match=r"a.png: it was changed after the table was made"):
        X[0]


def test_row_13_conversion_to_another_size(save):
    paths = [[save("a.png"), save("b.png", smooth(30, 30))]]
    with pytest.raises(ValueError, match=r"b.png gives a frame of \(30, 30, 3\), the others"):
        ImageSequences(paths, convert=double)[0]


def test_row_14_bombs_are_refused_unread(tmp_path):
    path = tmp_path / "bomb.png"
    path.write_bytes(png_that_declares(20_000, 20_000))
    tracemalloc.start()
    with pytest.raises(ValueError, match="more than max_pixels=100000000"):
        ImageSequences([[str(path)]])
    assert tracemalloc.get_traced_memory()[1] < 1e6
    tracemalloc.stop()


def test_row_14_limit_is_a_parameter(save):
    path = save("a.png")
    with pytest.raises(ValueError, match=r"24 x 36 pixels, more than max_pixels=863"):
        ImageSequences([[path]], max_pixels=863)
    assert ImageSequences([[path]], max_pixels=864).shape == (1, 1, 24, 36, 3)


def test_float_tiff_is_refused(save):
    path = save("a.tiff", smooth()[..., 0].astype(np.float32))
    with pytest.raises(ValueError, match=r"a.tiff: a TIFF of 32-bit values"):
        ImageSequences([[path]])


def test_messages_are_for_people(bad_files):
    with pytest.raises(ValueError, match="cannot be used") as caught:
        ImageSequences([list(bad_files)])
    assert not re.search(r"struct|unpack|cv2|Errno", str(caught.value))


def exif(n_entries, length, orientation=1):
    """EXIF of many entries that each declare a long text at the same place, and an orientation."""
    entries = struct.pack("<HHII", 270, 1, length, 0) * (n_entries - 1)
    entries += struct.pack("<HHIHH", 274, 3, 1, orientation, 0)
    return b"II*\0" + struct.pack("<IH", 8, n_entries) + entries


def put_into_png(png, kind, content):
    """A chunk after the header chunk of a PNG."""
    chunk = kind + content
    chunk = struct.pack(">I", len(content)) + chunk + struct.pack(">I", zlib.crc32(chunk))
    return png[:33] + chunk + png[33:]


@pytest.mark.parametrize("kind", ["jpg", "png"])
def test_d2_exif_of_many_long_tags_is_read_at_once(save, kind):
    path = Path(save(f"a.{kind}", quality=95))
    data = path.read_bytes()
    if kind == "jpg":
        content = b"Exif\0\0" + exif(5_457, 65_500, orientation=6)
        data = data[:2] + b"\xff\xe1" + struct.pack(">H", len(content) + 2) + content + data[2:]
    else:
        content = exif(60_000, 1_000_000, orientation=6).ljust(1_000_000, b"\0")
        data = put_into_png(data, b"eXIf", content)
    path.write_bytes(data)
    tracemalloc.start()
    X = ImageSequences([[str(path)]])
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert X.shape == (1, 1, 36, 24, 3)  # upright
    assert peak < 5e6


@pytest.mark.parametrize("tag", [270, 273])
def test_d2_tiff_of_long_tags_is_refused_or_read_at_once(tmp_path, tag):
    size, n = 1_000_000, 60_000
    entries = struct.pack("<HHII", 256, 4, 1, 10) + struct.pack("<HHII", 257, 4, 1, 10)
    entries += struct.pack("<HHII", tag, 4, size // 4, 0) * (n - 2)
    path = tmp_path / "a.tiff"
    path.write_bytes((b"II*\0" + struct.pack("<IH", 8, n) + entries).ljust(size, b"\0"))
    tracemalloc.start()
    with pytest.raises(
        ValueError, match=r"a.tiff: (damaged: the header declares 250000|truncated)"
    ):
        ImageSequences([[str(path)]])
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2e6


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_d6_named_pipe_is_not_a_regular_file(save, tmp_path):
    pipe = str(tmp_path / "2024-05-09.png")
    os.mkfifo(pipe)
    with pytest.raises(ValueError, match=r"2024-05-09.png: not a regular file"):
        ImageSequences([[save("a.png"), pipe]])
    X = ImageSequences([[save("a.png"), pipe]], on_error="missing")
    assert X.skipped == {pipe: "not a regular file"}
    with pytest.raises(FileExistsError, match="is a file of something else"):
        ImageSequences([[save("a.png")]], cache=pipe)


def test_d15_progressive_jpeg_of_many_scans_is_refused(save, tmp_path):
    path = Path(save("a.jpg", progressive=True))
    assert ImageSequences([[str(path)]]).shape == (1, 1, 24, 36, 3)
    data = path.read_bytes()
    last = data.rfind(b"\xff\xda")
    path.write_bytes(data[:last] + data[last:-2] * 60 + data[-2:])
    with pytest.raises(ValueError, match=r"a.jpg: a progressive JPEG of more than 32 scans"):
        ImageSequences([[str(path)]])
