"""An indicator of plants over time, by group."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils import check_consistent_length, column_or_1d

from ..preprocessing import CanopyCover
from ..sequences import SequencesLike, check_days, check_sequences, has_images
from ._frames import read_channel, refuse_channel
from ._style import (
    check_pos_label,
    draw_band,
    draw_legend,
    draw_onset,
    draw_rewatering,
    label_time,
    new_axes,
    series_styles,
    trim_axes,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


_FEW = 5  # plants of which quantiles say less than the plants themselves


class GrowthDisplay:
    """Median of an indicator over time for each group, with a band that holds most plants.

    The band is the spread of the plants, not the uncertainty of the median. A group of five plants
    or fewer has no band: each of its plants is a thin line. The display misleads if groups differ
    in more than water. In the Eschikon experiment none of the dry boxes had high nitrogen, and the
    medians differ before the last irrigation.

    Use :meth:`from_sequences` to make one. All parameters are stored as attributes.

    Parameters
    ----------
    values : list of ndarray of shape (n_plants, n_frames)
        The indicator of each plant of each group; NaN for missing frames.
    median : ndarray of shape (n_groups, n_frames)
        Median over the plants of a group that have the frame; NaN if none has.
    low : ndarray of shape (n_groups, n_frames)
        Lower edge of the band.
    high : ndarray of shape (n_groups, n_frames)
        Upper edge of the band.
    names : array-like of shape (n_groups,)
        The groups.
    quantiles : tuple of (float, float), default=(0.1, 0.9)
        What `low` and `high` are, as quantiles over the plants of a group.
    days : ndarray of shape (n_frames,), default=None
        Day of each frame. If None, the time axis has the numbers of the frames.
    onset_day : float, default=None
        Day of the last irrigation.
    rewatering_day : float, default=None
        Day of the first irrigation after the drought.
    pos_label : int, float, bool or str, default=None
        The group of stressed plants, drawn in a warm color.
    value_name : str, default="Value"
        What is shown, with its unit.

    Attributes
    ----------
    ax_ : matplotlib Axes
        The axes.
    figure_ : matplotlib Figure
        Their figure.
    lines_ : list of matplotlib Line2D
        The medians, one for each group.
    plant_lines_ : list of lists of matplotlib Line2D
        The plants of each group; empty for groups with a band.
    bands_ : list of matplotlib FillBetweenPolyCollection or None
        The band of each group, None if its plants are drawn.
    onset_line_ : matplotlib Line2D or None
        The line of the last irrigation.
    rewatering_line_ : matplotlib Line2D or None
        The line of the first irrigation after the drought.

    See Also
    --------
    skwater.preprocessing.CanopyCover : The indicator that is shown of images.

    Examples
    --------
    >>> from skwater.datasets import make_water_stress
    >>> from skwater.plotting import GrowthDisplay
    >>> plants = make_water_stress(n_plants=6, n_frames=5, size=16, random_state=0)
    >>> display = GrowthDisplay.from_sequences(
    ...     plants.data, plants.target, days=plants.days, onset_day=plants.onset_day
    ... )
    >>> display.median.shape
    (2, 5)
    """

    ax_: Axes
    figure_: Figure | Any  # a SubFigure if the axes lie in one

    def __init__(
        self,
        *,
        values: list[np.ndarray],
        median: np.ndarray,
        low: np.ndarray,
        high: np.ndarray,
        names: ArrayLike,
        quantiles: tuple[float, float] = (0.1, 0.9),
        days: np.ndarray | None = None,
        onset_day: float | None = None,
        rewatering_day: float | None = None,
        pos_label: float | str | None = None,
        value_name: str = "Value",
    ) -> None:
        self.values = values
        self.median = median
        self.low = low
        self.high = high
        self.names = names
        self.quantiles = quantiles
        self.days = days
        self.onset_day = onset_day
        self.rewatering_day = rewatering_day
        self.pos_label = pos_label
        self.value_name = value_name

    @classmethod
    def from_sequences(
        cls,
        X: SequencesLike,
        y: ArrayLike,
        *,
        days: ArrayLike | None = None,
        channel: int | None = None,
        quantiles: tuple[float, float] = (0.1, 0.9),
        onset_day: float | None = None,
        rewatering_day: float | None = None,
        pos_label: float | str | None = None,
        value_name: str | None = None,
        ax: Axes | None = None,
    ) -> Self:
        """Summarize sequences by group and plot them.

        Parameters
        ----------
        X : array-like or lazy sequences of shape (n_samples, n_frames, ...)
            Numbers, (n_samples, n_frames) or (n_samples, n_frames, n_channels), or color images
            (n_samples, n_frames, height, width, 3), of which the canopy cover is shown. Missing
            frames are left out.
        y : array-like of shape (n_samples,)
            Group of each plant, as shown in the legend.
        days : array-like of shape (n_frames,), default=None
            Day of each frame, increasing.
        channel : int, default=None
            Which number of each frame to show, if there are several.
        quantiles : tuple of (float, float), default=(0.1, 0.9)
            Edges of the band, as quantiles over the plants of a group; (0, 1) holds all of them.
        onset_day : float, default=None
            Day of the last irrigation; the number of its frame if `days` is None.
        rewatering_day : float, default=None
            Day of the first irrigation after the drought; the number of its frame if `days` is
            None.
        pos_label : int, float, bool or str, default=None
            The group of stressed plants, drawn in a warm color. By default 1 if all groups are 0
            or 1. String labels have no natural positive class; pass `pos_label`.
        value_name : str, default=None
            What is shown, with its unit. By default the canopy cover, or the channel.
        ax : matplotlib Axes, default=None
            Where to plot; by default in a new figure.

        Returns
        -------
        GrowthDisplay
            The display, plotted.

        Raises
        ------
        ValueError
            If X has several numbers per frame and no `channel` is chosen, if it has images that are
            not in color, if `days` do not fit the frames, or if no plant has `pos_label`.
        """
        X, _ = check_sequences(None, X, complete=False)
        y = column_or_1d(y)
        check_consistent_length(X, y)
        check_pos_label(y, pos_label)
        days = None if days is None else check_days(days, X.shape[1])
        if not 0 <= quantiles[0] < quantiles[1] <= 1:
            raise ValueError(f"quantiles must be increasing and in [0, 1], got {quantiles}.")
        if has_images(X):
            refuse_channel(channel)
            indicator, default_name = CanopyCover().transform(X), "Canopy cover (fraction)"
        else:
            indicator, default_name = read_channel(X, channel)
        names = np.unique(y)
        values = [indicator[y == name] for name in names]
        levels = [0.5, *quantiles]
        median, low, high = np.stack([_quantiles(group, levels) for group in values], axis=1)
        display = cls(
            values=values,
            median=median,
            low=low,
            high=high,
            names=names,
            quantiles=quantiles,
            days=days,
            onset_day=onset_day,
            rewatering_day=rewatering_day,
            pos_label=pos_label,
            value_name=default_name if value_name is None else value_name,
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
        GrowthDisplay
            The display itself.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        """
        ax = new_axes(self) if ax is None else ax
        self.ax_, self.figure_ = ax, ax.figure
        time = label_time(ax, self.days, self.median.shape[1])
        self.lines_, self.plant_lines_, self.bands_ = [], [], []
        styles = series_styles(self.names, self.pos_label)
        for i, (name, plants, style) in enumerate(
            zip(self.names, self.values, styles, strict=True)
        ):
            n = len(plants)
            label = f"{name} ({n} plant)" if n == 1 else f"{name} ({n} plants)"
            self.lines_ += ax.plot(time, self.median[i], **style, label=label, markersize=5)
            thin = {**style, "marker": None, "linewidth": 0.8, "alpha": 0.6}
            few = n <= _FEW
            band = None if few else draw_band(ax, time, self.low[i], self.high[i], style)
            self.plant_lines_.append(ax.plot(time, plants.T, **thin) if few else [])
            self.bands_.append(band)
        self.onset_line_ = draw_onset(ax, self.onset_day)
        self.rewatering_line_ = draw_rewatering(ax, self.rewatering_day)
        ax.set_ylabel(self.value_name)
        draw_legend(ax, title=self._legend_title(), alignment="left")
        trim_axes(ax)
        return self

    def _legend_title(self):
        low, high = (f"{100 * q:g}" for q in self.quantiles)
        parts = ["Median"]
        if any(band is not None for band in self.bands_):
            parts.append(f"{low} to {high} % of plants")
        if any(self.plant_lines_):
            parts.append("single plants" if len(parts) == 1 else f"plants if {_FEW} or fewer")
        return ", ".join(parts)


def _quantiles(values, levels):
    """Quantiles (n_levels, n_frames) over the plants that have the frame, NaN if none has."""
    out = np.full((len(levels), values.shape[1]), np.nan)
    for t, column in enumerate(values.T):
        present = column[~np.isnan(column)]
        if len(present):
            out[:, t] = np.quantile(present, levels)
    return out
