"""What a benchmark returns: the table, printed, plotted, written down and put into words."""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass, field
from numbers import Integral
from typing import TYPE_CHECKING

import numpy as np

from ._result import Result, show_count, show_interval, show_libraries, show_number, show_pvalue
from ._scores import PERMUTATION, count_plants
from ._table import tabulate

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from ..plotting import BenchmarkDisplay


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class BenchmarkResult(Result):
    """Scores of several models on the same folds; :func:`~skwater.evaluation.benchmark` makes it.

    Printing it gives the table, and a notebook shows it as one.

    Parameters
    ----------
    fits : list of Fit
        What was finished.
    models : dict of str to estimator
        All models by name, baselines last.
    baselines : list of str
        Those of them that are baselines.
    y : ndarray of shape (n_samples,)
        Class of each row.
    groups : ndarray of shape (n_samples,)
        Plant of each row.
    treatments : ndarray of shape (n_samples,) or None
        Treatment of each row.
    pos_label : object
        The stressed class, or None if there are several classes and none was named.
    cv : object
        Splitter, number of folds or splits, as it was given.
    redrawn : bool
        Whether each repeat had folds of its own.
    planned : list of (str, Fold)
        Model and fold of all fits that were to be made.

    Attributes
    ----------
    rows : list of dict
        A row for each model of which a repeat was finished, in these columns. ``model``;
        ``kind``, "model" or "baseline"; ``accuracy``, ``balanced_accuracy`` over all classes;
        ``precision`` (NaN if nothing was classified as stressed), ``recall``, ``f1``, ``roc_auc``,
        ``brier`` of the stressed class, or, of several classes without ``pos_label``, their means
        over all classes (of the Brier score, half of the sum); ``n_correct`` plants classified
        correctly of ``n_plants``, a mean over repeats; ``ci_low`` and ``ci_high``, the exact 95 %
        interval of the accuracy; ``balanced_ci_low`` and ``balanced_ci_high``, that of the
        balanced accuracy; ``balanced_accuracy_sd`` over repeats; ``difference`` in balanced
        accuracy to the best baseline, its 95 % interval ``difference_low`` and
        ``difference_high`` and two-sided ``pvalue``; ``n_repeats``; median ``fit_time`` and
        ``predict_time`` of a fold in seconds.
    best_baseline : str or None
        The baseline of highest balanced accuracy, which models are compared with.
    complete : bool
        Whether all fits were finished.
    test : str
        Which test the p-values are of.
    notes : list of str
        What to know before the numbers are believed.

    See Also
    --------
    benchmark : Makes it.
    skwater.plotting.BenchmarkDisplay : What :meth:`plot` returns.

    Notes
    -----
    :meth:`to_json` writes all that is needed to make the table again, or to check it: the table
    (``rows``), its ``notes``, the ``versions`` of libraries, the ``models`` with their parameters,
    the ``protocol``, the rows on both sides of each of the ``folds``, and for each of the ``fits``
    the model, fold, seed, times, predictions, and ``donors``: for each sampler the rows of X whose
    frames its sequences are made of.

    Examples
    --------
    >>> import numpy as np
    >>> from skwater.evaluation import benchmark
    >>> X, y = np.array([[0.1], [0.2], [0.3], [2.1], [2.2], [2.3]]), [0, 0, 0, 1, 1, 1]
    >>> result = benchmark({}, X, y, groups=range(6), n_repeats=1, random_state=0, verbose=0)
    >>> for row in result.rows:
    ...     print(f"{row['model']}: {row['n_correct']:.0f} of {row['n_plants']} correct")
    majority class: 3 of 6 correct
    logistic regression, means: 6 of 6 correct
    logistic regression, last frame: 6 of 6 correct
    >>> result.notes
    ['Class 0 has only 3 plants: each of them changes the recall of the class by 0.33.']
    """

    fits: list
    models: dict
    baselines: list
    y: np.ndarray
    groups: np.ndarray
    treatments: np.ndarray | None
    pos_label: object
    cv: object
    redrawn: bool
    planned: list
    rows: list = field(init=False)
    best_baseline: str | None = field(init=False)
    test: str = field(init=False)
    complete: bool = field(init=False)
    notes: list = field(init=False)

    _part = "result"

    def __post_init__(self):
        for name, value in tabulate(self).items():
            object.__setattr__(self, name, value)

    def plot(self, ax: Axes | None = None) -> BenchmarkDisplay:
        """Plot balanced accuracies with their intervals.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, default=None
            Where to plot; None makes a new figure.

        Returns
        -------
        BenchmarkDisplay
            The display, plotted.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        ValueError
            If the result has no row.
        """
        import skwater

        return skwater.plotting.BenchmarkDisplay.from_result(self, ax=ax)

    def describe(self) -> str:
        """Describe in words what was done and found, for the methods section of a paper.

        Returns
        -------
        str
            A paragraph of English.
        """
        sentences = [
            f"{count_plants(self.groups)} plants, {_describe_classes(self)}, were scored by "
            f"{_describe_cv(self)}, with all of a plant on one side of every split and all "
            f"fitting, scaling and resampling inside the training side.",
            "Predictions of all folds of a repeat were scored together; scores are means over "
            "repeats, and intervals (95 %) are exact for the accuracy and by variance recovery "
            "(MOVER) for the balanced accuracy, with the number of plants as the sample size.",
            _describe_comparison(self),
            *[_describe_row(row) for row in self.rows],
            *self.notes,
            show_libraries(),
        ]
        return " ".join(filter(None, sentences))

    def _columns(self):
        return {
            name: cells
            for name, cells in self._html_columns().items()
            if name not in ("accuracy", "Brier", "fit (s)")  # a terminal is narrow
        }

    def _html_columns(self):
        shown = {
            "model": lambda row: row["model"],
            "balanced accuracy (95 %)": _show_balanced,
            "accuracy": lambda row: show_number(row["accuracy"]),
            "correct": lambda row: show_count(row["n_correct"], row["n_plants"]),
            "precision": lambda row: show_number(row["precision"]),
            "recall": lambda row: show_number(row["recall"]),
            "F1": lambda row: show_number(row["f1"]),
            "ROC AUC": lambda row: show_number(row["roc_auc"]),
            "Brier": lambda row: show_number(row["brier"]),
            "difference": _show_difference,
            "fit (s)": lambda row: f"{float(format(row['fit_time'], '.2g')):g}",
        }
        return {name: [show(row) for row in self.rows] for name, show in shown.items()}

    def _footnotes(self):
        if self.best_baseline is None:
            return self.notes
        compared = f"Differences are to the best baseline, {self.best_baseline} ({self.test})."
        differences = [row for row in self.rows if not np.isnan(row["difference"])]
        unknown = any(np.isnan(row["pvalue"]) for row in differences)
        why = ["p unknown: all folds differ by the same amount."] if unknown else []
        return [compared, *why, *self.notes]

    def _findings(self):
        told = [r for r in self.rows if r["kind"] == "model" or r["model"] == self.best_baseline]
        compared = [] if self.best_baseline is None else self._footnotes()[:1]
        return [_describe_row(row) for row in told] + compared

    def _to_dict(self):
        folds = {(fit.fold.repeat, fit.fold.number): fit.fold for fit in self.fits}
        common = super()._to_dict()
        kept = ("rows", "best_baseline", "complete", "notes", "versions", "test")
        protocol = ("pos_label", "y", "groups", "treatments")
        return {name: common[name] for name in kept} | {
            "models": {name: repr(model) for name, model in self.models.items()},
            "protocol": {"cv": repr(_unseeded(self.cv))} | {p: common[p] for p in protocol},
            "folds": [
                {"repeat": f.repeat, "fold": f.number, "train": f.train, "test": f.test}
                for f in folds.values()
            ],
            "fits": [_fit_to_dict(fit) for fit in self.fits],
        }


def _fit_to_dict(fit):
    of_outcome = ("fit_time", "predict_time", "predicted", "proba", "decision", "donors")
    return {
        "model": fit.model,
        "repeat": fit.fold.repeat,
        "fold": fit.fold.number,
        "seed": fit.fold.seed,
    } | {name: getattr(fit.outcome, name) for name in of_outcome}


def _unseeded(cv):
    """The splitter without its seed, which was not used: those of the fits are."""
    if hasattr(cv, "random_state"):
        cv = copy(cv)
        cv.random_state = None
    return cv


def _show_balanced(row):
    interval = show_interval(row["balanced_ci_low"], row["balanced_ci_high"])
    return f"{row['balanced_accuracy']:.3f} ({interval})"


def _show_difference(row):
    if np.isnan(row["difference"]):
        return ""
    return f"{row['difference']:+.3f} ({show_pvalue(row['pvalue'])})"


def _describe_classes(result):
    labels = np.unique(result.y) if result.pos_label is None else [result.pos_label]
    n_of_class = {label: count_plants(result.groups[result.y == label]) for label in labels}
    if result.pos_label is None:
        return ", ".join(f"{n} of class {label}" for label, n in n_of_class.items())
    return f"of which {n_of_class[result.pos_label]} were stressed ({result.pos_label})"


def _describe_cv(result):
    cv, n_repeats = result.cv, max((row["n_repeats"] for row in result.rows), default=0)
    if cv is None and result.treatments is not None:
        splits = "leaving one treatment out at a time"
    elif cv is None or isinstance(cv, Integral):
        splits = f"{cv or 3}-fold cross-validation, stratified by class"
    elif hasattr(cv, "split"):
        splits = f"cross-validation with {type(cv).__name__}"
    else:
        splits = "cross-validation on given splits"
    if n_repeats < 2:
        return splits
    what = "folds and seeds" if result.redrawn else "seeds"
    return f"{splits}, repeated {n_repeats} times with other {what}"


def _describe_comparison(result):
    if result.best_baseline is None:
        return None
    how = "the corrected resampled t-test of Nadeau and Bengio"
    if result.test == PERMUTATION:
        units = "plants" if result.treatments is None else "treatments"
        how = f"a paired permutation over {units}"
    return (
        f"Differences are to the best of {len(result.baselines)} baselines, "
        f"{result.best_baseline}, and p-values two-sided, by {how}; they are not corrected for "
        f"the number of models."
    )


def _describe_row(row):
    text = (
        f"The {row['kind']} '{row['model']}' had a balanced accuracy of {_show_balanced(row)} and "
        f"classified {show_count(row['n_correct'], row['n_plants'])} plants correctly "
        f"({show_interval(row['ci_low'], row['ci_high'])})"
    )
    if np.isnan(row["difference"]):
        return text + "."
    p = row["pvalue"]
    said = f"{show_pvalue(p)}, since all folds differ alike" if np.isnan(p) else show_pvalue(p)
    return text + f"; difference {row['difference']:+.3f}, {said}."
