"""Photos in folders and manifests: the table that is made, and all that is refused."""

import csv
import hashlib
import os
import pickle
from datetime import datetime
from pathlib import Path

import cv2
import numpy as np
import pytest

from skwater.datasets import load_image_sequences, load_manifest
from skwater.datasets._image_table import parse_time
from skwater.sequences import missing_frames


def write_photo(file, value=0):
    file.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(file), np.full((6, 8, 3), value, np.uint8))


ROWS = [
    {"path": f"{plant}/{day}.png", "plant": plant, "date": f"2024-05-{day:02}", "label": label}
    | {"treatment": group, "height": f"{10 * day}"}
    for plant, label, group in (("1", "dry", "A"), ("2", "wet", "B"), ("10", "wet", "A"))
    for day in (1, 3, 10)
]


@pytest.fixture
def manifest(tmp_path):
    """Write rows as a manifest, with their photos unless told otherwise; return its path."""

    def write(rows=ROWS, photos=True):
        for i, row in enumerate(rows):
            file = tmp_path / row.get("path", "")
            if photos and file.suffix and not file.exists():
                write_photo(file, i)
        path = tmp_path / "photos.csv"
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)
        return path

    return write


def change(i, **values):
    """The rows with one of them changed."""
    return [row | values if k == i else row for k, row in enumerate(ROWS)]


def test_manifest(manifest):
    plants = load_manifest(manifest())
    assert plants.data.shape == (3, 3, 6, 8, 3)
    assert plants.data.dtype == np.uint8
    assert plants.plant.tolist() == ["1", "2", "10"]
    assert plants.target.tolist() == ["dry", "wet", "wet"]
    assert plants.classes.tolist() == plants.target_names == ["dry", "wet"]
    assert plants.treatment.tolist() == ["A", "B", "A"]
    assert plants.days.tolist() == [0, 2, 9]
    assert plants.dates[0] == datetime(2024, 5, 1)
    assert plants.height[1].tolist() == ["10", "30", "100"]
    assert np.asarray(plants.data)[:, :, 0, 0, 0].tolist() == [[0, 1, 2], [3, 4, 5], [6, 7, 8]]


def test_order_of_the_rows_is_no_matter(manifest):
    first, second = load_manifest(manifest()), load_manifest(manifest(ROWS[::-1], photos=False))
    assert np.array_equal(first.data, second.data)
    assert first.plant.tolist() == second.plant.tolist()
    assert np.array_equal(first.height, second.height)


def test_names_of_the_columns_are_arguments(manifest):
    names = {"path": "file", "plant": "box", "date": "session", "label": "class"}
    rows = [{names.get(k, k): v for k, v in row.items()} for row in ROWS]
    path = manifest([{**row, "path": row["file"]} for row in rows])
    plants = load_manifest(path, **{**names, "treatment": "height"}, size=4)
    assert plants.data.shape == (3, 3, 4, 4, 3)
    assert plants.target.tolist() == ["dry", "wet", "wet"]
    assert plants.treatment.shape == (3, 3)


def test_without_labels(manifest):
    plants = load_manifest(manifest(), label=None)
    assert plants.target is None
    assert plants.label.tolist() == ["dry", "wet", "wet"]
    assert "no labels" in plants.summary()


def test_column_that_would_hide_another(manifest):
    plants = load_manifest(manifest([row | {"data": "x", "days": "y"} for row in ROWS]))
    assert plants.data.shape[:2] == (3, 3)
    assert plants.data_.tolist() == ["x"] * 3


def test_bunch_can_be_pickled(manifest):
    plants = load_manifest(manifest())
    assert pickle.loads(pickle.dumps(plants)).summary() == plants.summary()


@pytest.mark.parametrize(
    ("text", "time"),
    [
        ("7", 7.0),
        ("-1.5", -1.5),
        ("2024-05-30", datetime(2024, 5, 30)),
        ("20240530", datetime(2024, 5, 30)),
        ("2024-05-30T14:05", datetime(2024, 5, 30, 14, 5)),
        ("2024-05-30 14:05:06", datetime(2024, 5, 30, 14, 5, 6)),
        ("2024-05-30T14:05+02:00", datetime(2024, 5, 30, 12, 5)),
    ],
)
def test_dates(text, time):
    assert parse_time(text) == time


@pytest.mark.parametrize("text", ["", "nan", "inf", "30.05.2024", "2024-02-30", "20241399", "May"])
def test_what_is_no_date(text):
    with pytest.raises(ValueError):  # noqa: PT011  # the caller words it
        parse_time(text)


def test_days_are_counted_from_a_start(manifest):
    assert load_manifest(manifest(), start="2024-04-21").days.tolist() == [10, 12, 19]
    numbers = [row | {"date": row["date"][-2:]} for row in ROWS]
    assert load_manifest(manifest(numbers)).days.tolist() == [1, 3, 10]


# Row 19: plants without a photo on a date, and dates that differ.


def test_row_19_photo_that_is_not_there(manifest):
    plants = load_manifest(manifest(ROWS[:4] + ROWS[5:]))
    assert np.argwhere(missing_frames(plants.data)).tolist() == [[1, 1]]
    assert plants.data.dtype == np.float32
    assert "missing photos: 1 of 9\n  2: 1" in plants.summary()


def test_row_19_dates_that_differ_leave_gaps(manifest):
    plants = load_manifest(manifest(change(4, date="2024-05-04")))
    assert plants.days.tolist() == [0, 2, 3, 9]
    assert missing_frames(plants.data).sum() == 3
    assert "each date is a frame" in plants.summary()


def test_dates_within_a_tolerance_share_a_frame(manifest):
    plants = load_manifest(manifest(change(4, date="2024-05-04")), tolerance=0.5)
    assert plants.days.tolist() == [0, 2.5, 9]
    assert missing_frames(plants.data).sum() == 0
    assert "up to 0.5 from the middle share a frame (4 dates found)" in plants.summary()


def test_two_photos_of_a_plant_never_share_a_frame(manifest):
    plants = load_manifest(manifest(), tolerance=100)
    assert plants.data.shape[:2] == (3, 3)
    assert missing_frames(plants.data).sum() == 0


def test_times_of_one_day_share_a_frame(manifest):
    rows = [row | {"date": f"{row['date']}T{10 + i}:30"} for i, row in enumerate(ROWS)]
    plants = load_manifest(manifest(rows))
    assert plants.days.tolist() == [0, 2, 9]
    assert "photos of one day share a frame" in plants.summary()


def test_several_times_a_day_are_frames(manifest):
    rows = [row | {"date": f"2024-05-01T{i:02}:00"} for i, row in enumerate(ROWS)]
    plants = load_manifest(manifest(rows))
    assert plants.data.shape[:2] == (3, 9)
    assert missing_frames(plants.data).sum() == 18


def test_grid_takes_the_nearest(manifest):
    plants = load_manifest(
        manifest(change(4, date="2024-05-05")), grid=["2024-05-02", "2024-05-04"], tolerance=1
    )
    assert plants.data.shape[:2] == (3, 2)
    assert np.asarray(plants.data)[:, :, 0, 0, 0].tolist() == [[0, 1], [3, 4], [6, 7]]
    assert "3 photos are left out" in plants.summary()


# Row 18: rows that cannot be.


def test_row_18_missing_column(manifest):
    path = manifest([{k: v for k, v in row.items() if k != "plant"} for row in ROWS])
    with pytest.raises(ValueError, match=r"has no column 'plant': it has 'path', 'date'.*plant="):
        load_manifest(path)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (change(4, path="2/gone.png"), r"line 6: .*2/gone.png: there is no such file"),
        (change(4, path=""), "line 6: no path"),
        (change(4, date="3 May"), "line 6: '3 May' is no date: an ISO day or time, or a number"),
        (change(4, date="7"), r"line 6: 7 and 2024-05-01 of line 2 are not both dates or both num"),
        (
            change(4, date="2024-05-01"),
            r"line 6: plant 2 has a photo on 2024-05-01 already.*line 5",
        ),
        (change(4, label="dry"), r"line 6: plant 2 has the label 'dry', and 'wet' in line 5"),
        (change(4, label=""), "line 6: nothing in the column 'label'"),
        (change(4, plant=""), "line 6: nothing in the column 'plant'"),
    ],
)
def test_row_18_bad_row(manifest, rows, message):
    path = manifest()
    manifest(rows, photos=False)
    with pytest.raises(ValueError, match=rf"(?s)1 entry of .*photos.csv.*{message}"):
        load_manifest(path)


def test_row_18_all_bad_rows_are_in_one_error(manifest):
    path = manifest()
    rows = [*ROWS, ROWS[0]]
    for i, values in (
        (0, {"path": "x.png"}),
        (2, {"date": "?"}),
        (4, {"label": "dead"}),
        (6, {"path": ".."}),
    ):
        rows[i] = rows[i] | values
    manifest(rows, photos=False)
    with pytest.raises(ValueError, match="5 entries") as caught:
        load_manifest(path)
    lines = [line.split(":")[0].strip() for line in str(caught.value).splitlines()[1:]]
    assert sorted(lines) == ["line 11", "line 2", "line 4", "line 6", "line 8"]


def test_empty_manifest(tmp_path):
    path = tmp_path / "photos.csv"
    path.write_text("path,plant,date,label\n")
    with pytest.raises(FileNotFoundError, match="There is no photo in"):
        load_manifest(path)


def test_unknown_file_can_be_a_missing_frame(manifest):
    path = manifest()
    manifest(change(4, path="2/gone.png"), photos=False)
    plants = load_manifest(path, on_error="missing")
    assert np.argwhere(missing_frames(plants.data)).tolist() == [[1, 1]]
    assert "cannot be used, taken as missing: 1\n" in plants.summary()
    assert "gone.png: there is no such file" in plants.summary()


def test_damaged_files_can_be_missing_frames(manifest, tmp_path):
    path = manifest()
    tmp_path.joinpath("2", "3.png").write_bytes(b"<html>")
    tmp_path.joinpath("10", "1.png").write_bytes(b"")
    with pytest.raises(ValueError, match=r"(?s)2 photos cannot be used.*10/1.png: .*2/3.png: "):
        load_manifest(path)
    plants = load_manifest(path, on_error="missing")
    assert np.argwhere(missing_frames(plants.data)).tolist() == [[1, 1], [2, 0]]
    assert "taken as missing: 2" in plants.summary()


# Row 20: paths that lead elsewhere.


@pytest.mark.parametrize("trick", ["up", "absolute", "link", "link to a folder", "loop", "null"])
def test_row_20_paths_stay_inside(manifest, tmp_path, tmp_path_factory, trick):
    outside = tmp_path_factory.mktemp("outside")
    write_photo(outside / "1.png")
    manifest()
    tmp_path.joinpath("link.png").symlink_to(outside / "1.png")
    tmp_path.joinpath("folder").symlink_to(outside)
    tmp_path.joinpath("loop.png").symlink_to(tmp_path / "loop.png")
    path = {
        "up": f"../{outside.name}/1.png",
        "absolute": str(outside / "1.png"),
        "link": "link.png",
        "link to a folder": "folder/1.png",
        "loop": "loop.png",
        "null": "1\0.png",
    }[trick]
    listed = manifest(change(4, path=path), photos=False)
    with pytest.raises(ValueError, match=r"line 6: .*(outside the folder|no such file)"):
        load_manifest(listed)
    if trick not in ("loop", "null"):
        with pytest.raises(ValueError, match=r"line 6: .* is outside the folder"):
            load_manifest(listed, on_error="missing")


def test_row_20_harmless_paths_are_legal(manifest, tmp_path):
    path = manifest(change(4, path=str(tmp_path / "2" / "3.png")))
    assert load_manifest(path).data.shape[:2] == (3, 3)
    path = manifest(change(4, path="1/../2/3.png"))
    assert load_manifest(path).data.shape[:2] == (3, 3)


# Checksums


@pytest.fixture
def sums(manifest, tmp_path):
    path = manifest()
    lines = [
        f"{hashlib.sha256((tmp_path / row['path']).read_bytes()).hexdigest()}  ./{row['path']}\n"
        for row in ROWS
    ]
    tmp_path.joinpath("sha256sums.txt").write_text("".join(lines))
    return path


def test_checksums_that_agree(sums):
    assert load_manifest(sums, checksums="sha256sums.txt").data.shape[:2] == (3, 3)


def test_flipped_bit_in_a_jpeg_is_caught_by_checksums_only(manifest, tmp_path):
    rows = [row | {"path": row["path"].replace("png", "jpg")} for row in ROWS]
    path, photo = manifest(rows), tmp_path / "2" / "3.jpg"
    lines = [
        f"{hashlib.sha256((tmp_path / row['path']).read_bytes()).hexdigest()} *{row['path']}\n"
        for row in rows
    ]
    tmp_path.joinpath("sums").write_text("".join(lines))
    data = bytearray(photo.read_bytes())
    data[-6] ^= 1
    photo.write_bytes(data)
    np.asarray(load_manifest(path).data)  # nobody could tell
    with pytest.raises(ValueError, match=r"line 6: .*2/3.jpg: it was changed: its SHA-256 is"):
        load_manifest(path, checksums="sums")
    plants = load_manifest(path, checksums="sums", on_error="missing")
    assert np.argwhere(missing_frames(plants.data)).tolist() == [[1, 1]]


def test_photo_without_a_checksum(sums, tmp_path):
    text = tmp_path.joinpath("sha256sums.txt").read_text().splitlines()
    tmp_path.joinpath("sha256sums.txt").write_text("\n".join(text[1:]))
    with pytest.raises(ValueError, match=r"line 2: .*it is not listed in sha256sums.txt"):
        load_manifest(sums, checksums="sha256sums.txt")


# The summary


def test_summary(manifest, tmp_path):
    path = manifest(ROWS[:-1])
    tmp_path.joinpath("2", "1.png").write_bytes(tmp_path.joinpath("1", "1.png").read_bytes())
    text = load_manifest(path).summary()
    for part in (
        "3 plants x 3 frames of 6 x 8 pixels",
        "dates: 2024-05-01 to 2024-05-10",
        "missing photos: 1 of 9\n  10: 1\n",
        "sizes on disk: 6 x 8 (8)",
        "classes: 1 dry, 2 wet",
        "treatment A: 1 dry, 1 wet",
        "treatment B: 1 wet",
        "files of the same content: 1\n",
        os.path.join("2", "1.png"),
    ):
        assert part in text


def test_onset_in_days_or_as_a_date(manifest):
    path = manifest()
    unknown = load_manifest(path)
    assert (unknown.onset_day, unknown.onset) == (None, None)
    for onset_day in (2, 8.5, "2024-05-03", datetime(2024, 5, 3)):
        plants = load_manifest(path, onset_day=onset_day)
        assert plants.onset == 2, onset_day
    assert plants.onset_day == 2
    assert "onset of stress: after day 2, 2 of 3 frames before" in plants.summary()
    later = load_manifest(path, onset_day="2024-05-03", start="2024-04-30")
    assert (later.onset_day, later.onset) == (3, 2)
    assert load_manifest(path, onset_day=-1).onset is None


def test_onset_of_numbered_sessions(manifest):
    path = manifest([row | {"date": row["date"][-2:]} for row in ROWS])
    assert load_manifest(path, onset_day=9).onset == 2
    with pytest.raises(ValueError, match="is a date, but the photos have numbers"):
        load_manifest(path, onset_day="2024-05-03")


def test_a_column_named_onset_does_not_hide_it(manifest):
    plants = load_manifest(manifest([row | {"onset": "x"} for row in ROWS]), onset_day=0)
    assert (plants.onset, plants.onset_.tolist()) == (1, ["x"] * 3)


# Folders


@pytest.fixture
def tree(tmp_path):
    for name in ("dry/1/2024-05-01", "dry/1/2024-05-03", "wet/2/2024-05-01", "wet/10/2024-05-03"):
        write_photo(tmp_path / f"{name}.png")
    tmp_path.joinpath("wet", "2", "notes.txt").write_text("windy")
    tmp_path.joinpath("wet", "2", ".2024-05-03.png").write_bytes(b"")
    return tmp_path


def test_onset_of_a_tree(tree):
    assert load_image_sequences(tree, onset_day=0).onset == 1


def test_tree_of_labels(tree):
    plants = load_image_sequences(tree)
    assert plants.data.shape == (3, 2, 6, 8, 3)
    assert plants.plant.tolist() == ["1", "2", "10"]
    assert plants.target.tolist() == ["dry", "wet", "wet"]
    assert plants.treatment is None
    assert plants.days.tolist() == [0, 2]
    assert np.argwhere(missing_frames(plants.data)).tolist() == [[1, 1], [2, 0]]


@pytest.mark.parametrize("how", ["dict", "csv"])
def test_tree_of_plants(tree, how):
    labels = {"1": "a", "2": "b", "10": "a"}
    if how == "csv":
        text = "plant,label\n" + "".join(f"{k},{v}\n" for k, v in labels.items())
        tree.joinpath("labels.csv").write_text(text)
        labels = tree / "labels.csv"
    for plant in list((tree / "wet").iterdir()) + list((tree / "dry").iterdir()):
        plant.rename(tree / plant.name)
    plants = load_image_sequences(tree, labels=labels)
    assert dict(zip(plants.plant, plants.target, strict=True)) == {"1": "a", "2": "b", "10": "a"}


def test_date_within_a_name(tmp_path):
    write_photo(tmp_path / "dry" / "1" / "IMG_20240501_top.png")
    write_photo(tmp_path / "dry" / "1" / "IMG_20240503_top.png")
    assert load_image_sequences(tmp_path, date_pattern="IMG_{}_top").days.tolist() == [0, 2]
    with pytest.raises(ValueError, match=r"(?s)2 entries.*'IMG_20240501_top' is no date by '{}'"):
        load_image_sequences(tmp_path)


def test_plant_with_two_labels_in_a_tree(tree):
    write_photo(tree / "dry" / "2" / "2024-05-09.png")
    with pytest.raises(ValueError, match="plant 2 has the label 'wet', and 'dry' in dry/2"):
        load_image_sequences(tree)


def test_plant_without_a_label(tree):
    with pytest.raises(ValueError, match=r"(?s)plant '2' has no label"):
        load_image_sequences(tree / "wet", labels={"10": "wet"})


def test_no_tree(tmp_path):
    with pytest.raises(FileNotFoundError, match="There is no folder"):
        load_image_sequences(tmp_path / "nowhere")
    with pytest.raises(FileNotFoundError, match=r"no photos like <label>/<plant>/<date>.png"):
        load_image_sequences(tmp_path)


def test_tree_that_links_outside(tree, tmp_path_factory):
    outside = tmp_path_factory.mktemp("outside")
    write_photo(outside / "2024-05-09.png")
    Path(tree, "wet", "9").symlink_to(outside)
    with pytest.raises(ValueError, match="links to a place outside"):
        load_image_sequences(tree)
