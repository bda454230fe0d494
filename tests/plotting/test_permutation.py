"""PermutationDisplay: the score of the true labels among those of others."""

from types import SimpleNamespace

import matplotlib.pyplot as plt
import numpy as np

from skwater.plotting import PermutationDisplay

RESULT = SimpleNamespace(
    score=0.9, null=np.linspace(0.3, 0.7, 100), pvalue=1 / 101, scoring="balanced_accuracy"
)


def test_bars_and_line():
    display = PermutationDisplay.from_result(RESULT)
    assert sum(bar.get_height() for bar in display.bars_) == 100
    assert display.score_line_.get_xdata() == [0.9, 0.9]
    assert display.ax_.get_xlabel() == "Balanced accuracy"
    assert [text.get_text() for text in display.ax_.texts] == ["true labels (p = 0.0099)"]


def test_few_labelings():
    display = PermutationDisplay(score=0.5, null=[0.5], pvalue=1.0).plot()
    assert sum(bar.get_height() for bar in display.bars_) == 1


def test_given_axes_are_used():
    _, ax = plt.subplots()
    assert PermutationDisplay.from_result(RESULT, ax=ax).ax_ is ax
    assert len(plt.get_fignums()) == 1
