"""Could labels that mean nothing have scored as well?"""

import os
import warnings
from collections import Counter
from functools import partial
from itertools import chain, islice, product
from math import factorial, prod
from numbers import Integral

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.metrics import check_scoring, get_scorer_names
from sklearn.model_selection import check_cv
from sklearn.utils import Bunch, check_consistent_length, check_random_state
from sklearn.utils._param_validation import HasMethods, Interval, StrOptions, validate_params
from sklearn.utils.metaestimators import available_if

from ..model_selection._groups import check_groups
from ..resampling._onset import warn_of_onset
from ._folds import Task, draw_seed, make_folds, run, seeded
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
    estimator,
    X,
    y,
    *,
    groups,
    treatments=None,
    strata=None,
    cv=None,
    scoring="balanced_accuracy",
    n_permutations=1000,
    n_jobs=None,
    memory=None,
    random_state=None,
    verbose=1,
):
    r"""Test whether labels given at random to whole treatments would have scored as well.

    The labels are exchanged as they were given: those of whole treatments, for the plants of a
    tray that was left dry are dry together, and its neighbours share more with them than the
    stress. Every labeling is cross-validated as the true one is, with the same seeds; its score
    pools the predictions of all folds, since a fold of one treatment has one class only. Where
    the :math:`m` distinct labelings are no more than `n_permutations` all are scored, and p is
    exact, otherwise so many are drawn [1]_ [2]_. With :math:`s_0` the score of the true labels,

    .. math:: p = \frac{\#\{i : s_i \ge s_0\}}{m} \quad\text{(all, the true one included)}, \qquad
       p = \frac{1 + \#\{i : s_i \ge s_0\}}{1 + \text{n\_permutations}} \quad\text{(drawn)}

    That is right where the treatments could have got their labels in any other order: by a draw,
    or at least by nothing that shows in the photos. Where the dry trays stood by the door, a small
    p proves the draught as well as the drought; see :func:`early_detection_curve` for a control.
    Plants that got the stress tray by tray but are exchanged one by one (``treatments=None``)
    make p far too small. No p can be smaller than one in the number of labelings, twice that
    where mirrored labels score the same (two classes of as many treatments each), so that few
    treatments cannot prove anything. It speaks of this estimator with settings that were chosen
    without these plants; it says nothing of how large the effect is.

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
        the labels of plants, which is right only where they got the stress one by one.
    strata : array-like of shape (n_samples,), default=None
        Stratum of each sequence, say its nitrogen level. Labels are exchanged within strata only,
        which is right if the stress was given to some treatments of each; those of a stratum with
        one class stay. Differences between strata then help all labelings alike.
    cv : int, splitter or iterable of splits, default=None
        An int is the number of stratified folds over plants. None leaves each treatment out once,
        or without treatments is 3. A splitter that looks at the labels splits every labeling
        anew, with the same seed; where it has repeats, the score is their mean.
    scoring : str or callable, default="balanced_accuracy"
        Name of a scorer of scikit-learn, or a scorer as :func:`sklearn.metrics.make_scorer` makes
        it. Ranks and probabilities of different folds, as for ``"roc_auc"``, are pooled too, and
        need not be comparable.
    n_permutations : int, default=1000
        How many labelings to score at most, beside the true one where they are drawn.
    n_jobs : int, default=None
        Number of processes, as in joblib.
    memory : str or path-like, default=None
        Folder in which finished fits are kept, so that a test that was killed goes on where it
        was. Needs an int as `random_state`.
    random_state : int, RandomState instance or None, default=None
        Seeds the labelings that are drawn, the folds and the estimator.
    verbose : {0, 1}, default=1
        Whether to show a progress bar.

    Returns
    -------
    result : :class:`sklearn.utils.Bunch`
        With the attributes:

        score : float
            Score of the true labels.
        null : ndarray of shape (n_scored,)
            Scores of the labelings: of all, the true one first, where the test is exact, or of
            the `n_permutations` that were drawn.
        pvalue : float
            Share of labelings that score as well as the true one, or better.
        smallest_pvalue : float
            What p would be if none but the true labels scored so well.
        exact : bool
            Whether all labelings were scored.
        n_labelings : int
            Number of distinct labelings.

    Raises
    ------
    ValueError
        If a treatment (or, without treatments, a plant) has more than one class or stratum, plants
        or frames are on both sides of a split, or a labeling cannot be split.

    Warns
    -----
    UserWarning
        If the smallest possible p is above .05, whatever the scores; or if sequences end before
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
        cv = check_cv(cv)  # an iterable can be gone through once only
    labels, unit, blocks = exchangeable_units(y, groups, treatments, strata)
    n_labelings = prod(_count_orders(labels[block]) for block in blocks)
    exact = n_labelings <= n_permutations
    smallest_pvalue = _smallest_pvalue(labels, blocks, n_labelings, n_permutations)
    if smallest_pvalue >= 0.05:
        warnings.warn(_say_too_few(smallest_pvalue, n_labelings, n_permutations), stacklevel=3)

    warn_of_onset([estimator], [X.shape[1]], stacklevel=3)
    rng = check_random_state(random_state)
    estimator, split_seed = seeded(estimator, draw_seed(rng)), draw_seed(rng)
    orders = _all_orders(labels, blocks) if exact else _draw_orders(labels, blocks, rng)
    orders = islice(orders, n_labelings if exact else 1 + n_permutations)
    known = {"groups": groups, "treatments": treatments, "rng": split_seed}
    relabeled = (order[unit] for order in orders)
    labelings = _make_tasks(estimator, X, relabeled, partial(make_folds, cv, **known))
    tasks = list(chain.from_iterable(labelings))
    bar = {"verbose": verbose, "desc": "permutation_test"}
    outcomes = dict(run(tasks, memory=memory, n_jobs=n_jobs, **bar))
    in_order = (outcomes[place] for place in range(len(tasks)))
    scores = np.array([_pooled_score(scorer, of_one, in_order) for of_one in labelings])
    if not np.isfinite(scores).all():
        number = np.flatnonzero(~np.isfinite(scores))[0]
        raise ValueError(
            f"The score of labeling {number} is {scores[number]}: use another scoring."
        )
    as_good = scores >= scores[0] - 1e-9  # sums of the same shares can differ in their last digit
    return Bunch(
        score=float(scores[0]),
        null=scores if exact else scores[1:],
        pvalue=float(as_good.mean()),  # the true one counts as one of those drawn
        smallest_pvalue=smallest_pvalue,
        exact=exact,
        n_labelings=n_labelings,
    )


def exchangeable_units(y, groups, treatments, strata):
    """Find what labels are exchanged between: treatments or plants, within strata.

    Returns
    -------
    labels : ndarray of shape (n_units,)
        Label of each unit.
    unit : ndarray of shape (n_samples,), dtype int
        Unit of each row.
    blocks : list of ndarray of int
        Units of each stratum.
    """
    kind = "Plant" if treatments is None else "Treatment"
    labels, unit = _label_of_each(y, groups if treatments is None else treatments, kind)
    if strata is None:
        return labels, unit, [np.arange(len(labels))]
    strata = check_groups(strata)
    check_consistent_length(y, strata)
    of_unit = strata[np.unique(unit, return_index=True)[1]]
    mixed = np.flatnonzero(strata != of_unit[unit])
    if len(mixed):
        raise ValueError(
            f"{kind} {(groups if treatments is None else treatments)[mixed[0]]} is in several "
            f"strata, {of_unit[unit[mixed[0]]]} and {strata[mixed[0]]}, so that its label cannot "
            f"be exchanged within one."
        )
    return labels, unit, [np.flatnonzero(of_unit == stratum) for stratum in np.unique(of_unit)]


def _smallest_pvalue(labels, blocks, n_labelings, n_permutations):
    if n_labelings > n_permutations:
        return 1 / (1 + n_permutations)
    sizes = [list(Counter(labels[block].tolist()).values()) for block in blocks]
    # With two classes exchanged the task is the same.
    mirrored = len(np.unique(labels)) == 2 and all(len(set(n)) == 1 < len(n) for n in sizes)
    return (1 + mirrored) / n_labelings


def _say_too_few(smallest_pvalue, n_labelings, n_permutations):
    why = f"n_permutations={n_permutations} is too few."
    if n_labelings <= n_permutations:
        why = (
            f"the labels can be given in {n_labelings} ways only. Nothing but more treatments or "
            f"plants to exchange helps."
        )
    return f"p can never be below {smallest_pvalue:.2g} here, whatever the scores: {why}"


def _all_orders(labels, blocks):
    """Yield each labeling of the units once, the true one first."""
    for of_blocks in product(*(list(_distinct_orders(labels[b].tolist())) for b in blocks)):
        yield _fill(labels, blocks, of_blocks)


def _draw_orders(labels, blocks, rng):
    """Yield the true labeling, and then others without end."""
    yield labels
    while True:
        yield _fill(labels, blocks, [rng.permutation(labels[block]) for block in blocks])


def _fill(labels, blocks, of_blocks):
    filled = labels.copy()
    for block, order in zip(blocks, of_blocks, strict=True):
        filled[block] = order
    return filled


def _make_tasks(estimator, X, relabeled, split):
    """List the tasks of each labeling, the true one first."""
    labelings = []
    for number, y in enumerate(relabeled):
        # Frames are looked at once: what other labels leave together is on other sides here.
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


def _label_of_each(y, units, kind):
    """Label of each treatment or plant, and the number of that of each row."""
    names, first, unit = np.unique(units, return_index=True, return_inverse=True)
    labels = y[first]
    mixed = unit[y != labels[unit]]
    if len(mixed) == 0:
        return labels, unit
    i = mixed[0]
    remedy = (
        "If the stress was given plant by plant, and only then, pass treatments=None."
        if kind == "Treatment"
        else "groups must name what has one label."
    )
    raise ValueError(
        f"{kind} {names[i]} has plants of the classes {np.unique(y[unit == i]).tolist()}, so that "
        f"its label cannot be exchanged for that of another. {remedy}"
    )


def _count_orders(labels):
    """Number of distinct orders of labels."""
    return factorial(len(labels)) // prod(map(factorial, Counter(labels.tolist()).values()))


def _distinct_orders(labels):
    """Yield each distinct order of a list of labels once, the given one first."""
    if not labels:
        yield []
    for label in dict.fromkeys(labels):
        rest = labels.copy()
        rest.remove(label)
        for order in _distinct_orders(rest):
            yield [label, *order]


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
    """Repeats to a scorer what the models of the folds said, each of its own test plants."""

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
