"""A contact sheet: the images of plants on their dates."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils import check_consistent_length, column_or_1d

from ..sequences import SequencesLike, check_days, check_sequences, iter_sequences
from ._frames import shrink, to_rgb
from ._style import (
    GRAY,
    check_pos_label,
    draw_onset,
    draw_rewatering,
    new_axes,
    series_styles,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


_GAP = 0.06  # between two thumbnails, as a fraction of their width
_MISSING = 0.9  # the gray of a missing frame
_OUTLINE = (0.9, 0.0, 0.6)  # of a mask: a color that neither leaves nor soil have
_WIDTH = 2400  # pixels of the whole sheet, at which thumbnails are no longer made smaller


class FramesDisplay:
    """A contact sheet: the images of plants, a row each, on their dates, a column each.

    Look at it before anything else: it shows missing images, plants that were mixed up, images
    that were cut wrongly, and the pixels that a mask keeps. Labels stand on the left and
    predictions on the right; wrong ones are marked.

    Thumbnails are small: what distinguishes the plants may not be visible in them.

    Use :meth:`from_sequences` to make one. All parameters are stored as attributes.

    Parameters
    ----------
    images : ndarray of shape (n_plants, n_frames, height, width, 3), dtype float
        RGB images from 0 to 1. NaN if a frame is missing.
    plants : ndarray of shape (n_plants,), dtype str
        Names of the plants.
    outlines : ndarray of shape (n_plants, n_frames, height, width), dtype bool, default=None
        Pixels on the edge of a mask.
    days : ndarray of shape (n_frames,), default=None
        Day of each frame. If None, columns have the numbers of the frames.
    onset_day : float, default=None
        Day of the last irrigation.
    rewatering_day : float, default=None
        Day of the first irrigation after the drought.
    classes : ndarray of shape (n_plants,), default=None
        Class of each plant.
    predictions : ndarray of shape (n_plants,), default=None
        Predicted class of each plant.
    pos_label : int, float, bool or str, default=None
        Class of the stressed plants, written in a warm color.

    Attributes
    ----------
    ax_ : matplotlib Axes
        The axes.
    figure_ : matplotlib Figure
        Their figure.
    image_ : matplotlib AxesImage
        All thumbnails, as one image.
    texts_ : list of matplotlib Text
        The predictions; empty without them.
    onset_line_ : matplotlib Line2D or None
        The line before the first frame after the last irrigation.
    rewatering_line_ : matplotlib Line2D or None
        The line before the first frame on or after the first irrigation after the drought.

    See Also
    --------
    GrowthDisplay : One number of each image over time.
    skwater.preprocessing.VegetationMask : Makes a mask.

    Examples
    --------
    >>> from skwater.datasets import make_water_stress
    >>> from skwater.plotting import FramesDisplay
    >>> plants = make_water_stress(10, 4, 16, random_state=0)
    >>> display = FramesDisplay.from_sequences(plants.data, y=plants.target, days=plants.days)
    >>> display.images.shape
    (10, 4, 16, 16, 3)
    """

    ax_: Axes
    figure_: Figure | Any  # a SubFigure if the axes lie in one

    def __init__(
        self,
        *,
        images: np.ndarray,
        plants: np.ndarray,
        outlines: np.ndarray | None = None,
        days: np.ndarray | None = None,
        onset_day: float | None = None,
        rewatering_day: float | None = None,
        classes: np.ndarray | None = None,
        predictions: np.ndarray | None = None,
        pos_label: float | str | None = None,
    ) -> None:
        self.images = images
        self.plants = plants
        self.outlines = outlines
        self.days = days
        self.onset_day = onset_day
        self.rewatering_day = rewatering_day
        self.classes = classes
        self.predictions = predictions
        self.pos_label = pos_label

    @classmethod
    def from_sequences(
        cls,
        X: SequencesLike,
        *,
        plants: ArrayLike | None = None,
        masked: SequencesLike | None = None,
        days: ArrayLike | None = None,
        onset_day: float | None = None,
        rewatering_day: float | None = None,
        y: ArrayLike | None = None,
        y_pred: ArrayLike | None = None,
        pos_label: float | str | None = None,
        ax: Axes | None = None,
    ) -> Self:
        """Plot the images of sequences.

        Parameters
        ----------
        X : array-like or lazy sequences of shape (n_samples, n_frames, height, width, n_channels)
            Images, read one plant at a time. If they do not have three channels, their mean is
            shown in gray.
        plants : array-like of shape (n_samples,), default=None
            Names of the plants. By default the numbers of the rows.
        masked : array-like or lazy sequences of the shape of X, default=None
            The same images after a :class:`~skwater.preprocessing.VegetationMask`, black outside
            of the leaves. The outline of what is not black is drawn on the images.
        days : array-like of shape (n_frames,), default=None
            Day of each frame, strictly increasing.
        onset_day : float, default=None
            Day of the last irrigation.
        rewatering_day : float, default=None
            Day of the first irrigation after the drought.
        y : array-like of shape (n_samples,), default=None
            Class of each plant.
        y_pred : array-like of shape (n_samples,), default=None
            Predicted class of each plant.
        pos_label : int, float, bool or str, default=None
            Class of the stressed plants. By default 1, if all classes are 0 or 1.
        ax : matplotlib Axes, default=None
            Axes to plot on, instead of a new figure.

        Returns
        -------
        FramesDisplay
            The display.

        Raises
        ------
        ValueError
            If X has no images, or the arguments do not fit it.
        ImportError
            Without matplotlib.
        """
        X, _ = check_sequences(None, X, frames="images", complete=False)
        plants = np.arange(len(X)) if plants is None else column_or_1d(plants)
        y = None if y is None else column_or_1d(y)
        y_pred = None if y_pred is None else column_or_1d(y_pred)
        check_consistent_length(X, plants, y, y_pred)
        if y is not None:
            check_pos_label(y, pos_label)
        size = int(np.clip(_WIDTH // X.shape[1], 24, 96))
        images = to_rgb(np.stack([shrink(sequence, size) for sequence in iter_sequences(X)]))
        display = cls(
            images=images,
            plants=plants.astype(str),
            outlines=None if masked is None else _find_outlines(X, masked, size),
            days=None if days is None else check_days(days, X.shape[1]),
            onset_day=onset_day,
            rewatering_day=rewatering_day,
            classes=y,
            predictions=y_pred,
            pos_label=pos_label,
        )
        return display.plot(ax=ax)

    def plot(self, *, ax: Axes | None = None) -> Self:
        """Plot the sheet again.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Axes to plot on, instead of a new figure.

        Returns
        -------
        FramesDisplay
            The display itself.
        """
        n, t, height, width = self.images.shape[:4]
        if ax is None:
            scale = np.clip(14 / t, 0.35, 1.0)  # inches of a thumbnail
            texts = 0.6 + 0.09 * (_longest(self._names()) + _longest(self._predicted()))
            size = (scale * t + texts, max(1.6, scale * n * height / width + 0.8))
            ax = new_axes(self, figsize=size)
        self.ax_, self.figure_ = ax, ax.figure
        right, bottom = t * (1 + _GAP), n * (height / width + _GAP)
        self.image_ = ax.imshow(self._sheet(), extent=(0, right, bottom, 0), aspect="equal")
        ax.spines[:].set_visible(False)
        ax.tick_params(length=0)
        places = (np.arange(t) + 0.5 - _GAP / 2) * (1 + _GAP)
        days = np.arange(t) if self.days is None else self.days
        ax.set_xticks(places, [f"{round(float(day), 1):g}" for day in days])
        ax.set_xlabel("Frame" if self.days is None else "Time (days)")
        self._write_plants(bottom)
        self.onset_line_ = draw_onset(ax, self._line_at(self.onset_day, "right"))
        self.rewatering_line_ = draw_rewatering(ax, self._line_at(self.rewatering_day, "left"))
        return self

    def _write_plants(self, bottom):
        """Names and classes on the left, predictions on the right."""
        n = len(self.plants)
        rows = (np.arange(n) + 0.5) * bottom / n
        colors = ["black"] * n
        if self.classes is not None:
            labels = np.unique(self.classes).tolist()
            styles = dict(zip(labels, series_styles(labels, self.pos_label), strict=True))
            colors = [styles[label]["color"] for label in self.classes.tolist()]
        self.ax_.set_yticks(rows, self._names())
        for text, color in zip(self.ax_.get_yticklabels(), colors, strict=True):
            text.set_color(color)
        self.texts_ = []
        for i, text in enumerate(self._predicted()):
            wrong = self._is_wrong(i)
            self.texts_.append(
                self.ax_.annotate(
                    text,
                    (1, rows[i]),
                    xycoords=self.ax_.get_yaxis_transform(),
                    xytext=(4, 0),
                    textcoords="offset points",
                    va="center",
                    color="black" if wrong else GRAY,
                    fontweight="bold" if wrong else "normal",
                )
            )

    def _names(self):
        if self.classes is None:
            return list(self.plants)
        return [f"{name}: {c}" for name, c in zip(self.plants, self.classes, strict=True)]

    def _predicted(self):
        predictions = [] if self.predictions is None else self.predictions
        return [f"{p} (wrong)" if self._is_wrong(i) else f"{p}" for i, p in enumerate(predictions)]

    def _is_wrong(self, i):
        return self.classes is not None and self.predictions[i] != self.classes[i]

    def _line_at(self, day, side):
        """Place of the edge between two columns, between which a day is."""
        if day is None:
            return None
        days = np.arange(self.images.shape[1]) if self.days is None else self.days
        return np.searchsorted(days, day, side=side) * (1 + _GAP) - _GAP / 2

    def _sheet(self):
        """All thumbnails as one image, white between them and gray if one is missing."""
        n, t, height, width = self.images.shape[:4]
        images = np.where(np.isnan(self.images), _MISSING, self.images)
        if self.outlines is not None:
            images[self.outlines] = _OUTLINE
        gap = max(1, round(_GAP * width))
        cells = np.ones((n, t, height + gap, width + gap, 3))
        cells[:, :, :height, :width] = images
        return cells.swapaxes(1, 2).reshape(n * (height + gap), t * (width + gap), 3)


def _longest(texts):
    return max(map(len, texts), default=0)


def _find_outlines(X, masked, size):
    masked, _ = check_sequences(None, masked, frames="images", complete=False)
    if masked.shape[:4] != X.shape[:4]:
        raise ValueError(f"masked must have the shape of X, {X.shape}, got {masked.shape}.")
    outlines = []
    for sequence in iter_sequences(masked):
        leaf = np.nan_to_num(shrink(sequence, size)).any(axis=-1)
        p = np.pad(leaf, ((0, 0), (1, 1), (1, 1)))
        inner = p[:, :-2, 1:-1] & p[:, 2:, 1:-1] & p[:, 1:-1, :-2] & p[:, 1:-1, 2:]
        outlines.append(leaf & ~inner)
    return np.stack(outlines)
