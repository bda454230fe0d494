"""What would make a score wrong is found, and nothing else."""

import csv
import shutil

import numpy as np
import pytest

from skwater.datasets import load_image_sequences, load_manifest, make_image_folder

pytest.importorskip("cv2")


@pytest.fixture
def folder(tmp_path):
    """18 plants in 6 treatments, of which 2 are dry."""
    make_image_folder(tmp_path, size=8, random_state=0)
    return tmp_path


def _problems(folder, **options):
    options = {"start": "2025-05-01", "on_error": "missing"} | options
    return load_manifest(folder / "images.csv", **options).problems()


def _edit(folder, change):
    """Rewrite the list of images; None removes a row."""
    file = folder / "images.csv"
    with open(file, newline="") as opened:
        rows = [row for row in map(change, csv.DictReader(opened)) if row is not None]
    with open(file, "w", newline="") as opened:
        writer = csv.DictWriter(opened, rows[0])
        writer.writeheader()
        writer.writerows(rows)


def test_nothing_is_found_in_good_images(folder):
    assert _problems(folder) == []


def test_the_progress_bar_is_on_stderr(folder, capsys):
    load_manifest(folder / "images.csv").problems(verbose=1)
    out, err = capsys.readouterr()
    assert out == ""
    assert "90/90" in err


def test_missing_and_truncated_images(folder):
    images = folder / "images"
    (images / "plant-01" / "2025-05-15.png").unlink()
    file = images / "plant-02" / "2025-05-15.png"
    file.write_bytes(file.read_bytes()[:-20])
    first, second = sorted(_problems(folder))
    assert first.startswith("unusable: ")
    assert first.endswith("plant-01/2025-05-15.png: there is no such file")
    assert second.endswith("plant-02/2025-05-15.png: truncated: the PNG has no end chunk")


def test_images_are_decoded(folder):
    file = folder / "images" / "plant-02" / "2025-05-15.png"
    data = bytearray(file.read_bytes())
    data[60] ^= 255
    file.write_bytes(data)
    (found,) = _problems(folder)
    assert found.startswith("damaged: ")
    assert found.endswith("plant-02/2025-05-15.png: damaged: a PNG chunk IDAT is corrupt")


def test_an_image_of_two_plants_is_a_leak(folder):
    images = folder / "images"
    shutil.copy(images / "plant-01" / "2025-05-15.png", images / "plant-09" / "2025-05-15.png")
    (found,) = _problems(folder)
    assert found.startswith("leak: plants plant-01, plant-09 have one image in common")


def test_a_path_that_two_plants_have_is_a_leak(folder):
    path = "images/plant-01/2025-05-15.png"
    at = "images/plant-09/2025-05-15.png"
    _edit(folder, lambda row: row | {"path": path} if row["path"] == at else row)
    (found,) = _problems(folder)
    assert found.startswith("leak: plants plant-01, plant-09 have one image in common")


def test_an_image_on_two_dates_is_a_copy(folder):
    images = folder / "images" / "plant-01"
    shutil.copy(images / "2025-05-15.png", images / "2025-05-22.png")
    (found,) = _problems(folder)
    assert found.startswith("copy: plant plant-01 has one image on several dates")


def test_classes_that_are_too_small(folder):
    dry = {"plant-01": "dry"}
    _edit(folder, lambda row: row | {"label": dry.get(row["plant"], "wet")})
    assert [line for line in _problems(folder) if "few plants" in line] == [
        "few plants: class dry has 1 plant, too few to train on some and test on others"
    ]
    _edit(folder, lambda row: row | {"label": "wet"})
    assert _problems(folder) == [
        "one class: all plants are wet, so there is nothing to learn",
    ]


def test_dates_that_give_the_class_away(folder):
    def only_wet_on_may_22(row):
        return None if row["date"] == "2025-05-22" and row["label"] == "dry" else row

    _edit(folder, only_wet_on_may_22)
    assert _problems(folder) == [
        "date: on day 21 100% of dry and 0% of the others have no image: a model may learn the "
        "dates"
    ]


def test_a_few_missing_images_are_no_problem(folder):
    lost = {("plant-01", "2025-05-22"), ("plant-05", "2025-05-22"), ("plant-07", "2025-05-15")}
    _edit(folder, lambda row: None if (row["plant"], row["date"]) in lost else row)
    assert _problems(folder) == []


def test_a_treatment_that_is_the_class(folder):
    _edit(folder, lambda row: row | {"treatment": f"bench of {row['label']}"})
    assert [line.partition(", and no")[0] for line in _problems(folder)] == [
        "treatment: all plants of class dry are of treatment bench of dry",
        "treatment: all plants of class wet are of treatment bench of wet",
    ]


def test_columns_that_give_the_class_away(folder):
    _edit(folder, lambda row: row | {"camera": f"of {row['label']}"})
    assert _problems(folder) == [
        "no value of 'camera' occurs in two classes: a model may learn it, not the class"
    ]


def test_images_of_which_much_is_cut_off(folder):
    import cv2

    cv2.imwrite(
        str(folder / "images/plant-01/2025-05-15.png"), np.full((8, 16, 3), 7, dtype=np.uint8)
    )
    (found,) = _problems(folder, size=8)
    assert found.startswith("cut off: ")
    assert found.endswith("50% of it remain")


def test_long_lists_are_cut(folder):
    for file in folder.glob("images/plant-0[1-3]/*.png"):
        file.write_bytes(b"")
    found = _problems(folder)
    assert len(found) == 11
    assert found[10] == "... and 5 more like this"


def test_images_without_labels(folder):
    plants = load_image_sequences(folder / "images", labels=False)
    assert plants.target is None
    assert plants.problems() == []


def test_a_column_named_problems_does_not_hide_the_method(folder):
    _edit(folder, lambda row: row | {"problems": f"{row['plant']} none"})
    plants = load_manifest(folder / "images.csv")
    assert plants.problems() == []
    assert plants["problems_"][0] == "plant-01 none"
