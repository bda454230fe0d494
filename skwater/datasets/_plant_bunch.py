"""Records of plants on dates, put into a table (plants x dates), and a summary of it to read."""

import warnings
from collections import Counter
from typing import Any

import numpy as np
from sklearn.utils import Bunch

from ..sequences import onset_from_days
from ._image_dates import align, as_local, as_time, count_days, count_onset_day, format_time


class ExperimentBunch(Bunch):
    """Sequences of one experiment, simulated or measured, with all that is known of its plants."""

    data: np.ndarray
    target: np.ndarray
    target_names: list[str]
    plant: np.ndarray
    treatment: np.ndarray
    nitrogen: np.ndarray
    days: np.ndarray
    onset_day: float
    onset: int | None
    DESCR: str


class PlantBunch(Bunch):
    """Sequences as the loaders return them, with further columns and a summary to read.

    A column gets an underscore if an item has its name already.
    """

    # What is None without labels or treatments has Any, so that other code need not check for it.
    target: np.ndarray | Any
    classes: np.ndarray | Any
    target_names: list[str] | Any
    plant: np.ndarray
    treatment: np.ndarray | Any
    days: np.ndarray
    dates: list[Any]
    onset_day: float | None
    onset: int | None
    alignment: str
    DESCR: str

    def __init__(self, remarks=(), columns=None, /, **items):
        reserved = {*items, "summary", "problems"}
        columns = columns or {}
        super().__init__(
            **items, **{f"{n}_" if n in reserved else n: column for n, column in columns.items()}
        )
        self.__dict__["_remarks"] = tuple(remarks)  # no key, unlike other attributes of a Bunch

    def __setstate__(self, state):  # a Bunch drops what is no key
        self.__dict__.update(state)

    def _dates(self):
        first, last = format_time(self.dates[0]), format_time(self.dates[-1])
        lines = [f"dates: {first} to {last}; {self.alignment}"]
        if self.onset_day is None:
            return lines
        n_before, n = self.onset or 0, len(self.days)
        onset = f"onset of stress: after day {self.onset_day:g}, {n_before} of {n} frames before"
        return [*lines, onset]

    def _missing(self, what, missing):
        lines = [f"missing {what}: {missing.sum()} of {missing.size}"]
        lines += [f"  {self.plant[i]}: {missing[i].sum()}" for i in _first(missing.any(1))]
        if self.target is not None and missing.any():  # which may tell the class by itself
            shares = np.stack([missing[self.target == label].mean(0) for label in self.classes])
            names = [str(name) for name in self.target_names]
            most = np.ptp(shares, axis=0).argmax()
            lines.append(f"  by class: {_percent(shares.mean(1), names)}")
            lines.append(f"  on day {self.days[most]:g}: {_percent(shares[:, most], names)}")
        return lines

    def _classes(self):
        if self.target is None:
            return ["no labels"]
        names = [str(label) for label in np.asarray(self.target_names)[self._encoded()]]
        lines = ["classes: " + ", ".join(f"{k} {name}" for name, k in _count(names))]
        if self.treatment is not None:
            lines += [
                f"  treatment {treatment}: " + ", ".join(f"{k} {name}" for name, k in _count(group))
                for treatment in np.unique(self.treatment)
                for group in [
                    [n for n, g in zip(names, self.treatment, strict=True) if g == treatment]
                ]
            ]
        return lines

    def _encoded(self):
        return np.searchsorted(self.classes, self.target)

    def _remark_lines(self):
        return [f"remark: {remark}" for remark in self._remarks]


def _percent(shares, names):
    return ", ".join(f"{share:.1%} of {name}" for share, name in zip(shares, names, strict=True))


def _count(names):
    return sorted(Counter(names).items())


def _first(flags, most=20):
    return np.flatnonzero(flags)[:most]


def some(items, most=4):
    """Text of the first items of a list, and the number of the others."""
    return ", ".join(items[:most]) + (f" and {len(items) - most} more" if items[most:] else "")


def arrange(records, *, tolerance, grid, start, onset_day, treatment):
    """Put records into a table of plants and dates.

    Returns
    -------
    table : dict of {(int, int): record}
        The record of a plant in a frame.
    columns : dict of {str: ndarray}
        Further columns of the records.
    items : dict
        What is known of the plants and dates: items of a bunch.
    """
    noun = records[0].noun
    records = [record._replace(time=as_local(record.time)) for record in records]
    grid = None if grid is None else [as_time("grid", when) for when in grid]
    dates, table, how = align(records, tolerance, grid)
    start, onset_day = as_time("start", start), as_time("onset_day", onset_day)
    days, onset_day = count_days(dates, start), count_onset_day(onset_day, dates, start, noun)
    plants = sorted({record.plant for record in records}, key=natural)
    rows = {plant: i for i, plant in enumerate(plants)}
    table = {(rows[plant], frame): record for (plant, frame), record in table.items()}
    columns = _columns(records, plants, table, len(dates))
    items = {
        **_target(records, plants),
        "plant": np.array(plants),
        "treatment": columns.pop(treatment, None),
        "dates": dates,
        "days": days,
        "onset_day": onset_day,
        "onset": None if onset_day is None else onset_from_days(days, onset_day),
        "alignment": how,
    }
    return table, columns, items


def _target(records, plants):
    first = {record.plant: record.label for record in reversed(records)}
    labels = np.array([first[plant] for plant in plants])
    if all(label is None for label in labels):
        return {"target": None, "classes": None, "target_names": None}
    classes = np.unique(labels)
    return {"target": labels, "classes": classes, "target_names": [str(c) for c in classes]}


def natural(text):
    """Sort key in which plant 10 comes after plant 9."""
    return (0, float(text), text) if _is_number(text) else (1, 0.0, text)


def _is_number(text):
    try:
        return np.isfinite(float(text))
    except ValueError:
        return False


def _columns(records, plants, table, n_frames):
    """Further columns: a value for each plant, or a table if it differs between its records."""
    columns = {}
    for name in dict.fromkeys(name for record in records for name in record.columns):
        values = {plant: set() for plant in plants}
        for record in records:
            values[record.plant].add(record.columns[name])
        if all(len(found) == 1 for found in values.values()):
            columns[name] = np.array([values[plant].copy().pop() for plant in plants])
            continue
        columns[name] = np.full((len(plants), n_frames), None, dtype=object)
        for cell, record in table.items():
            columns[name][cell] = record.columns[name]
    return columns


def find_confounded(columns, target):
    """Find columns of which no value occurs in two classes, so that they may be what is learned."""
    if target is None:
        return []
    remarks = []
    for name, column in columns.items():
        if column.shape != target.shape:  # it differs between the dates of a plant
            continue
        classes = [set(target[column == value]) for value in np.unique(column)]
        if 1 < len(classes) <= len(target) // 2 and all(len(found) == 1 for found in classes):
            remarks.append(
                f"no value of {name!r} occurs in two classes: a model may learn it, not the class"
            )
    return remarks


def warn_of_gaps(missing, how):
    """Warn if more than half of the frames (n_plants, n_frames) are missing."""
    if 2 * missing.sum() > missing.size:
        warnings.warn(
            f"{missing.sum()} of {missing.size} frames are missing ({how}). If dates of plants "
            f"differ slightly, tolerance= lets these share a frame; see summary().",
            stacklevel=4,  # the caller of the loader
        )
