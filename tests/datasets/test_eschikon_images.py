"""The Eschikon images, in a tree that is generated in their authors' layout."""

import os
import pickle
from pathlib import Path

import cv2
import numpy as np
import pytest

from skwater.datasets import fetch_eschikon_indicators, load_eschikon
from skwater.datasets._eschikon_images import multispectral_bands
from skwater.sequences import is_lazy, missing_frames

DAYS = {"20180118": 0, "20180215": 28, "20180329": 70}
REAL = os.environ.get("SKWATER_TEST_DATA")


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    """Small images whose brightness is the box, and whose left half is darker."""
    root = tmp_path_factory.mktemp("eschikon")
    for date in DAYS:
        for camera in ("rgb", "ir1", "multispec"):
            folder = root / f"{date}_greenhouse_measurements" / camera
            folder.mkdir(parents=True)
            for box in range(1, 32):
                image = np.full((24, 40), 4 * box, np.uint8)
                image[:, :20] = box
                if camera == "rgb":
                    image = np.dstack([image] * 3)
                assert cv2.imwrite(str(folder / f"{box}.png"), image)
    root.joinpath("20180215_greenhouse_measurements", "rgb", "5.png").unlink()
    root.joinpath("notes").mkdir()
    return root


@pytest.fixture
def boxes():
    """The right half of each image, on every date."""
    return np.broadcast_to([20.0, 0, 20, 24, 0], (16, 30, 5)).copy()


def test_tree(tree, boxes):
    plants = load_eschikon(tree, boxes=boxes)
    assert plants.data.shape == (30, 3, 24, 20, 3)
    assert plants.days.tolist() == list(DAYS.values())
    assert np.argwhere(missing_frames(plants.data)).tolist() == [[4, 1]]
    assert np.asarray(plants.data)[:, 0, 0, 0, 0].tolist() == [4 * box for box in range(1, 31)]
    assert "missing images: 1 of 90" in plants.summary()
    assert "treatment 9: 3 drying" in plants.summary()


def test_onset_counts_the_dates_that_are_loaded(tree, boxes):
    assert load_eschikon(tree, boxes=boxes).onset == 2  # days 0 and 28
    last = load_eschikon(tree, boxes=boxes, dates=["2018-03-29"])
    assert (last.onset_day, last.onset) == (28, None)


def test_design_is_that_of_the_paper(tree, boxes):
    plants = load_eschikon(tree, boxes=boxes)
    numbers = plants.plant + 1
    assert numbers[plants.target == 1].tolist() == [13, 14, 15, 19, 20, 21, 28, 29, 30]
    assert numbers[plants.nitrogen == "medium"].tolist() == [4, 5, 6, 13, 14, 15, 19, 20, 21]
    assert numbers[plants.nitrogen == "low"].tolist() == list(range(22, 31))
    assert numbers[plants.weeds == "few"].tolist() == [7, 8, 9, 25, 26, 27]
    assert numbers[plants.weeds == "many"].tolist() == [10, 11, 12, 19, 20, 21]
    assert numbers[plants.weeds == "only"].tolist() == [16, 17, 18]


@pytest.mark.skipif(not REAL, reason="SKWATER_TEST_DATA is not set")
def test_design_is_that_of_the_indicators(tree, boxes):
    images = load_eschikon(tree, boxes=boxes)
    indicators = fetch_eschikon_indicators(data_home=REAL, download_if_missing=False)
    for name in ("target", "plant", "treatment", "nitrogen", "weeds"):
        assert np.array_equal(images[name], indicators[name])


@pytest.mark.skipif(
    not (REAL and Path(REAL, "eschikon", "boxDetections.mat").exists()),
    reason="SKWATER_TEST_DATA has no boxDetections.mat",
)
def test_boxes_of_the_authors(tmp_path):
    folder = tmp_path / "20180212_greenhouse_measurements" / "rgb"
    folder.mkdir(parents=True)
    cv2.imwrite(str(folder / "3.png"), np.zeros((1080, 1920, 3), np.uint8))
    plants = load_eschikon(tmp_path, data_home=REAL, download_if_missing=False)
    assert plants.data.shape[2:] == (489, 755, 3)


def test_boxes_without_weeds_only(tree, boxes):
    plants = load_eschikon(tree, boxes=boxes, include_weed_boxes=False)
    assert len(plants.data) == len(plants.target) == 27
    assert set(plants.plant) & {15, 16, 17} == set()
    assert np.asarray(plants.data)[-1, 0, 0, 0, 0] == 120
    assert "only" not in plants.weeds


def test_each_date_has_its_box(tree, boxes):
    boxes[6] = [0, 2, 20, 20, 0]  # day 28
    plants = load_eschikon(tree, boxes=boxes, size=(20, 20))
    assert np.asarray(plants.data)[9, :, 5, 5, 0].tolist() == [40, 10, 40]


def test_some_dates(tree, boxes):
    plants = load_eschikon(tree, boxes=boxes, dates=["2018-03-29", "20180118"])
    assert plants.days.tolist() == [0, 70]
    with pytest.raises(ValueError, match=r"no folder of the dates 2018-02-19 in"):
        load_eschikon(tree, boxes=boxes, dates=["2018-02-19"])


def test_center_and_no_crop(tree):
    assert load_eschikon(tree, crop="center").data.shape == (30, 3, 24, 24, 3)
    assert load_eschikon(tree, crop=None, size=(6, 10)).data.shape == (30, 3, 6, 10, 3)


def test_infrared_is_gray(tree):
    plants = load_eschikon(tree, camera="ir1", crop=None)
    assert plants.data.shape == (30, 3, 24, 40, 1)
    assert plants.data.dtype == np.uint8


def test_multispectral(tree):
    plants = load_eschikon(tree, camera="multispec", crop=None)
    assert plants.data.shape == (30, 3, 4, 8, 25)
    assert plants.data.dtype == np.uint16
    assert plants.data[9][0, 0, 7].tolist() == [160] * 25
    assert load_eschikon(tree, camera="multispec", crop="center").data.shape[2:] == (4, 4, 25)


LOST = "1 of 90 frames are missing in some of the arguments only"


@pytest.mark.parametrize("cameras", [("rgb", "ir1"), ["multispec", "ir1"]])
def test_several_cameras_are_channels(tree, cameras, recwarn):
    plants = load_eschikon(tree, camera=cameras, crop="center", size=4)
    alone = [load_eschikon(tree, camera=name, crop="center", size=4).data for name in cameras]
    expected = np.concatenate([np.asarray(X) for X in alone], axis=-1)
    missing = missing_frames(plants.data)
    assert missing.sum() == ("rgb" in cameras)
    expected[missing.nonzero()] = np.nan if missing.any() else 0
    assert is_lazy(plants.data)
    assert plants.data.shape == (30, 3, 4, 4, 4 if "rgb" in cameras else 26)
    np.testing.assert_array_equal(np.asarray(plants.data), expected)
    assert plants.data.dtype == (np.float32 if "rgb" in cameras else np.uint16)
    assert [str(w.message)[: len(LOST)] for w in recwarn] == [LOST] * ("rgb" in cameras)
    assert f"by the camera {' and '.join(cameras)}, on disk" in plants.DESCR


@pytest.mark.filterwarnings(f"ignore:{LOST}")
def test_summary_of_several_cameras(tree):
    plants = load_eschikon(tree, camera=("rgb", "ir1"), crop="center", size=4)
    plants = pickle.loads(pickle.dumps(plants))
    summary = plants.summary()
    assert "30 plants x 3 frames of 4 x 4 pixels, 4 channels of 2 cameras, float32" in summary
    assert "missing frames, which at least one camera lacks: 1 of 90" in summary
    _, color, infrared = summary.split("\n\n")
    assert color.startswith("camera rgb\n30 plants x 3 frames of 4 x 4 pixels, 3 channels, float32")
    assert infrared.startswith(
        "camera ir1\n30 plants x 3 frames of 4 x 4 pixels, 1 channels, uint8"
    )


@pytest.mark.filterwarnings(f"ignore:{LOST}")
def test_boxes_of_several_cameras(tree, boxes):
    lower = np.broadcast_to([0.0, 12, 40, 12, 0], (16, 30, 5))
    both = load_eschikon(tree, camera=("rgb", "ir1"), boxes={"rgb": boxes, "ir1": lower}, size=8)
    color = load_eschikon(tree, boxes=boxes, size=8).data
    infrared = load_eschikon(tree, camera="ir1", boxes=lower, size=8).data
    np.testing.assert_array_equal(both.data[3], np.concatenate([color[3], infrared[3]], axis=-1))
    with pytest.raises(ValueError, match=r"those of rgb and ir1 differ: give a dict"):
        load_eschikon(tree, camera=("rgb", "ir1"), boxes=boxes, size=8)
    with pytest.raises(ValueError, match=r"boxes of cameras that are not loaded: \['ir2'\]"):
        load_eschikon(tree, camera=("rgb", "ir1"), boxes={"rgb": boxes, "ir2": lower}, size=8)
    with pytest.raises(ValueError, match=r"not of 'ir1': give boxes .* cameras in a dict"):
        load_eschikon(tree, camera=("rgb", "ir1"), boxes={"rgb": boxes}, size=8)


@pytest.mark.filterwarnings(f"ignore:{LOST}")
def test_each_camera_has_its_cache(tree, tmp_path):
    options = {"camera": ("rgb", "ir1"), "crop": "center", "size": 4, "cache": tmp_path / "frames"}
    first = np.asarray(load_eschikon(tree, **options).data)
    assert {file.name for file in tmp_path.iterdir()} >= {"frames.rgb", "frames.ir1"}
    np.testing.assert_array_equal(np.asarray(load_eschikon(tree, **options).data), first)


def test_cameras_of_several_sizes(tree):
    with pytest.raises(ValueError, match=r"1 has images of 24 x 40 .*2 has images of 4 x 8"):
        load_eschikon(tree, camera=("ir1", "multispec"), crop=None)


@pytest.mark.parametrize("cameras", [(), ("rgb", "rgb"), ("rgb", "thermal"), "thermal", None])
def test_unknown_cameras(tree, cameras):
    with pytest.raises(ValueError, match=r"camera.* must be"):
        load_eschikon(tree, camera=cameras)


def test_bands_lie_in_blocks():
    mosaic = np.zeros((1088, 2048, 1), np.uint16)
    for band in range(25):
        mosaic[3 + band // 5 :: 5, band % 5 :: 5] = 40 * band
    bands = multispectral_bands(mosaic)
    assert bands.shape == (216, 409, 25)
    assert (bands == 40 * np.arange(25)).all()
    eight_bits = multispectral_bands((mosaic >> 2).astype(np.uint8))
    assert np.array_equal(eight_bits, bands)


def test_more_than_ten_bits_are_refused(tmp_path):
    folder = tmp_path / "20180118_greenhouse_measurements" / "multispec"
    folder.mkdir(parents=True)
    cv2.imwrite(str(folder / "1.png"), np.full((24, 40), 1024, np.uint16))
    with pytest.raises(ValueError, match=r"1.png: a value of 1024 is more than the 10 bits"):
        load_eschikon(tmp_path, camera="multispec", crop=None)


def test_boxes_are_those_of_the_color_camera(tree):
    with pytest.raises(ValueError, match="boxes are those of the color camera, not of 'ir1'"):
        load_eschikon(tree, camera="ir1")


def test_boxes_of_another_shape(tree):
    with pytest.raises(ValueError, match=r"boxes must have shape \(16, 30, 5\).*got \(30, 5\)"):
        load_eschikon(tree, boxes=np.zeros((30, 5)))


def test_boxes_of_an_unknown_date(tmp_path, boxes):
    tmp_path.joinpath("20180119_greenhouse_measurements", "rgb").mkdir(parents=True)
    with pytest.raises(ValueError, match=r"no crop boxes for the days \[1\] after sowing"):
        load_eschikon(tmp_path, boxes=boxes)


def test_file_of_boxes_is_not_fetched_unasked(tree, tmp_path):
    with pytest.raises(OSError, match=r"`download_if_missing` is False: there is no .*boxDetect"):
        load_eschikon(tree, data_home=tmp_path, download_if_missing=False)


def test_file_of_boxes_that_is_not_the_authors(tree, tmp_path):
    tmp_path.joinpath("eschikon").mkdir()
    tmp_path.joinpath("eschikon", "boxDetections.mat").write_bytes(b"something else")
    with pytest.raises(OSError, match=r"boxDetections.mat is not the authors' file"):
        load_eschikon(tree, data_home=tmp_path)


def test_no_tree(tmp_path):
    with pytest.raises(FileNotFoundError, match="There is no folder"):
        load_eschikon(tmp_path / "nowhere")
    with pytest.raises(FileNotFoundError, match="no folder like 20180118_greenhouse_measurements"):
        load_eschikon(tmp_path)
