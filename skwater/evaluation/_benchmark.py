"""One call that scores models beside baselines on the same folds."""

import os
import sys
import warnings
from collections.abc import Mapping
from contextlib import suppress
from itertools import product
from numbers import Integral
from typing import Literal

from numpy.typing import ArrayLike
from sklearn import get_config
from sklearn.base import is_classifier
from sklearn.utils import check_consistent_length
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.metadata_routing import get_routing_for_object

from .._typing import Estimator, RandomState, Splitter, StrPath
from .._validation import validate_params
from ..resampling._onset import warn_of_onset
from ..sequences import SequencesLike
from ._baselines import METADATA_ONLY, default_baselines
from ._benchmark_result import BenchmarkResult
from ._folds import make_folds
from ._table import Fit
from ._tasks import Task, run, seed_parameters, seeded
from ._validation import check_memory_can_help, check_metadata, check_plants, check_pos_label


@validate_params(
    {
        "estimators": [dict],
        "n_repeats": [Interval(Integral, 1, None, closed="left")],
        "baselines": [StrOptions({"default"}), dict, None],
        "params": [dict, None],
        "n_jobs": [Integral, None],
        "memory": [str, os.PathLike, None],
        "random_state": ["random_state"],
        "verbose": [Interval(Integral, 0, 1, closed="both")],
    },
    prefer_skip_nested_validation=True,
)
def benchmark(
    estimators: Mapping[str, Estimator],
    X: SequencesLike,
    y: ArrayLike,
    *,
    groups: ArrayLike,
    treatments: ArrayLike | None = None,
    metadata: ArrayLike | None = None,
    cv: Splitter | None = None,
    n_repeats: int = 10,
    baselines: Literal["default"] | Mapping[str, Estimator] | None = "default",
    pos_label: float | str | None = None,
    params: Mapping[str, ArrayLike] | None = None,
    n_jobs: int | None = None,
    memory: StrPath | None = None,
    random_state: RandomState | None = None,
    verbose: int = 1,
) -> BenchmarkResult:
    """Score classifiers beside baselines by cross-validation, with intervals and p-values.

    Everything that an estimator learns (splices, scales, stopping) is learned inside the fold,
    because the whole estimator is fitted there: put samplers and scalers into its pipeline. Splits
    that share plants, frames or donors are refused. Baselines are added automatically; a deep
    model that is no better than the best of them has shown nothing.

    What can mislead: settings that were chosen while looking at these scores; the p-value of the
    best of many models; plants of one treatment, which resemble each other (pass `treatments` to
    leave them out together); and ROC AUC, which is taken over folds whose models need not have
    the same scale. If a whole treatment is left out, models that know nothing score below 0.5:
    what is left out makes its class rarer in training.

    Parameters
    ----------
    estimators : dict of str to estimator
        Classifiers by the name that they have in the table. They are cloned, and every
        `random_state` in them is set, to another seed for each fit.
    X : array-like or lazy sequences of shape (n_samples, n_frames, ...)
        Sequences, one row a plant.
    y : array-like of shape (n_samples,)
        Class of each row.
    groups : array-like of shape (n_samples,)
        Plant of each row. Rows of a group are never on both sides of a split.
    treatments : array-like of shape (n_samples,), default=None
        Treatment of each row: what :class:`~skwater.model_selection.LeaveTreatmentsOut` leaves
        out, and what the test of differences takes as independent.
    metadata : array-like or DataFrame of shape (n_samples, n_columns), default=None
        What is known of a plant without looking at it, for a baseline of its own. Columns that
        are not numbers are taken as categories.
    cv : int, splitter or iterable of splits, default=None
        An int is the number of folds of plants, stratified by class. None leaves one treatment
        out at a time if `treatments` are given, and otherwise makes 3 folds of plants. Of the
        splitters only :class:`~skwater.model_selection.LeaveTreatmentsOut` looks at `treatments`.
    n_repeats : int, default=10
        How often cross-validation is repeated. Splitters that draw their folds draw new ones for
        each repeat (and those that repeat themselves keep their own number). With other
        splitters the folds stay and only the seeds of the estimators change; those without
        any `random_state` are then fitted once.
    baselines : "default", dict of str to estimator or None, default="default"
        By default the majority class; `metadata` only, if they are given; logistic regression
        on the canopy cover of color images, or else the mean of each channel of each frame, of
        all frames and of the last; and MiniRocket and Hydra on the same numbers, if aeon is
        installed and there are nine frames or more.
    pos_label : int, float, bool or str, default=None
        The stressed class, of which precision, recall, F1, ROC AUC and Brier score are. None is 1
        if the labels are 0 and 1 or -1 and 1. String labels have no natural positive class: pass
        it. With three classes or more, None gives the means over all classes (macro average; ROC
        AUC of each class against the others).
    params : dict of str to array-like, default=None
        Arrays of one value a row, such as ``strata``, that are passed to the fit of those
        estimators that request them; needs scikit-learn's metadata routing to be enabled.
    n_jobs : int, default=None
        Number of processes; None is one, or what ``joblib.parallel_config`` says.
    memory : str or path-like, default=None
        Folder in which the outcomes of finished fits are kept, so that a study that was killed
        goes on where it was; several processes can share it. They are found by the parameters
        of the estimator, data, fold, seed and the versions of the libraries; image files by
        path, and size and date when `X` was made, classes of your own by their name, so that a
        new folder is needed if these have changed. Each file has a checksum and holds numbers and
        labels only, no pickle: the fit of a damaged one runs again. Needs an int as
        `random_state`.
    random_state : int, RandomState instance or None, default=None
        Seed of folds and estimators.
    verbose : {0, 1}, default=1
        Whether to print how many fits there are, and to show a progress bar with the time left.

    Returns
    -------
    BenchmarkResult
        The table. After Ctrl-C it holds what was finished, and its ``complete`` is False.

    Raises
    ------
    ValueError
        If a split leaks, training lacks a class, or lengths or labels do not fit.
    OSError
        If the disk of `memory` is full. What was finished stays there.

    Warns
    -----
    UserWarning
        If Ctrl-C ended it early; if a file in `memory` is damaged; or if sequences end before the
        `onset` of an :class:`~skwater.RSSResampler`, which then splices within classes.

    See Also
    --------
    permutation_test : Whether a score could be chance.
    early_detection_curve : Scores over the season.
    skwater.model_selection.check_no_leakage : What refuses a split.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import LogisticRegression
    >>> from skwater.evaluation import benchmark
    >>> rng = np.random.default_rng(0)
    >>> X, y = rng.normal(size=(24, 5)), np.arange(24) % 2  # noise
    >>> result = benchmark(
    ...     {"lr": LogisticRegression()}, X, y, groups=np.arange(24), n_repeats=2, random_state=0,
    ...     verbose=0,
    ... )
    >>> row = result.rows[0]
    >>> row["balanced_ci_low"] < 0.5 < row["balanced_ci_high"]
    True
    """
    X, y, groups, treatments = check_plants(X, y, groups, treatments)
    pos_label = check_pos_label(y, pos_label)
    check_memory_can_help(memory, random_state)
    params = {} if params is None else params
    check_consistent_length(X, *params.values())
    baselines, data = _check_baselines(baselines, X, metadata)
    models = _check_models(estimators, baselines)
    _check_params(models, params)
    folds, redrawn = make_folds(cv, X, y, groups, treatments, n_repeats=n_repeats, rng=random_state)
    planned = [
        (name, fold)
        for fold, name in product(folds, models)
        if redrawn or fold.repeat == 0 or seed_parameters(models[name])
    ]
    tasks = []
    for name, fold in planned:
        estimator, requested = seeded(models[name], fold.seed), _requested(models[name], params)
        tasks.append(Task(estimator, data.get(name, X), y, fold, requested))
    warn_of_onset(models.values(), [X.shape[1]], stacklevel=3)
    if verbose:
        counts = f"{len(tasks)} fits ({len(models)} models, {len(folds)} folds)"
        print(f"benchmark: {counts}; the time left follows.", file=sys.stderr)
    outcomes, bar = {}, {"verbose": verbose, "desc": "benchmark"}
    with suppress(KeyboardInterrupt):  # what is finished stays
        outcomes.update(run(tasks, memory=memory, n_jobs=n_jobs, **bar))
    if len(outcomes) < len(tasks):
        warnings.warn(
            f"Interrupted after {len(outcomes)} of {len(tasks)} fits. The table holds the models "
            f"and repeats that were finished.",
            stacklevel=3,
        )
    return BenchmarkResult(
        fits=[Fit(*planned[place], outcome) for place, outcome in sorted(outcomes.items())],
        models=models,
        baselines=list(baselines),
        y=y,
        groups=groups,
        treatments=treatments,
        pos_label=pos_label,
        cv=cv,
        redrawn=redrawn,
        planned=planned,
    )


def _check_baselines(baselines, X, metadata):
    """Baselines by name, and what they are fitted on if it is not X."""
    if baselines != "default":
        if metadata is not None:
            raise ValueError("metadata are for the default baselines only; others are given.")
        return baselines or {}, {}
    if metadata is None:
        return default_baselines(X), {}
    metadata = check_metadata(metadata, len(X))
    return default_baselines(X, metadata), {METADATA_ONLY: metadata}


def _check_models(estimators, baselines):
    """All models in the order of the table."""
    for name, model in (estimators | baselines).items():
        if isinstance(model, type) or not (hasattr(model, "fit") and is_classifier(model)):
            raise ValueError(f"{name} is not a classifier: {model!r}.")
    both = sorted(set(estimators) & set(baselines))
    if both:
        raise ValueError(f"Estimators and baselines share names: {both}. Rename the estimators.")
    if not estimators and not baselines:
        raise ValueError("There is nothing to score: both estimators and baselines are empty.")
    return estimators | baselines


def _check_params(models, params):
    """Refuse params that no estimator would get."""
    if params and not get_config()["enable_metadata_routing"]:
        raise ValueError(
            f"params ({', '.join(params)}) need scikit-learn's metadata routing: call "
            f"sklearn.set_config(enable_metadata_routing=True)."
        )
    for name in params:
        if not any(_requested(model, {name: None}) for model in models.values()):
            raise ValueError(
                f"No estimator asks for {name!r} in params. One does after, for example, "
                f"RSSResampler().set_fit_resample_request({name}=True)."
            )


def _requested(estimator, params):
    """Return those of the params that the fit of an estimator requests."""
    if not params:
        return {}
    wanted = get_routing_for_object(estimator).consumes("fit", params)
    return {name: params[name] for name in params if name in wanted}
