"""The verdict comes first, and the exit code says it."""

import shutil

import pytest


@pytest.fixture
def folder(season, tmp_path):
    shutil.copytree(season, tmp_path / "season")
    return tmp_path / "season"


def test_all_is_well(run, folder):
    done = run("check --size 8", folder / "images.csv")
    assert done.exit_code == 0
    assert done.stdout.startswith("No problem found.\n\n18 plants x 5 frames")
    assert "90/90" in done.stderr


def test_a_leak_comes_first(run, folder):
    images = folder / "images"
    shutil.copy(images / "plant-01" / "2025-05-15.png", images / "plant-09" / "2025-05-15.png")
    (images / "plant-03" / "2025-05-15.png").write_bytes(b"")
    done = run("check --size 8", folder / "images.csv")
    assert done.exit_code == 1
    first, second, third, *_ = done.stdout.splitlines()
    assert first == "2 problems found:"
    assert second.endswith("plant-03/2025-05-15.png: the file is empty")
    assert third.startswith("  leak: plants plant-01, plant-09 have one image in common")


def test_a_folder(run, folder):
    assert run("check --no-labels", folder / "images").exit_code == 0
    done = run("check", folder / "images")
    assert done.exit_code == 1
    assert "some like <plant>/<date>.png" in done.stderr
    labels = folder / "labels.csv"
    lines = [f"plant-{i:02},{'dry' if i < 9 else 'wet'}" for i in range(1, 19)]
    labels.write_text("plant,label\n" + "\n".join(lines))
    done = run("check", folder / "images", "--labels", labels)
    assert done.exit_code == 0
    assert "classes: 8 dry, 10 wet" in done.stdout


def test_rows_that_contradict_each_other(run, folder):
    with open(folder / "images.csv", "a") as file:
        file.write("images/plant-01/2025-05-15.png,plant-01,2025-05-15,wet,t\n")
    done = run("check", folder / "images.csv")
    assert done.exit_code == 1
    assert "has an image on 2025-05-15 already, in line 2" in done.stderr
    assert "Traceback" not in done.stderr


def test_columns_have_options(run, folder):
    text = (folder / "images.csv").read_text()
    rest = text.partition("\n")[2]
    (folder / "images.csv").write_text("file;pot;day;water;bench\n" + rest.replace(",", ";"))
    names = "--path file --plant pot --date day --label water --treatment bench --sep ;"
    done = run("check --size 8x8", folder / "images.csv", *names.split())
    assert done.exit_code == 0
    assert "treatment-6" in done.stdout
