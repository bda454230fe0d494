"""The smallest unit of a study: an estimator fitted on one side of a split, asked the other.

Tables, curves and permutations are all lists of such tasks. Each is seeded beforehand, so that it
gives the same result wherever and whenever it runs, and can be saved on disk.
"""

import warnings
from contextlib import suppress
from dataclasses import dataclass, field, replace
from importlib.metadata import PackageNotFoundError, version
from pickle import PicklingError
from time import perf_counter

import joblib
import numpy as np
from sklearn.base import clone
from sklearn.utils import _safe_indexing
from sklearn.utils._param_validation import InvalidParameterError
from sklearn.utils.parallel import Parallel, delayed
from tqdm.auto import tqdm

from ..resampling._onset import quiet_about_onset
from ._folds import Fold, draw_seed
from ._outcomes import DamagedOutcomeError, Outcome, OutcomeStore, read_outcome, write_outcome

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


# No outcome is read from disk after one of these has changed.
VERSIONS = dict(_find_versions())


@dataclass(frozen=True)
class Task:
    """An estimator that is seeded already, its data and a fold of them."""

    estimator: object
    X: object
    y: np.ndarray
    fold: Fold
    fit_params: dict = field(default_factory=dict)


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
        Folder in which outcomes are saved, a file each. A task that was finished is never run
        again, also after a kill. A damaged file is named in a warning, and its task runs again.
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
    paths, saved = [None] * len(tasks), {}
    if memory is not None:
        store = OutcomeStore(memory)
        store.remove_leftovers()
        paths = [store.path(key) for key in _keys(tasks)]
        saved = _read_saved(paths)
    yield from saved.items()
    to_do = [place for place in range(len(tasks)) if place not in saved]
    # X is an argument of its own: clusters send one that they know already once only.
    done = _parallel(n_jobs)(
        delayed(_fit_once)(place, paths[place], replace(tasks[place], X=None), tasks[place].X)
        for place in to_do
    )
    # smoothing=0: slow and fast models alternate, so the last fits say little of the time left.
    with tqdm(
        total=len(tasks),
        initial=len(saved),
        desc=desc,
        unit="fit",
        smoothing=0,
        disable=not verbose,
    ) as bar:
        for place, outcome in done:
            bar.update()
            yield place, outcome


def _parallel(n_jobs):
    try:
        return Parallel(n_jobs=n_jobs, return_as="generator_unordered")
    except ValueError as error:
        if "return_as" not in str(error):
            raise
        # The backend returns nothing before the end, as ray's.
        return Parallel(n_jobs=n_jobs)


def _read_saved(paths):
    """Outcomes on disk by their place. Damaged ones are reported here, not in the workers."""
    saved, damaged = {}, []
    for place, path in enumerate(paths):
        try:
            outcome = read_outcome(path)
        except DamagedOutcomeError as error:
            damaged.append(str(error))
            continue
        if outcome is not None:
            saved[place] = outcome
    if damaged:
        others = f" So are {len(damaged) - 1} other files." if len(damaged) > 1 else ""
        warnings.warn(f"{damaged[0]}{others} The fit runs again.", stacklevel=5)
    return saved


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
    """Fit, unless another process that shares the folder has done so by now."""
    if path is not None:
        with suppress(DamagedOutcomeError):  # reported already
            outcome = read_outcome(path)
            if outcome is not None:
                return place, outcome
    try:
        outcome = fit_and_predict(replace(task, X=X))
    except Exception as error:
        if isinstance(error, InvalidParameterError):
            # Otherwise scikit-learn takes it for a parameter of the function that was called.
            error = ValueError(str(error))
        error.add_note(f"In repeat {task.fold.repeat}, fold {task.fold.number} of {task.estimator}")
        raise error
    if path is not None:
        write_outcome(path, outcome)
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
            break  # a sampler after this one gets rows that are no plants
    return Outcome(
        predicted,
        proba,
        decision,
        estimator.classes_,
        donors,
        fit_time=fitted - start,
        predict_time=done - fitted,
        n_lacking=getattr(estimator, "n_lacking_", 0),
    )
