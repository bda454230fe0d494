"""Could labels that mean nothing have scored as well?"""

import os
import warnings
from collections.abc import Callable
from functools import partial
from itertools import chain
from numbers import Integral

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.metrics import check_scoring, get_scorer_names
from sklearn.model_selection import check_cv
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import HasMethods, Interval, StrOptions
from sklearn.utils.metaestimators import available_if

from .._typing import Estimator, RandomState, Splitter, StrPath
from .._validation import validate_params
from ..resampling._onset import warn_of_onset
from ..sequences import SequencesLike
from ._folds import draw_seed, make_folds
from ._labelings import find_labelings
from ._permutation_result import PermutationResult
from ._tasks import Task, run, seeded
from ._validation import check_memory_can_help, check_plants


@validate_params(
    {
        "estimator": [HasMethods(["fit", "predict"])],
        "scoring": [StrOptions(set(get_scorer_names())), callable],
        "n_permutations": [Interval(Integral, 1, None, closed="left")],
        "n_jobs": [Integral, None],
        "memory": [str, os.PathLike, None],
        "random_state": ["random_state"],
        "verbose": [Interval(Integral, 0, 1, closed="both")],
    },
    prefer_skip_nested_validation=False,
)
def permutation_test(
    estimator: Estimator,
    X: SequencesLike,
    y: ArrayLike,
    *,
    groups: ArrayLike,
    treatments: ArrayLike | None = None,
    strata: ArrayLike | None = None,
    cv: Splitter | None = None,
    scoring: str | Callable[..., float] = "balanced_accuracy",
    n_permutations: int = 1000,
    n_jobs: int | None = None,
    memory: StrPath | None = None,
    random_state: RandomState | None = None,
    verbose: int = 1,
) -> PermutationResult:
    r"""Test whether labels exchanged at random would have scored as well.

    The labels are exchanged as they were given: those of whole treatments, because the plants of a
    tray that was left dry are dry together, and share more with their neighbors than the stress.
    Every labeling is cross-validated as the true one is, with the same seeds; its score pools
    the predictions of all folds, since a fold of one treatment has one class only. If the
    :math:`m` distinct labelings are no more than `n_permutations`, all are scored and p is exact;
    otherwise so many are drawn [1]_ [2]_. With :math:`s_0` the score of the true labels,

    .. math:: p = \frac{\#\{i : s_i \ge s_0\}}{m} \quad\text{(all, the true one included)}, \qquad
       p = \frac{1 + \#\{i : s_i \ge s_0\}}{1 + \text{n\_permutations}} \quad\text{(drawn)}

    That is valid if the treatments could have got their labels in any other order: by a draw, or
    at least by nothing that shows in the images. If the dry trays stood by the door, a small p
    proves the draft as well as the drought; see :func:`early_detection_curve` for a control.
    If plants got the stress tray by tray but are exchanged one by one (``treatments=None``), p is
    far too small. No p can be smaller than one in the number of labelings, twice that if mirrored
    labels score the same (two classes of as many treatments each), so that few treatments cannot
    prove anything. It speaks of this estimator with settings that were chosen without these
    plants; it says nothing of how large the effect is.

    Parameters
    ----------
    estimator : estimator instance
        Classifier or pipeline, cloned for every fit.
    X : array-like or lazy sequences of shape (n_samples, n_frames, ...)
        Sequences.
    y : array-like of shape (n_samples,)
        Class of each sequence.
    groups : array-like of shape (n_samples,)
        Plant of each sequence. No plant is ever on both sides of a split.
    treatments : array-like of shape (n_samples,), default=None
        Treatment, tray or plot of each sequence: what got its label as a whole. None exchanges
        the labels of plants, which is valid only if they got the stress one by one.
    strata : array-like of shape (n_samples,), default=None
        Stratum of each sequence, for example its nitrogen level. Labels are exchanged within
        strata only, which is right if the stress was given to some treatments of each.
        Differences between strata then help all labelings alike. Strata of one class contribute
        nothing.
    cv : int, splitter or iterable of splits, default=None
        An int is the number of stratified folds over plants. None leaves each treatment out once,
        or without treatments is 3. A splitter that looks at the labels splits every labeling
        anew, with the same seed; if it has repeats, the score is their mean.
    scoring : str or callable, default="balanced_accuracy"
        Name of a scorer of scikit-learn, or a scorer as :func:`sklearn.metrics.make_scorer` makes
        it. Ranks and probabilities of different folds, as for ``"roc_auc"``, are pooled too, and
        need not be comparable.
    n_permutations : int, default=1000
        Largest number of labelings to score, beside the true one if they are drawn. If there are
        fewer, all are scored, and p is exact.
    n_jobs : int, default=None
        Number of processes, as in joblib.
    memory : str or path-like, default=None
        Folder in which the outcomes of finished fits are kept, as in :func:`benchmark`. Needs an
        int as `random_state`.
    random_state : int, RandomState instance or None, default=None
        Seeds the labelings that are drawn, the folds and the estimator.
    verbose : {0, 1}, default=1
        Whether to show a progress bar.

    Returns
    -------
    PermutationResult
        The score, those of the labelings, and p.

    Raises
    ------
    ValueError
        If a treatment (or, without treatments, a plant) has more than one class or stratum, plants
        or frames are on both sides of a split, or a labeling cannot be split.

    Warns
    -----
    UserWarning
        If the smallest possible p is above 0.05, whatever the scores; or if sequences end before
        the `onset` of an :class:`~skwater.RSSResampler`, which then splices within classes.

    See Also
    --------
    sklearn.model_selection.permutation_test_score : Exchanges the labels of rows; with `groups`,
        only within them.
    skwater.model_selection.LeaveTreatmentsOut : The splitter used by default.

    References
    ----------
    .. [1] Ojala, M. and Garriga, G. C. (2010). Permutation tests for studying classifier
       performance. Journal of Machine Learning Research 11, 1833-1863.
       https://jmlr.org/papers/v11/ojala10a.html
    .. [2] Phipson, B. and Smyth, G. K. (2010). Permutation p-values should never be zero:
       calculating exact p-values when permutations are randomly drawn. Statistical Applications
       in Genetics and Molecular Biology 9 (1), 39. https://doi.org/10.2202/1544-6115.1585

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import LogisticRegression
    >>> from skwater.evaluation import permutation_test
    >>> treatments = np.repeat(np.arange(7), 3)  # seven trays of three plants
    >>> y = np.isin(treatments, [0, 2, 5]).astype(int)  # three of them dry
    >>> X = np.random.default_rng(0).normal(size=(21, 4))
    >>> X[y == 1, 2:] -= 3  # dry plants have less cover in the end
    >>> result = permutation_test(
    ...     LogisticRegression(), X, y, groups=np.arange(21), treatments=treatments, verbose=0
    ... )
    >>> result.n_labelings, result.exact
    (35, True)
    >>> print(f"{result.pvalue:.3f}, smallest possible {result.smallest_pvalue:.3f}")
    0.029, smallest possible 0.029
    """
    X, y, groups, treatments = check_plants(X, y, groups, treatments)
    check_memory_can_help(memory, random_state)
    scorer = check_scoring(estimator, scoring=scoring)
    if cv is not None and not isinstance(cv, Integral):
        cv = check_cv(cv)  # an iterable can be read once only
    labelings = find_labelings(y, groups, treatments, strata)
    exact = labelings.count <= n_permutations
    smallest_pvalue = labelings.smallest_pvalue(n_permutations)
    if smallest_pvalue >= 0.05:
        warnings.warn(
            _explain_smallest(smallest_pvalue, labelings.count, n_permutations), stacklevel=3
        )
    warn_of_onset([estimator], [X.shape[1]], stacklevel=3)

    rng = check_random_state(random_state)
    estimator, split_seed = seeded(estimator, draw_seed(rng)), draw_seed(rng)
    known = {"groups": groups, "treatments": treatments, "rng": split_seed}
    relabeled = labelings.generate(n_permutations, rng)
    of_labelings = _make_tasks(estimator, X, relabeled, partial(make_folds, cv, **known))
    tasks = list(chain.from_iterable(of_labelings))
    bar = {"verbose": verbose, "desc": "permutation_test"}
    outcomes = dict(run(tasks, memory=memory, n_jobs=n_jobs, **bar))
    in_order = (outcomes[place] for place in range(len(tasks)))
    scores = np.array([_pooled_score(scorer, of_one, in_order) for of_one in of_labelings])
    if not np.isfinite(scores).all():
        number = np.flatnonzero(~np.isfinite(scores))[0]
        raise ValueError(
            f"The score of labeling {number} is {scores[number]}: use another scoring."
        )
    as_good = scores >= scores[0] - 1e-9  # sums of the same shares can differ in their last digit
    return PermutationResult(
        score=float(scores[0]),
        null=scores if exact else scores[1:],
        pvalue=float(as_good.mean()),  # the true one counts as one of those drawn
        smallest_pvalue=smallest_pvalue,
        exact=exact,
        n_labelings=labelings.count,
        scoring=scoring if isinstance(scoring, str) else "score",
        units="plants" if treatments is None else "treatments",
        n_units=len(labelings.labels),
    )


def _explain_smallest(smallest_pvalue, n_labelings, n_permutations):
    why = f"n_permutations={n_permutations} is too few."
    if n_labelings <= n_permutations:
        why = (
            f"the labels can be given in {n_labelings} ways only. Nothing but more treatments or "
            f"plants to exchange helps."
        )
    return f"p can never be below {smallest_pvalue:.2g} here, whatever the scores: {why}"


def _make_tasks(estimator, X, relabeled, split):
    """List the tasks of each labeling, the true one first."""
    labelings = []
    for number, y in enumerate(relabeled):
        # Frames are compared for the true labels only: other labelings split the same plants.
        sequences = X if number == 0 else None
        try:
            folds, _ = split(sequences, y)
        except ValueError as error:
            if number > 0:
                error.add_note(
                    "The true labels can be split, but others cannot. Use a splitter that trains "
                    "on and tests every class whatever the labels, such as LeaveTreatmentsOut()."
                )
            raise
        labelings.append([Task(estimator, X, y, fold) for fold in folds])
    return labelings


def _pooled_score(scorer, tasks, outcomes):
    """Score the predictions of all folds together, as the mean over repeats.

    `outcomes` is an iterator, of which one is taken for each task.
    """
    repeats = {}
    for task, outcome in zip(tasks, outcomes, strict=False):
        repeats.setdefault(task.fold.repeat, []).append((task.fold.test, outcome))
    scores = []
    for tests_and_outcomes in repeats.values():
        tests, of_repeat = zip(*tests_and_outcomes, strict=True)
        rows = np.concatenate(tests)
        scores.append(scorer(_ModelsOfAllFolds(of_repeat), rows, tasks[0].y[rows]))
    return np.mean(scores)


class _ModelsOfAllFolds(ClassifierMixin, BaseEstimator):
    """Returns to a scorer what the models of the folds predicted for their test plants."""

    def __init__(self, outcomes):
        self.outcomes = outcomes
        self.classes_ = outcomes[0].classes

    def predict(self, rows):
        return np.concatenate([outcome.predicted for outcome in self.outcomes])

    @available_if(lambda self: self.outcomes[0].proba is not None)
    def predict_proba(self, rows):
        return np.concatenate([outcome.proba for outcome in self.outcomes])

    @available_if(lambda self: self.outcomes[0].decision is not None)
    def decision_function(self, rows):
        return np.concatenate([outcome.decision for outcome in self.outcomes])
