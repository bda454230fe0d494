"""GrowthDisplay: the numbers behind it, and what is drawn of them."""

import sys

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.colors import to_rgb

from skwater import SplicedSequences
from skwater.datasets import make_water_stress
from skwater.plotting import GrowthDisplay
from skwater.preprocessing import CanopyCover

X = np.array([[0.0, 1.0], [1.0, 3.0], [2.0, 5.0], [7.0, 7.0]])
Y = np.array(["dry", "dry", "dry", "wet"])


def test_median_and_band():
    display = GrowthDisplay.from_sequences(X, Y, quantiles=(0, 1))
    assert display.names.tolist() == ["dry", "wet"]
    assert [len(plants) for plants in display.values] == [3, 1]
    assert np.array_equal(display.median, [[1, 3], [7, 7]])
    assert np.array_equal(display.low, [[0, 1], [7, 7]])
    assert np.array_equal(display.high, [[2, 5], [7, 7]])


def test_what_is_drawn():
    values, groups = np.repeat(X, 2, axis=0), np.repeat(Y, 2)
    display = GrowthDisplay.from_sequences(
        values, groups, days=[3, 10], onset_day=5, value_name="Height (m)"
    )
    ax = display.ax_
    assert [line.get_xdata().tolist() for line in display.lines_] == [[3, 10], [3, 10]]
    assert np.array_equal([line.get_ydata() for line in display.lines_], display.median)
    (dry, wet) = display.bands_
    assert np.isclose(dry.get_paths()[0].vertices[:, 1].max(), display.high[0].max())
    assert wet is None
    assert display.onset_line_.get_xdata() == [5, 5]
    assert display.rewatering_line_ is None
    assert [text.get_text() for text in ax.texts] == ["last irrigation"]
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("Time (days)", "Height (m)")
    legend = [text.get_text() for text in ax.get_legend().get_texts()]
    assert legend == ["dry (6 plants)", "wet (2 plants)"]
    title = ax.get_legend().get_title().get_text()
    assert title == "Median, 10 to 90 % of plants, plants if 5 or fewer"


@pytest.mark.parametrize(("n", "few"), [(1, True), (3, True), (5, True), (6, False)])
def test_n21_few_plants_are_drawn_one_by_one(n, few):
    values = np.arange(2.0 * n).reshape(n, 2)
    display = GrowthDisplay.from_sequences(values, ["dry"] * n)
    lines, band = display.plant_lines_[0], display.bands_[0]
    assert (band is None) == few
    assert [line.get_ydata().tolist() for line in lines] == (values.tolist() if few else [])
    title = display.ax_.get_legend().get_title().get_text()
    assert title == ("Median, single plants" if few else "Median, 10 to 90 % of plants")


def is_warm(line):
    red, _, blue = to_rgb(line.get_color())
    return red > blue


def test_n21_stressed_plants_are_drawn_in_warm_colors():
    options = {"pos_label": "dry"}
    dry, wet = GrowthDisplay.from_sequences(X, Y, **options).lines_
    assert is_warm(dry)
    assert not is_warm(wet)
    watered, stressed = GrowthDisplay.from_sequences(X, Y == "dry").lines_
    assert is_warm(stressed)
    assert not is_warm(watered)
    display = GrowthDisplay.from_sequences(np.zeros((12, 2)), np.arange(12), pos_label=7)
    assert [is_warm(line) for line in display.lines_] == [i == 7 for i in range(12)]
    styles = {(line.get_color(), str(line._dash_pattern)) for line in display.lines_}
    assert len(styles) == 12


def test_n21_rewatering_is_marked():
    display = GrowthDisplay.from_sequences(X, Y, days=[3, 10], onset_day=5, rewatering_day=8)
    assert display.rewatering_line_.get_xdata() == [8, 8]
    assert [text.get_text() for text in display.ax_.texts] == ["last irrigation", "re-watering"]


def test_groups_differ_without_color():
    values = np.tile(np.arange(7.0)[:, None], (1, 2))
    lines = GrowthDisplay.from_sequences(values, np.arange(7)).lines_
    assert len({line.get_marker() for line in lines}) == 7
    assert len({str(line._dash_pattern) for line in lines}) == 7
    luminance = [np.dot(to_rgb(line.get_color()), [0.299, 0.587, 0.114]) for line in lines]
    assert np.abs(np.diff(luminance)).min() > 0.05


def test_missing_frames_are_left_out():
    values = X.copy()
    values[2] = np.nan
    values[3, 1] = np.nan
    display = GrowthDisplay.from_sequences(values, Y, quantiles=(0, 1))
    assert np.array_equal(display.median, [[0.5, 2], [7, np.nan]], equal_nan=True)
    assert np.array_equal(display.high, [[1, 3], [7, np.nan]], equal_nan=True)


def test_channel():
    vectors = np.stack([X, 10 * X], axis=2)
    display = GrowthDisplay.from_sequences(vectors, Y, channel=1)
    assert np.array_equal(display.median, [[10, 30], [70, 70]])
    assert display.ax_.get_ylabel() == "Channel 1"
    lazy = SplicedSequences(vectors, np.array([[3, 3], [0, 0], [1, 1], [2, 2]]))
    assert np.array_equal(
        GrowthDisplay.from_sequences(lazy, np.roll(Y, 1), channel=1).median, display.median
    )


def test_cover_of_images():
    plants = make_water_stress(n_plants=6, n_frames=4, size=8, random_state=0)
    display = GrowthDisplay.from_sequences(plants.data, plants.target)
    cover = CanopyCover().transform(plants.data)
    assert np.array_equal(display.median[1], np.median(cover[plants.target == 1], axis=0))
    assert display.ax_.get_ylabel() == "Canopy cover (fraction)"
    assert display.ax_.get_xlabel() == "Frame"


def test_given_axes_are_used():
    _, ax = plt.subplots()
    display = GrowthDisplay.from_sequences(X, Y, ax=ax)
    assert display.ax_ is ax
    assert display.figure_ is ax.figure
    assert len(plt.get_fignums()) == 1
    other = plt.figure().add_subplot()
    assert display.plot(other) is display
    assert display.ax_ is other
    assert len(display.lines_) == 2


@pytest.mark.parametrize(
    ("X", "options", "message"),
    [
        (X[:, :, None].repeat(3, axis=2), {}, "has 3 channels in each frame: choose"),
        (X[:, :, None].repeat(3, axis=2), {"channel": 3}, "channel must be 0 to 2"),
        (np.zeros((4, 2, 3, 3, 3)), {"channel": 0}, "X has images"),
        (np.zeros((4, 2, 3, 3)), {}, "needs color images"),
        (X.astype(str), {}, "real numbers"),
        (X, {"days": [0, 1, 2]}, "days must be one for each of the 2 frames"),
        (X, {"days": [1, 0]}, "days must be strictly increasing"),
        (X, {"quantiles": (0.9, 0.1)}, "quantiles must be increasing"),
        (X[:3], {}, "inconsistent numbers of samples"),
        (X, {"pos_label": "stressed"}, "pos_label='stressed' is not in y, which has dry, wet"),
    ],
)
def test_errors(X, options, message):
    with pytest.raises(ValueError, match=message):
        GrowthDisplay.from_sequences(X, Y, **options)


def test_without_matplotlib(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    with pytest.raises(ImportError, match=r'GrowthDisplay.plot needs .*"skwater\[plot\]"'):
        GrowthDisplay.from_sequences(X, Y)
