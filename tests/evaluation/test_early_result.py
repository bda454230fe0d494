"""What a curve prints, writes, plots and says."""

import json

import numpy as np
import pytest

import skwater
from skwater.evaluation import EarlyDetectionCurve


@pytest.fixture
def make_curve():
    def make(**changes):
        parts = {
            "days": np.array([28.0, 32.0]),
            "scores": np.array([[0.5, 1.0], [0.7, 1.0]]),
            "low": np.array([0.45, 0.8]),
            "high": np.array([0.7, 1.0]),
            "chance": 0.5,
            "onset_day": 28.0,
            "scoring": "accuracy",
            "name": "Net",
        }
        return EarlyDetectionCurve(**parts | changes)

    return make


def test_table(make_curve):
    curve = make_curve()
    head, _, first, second, note = repr(curve).splitlines()
    assert head.split() == ["day", "accuracy", "95", "%", "interval", "remark"]
    assert first.split(maxsplit=5) == ["28", "0.600", "0.45", "to", "0.70", "up to last irrigation"]
    assert second.split(maxsplit=5) == ["32", "1.000", "0.80", "to", "1.00", "above chance"]
    assert note.startswith("Net: chance is 0.500.")
    assert str(curve) == repr(curve)
    assert "Chance is" in str(make_curve(name=None))


def test_n19_days_are_rounded(make_curve):
    assert "2.65 " in repr(make_curve(days=np.array([2.65278, 32])))
    assert "2.65278" not in repr(make_curve(days=np.array([2.65278, 32])))


def test_notebook(make_curve):
    html = make_curve(name="<Net>")._repr_html_()
    assert html.count("<tr>") == 3
    assert "&lt;Net&gt;" in html


def test_frame(make_curve):
    pytest.importorskip("pandas")
    frame = make_curve().to_frame()
    assert list(frame.columns) == ["day", "accuracy", "sd", "ci_low", "ci_high"]
    assert frame["accuracy"].tolist() == pytest.approx([0.6, 1])
    assert frame["sd"].tolist() == pytest.approx([np.sqrt(0.02), 0])
    assert frame["day"].tolist() == [28, 32]


def test_one_repeat_has_no_sd(make_curve):
    curve = make_curve(scores=np.array([[0.5, 1.0]]))
    assert np.isnan([row["sd"] for row in curve.rows]).all()


def test_json(make_curve):
    written = json.loads(make_curve(scores=np.array([[0.5, 1.0]])).to_json())
    assert written["scores"] == [[0.5, 1.0]]
    assert written["onset_day"] == 28
    assert written["rows"][1] == {
        "day": 32, "accuracy": 1, "sd": None, "ci_low": 0.8, "ci_high": 1,
    }  # fmt: skip
    assert "skwater" in written["versions"]


def test_methods_section(make_curve):
    text = make_curve().describe()
    assert text.startswith("Net was scored by cross-validation on the images up to each of 2 days,")
    assert "mean over 2 repeats" in text
    assert "on day 28, no plant was stressed, and the score was not above chance" in text
    assert "It was above chance on day 32." in text
    assert "accuracy was 1.000 (0.80 to 1.00); chance is 0.500." in text
    leak = make_curve(low=np.array([0.6, 0.8])).describe()
    assert "above chance on day 28: something other than stress" in leak
    assert "no day as a negative control" in make_curve(onset_day=20.0).describe()
    assert "irrigation" not in make_curve(onset_day=None).describe()


def test_plot(make_curve):
    pytest.importorskip("matplotlib").use("Agg")
    from matplotlib import pyplot as plt

    display = make_curve().plot()
    assert isinstance(display, skwater.plotting.EarlyDetectionDisplay)
    assert np.allclose(display.scores[0], [0.6, 1])
    assert display.names == ["Net"]
    plt.close(display.figure_)


def test_it_is_frozen(make_curve):
    with pytest.raises(AttributeError, match="cannot assign"):
        make_curve().chance = 0.3
