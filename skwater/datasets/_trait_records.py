"""Rows of a table of traits, read and put together: one record for each plant and date."""

from datetime import datetime
from typing import NamedTuple

import numpy as np

from ._image_dates import as_local, parse_time
from ._image_records import TraitRecord
from ._plant_bunch import natural
from ._table import check_cells, join_cells

_EMPTY = {"", "na", "n/a", "nan", "none", "null"}
_NOTHING = {"NA", "NaN"}  # as R writes an unknown class; "none" may be the name of one
_MOST_VIEWS = 12  # a column of more values than this is no view


class Row(NamedTuple):
    """A row of a table whose plant and date could be read."""

    place: str  # for messages: "line 7"
    plant: str
    time: float | datetime
    cells: dict


def is_empty(text):
    """Whether a cell has no value, in the ways that R, pandas and PlantCV write it."""
    return text.casefold() in _EMPTY


def is_number(text):
    """Whether a cell is a number, or infinite."""
    try:
        float(text)
    except ValueError:
        return False
    return "_" not in text


def parse_value(text):
    """Value of a cell, NaN if there is none; ValueError says what is wrong."""
    if is_empty(text):
        return np.nan
    if not is_number(text):
        comma = is_number(text.replace(",", ".", 1))
        what = "write decimals with a point" if comma else "leave cells without a value empty"
        raise ValueError(f"{text!r} is no number: {what}")
    if not np.isfinite(float(text)):
        raise ValueError(f"{text!r} is infinite: correct it, or leave the cell empty")
    return float(text)


def read_keys(table, plant, date, needed, date_format):
    """Rows whose plant and date can be read, and errors of the others.

    Parameters
    ----------
    table : list of (str, dict)
        Place and cells of each row.
    plant, date, needed : list of str
        Columns of the plant, of the date, and all that may not be empty.
    date_format : str or None
        As for the loaders.
    """
    rows, errors = [], []
    for place, cells in table:
        try:
            check_cells(cells, needed)
            if unknown := [name for name in needed if cells[name] in _NOTHING]:
                raise ValueError(f"nothing in the column {unknown[0]!r}")
            time = parse_time(join_cells(cells[name] for name in date), date_format)
        except ValueError as error:
            errors.append(f"{place}: {error}")
            continue
        cells = {name: str(cell) for name, cell in cells.items()}
        rows.append(Row(place, join_cells(cells[name] for name in plant), time, cells))
    return rows, errors


def read_records(rows, layout, label, view, used, is_long):
    """Record of each row, and errors of the values that cannot be read.

    Parameters
    ----------
    rows : list of Row
        The rows.
    layout : Layout
        Where the traits are.
    label : str or None
        Column of the class.
    view : list of str
        Columns of the view.
    used : set of str
        Columns that are no further columns.
    is_long : bool
        Whether a row is of one trait.
    """
    further = [n for n in (rows[0].cells if rows else ()) if n and n not in used]
    further = [n for n in further if not all(is_empty(row.cells[n]) for row in rows)]
    records, errors = [], []
    for row, texts in zip(rows, layout.cells, strict=True):
        view_name = _view_name(row, view)
        values = {}
        for trait, text in texts.items():
            try:
                values[_join(trait, view_name)] = parse_value(text)
            except ValueError as error:
                errors.append(f"{row.place}: {trait}: {error}")
        if texts:
            part = _join(next(iter(texts)), view_name) if is_long else view_name
            group = row.cells[label] if label else None
            columns = {name: row.cells[name] for name in further}
            records.append(
                TraitRecord(values, part, row.plant, row.time, group, row.place, columns)
            )
    return records, errors


def _view_name(row, view):
    return ", ".join(f"{name} {row.cells[name]}" for name in view)


def _join(trait, view_name):
    return f"{trait} [{view_name}]" if view_name else trait


def name_features(rows, layout, view):
    """Dict of the name of each feature, a trait of a view, to its unit; order of rows no matter."""
    views = {
        _view_name(row, view): [natural(row.cells[name]) for name in view]
        for row, texts in zip(rows, layout.cells, strict=True)
        if texts
    }
    return {
        _join(trait, name): layout.units[trait]
        for name in sorted(views, key=views.get)
        for trait in layout.traits
    }


def merge(records):
    """Put the records of one plant and date together; columns in which they differ hold all."""
    groups = {}
    for record in records:
        groups.setdefault((record.plant, as_local(record.time)), []).append(record)
    merged = []
    for first, *others in groups.values():
        values, columns = dict(first.values), {name: [v] for name, v in first.columns.items()}
        for record in others:
            values |= record.values
            for name, found in columns.items():
                found.append(record.columns[name])
        columns = {name: "; ".join(dict.fromkeys(found)) for name, found in columns.items()}
        merged.append(first._replace(values=values, columns=columns, part=""))
    return merged


def find_views(rows, records, used):
    """Hints: columns that tell rows of one plant and date apart, and so may be views or traits."""
    keys = [(record.plant, as_local(record.time), record.part) for record in records]
    if len(set(keys)) == len(keys) or len(rows) > len(records):
        return []
    hints = []
    for name in rows[0].cells:
        texts = [row.cells[name] for row in rows]
        apart = len(set(zip(keys, texts, strict=True))) == len(keys)
        if name not in used and apart and len(set(texts)) <= _MOST_VIEWS:
            hints.append(
                f"Rows of one plant and date differ in {name!r}. If it is the view, such as the "
                f"angle of a camera: view={name!r}. If it is the name of the trait: trait={name!r}."
            )
    return hints
