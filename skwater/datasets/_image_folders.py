"""Images of plants in folders."""

import csv as csv_format
import re
from functools import partial
from typing import Any, Literal

from numpy.typing import ArrayLike

from .._typing import Day, StrPath
from ._image_bunch import ImageBunch, make_bunch
from ._image_dates import parse_time
from ._image_records import ImageRecord, is_inside
from ._manifest import find_folder
from ._table import read_text

_SUFFIXES = {".png", ".jpg", ".jpeg", ".tif", ".tiff"}


def load_image_sequences(
    root: StrPath,
    *,
    labels: dict[str, Any] | StrPath | None = None,
    date_pattern: str = "{}",
    date_format: str | None = None,
    tolerance: float | None = None,
    grid: ArrayLike | None = None,
    start: Day | None = None,
    onset_day: Day | None = None,
    checksums: StrPath | None = None,
    on_error: Literal["raise", "missing"] = "raise",
    **images: Any,
) -> ImageBunch:
    """Load sequences of images from a folder tree ``<label>/<plant>/<date>.png``.

    With `labels` given, the tree is ``<plant>/<date>.png``. The name of a file is its date: a day
    or time in ISO form (2024-05-30, 20240530, 2024-05-30T1400), or a number. Folders and files
    whose names begin with a dot are ignored, and so are files that are no PNG, JPEG or TIFF by
    their names.

    A folder tree says nothing of treatments. If they were given to whole groups of plants, use
    :func:`load_manifest`, and split by group.

    Parameters
    ----------
    root : str or path-like
        The folder.
    labels : dict, or str or path-like, or False, default=None
        Label of each plant, or a CSV file in UTF-8 with a header, whose first column is the plant
        and whose second is the label. By default the outer folders are the labels. False if there
        are none.
    date_pattern : str, default="{}"
        How file names tell the date, with ``{}`` in its place: ``"IMG_{}_top"``. The names that
        phones give, such as IMG_20240530_101500.jpg, need ``"IMG_{}"``.
    date_format : str, default=None
        As for :func:`load_manifest`.
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
        Passed to :class:`~skwater.ImageSequences`: ``size``, ``center_crop``, ``cache`` and so on.

    Returns
    -------
    Bunch
        As for :func:`load_manifest`, without treatment.

    Raises
    ------
    ValueError
        If files or names are at fault; the first ten are listed.
    FileNotFoundError
        If there is no such folder, or no image in it.

    Warns
    -----
    UserWarning
        If more than half of the frames are missing.

    See Also
    --------
    load_manifest : From a list of images in a CSV file.

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
    reading = {"date_pattern": date_pattern, "date_format": date_format}
    root = find_folder(root)
    labels = _read_labels(labels)
    label_of = partial(_find_label, labels)
    records, errors = read_folder(root, _image_files(root, labels), label_of, **reading)
    return make_bunch(
        records,
        errors,
        root=root,
        source=str(root),
        checksums=checksums,
        on_error=on_error,
        tolerance=tolerance,
        grid=grid,
        start=start,
        onset_day=onset_day,
        treatment=None,
        reading=reading,
        images=images,
    )


def read_folder(root, files, label_of, *, date_pattern, date_format):
    """Records of the images of a tree, and what is wrong with others.

    ``label_of`` gives the label of a plant from its outer folders and its name.
    """
    records, errors = [], []
    for file in files:
        *outer, plant, _ = file.relative_to(root).parts
        place = str(file.relative_to(root))
        try:
            if not is_inside(file, root):
                raise ValueError(f"it links to a place outside {root}")
            time = _parse_name(file.stem, date_pattern, date_format)
            label = label_of(outer, plant)
        except ValueError as error:
            errors.append(f"{place}: {error}")
            continue
        records.append(ImageRecord(str(file), plant, time, label, place, {}))
    return records, errors


def _find_label(labels, outer, plant):
    if labels is None:
        return outer[0]
    if labels is False:
        return None
    if plant not in labels:
        raise ValueError(f"plant {plant!r} has no label in labels=")
    return str(labels[plant])


def _image_files(root, labels):
    """All images of the tree, or FileNotFoundError that says how it should look."""
    files = find_images(root, 2 if labels is not None else 3)
    if files:
        return files
    if labels is not None:
        raise FileNotFoundError(f"There are no images like <plant>/<date>.png in {root}.")
    raise FileNotFoundError(
        f"There are no images like <label>/<plant>/<date>.png in {root}"
        + (", but some like <plant>/<date>.png" if find_images(root, 2) else "")
        + ". If folders of plants are not in folders of labels, give the label of each plant: "
        "labels={'plant 1': 'dry', ...} or a CSV file; labels=False if there are none."
    )


def find_images(root, depth):
    return [
        file
        for file in sorted(root.glob("/".join("*" * depth)))
        if file.suffix.lower() in _SUFFIXES
        and not any(part.startswith(".") for part in file.relative_to(root).parts)
    ]


def _parse_name(stem, pattern, date_format):
    """Date in the name of a file; ValueError that shows a pattern if there is none."""
    before, braces, after = pattern.partition("{}")
    if not braces:
        raise ValueError(f"date_pattern must have {{}} in the place of the date, got {pattern!r}")
    if not (stem.startswith(before) and stem.endswith(after)):
        raise ValueError(f"the name {stem!r} is not like date_pattern={pattern!r}")
    try:
        return parse_time(stem[len(before) : len(stem) - len(after)], date_format)
    except ValueError as error:
        example = re.sub(r"(19|20)\d\d-?\d\d-?\d\d([T_-]\d{4,})?", "{}", stem, count=1)
        example = example if "{}" in example and example != "{}" else "IMG_{}_top"
        raise ValueError(
            f"{error}. If the date is a part of the name: date_pattern={example!r}"
        ) from None


def _read_labels(labels):
    if labels is None or labels is False or hasattr(labels, "items"):
        return labels
    found = {}
    lines = csv_format.reader(read_text(labels, "utf-8-sig").splitlines())
    for number, row in enumerate(lines, start=1):
        if number == 1 or not row:
            continue
        if len(row) < 2:
            raise ValueError(
                f"{labels}, line {number}: expected a plant and its label, separated by a comma, "
                f"got {row[0]!r}."
            )
        plant, label = row[0].strip(), row[1].strip()
        if found.setdefault(plant, label) != label:
            raise ValueError(
                f"{labels}, line {number}: plant {plant!r} has the label {label!r}, and "
                f"{found[plant]!r} before."
            )
    return found
