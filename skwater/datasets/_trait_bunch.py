"""Traits of plants on dates, put into an array, and a summary of it to read."""

import numpy as np

from ._image_dates import format_time
from ._image_records import find_remarks
from ._plant_bunch import PlantBunch, arrange, find_confounded, some, warn_of_gaps
from ._trait_records import merge

MISSING = ("raise", "frame", "keep")
_MOST_FRAMES = 10
_DESCR = """\
Traits of {n} plants, from {source}.
"""


class TraitBunch(PlantBunch):
    """Sequences of traits as the loader returns them, with a summary to read."""

    data: np.ndarray
    feature_names: list[str]
    units: list[str | None]

    def summary(self) -> str:
        """Report what was found: plants, dates, traits and their ranges, gaps, classes.

        Returns
        -------
        str
            Some lines of text.
        """
        n, t, k = self.data.shape
        empty = np.isnan(self.data)
        missing = empty.all(axis=2)
        partial = empty & ~missing[:, :, None]
        lines = [f"{n} plants x {t} frames of {k} {'trait' if k == 1 else 'traits'}"]
        for i, (name, unit) in enumerate(zip(self.feature_names, self.units, strict=True)):
            low, high = np.nanmin(self.data[:, :, i]), np.nanmax(self.data[:, :, i])
            line = f"  {name}: {low:g} to {high:g}{f' {unit}' if unit else ''}"
            k = partial[:, :, i].sum()
            lines.append(line + (f", missing in {k} frames that have other traits" if k else ""))
        lines += [*self._dates(), *self._missing("frames", missing), *self._classes()]
        return "\n".join(lines + self._remark_lines())


def make_trait_bunch(records, features, *, source, missing, ignored, **dates_and_columns):
    """Put records into an array of plants, dates and traits.

    Parameters
    ----------
    records : list of TraitRecord
        What was measured, checked.
    features : dict of {str: str or None}
        Unit of each feature, by its name, in order.
    source : str
        The file, for messages.
    missing : {"raise", "frame", "keep"}
        What to do with frames that have values of some features only.
    ignored : list of str
        Columns of numbers that were not taken.
    **dates_and_columns : dict
        As for :func:`arrange`.

    Returns
    -------
    TraitBunch
        The array with all that is known of the plants.
    """
    table, columns, items = arrange(merge(records), **dates_and_columns)
    names = list(features)
    data = np.full((len(items["plant"]), len(items["dates"]), len(names)), np.nan)
    for cell, record in table.items():
        data[cell] = [record.values.get(name, np.nan) for name in names]
    remarks = [
        *find_remarks(records, source),
        *find_confounded(columns, items["target"]),
        *_settle_missing(data, table, names, missing, source),
    ]
    if ignored:
        remarks.append(
            f"columns of numbers that are no traits unless named in traits=: {', '.join(ignored)}"
        )
    warn_of_gaps(np.isnan(data).all(axis=2), items["alignment"])
    return TraitBunch(
        remarks,
        columns,
        data=data,
        feature_names=names,
        units=list(features.values()),
        **items,
        DESCR=_DESCR.format(n=len(data), source=source),
    )


def _settle_missing(data, table, names, missing, source):
    """Do with incomplete frames what `missing` says, in place; return remarks on it."""
    empty = np.isnan(data)
    never = [name for name, gone in zip(names, empty.all(axis=(0, 1)), strict=True) if gone]
    if never:
        raise ValueError(
            f"{source} has no value of {some(never)} in any frame: leave it out of traits=, or "
            f"correct grid= and tolerance=."
        )
    partial = empty.any(axis=2) & ~empty.all(axis=2)
    if not partial.any():
        return []
    frames = f"{partial.sum()} {'frame' if partial.sum() == 1 else 'frames'}"
    if missing == "raise":
        raise ValueError(_list_incomplete(frames, partial, empty, table, names, source))
    if missing == "frame":
        data[partial] = np.nan
        return [f"{frames} with values of some traits only, taken as missing"]
    return [f"{frames} with values of some traits only, kept"]


def _list_incomplete(frames, partial, empty, table, names, source):
    lines = []
    for i, j in np.argwhere(partial)[:_MOST_FRAMES]:
        record = table[i, j]
        absent = some([name for name, gone in zip(names, empty[i, j], strict=True) if gone])
        lines.append(
            f"  {record.source}: plant {record.plant}, {format_time(record.time)}: no {absent}"
        )
    if partial.sum() > _MOST_FRAMES:
        lines.append(f"  ... and {partial.sum() - _MOST_FRAMES} more")
    n_empty = empty[partial].sum(axis=0)
    counts = some([f"{name} in {n}" for name, n in zip(names, n_empty, strict=True) if n])
    return "\n".join(
        [
            f"{frames} of {source} have values of some traits only:",
            *lines,
            f"Traits without a value there: {counts}. There are two remedies: missing='frame' "
            f"takes such frames as missing; missing='keep' keeps them for "
            f"FrameWise(SimpleImputer()), which must then be the first step of the pipeline. Or "
            f"leave traits out with traits=.",
        ]
    )
