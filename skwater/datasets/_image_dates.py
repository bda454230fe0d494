"""Dates of images and of other records: how they are read, and which of them share a frame."""

from datetime import date, datetime

import numpy as np

# Digits that may be a number or a date, by their length.
_COMPACT = {
    6: ("%y%m%d", "%d%m%y", "%m%d%y"),
    8: ("%d%m%Y", "%m%d%Y"),
    12: ("%Y%m%d%H%M", "%y%m%d%H%M%S"),
    14: ("%Y%m%d%H%M%S",),
}


def parse_time(text, date_format=None):
    """Date of an image: a number (a session), or a day or time, in ISO form or in `date_format`.

    ValueError says what is wrong. The time zone is kept, if there is one.
    """
    if isinstance(text, datetime):
        return text
    text = str(text).strip()
    if date_format is not None:
        time = _strptime(text, date_format)
        if time is None:
            raise ValueError(f"{text!r} is no date of the format {date_format!r}")
        return time
    if len(text) == 8 and text.isdigit() and text[:2] in ("19", "20"):
        return datetime.combine(date.fromisoformat(text), datetime.min.time())
    for compact in _COMPACT.get(len(text), ()) if text.isdigit() else ():
        if _strptime(text, compact):
            raise ValueError(
                f"{text!r} may be a number or a date: name the format of dates with date_format, "
                f"such as {compact!r}, or write the number as '{text}.0'"
            )
    if "_" in text:  # float() takes 20240530_101500 for a number
        return _parse_iso(text)
    try:
        number = float(text)
    except ValueError:
        return _parse_iso(text)
    if not np.isfinite(number):
        raise ValueError(f"{text!r} is no date")
    return number


def _strptime(text, date_format):
    try:
        return datetime.strptime(text, date_format)
    except ValueError:
        return None


def _parse_iso(text):
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(
            f"{text!r} is no date: an ISO day or time, or a number; name another format with "
            f"date_format, such as '%d/%m/%Y'"
        ) from None


def as_time(name, when):
    """Date that is an argument, as local time; None stays None."""
    if when is None:
        return None
    try:
        return as_local(parse_time(when))
    except ValueError:
        raise ValueError(f"{name}={when!r} is no date: an ISO day or time, or a number.") from None


def as_local(time):
    """Return the time on the clocks of its own time zone, so that days are those of the plants."""
    return time.replace(tzinfo=None) if isinstance(time, datetime) else time


def kind_of_time(time):
    """Return what must be the same for all images."""
    if not isinstance(time, datetime):
        return "a number"
    return "a date without a time zone" if time.tzinfo is None else "a time with a time zone"


def format_time(when):
    """Text of a date or number, without a time of day that is midnight."""
    if not isinstance(when, datetime):
        return f"{when:g}" if isinstance(when, float) else str(when)
    midnight = when.time() == datetime.min.time() and when.tzinfo is None
    return str(when.date()) if midnight else when.isoformat(sep=" ")


def align(records, tolerance, grid):
    """Give each record, of which a plant has one on a date, its frame.

    Returns
    -------
    dates : list
        Date of each frame, increasing.
    table : dict of {(plant, int): record}
        The record of a plant in a frame.
    how : str
        What was done, for the summary.
    """
    times = sorted({record.time for record in records})
    if grid is not None:
        return _to_grid(records, sorted(grid), tolerance or 0)
    if tolerance is None and isinstance(times[0], datetime):
        days = [(record.plant, record.time.date()) for record in records]
        by_day = len(set(days)) == len(days) and any(t != _midnight(t) for t in times)
        groups = _group(times, _midnight) if by_day else [[t] for t in times]
        noun = records[0].noun
        how = f"{noun}s of one day share a frame" if by_day else "each date is a frame"
        dates = [_midnight(group[0]) if by_day else group[0] for group in groups]
    elif not tolerance:
        groups, how, dates = [[t] for t in times], "each date is a frame", times
    else:
        groups = _cluster(records, times, tolerance)
        dates = [group[0] + (group[-1] - group[0]) / 2 for group in groups]
        how = f"dates up to {tolerance:g} from the middle share a frame ({len(times)} dates found)"
    frame = {time: i for i, group in enumerate(groups) for time in group}
    return dates, {(record.plant, frame[record.time]): record for record in records}, how


def _midnight(time):
    return datetime.combine(time.date(), datetime.min.time())


def _group(times, key):
    groups = {}
    for time in times:
        groups.setdefault(key(time), []).append(time)
    return list(groups.values())


def _cluster(records, times, tolerance):
    """Successive dates that are close together and at which no plant has two records."""
    plants = {}
    for record in records:
        plants.setdefault(record.time, set()).add(record.plant)
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


def _to_grid(records, grid, tolerance):
    """Give each frame of a grid the nearest record of each plant, the closest pairs first."""
    pairs = [
        (gap, i, k)
        for i, time in enumerate(grid)
        for k, record in enumerate(records)
        if (gap := abs(_gap(time, record.time))) <= tolerance
    ]
    table, used = {}, set()
    for _, i, k in sorted(pairs):
        cell = records[k].plant, i
        if k not in used and cell not in table:
            table[cell] = records[k]
            used.add(k)
    noun, unused = records[0].noun, len(records) - len(used)
    how = f"on a given grid, nearest {noun} within {tolerance:g}; {unused} {noun}s are left out"
    return list(grid), table, how


def _gap(start, end):
    """Time between, in days or in the unit of the numbers."""
    gap = end - start
    return gap if isinstance(gap, float) else gap.total_seconds() / 86400


def first_day(dates, start):
    """Day 0, as text in ISO form, or a number if dates are numbers, and whether it was given."""
    if isinstance(dates[0], float):
        return start or 0.0, True
    return str((dates[0] if start is None else start).date()), start is not None


def count_days(dates, start):
    """Days from `start`, or the first date, to each date; whole numbers if all of them are."""
    if isinstance(dates[0], float):
        days = np.array(dates) - (start or 0.0)
    else:
        start = dates[0] if start is None else start
        days = np.array([_gap(_midnight(start), when) for when in dates])
    return days.astype(np.int64) if (days == np.rint(days)).all() else days


def days_since(start, time, *, whole):
    """Days from `start` to a date, without the hours if `whole`; the difference of two numbers."""
    if not isinstance(time, datetime):
        return time - start
    return float(_gap(_midnight(start), _midnight(time) if whole else time))


def count_onset_day(onset_day, dates, start, noun):
    """The onset of stress as `count_days` counts, from a number of days or a date."""
    if not isinstance(onset_day, datetime):
        return onset_day
    if isinstance(dates[0], float):
        raise ValueError(
            f"onset_day={format_time(onset_day)} is a date, but the {noun}s have numbers."
        )
    return _gap(_midnight(dates[0] if start is None else start), onset_day)
