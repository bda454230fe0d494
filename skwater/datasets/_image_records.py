"""Records of plants on dates, such as images or rows of traits, and what can be wrong."""

import hashlib
import os
import re
from datetime import datetime
from typing import NamedTuple

from ..sequences._headers import open_image
from ._image_dates import as_local, format_time, kind_of_time

_MOST_LINES = 10
_DIGITS = re.compile(r"\d+(\.0*)?", re.ASCII)  # no "1E03", which is a place on a table


class ImageRecord(NamedTuple):
    """One image: a row of a manifest, or a file in a folder."""

    noun = "image"
    part = ""  # a plant has one image on a date

    path: str
    plant: str
    time: float | datetime
    label: str | None
    source: str  # for messages: "line 7"
    columns: dict


class TraitRecord(NamedTuple):
    """Traits of a plant on a date: a row of a table, or all rows of that plant and date."""

    noun = "measurement"

    values: dict  # of trait to number, NaN if there is none
    part: str  # the trait or view that the row is of, empty if it is of all
    plant: str
    time: float | datetime
    label: str | None
    source: str
    columns: dict


def check_records(records, errors, source, noun, hints=()):
    """Raise one error for all that is wrong: `errors` and conflicts.

    Parameters
    ----------
    records : list of ImageRecord or TraitRecord
        All records that could be read.
    errors : list of str
        What is wrong with others, or with these.
    source : str
        The file or folder, for the message.
    noun : str
        What a record is, for the message.
    hints : iterable of str
        What to do about it.
    """
    errors = find_conflicts(records) + errors
    if errors:
        lines = [f"  {line}" for line in errors[:_MOST_LINES]]
        if len(errors) > _MOST_LINES:
            lines.append(f"  ... and {len(errors) - _MOST_LINES} more")
        what = "1 entry" if len(errors) == 1 else f"{len(errors)} entries"
        lines = "\n".join([*lines, *_find_hint(records), *hints])
        raise ValueError(f"{what} of {source} cannot be used:\n{lines}")
    if not records:
        raise FileNotFoundError(f"There is no {noun} in {source}.")


def find_conflicts(records):
    """Find contradictions in a list of records: one line for each record that is to blame."""
    lines, labels, seen = [], {}, {}
    for record in records:
        texts = [record.plant, record.label, *record.columns.values()]
        if any("\0" in text for text in texts if text is not None):
            lines.append(f"{record.source}: there is a null character in the row")
        label, first = labels.setdefault(record.plant, (record.label, record.source))
        if record.label != label:
            lines.append(
                f"{record.source}: plant {record.plant} has the label {record.label!r}, and "
                f"{label!r} in {first}"
            )
        key = record.plant, as_local(record.time), record.part
        if (first := seen.setdefault(key, record)) is not record:
            article, of = "an" if record.noun[0] in "aeiou" else "a", record.part and " of "
            lines.append(
                f"{record.source}: plant {record.plant} has {article} {record.noun}{of}"
                f"{record.part} on {format_time(record.time)} already, in {first.source}"
            )
        kind, first_kind = kind_of_time(record.time), kind_of_time(records[0].time)
        if kind != first_kind:
            lines.append(
                f"{record.source}: {format_time(record.time)} is {kind}, but "
                f"{format_time(records[0].time)} of {records[0].source} is {first_kind}"
            )
    return lines + _find_numbers_written_twice(records)


def _find_numbers_written_twice(records):
    """Find plants whose names are one number in two forms, and so probably one plant."""
    places, alike = {}, {}
    for record in records:
        places.setdefault(record.plant, record.source)
    for plant, place in places.items():
        if _DIGITS.fullmatch(plant):
            alike.setdefault(float(plant), []).append((plant, place))
    return [
        f"{place}: plant {plant!r} is the same number as {first!r} in {first_place}: write it in "
        f"the same way, or give them names"
        for (first, first_place), *others in alike.values()
        for plant, place in others
    ]


def _find_hint(records):
    """Say that there is a column of times, if plants have several images on one date."""
    names = [n for n in (records[0].columns if records else ()) if n.casefold() in ("time", "hour")]
    keys = {(record.plant, record.time, record.part) for record in records}
    if names and len(keys) < len(records):
        return [
            f"If the column {names[0]!r} has the time of day, name both columns: "
            f"date=(..., {names[0]!r})."
        ]
    return []


def find_remarks(records, source):
    """Find what is legal and probably a mistake: names that differ only in upper and lower case."""
    remarks = []
    for what in ("plant", "label"):
        names = {}
        for record in records:
            name = getattr(record, what)
            if name is not None:
                names.setdefault(name.casefold(), {}).setdefault(name, record.source)
        for alike in names.values():
            if len(alike) > 1:
                found = ", ".join(f"{name!r} ({first})" for name, first in alike.items())
                remarks.append(f"{what}s that differ only in upper and lower case: {found}")
    return [f"{source}: {remark}" for remark in remarks]


def unusable_lines(records, unusable):
    """Errors for files that cannot be used: one line for each record that has one."""
    return [
        f"{record.source}: {record.path}: {unusable[record.path]}"
        for record in records
        if record.path in unusable
    ]


def find_unusable(records, root, checksums):
    """Files that are missing or no regular files, or not as the list of checksums says, and why."""
    unusable = {}
    for path in sorted({record.path for record in records}):
        if not os.path.isfile(path):
            exists = os.path.exists(path)
            unusable[path] = "not a regular file" if exists else "there is no such file"
    if checksums is None:
        return unusable
    expected = _read_checksums(root, checksums)
    for path in sorted({record.path for record in records} - unusable.keys()):
        wanted = expected.get(os.path.normpath(path))
        if wanted is None:
            unusable[path] = f"it is not listed in {checksums}"
        elif (found := sha256(path)) != wanted:
            unusable[path] = f"it was changed: its SHA-256 is {found[:12]}..., not {wanted[:12]}..."
    return unusable


def _read_checksums(root, checksums):
    expected = {}
    text = (root / checksums).read_text(encoding="utf-8", errors="surrogateescape")
    for line in text.splitlines():
        digest, _, name = line.partition(" ")
        if name:
            expected[os.path.normpath(root / name.strip().removeprefix("*"))] = digest.lower()
    return expected


def sha256(file):
    """SHA-256 of a file, in hexadecimal digits."""
    with open_image(file) as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def is_inside(file, root):
    """Whether a file is inside a folder, links followed."""
    try:
        return file.resolve().is_relative_to(root)
    except (OSError, RuntimeError, ValueError):  # links in a circle, a null byte
        return False
