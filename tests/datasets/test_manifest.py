"""Manifests: the table that is made, and all that is refused."""

import csv
import hashlib
import os
import pickle
import re
import warnings
from datetime import datetime

import numpy as np
import pytest

from skwater.datasets import load_manifest
from skwater.sequences import missing_frames

ROWS = [
    {"path": f"{plant}/{day}.png", "plant": plant, "date": f"2024-05-{day:02}", "label": label}
    | {"treatment": group, "height": f"{10 * day}"}
    for plant, label, group in (("1", "dry", "A"), ("2", "wet", "B"), ("10", "wet", "A"))
    for day in (1, 3, 10)
]


@pytest.fixture
def manifest(tmp_path, write_image):
    """Write rows as a manifest, with their images unless told otherwise; return its path."""

    def write(rows=ROWS, images=True):
        for i, row in enumerate(rows):
            file = tmp_path / row.get("path", "")
            if images and file.suffix and not file.exists():
                write_image(file, i)
        path = tmp_path / "images.csv"
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
    first, second = load_manifest(manifest()), load_manifest(manifest(ROWS[::-1], images=False))
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


def test_days_are_counted_from_a_start(manifest):
    assert load_manifest(manifest(), start="2024-04-21").days.tolist() == [10, 12, 19]
    numbers = [row | {"date": row["date"][-2:]} for row in ROWS]
    assert load_manifest(manifest(numbers)).days.tolist() == [1, 3, 10]


# Row 19: plants without an image on a date, and dates that differ.


def test_row_19_image_that_is_not_there(manifest):
    plants = load_manifest(manifest(ROWS[:4] + ROWS[5:]))
    assert np.argwhere(missing_frames(plants.data)).tolist() == [[1, 1]]
    assert plants.data.dtype == np.float32
    assert "missing images: 1 of 9\n  2: 1" in plants.summary()


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


def test_two_images_of_a_plant_never_share_a_frame(manifest):
    plants = load_manifest(manifest(), tolerance=100)
    assert plants.data.shape[:2] == (3, 3)
    assert missing_frames(plants.data).sum() == 0


def test_times_of_one_day_share_a_frame(manifest):
    rows = [row | {"date": f"{row['date']}T{10 + i}:30"} for i, row in enumerate(ROWS)]
    plants = load_manifest(manifest(rows))
    assert plants.days.tolist() == [0, 2, 9]
    assert "images of one day share a frame" in plants.summary()


def test_several_times_a_day_are_frames(manifest):
    rows = [row | {"date": f"2024-05-01T{i:02}:00"} for i, row in enumerate(ROWS)]
    with pytest.warns(UserWarning, match="18 of 27 frames are missing"):
        plants = load_manifest(manifest(rows))
    assert plants.data.shape[:2] == (3, 9)
    assert missing_frames(plants.data).sum() == 18


def test_grid_takes_the_nearest(manifest):
    plants = load_manifest(
        manifest(change(4, date="2024-05-05")), grid=["2024-05-02", "2024-05-04"], tolerance=1
    )
    assert plants.data.shape[:2] == (3, 2)
    assert np.asarray(plants.data)[:, :, 0, 0, 0].tolist() == [[0, 1], [3, 4], [6, 7]]
    assert "3 images are left out" in plants.summary()


# Row 18: rows that cannot be.


def test_row_18_missing_column(manifest):
    path = manifest([{k: v for k, v in row.items() if k != "plant"} for row in ROWS])
    with pytest.raises(ValueError, match=r"has no column 'plant': it has 'path', 'date'.*plant="):
        load_manifest(path)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (change(4, path="2/missing.png"), r"line 6: .*2/missing.png: there is no such file"),
        (change(4, path=""), "line 6: no path"),
        (change(4, date="3 May"), "line 6: '3 May' is no date: an ISO day or time, or a number"),
        (change(4, date="7"), r"line 6: 7 is a number, but 2024-05-01 of line 2 is a date"),
        (
            change(4, date="2024-05-01"),
            r"line 6: plant 2 has an image on 2024-05-01 already.*line 5",
        ),
        (change(4, label="dry"), r"line 6: plant 2 has the label 'dry', and 'wet' in line 5"),
        (change(4, label=""), "line 6: nothing in the column 'label'"),
        (change(4, plant=""), "line 6: nothing in the column 'plant'"),
    ],
)
def test_row_18_bad_row(manifest, rows, message):
    path = manifest()
    manifest(rows, images=False)
    with pytest.raises(ValueError, match=rf"(?s)1 entry of .*images.csv.*{message}"):
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
    manifest(rows, images=False)
    with pytest.raises(ValueError, match="5 entries") as caught:
        load_manifest(path)
    lines = [line.split(":")[0].strip() for line in str(caught.value).splitlines()[1:]]
    assert sorted(lines) == ["line 11", "line 2", "line 4", "line 6", "line 8"]


def test_empty_manifest(tmp_path):
    path = tmp_path / "images.csv"
    path.write_text("path,plant,date,label\n")
    with pytest.raises(FileNotFoundError, match="There is no image in"):
        load_manifest(path)


def test_unknown_file_can_be_a_missing_frame(manifest):
    path = manifest()
    manifest(change(4, path="2/missing.png"), images=False)
    plants = load_manifest(path, on_error="missing")
    assert np.argwhere(missing_frames(plants.data)).tolist() == [[1, 1]]
    assert "cannot be used, taken as missing: 1\n" in plants.summary()
    assert "missing.png: there is no such file" in plants.summary()


def test_damaged_files_can_be_missing_frames(manifest, tmp_path):
    path = manifest()
    tmp_path.joinpath("2", "3.png").write_bytes(b"<html>")
    tmp_path.joinpath("10", "1.png").write_bytes(b"")
    with pytest.raises(ValueError, match=r"(?s)2 images cannot be used.*10/1.png: .*2/3.png: "):
        load_manifest(path)
    plants = load_manifest(path, on_error="missing")
    assert np.argwhere(missing_frames(plants.data)).tolist() == [[1, 1], [2, 0]]
    assert "taken as missing: 2" in plants.summary()


# Row 20: paths that lead elsewhere.


@pytest.mark.parametrize("trick", ["up", "absolute", "link", "link to a folder", "loop", "null"])
def test_row_20_paths_stay_inside(manifest, tmp_path, tmp_path_factory, write_image, trick):
    outside = tmp_path_factory.mktemp("outside")
    write_image(outside / "1.png")
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
    listed = manifest(change(4, path=path), images=False)
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
    path, image = manifest(rows), tmp_path / "2" / "3.jpg"
    lines = [
        f"{hashlib.sha256((tmp_path / row['path']).read_bytes()).hexdigest()} *{row['path']}\n"
        for row in rows
    ]
    tmp_path.joinpath("sums").write_text("".join(lines))
    data = bytearray(image.read_bytes())
    data[-6] ^= 1
    image.write_bytes(data)
    np.asarray(load_manifest(path).data)  # nobody could tell
    with pytest.raises(ValueError, match=r"line 6: .*2/3.jpg: it was changed: its SHA-256 is"):
        load_manifest(path, checksums="sums")
    plants = load_manifest(path, checksums="sums", on_error="missing")
    assert np.argwhere(missing_frames(plants.data)).tolist() == [[1, 1]]


def test_image_without_a_checksum(sums, tmp_path):
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
        "missing images: 1 of 9\n  10: 1\n",
        "sizes on disk: 6 x 8 (8)",
        "classes: 1 dry, 2 wet",
        "treatment A: 1 dry, 1 wet",
        "treatment B: 1 wet",
        "files of equal content: 1\n",
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
    with pytest.raises(ValueError, match="is a date, but the images have numbers"):
        load_manifest(path, onset_day="2024-05-03")


def test_a_column_named_onset_does_not_hide_it(manifest):
    plants = load_manifest(manifest([row | {"onset": "x"} for row in ROWS]), onset_day=0)
    assert (plants.onset, plants.onset_.tolist()) == (1, ["x"] * 3)


# Defects of 0.1.0, and stumbles of a newcomer, by their numbers in the review.


def test_d11_time_zones_do_not_split_days(manifest):
    hours = ["09", "11", "23"] * 3
    rows = [r | {"date": f"{r['date']}T{h}:00+10:00"} for r, h in zip(ROWS, hours, strict=True)]
    rows[4] |= {"date": "2024-05-03T07:00+10:00"}
    plants = load_manifest(manifest(rows))
    assert plants.days.tolist() == [0, 2, 9]
    assert plants.dates[1] == datetime(2024, 5, 3)


def test_d11_mixture_of_times_with_and_without_a_zone(manifest):
    rows = change(4, date="2024-05-03T09:00+10:00")
    with pytest.raises(
        ValueError, match=r"line 6: .* is a time with a time zone, but 2024-05-01 of"
    ):
        load_manifest(manifest(rows))


def test_d12_column_twice(manifest):
    path = manifest()
    path.write_text(path.read_text().replace("height", "plant"))
    with pytest.raises(
        ValueError, match=r"images.csv, line 1, has two columns of the name 'plant'"
    ):
        load_manifest(path)


def test_columns_without_a_name_are_legal(manifest):
    path = manifest()
    path.write_text("".join(f"{line},,\n" for line in path.read_text().splitlines()))
    assert load_manifest(path).data.shape[:2] == (3, 3)


@pytest.mark.parametrize("column", ["plant", "label", "treatment"])
def test_d12_null_characters(manifest, column):
    rows = change(4, **{column: f"{ROWS[4][column]}\0"})
    with pytest.raises(ValueError, match=r"images.csv.*\n.*line 6: there is a null character"):
        load_manifest(manifest(rows))


def test_d12_compact_dates(manifest):
    rows = [row | {"date": row["date"][2:].replace("-", "")} for row in ROWS]
    with pytest.raises(ValueError, match=r"line 2: '240501' may be a number or a date: .*'%y%m%d'"):
        load_manifest(manifest(rows))
    assert load_manifest(manifest(rows), date_format="%y%m%d").days.tolist() == [0, 2, 9]


@pytest.mark.parametrize("encoding", ["utf-16", "latin-1", "utf-16-le"])
def test_d12_other_encodings(manifest, encoding):
    path = manifest([row | {"label": row["label"].replace("dry", "dürr")} for row in ROWS])
    path.write_text(path.read_text(encoding="utf-8"), encoding=encoding)
    guess = encoding.removesuffix("-le")
    with pytest.raises(ValueError, match=rf"images.csv .*encoding='{guess}'"):
        load_manifest(path)
    assert load_manifest(path, encoding=encoding).target.tolist() == ["dürr", "wet", "wet"]


def test_d12_names_that_differ_in_case_only(manifest):
    path = manifest(ROWS[:3] + [row | {"label": "Dry"} for row in ROWS[3:]])
    text = path.read_text(encoding="utf-8").replace("1.png,10,", "1.png,A,")
    path.write_text(text.replace(".png,10,", ".png,a,"))
    plants = load_manifest(path)
    assert plants.plant.tolist() == ["1", "2", "A", "a"]
    for loaded in (plants, pickle.loads(pickle.dumps(plants))):
        text = loaded.summary()
        assert (
            f"remark: {path}: plants that differ only in upper and lower case: 'A' (line 8), "
            f"'a' (line 9)" in text
        )
        assert (
            "labels that differ only in upper and lower case: 'dry' (line 2), 'Dry' (line" in text
        )


def test_d12_remarks_are_no_keys(manifest):
    plants = load_manifest(manifest([row | {"remarks": "x"} for row in ROWS]))
    assert plants.remarks.tolist() == ["x"] * 3
    assert "remark:" not in plants.summary()


def test_n9_date_and_time_in_two_columns(manifest):
    rows = [
        {**row, "date": "2024-05-01", "time": f"{9 + i % 3:02}:30"} for i, row in enumerate(ROWS)
    ]
    path = manifest(rows)
    with pytest.raises(ValueError, match=r"If the column 'time' has the time of day.*'time'\)"):
        load_manifest(path)
    plants = load_manifest(path, date=["date", "time"])
    assert plants.dates[1] == datetime(2024, 5, 1, 10, 30)
    assert plants.data.shape[:2] == (3, 3)
    path = manifest([{**row, "date": "01.05.2024"} for row in rows])
    again = load_manifest(path, date=("date", "time"), date_format="%d.%m.%Y %H:%M")
    assert again.dates == plants.dates
    with pytest.raises(ValueError, match="line 2: nothing in the column 'time'"):
        load_manifest(manifest([{**row, "time": ""} for row in rows]), date=["date", "time"])


def test_n9_ten_lines_of_errors_and_their_number(manifest):
    rows = [row | {"date": f"{i}?"} for i, row in enumerate(ROWS * 3)]
    with pytest.raises(ValueError, match="27 entries of") as caught:
        load_manifest(manifest(rows))
    lines = str(caught.value).splitlines()
    assert len(lines) == 12
    assert lines[-1] == "  ... and 17 more"


def test_n9_warning_if_most_frames_are_missing(manifest):
    rows = [row | {"date": f"{row['date']}T{8 + i:02}:00"} for i, row in enumerate(ROWS)]
    rows.append(rows[0] | {"date": "2024-05-01T20:00", "path": "1/20.png"})
    path = manifest(rows)
    with pytest.warns(UserWarning, match=r"20 of 30 frames are missing.*tolerance=") as caught:
        load_manifest(path)
    assert caught[0].filename == __file__
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        load_manifest(path, tolerance=0.3)


@pytest.mark.parametrize("mark", [";", "\t", "|"])
def test_n10_other_separators(manifest, mark):
    path = manifest()
    path.write_text(path.read_text().replace(",", mark))
    with pytest.raises(ValueError, match=re.escape(f"sep={mark!r}")):
        load_manifest(path)
    assert load_manifest(path, sep=mark).target.tolist() == ["dry", "wet", "wet"]


def test_n10_day_first(manifest):
    path = manifest([row | {"date": "/".join(reversed(row["date"].split("-")))} for row in ROWS])
    with pytest.raises(ValueError, match=r"line 2: '01/05/2024' is no date.*date_format"):
        load_manifest(path)
    assert load_manifest(path, date_format="%d/%m/%Y").days.tolist() == [0, 2, 9]


@pytest.mark.parametrize("kind", ["text", "numbers", "datetimes"])
def test_n10_data_frame(manifest, tmp_path, kind):
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame([*ROWS[:-1], ROWS[-1] | {"height": None}], index=[5] * 9)
    frame["plant"] = frame["plant"].astype(int)
    if kind == "numbers":
        frame["date"] = [1, 3, 10] * 3
    if kind == "datetimes":
        frame["date"] = pandas.to_datetime(frame["date"])
    path = manifest()
    plants, expected = load_manifest(frame, root=tmp_path), load_manifest(path)
    assert plants.plant.tolist() == ["1", "2", "10"]
    assert plants.target.tolist() == expected.target.tolist()
    assert np.array_equal(plants.data, expected.data)
    assert (plants.days - plants.days[0]).tolist() == [0, 2, 9]
    assert plants.height[2].tolist() == ["10", "30", ""]
    assert kind == "numbers" or type(plants.dates[0]) is datetime
    assert "of 3 plants, from the DataFrame" in plants.DESCR


def test_n10_data_frame_without_a_column(manifest, tmp_path):
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(ROWS).drop(columns="plant")
    with pytest.raises(ValueError, match="The DataFrame has no column 'plant'"):
        load_manifest(frame, root=tmp_path)
    frame = pandas.DataFrame(change(4, date="?"))
    with pytest.raises(ValueError, match=r"(?s)1 entry of the DataFrame .*row 4: '\?' is no date"):
        load_manifest(frame, root=manifest().parent)
