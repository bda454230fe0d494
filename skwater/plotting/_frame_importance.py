"""Which dates, and which parts of the pictures, a fitted model goes by."""

import numpy as np
from sklearn import get_config
from sklearn.utils import check_consistent_length, column_or_1d, gen_batches
from sklearn.utils.validation import check_is_fitted

from ..sequences import (
    as_frames,
    check_days,
    check_sequences,
    frame_shape,
    iter_sequences,
    missing_frames,
)
from ._frames import to_rgb
from ._style import COLORS, GRAY, draw_onset, label_time, new_axes, trim_axes

_FALL = "Fall in probability\nof the true class"


class FrameImportanceDisplay:
    """What a model loses when a date, or a part of every picture, is hidden from it.

    A date is hidden by making its frame missing, a region by putting there the mean over the
    plants of X, pixel by pixel and date by date. The loss is the fall in the probability that the
    model gives to the true class: the mean over the plants of each class, then over the classes,
    so that few stressed plants count as much as many watered ones [1]_. It is not the fall in
    accuracy: with a few dozen plants that is nil for most dates, since no plant changes sides.

    Use plants that the model was not fitted on: on others it shows what was learnt by heart. It
    also misleads where dates or regions tell the same. Hiding one of them then costs nothing,
    and both look useless. And a fall before the last water is no early sign of drought, but one
    of whatever else differs between the treatments.

    Use :meth:`from_estimator` to make one. All parameters are stored as attributes.

    Parameters
    ----------
    by_date : ndarray of shape (n_frames,)
        Fall in the probability of the true class when this frame is missing, from -1 to 1.
    by_date_error : ndarray of shape (n_frames,)
        Its standard error over plants; NaN where a class has fewer than two.
    by_region : ndarray of shape (n_rows, n_columns), default=None
        Fall when this region of all pictures is that of the mean plant.
    picture : ndarray of shape (height, width, 3), default=None
        Mean picture, RGB between 0 and 1, to lay the regions over.
    days : ndarray of shape (n_frames,), default=None
        Day of each frame; None shows the numbers of the frames.
    onset_day : float, default=None
        Day of the last water.

    Attributes
    ----------
    ax_ : matplotlib Axes or ndarray of two
        The axes: of the dates and, where there are regions, of these.
    figure_ : matplotlib Figure
        Their figure.
    errorbar_ : matplotlib ErrorbarContainer
        The falls by date, with whiskers of one standard error.
    onset_line_ : matplotlib Line2D or None
        The line of the last water.
    heat_map_ : matplotlib AxesImage or None
        The falls by region.
    colorbar_ : matplotlib Colorbar or None
        Its colors.

    See Also
    --------
    sklearn.inspection.permutation_importance : Shuffles in place of hiding.

    References
    ----------
    .. [1] Zeiler, M. D., Fergus, R. (2014). Visualizing and understanding convolutional networks.
       ECCV 2014, on occlusion by region. https://doi.org/10.1007/978-3-319-10590-1_53

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.impute import SimpleImputer
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.pipeline import make_pipeline
    >>> from skwater.plotting import FrameImportanceDisplay
    >>> rng = np.random.default_rng(0)
    >>> X, y = rng.normal(size=(40, 4)), np.arange(40) % 2
    >>> X[:, 2] += 3 * y  # the third frame speaks
    >>> model = make_pipeline(SimpleImputer(), LogisticRegression()).fit(X[:20], y[:20])
    >>> display = FrameImportanceDisplay.from_estimator(model, X[20:], y[20:])
    >>> int(display.by_date.argmax())
    2
    """

    def __init__(
        self, *, by_date, by_date_error, by_region=None, picture=None, days=None, onset_day=None
    ):
        self.by_date = by_date
        self.by_date_error = by_date_error
        self.by_region = by_region
        self.picture = picture
        self.days = days
        self.onset_day = onset_day

    @classmethod
    def from_estimator(cls, estimator, X, y, *, days=None, grid=None, onset_day=None, ax=None):
        """Hide dates, and regions where asked for, from a fitted estimator, and plot what is lost.

        It predicts once for each date and region. Plants are read in batches within the
        ``working_memory`` of scikit-learn; integers become floats, since only those can be NaN.

        Parameters
        ----------
        estimator : estimator instance
            Fitted classifier or pipeline with ``predict_proba``, that takes missing frames.
        X : array-like or lazy sequences of shape (n_samples, n_frames, ...)
            Plants that it was not fitted on, two frames or more. A plant that lacks a frame, or
            has no other, is left out of the mean of that date.
        y : array-like of shape (n_samples,)
            Their true classes.
        days : array-like of shape (n_frames,), default=None
            Day of each frame, increasing.
        grid : tuple of (int, int), default=None
            How many rows and columns of regions to cut the pictures into, say (4, 4). None hides
            dates only.
        onset_day : float, default=None
            Day of the last water; the number of its frame where `days` is None.
        ax : matplotlib Axes or array-like of two, default=None
            Where to plot, see :meth:`plot`.

        Returns
        -------
        FrameImportanceDisplay
            The display, plotted.

        Raises
        ------
        TypeError
            If the estimator has no ``predict_proba``.
        NotFittedError
            If it is not fitted.
        ValueError
            If it does not take missing frames, y has a class that it does not know, X has a
            single frame, or regions are asked for where frames are no pictures.
        """
        if not hasattr(estimator, "predict_proba"):
            raise TypeError(
                f"{type(estimator).__name__} has no predict_proba, and the fall in probability is "
                f"what is shown. CalibratedClassifierCV gives it one."
            )
        check_is_fitted(estimator)
        X, _ = check_sequences(None, X, complete=False)
        y = column_or_1d(y)
        check_consistent_length(X, y)
        days = None if days is None else check_days(days, X.shape[1])
        by_date, by_date_error = balanced_mean(occlude_dates(estimator, X, y), y)
        by_region = picture = None
        if grid is not None:
            _check_grid(grid, X)
            mean = mean_frames(X)
            by_region, _ = balanced_mean(occlude_regions(estimator, X, y, grid, mean), y)
            picture = to_rgb(np.nanmean(mean, axis=0))
        display = cls(
            by_date=by_date,
            by_date_error=by_date_error,
            by_region=by_region,
            picture=picture,
            days=days,
            onset_day=onset_day,
        )
        return display.plot(ax)

    def plot(self, ax=None):
        """Plot the display.

        Parameters
        ----------
        ax : matplotlib Axes or array-like of two, default=None
            Where to plot; by default in a new figure. Where there are regions, two axes take
            dates and regions, and a single one is divided between them.

        Returns
        -------
        FrameImportanceDisplay
            The display itself.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        """
        self.heat_map_ = self.colorbar_ = None
        if self.by_region is None:
            ax = new_axes(self) if ax is None else ax
            self.ax_, self.figure_ = ax, ax.figure
            self._plot_dates(ax)
            return self
        if ax is None:
            ax = new_axes(self, 2, figsize=(9.6, 4))
        elif np.shape(ax) == ():
            ax.set_axis_off()
            ax = [ax.inset_axes([0, 0, 0.5, 1]), ax.inset_axes([0.55, 0, 0.33, 1])]
        self.ax_ = np.asarray(ax)
        self.figure_ = self.ax_[0].figure
        self._plot_dates(self.ax_[0])
        self._plot_regions(self.ax_[1])
        return self

    def _plot_dates(self, ax):
        time = label_time(ax, self.days, len(self.by_date))
        ax.axhline(0, color=GRAY, linewidth=0.8, zorder=1)
        self.errorbar_ = ax.errorbar(
            time,
            self.by_date,
            yerr=self.by_date_error,
            color=COLORS[0],
            marker="o",
            markersize=5,
            capsize=2,
        )
        self.onset_line_ = draw_onset(ax, self.onset_day)
        ax.set_ylabel(f"{_FALL}, ± standard error")
        trim_axes(ax)

    def _plot_regions(self, ax):
        from matplotlib.patheffects import withStroke

        height, width = self.picture.shape[:2]
        gray = self.picture.mean(axis=-1)
        ax.imshow(gray, cmap="gray")
        limit = np.abs(self.by_region).max() or 1
        self.heat_map_ = ax.imshow(
            self.by_region,
            extent=(-0.5, width - 0.5, height - 0.5, -0.5),
            cmap="PuOr_r",
            vmin=-limit,
            vmax=limit,
            alpha=0.6,
        )
        self.colorbar_ = ax.figure.colorbar(
            self.heat_map_, cax=ax.inset_axes([1.04, 0, 0.05, 1]), label=_FALL
        )
        n_rows, n_columns = self.by_region.shape
        decimals = int(max(0, 1 - np.floor(np.log10(limit))))
        for i, j in np.ndindex(n_rows, n_columns):  # colors with two ends need numbers in gray
            ax.text(
                (j + 0.5) * width / n_columns - 0.5,
                (i + 0.5) * height / n_rows - 0.5,
                f"{self.by_region[i, j]:z.{decimals}f}",
                fontsize=min(10, 44 / n_columns),
                path_effects=[withStroke(linewidth=2, foreground="white")],
                ha="center",
                va="center",
            )
        ax.set_xticks([])
        ax.set_yticks([])


def occlude_dates(estimator, X, y):
    """Fall in the probability of each plant's class when each of its frames is missing.

    Of shape (n_samples, n_frames), NaN where the plant lacks the frame or has no other.
    """
    if X.shape[1] < 2:
        raise ValueError("X has one frame only: without it nothing is left to predict from.")
    there = ~missing_frames(X)
    can_miss = there & (there.sum(axis=1, keepdims=True) > 1)
    falls = np.full(there.shape, np.nan)
    for rows, x, before in _batches(estimator, X, y):
        for t in range(X.shape[1]):
            chosen = np.flatnonzero(can_miss[rows, t])
            if len(chosen) == 0:
                continue
            occluded = x[chosen]
            occluded[:, t] = np.nan
            try:
                after = probability_of_class(estimator, occluded, y[rows][chosen])
            except ValueError as error:
                raise ValueError(
                    f"{type(estimator).__name__} fails where frame {t} is missing, NaN "
                    f"throughout. Put an imputer before it, or fit one that takes missing frames."
                ) from error
            falls[rows.start + chosen, t] = before[chosen] - after
    return falls


def occlude_regions(estimator, X, y, grid, mean):
    """Fall in the probability of each plant's class when each region is that of the mean plant.

    Of shape (n_samples, n_rows, n_columns). `mean` is (n_frames, height, width, n_channels).
    Missing frames stay missing.
    """
    height, width, _ = frame_shape(X)
    rows_of, columns_of = _edges(height, grid[0]), _edges(width, grid[1])
    falls = np.empty((len(X), *grid))
    for rows, x, before in _batches(estimator, X, y):
        for i, j in np.ndindex(*grid):
            occluded = x.copy()
            region = np.s_[..., rows_of[i] : rows_of[i + 1], columns_of[j] : columns_of[j + 1], :]
            part = as_frames(occluded)[region]
            part[:] = np.where(np.isnan(part), np.nan, mean[region])
            falls[rows, i, j] = before - probability_of_class(estimator, occluded, y[rows])
    return falls


def mean_frames(X):
    """Mean over the plants that have the frame, (n_frames, height, width, n_channels)."""
    there = ~missing_frames(X)
    total = np.zeros((X.shape[1], *frame_shape(X)))
    for sequence, frames in zip(iter_sequences(X), there, strict=True):
        total[frames] += sequence[frames]
    counts = there.sum(axis=0)[:, None, None, None]
    return np.divide(total, counts, out=np.full_like(total, np.nan), where=counts > 0)


def balanced_mean(values, y):
    """Mean over plants in each class, then over classes, and its standard error over plants."""
    classes = np.unique(y)
    by_class = [np.ma.masked_invalid(values[y == label]) for label in classes]
    mean = sum(v.mean(axis=0) for v in by_class) / len(classes)
    variance = sum(v.var(axis=0, ddof=1) / v.count(axis=0) for v in by_class)
    error = np.ma.sqrt(variance) / len(classes)
    return np.ma.filled(mean, np.nan), np.ma.filled(error, np.nan)


def probability_of_class(estimator, X, y):
    """Probability that the estimator gives to the class y of each plant."""
    classes = list(estimator.classes_)
    columns = [classes.index(label) for label in y]
    return estimator.predict_proba(X)[np.arange(len(y)), columns]


def _batches(estimator, X, y):
    """Plants of X as floats, a few at a time: their rows, they, and the probability before."""
    unknown = np.setdiff1d(y, estimator.classes_)
    if len(unknown):
        raise ValueError(
            f"y has the class {unknown[0]}, which the estimator does not know; it knows "
            f"{', '.join(map(str, estimator.classes_))}."
        )
    dtype = np.result_type(X.dtype, np.float32)  # whole numbers cannot be NaN
    row_bytes = dtype.itemsize * int(np.prod(X.shape[1:]))
    n_rows = max(1, int(get_config()["working_memory"] * 2**20) // row_bytes)
    for rows in gen_batches(len(X), n_rows):
        x = np.asarray(X[rows]).astype(dtype)
        yield rows, x, probability_of_class(estimator, x, y[rows])


def _edges(length, n_parts):
    return np.linspace(0, length, n_parts + 1).round().astype(int)


def _check_grid(grid, X):
    height, width, _ = frame_shape(X)
    if (height, width) == (1, 1):
        raise ValueError(f"X of shape {X.shape} has numbers and no pictures: leave out grid.")
    if len(grid) != 2 or not (1 <= grid[0] <= height and 1 <= grid[1] <= width):
        raise ValueError(
            f"grid must be (n_rows, n_columns), at least 1 and at most the {height} x {width} "
            f"pixels of a frame, got {grid!r}."
        )
