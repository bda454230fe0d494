"""What a permutation test prints, writes, plots and says."""

import json

import numpy as np
import pytest

import skwater
from skwater.evaluation import PermutationResult


@pytest.fixture
def make_result():
    def make(**changes):
        parts = {
            "score": 0.9,
            "null": np.array([0.9, 0.4, 0.6, 0.5]),
            "pvalue": 0.25,
            "smallest_pvalue": 0.25,
            "exact": True,
            "n_labelings": 4,
            "scoring": "balanced_accuracy",
            "units": "treatments",
            "n_units": 7,
        }
        return PermutationResult(**parts | changes)

    return make


@pytest.fixture
def drawn(make_result):
    return make_result(exact=False, n_labelings=184_756, pvalue=2 / 5, smallest_pvalue=1 / 5)


def test_table(make_result, drawn):
    head, _, row, note = str(make_result()).splitlines()
    assert head.startswith("balanced accuracy")
    assert row.split() == ["0.900", "0.600", "all", "4", "0.250", "0.25"]
    assert note == "Labels were exchanged between 7 treatments."
    assert "4 of 184756" in str(drawn)
    assert " < 0.001 " in str(make_result(pvalue=0.0004))
    assert repr(drawn) == str(drawn)
    assert drawn._repr_html_().count("<tr>") == 2


def test_frame(drawn):
    pytest.importorskip("pandas")
    frame = drawn.to_frame()
    assert frame.loc[0, ["score", "pvalue", "n_scored", "n_labelings"]].tolist() == [
        0.9, 0.4, 4, 184_756,
    ]  # fmt: skip
    assert frame["null_mean"].item() == pytest.approx(0.6)


def test_json(make_result):
    written = json.loads(make_result().to_json())
    assert written["null"] == [0.9, 0.4, 0.6, 0.5]
    assert written["exact"] is True
    assert written["scoring"] == "balanced_accuracy"
    assert written["versions"]["python"]


def test_methods_section(make_result, drawn):
    text = make_result().describe()
    assert text.startswith("The labels of 7 treatments were exchanged in all 4 possible ways,")
    assert "balanced accuracy was 0.900, with the others 0.600 on average" in text
    assert "1 of 4 labelings, the true one included, scored as well or better (p = 0.250;" in text
    text = drawn.describe()
    assert "in 4 of 184756 possible ways, drawn at random" in text
    assert "1 of 4 drawn labelings scored as well or better (p = 0.400;" in text


def test_plot(make_result):
    pytest.importorskip("matplotlib").use("Agg")
    from matplotlib import pyplot as plt

    display = make_result().plot()
    assert isinstance(display, skwater.plotting.PermutationDisplay)
    assert display.score == 0.9
    plt.close(display.figure_)


def test_it_is_frozen(make_result):
    with pytest.raises(AttributeError, match="cannot assign"):
        make_result().pvalue = 0.01
