"""The images of the Eschikon sugar beet experiment, from a copy on disk."""

import os
import re
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils._param_validation import StrOptions

from .._typing import StrPath
from .._validation import validate_params
from ..preprocessing import stack_channels
from ..sequences import ImageSequences, missing_frames, onset_from_days
from ..sequences._headers import MAX_PIXELS, ImageError, open_image, read_header
from ._data_home import get_data_home
from ._eschikon import DAYS, ONSET_DAY, RemoteFile, fetch_file, read_mat
from ._image_bunch import ImageBunch
from ._image_dates import parse_time

SOWING = datetime(2018, 1, 18)
_N_BOXES = 30
_CAMERAS = ("rgb", "ir1", "ir2", "multispec")
_BOXES = RemoteFile(
    name="boxDetections.mat",
    commit="df290c9a21e932cd0dbed7602fc6b16b3ef32e0a",
    sha256="e466c154efb5b2a5b2ee42ea507f07fe64639f5d7abd198a7387579817479ff5",
)
_FOLDER = re.compile(r"(\d{8})_greenhouse_measurements")
# The multispectral camera has a filter of 5 x 5 bands over its pixels, from this row on.
_BAND_BLOCK, _FIRST_ROW, _BAND_ROWS, _BAND_COLUMNS = 5, 3, 216, 409

_DESCR = """\
Eschikon sugar beet images
==========================

Images of {n} boxes on {t} dates by the camera {cameras}, on disk in {root}.

:target: 1 = drying (boxes 13-15, 19-21, 28-30), not watered after day 28; 0 = watered
:nitrogen: high (boxes 1-3, 7-12, 16-18), medium (4-6, 13-15, 19-21), low (22-30)
:weeds: none, few (7-9, 25-27), many (10-12, 19-21), only weeds and no beets (16-18)

Whole treatments dry out, never single boxes, and none of them has high nitrogen: split by
`treatment` to ask whether a model has learned drought.

Khanna, R., Schmid, L., Walter, A., Nieto, J., Siegwart, R., Liebisch, F. (2019). A spatio temporal
spectral framework for plant stress phenotyping. Plant Methods 15, 13.
https://doi.org/10.1186/s13007-019-0398-8
"""


@validate_params(
    {
        "root": [str, os.PathLike],
        "camera": [StrOptions(set(_CAMERAS)), tuple, list],
        "crop": [StrOptions({"box", "center"}), None],
        "boxes": ["array-like", str, os.PathLike, dict, None],
        "dates": ["array-like", None],
        "include_weed_boxes": ["boolean"],
        "data_home": [str, os.PathLike, None],
        "download_if_missing": ["boolean"],
    },
    prefer_skip_nested_validation=True,
)
def load_eschikon(
    root: StrPath,
    *,
    camera: str | tuple[str, ...] = "rgb",
    crop: Literal["box", "center"] | None = "box",
    size: int | tuple[int, int] | None = None,
    dates: ArrayLike | None = None,
    boxes: ArrayLike | StrPath | dict[str, Any] | None = None,
    include_weed_boxes: bool = True,
    data_home: StrPath | None = None,
    download_if_missing: bool = True,
    **images: Any,
) -> "CameraBunch":
    """Load the images of the Eschikon drought experiment from a folder (measured, classification).

    Thirty boxes of sugar beets on 16 dates [1]_, as their authors lay them out:
    ``20180118_greenhouse_measurements/rgb/1.png`` and so on, of which image 31, a calibration
    target, is not read. Images that do not exist are missing frames.

    Scores mislead if a split ignores `treatment`, see :func:`fetch_eschikon_indicators`. The
    crop matters too: without one, the paths between the boxes and the light on them are in the
    image, and people who stand there.

    Parameters
    ----------
    root : str or path-like
        The folder with the folders of the dates.
    camera : {"rgb", "ir1", "ir2", "multispec"} or tuple of them, default="rgb"
        Color; one of two gray infrared cameras; or 25 bands, which lie in blocks of 5 x 5 pixels
        in the image and become channels, row by row, in 10 bits (those of 8 bits times 4). Several
        cameras are stacked as channels in this order, see
        :func:`~skwater.preprocessing.stack_channels`; `size` is then needed. They stand side by
        side and are not registered: one pixel shows different parts of a box.
    crop : {"box", "center"} or None, default="box"
        "box" rotates and cuts out the box of plants as the authors found it on each date, for the
        color camera only unless `boxes` are given. "center" cuts out the largest central square.
    size : int or tuple of (height, width), default=None
        Size of a frame. Boxes differ in size, so that "box" needs it; they are about three high
        and four and a half wide, and are cut to its shape, see :class:`~skwater.ImageSequences`.
    dates : array-like of str, default=None
        Days to load, in ISO form; by default all that exist.
    boxes : str, path-like, array-like of shape (16, 30, 5), or dict of them, default=None
        Crop boxes for each date and box, (x_min, y_min, width, height, angle), or the authors' file
        ``boxDetections.mat``. By default that is downloaded once. For several cameras a dict, by
        camera, as each has pixels of its own.
    include_weed_boxes : bool, default=True
        Whether boxes 16 to 18, in which weeds grew and no beets, are loaded.
    data_home : str or path-like, default=None
        Folder of downloaded data, see :func:`get_data_home`.
    download_if_missing : bool, default=True
        If False, raise an OSError if the file of boxes is missing.
    **images : dict
        Passed to :class:`~skwater.ImageSequences`: ``cache``, ``on_error`` and so on. Of several
        cameras each has its own cache, whose name ends in that of the camera.

    Returns
    -------
    Bunch
        With the attributes

        data : ImageSequences of shape (n_boxes, n_frames, height, width, n_channels)
            The images; of several cameras, other lazy sequences. A frame that one of them lacks
            is then missing, with a warning.
        target : ndarray of shape (n_boxes,), dtype int64
            1 = drying, 0 = watered.
        target_names : list of str
            Their names.
        classes : ndarray of shape (2,), dtype int64
            0 and 1.
        plant : ndarray of shape (n_boxes,), dtype int64
            The box, from 0 on; box numbers of the paper are one more.
        treatment : ndarray of shape (n_boxes,), dtype int64
            Ten treatments of three boxes, the groups to split by.
        nitrogen : ndarray of shape (n_boxes,), dtype str
            'high', 'medium' or 'low'.
        weeds : ndarray of shape (n_boxes,), dtype str
            'none', 'few', 'many' or 'only'.
        days : ndarray of shape (n_frames,), dtype int64
            Days after sowing.
        dates : list of datetime
            The same as dates.
        onset_day : int
            Day after which the drying boxes got no water.
        onset : int or None
            Number of frames up to and including that day, for :class:`~skwater.RSSResampler`;
            None if there is none.
        DESCR : str
            Description and source.

        ``summary()`` is a report of what was found.

    Raises
    ------
    FileNotFoundError
        If there is no folder of a date.
    ValueError
        If images cannot be used (all are listed), give several sizes, or have no boxes, or if a
        camera is unknown or named twice.
    OSError
        If the file of boxes may not be or cannot be downloaded, or is not that of the authors.

    See Also
    --------
    fetch_eschikon_indicators : What the authors measured in these images.

    References
    ----------
    .. [1] Khanna, R., Schmid, L., Walter, A., Nieto, J., Siegwart, R., Liebisch, F. (2019).
       A spatio temporal spectral framework for plant stress phenotyping. Plant Methods 15, 13.
       https://doi.org/10.1186/s13007-019-0398-8

    Examples
    --------
    >>> from skwater.datasets import load_eschikon
    >>> plants = load_eschikon("eschikon", size=(64, 96))  # doctest: +SKIP
    >>> plants.data.shape  # doctest: +SKIP
    (30, 16, 64, 96, 3)
    """
    root = Path(root).expanduser()
    cameras = _check_cameras(camera, boxes)
    folders = _date_folders(root, dates)
    days = np.array([(date - SOWING).days for date in folders])
    plant = np.arange(_N_BOXES)
    water, nitrogen, weeds = _design()
    loaded = plant if include_weed_boxes else plant[weeds != "only"]
    data = {}
    for name in cameras:
        options = {"size": size, **_options(name), **images}
        paths = _paths(folders, loaded, name)
        if crop == "box":
            given = boxes.get(name) if isinstance(boxes, dict) else boxes
            table = _find_boxes(given, name, data_home, download_if_missing)
            options["boxes"] = table[_positions(days)][:, loaded].swapaxes(0, 1)
        elif crop == "center":
            options["center_crop"] = _square(paths, name, options.get("max_pixels", MAX_PIXELS))
        if len(cameras) > 1 and options.get("cache") is not None:
            options["cache"] = f"{os.fspath(options['cache'])}.{name}"
        data[name] = ImageSequences(paths, **options)
    return CameraBunch(
        data,
        data=stack_channels(*data.values()) if len(data) > 1 else data[cameras[0]],
        target=water[loaded],
        target_names=["watered", "drying"],
        classes=np.array([0, 1]),
        plant=loaded,
        treatment=loaded // 3,
        nitrogen=nitrogen[loaded],
        weeds=weeds[loaded],
        days=days,
        dates=list(folders),
        onset_day=ONSET_DAY,
        onset=onset_from_days(days, ONSET_DAY),
        alignment="each date is a frame",
        DESCR=_DESCR.format(n=len(loaded), t=len(days), cameras=" and ".join(cameras), root=root),
    )


class CameraBunch(ImageBunch):
    """The images of one camera or several, with a summary to read."""

    def __init__(self, cameras, /, **items):
        super().__init__(**items)
        self.__dict__["_cameras"] = cameras

    def summary(self):
        """Report what was found: plants, dates, gaps, sizes, classes, duplicates.

        Returns
        -------
        str
            Some lines of text, and of several cameras as many for each. Files of equal length are
            read, to find those of equal content.
        """
        if len(self._cameras) == 1:
            return super().summary()
        n, t, h, w, c = self.data.shape
        missing = missing_frames(self.data)
        parts = [
            f"{n} plants x {t} frames of {h} x {w} pixels, {c} channels of "
            f"{len(self._cameras)} cameras, {self.data.dtype}\n"
            f"missing frames, which at least one camera lacks: {missing.sum()} of {missing.size}"
        ]
        for name, images in self._cameras.items():
            one = ImageBunch(**{**self, "data": images})
            parts.append(f"camera {name}\n{one.summary()}")
        return "\n\n".join(parts)


def _check_cameras(camera, boxes):
    """Names of the cameras."""
    cameras = [camera] if isinstance(camera, str) else list(camera)
    if not cameras or set(cameras) - set(_CAMERAS) or len(set(cameras)) < len(cameras):
        raise ValueError(
            f"camera must be one of {_CAMERAS}, or several of them, each once, got {camera!r}."
        )
    if isinstance(boxes, dict):
        other = set(boxes) - set(cameras)
        if other:
            raise ValueError(f"There are boxes of cameras that are not loaded: {sorted(other)}.")
    elif boxes is not None and len(cameras) > 1:
        raise ValueError(
            f"Boxes are in pixels of one camera, and those of {' and '.join(cameras)} differ: give "
            f"a dict, boxes={{camera: boxes}}."
        )
    return cameras


def _options(camera):
    """How images of a camera are read."""
    if camera == "multispec":
        return {"color": "gray", "convert": multispectral_bands}
    return {"color": "rgb" if camera == "rgb" else "gray"}


def _paths(folders, boxes, camera):
    paths = np.full((len(boxes), len(folders)), None, dtype=object)
    for i, box in enumerate(boxes):
        for j, folder in enumerate(folders.values()):
            file = folder / camera / f"{box + 1}.png"
            paths[i, j] = str(file) if file.exists() else None
    return paths


def _date_folders(root, dates):
    """Folders by date, in order."""
    if not root.is_dir():
        raise FileNotFoundError(f"There is no folder {root}.")
    found = {}
    for folder in sorted(root.iterdir()):
        if name := _FOLDER.fullmatch(folder.name):
            found[parse_time(name[1])] = folder
    if not found:
        raise FileNotFoundError(
            f"There is no folder like 20180118_greenhouse_measurements in {root}."
        )
    if dates is None:
        return found
    wanted = sorted({parse_time(date) for date in dates})
    lacking = [str(date)[:10] for date in wanted if date not in found]
    if lacking:
        raise ValueError(f"There is no folder of the dates {', '.join(lacking)} in {root}.")
    return {date: found[date] for date in wanted}


def _design():
    """Water (1 = drying), nitrogen and weeds of the 30 boxes, from the paper."""
    water = np.zeros(_N_BOXES, dtype=np.int64)
    nitrogen = np.full(_N_BOXES, "high", dtype="<U6")
    weeds = np.full(_N_BOXES, "none", dtype="<U4")
    box = np.arange(_N_BOXES) // 3
    water[np.isin(box, [4, 6, 9])] = 1
    nitrogen[np.isin(box, [1, 4, 6])] = "medium"
    nitrogen[box >= 7] = "low"
    weeds[np.isin(box, [2, 8])] = "few"
    weeds[np.isin(box, [3, 6])] = "many"
    weeds[box == 5] = "only"
    return water, nitrogen, weeds


def _positions(days):
    """Which of the 16 dates each day is."""
    unknown = np.setdiff1d(days, DAYS)
    if len(unknown):
        raise ValueError(
            f"There are no crop boxes for the days {unknown.tolist()} after sowing: choose other "
            f"dates, or crop=None."
        )
    return np.searchsorted(DAYS, days)


def _find_boxes(boxes, camera, data_home, download_if_missing):
    if boxes is None:
        if camera != "rgb":
            raise ValueError(
                f"The authors' boxes are those of the color camera, not of {camera!r}: give "
                f"boxes of shape {(len(DAYS), _N_BOXES, 5)}, for several cameras in a dict, or "
                f"crop='center' or None."
            )
        boxes = fetch_file(_BOXES, get_data_home(data_home), download_if_missing)
    if isinstance(boxes, str | os.PathLike):
        boxes = np.stack(np.ravel(read_mat(boxes)["boxDetections"]))
    boxes = np.asarray(boxes, dtype=float)
    if boxes.shape != (len(DAYS), _N_BOXES, 5):
        raise ValueError(
            f"boxes must have shape {(len(DAYS), _N_BOXES, 5)}, dates x boxes x (x_min, y_min, "
            f"width, height, angle), got {boxes.shape}."
        )
    return boxes


def _square(paths, camera, max_pixels):
    """Side of the largest square in the images, by the first that can be read."""
    for path in paths[paths != None]:  # noqa: E711  # elementwise
        try:
            with open_image(path) as file:
                height, width = read_header(file.read(), max_pixels).size
        except (OSError, ImageError):
            continue  # reported with all the others
        if camera == "multispec":
            height, width = _n_blocks(height, width)
        return min(height, width)
    return None


def _n_blocks(height, width):
    rows, columns = (height - _FIRST_ROW) // _BAND_BLOCK, width // _BAND_BLOCK
    return min(rows, _BAND_ROWS), min(columns, _BAND_COLUMNS)


def multispectral_bands(image):
    """Bands (rows, columns, 25) of a multispectral image, in 10 bits."""
    rows, columns = _n_blocks(*image.shape[:2])
    if min(rows, columns) < 1:
        raise ImageError(f"{image.shape[:2]} pixels are less than one block of bands")
    if image.dtype == np.uint8:
        image = image.astype(np.uint16) * 4
    elif image.max() > 1023:
        raise ImageError(f"a value of {image.max()} is more than the 10 bits of the camera")
    mosaic = image[_FIRST_ROW:][: rows * _BAND_BLOCK, : columns * _BAND_BLOCK, 0]
    blocks = mosaic.reshape(rows, _BAND_BLOCK, columns, _BAND_BLOCK)
    return blocks.transpose(0, 2, 1, 3).reshape(rows, columns, _BAND_BLOCK**2)
