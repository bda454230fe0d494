"""How early can stress be told? Score against the day up to which images were seen."""

import os
import warnings
from contextlib import suppress
from numbers import Integral, Real
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator, clone
from sklearn.utils._param_validation import HasMethods, Interval, StrOptions

from .._typing import Estimator, RandomState, Splitter, StrPath
from .._validation import validate_params
from ..early_detection._prefixes import proba_over_time
from ..exceptions import LeakageWarning
from ..metrics import accuracy_interval, balanced_accuracy_interval
from ..resampling._onset import parts_of, quiet_about_onset, warn_of_onset
from ..sequences import SequencesLike, check_days, missing_frames
from ._early_result import EarlyDetectionCurve
from ._folds import make_folds
from ._result import show_days
from ._tasks import Task, run, seed_parameters, seeded
from ._validation import check_memory_can_help, check_plants


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
    estimator: Estimator,
    X: SequencesLike,
    y: ArrayLike,
    *,
    days: ArrayLike,
    groups: ArrayLike,
    treatments: ArrayLike | None = None,
    cv: Splitter | None = None,
    one_model_per_date: bool = True,
    onset_day: float | None = None,
    min_frames: int = 1,
    n_repeats: int = 5,
    scoring: Literal["balanced_accuracy", "accuracy"] = "balanced_accuracy",
    n_jobs: int | None = None,
    memory: StrPath | None = None,
    random_state: RandomState | None = None,
    verbose: int = 1,
) -> EarlyDetectionCurve:
    """Score a classifier day by day, each time on the images up to that day only.

    Predictions of all folds are pooled before they are scored, because a fold of one treatment
    has one class only. The score is the mean over repeats. Its 95 % interval is that of so many
    plants, however often each of them was tested: :func:`~skwater.metrics.accuracy_interval`, or
    :func:`~skwater.metrics.balanced_accuracy_interval`.

    The days up to `onset_day` are the negative control: no plant is stressed yet, and nothing may
    beat chance. If something does, the plants are told apart by something other than drought,
    be it place, pot, nitrogen or the order of the images, and the days after it may owe their
    score to the same: a :class:`~skwater.exceptions.LeakageWarning` names the days. Of many days
    one is above chance now and then by luck, and with few plants a control that shows nothing
    proves nothing. Scores *below* chance are normal under
    :class:`~skwater.model_selection.LeaveTreatmentsOut`: what is left out makes its class rarer
    in training, so that a model that knows nothing predicts the other one, which makes the
    control weaker.

    It asks whether *a model of that day* tells the plants apart, on a day that is known
    beforehand. Whoever looks every day gets more false alarms than one such score tells, which
    is what :class:`~skwater.EarlyDetector` is for. Do not choose the day on this
    curve and then report its score.

    Parameters
    ----------
    estimator : estimator instance
        Classifier or pipeline, cloned for every fit.
    X : array-like or lazy sequences of shape (n_samples, n_frames, ...)
        Sequences. An all-NaN frame is missing. As long as a plant has no image there is nothing
        to predict from: such days are left out, with a warning.
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
        time if `treatments` are given, and otherwise makes 3 folds of plants.
    one_model_per_date : bool, default=True
        True trains a new model for each day, on the images up to it; an
        :class:`~skwater.RSSResampler` then makes as many sequences as so few frames allow. False
        trains once a fold, on whole seasons, and reads that model along the season: by its
        ``predict_proba_over_time`` if it has one, or else by ``predict`` of the images up to the
        day. That costs one fit instead of one a day, and asks the model early in the season what
        it was not trained for.
    onset_day : float, default=None
        Day of the last irrigation, counted as `days` is. An image of that very day cannot show
        stress. None leaves out the control.
    min_frames : int, default=1
        Number of frames at the first day of the curve, for an estimator that takes no fewer.
    n_repeats : int, default=5
        Number of repeats, with other folds if `cv` draws them and other seeds of the estimator.
        If neither is drawn, one is enough and made. A splitter that repeats itself keeps its own
        number.
    scoring : {"balanced_accuracy", "accuracy"}, default="balanced_accuracy"
        What to score. Chance is one in the number of classes, or the share of the largest.
    n_jobs : int, default=None
        Number of processes, as in joblib.
    memory : str or path-like, default=None
        Folder in which the outcomes of finished fits are kept, as in :func:`benchmark`. Needs an
        int as `random_state`.
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
        If Ctrl-C ended the work: the curve is that of the finished repeats, if there is one.
        If days are left out because a plant has no image yet; or, once for all fits, if an
        :class:`~skwater.RSSResampler` in the pipeline makes fewer sequences than it was asked
        for, or if sequences end before its `onset`, so that it splices within classes.

    See Also
    --------
    permutation_test : Tests a score against labels that mean nothing.
    skwater.plotting.EarlyDetectionDisplay : Plots curves.

    Notes
    -----
    With ``one_model_per_date=False`` the steps of a pipeline before the last are applied to whole
    sequences if the model is read by its ``predict_proba_over_time``. Such a step must treat each
    frame by itself: one that mixes frames uses the future to predict the past.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import LogisticRegression
    >>> from skwater.evaluation import early_detection_curve
    >>> rng = np.random.default_rng(0)
    >>> y = np.repeat(["dry", "wet"], 10)
    >>> X = rng.normal(size=(20, 4))
    >>> X[:10, 2:] -= 4  # dry plants have less cover from the third image on
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
    lengths = _lengths_to_score(X, days, groups, min_frames)
    folds, redrawn = make_folds(cv, X, y, groups, treatments, n_repeats=n_repeats, rng=random_state)
    if not redrawn and not seed_parameters(estimator):
        folds = [fold for fold in folds if fold.repeat == 0]
    readers = (
        [_ModelOfTheDay(estimator, n_frames=t) for t in lengths]
        if one_model_per_date
        else [_ModelOfTheSeason(estimator, lengths=lengths)]
    )
    tasks = [Task(seeded(reader, fold.seed), X, y, fold) for fold in folds for reader in readers]
    warn_of_onset([estimator], lengths if one_model_per_date else [X.shape[1]], stacklevel=3)
    done, bar = {}, {"verbose": verbose, "desc": "early_detection_curve"}
    with suppress(KeyboardInterrupt):  # what is finished stays
        done.update(run(tasks, memory=memory, n_jobs=n_jobs, **bar))
    if len(done) < len(tasks):
        folds = _folds_of_finished_repeats(folds, done, len(readers))
    outcomes = [done[place] for place in range(len(folds) * len(readers))]
    days = days[np.array(lengths) - 1]
    if one_model_per_date:
        _warn_of_lacking(outcomes, days)
    scores, low, high, chance = _score_days(folds, outcomes, y, groups, scoring)
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


def _folds_of_finished_repeats(folds, done, n_of_fold):
    """After Ctrl-C, folds before the first repeat of which an outcome is missing."""
    first_missing = next(place for place in range(len(folds) * n_of_fold) if place not in done)
    n_repeats = folds[first_missing // n_of_fold].repeat
    if n_repeats == 0:
        raise KeyboardInterrupt
    warnings.warn(
        f"Interrupted. Repeats that were finished, and make the curve: {n_repeats}.", stacklevel=4
    )
    return [fold for fold in folds if fold.repeat < n_repeats]


def _score_days(folds, outcomes, y, groups, scoring):
    """Scores (n_repeats, n_days), ends of their intervals (n_days,) and the score of chance."""
    correct, times = _count_correct(folds, outcomes, y)
    # A row that was tested several times in a repeat counts once, by the share that was correct.
    classes, label = np.unique(y, return_inverse=True)
    of_class = (label == np.arange(len(classes))[:, None]) & (times > 0)[:, None]
    n_tested = of_class.sum(axis=2, keepdims=True)
    recalls = of_class @ (correct / np.maximum(times, 1)[:, :, None]) / n_tested
    tested = (times > 0).any(axis=0)
    n_plants = np.array([len(np.unique(groups[tested & (y == c)])) for c in classes])
    if scoring == "balanced_accuracy":
        scores, chance = recalls.mean(axis=1), 1 / len(classes)
        counts = (recalls.mean(axis=0).T * n_plants).tolist()
        ends = [balanced_accuracy_interval(n_correct, n_plants) for n_correct in counts]
    else:
        scores = (recalls * n_tested).sum(axis=1) / n_tested.sum(axis=1)
        chance, n = np.bincount(label).max() / len(y), n_plants.sum()
        ends = [accuracy_interval(score * n, n) for score in scores.mean(axis=0)]
    return scores, *np.transpose(ends), chance


def _count_correct(folds, outcomes, y):
    """How often each row was correct, (n_repeats, n_samples, n_days), and how often tested."""
    times = np.zeros((folds[-1].repeat + 1, len(y)))
    correct = []
    of_fold = len(outcomes) // len(folds)  # one for each day, or one for all days
    for i, fold in enumerate(folds):
        times[fold.repeat, fold.test] += 1
        predicted = [outcome.predicted for outcome in outcomes[i * of_fold : (i + 1) * of_fold]]
        correct.append(np.hstack(predicted) == y[fold.test, None])
    total = np.zeros((*times.shape, correct[0].shape[1]))
    for fold, of_test in zip(folds, correct, strict=True):
        total[fold.repeat, fold.test] += of_test
    return total, times


def _lengths_to_score(X, days, groups, min_frames):
    """Numbers of frames that every plant has an image among, from `min_frames` on."""
    lengths = range(min_frames, X.shape[1] + 1)
    first = (~missing_frames(X)).argmax(axis=1)
    late = int(first.argmax())
    scored = [t for t in lengths if t > first[late]]
    if not scored:
        raise ValueError(
            f"No day is left: min_frames={min_frames}, X has {X.shape[1]} frames, and plant "
            f"{groups[late]} has its first image in frame {first[late]}."
        )
    if len(scored) < len(lengths):
        left_out = days[lengths[0] - 1 : scored[0] - 1]
        warnings.warn(
            f"There is no score for {show_days(left_out)}: plant {groups[late]} has no image "
            f"before {show_days(days[first[late], None])}. Leave out such plants to have one.",
            stacklevel=4,
        )
    return scored


def _warn_of_lacking(outcomes, days):
    """Warn once of all samplers that could not make as many sequences as they were to."""
    lacking = np.reshape([outcome.n_lacking for outcome in outcomes], (-1, len(days))).max(axis=0)
    if lacking.any():
        warnings.warn(
            f"On {show_days(days[lacking > 0])} fewer different splices are possible than "
            f"RSSResampler was to make (up to {lacking.max()} fewer), since the sequences have few "
            f"frames: it made all that are possible.",
            stacklevel=4,
        )


def _check_control(curve):
    """Warn if something beats chance before there is stress."""
    if curve.onset_day is None:
        return
    suspect = (curve.days <= curve.onset_day) & (curve.low > curve.chance)
    if suspect.any():
        score = curve.scoring.replace("_", " ")
        warnings.warn(
            f"On {show_days(curve.days[suspect])} the {score} is above chance, though no plant was "
            f"stressed up to {show_days([curve.onset_day])}: something other than drought tells "
            f"the plants apart (place, pot, treatment), and later scores may rest on it too.",
            LeakageWarning,
            stacklevel=4,
        )


def _with_fewer_splices(estimator):
    """Let the RSSResamplers in an estimator make as many sequences as few frames allow."""
    names = [name for name in estimator.get_params() if name.endswith("__allow_fewer")]
    return estimator.set_params(**dict.fromkeys(names, True))


class _ModelOfTheDay(BaseEstimator):
    """Fits and predicts on the first frames only; predictions are (n_samples, 1)."""

    def __init__(self, estimator, *, n_frames):
        self.estimator = estimator
        self.n_frames = n_frames

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        with warnings.catch_warnings():
            if self.n_frames == 1:  # RSSResampler warns of it, and on the first day it is no news
                warnings.filterwarnings("ignore", "Sequences of one frame cannot be spliced")
            warnings.filterwarnings("ignore", "Only .* are possible")  # the curve warns once
            estimator = _with_fewer_splices(clone(self.estimator))
            try:
                with quiet_about_onset(estimator, self.n_frames):
                    self.estimator_ = estimator.fit(X[:, : self.n_frames], y)
            except ValueError as error:
                error.add_note(
                    f"That was at {self.n_frames} of {X.shape[1]} frames. If the estimator needs "
                    f"more, start with min_frames."
                )
                raise
        lacking = [getattr(part, "n_lacking_", 0) for part in parts_of(self.estimator_)]
        self.n_lacking_ = sum(lacking)
        return self

    def predict(self, X):
        return np.reshape(self.estimator_.predict(X[:, : self.n_frames]), (-1, 1))


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
            return np.ravel(self.estimator_.predict(X[:, :t]))
        except ValueError as error:
            error.add_note(
                f"{type(self.estimator_).__name__} was fitted on {X.shape[1]} frames and asked "
                f"about the first {t}. Set one_model_per_date=True, which trains a model for each "
                f"date."
            )
            raise
