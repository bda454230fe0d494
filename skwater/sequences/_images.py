"""Sequences of images that stay on disk until a batch needs them."""

import mmap
import os
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Literal

import numpy as np
from joblib import cpu_count
from numpy.typing import ArrayLike

from .._typing import StrPath
from ._frame_cache import FrameCache, identify, name_function
from ._headers import MAX_PIXELS, Header, ImageError, open_image, read_header
from ._image_table import as_boxes, as_size, as_table, check_choice, number_files
from ._lazy import LazySequences
from ._pixels import Crop, decode
from ._recipe import ONE_FOR_EACH


class ImageSequences(LazySequences):
    """Images on disk, as sequences: a table of files, decoded when a batch asks for them.

    A legal ``X`` for every estimator of this package. Rows, splices and choices of frames are new
    tables over the same files; ``X[i]`` and ``numpy.asarray(X)`` decode, in threads. Files are
    PNG, JPEG or TIFF of 8 or 16 bits. Their headers and their ends are checked when the table is
    made, without decoding, and all errors are reported together. Corruption inside a JPEG is not
    detected, though its decoder may print a warning that names no file: give
    :func:`~skwater.datasets.load_manifest` checksums against that.

    What is done to each image, in this order: it is turned upright by its EXIF orientation;
    converted to RGB (gray and palette images too; alpha is dropped) or to gray; cut to its
    center; cut to its box; resized. Nothing is stretched: if `size` has another aspect ratio than
    what was cut, the largest central part of that ratio is taken, so the margins are lost.

    Parameters
    ----------
    paths : array-like of shape (n_samples, n_frames)
        The file of each image, None if there is none.
    size : int or tuple of (height, width), default=None
        Size of a frame in pixels; an int is a square. By default as it is on disk, after cutting.
    center_crop : int or tuple of (height, width), default=None
        The central part that is used, in pixels.
    boxes : array-like of shape (n_samples, n_frames, 5) or (..., 4) or (5,) or (4,), default=None
        The part that is used, (x_min, y_min, width, height, angle): the whole image is rotated
        counter-clockwise by the angle in degrees, onto a canvas that holds all of it, and the box
        is cut from that canvas. Pixels, from the upper left corner.
    stretch : bool, default=False
        Resize without regard to the aspect ratio.
    color : {"rgb", "gray"}, default="rgb"
        Three channels or one.
    dtype : {"uint8", "uint16"}, default=None
        Depth of the values; others are converted to it, white staying white. By default uint16
        if a file has more than 8 bits.
    convert : callable, default=None
        Applied to each decoded image (height, width, n_channels) before it is cut; returns
        another of dtype uint8 or uint16, for example the bands of a mosaic. It must be defined in
        a module, so that it can be pickled. A `cache` knows it by its name and code, and is
        replaced if one of them changes; it does not see what the function calls.
    on_error : {"raise", "missing"}, default="raise"
        Whether files that cannot be used are an error or missing frames, listed in ``skipped``.
    cache : str or path-like, default=None
        File in which decoded frames are saved, so that no image is decoded twice, in later runs
        either. It takes the space of all frames at once. Processes can share it; one that was made
        of other images, or cut otherwise, is replaced.
    max_pixels : int, default=100_000_000
        Images that declare more pixels are refused before they are decoded. Decoding takes up to
        12 bytes per pixel and thread, so 1.2 GB at the default: lower it if memory is scarce.
        Progressive JPEGs of more than 32 scans are refused as well: they take very long.

    Attributes
    ----------
    shape : tuple of int
        ``(n_samples, n_frames, height, width, n_channels)``.
    dtype : numpy.dtype
        uint8 or uint16, and float32 if an image is missing.
    ndim : int
        5.
    paths : ndarray of shape (n_samples, n_frames), dtype object
        The files, None if an image is missing.
    skipped : dict of {str: str}
        Files that could not be used, and why.
    sizes : dict of {tuple: int}
        How many files have each (height, width), before they are cut.
    cut_more : dict of {str: float}
        Files of which `size` cuts off more than of most, such as one portrait image among
        landscapes, and the fraction that remains.

    Raises
    ------
    ValueError
        If files cannot be used (all of them are listed) or give frames of several sizes, if
        `cache` is given and `convert` has no name, or on reading if a file is damaged or was
        changed after the table was made.

    See Also
    --------
    skwater.datasets.load_manifest : Makes the table from a CSV file.
    skwater.datasets.load_image_sequences : Makes it from folders.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> import cv2, numpy as np
    >>> from skwater import ImageSequences
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = str(pathlib.Path(folder, "monday.png"))
    ...     _ = cv2.imwrite(file, np.full((20, 30, 3), 7, dtype=np.uint8))
    ...     X = ImageSequences([[file, None]], size=(10, 15))
    ...     X.shape, X.dtype, X[0][:, 0, 0, 0]
    ((1, 2, 10, 15, 3), dtype('float32'), array([ 7., nan], dtype=float32))
    """

    def __init__(
        self,
        paths: ArrayLike,
        *,
        size: int | tuple[int, int] | None = None,
        center_crop: int | tuple[int, int] | None = None,
        boxes: ArrayLike | None = None,
        stretch: bool = False,
        color: Literal["rgb", "gray"] = "rgb",
        dtype: Literal["uint8", "uint16"] | None = None,
        convert: Callable[..., Any] | None = None,
        on_error: Literal["raise", "missing"] = "raise",
        cache: StrPath | None = None,
        max_pixels: int = MAX_PIXELS,
    ) -> None:
        check_choice("color", color, ("rgb", "gray"))
        check_choice("on_error", on_error, ("raise", "missing"))
        check_choice("dtype", dtype, (None, "uint8", "uint16"))
        paths = as_table(paths)
        boxes = as_boxes(boxes, paths.shape)
        self._crop = Crop(as_size("center_crop", center_crop), as_size("size", size), stretch)
        self._gray = color == "gray"
        self._convert = convert
        self._max_pixels = max_pixels
        self._slots, self._files, self._boxes = number_files(paths, boxes)
        self._base_paths = paths
        self._stamps = {}
        headers = self._check_files(on_error)
        self._dtype_read = _depth(dtype, headers)
        self._frame = self._common_frame(headers)
        self._can_miss = bool((self._slots < 0).any())
        self._recipe = {"images": self._settings(), "changed": False}
        super().__init__(
            np.repeat(np.arange(len(paths))[:, None], paths.shape[1], axis=1),
            np.arange(paths.shape[1]),
        )
        self._cache = None
        if cache is not None:
            shape = (len(self._files), *self._frame)
            self._cache = FrameCache(cache, self._fingerprint(), shape, self._dtype_read)

    @property
    def frame_shape(self) -> tuple[int, ...]:
        return self._frame

    @property
    def dtype(self) -> np.dtype:
        return np.dtype(np.float32) if self._can_miss else self._dtype_read

    @property
    def value_dtype(self):
        return self._dtype_read

    @property
    def paths(self) -> np.ndarray:
        return self._base_paths[self.donors, self.frames]

    def _settings(self):
        """How each image is read, as arguments for other images; see `_recipe`."""
        boxes = sorted(set(self._boxes), key=str)
        return {
            "size": self._crop.size,
            "center_crop": self._crop.center,
            "boxes": boxes[0] if len(boxes) == 1 else ONE_FOR_EACH,
            "stretch": self._crop.stretch,
            "color": "gray" if self._gray else "rgb",
            "convert": self._convert,
            "dtype": None if self._convert else str(self._dtype_read),
            "max_pixels": self._max_pixels,
        }

    def _check_files(self, on_error):
        """Read the header of every file once; drop or report those that cannot be used."""
        files = sorted(set(self._files))
        checked = dict(zip(files, _in_threads(self._header, files), strict=True))
        for i, file in enumerate(self._files):
            if isinstance(checked[file], Header) and self._convert is None:
                try:
                    self._crop.cut_size(checked[file].size, self._boxes[i])
                except ImageError as error:
                    checked[file] = str(error)
        self.skipped = {f: why for f, why in checked.items() if not isinstance(why, Header)}
        if self.skipped and on_error == "raise":
            raise ValueError(_list_bad(self.skipped))
        self._drop(self.skipped)
        if not self._files:
            raise ValueError(
                "There is no image that can be used. " + _list_bad(self.skipped)
                if self.skipped
                else "There is no image: paths has no file."
            )
        self.sizes = dict(
            Counter(h.size for h in checked.values() if isinstance(h, Header)).most_common()
        )
        return [checked[file] for file in self._files]

    def _header(self, file):
        """Header of a file, or what is wrong with it."""
        try:
            with open_image(file) as opened:
                # Tells these images from later ones of the same names, also in a hash of joblib's.
                self._stamps[file] = _stamp(opened)
                if self._stamps[file][0] == 0:
                    return "the file is empty"
                with mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ) as data:
                    return read_header(data, self._max_pixels)
        except ImageError as error:
            return str(error)
        except (OSError, ValueError) as error:
            return getattr(error, "strerror", None) or str(error)

    def _drop(self, files):
        """Make frames of these files missing."""
        usable = np.array([file not in files for file in self._files], dtype=bool)
        slots = np.append(np.where(usable, np.cumsum(usable) - 1, -1), -1)  # -1 stays -1
        self._slots = slots[self._slots]
        self._base_paths = np.where(self._slots < 0, None, self._base_paths)
        self._files = [file for file, ok in zip(self._files, usable, strict=True) if ok]
        self._boxes = [box for box, ok in zip(self._boxes, usable, strict=True) if ok]

    def _common_frame(self, headers):
        """Shape of a frame, which must be that of all."""
        self.cut_more = {}
        if self._convert is not None:  # only the function knows
            image = self._load(0)
            self._dtype_read = image.dtype
            return image.shape
        cut = [
            self._crop.cut_size(header.size, box)
            for header, box in zip(headers, self._boxes, strict=True)
        ]
        sizes = Counter(cut if self._crop.size is None else [self._crop.size])
        if len(sizes) > 1:
            found = ", ".join(f"{h} x {w} ({n})" for (h, w), n in sizes.most_common(10))
            found += ", ..." if len(sizes) > 10 else ""
            raise ValueError(
                f"The images have {len(sizes)} sizes (height x width), {found}: ask for one with "
                f"size=(height, width) or center_crop."
            )
        left = np.array([self._crop.fraction_kept(size) for size in cut])
        for slot in np.flatnonzero(left < np.median(left) - 0.05):
            self.cut_more[self._files[slot]] = float(left[slot])
        (size,) = sizes
        return (*size, 1 if self._gray else 3)

    def _fingerprint(self):
        """All that the decoded frames depend on."""
        how = identify(self._convert)
        return b"\n".join(self._identify_slot(slot, how) for slot in range(len(self._files)))

    def _identify(self, rows, columns):
        how = name_function(self._convert)
        if how is None:
            return None
        return [self._identify_slot(slot, how) for slot in self._slots[rows, columns]]

    def _identify_slot(self, slot, how):
        file = self._files[slot]
        size, date = self._stamps[file]
        which = (os.path.abspath(file), size, date, self._boxes[slot])
        made = (self._crop, self._gray, self._dtype_read, self._frame, how)
        return repr((which, made)).encode()

    def _load(self, slot):
        """Read, decode, cut and resize one image."""
        file = self._files[slot]
        try:
            with open_image(file) as opened:
                if _stamp(opened) != self._stamps[file]:
                    raise ImageError("it was changed after the table was made")
                data = opened.read()
            image = decode(data, self._max_pixels, gray=self._gray, dtype=self._read_as())
            if self._convert is not None:
                image = np.asarray(self._convert(image))
            image = self._crop.apply(image, self._boxes[slot])
        except ImageError as error:
            raise ValueError(
                f"{file}: {error}. Restore the file and make the table again, or put None in its "
                f"place."
            ) from error
        except Exception as error:
            error.add_note(f"The image is {file}.")
            raise
        if hasattr(self, "_frame") and image.shape != self._frame:
            raise ValueError(
                f"{file} gives a frame of {image.shape}, the others {self._frame}: it is "
                f"converted to another size. Ask for one with size=."
            )
        return image

    def _read_as(self):
        return None if self._convert is not None else self._dtype_read

    def _frame_at(self, slot):
        frame = None if self._cache is None else self._cache.get(slot)
        if frame is None:
            frame = np.ascontiguousarray(self._load(slot))
            if self._cache is not None:
                self._cache.put(slot, frame)
        return frame

    def _read(self, rows, columns):
        slots = self._slots[rows, columns]
        out = np.empty((len(slots), *self._frame), self.dtype)
        out[slots < 0] = np.nan if self._can_miss else 0
        present = np.flatnonzero(slots >= 0)
        distinct, which = np.unique(slots[present], return_inverse=True)
        places = np.split(
            present[np.argsort(which, kind="stable")], np.cumsum(np.bincount(which))[:-1]
        )

        def fill(slot, positions):
            out[positions] = self._frame_at(slot)

        _in_threads(fill, distinct.tolist(), places)
        return out

    def _missing(self, row, columns):
        return self._slots[row, columns] < 0


def _in_threads(function, *arguments):
    """List of the results of a function; decoding leaves Python's lock to the other threads."""
    if len(arguments[0]) < 2:
        return list(map(function, *arguments))
    pool = ThreadPoolExecutor(min(cpu_count(), len(arguments[0])))
    try:
        return list(pool.map(function, *arguments))
    finally:  # after an error, or Ctrl-C, nothing more is read
        pool.shutdown(cancel_futures=True)


def _stamp(opened):
    """Size and date of an open file, which tell it from one that has replaced it."""
    found = os.fstat(opened.fileno())
    return found.st_size, found.st_mtime_ns


def _list_bad(bad):
    lines = "\n".join(f"  {file}: {why}" for file, why in bad.items())
    return (
        f"{len(bad)} {'image' if len(bad) == 1 else 'images'} cannot be used:\n{lines}\n"
        f'Repair or leave them out, or pass on_error="missing" to take them as missing frames.'
    )


def _depth(dtype, headers):
    if dtype is None:
        dtype = "uint16" if any(header.depth > 8 for header in headers) else "uint8"
    return np.dtype(dtype)
