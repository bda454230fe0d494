"""New images are loaded as those of training were, and aligned to the same days."""

import re
import shutil

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, cross_val_predict

from skwater import (
    ConvLSTMClassifier,
    EarlyDetector,
    ImageSequences,
    RSSResampler,
    make_pipeline,
    predict_images,
)
from skwater.datasets import load_image_sequences, load_manifest
from skwater.preprocessing import CanopyCover, FrameSampler, Resize

cv2 = pytest.importorskip("cv2")
DAYS = [1, 4, 6, 9]
GRAY = {"dry/a": 150, "dry/b": 160, "dry/c": 170, "wet/d": 30, "wet/e": 40, "wet/f": 50}


def swap_channels(image):
    return image[..., ::-1]


def to_floats(image):
    return image / 255


def _write(file, gray):
    file.parent.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(gray)
    image = rng.integers(gray, gray + 60, size=(12, 16, 3)).astype(np.uint8)
    assert cv2.imwrite(str(file), image)


@pytest.fixture
def folder(tmp_path):
    for plant, gray in GRAY.items():
        for day in DAYS:
            _write(tmp_path / "old" / plant / f"2024-05-{day:02}.png", gray + day)
    return tmp_path


def _fit(folder, model=None, **options):
    plants = load_image_sequences(folder / "old", **{"start": "2024-05-01"} | options)
    model = model or ConvLSTMClassifier(hidden_channels=2, random_state=0, max_epochs=3)
    return plants, model.fit(plants.data, plants.target)


def test_all_settings_of_the_loader_are_repeated(folder):
    plants, model = _fit(
        folder, size=(6, 8), boxes=(2, 2, 8, 8), stretch=True, convert=swap_channels
    )
    new = predict_images(model, folder / "old")
    np.testing.assert_array_equal(np.asarray(new.data), np.asarray(plants.data))
    np.testing.assert_array_equal(new.probability, model.predict_proba(plants.data))
    assert new.plant.tolist() == list("abcdef")
    assert new.days.tolist() == [0, 3, 5, 8]
    assert new.prediction.tolist() == model.predict(plants.data).tolist()


def test_names_of_columns_and_files_are_repeated(folder, tmp_path):
    rows = [
        f"{plant}/2024-05-{day:02}.png;{plant[4:]};{day:02}/05/2024;{plant[:3]}"
        for plant in GRAY
        for day in DAYS
    ]
    csv = tmp_path / "old" / "images.csv"
    csv.write_text("file;name;taken;state\n" + "\n".join(rows))
    names = {"path": "file", "plant": "name", "date": "taken", "date_format": "%d/%m/%Y"}
    plants = load_manifest(csv, **names, label="state", sep=";", start="2024-05-01")
    model = ConvLSTMClassifier(hidden_channels=2, random_state=0, max_epochs=3).fit(
        plants.data, plants.target
    )
    unlabeled = tmp_path / "old" / "new.csv"
    lines = [row.rpartition(";")[0] for row in rows if ";a;" in row]
    unlabeled.write_text("file;name;taken\n" + "\n".join(lines))
    new = predict_images(model, unlabeled)
    np.testing.assert_array_equal(new.probability, model.predict_proba(plants.data[:1]))


def test_n3_a_late_first_image_is_aligned_and_a_plain_load_is_refused(folder):
    plants, model = _fit(folder, start=None)
    for day in DAYS[1:]:
        _write(folder / f"new/g/2024-05-{day:02}.png", 150 + day)
    new = predict_images(model, folder / "new")
    assert new.days.tolist() == [0, 3, 5, 8]
    assert np.isnan(np.asarray(new.data)[0, 0]).all()
    late = load_image_sequences(folder / "new", labels={"g": "dry"})
    with pytest.raises(ValueError, match="counted from its first image, 2024-05-04"):
        model.predict(late.data)
    with pytest.raises(ValueError, match=r"days 3, 5, 8, but .* fitted on the days 0, 3, 5, 8"):
        model.predict(plants.data.take_frames([1, 2, 3]))


def test_n4_images_that_are_loaded_otherwise_are_refused(folder):
    plants, model = _fit(folder, boxes=(2, 2, 8, 8))
    for options, words in (
        ({"boxes": (3, 2, 8, 8)}, r"boxes=\(3.0, .* boxes=\(2.0"),
        ({"center_crop": 8}, r"center_crop=\(8, 8\).*center_crop=None"),
        ({"boxes": (2, 2, 8, 8), "convert": swap_channels}, "convert=.*swap_channels.*None"),
    ):
        other = load_image_sequences(folder / "old", start="2024-05-01", **options)
        with pytest.raises(ValueError, match=words):
            model.predict(other.data)
    same = ImageSequences(plants.data.paths, boxes=(2, 2, 8, 8))  # without days: the user counts
    np.testing.assert_array_equal(model.predict(same), model.predict(plants.data))


def test_half_a_season_missing_days_and_another_year(folder):
    _, model = _fit(folder)
    for day in (10, 15):
        _write(folder / f"new/g/2025-06-{day}.png", 150)
    _write(folder / "new/h/2025-06-13.png", 40)
    with pytest.raises(ValueError, match=r"of day 405 fits no day") as raised:
        predict_images(model, folder / "new")
    assert str(raised.value).count("start= if day 0 is another date than 2024-05-01") == 1
    new = predict_images(model, folder / "new", start="2025-06-10")
    assert new.days.tolist() == [0, 3, 5]
    missing = np.isnan(np.asarray(new.data)).all(axis=(2, 3, 4))
    assert missing.tolist() == [[False, True, False], [True, False, True]]


def test_images_that_fit_no_day_are_named(folder):
    _, model = _fit(folder)
    for name in ("2024-05-01", "2024-05-08T0930"):
        _write(folder / f"new/g/{name}.png", 150)
    with pytest.raises(ValueError, match=r"g/2024-05-08T0930.png: .* day 7 fits no day"):
        predict_images(model, folder / "new")
    assert predict_images(model, folder / "new", tolerance=1).days.tolist() == [0, 3, 5, 8]
    _write(folder / "new/g/2024-05-09.png", 150)
    with pytest.raises(ValueError, match="is one of several for day 8"):
        predict_images(model, folder / "new", tolerance=1)


def test_hours_do_not_matter_if_frames_are_days(folder):
    _, model = _fit(folder)
    _write(folder / "new/g/2024-05-04T1800.png", 150)
    assert predict_images(model, folder / "new").days.tolist() == [0, 3]


def test_numbers_are_not_taken_for_dates(folder):
    _, model = _fit(folder)
    _write(folder / "new/g/3.png", 150)
    with pytest.raises(ValueError, match="3 is none of the dates"):
        predict_images(model, folder / "new")


def test_the_recipe_is_found_in_pipelines_searches_and_detectors(folder):
    network = ConvLSTMClassifier(hidden_channels=2, random_state=0, max_epochs=1)
    pipeline = make_pipeline(Resize((6, 8)), RSSResampler(4, random_state=0), network)
    models = [
        pipeline,
        make_pipeline(FrameSampler(2, strategy="first"), network),
        make_pipeline(CanopyCover(), LogisticRegression()),
        GridSearchCV(network, {"lr": [0.01]}, cv=2),
        EarlyDetector(network, pos_label="dry"),
    ]
    for model in models:
        plants, model = _fit(folder, model)
        new = predict_images(model, folder / "old")
        np.testing.assert_array_equal(new.prediction, model.predict(plants.data))


def test_frames_that_were_changed_outside_a_pipeline_are_refused(folder):
    plants = load_image_sequences(folder / "old")
    X = Resize((6, 8)).fit_transform(plants.data)
    model = ConvLSTMClassifier(hidden_channels=2, max_epochs=1).fit(X, plants.target)
    with pytest.raises(ValueError, match="into one pipeline"):
        predict_images(model, folder / "old")


def test_arrays_have_no_recipe_and_a_new_fit_forgets_the_old_one(folder):
    plants, model = _fit(folder)
    assert hasattr(model, "recipe_")
    model.fit(np.asarray(plants.data), plants.target)
    with pytest.raises(ValueError, match="does not know how its images were loaded"):
        predict_images(model, folder / "old")


def test_splices_folds_and_slices_keep_their_days(folder):
    plants, model = _fit(folder)
    first = plants.data[:, :2]
    assert first.recipe["days"] == [0, 3]
    model.predict(first)
    labels = cross_val_predict(model, plants.data, plants.target, cv=3)
    assert len(labels) == 6


def test_broken_and_unknown_files(folder):
    _, model = _fit(folder)
    (folder / "new/g").mkdir(parents=True)
    with pytest.raises(FileNotFoundError, match=re.escape("<plant>/<date>.png")):
        predict_images(model, folder / "new")
    shutil.copy(folder / "old/dry/a/2024-05-01.png", folder / "new/g/2024-05-01.png")
    (folder / "new/g/2024-05-04.png").write_bytes(b"\x89PNG")
    with pytest.raises(ValueError, match=r"2024-05-04\.png"):
        predict_images(model, folder / "new")
    new = predict_images(model, folder / "new", on_error="missing")
    assert new.data.shape[1] == 2
    assert np.isnan(np.asarray(new.data)[0, 1]).all()


def test_the_type_that_a_function_returns_is_no_setting(folder):
    plants, model = _fit(folder, convert=to_floats)
    new = predict_images(model, folder / "old")
    np.testing.assert_array_equal(np.asarray(new.data), np.asarray(plants.data))


def test_one_box_for_each_image_cannot_be_repeated(folder):
    boxes = np.tile([2.0, 2, 8, 8], (6, 4, 1))
    boxes[0, 0, 0] = 3
    _, model = _fit(folder, boxes=boxes)
    with pytest.raises(ValueError, match="one box for each: pass boxes="):
        predict_images(model, folder / "old")
    assert predict_images(model, folder / "old", boxes=boxes).prediction.shape == (6,)


def test_a_date_format_of_a_table_is_not_needed_in_names_of_files(folder):
    """A CSV file with dates such as 01.05.2024, and new images named in ISO form, or like it."""
    rows = [
        f"{plant}/2024-05-{day:02}.png,{plant[4:]},{day:02}.05.2024,{plant[:3]}"
        for plant in GRAY
        for day in DAYS
    ]
    csv = folder / "old" / "images.csv"
    csv.write_text("path,plant,date,label\n" + "\n".join(rows))
    plants = load_manifest(csv, date_format="%d.%m.%Y")
    model = ConvLSTMClassifier(hidden_channels=2, random_state=0, max_epochs=3).fit(
        plants.data, plants.target
    )
    csv.unlink()
    expected = model.predict_proba(plants.data)
    np.testing.assert_array_equal(predict_images(model, folder / "old").probability, expected)
    for file in folder.glob("old/*/*/*.png"):
        file.rename(file.with_stem(f"{file.stem[8:]}.05.2024"))
    np.testing.assert_array_equal(predict_images(model, folder / "old").probability, expected)
