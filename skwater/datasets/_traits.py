"""Traits of plants on dates, from the tables that phenotyping software writes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from numpy.typing import ArrayLike

from .._typing import Day, StrPath
from ._image_records import TraitRecord, check_records
from ._table import read_rows
from ._trait_bunch import MISSING, TraitBunch, make_trait_bunch
from ._trait_columns import long, wide
from ._trait_records import find_views, name_features, read_keys, read_records

if TYPE_CHECKING:
    from pandas import DataFrame


_ARGUMENTS = (
    "plant=, date=, traits= (or trait=, value= and unit= of a long table), view=, treatment="
)


def load_traits(
    csv: StrPath | DataFrame,
    *,
    plant: str | list[str],
    date: str | list[str],
    label: str | None,
    traits: list[str] | dict[str, str] | None = None,
    trait: str | None = None,
    value: str = "value",
    unit: str | None = None,
    view: str | list[str] | None = None,
    treatment: str | None = "treatment",
    missing: Literal["raise", "frame", "keep"] = "raise",
    date_format: str | None = None,
    sep: str = ",",
    encoding: str = "utf-8-sig",
    tolerance: float | None = None,
    grid: ArrayLike | None = None,
    start: Day | None = None,
    onset_day: Day | None = None,
) -> TraitBunch:
    """Load sequences of traits from a table of a phenotyping platform, wide or long.

    A wide table has a row for each plant and date and a column for each trait, like those of
    PlantCV 4 (``single-value-traits.csv``) and statgenHTP. A long one has a row for each plant,
    date and trait. Plants become rows and dates become frames, in order, whatever the order of the
    file. All that is wrong with the rows is collected in one error.

    It misleads if a trait tells what was done to a plant and not how it fares: a column of the
    water given is the class itself. Name the `traits` to be sure, and read ``summary()``. Missing
    frames mislead too if the days on which plants were measured depend on their class; compare
    with a classifier that sees only which frames are missing.

    Parameters
    ----------
    csv : str, path-like or pandas.DataFrame
        The file, with a header, or a table.
    plant : str or list of str
        Column of the plant. Several, such as the tray and the place in it, are joined by a space.
    date : str or list of str
        Column of the date, as for :func:`load_manifest`.
    label : str or None
        Column of the class, the same in all rows of a plant. None if there is none.
    traits : list of str or dict of {str: str}, default=None
        Traits to load, with their units if a dict. By default all of a long table; of a wide one
        all columns of numbers that change over the dates of a plant and differ between plants of
        a date, so neither coordinates of a pot nor days after sowing. Row numbers are not taken,
        nor the columns before ``sample`` in tables of PlantCV.
    trait : str, default=None
        Column of the name of the trait, if the table is long.
    value : str, default="value"
        Column of the value, if the table is long.
    unit : str, default=None
        Column of the unit, if the table is long.
    view : str or list of str, default=None
        Column that differs between rows of one plant and date, such as the angle of a camera. A
        trait of each view is a trait of its own, ``"area_pixels [rotation 90]"``.
    treatment : str or None, default="treatment"
        Column of the treatment. A table without "treatment" has none.
    missing : {"raise", "frame", "keep"}, default="raise"
        What to do with frames that have values of some traits only. "frame" takes such frames as
        missing. "keep" keeps them, for ``FrameWise(SimpleImputer())`` as the first step of a
        pipeline; other estimators refuse them. Frames without any value are missing in any case.
    date_format : str, default=None
        As for :func:`load_manifest`.
    sep : str, default=","
        As for :func:`load_manifest`.
    encoding : str, default="utf-8-sig"
        As for :func:`load_manifest`.
    tolerance : float, default=None
        As for :func:`load_manifest`.
    grid : array-like, default=None
        As for :func:`load_manifest`.
    start : str, float or datetime, default=None
        As for :func:`load_manifest`.
    onset_day : float, str or datetime, default=None
        As for :func:`load_manifest`.

    Returns
    -------
    Bunch
        With the attributes

        data : ndarray of shape (n_plants, n_frames, n_traits), dtype float64
            The traits, in the units of the table. NaN in missing frames.
        feature_names : list of str
            Names of the traits.
        units : list of str or None
            Unit of each trait, if known: as given, from the column of units, from a name such as
            "height (mm)", or from the ends of the names in tables of PlantCV, where "none" is None.
        target, classes, target_names, plant, treatment, days, dates, onset_day, onset, alignment
            As for :func:`load_manifest`.
        DESCR : str
            Source.

        Further columns are attributes as for :func:`load_manifest`, those without any value left
        out. If rows of a plant and date differ in one, it has both values: ``"a; b"``.
        ``summary()`` is a report, which lists the traits with their ranges.

    Raises
    ------
    ValueError
        If columns or traits are missing or occur twice, if rows are at fault (a value that is no
        number or infinite, two rows of a plant and date, a plant of two classes or written as 1
        and as 01, a date that cannot be read), or if frames have values of some traits only and
        `missing` does not say what to do. The first ten are listed with their lines.
    FileNotFoundError
        If there is no such file, or no row in it.

    Warns
    -----
    UserWarning
        If more than half of the frames are missing.

    See Also
    --------
    load_manifest : From images.

    Notes
    -----
    An empty cell, NA, N/A, NaN, None and null, in any case, are missing values.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> from skwater.datasets import load_traits
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = pathlib.Path(folder, "traits.csv")
    ...     _ = file.write_text(
    ...         "pot,day,water,area (cm2),height (cm)\\n"
    ...         "1,2024-05-01,dry,3.1,2.0\\n1,2024-05-03,dry,3.3,2.1\\n"
    ...         "2,2024-05-01,wet,2.9,1.9\\n2,2024-05-03,wet,4.8,3.0\\n"
    ...     )
    ...     plants = load_traits(file, plant="pot", date="day", label="water")
    >>> plants.data.shape, plants.units, plants.days
    ((2, 2, 2), ['cm2', 'cm'], array([0, 2]))
    """
    if missing not in MISSING:
        raise ValueError(f"missing must be one of {', '.join(map(repr, MISSING))}, got {missing!r}")
    if unit is not None and trait is None:
        raise ValueError(f"unit={unit!r} is for long tables: name their column of traits, trait=")
    plant, date, view, is_long = _listed(plant), _listed(date), _listed(view), trait is not None
    keys = [*plant, *date, *view, *_listed(label), *_listed(trait)]
    named = None if traits is None else _check_traits(_listed(traits), keys)
    of_traits = [value, *_listed(unit)] if is_long else named or []
    groups = [] if treatment in (None, "treatment") else [treatment]
    source, table = read_rows(csv, sep, encoding, [*keys, *of_traits, *groups], _ARGUMENTS)
    rows, errors = read_keys(table, plant, date, keys, date_format)
    if is_long:
        layout = long(rows, named, trait, value, unit, source)
    else:
        layout = wide(rows, named, [*keys, treatment], source)
        of_traits = layout.traits
    if hasattr(traits, "items"):
        layout.units.update(traits)
    used = {*keys, *of_traits}
    records, wrong = read_records(rows, layout, label, view, used, is_long)
    hints = find_views(rows, records, used)
    check_records(records, errors + wrong, source, TraitRecord.noun, hints)
    return make_trait_bunch(
        records,
        name_features(rows, layout, view),
        source=source,
        missing=missing,
        ignored=layout.ignored,
        tolerance=tolerance,
        grid=grid,
        start=start,
        onset_day=onset_day,
        treatment=treatment,
    )


def _listed(names):
    """List of the names of columns, of which None is none and a str is one."""
    if names is None:
        return []
    return [names] if isinstance(names, str) else list(names)


def _check_traits(traits, keys):
    """Refuse traits that occur twice, or that are the plant, its class or the date."""
    twice = sorted({name for name in traits if traits.count(name) > 1})
    both = [name for name in traits if name in keys]
    if twice or both or not traits:
        what = f"{twice[0]!r} twice" if twice else f"{both[0]!r}, which is no trait" if both else ""
        raise ValueError(f"traits= has {what or 'no name'}: name columns of values, each once.")
    return traits
