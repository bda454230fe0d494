"""FramesDisplay: every image of every plant on its date, with labels, predictions and masks."""

import matplotlib.pyplot as plt
import numpy as np
import pytest

from skwater import SplicedSequences
from skwater.datasets import make_water_stress
from skwater.plotting import FramesDisplay
from skwater.preprocessing import VegetationMask


@pytest.fixture
def images():
    X = np.zeros((3, 4, 10, 20, 3), np.uint8)
    X += np.arange(12, dtype=np.uint8).reshape(3, 4, 1, 1, 1) * 20
    return X


def test_every_image_is_at_its_place(images):
    display = FramesDisplay.from_sequences(images, days=[0, 3, 7.25, 9])
    sheet = np.asarray(display.image_.get_array())
    assert sheet.shape == (3 * 11, 4 * 21, 3)
    for i in range(3):
        for t in range(4):
            cell = sheet[i * 11 : i * 11 + 10, t * 21 : t * 21 + 20]
            np.testing.assert_allclose(cell, (i * 4 + t) * 20 / 255)
    assert [text.get_text() for text in display.ax_.get_xticklabels()] == ["0", "3", "7.2", "9"]
    assert [text.get_text() for text in display.ax_.get_yticklabels()] == ["0", "1", "2"]
    assert display.ax_.get_xlabel() == "Time (days)"


def test_missing_frames_are_gray(images):
    X = images.astype(float)
    X[1, 2] = np.nan
    display = FramesDisplay.from_sequences(X)
    sheet = np.asarray(display.image_.get_array())
    np.testing.assert_allclose(sheet[11:21, 42:62], 0.9)
    assert display.ax_.get_xlabel() == "Frame"


def test_classes_and_predictions(images):
    y = np.array(["dry", "wet", "wet"])
    display = FramesDisplay.from_sequences(
        images, plants=["a", "b", "c"], y=y, y_pred=["dry", "dry", "wet"], pos_label="dry"
    )
    labels = display.ax_.get_yticklabels()
    assert [text.get_text() for text in labels] == ["a: dry", "b: wet", "c: wet"]
    assert labels[0].get_color() != labels[1].get_color() == labels[2].get_color()
    assert [text.get_text() for text in display.texts_] == ["dry", "dry (wrong)", "wet"]
    with pytest.raises(ValueError, match="pos_label='thirsty'"):
        FramesDisplay.from_sequences(images, y=y, pos_label="thirsty")
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        FramesDisplay.from_sequences(images, plants=["a", "b"])


def test_names_and_predictions_are_inside_the_figure():
    """They were cut off, because a layout of images of fixed shape leaves no room for them."""
    display = FramesDisplay.from_sequences(
        np.zeros((6, 7, 8, 8, 3), np.uint8),
        plants=[f"pot0{i}" for i in range(6)],
        y=["dry"] * 3 + ["watered"] * 3,
        y_pred=["watered"] * 6,
    )
    display.figure_.draw_without_rendering()
    figure = display.figure_.bbox
    for text in [*display.ax_.get_yticklabels(), *display.texts_]:
        box = text.get_window_extent()
        assert figure.x0 <= box.x0 < box.x1 <= figure.x1


def test_lines_are_between_the_frames(images):
    display = FramesDisplay.from_sequences(images, days=[0, 3, 7, 9], onset_day=3, rewatering_day=9)
    width = 1 + 0.06
    assert display.onset_line_.get_xdata()[0] == pytest.approx(2 * width - 0.03)
    assert display.rewatering_line_.get_xdata()[0] == pytest.approx(3 * width - 0.03)


def test_outlines_of_a_mask():
    plants = make_water_stress(4, 3, 24, random_state=0)
    X = SplicedSequences(plants.data)
    masked = VegetationMask().fit_transform(X)
    display = FramesDisplay.from_sequences(X, masked=masked)
    leaf = np.asarray(masked).any(axis=-1)
    assert display.outlines.shape == leaf.shape
    assert not (display.outlines & ~leaf).any()
    # A pixel of the leaf is on the outline unless all of its four neighbors are leaf.
    i, t, row, column = np.argwhere(display.outlines)[-1]
    around = np.pad(leaf[i, t], 1)[row : row + 3, column : column + 3]
    assert not (around[0, 1] and around[2, 1] and around[1, 0] and around[1, 2])
    with pytest.raises(ValueError, match="masked must have the shape of X"):
        FramesDisplay.from_sequences(X, masked=masked[:2])


def test_large_gray_images_are_made_smaller():
    display = FramesDisplay.from_sequences(np.zeros((2, 30, 400, 300)))
    assert display.images.shape == (2, 30, 80, 60, 3)


def test_numbers_are_refused_and_given_axes_are_used(images):
    with pytest.raises(ValueError, match="images"):
        FramesDisplay.from_sequences(np.zeros((3, 4)))
    ax = plt.figure().subplots()
    display = FramesDisplay.from_sequences(images, ax=ax)
    assert display.ax_ is ax
    assert display.plot().ax_ is not ax
