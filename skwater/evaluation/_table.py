"""The table of a benchmark: what its rows are, and what to know before they are believed."""

from collections import Counter
from dataclasses import dataclass

import numpy as np

from ._folds import Fold
from ._outcomes import Outcome
from ._scores import choose_test, compare, count_plants, score

_FEW = 10  # plants of a class, below which one of them changes its recall by more than a tenth
_REVERSED = 0.3  # ROC AUC below which predictions are rather reversed than uninformative


@dataclass(frozen=True)
class Fit:
    """One model on one fold, and its outcome."""

    model: str
    fold: Fold
    outcome: Outcome


def tabulate(study):
    """Compute the table of a benchmark.

    Parameters
    ----------
    study : BenchmarkResult
        Of which the table is not known yet.

    Returns
    -------
    dict
        ``rows``, ``best_baseline``, ``test``, ``complete`` and ``notes``.
    """
    finished = finished_fits(study)
    test = choose_test(study.fits, study.y, study.treatments, study.redrawn)
    scores = {
        name: score(fits, study.y, study.groups, study.pos_label) for name, fits in finished.items()
    }
    baselines = [name for name in study.baselines if name in finished]
    best = max(baselines, key=lambda name: scores[name]["balanced_accuracy"], default=None)
    units = study.groups if study.treatments is None else study.treatments
    rows = []
    for name, scored in scores.items():
        differences = dict.fromkeys(
            ["difference", "difference_low", "difference_high", "pvalue"], np.nan
        )
        if best is not None and name != best:
            rng = np.random.RandomState(0)  # the same table whenever it is made
            differences = compare(finished[name], finished[best], study.y, units, test, rng)
        kind = "baseline" if name in study.baselines else "model"
        times = {key: scored.pop(key) for key in ("n_repeats", "fit_time", "predict_time")}
        rows.append({"model": name, "kind": kind} | scored | differences | times)
    return {
        "rows": rows,
        "best_baseline": best,
        "test": test,
        "complete": len(study.fits) == len(study.planned),
        "notes": [
            *_note_interruption(study),
            *_note_plants(study),
            *_note_treatments(study),
            *_note_reversed(study, rows),
        ],
    }


def finished_fits(study):
    """Fits by model, of those repeats of which no fold is missing."""
    lacking = Counter((model, fold.repeat) for model, fold in study.planned)
    lacking.subtract((fit.model, fit.fold.repeat) for fit in study.fits)
    found = {}
    for fit in study.fits:
        if not lacking[fit.model, fit.fold.repeat]:
            found.setdefault(fit.model, []).append(fit)
    return {model: found[model] for model in study.models if model in found}


def _note_interruption(study):
    if len(study.fits) < len(study.planned):
        yield (
            f"Interrupted: {len(study.fits)} of {len(study.planned)} fits were finished. Only "
            f"complete repeats count."
        )


def _note_plants(study):
    labels = np.unique(study.y)
    n = [count_plants(study.groups[study.y == label]) for label in labels]
    if min(n) < _FEW:
        yield (
            f"Class {labels[np.argmin(n)]} has only {min(n)} plants: each of them changes the "
            f"recall of the class by {1 / min(n):.2f}."
        )
    if study.pos_label is None:
        yield f"Precision, recall, F1 and ROC AUC are means over the {len(labels)} classes."
    n_groups = count_plants(study.groups)
    if n_groups < len(study.y):
        yield f"{len(study.y)} rows are of {n_groups} groups, each counted as one plant."


def _note_treatments(study):
    if study.treatments is None:
        return
    yield (
        "Intervals take plants as independent. If those of a treatment are classified correctly or "
        "wrongly together, they are too narrow; p-values exchange whole treatments."
    )
    if any(
        np.isin(study.treatments[fold.test], study.treatments[fold.train]).any()
        for _, fold in study.planned
    ):
        yield (
            "Treatments are on both sides of the splits: a model may know the treatment and not "
            "the stress."
        )


def _note_reversed(study, rows):
    """Tell paired and blocked designs, in which plain folds reverse the predictions.

    Of a pair that is split, the one in training has the other class than the one in test. If
    whole treatments are left out, models that know nothing are below 0.5 too, so that the ROC AUC
    tells nothing.
    """
    if study.treatments is not None:
        return
    for row in rows:
        if row["kind"] == "model" and row["roc_auc"] < _REVERSED:
            yield (
                f"The ROC AUC of {row['model']} is {row['roc_auc']:.2f}, far below 0.5: is the "
                f"design paired or blocked, so that plants of a pair are more alike than plants of "
                f"a class? Then pass the pair or block of each plant as `treatments`, which are "
                f"left out as a whole."
            )
