"""Which dates, and which parts of the images, a fitted model uses."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils import check_consistent_length, column_or_1d
from sklearn.utils.validation import check_is_fitted

from ..sequences import SequencesLike, check_days, check_sequences, frame_shape
from ._frames import to_rgb
from ._occlusion import balanced_mean, mean_frames, occlude_dates, occlude_regions
from ._style import COLORS, GRAY, draw_onset, draw_rewatering, label_time, new_axes, trim_axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


_FALL = "Fall in probability\nof the true class"
_SMALL = 0.05  # a difference in probability that is not shown as a large one


class FrameImportanceDisplay:
    """Importance of each date, or of each region of the images, for a fitted model.

    A date is hidden by making its frame missing, a region by the mean over the plants of X, pixel
    by pixel and date by date. The importance is the fall in the probability that the model gives
    to the true class: the mean over the plants of each class, then over the classes, so that a
    few stressed plants count as much as many watered ones [1]_. It is not the fall in accuracy.
    With a few dozen plants that is zero for most dates, because no prediction changes.

    Use plants that the model was not fitted on; on the training plants the display shows what was
    memorized. It also misleads if several dates or regions hold the same information: hiding one
    of them costs nothing, and all of them look useless. And importance before the last irrigation
    is no early sign of drought, but a sign of something else that differs between the treatments.

    If the probability of the true class is within 0.05, or two standard errors, of chance, the
    title is "model near chance". The falls of such a model are noise, and the axis shows at least
    -0.05 to 0.05 so that they look small.

    Use :meth:`from_estimator` to make one. All parameters are stored as attributes.

    Parameters
    ----------
    by_date : ndarray of shape (n_frames,)
        Fall in the probability of the true class if this frame is missing, from -1 to 1.
    by_date_error : ndarray of shape (n_frames,)
        Its standard error over plants; NaN if a class has fewer than two.
    by_region : ndarray of shape (n_rows, n_columns), default=None
        Fall if this region of all images is that of the mean plant.
    mean_image : ndarray of shape (height, width, 3), default=None
        Mean image, RGB between 0 and 1, as the background of the regions.
    probability : float, default=None
        Probability of the true class if nothing is hidden, averaged as the falls are.
    probability_error : float, default=None
        Its standard error over plants; NaN if a class has fewer than two.
    chance : float, default=0.5
        Probability of the true class of a model that guesses.
    days : ndarray of shape (n_frames,), default=None
        Day of each frame. If None, the time axis has the numbers of the frames.
    onset_day : float, default=None
        Day of the last irrigation.
    rewatering_day : float, default=None
        Day of the first irrigation after the drought.

    Attributes
    ----------
    ax_ : matplotlib Axes or ndarray of two
        The axes: of the dates and, if there are regions, of these.
    figure_ : matplotlib Figure
        Their figure.
    errorbar_ : matplotlib ErrorbarContainer
        The falls by date, with error bars of one standard error.
    onset_line_ : matplotlib Line2D or None
        The line of the last irrigation.
    rewatering_line_ : matplotlib Line2D or None
        The line of the first irrigation after the drought.
    heat_map_ : matplotlib AxesImage or None
        The falls by region.
    colorbar_ : matplotlib Colorbar or None
        The colorbar of the regions.

    See Also
    --------
    sklearn.inspection.permutation_importance : Shuffles features instead of hiding them.

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
    >>> X[:, 2] += 3 * y  # only the third frame depends on the class
    >>> model = make_pipeline(SimpleImputer(), LogisticRegression()).fit(X[:20], y[:20])
    >>> display = FrameImportanceDisplay.from_estimator(model, X[20:], y[20:])
    >>> int(display.by_date.argmax())
    2
    """

    ax_: Axes | np.ndarray | Any
    figure_: Figure | Any  # a SubFigure if the axes lie in one

    def __init__(
        self,
        *,
        by_date: np.ndarray,
        by_date_error: np.ndarray,
        by_region: np.ndarray | None = None,
        mean_image: np.ndarray | None = None,
        probability: float | None = None,
        probability_error: float | None = None,
        chance: float = 0.5,
        days: np.ndarray | None = None,
        onset_day: float | None = None,
        rewatering_day: float | None = None,
    ) -> None:
        self.by_date = by_date
        self.by_date_error = by_date_error
        self.by_region = by_region
        self.mean_image = mean_image
        self.probability = probability
        self.probability_error = probability_error
        self.chance = chance
        self.days = days
        self.onset_day = onset_day
        self.rewatering_day = rewatering_day

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: SequencesLike,
        y: ArrayLike,
        *,
        days: ArrayLike | None = None,
        grid: tuple[int, int] | None = None,
        onset_day: float | None = None,
        rewatering_day: float | None = None,
        ax: Axes | Sequence[Axes] | np.ndarray | None = None,
    ) -> Self:
        """Hide each date, and each region of a grid, from a fitted estimator and plot the falls.

        It predicts once for each date and region. Plants are read in batches within the
        ``working_memory`` of scikit-learn. Integers become floats, since only floats can be NaN.

        Parameters
        ----------
        estimator : estimator instance
            Fitted classifier or pipeline with ``predict_proba`` that accepts missing frames.
        X : array-like or lazy sequences of shape (n_samples, n_frames, ...)
            Plants that it was not fitted on, two frames or more. A plant that lacks a frame, or
            has no other, is left out of the mean of that date.
        y : array-like of shape (n_samples,)
            Their true classes.
        days : array-like of shape (n_frames,), default=None
            Day of each frame, increasing.
        grid : tuple of (int, int), default=None
            Number of rows and columns of regions in an image, for example (4, 4). If None, only
            dates are hidden.
        onset_day : float, default=None
            Day of the last irrigation; the number of its frame if `days` is None.
        rewatering_day : float, default=None
            Day of the first irrigation after the drought; the number of its frame if `days` is
            None.
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
            If it does not accept missing frames, y has a class that it does not know, X has a
            single frame, or `grid` is given but the frames are not images.
        """
        if not hasattr(estimator, "predict_proba"):
            raise TypeError(
                f"{type(estimator).__name__} has no predict_proba, but the display shows the fall "
                f"in probability. Wrap it in CalibratedClassifierCV."
            )
        check_is_fitted(estimator)
        X, _ = check_sequences(None, X, complete=False)
        y = column_or_1d(y)
        check_consistent_length(X, y)
        days = None if days is None else check_days(days, X.shape[1])
        falls, before = occlude_dates(estimator, X, y)
        by_date, by_date_error = balanced_mean(falls, y)
        probability, probability_error = balanced_mean(before, y)
        by_region = mean_image = None
        if grid is not None:
            _check_grid(grid, X)
            mean = mean_frames(X)
            by_region, _ = balanced_mean(occlude_regions(estimator, X, y, grid, mean), y)
            mean_image = to_rgb(np.nanmean(mean, axis=0))
        display = cls(
            by_date=by_date,
            by_date_error=by_date_error,
            by_region=by_region,
            mean_image=mean_image,
            probability=float(probability),
            probability_error=float(probability_error),
            chance=1 / len(estimator.classes_),
            days=days,
            onset_day=onset_day,
            rewatering_day=rewatering_day,
        )
        return display.plot(ax)

    def plot(self, ax: Axes | Sequence[Axes] | np.ndarray | None = None) -> Self:
        """Plot the display.

        Parameters
        ----------
        ax : matplotlib Axes or array-like of two, default=None
            Where to plot; by default in a new figure. If there are regions, two axes take dates
            and regions, and a single one is divided between them.

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
        elif hasattr(ax, "inset_axes"):
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
        low, high = ax.get_ylim()
        ax.set_ylim(min(low, -_SMALL), max(high, _SMALL))
        self.onset_line_ = draw_onset(ax, self.onset_day)
        self.rewatering_line_ = draw_rewatering(ax, self.rewatering_day)
        ax.set_ylabel(f"{_FALL}, ± standard error")
        if self._is_near_chance():
            ax.set_title(
                f"model near chance: the true class has probability {self.probability:.2f}",
                fontsize="medium",
                pad=20,  # above the names of the lines
            )
        trim_axes(ax)

    def _is_near_chance(self):
        if self.probability is None:
            return False
        margin = np.fmax(_SMALL, 2 * self.probability_error)  # the error can be NaN
        return abs(self.probability - self.chance) < margin

    def _plot_regions(self, ax):
        from matplotlib.patheffects import withStroke

        height, width = self.mean_image.shape[:2]
        ax.imshow(self.mean_image.mean(axis=-1), cmap="gray")
        limit = max(np.abs(self.by_region).max(), _SMALL)
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
        for i, j in np.ndindex(n_rows, n_columns):  # in gray print the two ends look the same
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


def _check_grid(grid, X):
    height, width, _ = frame_shape(X)
    if (height, width) == (1, 1):
        raise ValueError(f"X of shape {X.shape} has no images but numbers: leave out grid.")
    if len(grid) != 2 or not (1 <= grid[0] <= height and 1 <= grid[1] <= width):
        raise ValueError(
            f"grid must be (n_rows, n_columns), at least 1 and at most the {height} x {width} "
            f"pixels of a frame, got {grid!r}."
        )
