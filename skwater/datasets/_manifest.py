"""Images of plants that are listed in a CSV file or a DataFrame."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from numpy.typing import ArrayLike

from .._typing import Day, StrPath
from ._image_bunch import ImageBunch, make_bunch
from ._image_dates import parse_time
from ._image_records import ImageRecord, is_inside
from ._table import check_cells, join_cells, read_rows

if TYPE_CHECKING:
    from pandas import DataFrame


def load_manifest(
    csv: StrPath | DataFrame,
    *,
    root: StrPath | None = None,
    path: str = "path",
    plant: str = "plant",
    date: str | list[str] = "date",
    label: str | None = "label",
    treatment: str = "treatment",
    date_format: str | None = None,
    sep: str = ",",
    encoding: str = "utf-8-sig",
    tolerance: float | None = None,
    grid: ArrayLike | None = None,
    start: Day | None = None,
    onset_day: Day | None = None,
    checksums: StrPath | None = None,
    on_error: Literal["raise", "missing"] = "raise",
    **images: Any,
) -> ImageBunch:
    """Load sequences of images that are listed in a CSV file or a DataFrame, one row an image.

    Plants become rows and dates become frames, in order, whatever the order of the file. A plant
    without an image on some date has a missing frame there. All that is wrong with the file and
    the images is collected in one error.

    The images stay on disk. Frames mean the same date for all plants: aligned too generously, an
    early image of one plant stands beside a late one of another, and a model learns the delay.

    Parameters
    ----------
    csv : str, path-like or pandas.DataFrame
        The file, with a header, or a table.
    root : str or path-like, default=None
        Folder that paths start from, and may not leave; by default that of the file, and for a
        DataFrame the current one.
    path, plant : str, default="path", "plant"
        Columns of the file of an image and of its plant.
    date : str or list of str, default="date"
        Column of the date: a day or a time in ISO form, or a number (a session, days after
        sowing). Two columns, ``["date", "time"]``, are joined by a space. Times with a time zone
        count by the clocks of that zone.
    label : str or None, default="label"
        Column of the class, the same in all rows of a plant. None if there is none.
    treatment : str, default="treatment"
        Column of the treatment, if there is one.
    date_format : str, default=None
        Format of dates that are neither in ISO form nor numbers, in the codes of
        :meth:`datetime.datetime.strptime`: ``"%d/%m/%Y"``, ``"%d %B %Y"``, ``"%y%m%d"``.
    sep : str, default=","
        Character that separates the columns of the file.
    encoding : str, default="utf-8-sig"
        Encoding of the file: UTF-8, or for example "utf-16" or "latin-1".
    tolerance : float, default=None
        Dates that differ by at most this from their middle share a frame, unless a plant has two
        images there; in days, or in the unit of the numbers. By default, images taken at times of
        one day share a frame if no plant has two that day, and other dates must be equal.
    grid : array-like, default=None
        Dates of the frames; each plant gives the image that is nearest, within `tolerance`.
        Images that are nearest to none are left out.
    start : str, float or datetime, default=None
        Date from which ``days`` are counted, for example that of sowing; by default the first
        one. Numbers stay as they are.
    onset_day : float, str or datetime, default=None
        Last day on which no plant can be stressed yet, for example that of the last irrigation: a
        number in the unit of ``days``, or, if the images have dates, an ISO date. A frame taken at
        some hour of that day is later than the day: name the hour then.
    checksums : str or path-like, default=None
        A file of ``sha256sum``, from `root`; each image must be in it and be unchanged.
    on_error : {"raise", "missing"}, default="raise"
        Whether images that cannot be used are an error or missing frames. Rows that contradict
        each other are always an error.
    **images : dict
        Passed to :class:`~skwater.ImageSequences`: ``size``, ``center_crop``, ``cache`` and so on.

    Returns
    -------
    Bunch
        With the attributes

        data : ImageSequences of shape (n_plants, n_frames, height, width, n_channels)
            The images.
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
            How dates were aligned.
        DESCR : str
            Source.

        Further columns are attributes too, of shape (n_plants,), or (n_plants, n_frames) with
        None for missing images if a plant has several values. ``summary()`` is a report, which
        also names what is probably a mistake.

    Raises
    ------
    ValueError
        If columns are missing or occur twice, or rows or files are at fault; the first ten are
        listed with their lines.
    FileNotFoundError
        If there is no such file.

    Warns
    -----
    UserWarning
        If more than half of the frames are missing.

    See Also
    --------
    load_image_sequences : From folders.

    Examples
    --------
    >>> from skwater.datasets import load_manifest
    >>> plants = load_manifest(
    ...     "images.csv", date="session", size=(48, 64), on_error="missing"
    ... )  # doctest: +SKIP
    >>> print(plants.summary())  # doctest: +SKIP
    """
    reading = {
        "path": path,
        "plant": plant,
        "date": date,
        "date_format": date_format,
        "sep": sep,
        "encoding": encoding,
    }
    records, errors, source, root = read_manifest(csv, root, label, **reading)
    return make_bunch(
        records,
        errors,
        root=root,
        source=source,
        checksums=checksums,
        on_error=on_error,
        tolerance=tolerance,
        grid=grid,
        start=start,
        onset_day=onset_day,
        treatment=treatment,
        reading=reading,
        images=images,
    )


def read_manifest(csv, root, label, *, path, plant, date, date_format, sep, encoding):
    """Records of a CSV file or a DataFrame: records, errors, name of the source, folder."""
    dates = [date] if isinstance(date, str) else list(date)
    needed = [path, plant, *dates, *([label] if label else [])]
    source, rows = read_rows(csv, sep, encoding, needed, "path=, plant=, date=")
    folder = "." if hasattr(csv, "columns") else Path(csv).parent
    root = find_folder(folder if root is None else root)
    records, errors = [], []
    for place, row in rows:
        try:
            file = _resolve(row[path], root)
            check_cells(row, needed[1:])
            time = parse_time(join_cells(row[name] for name in dates), date_format)
        except ValueError as error:
            errors.append(f"{place}: {error}")
            continue
        columns = {name: str(value) for name, value in row.items() if name not in needed}
        name, group = str(row[plant]), str(row[label]) if label else None
        records.append(ImageRecord(file, name, time, group, place, columns))
    return records, errors, source, root


def find_folder(root):
    """Absolute path of a folder; FileNotFoundError if there is none."""
    root = Path(root).expanduser().resolve()
    if not root.is_dir():
        raise FileNotFoundError(f"There is no folder {root}.")
    return root


def _resolve(path, root):
    """Path of a file; ValueError if it may not be read."""
    if not path:
        raise ValueError("no path")
    file = root / path
    if not is_inside(file, root):
        raise ValueError(f"{path} is outside the folder {root}")
    return str(file)
