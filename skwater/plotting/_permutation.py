"""Plot of a permutation test: the score of the true labels among those of others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

import numpy as np

from ._style import COLORS, label_above, new_axes, trim_axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from ..evaluation import PermutationResult


class PermutationDisplay:
    """Score of the true labels in the histogram of the scores of exchanged labels.

    The bars are what the classifier scores if the labels mean nothing. The true labels are
    significant if hardly any bar is at or beyond their line; how far the line is from the bars
    is no measure of the effect.

    Use :meth:`from_result` to make one. All parameters are stored as attributes.

    Parameters
    ----------
    score : float
        Score of the true labels.
    null : ndarray of shape (n_scored,)
        Scores of the other labelings.
    pvalue : float
        Share of labelings that score as well as the true one, or better.
    scoring : str, default="score"
        What the score is.

    Attributes
    ----------
    ax_ : matplotlib Axes
        The axes.
    figure_ : matplotlib Figure
        Their figure.
    bars_ : matplotlib BarContainer
        The histogram.
    score_line_ : matplotlib Line2D
        The line of the true labels.

    See Also
    --------
    skwater.evaluation.permutation_test : Makes the result.

    Examples
    --------
    >>> from skwater.plotting import PermutationDisplay
    >>> display = PermutationDisplay(score=0.9, null=[0.4, 0.5, 0.5, 0.6], pvalue=0.2)
    >>> display.plot().ax_.get_xlabel()
    'Score'
    """

    ax_: Axes
    figure_: Figure | Any  # a SubFigure if the axes lie in one

    def __init__(
        self, *, score: float, null: np.ndarray, pvalue: float, scoring: str = "score"
    ) -> None:
        self.score = score
        self.null = null
        self.pvalue = pvalue
        self.scoring = scoring

    @classmethod
    def from_result(cls, result: PermutationResult, *, ax: Axes | None = None) -> Self:
        """Plot the result of a permutation test.

        Parameters
        ----------
        result : PermutationResult
            What :func:`skwater.evaluation.permutation_test` returns.
        ax : matplotlib Axes, default=None
            Where to plot; by default in a new figure.

        Returns
        -------
        PermutationDisplay
            The display, plotted.
        """
        display = cls(
            score=result.score, null=result.null, pvalue=result.pvalue, scoring=result.scoring
        )
        return display.plot(ax)

    def plot(self, ax: Axes | None = None) -> Self:
        """Plot the display.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to plot; by default in a new figure.

        Returns
        -------
        PermutationDisplay
            The display itself.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        """
        ax = new_axes(self) if ax is None else ax
        self.ax_, self.figure_ = ax, ax.figure
        n_bins = int(np.clip(np.sqrt(len(self.null)), 5, 30))
        _, _, self.bars_ = ax.hist(self.null, bins=n_bins, color="0.75", edgecolor="white")
        self.score_line_ = ax.axvline(self.score, color=COLORS[4], linewidth=2)
        label_above(ax, self.score, f"true labels (p = {self.pvalue:.3g})")
        ax.set_xlabel(self.scoring.replace("_", " ").capitalize())
        ax.set_ylabel("Labelings")
        ax.grid(axis="y", color="0.9")
        ax.set_axisbelow(True)
        trim_axes(ax)
        return self
