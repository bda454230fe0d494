"""The plants of a report: what is known of them, which ones are shown, which ones were wrong."""

from collections import Counter
from dataclasses import dataclass

import numpy as np
from sklearn.utils import column_or_1d

from ..datasets._image_dates import format_time
from ..datasets._plant_bunch import some
from ..sequences import check_days, check_sequences, frame_shape, has_images, missing_frames
from ._table import finished_fits

_MOST_SHOWN = 6  # plants of the contact sheet
_MOST_WRONG = 20
_MOST_FRAMES = 12


@dataclass(frozen=True)
class Plants:
    """What is known of the plants, wherever it was found. What is unknown is None.

    Parameters
    ----------
    n : int
        Number of rows.
    names : ndarray of shape (n,), dtype str
        Their names.
    X : ndarray or lazy sequences of shape (n, n_frames, ...) or None
        Sequences.
    missing : ndarray of shape (n, n_frames), dtype bool, or None
        Which frames are missing.
    classes : ndarray of shape (n,), dtype str, or None
        Names of their classes.
    pos_label : str or None
        Name of the stressed class.
    treatments : ndarray of shape (n,) or None
        Treatment of each row.
    days : ndarray of shape (n_frames,) or None
        Day of each frame.
    dates : list or None
        Date of each frame.
    onset_day : float or None
        Day of the last irrigation.
    feature_names : list of str or None
        Names of the channels.
    """

    n: int
    names: np.ndarray
    X: object
    missing: np.ndarray | None
    classes: np.ndarray | None
    pos_label: str | None
    treatments: np.ndarray | None
    days: np.ndarray | None
    dates: list | None
    onset_day: float | None
    feature_names: list | None


def collect_plants(data, y, result, curves):
    """Find what is known of the plants in data and results; None if nothing is.

    Raises
    ------
    ValueError
        If they are not of the same plants.
    """
    if data is None and y is None and result is None:
        return None
    known = data if isinstance(data, dict) else {} if data is None else {"data": data}
    X = None
    if data is not None:
        if "data" not in known:
            raise ValueError(f"data has no item 'data', only {some(sorted(map(str, known)))}.")
        X, _ = check_sequences(None, known["data"], complete=False)
    y = _check_classes(y, result, known.get("target"))
    n = len(X) if X is not None else len(y)
    _check_same_plants(n, y, result)
    names = known.get("plant", np.arange(n) if result is None else result.groups)
    treatments = known.get("treatment")
    if treatments is None and result is not None:
        treatments = result.treatments
    pos_label = 1 if y is not None and set(y.tolist()) == {0, 1} else None
    pos_label = pos_label if result is None else result.pos_label
    named = _name_classes(y, known)
    return Plants(
        n=n,
        names=np.array([str(name) for name in names]),
        X=X,
        missing=None if X is None else _find_missing(X),
        classes=None if y is None else np.array([named[label] for label in y.tolist()]),
        pos_label=named.get(pos_label),
        treatments=None if treatments is None else np.asarray(treatments),
        days=_find_days(X, known, curves),
        dates=known.get("dates"),
        onset_day=_find_onset_day(known, curves),
        feature_names=known.get("feature_names"),
    )


def _check_classes(y, result, target):
    """Classes that were given, or else those that were scored, or else those of the data."""
    y = None if y is None else column_or_1d(y)
    if result is not None:
        if y is not None and not np.array_equal(y, result.y):
            raise ValueError("y is not what the result was scored on: leave it out.")
        return result.y
    return y if y is not None or target is None else column_or_1d(target)


def _check_same_plants(n, y, result):
    if y is None or len(y) == n:
        return
    whose = "y" if result is None else "the result"
    raise ValueError(
        f"data has {n} rows, but {whose} has {len(y)}: give the plants that were scored, all of "
        f"them, in the same order."
    )


def _name_classes(y, known):
    """Name of each class: that of the data, if the classes are those of the data."""
    if y is None:
        return {}
    labels, target, names = np.unique(y).tolist(), known.get("target"), known.get("target_names")
    if names is not None and y.dtype.kind != "b" and np.array_equal(y, target):
        found = known.get("classes")
        found = range(len(names)) if found is None else np.asarray(found).tolist()
        names = dict(zip(found, map(str, names), strict=True))
        if set(labels) <= set(names):
            return names
    return {label: str(label) for label in labels}


def _find_missing(X):
    if has_images(X):
        return missing_frames(X)
    values = np.asarray(X, dtype=float)  # vectors may have gaps, which are no missing frames
    return np.isnan(values.reshape(*X.shape[:2], -1)).all(axis=2)


def _find_days(X, known, curves):
    if X is None:
        return None
    days = known.get("days")
    if days is None:
        days = (getattr(X, "recipe", None) or {}).get("days")
    if days is None:  # a curve that has as many days has those of the frames
        days = next((c.days for c in curves.values() if len(c.days) == X.shape[1]), None)
    return None if days is None else check_days(days, X.shape[1])


def _find_onset_day(known, curves):
    found = [known.get("onset_day"), *(curve.onset_day for curve in curves.values())]
    return next((day for day in found if day is not None), None)


def describe_plants(plants):
    """What was measured, as a list of (term, text)."""
    facts = {"Plants": f"{plants.n}"}
    if plants.classes is not None:
        facts["Classes"] = some([f"{k} {c}" for c, k in _count(plants.classes)], 10)
    if plants.treatments is not None:
        facts["Treatments"] = f"{len(np.unique(plants.treatments))}"
    if plants.X is None:
        return list(facts.items())
    n_frames, (height, width, n_channels) = plants.X.shape[1], frame_shape(plants.X)
    facts["Frames"] = f"{n_frames} of each plant{_describe_days(plants)}"
    if has_images(plants.X):
        channels = "channel" if n_channels == 1 else "channels"
        facts["Images"] = f"{height} x {width} pixels, {n_channels} {channels}, {plants.X.dtype}"
    elif n_channels > 1:
        facts["Each frame"] = f"{n_channels} numbers"
    if plants.onset_day is not None:
        facts["Last irrigation"] = f"day {plants.onset_day:g}"
    facts["Missing frames"] = _describe_missing(plants)
    return list(facts.items())


def _count(names):
    return sorted(Counter(names.tolist()).items())


def _describe_days(plants):
    if plants.days is None:
        return ""
    text = f", from day {show_day(plants.days[0])} to day {show_day(plants.days[-1])}"
    if plants.dates is not None and not np.array_equal(plants.dates, plants.days):
        text += f" ({format_time(plants.dates[0])} to {format_time(plants.dates[-1])})"
    return text


def show_day(day):
    """Text of a day, to a quarter of an hour."""
    return f"{round(float(day), 2):g}"


def _describe_missing(plants):
    of_plant = plants.missing.sum(axis=1)
    text = f"{of_plant.sum()} of {plants.missing.size}"
    if not of_plant.any():
        return text
    if plants.classes is not None:  # which may tell the class by itself
        shares = {c: plants.missing[plants.classes == c].mean() for c, _ in _count(plants.classes)}
        text += "; " + ", ".join(f"{share:.1%} of {name}" for name, share in shares.items())
    most = [i for i in np.argsort(-of_plant, kind="stable") if of_plant[i]]
    return text + f"; by plant: {some([f'{plants.names[i]} ({of_plant[i]})' for i in most], 6)}"


def tabulate_treatments(plants):
    """A row for each treatment, as columns of text; None if there are no treatments."""
    if plants.treatments is None:
        return None
    treatments = np.unique(plants.treatments)
    rows = [np.flatnonzero(plants.treatments == treatment) for treatment in treatments]
    table = {"treatment": [str(t) for t in treatments], "plants": [str(len(r)) for r in rows]}
    if plants.classes is not None:
        table["classes"] = [
            ", ".join(f"{k} {c}" for c, k in _count(plants.classes[r])) for r in rows
        ]
    if plants.missing is not None:
        table["missing frames"] = [str(plants.missing[r].sum()) for r in rows]
    return table


def choose_plants(plants):
    """Rows of the contact sheet: the first ones of each class."""
    if plants.classes is None:
        return np.arange(min(plants.n, _MOST_SHOWN))
    names = np.unique(plants.classes)[:_MOST_SHOWN]
    n = _MOST_SHOWN // len(names)
    return np.concatenate([np.flatnonzero(plants.classes == name)[:n] for name in names])


def choose_frames(n_frames):
    """Frames that are shown, evenly over the season."""
    n = min(n_frames, _MOST_FRAMES)
    return np.linspace(0, n_frames - 1, n).round().astype(int)


def find_wrong(result, plants):
    """Plants that the best model classified wrongly.

    Parameters
    ----------
    result : BenchmarkResult
        A finished one.
    plants : Plants
        Of which it is.

    Returns
    -------
    dict or None
        ``model``; ``rows``, those most often wrong first, at most 20; ``n`` of all of them;
        ``said``, what each of them was classified as; ``table``, columns of text. None if no
        model has finished a repeat.
    """
    best = max(result.rows, key=lambda r: (r["kind"] == "model", r["balanced_accuracy"]), default=0)
    if not best:
        return None
    of_model = finished_fits(result)
    fits = of_model[best["model"]]
    named = dict(zip(result.y.tolist(), plants.classes, strict=True))
    votes = _count_votes(fits, result.y)
    wrong, tested = _count_wrong(votes, result.y)
    order = np.argsort(-wrong / np.maximum(tested, 1), kind="stable")
    order = order[wrong[order] > 0]
    rows = order[:_MOST_WRONG]
    labels = np.unique(result.y).tolist()
    said = [_most_wrong(votes[i], labels, result.y[i]) for i in rows]
    table = {
        "plant": plants.names[rows].tolist(),
        "treatment": [] if plants.treatments is None else plants.treatments[rows].astype(str),
        "class": plants.classes[rows].tolist(),
        "classified as": [named[label] for label in said],
        "wrong": [f"{wrong[i]} of {tested[i]}" for i in rows],
    }
    if plants.treatments is None:
        del table["treatment"]
    if result.best_baseline not in (None, best["model"]):
        others, n = _count_wrong(_count_votes(of_model[result.best_baseline], result.y), result.y)
        table["wrong by baseline"] = [f"{others[i]} of {n[i]}" for i in rows]
    pairs = zip(rows, said, strict=True)
    donors = [_name_donors(fits, i, label, result.y, plants) for i, label in pairs]
    if any(donors):
        table["donors of that class"] = donors
    return {
        "model": best["model"],
        "n": len(order),
        "rows": rows,
        "said": table["classified as"],
        "table": table,
    }


def _count_votes(fits, y):
    """How often each row was given each class, (n_samples, n_classes)."""
    labels = np.unique(y)
    votes = np.zeros((len(y), len(labels)), dtype=int)
    for fit in fits:
        np.add.at(votes, (fit.fold.test, np.searchsorted(labels, fit.outcome.predicted)), 1)
    return votes


def _count_wrong(votes, y):
    """How often each row was classified wrongly, and how often it was classified."""
    tested = votes.sum(axis=1)
    true = np.unique(y, return_inverse=True)[1]
    return tested - votes[np.arange(len(y)), true], tested


def _most_wrong(votes, labels, true):
    """The wrong class that was given most often."""
    return labels[np.where([label == true for label in labels], -1, votes).argmax()]


def _name_donors(fits, row, label, y, plants):
    """Plants that gave most frames to the splices of a class, in the fits that were wrong."""
    counts = Counter()
    for fit in fits:
        if label not in fit.outcome.predicted[fit.fold.test == row]:
            continue
        for donors in fit.outcome.donors.values():
            # The last frame has the class; those before an onset may be of any.
            of_class = donors[y[donors[:, -1]] == label]
            counts.update(of_class.ravel().tolist())
    shares = [f"{plants.names[i]} ({k / counts.total():.0%})" for i, k in counts.most_common()]
    return some(shares, 4)
