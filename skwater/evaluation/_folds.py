"""The smallest unit of a study: an estimator fitted on one side of a split, asked the other.

Whatever is scored here (tables, curves, permutations) is a list of such tasks. Each is seeded
beforehand, so that it gives the same wherever and whenever it is run, and can be cached.
"""

from contextlib import suppress
from copy import copy
from dataclasses import dataclass, field, replace
from importlib.metadata import PackageNotFoundError, version
from numbers import Integral
from pathlib import Path
from pickle import PicklingError
from time import perf_counter
from uuid import uuid4

import joblib
import numpy as np
from sklearn.base import clone
from sklearn.model_selection import StratifiedGroupKFold, check_cv
from sklearn.utils import _safe_indexing, check_random_state
from sklearn.utils._param_validation import InvalidParameterError
from sklearn.utils.parallel import Parallel, delayed
from tqdm.auto import tqdm

from ..model_selection import LeaveTreatmentsOut
from ..model_selection._leakage import LeakageCheck
from ..resampling._onset import quiet_about_onset

_LIBRARIES = (
    "skwater",
    "scikit-learn",
    "imbalanced-learn",
    "skorch",
    "torch",
    "numpy",
    "scipy",
    "albumentations",
    "aeon",
)


def _find_versions():
    for name in _LIBRARIES:
        with suppress(PackageNotFoundError):
            yield name, version(name)


# An outcome is not to be had from the disk after one of these has changed.
VERSIONS = dict(_find_versions())


@dataclass(frozen=True)
class Fold:
    """One split of one repeat.

    Parameters
    ----------
    repeat, number : int
        Which repeat, and which fold of it.
    train, test : ndarray of int
        Rows of X on either side.
    seed : int
        Of what is fitted here.
    """

    repeat: int
    number: int
    train: np.ndarray
    test: np.ndarray
    seed: int


@dataclass(frozen=True)
class Task:
    """An estimator that is seeded already, its data and a fold of them."""

    estimator: object
    X: object
    y: np.ndarray
    fold: Fold
    fit_params: dict = field(default_factory=dict)


@dataclass(frozen=True)
class Outcome:
    """What an estimator said about the rows that it was not fitted on.

    Parameters
    ----------
    predicted : ndarray of shape (n_test,)
        Labels.
    proba : ndarray of shape (n_test, n_classes) or None
        Probabilities, where the estimator has them.
    decision : ndarray of shape (n_test,) or (n_test, n_classes) or None
        Values of ``decision_function``, where there are no probabilities.
    classes : ndarray of shape (n_classes,)
        Labels of the columns.
    donors : dict of str to ndarray
        For each sampler in a pipeline, the rows of X that gave the frames of its new sequences.
    fit_time, predict_time : float
        Wall-clock seconds.
    """

    predicted: np.ndarray
    proba: np.ndarray | None
    decision: np.ndarray | None
    classes: np.ndarray
    donors: dict
    fit_time: float
    predict_time: float


def make_folds(cv, X, y, groups, treatments=None, *, n_repeats=1, rng=None):
    """Split `n_repeats` times, and refuse splits that leak.

    A splitter that draws its folds draws others for each repeat, whatever its own seed; one that
    repeats itself keeps its own number of repeats; of any other the repeats are the same.

    Parameters
    ----------
    cv : int, splitter, iterable of splits or None
        An int is the number of stratified folds over groups; None is 3 of them, or
        LeaveTreatmentsOut() where there are treatments.
    X : array-like or lazy sequences
        Sequences, in which no frame may be on both sides of a split.
    y : ndarray of shape (n_samples,)
        Class of each row.
    groups : ndarray of shape (n_samples,)
        Plant of each row.
    treatments : ndarray of shape (n_samples,) or None
        Treatment of each row, for :class:`LeaveTreatmentsOut`.
    n_repeats : int
        Number of repeats.
    rng : int, RandomState or None
        Seeds the splitter, and what is fitted in the folds.

    Returns
    -------
    folds : list of Fold
        Repeat by repeat.
    redrawn : bool
        Whether each repeat has splits of its own.
    """
    if cv is None:
        cv = 3 if treatments is None else LeaveTreatmentsOut()
    if isinstance(cv, Integral):
        cv = StratifiedGroupKFold(int(cv), shuffle=True)
    cv = check_cv(cv, y, classifier=True)
    if isinstance(cv, LeaveTreatmentsOut):
        if treatments is None:
            raise ValueError("LeaveTreatmentsOut needs treatments=, the treatment of each row.")
        groups_of_cv = treatments
    else:
        groups_of_cv = groups
    rows = np.zeros(len(y))  # splitters ask for nothing but the length of X
    rng = check_random_state(rng)
    redrawn = _draws(cv)
    if hasattr(cv, "n_repeats"):
        n_repeats = cv.n_repeats
    # A seed for each repeat: more of them leave the first ones as they were.
    seeds = [draw_seed(rng) for _ in range(n_repeats)]
    if hasattr(cv, "n_repeats"):
        splits = list(_seed_splitter(cv, seeds[0]).split(rows, y, groups_of_cv))
        size = len(splits) // n_repeats
        repeats = [splits[start : start + size] for start in range(0, len(splits), size)]
    else:
        repeats = [list(_seed_splitter(cv, s).split(rows, y, groups_of_cv)) for s in seeds]
    repeats = [[tuple(map(_row_numbers, split)) for split in splits] for splits in repeats]
    check_no_leakage = LeakageCheck(groups, X)
    for splits in repeats if redrawn else repeats[:1]:
        for train, test in splits:
            check_no_leakage(train, test)
            lacking = np.setdiff1d(y, y[train])
            if len(lacking):
                raise ValueError(
                    f"A training side has nothing of class {lacking[0]}, which is in one group "
                    f"only or in fewer than there are folds. Use a splitter that keeps every "
                    f"class in training, such as LeaveTreatmentsOut, or fewer folds."
                )
    folds = []
    for repeat, (splits, seed) in enumerate(zip(repeats, seeds, strict=True)):
        of_repeat = np.random.RandomState(seed)
        for number, (train, test) in enumerate(splits):
            folds.append(Fold(repeat, number, train, test, draw_seed(of_repeat)))
    _check_every_class_tested(folds, y)
    return folds, redrawn


def _row_numbers(side):
    """Rows as an array, where they may be a list or a mask."""
    side = np.asarray(side)
    return np.flatnonzero(side) if side.dtype == bool else side


def _seed_splitter(cv, seed):
    if _draws(cv):
        cv = copy(cv)
        cv.random_state = seed
    return cv


def _draws(cv):
    """Tell whether a splitter draws its folds at random."""
    if isinstance(cv, LeaveTreatmentsOut):
        return cv.n_splits is not None
    return hasattr(cv, "random_state") and getattr(cv, "shuffle", True)


def _check_every_class_tested(folds, y):
    """Refuse a repeat that tests no row of a class, whose recall would not be known."""
    for repeat in sorted({fold.repeat for fold in folds}):
        tested = np.concatenate([fold.test for fold in folds if fold.repeat == repeat])
        lacking = np.setdiff1d(y, y[tested])
        if len(lacking):
            raise ValueError(
                f"No plant of class {lacking[0]} is tested in repeat {repeat}, so that there is "
                f"no score of it. Use a splitter that tests every class."
            )


def draw_seed(rng):
    """Draw an int for a `random_state`."""
    return int(rng.randint(np.iinfo(np.int32).max))


def seed_parameters(estimator):
    """Names of the parameters that hold a seed, those of steps and inner estimators included."""
    names = estimator.get_params(deep=True)
    return sorted(n for n in names if n == "random_state" or n.endswith("__random_state"))


def seeded(estimator, seed):
    """Clone an estimator with all its seeds drawn from one."""
    rng = np.random.RandomState(seed)
    seeds = {name: draw_seed(rng) for name in seed_parameters(estimator)}
    return clone(estimator).set_params(**seeds)


def run(tasks, *, memory=None, n_jobs=None, verbose=1, desc=None):
    """Yield (place in the list, Outcome) as the tasks get done.

    Parameters
    ----------
    tasks : list of Task
        What to do, in the order in which it is worth most: Ctrl-C ends the list early.
    memory : str, path-like or None
        Folder in which outcomes are kept, a file each. A task that was finished is never run again,
        also after a kill.
    n_jobs : int or None
        Number of processes.
    verbose : {0, 1}
        Whether to show a progress bar.
    desc : str or None
        What the bar says.

    Yields
    ------
    tuple of (int, Outcome)
        In any order.
    """
    paths = [None] * len(tasks)
    if memory is not None:
        Path(memory).mkdir(parents=True, exist_ok=True)
        # Absolute, for workers that were started elsewhere.
        paths = [Path(memory, f"{key}.joblib").absolute() for key in _keys(tasks)]
    try:
        parallel = Parallel(n_jobs=n_jobs, return_as="generator_unordered")
    except ValueError as error:
        if "return_as" not in str(error):
            raise
        # The backend gives nothing back before the end, as ray's.
        parallel = Parallel(n_jobs=n_jobs)
    # X is an argument of its own: clusters send one that they know already once only.
    done = parallel(
        delayed(_fit_once)(place, path, replace(task, X=None), task.X)
        for place, (path, task) in enumerate(zip(paths, tasks, strict=True))
    )
    # smoothing=0: slow and fast models take turns, so the last fits say little of the time left.
    bar = tqdm(total=len(tasks), desc=desc, unit="fit", smoothing=0, disable=not verbose)
    with bar:
        for place, outcome in done:
            bar.update()
            yield place, outcome


def _keys(tasks):
    """What each task is found by.

    Hashed here and not by the workers, in which classes of the user's own script have no name.
    """
    digests = {id(task.X): task.X for task in tasks}
    try:
        digests = {name: joblib.hash(X) for name, X in digests.items()}
        return [
            joblib.hash((t.estimator, digests[id(t.X)], t.y, t.fold, t.fit_params, VERSIONS))
            for t in tasks
        ]
    except (PicklingError, AttributeError) as error:
        raise ValueError(
            f"memory cannot tell fits apart, since something in them has no name: {error} Define "
            f"functions and classes at the top of a module, or do without memory."
        ) from error


def _fit_once(place, path, task, X):
    """Fit, unless the outcome is on disk already. What is put there is whole, also after a kill."""
    if path is not None and path.exists():
        return place, joblib.load(path)
    try:
        outcome = fit_and_predict(replace(task, X=X))
    except Exception as error:
        if isinstance(error, InvalidParameterError):
            # Or else scikit-learn takes the parameter for one of the function that was called.
            error = ValueError(str(error))
        error.add_note(f"In repeat {task.fold.repeat}, fold {task.fold.number} of {task.estimator}")
        raise error
    if path is not None:
        half_written = path.with_suffix(f".{uuid4().hex}")
        joblib.dump(outcome, half_written)
        half_written.replace(path)
    return place, outcome


def fit_and_predict(task):
    """Fit on one side of the fold, predict the other.

    Parameters
    ----------
    task : Task
        What to do.

    Returns
    -------
    Outcome
        Predictions and what it took to make them.
    """
    estimator, X, y, fold = clone(task.estimator), task.X, task.y, task.fold
    params = {name: _safe_indexing(value, fold.train) for name, value in task.fit_params.items()}
    start = perf_counter()
    with quiet_about_onset(estimator, X.shape[1]):
        estimator.fit(_safe_indexing(X, fold.train), y[fold.train], **params)
    fitted = perf_counter()
    X_test = _safe_indexing(X, fold.test)
    predicted = estimator.predict(X_test)
    done = perf_counter()
    proba = decision = None
    if hasattr(estimator, "predict_proba"):
        proba = estimator.predict_proba(X_test)
    elif hasattr(estimator, "decision_function"):
        decision = estimator.decision_function(X_test)
    donors = {}
    for name, step in getattr(estimator, "steps", []):
        if hasattr(step, "donors_"):
            donors[name] = fold.train[step.donors_]
        if hasattr(step, "fit_resample"):
            break  # a sampler after this one is given rows that are no plants
    return Outcome(
        predicted, proba, decision, estimator.classes_, donors, fitted - start, done - fitted
    )
