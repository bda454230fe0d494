"""Plot of the table of a benchmark."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

import numpy as np

from ._style import COLORS, GRAY, draw_legend, label_above, new_axes, trim_axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from ..evaluation import BenchmarkResult


_STYLES = {
    "model": {"color": COLORS[0], "marker": "o"},
    "baseline": {"color": COLORS[1], "marker": "s", "markerfacecolor": "white"},
}


class BenchmarkDisplay:
    """Balanced accuracy of models and baselines, each within its 95 % interval.

    Models are above baselines, and at the right is how many plants each of them classified
    correctly. A model whose interval includes chance is marked "not above chance". Two
    intervals that overlap do not mean that two models are alike, nor do intervals apart make a
    test: both models saw the same plants. For that see the differences in the table itself.

    Use :meth:`from_result` to make one. All parameters are stored as attributes.

    Parameters
    ----------
    names : list of str
        Models, then baselines.
    kinds : list of {"model", "baseline"}
        What each of them is.
    scores : ndarray of shape (n_models,)
        Balanced accuracy, from 0 to 1.
    low : ndarray of shape (n_models,)
        Lower end of the interval.
    high : ndarray of shape (n_models,)
        Upper end of the interval.
    n_correct : ndarray of shape (n_models,)
        Plants classified correctly, the mean over repeats.
    n_plants : ndarray of int of shape (n_models,)
        Out of how many.
    chance : float, default=0.5
        Balanced accuracy of guessing.

    Attributes
    ----------
    ax_ : matplotlib Axes
        The axes.
    figure_ : matplotlib Figure
        Their figure.
    errorbars_ : list of matplotlib ErrorbarContainer
        Dots and intervals, one a row.
    chance_line_ : matplotlib Line2D
        The line of chance.
    counts_ax_ : matplotlib SecondaryAxis
        The axis at the right.
    remarks_ : list of matplotlib Annotation
        "not above chance", one for each model whose interval includes chance.

    Examples
    --------
    >>> from skwater.plotting import BenchmarkDisplay
    >>> display = BenchmarkDisplay(
    ...     names=["ConvLSTM", "majority"],
    ...     kinds=["model", "baseline"],
    ...     scores=[0.95, 0.5],
    ...     low=[0.8, 0.4],
    ...     high=[0.99, 0.6],
    ...     n_correct=[28.4, 21],
    ...     n_plants=[30, 30],
    ... )
    >>> display.plot().ax_.get_xlabel()
    'Balanced accuracy (95 % interval)'
    """

    ax_: Axes
    figure_: Figure | Any  # a SubFigure if the axes lie in one

    def __init__(
        self,
        *,
        names: list[str],
        kinds: list[str],
        scores: np.ndarray,
        low: np.ndarray,
        high: np.ndarray,
        n_correct: np.ndarray,
        n_plants: np.ndarray,
        chance: float = 0.5,
    ) -> None:
        self.names = names
        self.kinds = kinds
        self.scores = scores
        self.low = low
        self.high = high
        self.n_correct = n_correct
        self.n_plants = n_plants
        self.chance = chance

    @classmethod
    def from_result(cls, result: BenchmarkResult, *, ax: Axes | None = None) -> Self:
        """Plot the result of a benchmark.

        Parameters
        ----------
        result : BenchmarkResult
            What :func:`skwater.evaluation.benchmark` returns.
        ax : matplotlib Axes, default=None
            Where to plot; by default in a new figure.

        Returns
        -------
        BenchmarkDisplay
            The display, plotted.

        Raises
        ------
        ValueError
            If the result has no row.
        """
        rows = sorted(result.rows, key=lambda row: row["kind"] == "baseline")
        if not rows:
            raise ValueError("The result has no row: no model has finished a repeat.")
        display = cls(
            names=[row["model"] for row in rows],
            kinds=[row["kind"] for row in rows],
            scores=np.array([row["balanced_accuracy"] for row in rows]),
            low=np.array([row["balanced_ci_low"] for row in rows]),
            high=np.array([row["balanced_ci_high"] for row in rows]),
            n_correct=np.array([row["n_correct"] for row in rows]),
            n_plants=np.array([row["n_plants"] for row in rows]),
            chance=1 / len(np.unique(result.y)),
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
        BenchmarkDisplay
            The display itself.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        """
        places = np.arange(len(self.names))
        if ax is None:
            ax = new_axes(self, figsize=(6.4, 1.2 + 0.4 * len(places)))
        self.ax_, self.figure_ = ax, ax.figure
        self._draw_scores(ax, places)
        self.chance_line_ = ax.axvline(self.chance, color=GRAY, linestyle="--", zorder=1)
        label_above(ax, self.chance, "chance")
        ax.set_yticks(places, self.names)
        ax.set_ylim(len(places) - 0.5, -0.5)  # the first row on top
        ax.set_xlim(0, 1.02)
        ax.set_xlabel("Balanced accuracy (95 % interval)")
        ax.tick_params(axis="y", length=0)
        ax.grid(axis="x", color="0.9")
        ax.set_axisbelow(True)
        self._draw_counts(ax, places)
        _draw_legend_below(ax)
        trim_axes(ax)
        return self

    def _draw_scores(self, ax, places):
        self.errorbars_, self.remarks_, labeled = [], [], set()
        for place, kind in zip(places, self.kinds, strict=True):
            score, low, high = self.scores[place], self.low[place], self.high[place]
            # A score of 1 can be a rounding above its interval.
            whiskers = np.maximum([[score - low], [high - score]], 0)
            self.errorbars_.append(
                ax.errorbar(
                    score,
                    place,
                    xerr=whiskers,
                    **_STYLES[kind],
                    label=None if kind in labeled else kind,
                    linestyle="",
                    markersize=7,
                    capsize=3,
                )
            )
            labeled.add(kind)
            if kind == "model" and low <= self.chance:
                # Above the interval: to the right of it are the counts.
                self.remarks_.append(
                    _write(ax, "not above chance", (high, place), (0, 4), ha="right", va="bottom")
                )

    def _draw_counts(self, ax, places):
        self.counts_ax_ = ax.secondary_yaxis("right")
        counts = zip(self.n_correct, self.n_plants, strict=True)
        self.counts_ax_.set_yticks(places, [f"{round(k, 1):g} of {n}" for k, n in counts])
        self.counts_ax_.tick_params(length=0)
        self.counts_ax_.spines["right"].set_visible(False)
        _write(ax, "correct", (1, 1), (4, 3), xycoords="axes fraction", va="bottom")


def _draw_legend_below(ax):
    """Draw the legend below the label of the axis: inside, it would hide intervals or remarks."""
    from matplotlib.transforms import offset_copy

    below = offset_copy(ax.transAxes, fig=ax.figure, y=-32, units="points")
    draw_legend(ax, loc="upper center", bbox_to_anchor=(0.5, 0), bbox_transform=below, ncols=2)


def _write(ax, text, at, offset, **options):
    """Write in gray, so many points right of and above a place."""
    return ax.annotate(
        text, at, xytext=offset, textcoords="offset points", color=GRAY, clip_on=False, **options
    )
