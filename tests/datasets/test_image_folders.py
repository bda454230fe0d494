"""Images in folders: the table that is made, and all that is refused."""

import os
from pathlib import Path

import numpy as np
import pytest

from skwater.datasets import load_image_sequences
from skwater.datasets._image_records import sha256
from skwater.sequences import missing_frames


@pytest.fixture
def tree(tmp_path, write_image):
    for name in ("dry/1/2024-05-01", "dry/1/2024-05-03", "wet/2/2024-05-01", "wet/10/2024-05-03"):
        write_image(tmp_path / f"{name}.png")
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


def test_date_within_a_name(tmp_path, write_image):
    write_image(tmp_path / "dry" / "1" / "IMG_20240501_top.png")
    write_image(tmp_path / "dry" / "1" / "IMG_20240503_top.png")
    assert load_image_sequences(tmp_path, date_pattern="IMG_{}_top").days.tolist() == [0, 2]
    with pytest.raises(ValueError, match=r"(?s)2 entries.*'IMG_20240501_top' is no date: an ISO"):
        load_image_sequences(tmp_path)


def test_names_that_phones_give(tmp_path, write_image):
    write_image(tmp_path / "dry" / "1" / "IMG_20240501_095616.png")
    write_image(tmp_path / "dry" / "1" / "IMG_20240503_101500.png")
    write_image(tmp_path / "wet" / "2" / "IMG_20240503_101522.png")
    plants = load_image_sequences(tmp_path, date_pattern="IMG_{}")
    assert (plants.days.tolist(), plants.data.shape[:2]) == ([0, 2], (2, 2))


def test_plant_with_two_labels_in_a_tree(tree, write_image):
    write_image(tree / "dry" / "2" / "2024-05-09.png")
    with pytest.raises(ValueError, match="plant 2 has the label 'wet', and 'dry' in dry/2"):
        load_image_sequences(tree)


def test_plant_without_a_label(tree):
    with pytest.raises(ValueError, match=r"(?s)plant '2' has no label"):
        load_image_sequences(tree / "wet", labels={"10": "wet"})


def test_no_tree(tmp_path):
    with pytest.raises(FileNotFoundError, match="There is no folder"):
        load_image_sequences(tmp_path / "nowhere")
    with pytest.raises(FileNotFoundError, match=r"no images like <label>/<plant>/<date>.png"):
        load_image_sequences(tmp_path)


def test_tree_that_links_outside(tree, tmp_path_factory, write_image):
    outside = tmp_path_factory.mktemp("outside")
    write_image(outside / "2024-05-09.png")
    Path(tree, "wet", "9").symlink_to(outside)
    with pytest.raises(ValueError, match="links to a place outside"):
        load_image_sequences(tree)


# Defects of 0.1.0, and stumbles of a newcomer, by their numbers in the review.


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
@pytest.mark.parametrize("checksums", [None, "sums"])
def test_d6_named_pipe_in_a_tree(tree, checksums):
    os.mkfifo(tree / "dry" / "1" / "2024-05-09.png")
    sums = "".join(f"{sha256(file)}  {file}\n" for file in tree.rglob("*.png") if file.is_file())
    tree.joinpath("sums").write_text(sums)
    tree.joinpath("wet", "2", ".2024-05-03.png").unlink()
    with pytest.raises(ValueError, match=r"1 entry of .*\n.*2024-05-09.png: not a regular file"):
        load_image_sequences(tree, checksums=checksums)
    with pytest.warns(UserWarning, match="5 of 9 frames are missing"):
        plants = load_image_sequences(tree, checksums=checksums, on_error="missing")
    assert list(plants.data.skipped.values()) == ["not a regular file"]
    assert "2024-05-09.png: not a regular file" in plants.summary()


@pytest.mark.parametrize("marks", [";", "\t"])
def test_d12_file_of_labels_with_another_separator(tree, marks):
    tree.joinpath("labels.csv").write_text(f"plant{marks}label\n1{marks}dry\n")
    with pytest.raises(ValueError, match=r"labels.csv, line 2: expected a plant and its label"):
        load_image_sequences(tree / "dry", labels=tree / "labels.csv")


def test_d12_plant_with_two_labels_in_a_file(tree):
    tree.joinpath("labels.csv").write_text("plant,label\n1,dry\n1,wet\n")
    with pytest.raises(ValueError, match=r"labels.csv, line 3: plant '1' has the label 'wet', and"):
        load_image_sequences(tree / "dry", labels=tree / "labels.csv")


def test_d12_file_of_labels_in_another_encoding(tree):
    tree.joinpath("labels.csv").write_text("plant,label\n1,dürr\n", encoding="latin-1")
    with pytest.raises(ValueError, match=r"labels.csv is not encoded in utf-8-sig \(line 2\)"):
        load_image_sequences(tree / "dry", labels=tree / "labels.csv")


def test_n10_dates_of_another_format_in_names(tmp_path, write_image):
    for name in ("30.05.2018", "02.06.2018"):
        write_image(tmp_path / "dry" / "1" / f"{name}.png")
    plants = load_image_sequences(tmp_path, date_format="%d.%m.%Y")
    assert plants.days.tolist() == [0, 3]


def test_plants_without_labels(tree):
    plants = load_image_sequences(tree / "wet", labels=False)
    assert plants.target is None
    assert plants.classes is None


def test_n11_folders_without_labels(tree):
    with pytest.raises(FileNotFoundError, match=r"some like <plant>/<date>.png.*labels=\{"):
        load_image_sequences(tree / "wet")
    with pytest.raises(ValueError, match=r"plant '2' has no label in labels="):
        load_image_sequences(tree / "wet", labels={"10": "wet"})


@pytest.mark.parametrize(
    ("name", "example"),
    [
        ("top_2024-05-01_2", "top_{}_2"),
        ("IMG0001", "IMG_{}_top"),
        ("IMG_20240501_095616", "IMG_{}"),
        ("PXL_20240501_095616123", "PXL_{}"),
    ],
)
def test_n11_pattern_of_dates_is_shown_by_an_example(tmp_path, write_image, name, example):
    write_image(tmp_path / "dry" / "1" / f"{name}.png")
    with pytest.raises(ValueError, match=rf"date_pattern='{example}'"):
        load_image_sequences(tmp_path)
    with pytest.raises(ValueError, match=r"is not like date_pattern='x\{\}'"):
        load_image_sequences(tmp_path, date_pattern="x{}")


def test_n17_portrait_among_landscapes_is_in_the_summary(tree, write_image):
    write_image(tree / "dry" / "1" / "2024-05-03.png", size=(8, 6))
    text = load_image_sequences(tree, size=(3, 4)).summary()
    assert "images of which size= cuts off more than of most: 1\n" in text
    assert f"{Path('dry', '1', '2024-05-03.png')}: 50% remain" in text
