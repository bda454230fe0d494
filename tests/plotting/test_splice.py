"""SpliceDisplay: every frame has the color and the number of its donor."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.colors import to_hex, to_rgb

from skwater import ImageSequences, RSSResampler, SplicedSequences
from skwater.plotting import SpliceDisplay

NUMBERS = np.arange(5.0)[:, None] * 10 + np.arange(6)
DONORS = np.array([[0] * 6, [4, 4, 1, 1, 1, 4]])


def squares(n=5, n_frames=6, dtype="uint8", channels=3):
    """Images of 4 x 6 pixels; the value is 40 times the plant plus the frame."""
    value = np.arange(n)[:, None] * 40 + np.arange(n_frames)
    return np.broadcast_to(value[..., None, None, None], (n, n_frames, 4, 6, channels)).astype(
        dtype
    )


def test_numbers():
    display = SpliceDisplay.from_spliced(
        SplicedSequences(NUMBERS, DONORS), 1, days=[0, 2, 3, 7, 8, 9]
    )
    assert display.donors.tolist() == [4, 4, 1, 1, 1, 4]
    assert display.plants.tolist() == [4, 1]
    assert np.array_equal(display.originals, NUMBERS[[4, 1]])
    pieces = [(line.get_xdata().tolist(), line.get_ydata().tolist()) for line in display.lines_]
    assert pieces == [([0, 2], [40, 41]), ([3, 7, 8], [12, 13, 14]), ([9], [45])]
    four, one, again = (line.get_color() for line in display.lines_)
    assert four == again != one
    assert display.lines_[0].get_marker() != display.lines_[1].get_marker()
    assert [line.get_color() for line in display.original_lines_] == [four, one]
    legend = [text.get_text() for text in display.ax_.get_legend().get_texts()]
    assert legend == ["from plant 4", "from plant 1"]
    assert display.ax_.get_xlabel() == "Time (days)"
    assert display.image_ is None


def test_channel():
    X = SplicedSequences(np.stack([NUMBERS, -NUMBERS], axis=2), DONORS)
    assert np.array_equal(SpliceDisplay.from_spliced(X, 1, channel=1).originals, -NUMBERS[[4, 1]])
    with pytest.raises(ValueError, match="has 2 channels in each frame: choose"):
        SpliceDisplay.from_spliced(X, 1)


def cell(display, row, frame):
    """The pixels inside a colored border, and its color."""
    rectangle = display.borders_[frame if row == 0 else len(display.donors) + row - 1]
    x, y = (round(value + 0.5) for value in rectangle.get_xy())
    height, width = round(rectangle.get_height()), round(rectangle.get_width())
    pixels = display.image_.get_array()[y : y + height, x : x + width]
    return pixels, to_hex(rectangle.get_edgecolor())


def test_images():
    X = squares()
    display = SpliceDisplay.from_spliced(SplicedSequences(X, DONORS), 1)
    assert display.originals.shape == (2, 6, 4, 6, 3)
    colors = []
    for t, donor in enumerate(DONORS[1]):
        pixels, color = cell(display, 0, t)
        assert pixels.shape == (4, 6, 3)
        assert np.allclose(pixels, X[donor, t] / 255)
        colors.append(color)
    assert len(set(colors)) == 2
    assert [c == colors[0] for c in colors] == (DONORS[1] == 4).tolist()
    labels = [text.get_text() for text in display.ax_.texts]
    assert labels == ["4", "4", "1", "1", "1", "4"]
    rows = [text.get_text() for text in display.ax_.get_yticklabels()]
    assert rows == ["spliced", "plant 4", "plant 1"]
    assert len(display.borders_) == 12  # each frame above, and the same one below
    for k, (donor, t) in enumerate([(4, 0), (4, 1), (4, 5), (1, 2), (1, 3), (1, 4)]):
        pixels, color = cell(display, k + 1, None)
        assert np.allclose(pixels, X[donor, t] / 255)
        assert color == colors[t]


def test_frames_not_taken_are_pale():
    display = SpliceDisplay.from_spliced(SplicedSequences(squares(), DONORS), 1)
    mosaic = display.image_.get_array()
    first = display.borders_[6]  # plant 4, frame 0; its frame 2 was not taken
    step = display.borders_[1].get_x() - display.borders_[0].get_x()
    x, y = round(first.get_x() + 0.5 + 2 * step), round(first.get_y() + 0.5)
    assert np.allclose(mosaic[y, x], 0.7 + 0.3 * 162 / 255)


@pytest.mark.parametrize(("dtype", "channels"), [("uint16", 1), ("float32", 3), ("uint8", 5)])
def test_other_images(dtype, channels):
    X = squares(dtype=dtype, channels=channels)
    X = X[..., 0] if channels == 1 else X
    display = SpliceDisplay.from_spliced(SplicedSequences(X, DONORS), 1)
    assert display.originals.shape == (2, 6, 4, 6, 3)
    levels = display.originals[:, :, 0, 0, 0]
    assert 0 <= levels.min() < levels.max() <= 1
    assert (np.diff(levels, axis=1) > 0).all()
    assert (levels[0] > levels[1]).all()


def test_a_missing_frame_is_gray():
    X = squares(dtype="float32")
    X[4, 0] = np.nan
    display = SpliceDisplay.from_spliced(SplicedSequences(X, DONORS), 1)
    assert np.isnan(display.originals[0, 0]).all()
    assert np.allclose(cell(display, 0, 0)[0], 0.9)


def test_large_images_become_thumbnails():
    X = np.zeros((2, 2, 400, 600, 3), dtype="uint8")
    display = SpliceDisplay.from_spliced(SplicedSequences(X, [[0, 1]]), 0)
    assert max(display.originals.shape[2:4]) <= 120


def test_images_on_disk(tmp_path):
    import cv2

    for i, t in np.ndindex(2, 2):
        cv2.imwrite(str(tmp_path / f"{i}{t}.png"), np.full((4, 6, 3), 100 * i + t, np.uint8))
    paths = [[str(tmp_path / f"{i}{t}.png") for t in range(2)] for i in range(2)]
    X = ImageSequences(paths).splice([[1, 0]])
    display = SpliceDisplay.from_spliced(X, 0)
    assert display.plants.tolist() == [1, 0]
    assert np.allclose(display.originals[:, :, 0, 0, 0] * 255, [[100, 101], [0, 1]])


def test_what_the_resampler_returns():
    y = np.array([0, 0, 0, 1, 1])
    sampler = RSSResampler(6, lazy=True, random_state=0)
    X_new, _ = sampler.fit_resample(NUMBERS, y)
    display = SpliceDisplay.from_spliced(X_new, -1)
    assert np.array_equal(display.donors, sampler.donors_[-1])
    drawn = np.concatenate([line.get_ydata() for line in display.lines_])
    assert np.array_equal(drawn, X_new[-1])


def test_onset_and_classes_of_numbers():
    days = [0, 2, 3, 7, 8, 9]
    y = np.array(["wet", "dry", "wet", "wet", "wet"])
    X = SplicedSequences(NUMBERS, DONORS)
    display = SpliceDisplay.from_spliced(X, 1, days=days, onset_day=2, y=y)
    assert display.onset_line_.get_xdata() == [2, 2]
    assert display.classes.tolist() == ["wet", "dry"]
    legend = [text.get_text() for text in display.ax_.get_legend().get_texts()]
    assert legend == ["from plant 4 (wet)", "from plant 1 (dry)"]
    assert [text.get_text() for text in display.ax_.texts] == ["last irrigation"]
    assert SpliceDisplay.from_spliced(X, 1).onset_line_ is None


@pytest.mark.parametrize(
    ("onset", "days", "column"),
    [
        (2, [0, 2, 3, 7, 8, 9], 2),
        (2.5, [0, 2, 3, 7, 8, 9], 2),
        (-1, None, 0),
        (3, None, 4),
        (9, None, 6),
    ],
)
def test_onset_of_images_lies_between_two_frames(onset, days, column):
    X = SplicedSequences(squares(), DONORS)
    display = SpliceDisplay.from_spliced(X, 1, days=days, onset_day=onset, y=[0, 1, 0, 0, 0])
    (x, _) = display.onset_line_.get_xdata()
    edges = [(f.get_x(), f.get_x() + f.get_width()) for f in display.borders_[:6]]
    assert column == 0 or x > edges[column - 1][1]
    assert column == 6 or x < edges[column][0]
    rows = [text.get_text() for text in display.ax_.get_yticklabels()]
    assert rows == ["spliced", "plant 4 (0)", "plant 1 (1)"]


def is_warm(color):
    red, _, blue = to_rgb(color)
    return red > blue


@pytest.mark.parametrize("X", [NUMBERS, squares()], ids=["numbers", "images"])
def test_n21_stressed_donors_have_warm_colors(X):
    X = SplicedSequences(X, [[0, 1, 2, 3, 4, 0]])
    y = np.array(["wet", "dry", "wet", "dry", "wet"])
    for options in {"y": y, "pos_label": "dry"}, {"y": y == "dry"}:
        display = SpliceDisplay.from_spliced(X, 0, **options)
        colors = [line.get_color() for line in display.lines_]
        colors += [border.get_edgecolor() for border in display.borders_[:6]]
        assert [is_warm(color) for color in colors] == [False, True, False, True, False, False]
        assert len(set(map(to_hex, colors))) == 5
    with pytest.raises(ValueError, match="pos_label='stressed' is not in y, which has dry, wet"):
        SpliceDisplay.from_spliced(X, 0, y=y, pos_label="stressed")


def test_n21_rewatering_is_marked():
    options = {"days": [0, 2, 3, 7, 8, 9], "onset_day": 3, "rewatering_day": 8}
    display = SpliceDisplay.from_spliced(SplicedSequences(NUMBERS, DONORS), 1, **options)
    assert display.rewatering_line_.get_xdata() == [8, 8]
    display = SpliceDisplay.from_spliced(SplicedSequences(squares(), DONORS), 1, **options)
    edges = [(f.get_x(), f.get_x() + f.get_width()) for f in display.borders_[:6]]
    assert edges[2][1] < display.onset_line_.get_xdata()[0] < edges[3][0]
    assert edges[3][1] < display.rewatering_line_.get_xdata()[0] < edges[4][0]
    labels = [text.get_text() for text in display.ax_.texts]
    assert labels[-2:] == ["last irrigation", "re-watering"]


def test_labels_that_the_resampler_returns():
    y = np.array([0, 0, 0, 1, 1])
    sampler = RSSResampler(6, onset=3, lazy=True, random_state=0)
    X_new, y_new = sampler.fit_resample(NUMBERS, y)
    display = SpliceDisplay.from_spliced(X_new, -1, onset_day=2, y=y_new)
    assert np.array_equal(display.classes, y[display.plants])
    assert display.classes[-1] == y_new[-1]


def test_given_axes_are_used():
    _, axes = plt.subplots(2)
    for ax, X in zip(axes, (NUMBERS, squares()), strict=True):
        display = SpliceDisplay.from_spliced(SplicedSequences(X, DONORS), 1, ax=ax)
        assert display.ax_ is ax
    assert len(plt.get_fignums()) == 1


def test_errors():
    X = SplicedSequences(NUMBERS, DONORS)
    with pytest.raises(TypeError, match=r"got ndarray\. Pass lazy=True to RSSResampler"):
        SpliceDisplay.from_spliced(NUMBERS, 1)
    with pytest.raises(TypeError, match="integer"):
        SpliceDisplay.from_spliced(X, [0, 1])
    with pytest.raises(IndexError):
        SpliceDisplay.from_spliced(X, 2)
    with pytest.raises(ValueError, match="days must be one for each"):
        SpliceDisplay.from_spliced(X, 1, days=[1, 2])
    with pytest.raises(ValueError, match="X has images"):
        SpliceDisplay.from_spliced(SplicedSequences(squares(), DONORS), 1, channel=0)
    with pytest.raises(ValueError, match="it has 3 rows, but plant 4 gave a frame"):
        SpliceDisplay.from_spliced(X, 1, y=[0, 1, 0])
