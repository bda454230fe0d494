"""EarlyDetectionDisplay: scores against days, from predictions, curves and estimators."""

import sys
from types import SimpleNamespace

import matplotlib.pyplot as plt
import numpy as np
import pytest
from sklearn.dummy import DummyClassifier

from skwater.metrics import balanced_accuracy_interval
from skwater.plotting import EarlyDetectionDisplay

Y = np.array([0, 0, 0, 0, 1, 1])
PROBA = np.array([[0.9, 0.9, 0.1, 0.5, 0.2, 0.7], [0.1, 0.2, 0.3, 0.4, 0.6, 0.7]]).T


def curve(**changes):
    parts = {
        "days": np.array([25, 28, 32]),
        "scores": np.array([[0.4, 0.5, 0.8], [0.6, 0.5, 0.9]]),
        "low": np.array([0.3, 0.3, 0.6]),
        "high": np.array([0.7, 0.7, 1.0]),
        "chance": 0.5,
        "onset_day": 28,
        "scoring": "balanced_accuracy",
        "name": None,
    }
    return SimpleNamespace(**{**parts, **changes})


def test_from_predictions():
    display = EarlyDetectionDisplay.from_predictions(
        Y, PROBA, days=[25, 32], onset_day=28, name="x"
    )
    assert np.array_equal(display.scores[0], [(2 / 4 + 1 / 2) / 2, 1])  # 0.5 is not stressed
    intervals = [balanced_accuracy_interval(k, [4, 2]) for k in ([2, 1], [4, 2])]
    assert np.array_equal(np.transpose([display.low[0], display.high[0]]), intervals)
    (line,) = display.lines_
    assert line.get_xdata().tolist() == [25, 32]
    assert np.array_equal(line.get_ydata(), display.scores[0])
    assert line.get_label() == "x (not above chance)"  # six plants prove nothing


def test_labels_of_other_types():
    names = np.array(["wet", "dry"])[Y]
    display = EarlyDetectionDisplay.from_predictions(names, PROBA, days=[1, 2], pos_label="dry")
    assert np.array_equal(display.scores[0], [0.5, 1])
    flipped = EarlyDetectionDisplay.from_predictions(1 - Y, 1 - PROBA, pos_label=1)
    assert flipped.scores[0][1] == 1
    assert flipped.ax_.get_xlabel() == "Frame"


@pytest.mark.parametrize(
    ("y", "proba", "options", "message"),
    [
        (np.array(["a", "b"])[Y], PROBA, {}, "pos_label is not specified"),
        (Y, PROBA, {"pos_label": 2}, "one of them pos_label=2, got"),
        (np.ones(6), PROBA, {}, "y_true must have two classes"),
        (Y, PROBA.T, {}, r"must have shape \(6, n_frames\), one row for each plant, got \(2, 6\)"),
        (Y, PROBA, {"days": [2, 1]}, "days must be strictly increasing"),
    ],
)
def test_wrong_predictions(y, proba, options, message):
    with pytest.raises(ValueError, match=message):
        EarlyDetectionDisplay.from_predictions(y, proba, **options)


def test_from_curves():
    curves = {"a": curve(), "b": curve(days=np.array([28, 32, 36]))}
    display = EarlyDetectionDisplay.from_curves(curves)
    first, second = display.lines_
    assert np.allclose(first.get_ydata(), [0.5, 0.5, 0.85])  # mean over repeats
    assert second.get_xdata().tolist() == [28, 32, 36]
    assert first.get_linestyle() != second.get_linestyle()
    assert first.get_marker() != second.get_marker()
    band = display.bands_[0].get_paths()[0].vertices[:, 1]
    assert (band.min(), band.max()) == (0.3, 1)
    legend = [text.get_text() for text in display.ax_.get_legend().get_texts()]
    assert legend == ["a", "b", "negative control", "stress possible"]
    assert display.ax_.get_ylabel() == "Balanced accuracy (95 % interval)"
    assert display.ax_.get_xlabel() == "Time (days)"


def test_negative_control_ends_with_the_last_irrigation():
    display = EarlyDetectionDisplay.from_curves(curve())
    assert display.onset_line_.get_xdata() == [28, 28]
    assert display.control_.get_x() + display.control_.get_width() == 28
    assert display.control_.get_x() == display.ax_.get_xlim()[0]
    assert display.chance_line_.get_ydata() == [0.5, 0.5]
    assert {text.get_text() for text in display.ax_.texts} == {"last irrigation", "chance"}


def test_n21_the_time_of_stress_is_warm():
    display = EarlyDetectionDisplay.from_curves(curve())
    red, _, blue, _ = display.stress_.get_facecolor()
    assert red > blue
    assert display.stress_.get_x() == 28
    assert EarlyDetectionDisplay.from_curves(curve(onset_day=None)).stress_ is None


def test_n21_the_legend_hides_no_part_of_the_curve():
    display = EarlyDetectionDisplay.from_curves({"a": curve(), "b": curve()})
    display.figure_.canvas.draw()
    legend, axes = display.ax_.get_legend().get_window_extent(), display.ax_.get_window_extent()
    assert not legend.overlaps(axes)
    assert display.ax_.get_ylim() == (-0.02, 1.02)
    assert display.ax_.get_xlim()[0] < 25


def test_n21_a_model_near_chance_is_called_so():
    low = np.array([0.3, 0.3, 0.45])
    curves = {"a": curve(), "b": curve(low=low)}
    display = EarlyDetectionDisplay.from_curves(curves)
    assert [line.get_label() for line in display.lines_] == ["a", "b (not above chance)"]
    assert display.names == ["a", "b"]
    (line,) = EarlyDetectionDisplay.from_curves(curve(low=low)).lines_
    assert line.get_label() == "not above chance"


def test_without_onset():
    display = EarlyDetectionDisplay.from_curves(curve(onset_day=None))
    assert display.control_ is None
    assert display.onset_line_ is None


def test_a_curve_has_its_own_name():
    display = EarlyDetectionDisplay.from_curves(curve(name="ConvLSTM"))
    assert display.lines_[0].get_label() == "ConvLSTM"


@pytest.mark.parametrize("change", [{"onset_day": 30}, {"scoring": "accuracy"}, {"chance": 0.7}])
def test_curves_that_do_not_belong_together(change):
    (what,) = change
    with pytest.raises(ValueError, match=f"must share their {what}"):
        EarlyDetectionDisplay.from_curves({"a": curve(), "b": curve(**change)})


def test_no_curve():
    with pytest.raises(ValueError, match="no curve"):
        EarlyDetectionDisplay.from_curves({})


def test_from_estimator(monkeypatch):
    asked = []

    def early_detection_curve(estimator, X, y, **options):
        asked.append((estimator, X, y, options))
        return curve(name=type(estimator).__name__)

    fake = SimpleNamespace(early_detection_curve=early_detection_curve)
    monkeypatch.setitem(sys.modules, "skwater.evaluation", fake)
    model, X = DummyClassifier(), np.zeros((6, 3))
    options = {"days": [25, 28, 32], "groups": np.arange(6), "cv": 3, "onset_day": 28}
    display = EarlyDetectionDisplay.from_estimator(model, X, Y, **options)
    assert asked == [(model, X, Y, options)]
    assert display.lines_[0].get_label() == "DummyClassifier"
    assert EarlyDetectionDisplay.from_estimator(model, X, Y, name="n", **options).names == ["n"]


def test_given_axes_are_used():
    _, ax = plt.subplots()
    assert EarlyDetectionDisplay.from_curves(curve(), ax=ax).ax_ is ax
    assert EarlyDetectionDisplay.from_predictions(Y, PROBA, ax=ax).ax_ is ax
    assert len(plt.get_fignums()) == 1
