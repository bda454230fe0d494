"""Images of plants on dates, put into a table (plants x dates), and a summary of it to read."""

import os
from collections import Counter

import numpy as np

from ..sequences import ImageSequences
from ._image_dates import as_time, first_day
from ._image_records import check_records, find_remarks, find_unusable, sha256, unusable_lines
from ._plant_bunch import PlantBunch, arrange, find_confounded, some, warn_of_gaps
from ._problems import find_problems

_DESCR = """\
Images of {n} plants, from {source}.
"""


class ImageBunch(PlantBunch):
    """Sequences of images as the loaders return them, with a summary to read."""

    data: ImageSequences

    def summary(self) -> str:
        """Report what was found: plants, dates, gaps, sizes, classes, duplicates.

        Returns
        -------
        str
            Some lines of text. Files of equal length are read, to find those of equal content.
        """
        data, missing = self.data, self.data.paths == None  # noqa: E711  # elementwise
        n, t = missing.shape
        height, width, channels = data.frame_shape
        lines = [
            f"{n} plants x {t} frames of {height} x {width} pixels, {channels} channels, "
            f"{data.dtype}",
            *self._dates(),
            *self._missing("images", missing),
            f"sizes on disk: {some([f'{h} x {w} ({k})' for (h, w), k in data.sizes.items()])}",
            *self._cut(),
            *self._classes(),
        ]
        if data.skipped:
            lines.append(f"files that cannot be used, taken as missing: {len(data.skipped)}")
            lines += [f"  {file}: {why}" for file, why in data.skipped.items()]
        again = [file for file, k in Counter(data.paths[~missing]).items() if k > 1]
        lines += [f"file in several frames: {file}" for file in again[:10]]
        copies = _identical(sorted(set(data.paths[~missing])))
        lines.append(f"files of equal content: {len(copies)}")
        lines += [f"  {some(files)}" for files in copies[:10]]
        return "\n".join(lines + self._remark_lines())

    def problems(self, *, verbose=0):
        """Find what would make a score wrong, or a model useless.

        These are images that cannot be used or decoded; images that several plants or dates have
        in common; classes of fewer than three plants, of a single treatment, or whose images are
        missing on days of their own; columns that give the class away; names that differ only in
        upper and lower case. Every image is read. An empty list is no proof that all is well.

        Parameters
        ----------
        verbose : {0, 1}, default=0
            Whether to show a progress bar.

        Returns
        -------
        list of str
            A line for each problem.
        """
        copies = _identical(sorted({file for file in self.data.paths.flat if file is not None}))
        return find_problems(self, self._remarks, copies, verbose=bool(verbose))

    def _cut(self):
        cut = self.data.cut_more
        lines = [f"images of which size= cuts off more than of most: {len(cut)}"] if cut else []
        return lines + [f"  {file}: {left:.0%} remain" for file, left in list(cut.items())[:10]]


def _identical(files):
    """Groups of files of equal content; only files of equal length are read."""
    by_length = {}
    for file in files:
        by_length.setdefault(os.stat(file).st_size, []).append(file)
    groups = {}
    for alike in by_length.values():
        for file in alike if len(alike) > 1 else []:
            groups.setdefault(sha256(file), []).append(file)
    return [group for group in groups.values() if len(group) > 1]


def make_bunch(
    records,
    errors,
    *,
    root,
    source,
    checksums,
    on_error,
    start,
    reading,
    images,
    **dates_and_columns,
):
    """Put records into a table of plants and dates, or raise an error for all that is wrong.

    Returns
    -------
    ImageBunch
        The table with all that is known of the plants.
    """
    unusable = find_unusable(records, root, checksums)
    if on_error == "raise":
        errors = errors + unusable_lines(records, unusable)
    check_records(records, errors, source, "image")
    table, columns, items = arrange(records, start=start, **dates_and_columns)
    paths = table_of_paths(len(items["plant"]), len(items["dates"]), table, unusable)
    data = ImageSequences(paths, **images, on_error=on_error)
    first, is_given = first_day(items["dates"], as_time("start", start))
    data.recipe |= {
        "days": items["days"].tolist(),
        "start": first,
        "start_given": is_given,
        "reading": reading,
    }
    data.skipped = unusable | data.skipped
    warn_of_gaps(data.paths == None, items["alignment"])  # noqa: E711  # elementwise
    return ImageBunch(
        find_remarks(records, source) + find_confounded(columns, items["target"]),
        columns,
        data=data,
        **items,
        DESCR=_DESCR.format(n=len(paths), source=source),
    )


def table_of_paths(n_plants, n_frames, table, unusable):
    """Paths (n_plants, n_frames) of the images that can be used, None for the others."""
    paths = np.full((n_plants, n_frames), None, dtype=object)
    for cell, record in table.items():
        if record.path not in unusable:
            paths[cell] = record.path
    return paths
