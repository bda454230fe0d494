"""New images of plants, loaded as those that a model was fitted on."""

from collections import Counter
from datetime import datetime
from pathlib import Path

import numpy as np

from ..sequences import ImageSequences
from ._image_bunch import table_of_paths
from ._image_dates import align, as_local, as_time, days_since, format_time
from ._image_folders import find_images, read_folder
from ._image_records import check_records, find_unusable, unusable_lines
from ._manifest import find_folder, read_manifest
from ._plant_bunch import natural

_FOLDERS = {"date_pattern": "{}", "date_format": None}
_TABLE = {
    "path": "path",
    "plant": "plant",
    "date": "date",
    "date_format": None,
    "sep": ",",
    "encoding": "utf-8-sig",
}


def load_new_images(source, recipe, *, root, start, tolerance, **images):
    """Load images of a CSV file, a DataFrame or a folder by a recipe (see `sequences._recipe`).

    Returns
    -------
    plants : list of str
        Names of the plants, in natural order.
    X : ImageSequences of shape (n_plants, n_frames, height, width, n_channels)
        Their images on the days of the recipe, up to the last day that has one.
    """
    records, errors, name, root = _read(source, recipe["reading"], root)
    unusable = find_unusable(records, root, None)
    if images["on_error"] == "raise":
        errors = errors + unusable_lines(records, unusable)
    check_records(records, errors, name, "image")
    start = recipe["start"] if start is None else start
    days = recipe["days"]
    table, errors = _align(_count_days(records, start, days), days, tolerance)
    check_records(records, errors, name, "image", [_remedy(start)])
    plants = sorted({record.plant for record in records}, key=natural)
    n_frames = 1 + max(frame for _, frame in table)
    rows = {plant: i for i, plant in enumerate(plants)}
    cells = {(rows[plant], frame): record for (plant, frame), record in table.items()}
    paths = table_of_paths(len(plants), n_frames, cells, unusable)
    X = ImageSequences(paths, **recipe["images"] | images)
    X.recipe = recipe | {"days": days, "start": str(start), "start_given": True}
    return plants, X


def _read(source, reading, root):
    """Records without labels, errors, name of the source and folder."""
    if hasattr(source, "columns") or not Path(source).is_dir():
        known = {key: reading.get(key, value) for key, value in _TABLE.items()}
        return read_manifest(source, root, None, **known)
    folder = find_folder(source)
    files = find_images(folder, 2) or find_images(folder, 3)
    if not files:
        raise FileNotFoundError(f"There are no images like <plant>/<date>.png in {folder}.")
    records, errors = _read_names(folder, files, reading)
    return records, errors, str(folder), folder


def _read_names(folder, files, reading):
    """Records of the images of a folder without labels, and errors."""
    known = {key: reading.get(key, value) for key, value in _FOLDERS.items()}
    records, errors = read_folder(folder, files, lambda outer, plant: None, **known)
    if errors and "date_pattern" not in reading:  # date_format is that of a table
        known["date_format"] = None
        records, errors = read_folder(folder, files, lambda outer, plant: None, **known)
    return records, errors


def place_image(file, folder, recipe, *, start, tolerance):
    """Plant and frame of one image ``<plant>/<date>.png``; ValueError if it fits no frame.

    It counts days as `load_new_images` does.
    """
    records, errors = _read_names(folder, [file], recipe["reading"])
    if not errors:
        days = recipe["days"]
        start = recipe["start"] if start is None else start
        table, faults = _align(_count_days(records, start, days), days, tolerance)
        errors = [f"{fault}. {_remedy(start)}" for fault in faults]
    if errors:
        raise ValueError(errors[0])
    ((plant, frame),) = table
    return plant, frame


def _count_days(records, start, days):
    """Records with the number of days since the start as their times."""
    start = as_time("start", start)
    is_date = isinstance(start, datetime)
    other = [r for r in records if isinstance(r.time, datetime) != is_date]
    if other:
        what = "dates" if is_date else "numbers"
        raise ValueError(
            f"{other[0].source}: {format_time(other[0].time)} is none of the {what} that the "
            f"model was fitted on."
        )
    whole = all(day == round(day) for day in days)  # a frame is a day, whatever the hour
    return [r._replace(time=days_since(start, as_local(r.time), whole=whole)) for r in records]


def _align(records, days, tolerance):
    """Images of each plant and frame, and a line for each image that fits no frame."""
    if tolerance is None:
        tolerance = min(0.5, *np.diff(days) / 2) if len(days) > 1 else 0.5
    _, table, _ = align(records, tolerance, [float(day) for day in days])
    used = {record.path for record in table.values()}
    taken = Counter(table)
    lines = [
        f"{r.source}: the image of plant {r.plant} of day {r.time:g} "
        + _why(r, days, tolerance, taken)
        for r in records
        if r.path not in used
    ]
    return table, lines


def _why(record, days, tolerance, taken):
    gaps = np.abs(np.asarray(days, dtype=float) - record.time)
    nearest = int(gaps.argmin())
    if gaps[nearest] <= tolerance and (record.plant, nearest) in taken:
        return f"is one of several for day {days[nearest]:g} of the model: leave one out"
    return (
        f"fits no day of the model, of which the nearest is {days[nearest]:g} and the last "
        f"{days[-1]:g}"
    )


def _remedy(start):
    """What helps if images fit no day."""
    return (
        f"Pass start= if day 0 is another date than {start}, or tolerance= if images may be some "
        f"days off."
    )
