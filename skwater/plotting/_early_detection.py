"""Plot of the early-detection curve: score against day."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils import check_array, column_or_1d
from sklearn.utils.validation import _check_pos_label_consistency

from .._typing import Estimator
from ..metrics import balanced_accuracy_interval
from ..sequences import SequencesLike, check_days
from ._style import (
    COLORS,
    GRAY,
    draw_band,
    draw_legend,
    draw_onset,
    label_time,
    new_axes,
    series_style,
    trim_axes,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from ..evaluation import EarlyDetectionCurve


_STRESS = COLORS[4]  # a warm color


class EarlyDetectionDisplay:
    """Score against the day up to which images were seen, with its 95 % interval.

    Up to the last irrigation no plant is stressed, so that no score there may beat chance: that
    time is shaded in gray, as the negative control, and the time of possible stress in orange. A
    curve that is above chance in the control knows the plants by something other than drought,
    and its later part is not to be trusted either. If the interval of every day includes
    chance, the legend says so.

    The interval is that of each day by itself. A curve of many days is outside of it somewhere more
    often than one in twenty times, and the day on which it first leaves chance is itself uncertain.

    Use :meth:`from_estimator`, :meth:`from_predictions` or :meth:`from_curves` to make one. All
    parameters are stored as attributes.

    Parameters
    ----------
    days : list of ndarray of shape (n_days,)
        Days of each curve; None instead of an array shows the numbers of the frames.
    scores : list of ndarray of shape (n_days,)
        Scores of each curve, means over repeats.
    low : list of ndarray of shape (n_days,)
        Lower ends of the interval.
    high : list of ndarray of shape (n_days,)
        Upper ends of the interval.
    names : list of str, default=None
        Name of each curve, for the legend; None is for a curve without one.
    chance : float, default=0.5
        Score of guessing.
    onset_day : float, default=None
        Day of the last irrigation.
    scoring : str, default="balanced_accuracy"
        What the score is.

    Attributes
    ----------
    ax_ : matplotlib Axes
        The axes.
    figure_ : matplotlib Figure
        Their figure.
    lines_ : list of matplotlib Line2D
        The scores, one a curve.
    bands_ : list of matplotlib FillBetweenPolyCollection
        The intervals, one a curve.
    chance_line_ : matplotlib Line2D
        The line of chance.
    onset_line_ : matplotlib Line2D or None
        The line of the last irrigation.
    control_ : matplotlib Rectangle or None
        The time up to it, in gray.
    stress_ : matplotlib Rectangle or None
        The time after it, in orange.

    See Also
    --------
    skwater.evaluation.early_detection_curve : Computes a curve by cross-validation.

    Examples
    --------
    >>> from skwater.plotting import EarlyDetectionDisplay
    >>> y_true = [0, 0, 0, 1, 1, 1]
    >>> probabilities = [[0.4, 0.1], [0.6, 0.2], [0.3, 0.1], [0.4, 0.9], [0.6, 0.8], [0.3, 0.9]]
    >>> display = EarlyDetectionDisplay.from_predictions(
    ...     y_true, probabilities, days=[28, 39], onset_day=28
    ... )
    >>> display.scores[0]
    array([0.5, 1. ])
    """

    ax_: Axes
    figure_: Figure | Any  # a SubFigure if the axes lie in one

    def __init__(
        self,
        *,
        days: list[np.ndarray | None],
        scores: list[np.ndarray],
        low: list[np.ndarray],
        high: list[np.ndarray],
        names: list[str | None] | None = None,
        chance: float = 0.5,
        onset_day: float | None = None,
        scoring: str = "balanced_accuracy",
    ) -> None:
        self.days = days
        self.scores = scores
        self.low = low
        self.high = high
        self.names = names
        self.chance = chance
        self.onset_day = onset_day
        self.scoring = scoring

    @classmethod
    def from_estimator(
        cls,
        estimator: Estimator,
        X: SequencesLike,
        y: ArrayLike,
        *,
        days: ArrayLike,
        groups: ArrayLike,
        name: str | None = None,
        ax: Axes | None = None,
        **options: Any,
    ) -> Self:
        """Compute a curve by cross-validation and plot it.

        Parameters
        ----------
        estimator : estimator instance
            Classifier or pipeline, cloned and fitted in every fold.
        X : array-like or lazy sequences of shape (n_samples, n_frames, ...)
            Sequences.
        y : array-like of shape (n_samples,)
            Class of each plant.
        days : array-like of shape (n_frames,)
            Day of each frame, increasing.
        groups : array-like of shape (n_samples,)
            Plant of each row. No plant is ever on both sides of a split.
        name : str, default=None
            Name of the curve; by default that of the classifier, the last step of a pipeline.
        ax : matplotlib Axes, default=None
            Where to plot; by default in a new figure.
        **options : dict
            Handed to :func:`skwater.evaluation.early_detection_curve`: ``cv``, ``onset_day`` and
            so on.

        Returns
        -------
        EarlyDetectionDisplay
            The display, plotted.
        """
        from ..evaluation import early_detection_curve

        curve = early_detection_curve(estimator, X, y, days=days, groups=groups, **options)
        return cls.from_curves({name or curve.name: curve}, ax=ax)

    @classmethod
    def from_predictions(
        cls,
        y_true: ArrayLike,
        y_proba: ArrayLike,
        *,
        days: ArrayLike | None = None,
        onset_day: float | None = None,
        pos_label: float | str | None = None,
        name: str | None = None,
        ax: Axes | None = None,
    ) -> Self:
        """Score the probabilities of each day by balanced accuracy, and plot them.

        They must be those of plants that the model was not fitted on. A plant is classified as
        stressed if its probability is above 0.5.

        Parameters
        ----------
        y_true : array-like of shape (n_samples,)
            True class of each plant, one of two.
        y_proba : array-like of shape (n_samples, n_frames)
            Probability of the stressed class after each frame, such as
            ``predict_proba_over_time(X)[:, :, 1]``.
        days : array-like of shape (n_frames,), default=None
            Day of each frame, increasing.
        onset_day : float, default=None
            Day of the last irrigation; the number of its frame if `days` is None.
        pos_label : int, float, bool or str, default=None
            The stressed class; by default 1, if the labels are 0 or -1 and 1.
        name : str, default=None
            Name of the curve, for the legend.
        ax : matplotlib Axes, default=None
            Where to plot; by default in a new figure.

        Returns
        -------
        EarlyDetectionDisplay
            The display, plotted.

        Raises
        ------
        ValueError
            If shapes do not fit, y_true has not two classes, or `pos_label` is none of them.
        """
        y_true = column_or_1d(y_true)
        y_proba = check_array(y_proba, input_name="y_proba")
        if len(y_proba) != len(y_true):
            raise ValueError(
                f"y_proba must have shape ({len(y_true)}, n_frames), one row for each plant, got "
                f"{y_proba.shape}."
            )
        days = None if days is None else check_days(days, y_proba.shape[1])
        classes = np.unique(y_true)
        pos_label = _check_pos_label_consistency(pos_label, y_true)
        if len(classes) != 2 or pos_label not in classes:
            raise ValueError(
                f"y_true must have two classes, one of them pos_label={pos_label!r}, got "
                f"{classes.tolist()}."
            )
        stressed = y_true == pos_label
        correct = stressed == (y_proba > 0.5).T
        n = np.array([(~stressed).sum(), stressed.sum()])
        n_correct = np.stack([correct[:, of].sum(axis=1) for of in (~stressed, stressed)], 1)
        low, high = np.transpose([balanced_accuracy_interval(k, n) for k in n_correct])
        display = cls(
            days=[days],
            scores=[(n_correct / n).mean(axis=1)],
            low=[low],
            high=[high],
            names=[name],
            onset_day=onset_day,
        )
        return display.plot(ax)

    @classmethod
    def from_curves(
        cls,
        curves: EarlyDetectionCurve | Mapping[str, EarlyDetectionCurve],
        *,
        ax: Axes | None = None,
    ) -> Self:
        """Plot curves that were computed before.

        Parameters
        ----------
        curves : EarlyDetectionCurve or dict of {str: EarlyDetectionCurve}
            One curve, or curves by name, as from :func:`skwater.evaluation.early_detection_curve`.
        ax : matplotlib Axes, default=None
            Where to plot; by default in a new figure.

        Returns
        -------
        EarlyDetectionDisplay
            The display, plotted.

        Raises
        ------
        ValueError
            If there is no curve, or curves differ in their onset, score or chance.
        """
        if not isinstance(curves, Mapping):
            curves = {curves.name: curves}
        if not curves:
            raise ValueError("There is no curve to plot.")
        common = {}
        for what in ("onset_day", "scoring", "chance"):
            values = {getattr(curve, what) for curve in curves.values()}
            if len(values) > 1:
                raise ValueError(
                    f"Curves of one plot must share their {what}, got "
                    f"{ {name: getattr(curve, what) for name, curve in curves.items()} }."
                )
            common[what] = values.pop()
        display = cls(
            days=[np.asarray(curve.days) for curve in curves.values()],
            scores=[np.mean(curve.scores, axis=0) for curve in curves.values()],
            low=[np.asarray(curve.low) for curve in curves.values()],
            high=[np.asarray(curve.high) for curve in curves.values()],
            names=list(curves),
            **common,
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
        EarlyDetectionDisplay
            The display itself.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        """
        ax = new_axes(self) if ax is None else ax
        self.ax_, self.figure_ = ax, ax.figure
        self.lines_, self.bands_ = [], []
        names = self.names or [None] * len(self.days)
        for i, (days, name) in enumerate(zip(self.days, names, strict=True)):
            style = series_style(i)
            time = label_time(ax, days, len(self.scores[i]))
            label = self._label(i, name)
            self.lines_ += ax.plot(time, self.scores[i], **style, label=label, markersize=5)
            self.bands_.append(draw_band(ax, time, self.low[i], self.high[i], style))
        self.chance_line_ = ax.axhline(
            self.chance, color=GRAY, linestyle="--", linewidth=1, zorder=1
        )
        ax.annotate(
            "chance",
            (1, self.chance),
            xycoords=ax.get_yaxis_transform(),
            xytext=(3, 0),
            textcoords="offset points",
            va="center",
            color=GRAY,
        )
        self._shade_time(ax)
        score = self.scoring.replace("_", " ").capitalize()
        ax.set_ylabel(f"{score} (95 % interval)")
        ax.set_ylim(-0.02, 1.02)  # the same for all curves, so that small differences look small
        # Below the axes: inside, it would hide the start of a curve or its end.
        draw_legend(ax, loc="upper center", bbox_to_anchor=(0.5, -0.14), ncols=2)
        trim_axes(ax)
        return self

    def _label(self, i, name):
        """Name of a curve in the legend, with a remark if no day of it is above chance."""
        if np.any(np.asarray(self.low[i]) > self.chance):
            return name
        return "not above chance" if name is None else f"{name} (not above chance)"

    def _shade_time(self, ax):
        """Shade the time before the onset in gray, and that of possible stress in orange."""
        self.onset_line_ = draw_onset(ax, self.onset_day)
        self.control_ = self.stress_ = None
        if self.onset_day is None:
            return
        left, right = ax.get_xlim()
        self.control_ = ax.axvspan(
            left, self.onset_day, color="0.92", zorder=0, label="negative control"
        )
        self.stress_ = ax.axvspan(
            self.onset_day, right, color=_STRESS, alpha=0.06, zorder=0, label="stress possible"
        )
        ax.set_xlim(left, right)
