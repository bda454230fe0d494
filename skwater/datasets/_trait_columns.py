"""Which columns of a table are traits, and their units: wide and long tables."""

import re
from collections import defaultdict
from itertools import pairwise
from typing import NamedTuple

from ._trait_records import is_empty, is_number

_PLANTCV = {"camera", "imgtype", "sample"}  # metadata up to "sample", then traits as trait_unit
_STATISTICS = {"mean", "median"}  # which PlantCV writes in place of the unit of color chips
_INDEX = re.compile(r"(Unnamed: \d+)?")  # a column without a name, also as pandas reads it
_UNIT = re.compile(r"[(\[]([^()\[\]]+)[)\]]$")  # "height (mm)"


class Layout(NamedTuple):
    """Where the traits are in a table."""

    traits: list  # their names, in order
    units: dict  # of trait to unit, None if it has none
    cells: list  # for each row, a dict of trait to the text of its value
    ignored: list  # columns of numbers that are no traits by themselves


def wide(rows, traits, keys, source):
    """Layout of a table with a column for each trait; `keys` are all other columns with a use."""
    ignored = []
    if traits is None:
        traits, ignored = _choose(rows, keys)
        if rows and not traits:
            raise ValueError(
                f"No column of {source} has numbers that change over the dates of a plant and "
                f"differ between plants: name the traits with traits=, or, if the table is long, "
                f"their column with trait=."
            )
    header = list(rows[0].cells) if rows else []
    behind = header.index("sample") if set(header) >= _PLANTCV else len(header)
    units = {}
    for name in traits:
        found = _UNIT.search(name)
        units[name] = found[1] if found else None
        if name in header[behind:]:
            end = name.rpartition("_")[2]
            units[name] = None if is_empty(end) or end in _STATISTICS else end
    return Layout(traits, units, [{n: row.cells[n] for n in traits} for row in rows], ignored)


def long(rows, traits, trait, value, unit, source):
    """Layout of a table with a row for each trait; rows of other traits have no cells."""
    found = sorted({row.cells[trait] for row in rows})
    traits = found if traits is None else traits
    lacking = [name for name in traits if name not in found]
    if rows and lacking:
        raise ValueError(
            f"There is no trait {', '.join(map(repr, lacking))} in the column {trait!r} of "
            f"{source}: there are {', '.join(map(repr, found))}."
        )
    wanted, units, places = set(traits), dict.fromkeys(traits), {}
    for row in rows if unit is not None else ():
        name, text = row.cells[trait], row.cells[unit]
        if name not in wanted or is_empty(text):
            continue
        units[name] = units[name] or text
        first = places.setdefault(name, row.place)
        if units[name] != text:
            raise ValueError(
                f"{source}, {row.place}: {name} has the unit {text!r}, and {units[name]!r} in "
                f"{first}: convert its values to one unit."
            )
    names = [row.cells[trait] for row in rows]
    cells = [
        {name: row.cells[value]} if name in wanted else {}
        for name, row in zip(names, rows, strict=True)
    ]
    return Layout(traits, units, cells, [])


def _choose(rows, keys):
    """Columns of numbers that grow: that change within plants and differ between them."""
    header = list(rows[0].cells) if rows else []
    if set(header) >= _PLANTCV:
        header = header[header.index("sample") + 1 :]
    traits, ignored = [], []
    for name in header:
        cells = [(row, row.cells[name]) for row in rows if not is_empty(row.cells[name])]
        n_numbers = sum(is_number(text) for _, text in cells)
        if name in keys or _INDEX.fullmatch(name) or 2 * n_numbers <= len(cells):
            continue  # but a few cells that are no numbers are mistakes
        grows = (
            _varies(cells, lambda row: row.plant)
            and _varies_if_shared(cells, lambda row: row.time)
            and not _counts(cells)
        )
        (traits if grows else ignored).append(name)
    return traits, ignored


def _groups(cells, key):
    groups = defaultdict(list)
    for row, text in cells:
        groups[key(row)].append(text)
    return groups.values()


def _varies(cells, key):
    return any(len(set(group)) > 1 for group in _groups(cells, key))


def _varies_if_shared(cells, key):
    """Whether values of one group differ, or there is no group of two."""
    groups = _groups(cells, key)
    return any(len(set(g)) > 1 for g in groups) or all(len(g) == 1 for g in groups)


def _counts(cells):
    """Whether the values number the rows."""
    texts = [text for _, text in cells]
    if not all(text.isdecimal() for text in texts):
        return False
    return all(int(b) == int(a) + 1 for a, b in pairwise(texts))
