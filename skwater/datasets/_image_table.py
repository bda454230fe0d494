"""Photos of plants on dates, put into a table (plants x dates), and what a person reads of it."""

import hashlib
from collections import Counter
from datetime import UTC, date, datetime
from pathlib import Path
from typing import NamedTuple

import numpy as np
from sklearn.utils import Bunch

from ..sequences import ImageSequences, onset_from_days


class Photo(NamedTuple):
    """One photo: a row of a manifest, or a file in a folder."""

    path: str
    plant: str
    time: float | datetime
    label: str | None
    where: str  # for messages: "line 7"
    columns: dict


class PhotoSeries(Bunch):
    """Series of photos as the loaders return them, with a report to read."""

    def summary(self):
        """Report what was found: plants, dates, gaps, sizes, classes, duplicates.

        Returns
        -------
        str
            Some lines of text. Files are read where some have the same length, to find those
            that are the same.
        """
        data, missing = self.data, self.data.paths == None  # noqa: E711  # elementwise
        n, t = missing.shape
        height, width, channels = data.frame_shape
        lines = [
            f"{n} plants x {t} frames of {height} x {width} pixels, {channels} channels, "
            f"{data.dtype}",
            f"dates: {_show(self.dates[0])} to {_show(self.dates[-1])}; {self.alignment}",
            *self._onset(),
            f"missing photos: {missing.sum()} of {missing.size}"
            + "".join(f"\n  {self.plant[i]}: {missing[i].sum()}" for i in _first(missing.any(1))),
            f"sizes on disk: {_some([f'{h} x {w} ({k})' for (h, w), k in data.sizes.items()])}",
            *self._classes(),
        ]
        if data.skipped:
            lines.append(f"files that cannot be used, taken as missing: {len(data.skipped)}")
            lines += [f"  {file}: {why}" for file, why in data.skipped.items()]
        again = [file for file, k in Counter(data.paths[~missing]).items() if k > 1]
        lines += [f"file in several places: {file}" for file in again[:10]]
        copies = _identical(sorted(set(data.paths[~missing])))
        lines.append(f"files of the same content: {len(copies)}")
        lines += [f"  {_some(files)}" for files in copies[:10]]
        return "\n".join(lines)

    def _onset(self):
        if self.onset_day is None:
            return []
        n_before, n = self.onset or 0, len(self.days)
        return [f"onset of stress: after day {self.onset_day:g}, {n_before} of {n} frames before"]

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


def _show(when):
    if isinstance(when, datetime):
        return when.isoformat(sep=" ") if when.time() != datetime.min.time() else str(when.date())
    return f"{when:g}" if isinstance(when, float) else str(when)


def _some(items, most=4):
    return ", ".join(items[:most]) + (f" and {len(items) - most} more" if items[most:] else "")


def _identical(files):
    """Groups of files with the same content; only files of the same length are read."""
    by_length = {}
    for file in files:
        by_length.setdefault(Path(file).stat().st_size, []).append(file)
    groups = {}
    for alike in by_length.values():
        for file in alike if len(alike) > 1 else []:
            groups.setdefault(sha256(file), []).append(file)
    return [group for group in groups.values() if len(group) > 1]


def sha256(file):
    """SHA-256 of a file, in hexadecimal digits."""
    with open(file, "rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def parse_time(text):
    """Date of a photo: a number (a session), else an ISO day or time; ValueError otherwise."""
    text = str(text).strip()
    if len(text) == 8 and text.isdigit() and text[:2] in ("19", "20"):
        return _naive(datetime.combine(date.fromisoformat(text), datetime.min.time()))
    try:
        number = float(text)
    except ValueError:
        return _naive(datetime.fromisoformat(text))
    if not np.isfinite(number):
        raise ValueError("not finite")
    return number


def _naive(time):
    """Return the time without a zone, in UTC where it had one."""
    return time if time.tzinfo is None else time.astimezone(UTC).replace(tzinfo=None)


def find_conflicts(photos):
    """What contradicts itself in a list of photos: one line for each that is to blame."""
    lines, labels, seen = [], {}, {}
    for photo in photos:
        label, first = labels.setdefault(photo.plant, (photo.label, photo.where))
        if photo.label != label:
            lines.append(
                f"{photo.where}: plant {photo.plant} has the label {photo.label!r}, and {label!r} "
                f"in {first}"
            )
        first = seen.setdefault((photo.plant, photo.time), photo.where)
        if first != photo.where:
            lines.append(
                f"{photo.where}: plant {photo.plant} has a photo on {_show(photo.time)} already, "
                f"in {first}"
            )
        if isinstance(photo.time, float) != isinstance(photos[0].time, float):
            lines.append(
                f"{photo.where}: {_show(photo.time)} and {_show(photos[0].time)} of "
                f"{photos[0].where} are not both dates or both numbers"
            )
    return lines


def align(photos, tolerance, grid):
    """Give each photo its frame.

    Returns
    -------
    dates : list
        Date of each frame, increasing.
    table : dict of {(plant, int): Photo}
        The photo of a plant in a frame.
    how : str
        What was done, for the summary.
    """
    times = sorted({photo.time for photo in photos})
    if grid is not None:
        return _to_grid(photos, sorted(grid), tolerance or 0)
    if tolerance is None and isinstance(times[0], datetime):
        days = [(photo.plant, photo.time.date()) for photo in photos]
        by_day = len(set(days)) == len(days) and any(t != _midnight(t) for t in times)
        groups = _group(times, _midnight) if by_day else [[t] for t in times]
        how = "photos of one day share a frame" if by_day else "each date is a frame"
        dates = [_midnight(group[0]) if by_day else group[0] for group in groups]
    elif not tolerance:
        groups, how, dates = [[t] for t in times], "each date is a frame", times
    else:
        groups = _cluster(photos, times, tolerance)
        dates = [group[0] + (group[-1] - group[0]) / 2 for group in groups]
        how = f"dates up to {tolerance:g} from the middle share a frame ({len(times)} dates found)"
    frame = {time: i for i, group in enumerate(groups) for time in group}
    return dates, {(photo.plant, frame[photo.time]): photo for photo in photos}, how


def _midnight(time):
    return datetime.combine(time.date(), datetime.min.time())


def _group(times, key):
    groups = {}
    for time in times:
        groups.setdefault(key(time), []).append(time)
    return list(groups.values())


def _cluster(photos, times, tolerance):
    """Successive dates that are close together and at which no plant has two photos."""
    plants = {}
    for photo in photos:
        plants.setdefault(photo.time, set()).add(photo.plant)
    groups, taken = [], set()
    for time in times:
        near = groups and _gap(groups[-1][0], time) <= 2 * tolerance
        if near and not taken & plants[time]:
            groups[-1].append(time)
            taken |= plants[time]
        else:
            groups.append([time])
            taken = set(plants[time])
    return groups


def _to_grid(photos, grid, tolerance):
    """Give each frame of a grid the nearest photo of each plant, the closest pairs first."""
    pairs = [
        (abs(_gap(time, photo.time)), i, k)
        for i, time in enumerate(grid)
        for k, photo in enumerate(photos)
    ]
    table, used = {}, set()
    for gap, i, k in sorted(pairs):
        cell = photos[k].plant, i
        if gap <= tolerance and k not in used and cell not in table:
            table[cell] = photos[k]
            used.add(k)
    unused = len(photos) - len(used)
    how = f"on a given grid, nearest photo within {tolerance:g}; {unused} photos are left out"
    return list(grid), table, how


def _gap(start, end):
    """Time between, in days or in the unit of the numbers."""
    gap = end - start
    return gap if isinstance(gap, float) else gap.total_seconds() / 86400


def build_series(photos, *, tolerance, grid, start, onset_day, treatment, missing, descr, images):
    """Put photos into a table of plants and dates; return it with all that is known of them.

    Files in `missing`, a dict of paths and reasons, are left out as missing frames.
    """
    dates, table, how = align(photos, tolerance, grid)
    days, onset_day = _days(dates, start), _onset_day(onset_day, dates, start)
    plants = list(dict.fromkeys(photo.plant for photo in photos))
    plants = sorted(plants, key=_natural)
    paths = np.full((len(plants), len(dates)), None, dtype=object)
    for i, plant in enumerate(plants):
        for j in range(len(dates)):
            photo = table.get((plant, j))
            if photo is not None and photo.path not in missing:
                paths[i, j] = photo.path
    data = ImageSequences(paths, **images)
    data.skipped = missing | data.skipped
    first = {photo.plant: photo for photo in reversed(photos)}
    labels = np.array([first[plant].label for plant in plants])
    unlabelled = all(label is None for label in labels)
    classes = None if unlabelled else np.unique(labels)
    columns = _columns(photos, plants, table, len(dates))
    return PhotoSeries(
        data=data,
        target=None if unlabelled else labels,
        classes=classes,
        target_names=None if unlabelled else [str(label) for label in classes],
        plant=np.array(plants),
        treatment=columns.pop(treatment, None),
        dates=dates,
        days=days,
        onset_day=onset_day,
        onset=None if onset_day is None else onset_from_days(days, onset_day),
        alignment=how,
        DESCR=descr,
        **{_free(name): values for name, values in columns.items()},
    )


def _natural(text):
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


def _columns(photos, plants, table, n_frames):
    """Further columns: a value for each plant, or a table where it differs between its photos."""
    columns = {}
    for name in dict.fromkeys(name for photo in photos for name in photo.columns):
        values = {plant: set() for plant in plants}
        for photo in photos:
            values[photo.plant].add(photo.columns[name])
        if all(len(found) == 1 for found in values.values()):
            columns[name] = np.array([values[plant].copy().pop() for plant in plants])
            continue
        columns[name] = np.full((len(plants), n_frames), None, dtype=object)
        for (plant, frame), photo in table.items():
            columns[name][plants.index(plant), frame] = photo.columns[name]
    return columns


def _days(dates, start):
    if isinstance(dates[0], float):
        days = np.array(dates) - (start or 0.0)
    else:
        start = dates[0] if start is None else start
        days = np.array([_gap(_midnight(start), when) for when in dates])
    return days.astype(np.int64) if (days == np.rint(days)).all() else days


def _onset_day(onset_day, dates, start):
    """The onset of stress as `days` counts, from a number of days or a date."""
    if not isinstance(onset_day, datetime):
        return onset_day
    if isinstance(dates[0], float):
        raise ValueError(f"onset_day={_show(onset_day)} is a date, but the photos have numbers.")
    return _gap(_midnight(dates[0] if start is None else start), onset_day)
