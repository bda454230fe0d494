"""Images on disk as sequences: what is decoded, cut and cached, and the files that are refused."""

import os
import pickle
import re
import runpy
import struct
import tracemalloc
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest
from joblib import Parallel, delayed
from PIL import Image

from skwater import CNNLSTMClassifier, ConvLSTMClassifier, ImageSequences, RSSResampler
from skwater.preprocessing import CenterCrop, Resize
from skwater.resampling import splice
from skwater.sequences import channel_statistics, missing_frames
from skwater.sequences._frame_cache import FrameCache
from skwater.sequences._frame_cache import __file__ as frame_cache_file
from skwater.sequences._pixels import center_crop, cut_box, resize

pytestmark = pytest.mark.filterwarnings("error")


def smooth(height=24, width=36, channels=3, seed=0):
    """Image of uint8 that survives JPEG."""
    coarse = np.random.default_rng(seed).integers(0, 256, (3, 4, 3), dtype=np.uint8)
    return cv2.resize(coarse, (width, height))[..., :channels]


def double(image):
    return 2 * image


def halve(image):
    return image // 2


@pytest.fixture
def save(tmp_path):
    """Save an image (an array, or one of PIL) under a name, return the path."""

    def save(name, image=None, **options):
        image = smooth() if image is None else image
        image = Image.fromarray(image) if isinstance(image, np.ndarray) else image
        image.save(tmp_path / name, **options)
        return str(tmp_path / name)

    return save


@pytest.fixture
def table(save):
    """Four plants on three dates; one image is missing. The images, and the table of files."""
    images = np.array([[smooth(seed=10 * i + j) for j in range(3)] for i in range(4)])
    paths = [[save(f"{i}{j}.png", images[i, j]) for j in range(3)] for i in range(4)]
    paths[1][2] = None
    return images, paths


def test_images_are_read_as_they_are(table):
    images, paths = table
    X = ImageSequences([paths[0], paths[2]])
    assert X.shape == (2, 3, 24, 36, 3)
    assert X.dtype == np.uint8
    assert np.array_equal(X, images[[0, 2]])


def test_missing_images_are_frames_of_nan(table):
    images, paths = table
    X = ImageSequences(paths)
    expected = np.zeros((4, 3), dtype=bool)
    expected[1, 2] = True
    assert X.dtype == np.float32
    assert np.array_equal(missing_frames(X), expected)
    assert np.isnan(X[1][2]).all()
    assert np.array_equal(np.asarray(X)[~expected], images[~expected])


def test_missing_frames_are_known_without_decoding(table, monkeypatch):
    X = ImageSequences(table[1])
    monkeypatch.setattr(ImageSequences, "_load", lambda self, slot: pytest.fail("decoded"))
    assert missing_frames(X).sum() == 1


def test_type_does_not_depend_on_the_rows(table):
    X = ImageSequences(table[1])
    assert X[[0, 2]].dtype == np.float32
    assert missing_frames(X[[0, 2]]).sum() == 0


@pytest.mark.parametrize("rows", [slice(1, 3), [2, 0], np.arange(4) > 1, ([3, 1], Ellipsis)])
def test_rows_stay_lazy(table, rows):
    X = ImageSequences(table[1])
    assert isinstance(X[rows], ImageSequences)
    assert np.array_equal(X[rows], np.asarray(X)[rows], equal_nan=True)
    assert np.array_equal(X[rows].paths, X.paths[rows])


def test_splices_and_frames_commute_with_reading(table):
    X = ImageSequences(table[1])
    whole, donors = np.asarray(X), np.array([[0, 1, 1], [3, 2, 0]])
    spliced = splice(X, donors)
    assert isinstance(spliced, ImageSequences)
    assert np.array_equal(spliced, whole[donors, np.arange(3)], equal_nan=True)
    assert np.array_equal(spliced.take_frames([2, 0]), np.asarray(spliced)[:, [2, 0]], True)
    assert np.array_equal(spliced.paths, X.paths[donors, np.arange(3)])


def test_mapped_frames_commute_with_splices(table):
    X = ImageSequences(table[1])
    mean = X.map_frames(lambda frames: frames.mean(axis=(1, 2)), (3,), "float64")
    donors = np.array([[0, 1, 1], [3, 2, 0]])
    expected = np.asarray(X).mean(axis=(2, 3), dtype=np.float64)
    np.testing.assert_allclose(mean, expected, rtol=1e-5)
    np.testing.assert_allclose(mean.splice(donors), expected[donors, np.arange(3)], rtol=1e-5)
    assert np.array_equal(missing_frames(mean), missing_frames(X))


def test_mapped_integers_can_be_missing(table):
    X = ImageSequences(table[1]).map_frames(lambda f: f[:, ::2].astype("uint8"), (12, 36, 3), "u1")
    assert X.dtype == np.float32
    assert np.isnan(X[1][2]).all()


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (lambda frames: frames[:, :1], r"must return frames of shape \(3, 24, 36, 3\)"),
        (lambda frames: frames * np.nan, "NaN or infinity for frames of sample 0"),
    ],
)
def test_mapping_is_checked(table, function, message):
    X = ImageSequences(table[1]).map_frames(function, (24, 36, 3), "float32")
    with pytest.raises(ValueError, match=message):
        X[0]


def test_statistics_read_each_image_once(table, monkeypatch):
    X = splice(ImageSequences(table[1]), np.random.default_rng(0).integers(4, size=(50, 3)))
    loaded, load = [], ImageSequences._load
    monkeypatch.setattr(
        ImageSequences, "_load", lambda self, slot: loaded.append(slot) or load(self, slot)
    )
    mean, std = channel_statistics(X, np.arange(50))
    assert len(loaded) == len(set(loaded)) == len({*X.paths.ravel()} - {None})
    whole = np.asarray(X).astype(float)
    np.testing.assert_allclose(mean, np.nanmean(whole, axis=(0, 1, 2, 3)))
    np.testing.assert_allclose(std, np.nanstd(whole, axis=(0, 1, 2, 3)))


def test_cnn_lstm_reads_each_image_of_a_batch_once(table):
    donors = np.array([[0, 1, 3], [2, 3, 0], [0, 3, 3], [2, 1, 0]])  # two for each date
    X, n_read = splice(ImageSequences(table[1]), donors), []

    def coarse(frames):
        n_read.append(len(frames))
        return frames[:, ::6, ::6]

    X = X.map_frames(coarse, (4, 6, 3), "float32")
    model = CNNLSTMClassifier(max_epochs=1, batch_size=4).fit(X, [0, 0, 1, 1])
    n_read.clear()
    model.predict(X)
    assert sum(n_read) == 6


def test_classifier_never_makes_one_array(table, monkeypatch):
    X = splice(ImageSequences(table[1]), np.random.default_rng(0).integers(4, size=(12, 3)))
    X = X.map_frames(lambda frames: frames[:, ::6, ::6], (4, 6, 3), "float32")
    sizes, convert = [], type(X).__array__
    monkeypatch.setattr(
        type(X),
        "__array__",
        lambda self, *a, **k: sizes.append(len(self)) or convert(self, *a, **k),
    )
    model = ConvLSTMClassifier(hidden_channels=2, head_channels=(2,), max_epochs=1, batch_size=4)
    model.fit(X, np.arange(12) % 2).predict(X)
    assert max(sizes) == 4


def test_same_numbers_from_images_and_from_arrays(table):
    X = ImageSequences(table[1])
    y, options = [0, 0, 1, 1], {"hidden_channels": 2, "head_channels": (2,), "max_epochs": 1}
    lazy, eager = (
        ConvLSTMClassifier(random_state=0, **options).fit(data, y).predict_proba(data)
        for data in (X, np.asarray(X))
    )
    assert np.array_equal(lazy, eager)


def test_ten_thousand_plants_are_spliced_at_once(save, monkeypatch):
    paths = np.full((10_000, 16), save("one.png"), dtype=object)
    X, y = ImageSequences(paths), np.arange(10_000) % 2
    monkeypatch.setattr(ImageSequences, "_load", lambda self, slot: pytest.fail("decoded"))
    monkeypatch.setattr(ImageSequences, "__getitem__", lambda self, rows: pytest.fail("row by row"))
    tracemalloc.start()
    spliced, _ = RSSResampler(15_000, random_state=0).fit_resample(X, y)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert isinstance(spliced, ImageSequences)
    assert spliced.shape[:2] == (30_000, 16)
    assert peak < 100e6


def test_pickle_is_small(table):
    X = ImageSequences(table[1])
    data = pickle.dumps(X)
    assert len(data) < 5000 < X[0].nbytes
    assert np.array_equal(pickle.loads(data), X, equal_nan=True)


def test_processes_read_the_same(table, tmp_path):
    X = ImageSequences(table[1], cache=tmp_path / "cache")
    sums = Parallel(n_jobs=2)(delayed(np.nansum)(X[i : i + 1]) for i in range(4))
    assert sums == [np.nansum(X[i]) for i in range(4)]


# Row 15: what an image is made of.


MODES = [(mode, kind) for mode in ("L", "P", "RGB", "RGBA", "1") for kind in ("png", "tiff")]


@pytest.mark.parametrize(("mode", "kind"), [*MODES, ("LA", "png")])  # few decode a tiff with LA
def test_row_15_every_mode_becomes_rgb(save, mode, kind):
    image = Image.fromarray(smooth()).convert(mode)
    found = ImageSequences([[save(f"a.{kind}", image)]])[0][0]
    assert np.array_equal(found, image.convert("RGB"))


def test_row_15_transparent_pixels_keep_their_color(save):
    image = np.dstack([smooth(), np.zeros((24, 36), np.uint8)])
    assert np.array_equal(ImageSequences([[save("a.png", image)]])[0][0], smooth())


def test_row_15_cmyk_is_converted(save):
    path = save("a.jpg", Image.fromarray(smooth()).convert("CMYK"), quality=95)
    assert np.abs(ImageSequences([[path]])[0][0].astype(int) - smooth()).mean() < 2


@pytest.mark.parametrize("kind", ["png", "tiff"])
def test_row_15_sixteen_bits_are_kept(tmp_path, kind):
    image = smooth().astype(np.uint16) * 250 + 3
    path = str(tmp_path / f"a.{kind}")
    cv2.imwrite(path, image[..., ::-1])
    X = ImageSequences([[path]])
    assert X.dtype == np.uint16
    assert np.array_equal(X[0][0], image)


def test_row_15_depths_are_brought_together(tmp_path, save):
    path = str(tmp_path / "deep.png")
    cv2.imwrite(path, np.full((24, 36), 65535, np.uint16))
    white = save("white.png", np.full((24, 36), 255, np.uint8))
    for dtype, largest in (None, 65535), ("uint16", 65535), ("uint8", 255):
        X = ImageSequences([[path, white]], dtype=dtype)
        assert (np.asarray(X) == largest).all()
        assert X.dtype == (dtype or "uint16")


def test_gray_gives_one_channel(save):
    gray = smooth()[..., 0]
    X = ImageSequences([[save("a.png", gray)]], color="gray")
    assert np.array_equal(X[0][0, ..., 0], gray)


# Row 16


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["png", "jpg"])
def test_row_16_orientation_is_applied(save, orientation, kind):
    exif = Image.Exif()
    exif[274] = orientation
    path = save(f"a.{kind}", exif=exif, quality=98)
    upright = {
        1: smooth(),
        2: np.fliplr(smooth()),
        3: np.rot90(smooth(), 2),
        4: np.flipud(smooth()),
        5: smooth().transpose(1, 0, 2),
        6: np.rot90(smooth(), -1),
        7: np.rot90(smooth(), 2).transpose(1, 0, 2),
        8: np.rot90(smooth()),
    }[orientation]
    X = ImageSequences([[path]])
    assert X.shape[2:4] == upright.shape[:2]
    assert np.abs(X[0][0].astype(int) - upright).mean() < 2


# Row 17, and cutting


def test_row_17_several_sizes(save):
    paths = [[save("a.png"), save("b.png", smooth(48, 72)), save("c.png", smooth(seed=2))]]
    with pytest.raises(ValueError, match=r"2 sizes.*24 x 36 \(2\), 48 x 72 \(1\).*size="):
        ImageSequences(paths)
    assert ImageSequences(paths, size=(12, 18)).shape == (1, 3, 12, 18, 3)
    assert ImageSequences(paths, center_crop=20).shape == (1, 3, 20, 20, 3)


def test_center_then_box_then_size(save):
    image = smooth(60, 80)
    X = ImageSequences(
        [[save("a.png", image)]], center_crop=(40, 60), boxes=(10, 5, 24, 12), size=(6, 12)
    )
    cut = image[10:50, 10:70][5:17, 10:34]
    assert np.array_equal(X[0][0], cv2.resize(cut, (12, 6), interpolation=cv2.INTER_AREA))


def test_boxes_differ_between_images(save):
    path = save("a.png")
    boxes = np.array([[[0, 0, 10, 8], [4, 6, 10, 8]]])
    X = ImageSequences([[path, path]], boxes=boxes)
    assert np.array_equal(X[0], [smooth()[:8, :10], smooth()[6:14, 4:14]])


@pytest.mark.parametrize("angle", [90.0, -90.0, 180.0])
def test_rotation_is_counter_clockwise(angle):
    turned = np.rot90(smooth(), round(angle / 90))
    height, width = turned.shape[:2]
    assert np.array_equal(cut_box(smooth(), (0, 0, width, height, angle)), turned)


def test_small_rotation_keeps_what_lies_under_the_box():
    image = np.zeros((100, 200, 1), np.uint8)
    image[20:23, 150:153] = 255  # up and to the right: goes further up
    cut = cut_box(image, (110, 25, 60, 50, 10.0))
    y, x = np.argwhere(cut[..., 0] > 100).mean(axis=0)
    angle = np.deg2rad(10)
    dx, dy = 151.5 - 100, 21.5 - 50
    canvas = (
        200 * np.cos(angle) + 100 * np.sin(angle),
        200 * np.sin(angle) + 100 * np.cos(angle),
    )
    expected_x = canvas[0] / 2 + dx * np.cos(angle) + dy * np.sin(angle) - 110
    expected_y = canvas[1] / 2 - dx * np.sin(angle) + dy * np.cos(angle) - 25
    assert (x + 0.5, y + 0.5) == pytest.approx((expected_x, expected_y), abs=0.5)


def test_many_channels_are_cut_and_resized():
    image = np.dstack([smooth(seed=i) for i in range(9)])[..., :25]
    cut = cut_box(image, (8, 8, 10, 8, 3.0))
    assert np.array_equal(cut[..., 4:7], cut_box(image[..., 4:7], (8, 8, 10, 8, 3.0)))
    assert np.array_equal(resize(image, (5, 5))[..., 9:12], resize(image[..., 9:12], (5, 5)))


def test_nothing_is_stretched_unasked(save):
    circle = cv2.circle(np.zeros((40, 80), np.uint8), (40, 20), 15, 255, -1)
    path = save("a.png", circle)
    narrow = ImageSequences([[path]], size=20, color="gray")[0][0, ..., 0] > 127
    assert abs(int(narrow.any(0).sum()) - int(narrow.any(1).sum())) <= 1
    wide = ImageSequences([[path]], size=20, color="gray", stretch=True)[0][0, ..., 0] > 127
    assert wide.any(1).sum() > 1.5 * wide.any(0).sum()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"boxes": (30, 0, 10, 10)}, r"a.png: the box \(30, 0, 10, 10, 0\) reaches outside"),
        ({"boxes": (0, 0, 36, 24, 9)}, r"a.png: the box .* reaches outside the image"),
        ({"boxes": (0, 0, 0, 10)}, r"a.png: the box .* is empty"),
        ({"boxes": (0, 0, np.nan, 10)}, r"a.png: the box .* is not made of numbers"),
        ({"center_crop": 30}, r"a.png: \(24, 36\) pixels are smaller than the center crop"),
        ({"size": (3, 0)}, r"size must be \(height, width\)"),
        ({"boxes": np.zeros((2, 2, 5))}, r"boxes must have shape .*got \(2, 2, 5\)"),
        ({"color": "bgr"}, r"color must be one of .*'bgr'"),
        ({"dtype": "float32"}, "dtype must be one of"),
        ({"on_error": "ignore"}, "on_error must be one of"),
    ],
)
def test_cuts_that_cannot_be(save, options, message):
    with pytest.raises(ValueError, match=message):
        ImageSequences([[save("a.png")]], **options)


def test_paths_must_be_a_table(save):
    with pytest.raises(ValueError, match=r"paths must be a table.*got shape \(1,\)"):
        ImageSequences([save("a.png")])
    with pytest.raises(ValueError, match="There is no image"):
        ImageSequences([[None]])


# Rows 13 and 14: files that give no image.


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


# The cache, and row 24.


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


def test_messages_are_for_people(bad_files):
    with pytest.raises(ValueError, match="cannot be used") as caught:
        ImageSequences([list(bad_files)])
    assert not re.search(r"struct|unpack|cv2|Errno", str(caught.value))


# Defects of 0.1.0, by their numbers in the review.


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


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_d6_image_replaced_by_a_named_pipe(save):
    path = save("a.png")
    X = ImageSequences([[path]])
    os.remove(path)
    os.mkfifo(path)
    with pytest.raises(ValueError, match=r"a.png: not a regular file"):
        X[0]


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


def test_d15_image_replaced_by_one_of_equal_size(save):
    path = save("a.tiff")
    X = ImageSequences([[path]])
    length = os.stat(path).st_size
    save("a.tiff", 255 - smooth())
    os.utime(path, (1, 1))
    assert os.stat(path).st_size == length
    with pytest.raises(ValueError, match=r"a.tiff: it was changed after the table was made"):
        X[0]


def test_d15_progressive_jpeg_of_many_scans_is_refused(save, tmp_path):
    path = Path(save("a.jpg", progressive=True))
    assert ImageSequences([[str(path)]]).shape == (1, 1, 24, 36, 3)
    data = path.read_bytes()
    last = data.rfind(b"\xff\xda")
    path.write_bytes(data[:last] + data[last:-2] * 60 + data[-2:])
    with pytest.raises(ValueError, match=r"a.jpg: a progressive JPEG of more than 32 scans"):
        ImageSequences([[str(path)]])


@pytest.mark.parametrize("n_channels", [1, 2, 3, 4, 5, 25])
@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
@pytest.mark.parametrize("size", [(12, 18), (5, 8), (48, 72)])
def test_d17_resize_and_center_crop_are_one_implementation(n_channels, dtype, size):
    image = np.random.default_rng(0).integers(0, 256, (24, 36, n_channels)).astype(dtype)
    X = image[None, None]
    assert np.array_equal(Resize(size).transform(X)[0, 0], resize(image, size))
    assert np.array_equal(CenterCrop((9, 8)).transform(X)[0, 0], center_crop(image, (9, 8)))


def test_n17_image_of_another_shape_is_named(save):
    paths = [[save("a.png"), save("b.png", smooth(36, 24)), save("c.png", smooth(24, 35))]]
    assert ImageSequences(paths, size=(12, 18)).cut_more == {paths[0][1]: pytest.approx(16 / 36)}
    assert ImageSequences(paths, size=(12, 18), stretch=True).cut_more == {}
    assert ImageSequences(paths, center_crop=20).cut_more == {}


def fail(image):
    raise RuntimeError("something in the function")


def test_n17_errors_of_the_function_name_the_image(save):
    with pytest.raises(RuntimeError) as caught:
        ImageSequences([[save("a.png")]], convert=fail)
    assert "a.png" in caught.value.__notes__[0]
