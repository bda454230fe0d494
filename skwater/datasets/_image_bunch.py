"""Images of plants on dates, put into a table (plants x dates), and a summary of it to read."""

import os
import warnings
from collections import Counter

import numpy as np
from sklearn.utils import Bunch

from ..sequences import ImageSequences, onset_from_days
from ._image_dates import (
    align,
    as_local,
    as_time,
    count_days,
    count_onset_day,
    first_day,
    format_time,
)
from ._image_records import check_records, find_remarks, find_unusable, sha256

_DESCR = """\
Images of {n} plants, from {source}.
"""


class ImageBunch(Bunch):
    """Sequences of images as the loaders return them, with a summary to read."""

    def __init__(self, remarks=(), /, **items):
        super().__init__(**items)
        self.__dict__["_remarks"] = tuple(remarks)  # no key, unlike other attributes of a Bunch

    def __setstate__(self, state):  # a Bunch drops what is no key
        self.__dict__.update(state)

    def summary(self):
        """Report what was found: plants, dates, gaps, sizes, classes, duplicates.

        Returns
        -------
        str
            Some lines of text. Files of equal length are read, to find those of equal content.
        """
        data, missing = self.data, self.data.paths == None  # noqa: E711  # elementwise
        n, t = missing.shape
        height, width, channels = data.frame_shape
        lines = [
            f"{n} plants x {t} frames of {height} x {width} pixels, {channels} channels, "
            f"{data.dtype}",
            f"dates: {format_time(self.dates[0])} to {format_time(self.dates[-1])}; "
            f"{self.alignment}",
            *self._onset(),
            f"missing images: {missing.sum()} of {missing.size}"
            + "".join(f"\n  {self.plant[i]}: {missing[i].sum()}" for i in _first(missing.any(1))),
            f"sizes on disk: {_some([f'{h} x {w} ({k})' for (h, w), k in data.sizes.items()])}",
            *self._cut(),
            *self._classes(),
        ]
        if data.skipped:
            lines.append(f"files that cannot be used, taken as missing: {len(data.skipped)}")
            lines += [f"  {file}: {why}" for file, why in data.skipped.items()]
        again = [file for file, k in Counter(data.paths[~missing]).items() if k > 1]
        lines += [f"file in several frames: {file}" for file in again[:10]]
        copies = _identical(sorted(set(data.paths[~missing])))
        lines.append(f"files of equal content: {len(copies)}")
        lines += [f"  {_some(files)}" for files in copies[:10]]
        lines += [f"remark: {remark}" for remark in self._remarks]
        return "\n".join(lines)

    def _onset(self):
        if self.onset_day is None:
            return []
        n_before, n = self.onset or 0, len(self.days)
        return [f"onset of stress: after day {self.onset_day:g}, {n_before} of {n} frames before"]

    def _cut(self):
        cut = self.data.cut_more
        lines = [f"images of which size= cuts off more than of most: {len(cut)}"] if cut else []
        return lines + [f"  {file}: {left:.0%} remain" for file, left in list(cut.items())[:10]]

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


def _count(names):
    return sorted(Counter(names).items())


def _first(flags, most=20):
    return np.flatnonzero(flags)[:most]


def _some(items, most=4):
    return ", ".join(items[:most]) + (f" and {len(items) - most} more" if items[most:] else "")


def _identical(files):
    """Groups of files of equal content; only files of equal length are read."""
    by_length = {}
    for file in files:
        by_length.setdefault(os.stat(file).st_size, []).append(file)
    groups = {}
    for alike in by_length.values():
        for file in alike if len(alike) > 1 else []:
            groups.setdefault(sha256(file), []).append(file)
    return [group for group in groups.values() if len(group) > 1]


def make_bunch(
    records, errors, *, root, source, checksums, on_error, tolerance, grid, start, onset_day,
    treatment, reading, images,
):  # fmt: skip
    """Put records into a table of plants and dates, or raise an error for all that is wrong.

    Returns
    -------
    ImageBunch
        The table with all that is known of the plants.
    """
    unusable = find_unusable(records, root, checksums)
    check_records(records, errors, unusable if on_error == "raise" else {}, source)
    remarks = find_remarks(records, source)
    records = [record._replace(time=as_local(record.time)) for record in records]
    grid = None if grid is None else [as_time("grid", when) for when in grid]
    dates, table, how = align(records, tolerance, grid)
    start, onset_day = as_time("start", start), as_time("onset_day", onset_day)
    days, onset_day = count_days(dates, start), count_onset_day(onset_day, dates, start)
    plants = sorted({record.plant for record in records}, key=natural)
    data = ImageSequences(
        table_of_paths(plants, len(dates), table, unusable), **images, on_error=on_error
    )
    first, is_given = first_day(dates, start)
    data.recipe |= {
        "days": days.tolist(),
        "start": first,
        "start_given": is_given,
        "reading": reading,
    }
    data.skipped = unusable | data.skipped
    _warn_of_gaps(data, how)
    columns = _columns(records, plants, table, len(dates))
    return ImageBunch(
        remarks,
        data=data,
        **_target(records, plants),
        plant=np.array(plants),
        treatment=columns.pop(treatment, None),
        dates=dates,
        days=days,
        onset_day=onset_day,
        onset=None if onset_day is None else onset_from_days(days, onset_day),
        alignment=how,
        DESCR=_DESCR.format(n=len(plants), source=source),
        **{_free(name): values for name, values in columns.items()},
    )


def table_of_paths(plants, n_frames, table, unusable):
    paths = np.full((len(plants), n_frames), None, dtype=object)
    for i, plant in enumerate(plants):
        for j in range(n_frames):
            record = table.get((plant, j))
            if record is not None and record.path not in unusable:
                paths[i, j] = record.path
    return paths


def _warn_of_gaps(data, how):
    missing = data.paths == None  # noqa: E711  # elementwise
    if 2 * missing.sum() > missing.size:
        warnings.warn(
            f"{missing.sum()} of {missing.size} frames are missing ({how}). If plants were imaged "
            f"at slightly different times, tolerance= lets these share a frame; see summary().",
            stacklevel=4,  # the caller of the loader
        )


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


def _free(name):
    reserved = ("data", "target", "classes", "target_names", "plant", "treatment", "dates", "days")
    reserved += ("onset_day", "onset", "alignment", "DESCR", "summary")
    return f"{name}_" if name in reserved else name


def _columns(records, plants, table, n_frames):
    """Further columns: a value for each plant, or a table if it differs between its images."""
    columns = {}
    for name in dict.fromkeys(name for record in records for name in record.columns):
        values = {plant: set() for plant in plants}
        for record in records:
            values[record.plant].add(record.columns[name])
        if all(len(found) == 1 for found in values.values()):
            columns[name] = np.array([values[plant].copy().pop() for plant in plants])
            continue
        columns[name] = np.full((len(plants), n_frames), None, dtype=object)
        for (plant, frame), record in table.items():
            columns[name][plants.index(plant), frame] = record.columns[name]
    return columns
