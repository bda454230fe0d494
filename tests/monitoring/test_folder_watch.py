"""A watched folder: every image once, through restarts, late, damaged and unknown images."""

import csv
import os
import shutil

import numpy as np
import pytest

import skwater
from skwater import ConvLSTMClassifier
from skwater.datasets import load_image_sequences, load_manifest, make_image_folder
from skwater.monitoring import FolderWatch, StressMonitor

pytest.importorskip("cv2")
DATES = ["2025-05-15", "2025-05-22", "2025-05-29"]
PLANTS = [f"plant-{i:02}" for i in range(1, 7)]


@pytest.fixture(scope="module")
def season(tmp_path_factory):
    """Folder of images of 6 plants on 3 dates."""
    folder = tmp_path_factory.mktemp("season")
    make_image_folder(folder, n_plants=6, size=8, days=(14, 21, 28), random_state=0)
    return folder


@pytest.fixture(scope="module")
def model(season):
    plants = load_manifest(season / "images.csv", start="2025-05-01")
    model = ConvLSTMClassifier(hidden_channels=2, max_epochs=3, random_state=0)
    return model.fit(plants.data, plants.target)


@pytest.fixture
def arrive(season, tmp_path):
    """Let images of a date arrive in the folder ``new``."""
    tmp_path.joinpath("new").mkdir()

    def arrive(date, plants=PLANTS):
        for plant in plants:
            tmp_path.joinpath("new", plant).mkdir(exist_ok=True)
            name = f"{plant}/{date}.png"
            shutil.copy(season / "images" / name, tmp_path / "new" / name)

    return arrive


@pytest.fixture
def watch(model, tmp_path):
    """Make a watch, as a process that starts does; an earlier one has ended."""
    opened = []

    def watch(threshold=0.5, **options):
        if opened:
            opened.pop().close()
        monitor = StressMonitor(model, threshold=threshold, pos_label="dry")
        opened.append(FolderWatch(monitor, tmp_path / "new", tmp_path / "a.csv", **options))
        return opened[-1]

    yield watch
    for following in opened:
        following.close()


def _rows(tmp_path):
    return list(csv.DictReader((tmp_path / "a.csv").read_text().splitlines()))


def test_probabilities_are_those_of_whole_sequences(watch, arrive, model, season, tmp_path):
    following = watch()
    for date in DATES:
        arrive(date)
        assert len(following.poll()) == 6
        assert following.problems == {}
    assert following.poll() == []
    images = load_image_sequences(season / "images", labels=False, start="2025-05-01")
    expected = model.predict_proba_over_time(images.data)[..., 0]
    rows = _rows(tmp_path)
    found = np.array([float(row["probability"]) for row in rows]).reshape(3, 6).T
    np.testing.assert_allclose(found, expected, atol=1e-6)
    assert [row["image"] for row in rows[:2]] == [f"{p}/2025-05-15.png" for p in PLANTS[:2]]
    assert {row["day"] for row in rows} == {"14", "21", "28"}


def test_a_restart_repeats_nothing_and_loses_nothing(watch, arrive, tmp_path):
    for date in DATES:
        arrive(date)
    watch().poll()
    expected = (tmp_path / "a.csv").read_bytes()
    shutil.rmtree(tmp_path / "new")
    for name in "a.csv", "a.csv.state":
        (tmp_path / name).unlink()
    tmp_path.joinpath("new").mkdir()
    for date in DATES:
        arrive(date)
        assert len(watch().poll()) == 6
        assert watch().poll() == []
    assert (tmp_path / "a.csv").read_bytes() == expected


def test_lines_that_a_kill_cut_off_are_completed(watch, arrive, tmp_path):
    arrive(DATES[0])
    watch().poll()
    text = (tmp_path / "a.csv").read_bytes()
    for length in [0, 5, len(text) // 2, len(text) - 1]:
        (tmp_path / "a.csv").write_bytes(text[:length])
        assert watch().poll() == []
        assert (tmp_path / "a.csv").read_bytes() == text
    (tmp_path / "a.csv").unlink()
    watch()
    assert (tmp_path / "a.csv").read_bytes() == text


def test_a_kill_before_the_state_is_written_repeats_the_images(
    watch, arrive, tmp_path, monkeypatch
):
    arrive(DATES[0])
    watch().poll()
    arrive(DATES[1])

    def killed(self):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(FolderWatch, "_commit", killed)
        with pytest.raises(KeyboardInterrupt):
            watch().poll()
    assert len(watch().poll()) == 6
    assert len(_rows(tmp_path)) == 12


def test_a_missing_day_is_a_missing_frame(watch, arrive, model, season, tmp_path):
    following = watch()
    arrive(DATES[0])
    following.poll()
    arrive(DATES[2])
    following.poll()
    images = load_image_sequences(season / "images", labels=False, start="2025-05-01")
    X = np.asarray(images.data).astype(np.float32)
    X[:, 1] = np.nan
    found = [float(row["probability"]) for row in _rows(tmp_path)[6:]]
    np.testing.assert_allclose(found, model.predict_proba(X)[:, 0], atol=1e-6)


def test_an_image_that_is_still_being_written_is_reported_once_and_taken_later(
    watch, arrive, tmp_path
):
    arrive(DATES[0])
    file = tmp_path / "new" / "plant-01" / f"{DATES[0]}.png"
    complete = file.read_bytes()
    following = watch()
    problems = []
    for length in [0, 10, 60, 80]:
        file.write_bytes(complete[:length])
        following.poll()
        problems += following.problems.values()
    assert len(problems) == len(set(problems))
    assert "truncated: the PNG has no end chunk" in problems
    assert len(_rows(tmp_path)) == 5
    file.write_bytes(complete)
    assert [status.plant for status in following.poll()] == ["plant-01"]
    assert following.problems == {}


def test_a_damaged_image_is_reported_once_through_restarts(watch, arrive, tmp_path):
    arrive(DATES[0])
    file = tmp_path / "new" / "plant-02" / f"{DATES[0]}.png"
    data = bytearray(file.read_bytes())
    data[60] ^= 255
    file.write_bytes(data)
    following = watch()
    assert len(following.poll()) == 5
    assert following.problems == {"plant-02/2025-05-15.png": "damaged: a PNG chunk IDAT is corrupt"}
    following.poll()
    assert following.problems == {}
    again = watch()
    assert again.poll() == []
    assert again.problems == {}


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("2025-08-01", "fits no day of the model, of which the nearest is 28"),
        ("cover", "'cover' is no date"),
        ("3", "3 is none of the dates that the model was fitted on"),
        ("2025-05-22T10", "another image of this plant and day was taken already"),
        ("2025-05-15", "it is of day 14, and an image of day 21 was taken already"),
    ],
)
def test_an_image_of_an_unknown_day_does_not_stop_the_watch(
    watch, arrive, season, tmp_path, name, reason
):
    arrive(DATES[1])
    following = watch()
    following.poll()
    new = tmp_path / "new" / "plant-01" / f"{name}.png"
    shutil.copy(season / "images" / "plant-01" / "2025-05-22.png", new)
    arrive(DATES[2])
    assert len(following.poll()) == 6
    assert list(following.problems) == [f"plant-01/{name}.png"]
    assert reason in following.problems[f"plant-01/{name}.png"]
    following.poll()
    assert following.problems == {}


def test_an_image_of_another_size_is_refused(watch, arrive, tmp_path):
    import cv2

    arrive(DATES[0])
    file = tmp_path / "new" / "plant-03" / f"{DATES[0]}.png"
    cv2.imwrite(str(file), np.zeros((9, 8, 3), np.uint8))
    following = watch()
    assert len(following.poll()) == 5
    assert "(9, 8, 3), those of training: (8, 8, 3)" in str(following.problems)


@pytest.mark.skipif(os.name != "posix" or os.getuid() == 0, reason="root may read all files")
def test_an_image_without_permission_is_reported(watch, arrive, tmp_path):
    arrive(DATES[0])
    (tmp_path / "new" / "plant-03" / f"{DATES[0]}.png").chmod(0)
    following = watch()
    assert len(following.poll()) == 5
    assert "Permission denied" in str(following.problems)


def test_a_refused_image_is_looked_at_again_with_another_start(watch, arrive, tmp_path):
    arrive(DATES[0])
    assert watch(start="2024-05-01").poll() == []
    assert len(watch(start="2025-05-01").poll()) == 6
    with pytest.raises(ValueError, match="was begun with day 0 on 2025-05-01, not on 2025-05-02"):
        watch(start="2025-05-02")
    assert watch(start="2025-05-01").poll() == []


def test_a_csv_file_that_another_program_changed_is_refused(watch, arrive, tmp_path):
    arrive(DATES[0])
    watch().poll()
    with open(tmp_path / "a.csv", "a") as file:
        file.write("a note\n")
    with pytest.raises(ValueError, match=r"a\.csv is not as it was written"):
        watch()
    (tmp_path / "a.csv").unlink()
    watch()


def test_states_of_another_model_are_refused(watch, arrive, model, season, tmp_path):
    arrive(DATES[0])
    watch().poll()
    watch().close()
    plants = load_manifest(season / "images.csv", start="2025-05-01")
    other = ConvLSTMClassifier(hidden_channels=2, max_epochs=1, random_state=1)
    monitor = StressMonitor(other.fit(plants.data, plants.target), threshold=0.5, pos_label="dry")
    with pytest.raises(ValueError, match="monitor of another model"):
        FolderWatch(monitor, tmp_path / "new", tmp_path / "a.csv")


@pytest.mark.parametrize("data", [b"", b"PK", b"no archive"])
def test_a_damaged_state_is_refused(watch, arrive, tmp_path, data):
    arrive(DATES[0])
    watch().poll()
    (tmp_path / "a.csv.state").write_bytes(data)
    with pytest.raises(ValueError, match=r"a\.csv\.state does not hold the states of a monitor"):
        watch()


def test_states_that_no_watch_wrote_are_refused(watch, arrive, model, tmp_path):
    StressMonitor(model, threshold=0.5, pos_label="dry").save(tmp_path / "a.csv.state")
    with pytest.raises(ValueError, match="is no state of a watch"):
        watch()
    (tmp_path / "a.csv.state").unlink()
    watch()


def test_two_processes_cannot_write_one_csv_file(watch, arrive, model, tmp_path):
    watch()
    monitor = StressMonitor(model, threshold=0.5, pos_label="dry")
    with pytest.raises(RuntimeError, match="Another process watches for"):
        FolderWatch(monitor, tmp_path / "new", tmp_path / "a.csv")


def test_the_folder_of_the_csv_file_must_exist(model, tmp_path):
    monitor = StressMonitor(model, threshold=0.5, pos_label="dry")
    with pytest.raises(FileNotFoundError, match="There is no folder"):
        FolderWatch(monitor, tmp_path, tmp_path / "no" / "a.csv")
    with pytest.raises(FileNotFoundError, match="There is no folder"):
        FolderWatch(monitor, tmp_path / "no", tmp_path / "a.csv")


def test_a_model_that_was_fitted_on_an_array_is_refused(tmp_path):
    X = np.random.default_rng(0).integers(0, 255, (6, 3, 8, 8, 3)).astype(np.uint8)
    model = ConvLSTMClassifier(hidden_channels=2, max_epochs=1).fit(X, [0, 1] * 3)
    with pytest.raises(ValueError, match="does not know how its images were loaded"):
        FolderWatch(StressMonitor(model, threshold=0.5), tmp_path, tmp_path / "a.csv")


def swap_channels(image):
    return image[..., ::-1]


def test_a_model_file_that_needs_a_function_or_boxes_is_refused(season, tmp_path):
    boxes = np.tile([0, 0, 4, 4], (6, 3, 1))
    boxes[0, 0] = [1, 1, 4, 4]
    for options, reason in [
        ({"convert": swap_channels}, "a model file has no functions"),
        ({"boxes": boxes}, "one box for each"),
    ]:
        plants = load_manifest(season / "images.csv", start="2025-05-01", **options)
        model = ConvLSTMClassifier(hidden_channels=2, max_epochs=1, random_state=0)
        skwater.save(model.fit(plants.data, plants.target), tmp_path / "m.skwater")
        loaded = skwater.load(tmp_path / "m.skwater")
        monitor = StressMonitor(loaded, threshold=0.5, pos_label="dry")
        with pytest.raises(ValueError, match=reason):
            FolderWatch(monitor, tmp_path, tmp_path / "a.csv")


def test_alarms_are_those_of_the_rule(watch, arrive, tmp_path):
    for date in DATES:
        arrive(date)
    statuses = watch(threshold=0).poll()
    assert all(status.alarm_day == 14 for status in statuses)
    assert {(row["alarm"], row["alarm_day"]) for row in _rows(tmp_path)} == {("True", "14")}


def test_names_of_plants_are_quoted(watch, arrive, season, tmp_path):
    name = 'a,"b"\nü'
    folder = tmp_path / "new" / name
    folder.mkdir(parents=True)
    shutil.copy(season / "images" / "plant-01" / f"{DATES[0]}.png", folder)
    watch().poll()
    with open(tmp_path / "a.csv", newline="", encoding="utf-8") as file:
        assert [row["plant"] for row in csv.DictReader(file)] == [name]
    assert watch().poll() == []
