"""The table of a benchmark: printed, plotted, written down."""

import json
import os
import platform
from collections import Counter
from copy import copy
from dataclasses import dataclass
from html import escape
from numbers import Integral
from pathlib import Path

import numpy as np

from ._folds import VERSIONS, Fold, Outcome
from ._scores import PERMUTATION, choose_test, compare, count_plants, score

_FEW = 10  # plants of a class, below which one of them moves its recall by more than a tenth


@dataclass(frozen=True)
class Fit:
    """One model on one fold, and what came of it."""

    model: str
    fold: Fold
    outcome: Outcome


class BenchmarkResult:
    """Scores of several models on the same folds; :func:`benchmark` makes it.

    Printing it gives the table, and a notebook shows it as one.

    Parameters
    ----------
    fits : list of Fit
        What was finished.
    models : dict of str to estimator
        All models by name, baselines last.
    baselines : list of str
        Those of them that are baselines.
    y, groups : ndarray of shape (n_samples,)
        Class and plant of each row.
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
        A row for each model of which a repeat was finished. Scores are means over repeats;
        columns are in the order of :meth:`to_frame`, which explains them.
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

    Examples
    --------
    >>> import numpy as np
    >>> from skwater.evaluation import benchmark
    >>> X, y = np.array([[0.1], [0.2], [0.3], [2.1], [2.2], [2.3]]), [0, 0, 0, 1, 1, 1]
    >>> result = benchmark({}, X, y, groups=range(6), n_repeats=1, random_state=0, verbose=0)
    >>> for row in result.rows:
    ...     print(f"{row['model']}: {row['n_correct']:.0f} of {row['n_plants']} right")
    majority class: 3 of 6 right
    logistic regression, means: 6 of 6 right
    logistic regression, last frame: 6 of 6 right
    >>> result.notes
    ['Only 3 plants are of class 0: one of them moves the recall of their class by 0.33.']
    """

    def __init__(
        self, *, fits, models, baselines, y, groups, treatments, pos_label, cv, redrawn, planned
    ):
        self.fits = fits
        self.models = models
        self.baselines = baselines
        self.y = y
        self.groups = groups
        self.treatments = treatments
        self.pos_label = pos_label
        self.cv = cv
        self.redrawn = redrawn
        self.planned = planned
        self.complete = len(fits) == len(planned)
        self._finished = self._finished_repeats()
        self.test = choose_test(fits, y, treatments, redrawn)
        self.rows, self.best_baseline = self._tabulate()
        self.notes = self._find_notes()

    def _finished_repeats(self):
        """Fits by model, of those repeats of which no fold is missing."""
        lacking = Counter((model, fold.repeat) for model, fold in self.planned)
        lacking.subtract((fit.model, fit.fold.repeat) for fit in self.fits)
        found = {}
        for fit in self.fits:
            if not lacking[fit.model, fit.fold.repeat]:
                found.setdefault(fit.model, []).append(fit)
        return {model: found[model] for model in self.models if model in found}

    def _tabulate(self):
        finished = self._finished
        known = (self.y, self.groups, self.pos_label)
        scores = {name: score(fits, *known) for name, fits in finished.items()}
        baselines = [name for name in self.baselines if name in finished]
        best = max(baselines, key=lambda name: scores[name]["balanced_accuracy"], default=None)
        units = self.groups if self.treatments is None else self.treatments
        rows = []
        for name, scored in scores.items():
            differences = dict.fromkeys(
                ["difference", "difference_low", "difference_high", "p_value"], np.nan
            )
            if best is not None and name != best:
                rng = np.random.RandomState(0)  # the same table whenever it is made
                differences = compare(finished[name], finished[best], self.y, units, self.test, rng)
            kind = "baseline" if name in self.baselines else "model"
            times = {key: scored.pop(key) for key in ("n_repeats", "fit_time", "predict_time")}
            rows.append({"model": name, "kind": kind} | scored | differences | times)
        return rows, best

    def _find_notes(self):
        notes = []
        if not self.complete:
            notes.append(
                f"Interrupted: {len(self.fits)} of {len(self.planned)} fits were finished. Only "
                f"whole repeats count."
            )
        labels = np.unique(self.y)
        n = [count_plants(self.groups[self.y == label]) for label in labels]
        if min(n) < _FEW:
            notes.append(
                f"Only {min(n)} plants are of class {labels[np.argmin(n)]}: one of them moves the "
                f"recall of their class by {1 / min(n):.2f}."
            )
        if self.pos_label is None:
            notes.append(
                f"Precision, recall, F1 and ROC AUC are means over the {len(labels)} classes."
            )
        n_groups = count_plants(self.groups)
        if n_groups < len(self.y):
            notes.append(f"{len(self.y)} rows are of {n_groups} groups, each counted as one plant.")
        if self.treatments is not None:
            notes.append(
                "Intervals take plants for independent. Where those of a treatment are right or "
                "wrong together, they are too narrow; p-values exchange whole treatments."
            )
            if any(
                np.isin(self.treatments[fold.test], self.treatments[fold.train]).any()
                for _, fold in self.planned
            ):
                notes.append(
                    "Treatments are on both sides of the splits: a model may know the treatment "
                    "and not the stress."
                )
        return notes

    def to_frame(self):
        """Return the table as a data frame; needs pandas.

        Returns
        -------
        pandas.DataFrame
            A row for each model, in these columns. ``model``; ``kind``, "model" or "baseline";
            ``accuracy``, ``balanced_accuracy`` over all classes; ``precision`` (NaN where nothing
            was called stressed), ``recall``, ``f1``, ``roc_auc``, ``brier`` of the stressed class,
            or, of several classes without ``pos_label``, their means over all classes (of the
            Brier score, half of the sum);
            ``n_correct`` plants right of ``n_plants``, a mean over repeats; ``ci_low`` and
            ``ci_high``, the exact 95 % interval of the accuracy; ``balanced_ci_low`` and
            ``balanced_ci_high``, that of the balanced accuracy; ``balanced_accuracy_sd`` over
            repeats; ``difference`` in balanced accuracy to the best baseline with its 95 %
            interval and two-sided ``p_value``; ``n_repeats``; median ``fit_time`` and
            ``predict_time`` of a fold in seconds.
        """
        try:
            import pandas as pd
        except ImportError as error:
            raise ImportError(
                "to_frame needs pandas (pip install pandas). The same rows are in `rows`."
            ) from error
        return pd.DataFrame(self.rows)

    def plot(self, ax=None):
        """Plot balanced accuracies with their intervals; needs matplotlib.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, default=None
            Where to plot; None makes a new figure.

        Returns
        -------
        BenchmarkDisplay
            The display.
        """
        import skwater

        return skwater.plotting.BenchmarkDisplay.from_result(self, ax=ax)

    def to_json(self, path=None):
        """Write down all that is needed to make the table again, or to check it.

        Parameters
        ----------
        path : str or path-like, default=None
            File to write, replaced if it is there.

        Returns
        -------
        str or None
            The text, if there is no `path`. An object with the table (``rows``), its ``notes``,
            the ``versions`` of libraries, the ``models`` with their parameters, the ``protocol``,
            the rows on both sides of each of the ``folds``, and for each of the ``fits`` the
            model, fold, seed, times, predictions, and ``donors``: for each sampler the rows of X
            whose frames its sequences are made of.
        """
        text = json.dumps(self._to_dict(), default=_plain, indent=1)
        if path is None:
            return text
        path = Path(path)
        half_written = path.with_name(path.name + ".part")
        half_written.write_text(text, encoding="utf-8")
        os.replace(half_written, path)
        return None

    def _to_dict(self):
        folds = {(fit.fold.repeat, fit.fold.number): fit.fold for fit in self.fits}
        return {
            "rows": [
                {key: None if value != value else value for key, value in row.items()}
                for row in self.rows
            ],
            "best_baseline": self.best_baseline,
            "complete": self.complete,
            "notes": self.notes,
            "versions": {"python": platform.python_version()} | VERSIONS,
            "models": {name: repr(model) for name, model in self.models.items()},
            "test": self.test,
            "protocol": {
                "cv": repr(_unseeded(self.cv)),
                "pos_label": self.pos_label,
                "y": self.y,
                "groups": self.groups,
                "treatments": self.treatments,
            },
            "folds": [
                {"repeat": f.repeat, "fold": f.number, "train": f.train, "test": f.test}
                for f in folds.values()
            ],
            "fits": [
                {
                    "model": fit.model,
                    "repeat": fit.fold.repeat,
                    "fold": fit.fold.number,
                    "seed": fit.fold.seed,
                    "fit_time": fit.outcome.fit_time,
                    "predict_time": fit.outcome.predict_time,
                    "predicted": fit.outcome.predicted,
                    "proba": fit.outcome.proba,
                    "decision": fit.outcome.decision,
                    "donors": fit.outcome.donors,
                }
                for fit in self.fits
            ],
        }

    def describe(self):
        """Say in words what was done and found, for the methods section of a paper.

        Returns
        -------
        str
            A paragraph of English.
        """
        n = count_plants(self.groups)
        libraries = ", ".join(f"{name} {number}" for name, number in VERSIONS.items())
        sentences = [
            f"{n} plants, {self._describe_classes()}, were scored by "
            f"{self._describe_cv()}, with all of a plant on one side of every split and all "
            f"fitting, scaling and resampling inside the training side.",
            "Predictions of all folds of a repeat were scored together; scores are means over "
            "repeats, and intervals (95 %) are exact for the accuracy and by variance recovery "
            "(MOVER) for the balanced accuracy, with the number of plants as the sample size.",
            self._describe_comparison(),
            *[_describe_row(row) for row in self.rows],
            *self.notes,
            f"Computed with {libraries}.",
        ]
        return " ".join(filter(None, sentences))

    def _describe_classes(self):
        labels = np.unique(self.y) if self.pos_label is None else [self.pos_label]
        n_of_class = {label: count_plants(self.groups[self.y == label]) for label in labels}
        if self.pos_label is None:
            return ", ".join(f"{n} of class {label}" for label, n in n_of_class.items())
        return f"of which {n_of_class[self.pos_label]} were stressed ({self.pos_label})"

    def _describe_cv(self):
        n_repeats = max((row["n_repeats"] for row in self.rows), default=0)
        if self.cv is None and self.treatments is not None:
            splits = "leaving one treatment out at a time"
        elif self.cv is None or isinstance(self.cv, Integral):
            splits = f"{self.cv or 3}-fold cross-validation, stratified by class"
        elif hasattr(self.cv, "split"):
            splits = f"cross-validation with {type(self.cv).__name__}"
        else:
            splits = "cross-validation on given splits"
        if n_repeats < 2:
            return splits
        what = "folds and seeds" if self.redrawn else "seeds"
        return f"{splits}, repeated {n_repeats} times with other {what}"

    def _describe_comparison(self):
        if self.best_baseline is None:
            return None
        how = "the corrected resampled t-test of Nadeau and Bengio"
        if self.test == PERMUTATION:
            units = "plants" if self.treatments is None else "treatments"
            how = f"a paired permutation over {units}"
        return (
            f"Differences are to the best of {len(self.baselines)} baselines, "
            f"{self.best_baseline}, and p-values two-sided, by {how}; they are not corrected for "
            f"the number of models."
        )

    def __str__(self):
        columns = [
            [name, *(show(row) for row in self.rows)]
            for name, show in _COLUMNS.items()
            if name not in _ONLY_WHERE_WIDE
        ]
        widths = [max(map(len, column)) for column in columns]
        models = [name.ljust(widths[0]) for name in columns[0]]
        numbers = [[c.rjust(w) for c in column] for column, w in zip(columns, widths, strict=True)]
        lines = ["  ".join(cells) for cells in zip(models, *numbers[1:], strict=True)]
        lines.insert(1, "-" * len(lines[0]))
        return "\n".join([*lines, *self._footnotes()])

    __repr__ = __str__

    def _repr_html_(self):
        head = "".join(f"<th>{escape(name)}</th>" for name in _COLUMNS)
        body = "".join(
            "<tr>"
            + "".join(f"<td>{escape(show(row))}</td>" for show in _COLUMNS.values())
            + "</tr>"
            for row in self.rows
        )
        notes = "".join(f"<p>{escape(note)}</p>" for note in self._footnotes())
        return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{notes}"

    def _footnotes(self):
        if self.best_baseline is None:
            return self.notes
        compared = f"Differences are to the best baseline, {self.best_baseline} ({self.test})."
        return [compared, *self.notes]


def _number(value):
    return "" if np.isnan(value) else f"{value:.3f}"


def _balanced(row):
    low, high = row["balanced_ci_low"], row["balanced_ci_high"]
    return f"{row['balanced_accuracy']:.3f} ({low:.2f} to {high:.2f})"


def _right(row):
    return f"{row['n_correct']:.1f}".removesuffix(".0") + f" of {row['n_plants']}"


def _difference(row):
    if np.isnan(row["difference"]):
        return ""
    p = row["p_value"]
    text = "?" if np.isnan(p) else "< .001" if p < 0.001 else f"{p:.3f}"
    return f"{row['difference']:+.3f} (p {text})"


_COLUMNS = {
    "model": lambda row: row["model"],
    "balanced accuracy (95 %)": _balanced,
    "accuracy": lambda row: _number(row["accuracy"]),
    "plants right": _right,
    "precision": lambda row: _number(row["precision"]),
    "recall": lambda row: _number(row["recall"]),
    "F1": lambda row: _number(row["f1"]),
    "ROC AUC": lambda row: _number(row["roc_auc"]),
    "Brier": lambda row: _number(row["brier"]),
    "difference": _difference,
    "fit (s)": lambda row: f"{row['fit_time']:.2g}",
}
_ONLY_WHERE_WIDE = {"accuracy", "Brier", "fit (s)"}  # a terminal is not


def _describe_row(row):
    low, high = row["balanced_ci_low"], row["balanced_ci_high"]
    text = (
        f"The {row['kind']} '{row['model']}' had a balanced accuracy of "
        f"{row['balanced_accuracy']:.3f} ({low:.2f} to {high:.2f}) and was right on "
        f"{_right(row)} plants ({row['ci_low']:.2f} to {row['ci_high']:.2f})"
    )
    if np.isnan(row["difference"]):
        return text + "."
    p = row["p_value"]
    said = "p < .001" if p < 0.001 else f"p = {p:.3f}"
    said = "p unknown, since all folds differ alike" if np.isnan(p) else said
    return text + f"; difference {row['difference']:+.3f}, {said}."


def _unseeded(cv):
    """The splitter without its seed, which was not used: those of the fits are."""
    if hasattr(cv, "random_state"):
        cv = copy(cv)
        cv.random_state = None
    return cv


def _plain(value):
    """What json does not know."""
    return value.tolist() if isinstance(value, np.ndarray | np.generic) else str(value)
