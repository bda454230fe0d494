"""Which plants the frames of a spliced sequence come from."""

import operator

import numpy as np
from sklearn.utils import column_or_1d

from ..sequences import check_days, has_images, is_lazy
from ._frames import read_channel, read_thumbnails, refuse_channel
from ._style import (
    GRAY,
    draw_legend,
    draw_onset,
    label_above,
    label_time,
    new_axes,
    series_style,
    trim_axes,
)

_GAP = 0.12  # between two thumbnails, as a fraction of their width
_MISSING = 0.9  # the gray of a missing photo


class SpliceDisplay:
    """A spliced sequence above the plants it was made of, each in a color of its own.

    Photos are shown as thumbnails: the new sequence in the first row, with the donor's number
    above each frame, and each donor's whole season below, pale where it was not taken. Numbers
    are shown as a trace, in bold where it follows a donor, over the donors' whole traces.

    It shows one sequence, the one asked for. Where its joints look natural, that says nothing of
    the others.

    Use :meth:`from_spliced` to make one. All parameters are stored as attributes.

    Parameters
    ----------
    donors : ndarray of shape (n_frames,), dtype int
        The plant that gave each frame.
    plants : ndarray of shape (n_plants,), dtype int
        The different donors, in the order in which they are shown.
    originals : ndarray of shape (n_plants, n_frames) or (n_plants, n_frames, height, width, 3)
        Whole seasons of `plants`: a number for each frame, or RGB pictures between 0 and 1. NaN
        where a frame is missing.
    days : ndarray of shape (n_frames,), default=None
        Day of each frame; None shows the numbers of the frames.
    onset_day : float, default=None
        Day of the last irrigation.
    classes : ndarray of shape (n_plants,), default=None
        Class of each of `plants`.
    value_name : str, default="Value"
        What is shown, if it is numbers.

    Attributes
    ----------
    ax_ : matplotlib Axes
        The axes.
    figure_ : matplotlib Figure
        Their figure.
    lines_ : list of matplotlib Line2D
        The pieces of the new trace, in the order of time; empty for pictures.
    original_lines_ : list of matplotlib Line2D
        The whole traces of `plants`; empty for pictures.
    onset_line_ : matplotlib Line2D or None
        The line of the last irrigation; of images it is before the first frame after that day.
    image_ : matplotlib AxesImage or None
        The thumbnails, as one picture.
    frames_ : list of matplotlib Rectangle
        The colored frames: those of the new sequence, then those around the same photos below;
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

    def __init__(
        self,
        *,
        donors,
        plants,
        originals,
        days=None,
        onset_day=None,
        classes=None,
        value_name="Value",
    ):
        self.donors = donors
        self.plants = plants
        self.originals = originals
        self.days = days
        self.onset_day = onset_day
        self.classes = classes
        self.value_name = value_name

    @classmethod
    def from_spliced(
        cls, X, row, *, days=None, onset_day=None, y=None, channel=None, value_name=None, ax=None
    ):
        """Plot one row of lazy sequences and its donors.

        Parameters
        ----------
        X : SplicedSequences or ImageSequences of shape (n_samples, n_frames, ...)
            What :class:`~skwater.RSSResampler` returns of lazy sequences, or with ``lazy=True``.
            Of arrays, ``SplicedSequences(X, resampler.donors_)``, X as it was before.
        row : int
            The row of X to show. Of resampled sequences the originals come first.
        days : array-like of shape (n_frames,), default=None
            Day of each frame, increasing.
        onset_day : float, default=None
            Day of the last irrigation, marked by a line; the number of its frame if `days` is None.
        y : array-like of shape (n_base,), default=None
            Class of each plant that the frames are taken from, shown beside its number. What
            :class:`~skwater.RSSResampler` returns will do, since the originals come first.
        channel : int, default=None
            Which number of each frame to show, where there are several.
        value_name : str, default=None
            What is shown, with its unit, where it is numbers.
        ax : matplotlib Axes, default=None
            Where to plot; by default in a new figure.

        Returns
        -------
        SpliceDisplay
            The display, plotted.

        Raises
        ------
        TypeError
            If X is an array, which does not know its donors, or `row` is no integer.
        ValueError
            If X has several numbers a frame and no `channel` is chosen, if days do not fit the
            frames, or if a plant has no class in `y`.
        IndexError
            If X has no such row.
        """
        if not is_lazy(X):
            raise TypeError(
                f"X must know its donors, got {type(X).__name__}: give RSSResampler lazy=True, or "
                f"make SplicedSequences(X, resampler.donors_) of the X that it was given."
            )
        days = None if days is None else check_days(days, X.shape[1])
        donors = X.donors[operator.index(row)]
        plants = donors[np.sort(np.unique(donors, return_index=True)[1])]
        classes = None if y is None else _classes_of(plants, column_or_1d(y))
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
            classes=classes,
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
        SpliceDisplay
            The display itself.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        """
        pictures = has_images(self.originals)
        if ax is None:
            n_rows, n_frames = 1 + len(self.plants), len(self.donors)
            size = (max(4, 0.75 * n_frames), max(1.8, 0.9 * n_rows)) if pictures else None
            ax = new_axes(self, figsize=size)
        self.ax_, self.figure_ = ax, ax.figure
        self.lines_, self.original_lines_, self.frames_, self.image_ = [], [], [], None
        (self._plot_pictures if pictures else self._plot_traces)(ax)
        return self

    def _plot_traces(self, ax):
        time = label_time(ax, self.days, len(self.donors))
        new = self._new()
        styles = {plant: series_style(i) for i, plant in enumerate(self.plants)}
        for plant, values in zip(self.plants, self.originals, strict=True):
            style = {**styles[plant], "marker": None}
            self.original_lines_ += ax.plot(time, values, **style, linewidth=1, alpha=0.6)
        ax.plot(time, new, color=GRAY, linestyle=":", linewidth=1.5, zorder=2.5)
        labels = dict(zip(self.plants, self._names("from plant"), strict=True))
        for piece in np.split(np.arange(len(time)), np.flatnonzero(np.diff(self.donors)) + 1):
            plant = self.donors[piece[0]]
            label = labels.pop(plant, None)  # one entry of the legend for all pieces
            style = {**styles[plant], "linestyle": "-"}
            self.lines_ += ax.plot(
                time[piece], new[piece], **style, label=label, linewidth=3, markersize=7, zorder=3
            )
        self.onset_line_ = draw_onset(ax, self.onset_day)
        ax.set_ylabel(self.value_name)
        draw_legend(ax, ncols=1 + len(self.plants) // 8)
        trim_axes(ax)

    def _plot_pictures(self, ax):
        from matplotlib.patches import Rectangle

        taken = self.donors == self.plants[:, None]
        pale = np.where(taken[..., None, None, None], self.originals, 0.7 + 0.3 * self.originals)
        pictures = np.concatenate([self._new()[None], pale])
        height, width = pictures.shape[2:4]
        mosaic, top, left = _lay_out(pictures)
        self.image_ = ax.imshow(mosaic)
        colors = {plant: series_style(i)["color"] for i, plant in enumerate(self.plants)}
        colored = [(0, t) for t in range(len(self.donors))]
        colored += [(r + 1, t) for r, t in np.argwhere(taken)]
        for r, t in colored:
            corner = (left[t] - 0.5, top[r] - 0.5)
            color = colors[self.donors[t]]
            frame = Rectangle(
                corner, width, height, fill=False, edgecolor=color, linewidth=2.5, clip_on=False
            )
            self.frames_.append(ax.add_patch(frame))
        for t, plant in enumerate(self.donors):
            ax.annotate(
                plant,
                (left[t] + width / 2 - 0.5, top[0] - 0.5),
                xytext=(0, 3),
                textcoords="offset points",
                ha="center",
                va="bottom",
            )
        ax.set_yticks(top + height / 2 - 0.5, ["spliced", *self._names("plant")])
        time = label_time(ax, self.days, len(self.donors))
        self.onset_line_ = None
        if self.onset_day is not None:
            gap = _gap(width)
            x = (
                np.append(left, mosaic.shape[1] + gap)[np.sum(time <= self.onset_day)]
                - gap / 2
                - 0.5
            )
            self.onset_line_ = ax.axvline(x, color=GRAY, linewidth=1.5)
            label_above(ax, x, "last irrigation", points=16)  # above the numbers of the donors
        ax.set_xticks(left + width / 2 - 0.5, [f"{day:g}" for day in time])
        ax.tick_params(length=0)
        ax.spines[:].set_visible(False)

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


def _classes_of(plants, y):
    if plants.max() >= len(y):
        raise ValueError(
            f"y must be the class of each plant that frames are taken from: it has {len(y)} rows, "
            f"and plant {plants.max()} gave a frame."
        )
    return y[plants]


def _gap(width):
    return max(1, round(_GAP * width))


def _lay_out(pictures):
    """Pictures (n_rows, n_frames, height, width, 3) in one, and where rows and columns begin."""
    n_rows, n_frames, height, width, _ = pictures.shape
    gap = _gap(width)
    top = np.arange(n_rows) * (height + gap)
    top[1:] += 2 * gap  # the first row stands apart
    left = np.arange(n_frames) * (width + gap)
    mosaic = np.ones((top[-1] + height, left[-1] + width, 3))
    for r, t in np.ndindex(n_rows, n_frames):
        cell = mosaic[top[r] : top[r] + height, left[t] : left[t] + width]
        cell[:] = np.where(np.isnan(pictures[r, t]), _MISSING, pictures[r, t])
    return mosaic, top, left
