"""Which plants the frames of a spliced sequence come from."""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils import column_or_1d

from ..sequences import LazySequences, check_days, has_images, is_lazy
from ._frames import read_channel, read_thumbnails, refuse_channel
from ._style import (
    GRAY,
    check_pos_label,
    draw_legend,
    draw_onset,
    draw_rewatering,
    label_above,
    label_time,
    new_axes,
    series_style,
    series_styles,
    trim_axes,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


_GAP = 0.12  # between two thumbnails, as a fraction of their width
_MISSING = 0.9  # the gray of a missing frame


class SpliceDisplay:
    """A spliced sequence and its donors, the plants that gave its frames, each in its own color.

    Images are shown as thumbnails: the new sequence in the first row, with the number of the donor
    above each frame, and the whole season of each donor below, with the frames that were not taken
    in pale colors. Numbers are shown as lines: the new sequence in bold, over the whole season of
    each donor.

    The display shows one sequence. If its junctions look natural, this says nothing about the
    other sequences.

    Use :meth:`from_spliced` to make one. All parameters are stored as attributes.

    Parameters
    ----------
    donors : ndarray of shape (n_frames,), dtype int
        The plant that gave each frame.
    plants : ndarray of shape (n_plants,), dtype int
        The different donors, in the order in which they are shown.
    originals : ndarray of shape (n_plants, n_frames) or (n_plants, n_frames, height, width, 3)
        Whole seasons of `plants`: a number for each frame, or RGB images between 0 and 1. NaN if
        a frame is missing.
    days : ndarray of shape (n_frames,), default=None
        Day of each frame. If None, the time axis has the numbers of the frames.
    onset_day : float, default=None
        Day of the last irrigation.
    rewatering_day : float, default=None
        Day of the first irrigation after the drought.
    classes : ndarray of shape (n_plants,), default=None
        Class of each of `plants`.
    pos_label : int, float, bool or str, default=None
        Class of the stressed plants, drawn in warm colors.
    value_name : str, default="Value"
        What is shown, if it is numbers.

    Attributes
    ----------
    ax_ : matplotlib Axes
        The axes.
    figure_ : matplotlib Figure
        Their figure.
    lines_ : list of matplotlib Line2D
        The pieces of the new sequence, in the order of time; empty for images.
    original_lines_ : list of matplotlib Line2D
        The whole seasons of `plants`; empty for images.
    onset_line_ : matplotlib Line2D or None
        The line of the last irrigation. For images it is before the first frame after that day.
    rewatering_line_ : matplotlib Line2D or None
        The line of the first irrigation after the drought. For images it is before the first frame
        on or after that day.
    image_ : matplotlib AxesImage or None
        All thumbnails, as one image.
    borders_ : list of matplotlib Rectangle
        The colored borders: of the frames of the new sequence, then of the same frames below;
        empty for numbers.

    See Also
    --------
    skwater.RSSResampler : Draws the donors.
    skwater.SplicedSequences : Sequences that know their donors.

    Examples
    --------
    >>> import numpy as np
    >>> from skwater import RSSResampler
    >>> from skwater.plotting import SpliceDisplay
    >>> X = np.arange(6)[:, None] * 10 + np.arange(4)  # 6 plants, 4 frames
    >>> y = [0, 0, 0, 0, 1, 1]
    >>> X_new, y_new = RSSResampler(lazy=True, random_state=0).fit_resample(X, y)
    >>> display = SpliceDisplay.from_spliced(X_new, 6)
    >>> display.donors
    array([5, 4, 5, 5])
    """

    ax_: Axes
    figure_: Figure | Any  # a SubFigure if the axes lie in one

    def __init__(
        self,
        *,
        donors: np.ndarray,
        plants: np.ndarray,
        originals: np.ndarray,
        days: np.ndarray | None = None,
        onset_day: float | None = None,
        rewatering_day: float | None = None,
        classes: np.ndarray | None = None,
        pos_label: float | str | None = None,
        value_name: str = "Value",
    ) -> None:
        self.donors = donors
        self.plants = plants
        self.originals = originals
        self.days = days
        self.onset_day = onset_day
        self.rewatering_day = rewatering_day
        self.classes = classes
        self.pos_label = pos_label
        self.value_name = value_name

    @classmethod
    def from_spliced(
        cls,
        X: LazySequences,
        row: int,
        *,
        days: ArrayLike | None = None,
        onset_day: float | None = None,
        rewatering_day: float | None = None,
        y: ArrayLike | None = None,
        pos_label: float | str | None = None,
        channel: int | None = None,
        value_name: str | None = None,
        ax: Axes | None = None,
    ) -> Self:
        """Plot one spliced sequence and its donors.

        Parameters
        ----------
        X : SplicedSequences or ImageSequences of shape (n_samples, n_frames, ...)
            What :class:`~skwater.RSSResampler` returns for lazy sequences, or with ``lazy=True``.
            For arrays, ``SplicedSequences(X, resampler.donors_)`` with X before resampling.
        row : int
            The row of X to show. After resampling, the original plants come first.
        days : array-like of shape (n_frames,), default=None
            Day of each frame, increasing.
        onset_day : float, default=None
            Day of the last irrigation; the number of its frame if `days` is None.
        rewatering_day : float, default=None
            Day of the first irrigation after the drought; the number of its frame if `days` is
            None.
        y : array-like of shape (n_base,), default=None
            Class of each plant that the frames are taken from, shown beside its number. The y that
            :class:`~skwater.RSSResampler` returns is suitable, because the original plants come
            first.
        pos_label : int, float, bool or str, default=None
            Class of the stressed plants, drawn in warm colors. By default 1 if all donors are 0 or
            1. String labels have no natural positive class; pass `pos_label`.
        channel : int, default=None
            Which number of each frame to show, if there are several.
        value_name : str, default=None
            What is shown, with its unit, if it is numbers.
        ax : matplotlib Axes, default=None
            Where to plot; by default in a new figure.

        Returns
        -------
        SpliceDisplay
            The display, plotted.

        Raises
        ------
        TypeError
            If X is an array, which does not know its donors, or `row` is not an integer.
        ValueError
            If X has several numbers per frame and no `channel` is chosen, if `days` do not fit the
            frames, if a donor has no class in `y`, or if no plant in `y` has `pos_label`.
        IndexError
            If X has no such row.
        """
        if not is_lazy(X):
            raise TypeError(
                f"X must be lazy sequences, which know their donors, got {type(X).__name__}. Pass "
                f"lazy=True to RSSResampler, or make SplicedSequences(X, resampler.donors_) of the "
                f"X before resampling."
            )
        days = None if days is None else check_days(days, X.shape[1])
        donors = X.donors[operator.index(row)]
        plants = donors[np.sort(np.unique(donors, return_index=True)[1])]
        classes = None if y is None else _classes_of(plants, column_or_1d(y), pos_label)
        seasons = X._with(np.repeat(plants[:, None], len(donors), axis=1), X.frames)
        if has_images(X):
            refuse_channel(channel)
            originals, default_name = read_thumbnails(seasons), "Value"
        else:
            originals, default_name = read_channel(seasons, channel)
        display = cls(
            donors=donors,
            plants=plants,
            originals=originals,
            days=days,
            onset_day=onset_day,
            rewatering_day=rewatering_day,
            classes=classes,
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
        SpliceDisplay
            The display itself.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        """
        shows_images = has_images(self.originals)
        if ax is None:
            n_rows, n_frames = 1 + len(self.plants), len(self.donors)
            size = (max(4, 0.75 * n_frames), max(1.8, 0.9 * n_rows)) if shows_images else None
            ax = new_axes(self, figsize=size)
        self.ax_, self.figure_ = ax, ax.figure
        self.lines_, self.original_lines_, self.borders_, self.image_ = [], [], [], None
        (self._plot_images if shows_images else self._plot_numbers)(ax)
        return self

    def _plot_numbers(self, ax):
        time = label_time(ax, self.days, len(self.donors))
        new = self._new()
        styles = self._styles()
        for plant, values in zip(self.plants, self.originals, strict=True):
            style = {**styles[plant], "marker": None}
            self.original_lines_ += ax.plot(time, values, **style, linewidth=1, alpha=0.6)
        ax.plot(time, new, color=GRAY, linestyle=":", linewidth=1.5, zorder=2.5)
        labels = dict(zip(self.plants, self._names("from plant"), strict=True))
        for piece in np.split(np.arange(len(time)), np.flatnonzero(np.diff(self.donors)) + 1):
            plant = self.donors[piece[0]]
            label = labels.pop(plant, None)  # one legend entry for all pieces
            style = {**styles[plant], "linestyle": "-"}
            self.lines_ += ax.plot(
                time[piece], new[piece], **style, label=label, linewidth=3, markersize=7, zorder=3
            )
        self.onset_line_ = draw_onset(ax, self.onset_day)
        self.rewatering_line_ = draw_rewatering(ax, self.rewatering_day)
        ax.set_ylabel(self.value_name)
        draw_legend(ax, ncols=1 + len(self.plants) // 8)
        trim_axes(ax)

    def _plot_images(self, ax):
        taken = self.donors == self.plants[:, None]
        pale = np.where(taken[..., None, None, None], self.originals, 0.7 + 0.3 * self.originals)
        images = np.concatenate([self._new()[None], pale])
        height, width = images.shape[2:4]
        mosaic, top, left = _lay_out(images)
        self.image_ = ax.imshow(mosaic)
        bordered = [(0, t) for t in range(len(self.donors))]
        bordered += [(r + 1, t) for r, t in np.argwhere(taken)]
        self._draw_borders(ax, [(left[t], top[r], t) for r, t in bordered], (width, height))
        for t, plant in enumerate(self.donors):
            x = left[t] + width / 2 - 0.5
            place = {"xytext": (0, 3), "textcoords": "offset points", "ha": "center"}
            ax.annotate(plant, (x, top[0] - 0.5), **place, va="bottom")
        ax.set_yticks(top + height / 2 - 0.5, ["spliced", *self._names("plant")])
        time = label_time(ax, self.days, len(self.donors))
        edges = np.append(left, mosaic.shape[1] + _gap(width)) - _gap(width) / 2 - 0.5
        self.onset_line_ = self.rewatering_line_ = None
        if self.onset_day is not None:
            x = edges[np.sum(time <= self.onset_day)]
            self.onset_line_ = _draw_between_frames(ax, x, "last irrigation", "-")
        if self.rewatering_day is not None:
            x = edges[np.sum(time < self.rewatering_day)]
            self.rewatering_line_ = _draw_between_frames(ax, x, "re-watering", "--")
        ax.set_xticks(left + width / 2 - 0.5, [f"{round(day, 1):g}" for day in time])
        ax.tick_params(length=0)
        ax.spines[:].set_visible(False)

    def _draw_borders(self, ax, corners, size):
        from matplotlib.patches import Rectangle

        styles = self._styles()
        for x, y, t in corners:
            color = styles[self.donors[t]]["color"]
            border = Rectangle(
                (x - 0.5, y - 0.5), *size, fill=False, edgecolor=color, linewidth=2.5, clip_on=False
            )
            self.borders_.append(ax.add_patch(border))

    def _styles(self):
        """Style of each donor."""
        if self.classes is None:
            styles = [series_style(i) for i in range(len(self.plants))]
        else:
            styles = series_styles(self.classes, self.pos_label)
        return dict(zip(self.plants, styles, strict=True))

    def _names(self, prefix):
        if self.classes is None:
            return [f"{prefix} {plant}" for plant in self.plants]
        named = zip(self.plants, self.classes, strict=True)
        return [f"{prefix} {plant} ({name})" for plant, name in named]

    def _new(self):
        """The spliced sequence itself."""
        position = {plant: i for i, plant in enumerate(self.plants)}
        rows = [position[plant] for plant in self.donors]
        return self.originals[rows, np.arange(len(rows))]


def _classes_of(plants, y, pos_label):
    if plants.max() >= len(y):
        raise ValueError(
            f"y must be the class of each plant that frames are taken from: it has {len(y)} rows, "
            f"but plant {plants.max()} gave a frame."
        )
    check_pos_label(y, pos_label)
    return y[plants]


def _draw_between_frames(ax, x, text, line):
    label_above(ax, x, text, points=16)  # above the numbers of the donors
    return ax.axvline(x, color=GRAY, linestyle=line, linewidth=1.5)


def _gap(width):
    return max(1, round(_GAP * width))


def _lay_out(images):
    """Images (n_rows, n_frames, height, width, 3) as one, and the corners of rows and columns."""
    n_rows, n_frames, height, width, _ = images.shape
    gap = _gap(width)
    top = np.arange(n_rows) * (height + gap)
    top[1:] += 2 * gap  # the first row stands apart
    left = np.arange(n_frames) * (width + gap)
    mosaic = np.ones((top[-1] + height, left[-1] + width, 3))
    for r, t in np.ndindex(n_rows, n_frames):
        cell = mosaic[top[r] : top[r] + height, left[t] : left[t] + width]
        cell[:] = np.where(np.isnan(images[r, t]), _MISSING, images[r, t])
    return mosaic, top, left
