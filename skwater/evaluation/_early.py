"""How early can stress be told? Score against the day up to which photos were seen."""

import os
import warnings
from dataclasses import dataclass
from numbers import Integral, Real

import numpy as np
from sklearn.base import BaseEstimator, clone
from sklearn.utils._param_validation import HasMethods, Interval, StrOptions, validate_params

from ..early_detection._prefixes import first_frames, proba_over_time
from ..exceptions import LeakageWarning
from ..metrics import accuracy_interval, balanced_accuracy_interval
from ..resampling._onset import quiet_about_onset, warn_of_onset
from ..sequences import check_days, missing_frames
from ._folds import (
    Task,
    make_folds,
    run,
    seed_parameters,
    seeded,
)
from ._validation import check_memory_can_help, check_plants


@dataclass(frozen=True, eq=False, repr=False)
class EarlyDetectionCurve:
    """Score against day, as :func:`early_detection_curve` measured it.

    The interval is that of each day by itself. It takes the plants for independent, and a curve
    of many days is somewhere outside of it more often than one in twenty times: the first day
    above chance is no detection, unless the days after it are above chance too.

    Parameters
    ----------
    days : ndarray of shape (n_days,), dtype float64
        Day up to which photos were seen.
    scores : ndarray of shape (n_repeats, n_days), dtype float64
        Score of each repeat, from 0 to 1.
    low, high : ndarray of shape (n_days,), dtype float64
        Ends of the 95 % interval of the mean score.
    chance : float
        Score of a guess that knows no photo.
    onset_day : float or None
        Day of the last water.
    scoring : str
        What the score is.
    name : str or None, default=None
        Name of the curve.

    See Also
    --------
    early_detection_curve : Makes one.

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
       day  balanced_accuracy  95 % interval
        28               .450   .300 to .650  up to the last water
        32               .800   .600 to .900  above chance (.500)
    """

    days: np.ndarray
    scores: np.ndarray
    low: np.ndarray
    high: np.ndarray
    chance: float
    onset_day: float | None
    scoring: str
    name: str | None = None

    def to_frame(self):
        """Make a data frame of the curve.

        Returns
        -------
        pandas.DataFrame
            A row a day, with the columns day, the score by its name (mean over repeats), sd (over
            repeats; NaN where there is one), ci_low and ci_high.

        Raises
        ------
        ImportError
            If pandas is not installed.
        """
        import pandas as pd

        scores = pd.DataFrame(self.scores)
        return pd.DataFrame(
            {
                "day": self.days,
                self.scoring: scores.mean(),
                "sd": scores.std(),
                "ci_low": self.low,
                "ci_high": self.high,
            }
        )

    def plot(self, ax=None):
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

    def __repr__(self):
        title = [] if self.name is None else [self.name]
        lines = [*title, f"{'day':>6}  {self.scoring}  95 % interval"]
        mean = self.scores.mean(axis=0)
        for day, score, low, high in zip(self.days, mean, self.low, self.high, strict=True):
            notes = []
            if self.onset_day is not None and day <= self.onset_day:
                notes.append("up to the last water")
            if low > self.chance:
                notes.append(f"above chance ({_short(self.chance)})")
            line = (
                f"{day:>6g}  {_short(score):>{len(self.scoring)}}   {_short(low)} to {_short(high)}"
            )
            lines.append(f"{line}  {', '.join(notes)}".rstrip())
        return "\n".join(lines)


def _short(score):
    """Three digits, in the way of tables: .812, 1.00."""
    return f"{score:.3f}".removeprefix("0") if score < 0.9995 else "1.00"


@validate_params(
    {
        "estimator": [HasMethods(["fit", "predict"])],
        "days": ["array-like"],
        "one_model_per_date": ["boolean"],
        "onset_day": [Real, None],
        "min_frames": [Interval(Integral, 1, None, closed="left")],
        "n_repeats": [Interval(Integral, 1, None, closed="left")],
        "scoring": [StrOptions({"balanced_accuracy", "accuracy"})],
        "n_jobs": [Integral, None],
        "memory": [str, os.PathLike, None],
        "random_state": ["random_state"],
        "verbose": [Interval(Integral, 0, 1, closed="both")],
    },
    prefer_skip_nested_validation=False,
)
def early_detection_curve(
    estimator,
    X,
    y,
    *,
    days,
    groups,
    treatments=None,
    cv=None,
    one_model_per_date=True,
    onset_day=None,
    min_frames=1,
    n_repeats=5,
    scoring="balanced_accuracy",
    n_jobs=None,
    memory=None,
    random_state=None,
    verbose=1,
):
    """Score a classifier day by day, each time on the photos up to that day only.

    Predictions of all folds are pooled before they are scored, for a fold of one treatment has
    one class only. The score is the mean over repeats. Its 95 % interval is that of so many
    plants, however often each of them was tested: :func:`~skwater.metrics.accuracy_interval`, or
    :func:`~skwater.metrics.balanced_accuracy_interval`.

    The days up to `onset_day` are the negative control: no plant is stressed yet, and nothing may
    beat chance. Where something does, the plants are told apart by something else than drought,
    be it place, pot, nitrogen or the order of the photos, and the days after it may owe their
    score to the same: a :class:`~skwater.exceptions.LeakageWarning` names the days. Of many days
    one is above chance now and then by luck, and a control that shows nothing proves nothing
    where plants are few. Scores *below* chance are normal under
    :class:`~skwater.model_selection.LeaveTreatmentsOut`: what is left out makes its class rarer
    in training, so that a model that knows nothing says the other one, and the control is the
    weaker for it.

    It asks whether *a model of that day* tells the plants apart, on a day that is known
    beforehand; whoever looks every day gets more false alarms than one such score tells, which
    is what :class:`~skwater.early_detection.EarlyDetector` is for. The day is not to be chosen
    on this curve and its score then reported.

    Parameters
    ----------
    estimator : estimator instance
        Classifier or pipeline, cloned for every fit.
    X : array-like or lazy sequences of shape (n_samples, n_frames, ...)
        Sequences. A frame that is NaN throughout is missing. As long as a plant has no photo
        there is nothing to say of it: such days are left out, with a warning.
    y : array-like of shape (n_samples,)
        Class of each sequence.
    days : array-like of shape (n_frames,)
        Day of each frame, strictly increasing.
    groups : array-like of shape (n_samples,)
        Plant of each sequence. No plant is ever on both sides of a split.
    treatments : array-like of shape (n_samples,), default=None
        Treatment of each sequence, for :class:`~skwater.model_selection.LeaveTreatmentsOut`.
    cv : int, splitter or iterable of splits, default=None
        An int is the number of stratified folds over plants. None leaves one treatment out at a
        time where `treatments` are given, and else makes 3 folds of plants.
    one_model_per_date : bool, default=True
        True trains anew for each day, on the photos up to it. False trains once a fold, on whole
        seasons, and reads that model along the season: by its ``predict_proba_over_time`` if it
        has one, or else by ``predict`` of the images up to the day.
        That costs one fit instead of one a day, and asks the model early in the season what it
        was not taught.
    onset_day : float, default=None
        Day of the last water, counted as `days` is. A photo of that very day cannot show stress.
        None leaves out the control.
    min_frames : int, default=1
        Number of frames at the first day of the curve, for an estimator that takes no fewer.
    n_repeats : int, default=5
        Number of repeats, with other folds where `cv` draws them and other seeds of the
        estimator. Where neither is drawn one is enough and made. A splitter that repeats itself
        keeps its own number.
    scoring : {"balanced_accuracy", "accuracy"}, default="balanced_accuracy"
        What to score. Chance is one in the number of classes, or the share of the largest.
    n_jobs : int, default=None
        Number of processes, as in joblib.
    memory : str or path-like, default=None
        Folder in which finished fits are kept, so that a study that was killed goes on where it
        was. Needs an int as `random_state`.
    random_state : int, RandomState instance or None, default=None
        Seeds the folds and the estimator; that of a fold is the same for all days.
    verbose : {0, 1}, default=1
        Whether to show a progress bar.

    Returns
    -------
    EarlyDetectionCurve
        Scores and intervals, which print as a table.

    Raises
    ------
    ValueError
        If plants or frames are on both sides of a split, `days` are not increasing or not one a
        frame, no day is left, a class is tested in no fold of a repeat, or the estimator refuses
        the first frames by themselves.

    Warns
    -----
    LeakageWarning
        If the lower end of the interval is above chance on a day up to `onset_day`.
    UserWarning
        If days are left out because a plant has no photo yet; or, once for all fits, if sequences
        end before the `onset_day` of an :class:`~skwater.RSSResampler` in the pipeline, which then
        splices within classes.

    See Also
    --------
    permutation_test : Tests a score against labels that mean nothing.
    skwater.plotting.EarlyDetectionDisplay : Plots curves.

    Notes
    -----
    With ``one_model_per_date=False`` the steps of a pipeline before the last are applied to whole
    sequences if the model is read by its ``predict_proba_over_time``. Such a step must treat each
    frame by itself: one that mixes frames lets the future into the past.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import LogisticRegression
    >>> from skwater.evaluation import early_detection_curve
    >>> rng = np.random.default_rng(0)
    >>> y = np.repeat(["dry", "wet"], 10)
    >>> X = rng.normal(size=(20, 4))
    >>> X[:10, 2:] -= 4  # dry plants have less cover from the third photo on
    >>> curve = early_detection_curve(
    ...     LogisticRegression(),
    ...     X,
    ...     y,
    ...     days=[25, 28, 32, 36],
    ...     groups=np.arange(20),
    ...     onset_day=28,
    ...     random_state=0,
    ...     verbose=0,
    ... )
    >>> curve.days[curve.low > curve.chance]
    array([32., 36.])
    """
    X, y, groups, treatments = check_plants(X, y, groups, treatments)
    check_memory_can_help(memory, random_state)
    days = check_days(days, X.shape[1])
    lengths = _lengths_to_score(X, days, min_frames)
    days = days[lengths - 1]

    folds, redrawn = make_folds(cv, X, y, groups, treatments, n_repeats=n_repeats, rng=random_state)
    if not redrawn and not seed_parameters(estimator):
        folds = [fold for fold in folds if fold.repeat == 0]
    readers = (
        [_ModelOfTheDay(estimator, n_frames=int(t)) for t in lengths]
        if one_model_per_date
        else [_ModelOfTheSeason(estimator, lengths=lengths.tolist())]
    )
    tasks = [Task(seeded(reader, fold.seed), X, y, fold) for fold in folds for reader in readers]

    warn_of_onset(
        [estimator], lengths.tolist() if one_model_per_date else [X.shape[1]], stacklevel=3
    )
    classes, label = np.unique(y, return_inverse=True)
    times = np.zeros((folds[-1].repeat + 1, len(y), 1))
    for fold in folds:
        times[fold.repeat, fold.test] += 1
    right = np.zeros((*times.shape[:2], len(lengths)))
    for place, outcome in run(
        tasks, memory=memory, n_jobs=n_jobs, verbose=verbose, desc="early_detection_curve"
    ):
        fold, day = tasks[place].fold, place % len(readers)
        at = slice(day, day + 1) if one_model_per_date else slice(None)
        right[fold.repeat, fold.test, at] += outcome.predicted == y[fold.test, None]

    # A row that was tested several times in a repeat counts once, by the share that was right.
    of_class = (label == np.arange(len(classes))[:, None]) & (times > 0)[:, None, :, 0]
    n_tested = of_class.sum(axis=2, keepdims=True)
    recalls = of_class @ (right / np.maximum(times, 1)) / n_tested
    of_tested = (times > 0).any(axis=(0, 2))
    n_plants = np.array([len(np.unique(groups[of_tested & (y == c)])) for c in classes])
    if scoring == "balanced_accuracy":
        scores, chance = recalls.mean(axis=1), 1 / len(classes)
        counts = (recalls.mean(axis=0).T * n_plants).tolist()
        ends = [balanced_accuracy_interval(n_right, n_plants) for n_right in counts]
    else:
        scores = (recalls * n_tested).sum(axis=1) / n_tested.sum(axis=1)
        chance, n = np.bincount(label).max() / len(y), n_plants.sum()
        ends = [accuracy_interval(score * n, n) for score in scores.mean(axis=0)]
    low, high = np.transpose(ends)
    final = estimator.steps[-1][1] if hasattr(estimator, "steps") else estimator
    curve = EarlyDetectionCurve(
        days=days,
        scores=scores,
        low=low,
        high=high,
        chance=float(chance),
        onset_day=None if onset_day is None else float(onset_day),
        scoring=scoring,
        name=type(final).__name__,
    )
    _check_control(curve)
    return curve


def _lengths_to_score(X, days, min_frames):
    """Numbers of frames that every plant has a photo among, from `min_frames` on."""
    lengths = np.arange(min_frames, X.shape[1] + 1)
    first = (~missing_frames(X)).argmax(axis=1)  # 0 too for a plant without any, a model's error
    late = int(first.argmax())
    kept = lengths[lengths > first[late]]
    if len(kept) == 0:
        raise ValueError(
            f"No day is left: min_frames={min_frames}, X has {X.shape[1]} frames, and row {late} "
            f"has its first photo in frame {first[late]}."
        )
    if len(kept) < len(lengths):
        left_out = days[lengths[0] - 1 : kept[0] - 1]
        warnings.warn(
            f"There is no score for {_name(left_out)}: row {late} has no photo before day "
            f"{days[first[late]]:g}. Leave out such rows to have one.",
            stacklevel=4,
        )
    return kept


def _check_control(curve):
    """Warn where something beats chance before there is stress."""
    if curve.onset_day is None:
        return
    suspect = (curve.days <= curve.onset_day) & (curve.low > curve.chance)
    if suspect.any():
        score = curve.scoring.replace("_", " ")
        warnings.warn(
            f"On {_name(curve.days[suspect])} the {score} is above chance, though no plant was "
            f"stressed up to day {curve.onset_day:g}: something other than the drought tells the "
            f"plants apart, such as place, pot or treatment, and later scores may rest on it too.",
            LeakageWarning,
            stacklevel=4,
        )


def _name(days):
    return f"day{'s' * (len(days) > 1)} {', '.join(f'{day:g}' for day in days)}"


class _ModelOfTheDay(BaseEstimator):
    """Fits and predicts on the first frames only; predictions are (n_samples, 1)."""

    def __init__(self, estimator, *, n_frames):
        self.estimator = estimator
        self.n_frames = n_frames

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        with warnings.catch_warnings():
            if self.n_frames == 1:  # RSSResampler says so, and on the first day it is no news
                warnings.filterwarnings("ignore", "Sequences of one frame cannot be spliced")
            try:
                with quiet_about_onset(self.estimator, self.n_frames):
                    self.estimator_ = clone(self.estimator).fit(first_frames(X, self.n_frames), y)
            except ValueError as error:
                error.add_note(
                    f"That was at {self.n_frames} of {X.shape[1]} frames. Where the estimator "
                    f"needs more, start with min_frames."
                )
                raise
        return self

    def predict(self, X):
        return np.reshape(self.estimator_.predict(first_frames(X, self.n_frames)), (-1, 1))


class _ModelOfTheSeason(BaseEstimator):
    """Fits on all frames and predicts after each length; predictions are (n_samples, n_days)."""

    def __init__(self, estimator, *, lengths):
        self.estimator = estimator
        self.lengths = lengths

    def fit(self, X, y):
        self.estimator_ = clone(self.estimator).fit(X, y)
        self.classes_ = self.estimator_.classes_
        return self

    def predict(self, X):
        probabilities = proba_over_time(self.estimator_, X)
        if probabilities is not None:
            return self.classes_[probabilities.argmax(axis=2)[:, np.array(self.lengths) - 1]]
        return np.stack([self._predict_first(X, t) for t in self.lengths], axis=1)

    def _predict_first(self, X, t):
        try:
            return np.ravel(self.estimator_.predict(first_frames(X, t)))
        except ValueError as error:
            error.add_note(
                f"{type(self.estimator_).__name__} was fitted on {X.shape[1]} frames and asked "
                f"about the first {t}. Set one_model_per_date=True, which trains a model for each "
                f"date."
            )
            raise
