"""What all results share: a table as text, HTML and data frame, JSON, and a report."""

from __future__ import annotations

import json
import platform
from dataclasses import fields
from html import escape
from typing import TYPE_CHECKING

import numpy as np

from .._atomic_write import write_atomically
from .._typing import StrPath
from ._tasks import VERSIONS

if TYPE_CHECKING:
    from pandas import DataFrame


_LONG = 24  # characters: a score with its interval is not long


class Result:
    """Base of the frozen dataclasses that the functions of this package return.

    A subclass has ``rows``, a list of dict, one for each row of its table. It defines
    ``_columns()``, the same table as text (a dict from the name of a column to its cells),
    ``_footnotes()``, the lines under it, ``_findings()``, a few sentences, ``describe()``, and
    ``_part``, the parameter of :func:`report` that takes it.
    """

    def to_frame(self) -> DataFrame:
        """Return the table as a data frame, with every digit.

        Returns
        -------
        pandas.DataFrame
            The ``rows`` of the result; the documentation of its class explains the columns.

        Raises
        ------
        ImportError
            If pandas is not installed.
        """
        try:
            import pandas as pd
        except ImportError as error:
            raise ImportError(
                "to_frame needs pandas (pip install pandas). The same table is in `rows`."
            ) from error
        return pd.DataFrame(self.rows)

    def to_json(self, path: StrPath | None = None) -> str | None:
        """Return the result as JSON, or write it to a file.

        Parameters
        ----------
        path : str or path-like, default=None
            File to write. If it exists, it is replaced as a whole.

        Returns
        -------
        str or None
            The text, if there is no `path`: an object with the attributes of the result and the
            ``versions`` of the libraries. NaN is written as null.
        """
        text = json.dumps(_to_plain(self._to_dict()), indent=1, allow_nan=False)
        if path is None:
            return text
        write_atomically(path, text.encode())
        return None

    def to_html(self, path: StrPath) -> None:
        """Write the result as one HTML file that can be read, printed and passed on.

        The file needs no network and no script. :func:`skwater.evaluation.report` puts several
        results, and the plants themselves, into one file.

        Parameters
        ----------
        path : str or path-like
            File to write. If it exists, it is replaced as a whole.

        Raises
        ------
        ImportError
            If jinja2 or matplotlib is not installed.
        """
        from ._report import report

        report(path, **{self._part: self})

    def _to_dict(self):
        versions = {"python": platform.python_version()} | VERSIONS
        known = {field.name: getattr(self, field.name) for field in fields(self)}
        return {"rows": self.rows} | known | {"versions": versions}

    def __str__(self) -> str:
        return "\n".join([*text_table(self._columns()), *self._footnotes()])

    __repr__ = __str__

    def _repr_html_(self):
        notes = "".join(f"<p>{escape(note)}</p>" for note in self._footnotes())
        return html_table(self._html_columns()) + notes

    def _html_columns(self):
        return self._columns()

    def _footnotes(self):
        return []

    def _findings(self):
        return []


def text_table(columns):
    """Return the lines of a table: the first column to the left, the others to the right."""
    cells = [[name, *column] for name, column in columns.items()]
    widths = [max(map(len, column)) for column in cells]
    aligned = [
        [cell.rjust(width) if i else cell.ljust(width) for cell in column]
        for i, (column, width) in enumerate(zip(cells, widths, strict=True))
    ]
    head, *body = ("  ".join(row) for row in zip(*aligned, strict=True))
    return [head, "-" * len(head), *body]


def html_table(columns):
    """Return the same table as HTML. Cells of columns of long texts have the class "long"."""
    head = "".join(f"<th>{escape(name)}</th>" for name in columns)
    cells = [
        [f"<td{kind}>{escape(cell)}</td>" for cell in column]
        for column in columns.values()
        for kind in [' class="long"' if max(map(len, column), default=0) > _LONG else ""]
    ]
    body = "".join(f"<tr>{''.join(row)}</tr>" for row in zip(*cells, strict=True))
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def show_libraries():
    """The sentence that a description of a result ends with."""
    return f"Computed with {', '.join(f'{name} {number}' for name, number in VERSIONS.items())}."


def show_number(value):
    """Three digits, and nothing for NaN."""
    return "" if np.isnan(value) else f"{value:.3f}"


def show_interval(low, high):
    """Both ends with two digits."""
    return f"{low:.2f} to {high:.2f}"


def show_pvalue(p):
    """A p-value, with its sign of equality in the form of papers."""
    if np.isnan(p):
        return "p unknown"
    return "p < 0.001" if p < 0.001 else f"p = {p:.3f}"


def show_count(n_correct, n):
    """A number of plants, with one digit if it is a mean over repeats: 28.4 of 30."""
    return f"{round(n_correct, 1):g} of {n}"


def show_days(days):
    """Days in a sentence, to a quarter of an hour: day 28; days 2.65, 3."""
    return f"day{'s' * (len(days) > 1)} {', '.join(f'{round(day, 2):g}' for day in days)}"


def _to_plain(value):
    """Turn a value into what JSON knows."""
    if isinstance(value, dict):
        return {key: _to_plain(of_key) for key, of_key in value.items()}
    if isinstance(value, np.ndarray | np.generic):
        value = value.tolist()
    if isinstance(value, list | tuple):
        return [_to_plain(item) for item in value]
    if isinstance(value, float):
        return value if np.isfinite(value) else None
    return value if value is None or isinstance(value, bool | int | str) else str(value)
