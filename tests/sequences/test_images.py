"""Sequences of images on disk."""

import os
import pickle
import tracemalloc

import cv2
import numpy as np
import pytest
from drawn import smooth
from joblib import Parallel, delayed
from PIL import Image

from skwater import CNNLSTMClassifier, ConvLSTMClassifier, ImageSequences, RSSResampler
from skwater.resampling import splice
from skwater.sequences import channel_statistics, missing_frames

pytestmark = pytest.mark.filterwarnings("error")


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


def test_row_17_several_sizes(save):
    paths = [[save("a.png"), save("b.png", smooth(48, 72)), save("c.png", smooth(seed=2))]]
    with pytest.raises(ValueError, match=r"2 sizes.*24 x 36 \(2\), 48 x 72 \(1\).*size="):
        ImageSequences(paths)
    assert ImageSequences(paths, size=(12, 18)).shape == (1, 3, 12, 18, 3)
    assert ImageSequences(paths, center_crop=20).shape == (1, 3, 20, 20, 3)


def test_paths_must_be_a_table(save):
    with pytest.raises(ValueError, match=r"paths must be a table.*got shape \(1,\)"):
        ImageSequences([save("a.png")])
    with pytest.raises(ValueError, match="There is no image"):
        ImageSequences([[None]])


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_d6_image_replaced_by_a_named_pipe(save):
    path = save("a.png")
    X = ImageSequences([[path]])
    os.remove(path)
    os.mkfifo(path)
    with pytest.raises(ValueError, match=r"a.png: not a regular file"):
        X[0]


def test_d15_image_replaced_by_one_of_equal_size(save):
    path = save("a.tiff")
    X = ImageSequences([[path]])
    length = os.stat(path).st_size
    save("a.tiff", 255 - smooth())
    os.utime(path, (1, 1))
    assert os.stat(path).st_size == length
    with pytest.raises(ValueError, match=r"a.tiff: it was changed after the table was made"):
        X[0]


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
