"""How an indicator of plants goes over time, by group."""

import numpy as np
from sklearn.utils import check_consistent_length, column_or_1d

from ..preprocessing import CanopyCover
from ..sequences import check_days, check_sequences, has_images
from ._frames import read_channel, refuse_channel
from ._style import (
    draw_band,
    draw_legend,
    draw_onset,
    label_time,
    new_axes,
    series_style,
    trim_axes,
)


class GrowthDisplay:
    """Median of an indicator over time for each group, within a band that holds most plants.

    The band is the spread of the plants, not the uncertainty of the median. It misleads where
    groups differ in more than water: on the Eschikon boxes none of the dry ones had high
    nitrogen, and the medians part before the last water.

    Use :meth:`from_sequences` to make one. All parameters are stored as attributes.

    Parameters
    ----------
    median : ndarray of shape (n_groups, n_frames)
        Median over the plants of a group that have the frame; NaN where none has.
    low : ndarray of shape (n_groups, n_frames)
        Lower edge of the band.
    high : ndarray of shape (n_groups, n_frames)
        Upper edge of the band.
    names : array-like of shape (n_groups,)
        The groups.
    n_plants : array-like of int of shape (n_groups,)
        How many plants each group has.
    quantiles : tuple of (float, float), default=(0.1, 0.9)
        What `low` and `high` are, as quantiles over the plants of a group.
    days : ndarray of shape (n_frames,), default=None
        Day of each frame; None shows the numbers of the frames.
    onset_day : float, default=None
        Day of the last water.
    value_name : str, default="Value"
        What is shown, with its unit.

    Attributes
    ----------
    ax_ : matplotlib Axes
        The axes.
    figure_ : matplotlib Figure
        Their figure.
    lines_ : list of matplotlib Line2D
        The medians, one a group.
    bands_ : list of matplotlib FillBetweenPolyCollection
        The bands, one a group.
    onset_line_ : matplotlib Line2D or None
        The line of the last water.

    See Also
    --------
    skwater.preprocessing.CanopyCover : The indicator that is shown of photos.

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

    def __init__(
        self,
        *,
        median,
        low,
        high,
        names,
        n_plants,
        quantiles=(0.1, 0.9),
        days=None,
        onset_day=None,
        value_name="Value",
    ):
        self.median = median
        self.low = low
        self.high = high
        self.names = names
        self.n_plants = n_plants
        self.quantiles = quantiles
        self.days = days
        self.onset_day = onset_day
        self.value_name = value_name

    @classmethod
    def from_sequences(
        cls,
        X,
        y,
        *,
        days=None,
        channel=None,
        quantiles=(0.1, 0.9),
        onset_day=None,
        value_name=None,
        ax=None,
    ):
        """Summarise sequences by group and plot them.

        Parameters
        ----------
        X : array-like or lazy sequences of shape (n_samples, n_frames, ...)
            Numbers, (n_samples, n_frames) or (n_samples, n_frames, n_channels), or photos
            (n_samples, n_frames, height, width, 3), of which the canopy cover is shown. Missing
            frames are left out.
        y : array-like of shape (n_samples,)
            Group of each plant, best as a name that can be read.
        days : array-like of shape (n_frames,), default=None
            Day of each frame, increasing.
        channel : int, default=None
            Which number of each frame to show, where there are several.
        quantiles : tuple of (float, float), default=(0.1, 0.9)
            Edges of the band, as quantiles over the plants of a group; (0, 1) holds all of them.
        onset_day : float, default=None
            Day of the last water; the number of its frame where `days` is None.
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
            If X has several numbers a frame and no `channel` is chosen, or has pictures that are
            not in color, or days do not fit the frames.
        """
        X, _ = check_sequences(None, X, complete=False)
        y = column_or_1d(y)
        check_consistent_length(X, y)
        days = None if days is None else check_days(days, X.shape[1])
        if not 0 <= quantiles[0] < quantiles[1] <= 1:
            raise ValueError(f"quantiles must be increasing and in [0, 1], got {quantiles}.")
        if has_images(X):
            refuse_channel(channel)
            values, default_name = CanopyCover().transform(X), "Canopy cover (fraction)"
        else:
            values, default_name = read_channel(X, channel)
        names, n_plants = np.unique(y, return_counts=True)
        levels = [0.5, *quantiles]
        median, low, high = np.stack([_quantiles(values[y == g], levels) for g in names], axis=1)
        display = cls(
            median=median,
            low=low,
            high=high,
            names=names,
            n_plants=n_plants,
            quantiles=quantiles,
            days=days,
            onset_day=onset_day,
            value_name=default_name if value_name is None else value_name,
        )
        return display.plot(ax)

    def plot(self, ax=None):
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
        self.lines_, self.bands_ = [], []
        for i, (name, n) in enumerate(zip(self.names, self.n_plants, strict=True)):
            style = series_style(i)
            label = f"{name} ({n} plant)" if n == 1 else f"{name} ({n} plants)"
            self.lines_ += ax.plot(time, self.median[i], **style, label=label, markersize=5)
            self.bands_.append(draw_band(ax, time, self.low[i], self.high[i], style))
        self.onset_line_ = draw_onset(ax, self.onset_day)
        ax.set_ylabel(self.value_name)
        low, high = (f"{100 * q:g}" for q in self.quantiles)
        draw_legend(ax, title=f"Median, {low} to {high} % of plants", alignment="left")
        trim_axes(ax)
        return self


def _quantiles(values, levels):
    """Quantiles (n_levels, n_frames) over the plants that have the frame, NaN where none has."""
    out = np.full((len(levels), values.shape[1]), np.nan)
    for t, column in enumerate(values.T):
        there = column[~np.isnan(column)]
        if len(there):
            out[:, t] = np.quantile(there, levels)
    return out
