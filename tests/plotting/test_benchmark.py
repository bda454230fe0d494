"""BenchmarkDisplay: rows of a result as dots and whiskers."""

from types import SimpleNamespace

import matplotlib.pyplot as plt
import numpy as np
import pytest

from skwater.plotting import BenchmarkDisplay


def row(model, kind, score, low, high, n_correct):
    return {
        "model": model,
        "kind": kind,
        "balanced_accuracy": score,
        "balanced_ci_low": low,
        "balanced_ci_high": high,
        "n_correct": n_correct,
        "n_plants": 30,
    }


ROWS = [
    row("majority", "baseline", 0.5, 0.4, 0.6, 21),
    row("ConvLSTM", "model", 0.9, 0.7, 0.95, 28.36),
    row("cover", "baseline", 0.96, 0.8, 1.0, 29),
    row("CNN-LSTM", "model", 0.8, 0.6, 0.9, 26.0),
]


def draw(rows=ROWS, y=(0, 1), **options):
    return BenchmarkDisplay.from_result(SimpleNamespace(rows=rows, y=np.array(y)), **options)


def test_models_stand_above_baselines():
    display = draw()
    order = ["ConvLSTM", "CNN-LSTM", "majority", "cover"]
    assert display.names == order
    assert [text.get_text() for text in display.ax_.get_yticklabels()] == order
    bottom, top = display.ax_.get_ylim()
    assert bottom > top  # so that the first row is the highest


def test_dots_and_whiskers():
    display = draw()
    scores = [0.9, 0.8, 0.5, 0.96]
    intervals = [(0.7, 0.95), (0.6, 0.9), (0.4, 0.6), (0.8, 1.0)]
    for place, errorbar in enumerate(display.errorbars_):
        dot, _, (whisker,) = errorbar
        assert dot.get_xdata().item() == scores[place]
        assert dot.get_ydata().item() == place
        assert np.allclose(whisker.get_segments()[0][:, 0], intervals[place])
    markers = [errorbar[0].get_marker() for errorbar in display.errorbars_]
    assert markers[0] == markers[1] != markers[2] == markers[3]
    assert display.chance_line_.get_xdata() == [0.5, 0.5]


def test_chance_of_three_classes():
    assert draw(y=[0, 1, 2, 2]).chance == pytest.approx(1 / 3)


def test_correct_plants_are_at_the_right():
    assert "correct" in [text.get_text() for text in draw().ax_.texts]
    labels = [text.get_text() for text in draw().counts_ax_.get_yticklabels()]
    assert labels == ["28.4 of 30", "26 of 30", "21 of 30", "29 of 30"]


def test_n21_models_near_chance_are_called_so():
    rows = [*ROWS, row("tiny", "model", 0.55, 0.4, 0.7, 17)]
    (remark,) = draw(rows).remarks_  # not of baselines
    assert remark.get_text() == "not above chance"
    assert remark.xy == (0.7, 2)
    assert draw().remarks_ == []


@pytest.mark.parametrize("n_models", [1, 6])
def test_texts_do_not_overlap(n_models):
    """The remark of a wide interval and the legend covered the numbers of plants."""
    rows = [row(f"model {i}", "model", 0.7, 0.4, 0.96, 17) for i in range(n_models)]
    display = draw([*rows, row("logistic", "baseline", 0.3, 0.1, 0.7, 17)])
    display.figure_.draw_without_rendering()
    texts = [*display.remarks_, *display.counts_ax_.get_yticklabels(), display.ax_.xaxis.label]
    boxes = [text.get_window_extent() for text in [*texts, display.ax_.get_legend()]]
    for i, box in enumerate(boxes):
        assert box.count_overlaps(boxes[i + 1 :]) == 0


def test_legend_names_each_kind_once():
    legend = draw().ax_.get_legend()
    assert [text.get_text() for text in legend.get_texts()] == ["model", "baseline"]


def test_a_score_that_is_unknown():
    display = draw([*ROWS, row("stopped", "model", *[np.nan] * 4)])
    assert display.counts_ax_.get_yticklabels()[2].get_text() == "nan of 30"


def test_a_score_that_is_a_rounding_outside_of_its_interval():
    _, _, (whisker,) = draw([row("a", "model", 1 + 1e-15, 0.8, 1.0, 30)]).errorbars_[0]
    assert np.allclose(whisker.get_segments()[0][:, 0], [0.8, 1])


def test_given_axes_are_used():
    _, ax = plt.subplots()
    assert draw(ax=ax).ax_ is ax
    assert len(plt.get_fignums()) == 1


def test_no_row():
    with pytest.raises(ValueError, match="The result has no row"):
        draw([])
