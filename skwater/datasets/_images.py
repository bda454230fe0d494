"""Photos of plants in folders, or listed in a CSV file."""

import csv as csv_format
import os
from pathlib import Path

from ._image_table import Photo, build_series, find_conflicts, parse_time, sha256

PICTURES = {".png", ".jpg", ".jpeg", ".tif", ".tiff"}

_DESCR = """\
Photos of {n} plants, from {source}.
"""


def load_image_sequences(
    root,
    *,
    labels=None,
    date_pattern="{}",
    tolerance=None,
    grid=None,
    start=None,
    onset_day=None,
    checksums=None,
    on_error="raise",
    **images,
):
    """Load series of photos from a folder tree ``<label>/<plant>/<date>.png``.

    With `labels` given, the tree is ``<plant>/<date>.png``. The name of a file is its date: a day
    or time in ISO form (2024-05-30, 20240530, 2024-05-30T1400), or a number. Folders and files
    whose names begin with a dot are passed over, and so are files that are no PNG, JPEG or TIFF
    by their names.

    A folder tree says nothing of treatments. Where they were given to whole groups of plants, use
    :func:`load_manifest`, and split by group.

    Parameters
    ----------
    root : str or path-like
        The folder.
    labels : dict, or str or path-like, default=None
        Label of each plant, or a CSV file whose first column is the plant and whose second is the
        label. By default the outer folders are the labels.
    date_pattern : str, default="{}"
        How file names tell the date, with ``{}`` in its place: ``"IMG_{}_top"``.
    tolerance : float, default=None
        As for :func:`load_manifest`.
    grid : array-like, default=None
        As for :func:`load_manifest`.
    start : str, float or datetime, default=None
        As for :func:`load_manifest`.
    onset_day : float, str or datetime, default=None
        As for :func:`load_manifest`.
    checksums : str or path-like, default=None
        As for :func:`load_manifest`.
    on_error : {"raise", "missing"}, default="raise"
        As for :func:`load_manifest`.
    **images : dict
        Handed to :class:`~skwater.ImageSequences`: ``size``, ``center_crop``, ``cache`` and so on.

    Returns
    -------
    Bunch
        As for :func:`load_manifest`, without treatment.

    Raises
    ------
    ValueError
        If files or names are at fault; all of them are listed.
    FileNotFoundError
        If there is no such folder, or no photo in it.

    See Also
    --------
    load_manifest : From a list of photos in a CSV file.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> import cv2, numpy as np
    >>> from skwater.datasets import load_image_sequences
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     for name in "dry/a/2024-05-01", "dry/a/2024-05-03", "wet/b/2024-05-01":
    ...         file = pathlib.Path(folder, name + ".png")
    ...         file.parent.mkdir(parents=True, exist_ok=True)
    ...         _ = cv2.imwrite(str(file), np.zeros((8, 8, 3), dtype=np.uint8))
    ...     plants = load_image_sequences(folder)
    >>> plants.data.shape, plants.target, plants.days
    ((2, 2, 8, 8, 3), array(['dry', 'wet'], dtype='<U3'), array([0, 2]))
    """
    root = _folder(root)
    labels = _read_labels(labels)
    depth = 3 if labels is None else 2
    files = _photo_files(root, depth)
    bad, photos = [], []
    for file in files:
        *label, plant, _ = file.relative_to(root).parts
        where = str(file.relative_to(root))
        if not _inside(file, root):
            bad.append(f"{where}: it links to a place outside {root}")
        try:
            time = parse_time(_between(file.stem, date_pattern))
        except ValueError:
            bad.append(
                f"{where}: {file.stem!r} is no date by {date_pattern!r}: an ISO day or a number"
            )
            continue
        if labels is not None and plant not in labels:
            bad.append(f"{where}: plant {plant!r} has no label")
            continue
        label = label[0] if labels is None else labels[plant]
        photos.append(Photo(str(file), plant, time, str(label), where, {}))
    return _finish(
        photos,
        bad,
        root=root,
        source=str(root),
        checksums=checksums,
        on_error=on_error,
        tolerance=tolerance,
        grid=grid,
        start=start,
        onset_day=onset_day,
        treatment=None,
        images=images,
    )


def load_manifest(
    csv,
    *,
    root=None,
    path="path",
    plant="plant",
    date="date",
    label="label",
    treatment="treatment",
    tolerance=None,
    grid=None,
    start=None,
    onset_day=None,
    checksums=None,
    on_error="raise",
    **images,
):
    """Load series of photos that a CSV file lists, one row a photo.

    Plants become rows and dates become frames, in order, whatever the order of the file. A plant
    without a photo on some date has a missing frame there. All that is wrong with the file and
    the photos is collected in one error.

    The photos stay on disk. Frames mean the same date for all plants: aligned too generously, an
    early photo of one plant stands beside a late one of another, and a model learns the delay.

    Parameters
    ----------
    csv : str or path-like
        The file, in UTF-8, with a header.
    root : str or path-like, default=None
        Folder that paths start from, and may not leave; by default that of the file.
    path, plant, date : str, default="path", "plant", "date"
        Columns of the file of a photo, its plant, and its date: a day or a time in ISO form, or a
        number (a session, days after sowing).
    label : str or None, default="label"
        Column of the class, the same in all rows of a plant. None where there is none.
    treatment : str, default="treatment"
        Column of the treatment, where there is one.
    tolerance : float, default=None
        Dates that differ by at most this from their middle share a frame, unless a plant has two
        photos there; in days, or in the unit of the numbers. By default, photos taken at times of
        one day share a frame where no plant has two that day, and dates must else be equal.
    grid : array-like, default=None
        Dates of the frames; each plant gives the photo that is nearest, within `tolerance`.
        Photos that are nearest to none are left out.
    start : str, float or datetime, default=None
        Date from which ``days`` are counted, say that of sowing; by default the first one.
        Numbers stay as they are.
    onset_day : float, str or datetime, default=None
        Last day on which no plant can be stressed yet, say that of the last irrigation: a number
        in the unit of ``days``, or, if the photos have dates, an ISO date. A frame taken at some
        hour of that day is later than the day: name the hour then.
    checksums : str or path-like, default=None
        A file of ``sha256sum``, from `root`; each photo must be in it and be unchanged.
    on_error : {"raise", "missing"}, default="raise"
        Whether photos that cannot be used are an error or missing frames. Rows that contradict
        each other are always an error.
    **images : dict
        Handed to :class:`~skwater.ImageSequences`: ``size``, ``center_crop``, ``cache`` and so on.

    Returns
    -------
    Bunch
        With the attributes

        data : ImageSequences of shape (n_plants, n_frames, height, width, n_channels)
            The photos.
        target : ndarray of shape (n_plants,), dtype str, or None
            Label of each plant.
        classes : ndarray of shape (n_classes,), dtype str, or None
            The labels, sorted.
        target_names : list of str, or None
            The same.
        plant : ndarray of shape (n_plants,), dtype str
            Names of the plants, sorted; numbers by value.
        treatment : ndarray of shape (n_plants,), or None
            The groups to split by.
        days : ndarray of shape (n_frames,)
            Days from `start` to each frame, or the numbers.
        dates : list
            Date of each frame, datetimes or numbers.
        onset_day : float, or None
            As given, counted as ``days`` is.
        onset : int, or None
            Number of frames up to and including that day, for :class:`~skwater.RSSResampler`.
        alignment : str
            How dates were brought together.
        DESCR : str
            Source.

        Further columns are attributes too, of shape (n_plants,), or (n_plants, n_frames) with
        None for missing photos where a plant has several values. ``summary()`` is a report.

    Raises
    ------
    ValueError
        If rows or files are at fault; all of them are listed.
    FileNotFoundError
        If there is no such file.

    See Also
    --------
    load_image_sequences : From folders.

    Examples
    --------
    >>> from skwater.datasets import load_manifest
    >>> plants = load_manifest(
    ...     "photos.csv", date="session", size=(48, 64), on_error="missing"
    ... )  # doctest: +SKIP
    >>> print(plants.summary())  # doctest: +SKIP
    """
    csv = Path(csv)
    root = _folder(csv.parent if root is None else root)
    photos, bad = [], []
    for line, row in _rows(csv, [path, plant, date, *([label] if label else [])]):
        where = f"line {line}"
        file, wrong = _resolve(row[path], root)
        if wrong:
            bad.append(f"{where}: {wrong}")
            continue
        try:
            time = parse_time(row[date])
        except ValueError:
            bad.append(f"{where}: {row[date]!r} is no date: an ISO day or time, or a number")
            continue
        empty = [name for name in (plant, label) if name and not row[name]]
        if empty:
            bad.append(f"{where}: nothing in the column {empty[0]!r}")
            continue
        known = {path, plant, date, label}
        columns = {name: value for name, value in row.items() if name not in known}
        photos.append(Photo(file, row[plant], time, row[label] if label else None, where, columns))
    return _finish(
        photos,
        bad,
        root=root,
        source=str(csv),
        checksums=checksums,
        on_error=on_error,
        tolerance=tolerance,
        grid=grid,
        start=start,
        onset_day=onset_day,
        treatment=treatment,
        images=images,
    )


def _finish(
    photos, bad, *, root, source, checksums, on_error, grid, start, onset_day, images, **series
):
    """Report what is wrong with the list of photos, or make the series."""
    bad = bad + find_conflicts(photos)
    missing = {
        photo.path: "there is no such file" for photo in photos if not os.path.exists(photo.path)
    }
    if checksums is not None:
        missing |= _changed(photos, root, checksums, missing)
    if on_error == "raise":
        bad += [f"{photo.where}: {photo.path}: {missing[photo.path]}" for photo in photos
                if photo.path in missing]  # fmt: skip
    if bad:
        lines = "\n".join(f"  {line}" for line in bad)
        what = "1 entry" if len(bad) == 1 else f"{len(bad)} entries"
        raise ValueError(f"{what} of {source} cannot be used:\n{lines}")
    if not photos:
        raise FileNotFoundError(f"There is no photo in {source}.")
    return build_series(
        photos,
        grid=None if grid is None else [_as_time(when) for when in grid],
        start=None if start is None else _as_time(start),
        onset_day=None if onset_day is None else _as_time(onset_day),
        missing=missing,
        descr=_DESCR.format(n=len({photo.plant for photo in photos}), source=source),
        images=images | {"on_error": on_error},
        **series,
    )


def _as_time(when):
    return when if hasattr(when, "date") else parse_time(when)


def _folder(root):
    root = Path(root).expanduser().resolve()
    if not root.is_dir():
        raise FileNotFoundError(f"There is no folder {root}.")
    return root


def _rows(file, needed):
    """Yield (line, row) of a CSV file that has the columns needed."""
    with file.open(newline="", encoding="utf-8-sig") as opened:
        reader = csv_format.DictReader(opened)
        found = reader.fieldnames or []
        lacking = [name for name in needed if name not in found]
        if lacking:
            raise ValueError(
                f"{file} has no column {', '.join(map(repr, lacking))}: it has "
                f"{', '.join(map(repr, found))}. Name the columns with path=, plant=, date= and "
                f"label=."
            )
        for row in reader:
            row.pop(None, None)  # more cells than columns
            yield reader.line_num, {name: (value or "").strip() for name, value in row.items()}


def _resolve(path, root):
    """Path of a file, and what is wrong with it where it may not be read."""
    if not path:
        return None, "no path"
    file = root / path
    if not _inside(file, root):
        return None, f"{path} is outside the folder {root}"
    return str(file), None


def _inside(file, root):
    try:
        return file.resolve().is_relative_to(root)
    except (OSError, RuntimeError, ValueError):  # links in a circle, a null byte
        return False


def _changed(photos, root, checksums, missing):
    """Files that are not in the list of checksums, or not as it says."""
    expected = {}
    for line in (root / checksums).read_text(encoding="utf-8").splitlines():
        digest, _, name = line.partition(" ")
        if name:
            expected[os.path.normpath(root / name.strip().removeprefix("*"))] = digest.lower()
    changed = {}
    for file in sorted({photo.path for photo in photos} - missing.keys()):
        wanted = expected.get(os.path.normpath(file))
        if wanted is None:
            changed[file] = f"it is not listed in {checksums}"
        elif (found := sha256(file)) != wanted:
            changed[file] = f"it was changed: its SHA-256 is {found[:12]}..., not {wanted[:12]}..."
    return changed


def _photo_files(root, depth):
    files = [
        file
        for file in sorted(root.glob("/".join("*" * depth)))
        if file.suffix.lower() in PICTURES
        and not any(part.startswith(".") for part in file.relative_to(root).parts)
    ]
    if not files:
        layout = "<label>/<plant>/<date>.png" if depth == 3 else "<plant>/<date>.png"
        raise FileNotFoundError(f"There are no photos like {layout} in {root}.")
    return files


def _between(stem, pattern):
    """What stands in the place of {} in a name, or ValueError."""
    before, braces, after = pattern.partition("{}")
    if not braces:
        raise ValueError(f"date_pattern must have {{}} in the place of the date, got {pattern!r}.")
    if not (stem.startswith(before) and stem.endswith(after)):
        raise ValueError
    return stem[len(before) : len(stem) - len(after)]


def _read_labels(labels):
    if labels is None or hasattr(labels, "items"):
        return labels
    with Path(labels).open(newline="", encoding="utf-8-sig") as opened:
        rows = [row for row in csv_format.reader(opened) if row]
    return {plant.strip(): label.strip() for plant, label, *_ in rows[1:]}
