"""Follow a folder in which new images of plants arrive."""

import csv
import io
import json
import os
from pathlib import Path
from typing import Self

import numpy as np
from filelock import FileLock, Timeout
from tqdm.auto import tqdm

from .._atomic_write import write_atomically
from .._predict_images import find_recipe
from .._typing import Day, StrPath
from ..datasets._image_folders import find_images
from ..datasets._manifest import find_folder
from ..datasets._new_images import place_image
from ..sequences import ImageSequences
from ._monitor import PlantStatus, StressMonitor

_COLUMNS = ("image", "plant", "day", "probability", "trend", "alarm", "alarm_day")


class FolderWatch:
    """Follow a folder in which new images of plants arrive, and write a CSV file of alarms.

    Images arrive as ``<plant>/<date>.jpg``, and are read and placed on days as
    :func:`~skwater.predict_images` does. :meth:`poll` looks once for new ones, gives each to the
    monitor, in the order of days, and appends a line for it to the CSV file. A day without an
    image is a missing frame.

    A kill at any moment loses nothing and repeats nothing. The states of the monitor and the lines
    of all images so far are in one file, ``<out>.state``, which is replaced at once; the CSV file
    is completed from it. Who starts anew with the same arguments goes on where it stopped.

    An image that cannot be used is reported once, and is looked at again when the file changes:
    one that is still being written is first truncated, and is taken when it is complete. A program
    that sets the size of a file before its content can still deceive, in a TIFF above all; let it
    write elsewhere and move the file. An image that arrives after a later one of its plant is not
    used, since the state of the network has passed that day; an image that is replaced after it
    was taken is not taken again.

    Parameters
    ----------
    monitor : StressMonitor
        A monitor of a model that knows how its images were loaded. Its states are replaced by
        those of the state file, if there is one.
    folder : str or path-like
        The folder.
    out : str or path-like
        The CSV file, with a line for each image: its path from the folder, plant, day, and what
        :class:`PlantStatus` has.
    start : str, float or datetime, default=None
        The date that is day 0 for these plants, as for :func:`~skwater.predict_images`.
    tolerance : float, default=None
        How many days an image may be away from a day of the model, likewise.
    verbose : {0, 1}, default=0
        Whether to show a progress bar while images are read.

    Attributes
    ----------
    problems : dict of {str: str}
        Images that the last call of :meth:`poll` could not use for the first time, and why.

    Raises
    ------
    ValueError
        If the model does not know how its images were loaded, the state file is damaged or of
        another model or start, or the CSV file was changed by another program.
    RuntimeError
        If another process watches for the same CSV file.
    FileNotFoundError
        If there is no such folder.

    See Also
    --------
    StressMonitor : Takes images from elsewhere.
    skwater.predict_images : Predicts all images of a folder at once.

    Examples
    --------
    >>> import pathlib, shutil, tempfile
    >>> from skwater import ConvLSTMClassifier
    >>> from skwater.datasets import load_manifest, make_image_folder
    >>> from skwater.monitoring import FolderWatch, StressMonitor
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     csv = make_image_folder(f"{folder}/old", n_plants=12, size=8, random_state=0)
    ...     plants = load_manifest(csv)
    ...     model = ConvLSTMClassifier(max_epochs=2, random_state=0).fit(plants.data, plants.target)
    ...     monitor = StressMonitor(model, threshold=0.5, pos_label="dry")
    ...     with FolderWatch(monitor, f"{folder}/old/images", f"{folder}/alarms.csv") as watch:
    ...         statuses = watch.poll()
    ...     lines = pathlib.Path(folder, "alarms.csv").read_text().splitlines()
    >>> len(statuses), len(lines), lines[0]
    (60, 61, 'image,plant,day,probability,trend,alarm,alarm_day')
    """

    def __init__(
        self,
        monitor: StressMonitor,
        folder: StrPath,
        out: StrPath,
        *,
        start: Day | None = None,
        tolerance: float | None = None,
        verbose: int = 0,
    ) -> None:
        self.monitor, self.verbose, self.problems = monitor, verbose, {}
        self._recipe = find_recipe(monitor.estimator)
        self._images = _check_settings(self._recipe["images"])
        self._folder, self._out = find_folder(folder), Path(out)
        self._start = str(self._recipe["start"] if start is None else start)
        self._placing = {"start": start, "tolerance": tolerance}
        self._lines, self._refused = {}, {}
        self._lock = _lock(self._out)
        try:
            self._go_on()
            self._complete_csv()
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Let other processes watch for the same CSV file."""
        self._lock.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error):
        self.close()

    @property
    def _state(self):
        return self._out.with_name(self._out.name + ".state")

    def poll(self) -> list[PlantStatus]:
        """Look once for new images.

        Returns
        -------
        list of PlantStatus
            What is known of the plant after each new image, in the order of days.

        Raises
        ------
        OSError
            If the CSV or the state file cannot be written.
        ValueError
            If the CSV file was changed by another program.
        """
        self.problems, statuses = {}, []
        by_day = self._find_new()
        total = sum(map(len, by_day.values()))
        with tqdm(total=total, unit="image", disable=not (self.verbose and total)) as bar:
            for day in sorted(by_day):
                statuses += self._take(day, by_day[day], bar)
        if self.problems:
            self._commit()
        return statuses

    def _find_new(self):
        """New images that can be placed: {day: {plant: (name, file, stamp)}}."""
        found = {}
        for file in find_images(self._folder, 2):
            name = file.relative_to(self._folder).as_posix()
            if name in self._lines:
                continue
            stamp = None
            try:
                info = file.stat()
                stamp = [info.st_size, info.st_mtime_ns]
                if self._refused.get(name, [None])[0] == stamp:
                    continue
                plant, frame = place_image(file, self._folder, self._recipe, **self._placing)
            except FileNotFoundError:  # it was there a moment ago
                continue
            except (ValueError, OSError) as error:
                self._refuse(name, stamp, str(error).removeprefix(f"{name}: "))
                continue
            day = float(self._recipe["days"][frame])
            late = self._why_late(plant, day) or (plant in found.get(day, {}) and _SAME_DAY)
            if late:
                self._refuse(name, stamp, late)
            else:
                found.setdefault(day, {})[plant] = name, file, stamp
        return found

    def _why_late(self, plant, day):
        try:
            last = self.monitor.status(plant).day
        except KeyError:
            return None
        if day == last:
            return _SAME_DAY
        if day < last:
            return f"it is of day {day:g}, and an image of day {last:g} was taken already"
        return None

    def _take(self, day, images, bar):
        """Give images of one day to the monitor, and write down what it says."""
        frames, names = {}, {}
        for plant, (name, file, stamp) in images.items():
            try:
                frames[plant], names[plant] = self._read(file), name
            except (ValueError, OSError) as error:
                self._refuse(name, stamp, _reason(error, file))
            bar.update()
        if not frames:
            return []
        statuses = self.monitor.update_many(list(frames), list(frames.values()), day)
        for status in statuses:
            name = names[status.plant]
            self._lines[name] = _csv_line(name, status)
            self._refused.pop(name, None)
        self._commit()
        return statuses

    def _read(self, file):
        frame = ImageSequences([[str(file)]], **self._images)[0, 0]
        expected = self.monitor.frame_shape
        if frame.shape != expected:
            raise ValueError(f"it gives a frame of {frame.shape}, those of training: {expected}")
        return frame

    def _refuse(self, name, stamp, reason):
        if self._refused.get(name, [None, None])[1] != reason:
            self.problems[name] = reason
        self._refused[name] = [stamp, reason]

    def _go_on(self):
        """Read the state file, if there is one."""
        if not self._state.exists():
            return
        self.monitor.load(self._state)
        try:
            with np.load(self._state, allow_pickle=False) as file:
                content = json.loads(file["watch"].tobytes())
            self._lines, start = dict(content["lines"]), content["start"]
            if content["tolerance"] == self._placing["tolerance"] and start == self._start:
                self._refused = dict(content["refused"])
        except (ValueError, KeyError, TypeError) as error:
            raise ValueError(f"{self._state} is no state of a watch: {error}") from error
        if self._lines and start != self._start:
            raise ValueError(
                f"{self._out} was begun with day 0 on {start}, not on {self._start}: go on with "
                f"start={start}, or name another CSV file."
            )

    def _commit(self):
        """Write down all that is known; a kill leaves the state before or the one after."""
        content = {
            "lines": self._lines,
            "refused": self._refused,
            "start": self._start,
            "tolerance": self._placing["tolerance"],
        }
        arrays = self.monitor._to_arrays()
        arrays["watch"] = np.frombuffer(json.dumps(content).encode(), dtype=np.uint8)
        write_atomically(self._state, lambda file: np.savez(file, **arrays))
        self._complete_csv()

    def _complete_csv(self):
        """Append the lines that the CSV file lacks, the end of one that a kill broke off too."""
        text = ",".join(_COLUMNS) + "\n" + "".join(self._lines.values())
        text = text.encode("utf-8", "surrogateescape")
        with open(self._out, "ab+") as file:
            file.seek(0)
            found = file.read()
            if not text.startswith(found):
                raise ValueError(
                    f"{self._out} is not as it was written: another program has changed it, or it "
                    f"is older than {self._state}. Move it away, and it is written anew, or name "
                    f"another CSV file."
                )
            file.write(text[len(found) :])
            file.flush()
            os.fsync(file.fileno())


_SAME_DAY = "another image of this plant and day was taken already"


def _check_settings(images):
    """Refuse a model whose images need more than the file of the image."""
    if isinstance(images["boxes"], str):
        raise ValueError(
            "The training images had one box for each, which a folder does not tell: cut the new "
            "images yourself and give them to StressMonitor.update."
        )
    if isinstance(images["convert"], str):
        raise ValueError(
            f"The training images were converted by {images['convert']}, and a model file has no "
            f"functions: convert the new images yourself and give them to StressMonitor.update."
        )
    return images


def _lock(out):
    if not out.absolute().parent.is_dir():
        raise FileNotFoundError(f"There is no folder {out.absolute().parent}.")
    lock = FileLock(f"{out}.lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise RuntimeError(f"Another process watches for {out} already.") from None
    return lock


def _csv_line(name, status):
    row = [
        name,
        status.plant,
        f"{status.day:g}",
        f"{status.probability:.6f}",
        f"{status.trend:+.6f}" if np.isfinite(status.trend) else "",
        status.alarm,
        f"{status.alarm_day:g}" if status.alarm else "",
    ]
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow(row)
    return text.getvalue()


def _reason(error, file):
    """What is wrong with one image, without its path and what to do about tables of images."""
    lines = [line for line in str(error).splitlines() if str(file) in line] or [str(error)]
    return lines[0].rpartition(f"{file}: ")[2].partition(". Restore the file")[0]
