"""What in images of plants would make a score wrong, or a model useless."""

import numpy as np
from scipy.stats import fisher_exact
from tqdm.auto import tqdm

_MOST = 10
_SIGNIFICANT = 0.05  # after correction for the number of days and classes


def find_problems(bunch, remarks, copies, *, verbose):
    """Lines that say what is wrong with the images, plants and labels of a bunch.

    Parameters
    ----------
    bunch : ImageBunch
        The plants.
    remarks : iterable of str
        What the loader found.
    copies : list of list of str
        Groups of files of equal content.
    verbose : bool
        Whether to show a progress bar while images are decoded.

    Returns
    -------
    list of str
        One problem each.
    """
    data, target = bunch.data, bunch.target
    lines = _first([f"unusable: {file}: {why}" for file, why in data.skipped.items()])
    lines += _first(_find_damaged(data, verbose))
    lines += _first(_find_copies(data.paths, bunch.plant, copies))
    lines += _first([f"cut off: {f}: {left:.0%} of it remain" for f, left in data.cut_more.items()])
    if target is not None:
        missing = data.paths == None  # noqa: E711  # elementwise
        lines += _find_small_classes(target)
        lines += _find_missing_by_class(missing, target, bunch.days)
        if bunch.treatment is not None:
            lines += _find_confounded_treatment(target, bunch.treatment)
    return lines + list(remarks)


def _first(lines):
    more = len(lines) - _MOST
    return lines[:_MOST] + ([f"... and {more} more like this"] if more > 0 else [])


def _find_damaged(data, verbose):
    """Decode every image."""
    lines = []
    cells = np.argwhere(data.paths != None)  # noqa: E711  # elementwise
    for i, t in tqdm(cells.tolist(), desc="decoding", unit="image", disable=not verbose):
        try:
            data[i, t]
        except ValueError as error:
            lines.append(f"damaged: {str(error).partition('. Restore the file')[0]}")
    return lines


def _find_copies(paths, plants, copies):
    """Equal images of several plants, or of one plant on several dates."""
    plants_of = {}
    for (i, _), file in np.ndenumerate(paths):
        if file is not None:
            plants_of.setdefault(file, []).append(str(plants[i]))
    groups = copies + [[file] for file, found in plants_of.items() if len(found) > 1]
    lines = []
    for files in groups:
        names = sorted({name for file in files for name in plants_of[file]})
        text = ", ".join(files)
        if len(names) > 1:
            lines.append(
                f"leak: plants {', '.join(names)} have one image in common, and a split between "
                f"them does not keep it apart: {text}"
            )
        else:
            lines.append(f"copy: plant {names[0]} has one image on several dates: {text}")
    return lines


def _find_small_classes(target):
    classes, counts = np.unique(target, return_counts=True)
    if len(classes) == 1:
        return [f"one class: all plants are {classes[0]!s}, so there is nothing to learn"]
    return [
        f"few plants: class {label!s} has {k} {'plant' if k == 1 else 'plants'}, too few to train "
        f"on some and test on others"
        for label, k in zip(classes, counts, strict=True)
        if k < 3
    ]


def _find_missing_by_class(missing, target, days):
    """Days on which images of one class are missing more often than those of the others."""
    classes = np.unique(target)
    n_tests = missing.shape[1] * len(classes)
    lines = []
    for t, label in np.ndindex(missing.shape[1], len(classes)):
        mine, others = (missing[rows, t] for rows in _split(target == classes[label]))
        table = [[m.sum(), len(m) - m.sum()] for m in (mine, others)]
        if fisher_exact(table, "greater").pvalue * n_tests < _SIGNIFICANT:
            lines.append(
                f"date: on day {days[t]:g} {mine.mean():.0%} of {classes[label]!s} and "
                f"{others.mean():.0%} of the others have no image: a model may learn the dates"
            )
    return _first(lines)


def _split(mask):
    return mask, ~mask


def _find_confounded_treatment(target, treatment):
    """Classes of which all plants are of one treatment that has no other class."""
    lines = []
    for label in np.unique(target):
        found = np.unique(treatment[target == label])
        if len(found) == 1 and (target[treatment == found[0]] == label).all():
            lines.append(
                f"treatment: all plants of class {label!s} are of treatment {found[0]!s}, and no "
                f"others are: a model may learn the treatment, and no score can tell"
            )
    return lines
