"""What an early-detection curve returns: the scores of each day, printed, plotted, written."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ._result import Result, show_days, show_interval, show_libraries, show_number

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from ..plotting import EarlyDetectionDisplay


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class EarlyDetectionCurve(Result):
    """Score against day, as :func:`~skwater.evaluation.early_detection_curve` measured it.

    The interval is that of each day by itself. It takes the plants as independent, and a curve
    of many days is outside of it somewhere more often than one in twenty times: the first day
    above chance is no detection, unless the days after it are above chance too.

    Parameters
    ----------
    days : ndarray of shape (n_days,), dtype float64
        Day up to which images were seen.
    scores : ndarray of shape (n_repeats, n_days), dtype float64
        Score of each repeat, from 0 to 1.
    low, high : ndarray of shape (n_days,), dtype float64
        Ends of the 95 % interval of the mean score.
    chance : float
        Score of a guess that knows no image.
    onset_day : float or None
        Day of the last irrigation.
    scoring : str
        What the score is.
    name : str or None, default=None
        Name of the curve.

    Attributes
    ----------
    rows : list of dict
        A row a day, in these columns: ``day``; the score by its name (mean over repeats); ``sd``
        over repeats (NaN if there is one); ``ci_low`` and ``ci_high``, the 95 % interval.

    See Also
    --------
    early_detection_curve : Makes one.
    skwater.plotting.EarlyDetectionDisplay : What :meth:`plot` returns.

    Examples
    --------
    >>> import numpy as np
    >>> from skwater.evaluation import EarlyDetectionCurve
    >>> EarlyDetectionCurve(
    ...     days=np.array([28.0, 32.0]),
    ...     scores=np.array([[0.5, 0.8], [0.4, 0.8]]),
    ...     low=np.array([0.3, 0.6]),
    ...     high=np.array([0.65, 0.9]),
    ...     chance=0.5,
    ...     onset_day=28.0,
    ...     scoring="balanced_accuracy",
    ... )
    day  balanced accuracy  95 % interval                 remark
    ------------------------------------------------------------
    28               0.450   0.30 to 0.65  up to last irrigation
    32               0.800   0.60 to 0.90           above chance
    Chance is 0.500. Each interval is that of its day by itself.
    """

    days: np.ndarray
    scores: np.ndarray
    low: np.ndarray
    high: np.ndarray
    chance: float
    onset_day: float | None
    scoring: str
    name: str | None = None

    _part = "curve"

    @property
    def rows(self) -> list[dict[str, Any]]:
        means = np.mean(self.scores, axis=0)
        sd = np.full(len(means), np.nan)
        if len(self.scores) > 1:
            sd = np.std(self.scores, axis=0, ddof=1)
        columns = np.transpose([self.days, means, sd, self.low, self.high]).tolist()
        names = ("day", self.scoring, "sd", "ci_low", "ci_high")
        return [dict(zip(names, row, strict=True)) for row in columns]

    def plot(self, ax: Axes | None = None) -> EarlyDetectionDisplay:
        """Plot the curve.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to plot; by default in a new figure.

        Returns
        -------
        EarlyDetectionDisplay
            The display, plotted.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        """
        import skwater

        return skwater.plotting.EarlyDetectionDisplay.from_curves(self, ax=ax)

    def describe(self) -> str:
        """Describe in words what was done and found, for the methods section of a paper.

        Returns
        -------
        str
            A paragraph of English.
        """
        score, n_repeats = self.scoring.replace("_", " "), len(self.scores)
        how = f", as the mean over {n_repeats} repeats" if n_repeats > 1 else ""
        sentences = [
            f"{self.name or 'A classifier'} was scored by cross-validation on the images up to "
            f"each of {len(self.days)} days, by {score}{how}.",
            "Intervals (95 %) are those of each day by itself, with the number of plants as the "
            "sample size.",
            *self._findings(),
            show_libraries(),
        ]
        return " ".join(sentences)

    def _findings(self):
        score, of_last = self.scoring.replace("_", " "), self.rows[-1][self.scoring]
        last = (
            f"With all images, up to {show_days(self.days[-1:])}, the {score} was "
            f"{show_number(of_last)} ({show_interval(self.low[-1], self.high[-1])}); chance is "
            f"{show_number(self.chance)}."
        )
        return [last] if self.onset_day is None else [self._describe_control(), last]

    def _describe_control(self):
        before, above = self.days <= self.onset_day, self.low > self.chance
        control = (
            f"Up to the last irrigation, on {show_days([self.onset_day])}, no plant was stressed"
        )
        if not before.any():
            said = ", and the curve has no day as a negative control."
        elif (before & above).any():
            said = (
                f", but the score was above chance on {show_days(self.days[before & above])}: "
                f"something other than stress tells the plants apart."
            )
        else:
            said = ", and the score was not above chance (negative control)."
        after = self.days[~before & above]
        later = f" It was above chance on {show_days(after)}." if len(after) else ""
        return f"{control}{said}{later}"

    def _columns(self):
        onset_day = -np.inf if self.onset_day is None else self.onset_day
        control = self.days <= onset_day
        possible = (control, "up to last irrigation"), (self.low > self.chance, "above chance")
        remarks = [
            ", ".join(text for holds, text in possible if holds[i]) for i in range(len(self.days))
        ]
        ends = zip(self.low, self.high, strict=True)
        return {
            "day": [f"{round(day, 2):g}" for day in self.days],
            self.scoring.replace("_", " "): [show_number(row[self.scoring]) for row in self.rows],
            "95 % interval": [show_interval(low, high) for low, high in ends],
            "remark": remarks,
        }

    def _footnotes(self):
        of = "" if self.name is None else f"{self.name}: "
        chance = f"chance is {show_number(self.chance)}."
        of_day = "Each interval is that of its day by itself."
        return [f"{of}{chance if of else chance.capitalize()} {of_day}"]
