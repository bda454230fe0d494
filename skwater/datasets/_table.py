"""Rows of a CSV file or a DataFrame, as text."""

import csv as csv_format
import io
from datetime import datetime
from pathlib import Path


def read_text(file, encoding):
    """Text of a file; ValueError with its name and the line if it has another encoding."""
    data = Path(file).read_bytes()
    try:
        text = data.decode(encoding)
        if "\0" not in text.partition("\n")[0]:
            return text
        problem = "has null characters, as UTF-16 has"
    except UnicodeError as error:
        line = data[: getattr(error, "start", 0)].count(b"\n") + 1
        problem = f"is not encoded in {encoding} (line {line})"
    guess = "utf-16" if b"\0" in data[:100] else "latin-1"
    raise ValueError(
        f"{file} {problem}: save it in UTF-8, or name its encoding, perhaps encoding={guess!r} of "
        f"load_manifest or load_traits."
    )


def read_rows(csv, sep, encoding, needed, arguments):
    """Read the rows of a CSV file or a DataFrame that has the columns needed.

    Parameters
    ----------
    csv : str, path-like or pandas.DataFrame
        The file or table.
    sep, encoding : str
        How a file is written.
    needed : list of str
        Columns that must be there; ValueError names those that are not.
    arguments : str
        Arguments of the loader that name columns, for that message.

    Returns
    -------
    source : str
        What was read, for messages.
    rows : list of (str, dict)
        Place ("line 2") and cells by column. Cells are text, but datetimes of a DataFrame stay as
        they are. Cells beyond the header are in a list under None.
    """
    if hasattr(csv, "columns"):
        return "the DataFrame", _rows_of_frame(csv, needed, arguments)
    return str(csv), _rows_of_file(Path(csv), sep, encoding, needed, arguments)


def _rows_of_file(file, sep, encoding, needed, arguments):
    text = io.StringIO(read_text(file, encoding), newline="")
    try:
        reader = csv_format.DictReader(text, delimiter=sep)
        header = reader.fieldnames or []
        _check_header(f"{file}, line 1,", header, sep, needed, arguments)
        rows = []
        for row in reader:
            beyond = [cell for cell in row.pop(None, ()) if cell.strip()]
            row = {name: (value or "").strip() for name, value in row.items()}
            rows.append((f"line {reader.line_num}", row | ({None: beyond} if beyond else {})))
    except csv_format.Error as error:
        raise ValueError(f"{file}, line {reader.line_num}: {error}.") from error
    return rows


def _rows_of_frame(frame, needed, arguments):
    names = [str(name) for name in frame.columns]
    _check_header("The DataFrame", names, None, needed, arguments)
    empty = frame.isna().to_numpy()
    return [
        (f"row {index}", dict(zip(names, map(_as_cell, cells, empty[i]), strict=True)))
        for i, (index, *cells) in enumerate(frame.itertuples(name=None))
    ]


def _as_cell(value, empty):
    if empty:
        return ""
    if isinstance(value, datetime):
        return value.to_pydatetime() if hasattr(value, "to_pydatetime") else value
    return str(value).strip()


def _check_header(source, header, sep, needed, arguments):
    twice = sorted({name for name in header if name and header.count(name) > 1})
    if twice:
        raise ValueError(f"{source} has two columns of the name {twice[0]!r}.")
    lacking = [name for name in needed if name not in header]
    if lacking:
        seen = [mark for mark in ";\t|," if mark != sep and any(mark in name for name in header)]
        hint = f" The columns seem to be separated by {seen[0]!r}: sep={seen[0]!r}." if seen else ""
        raise ValueError(
            f"{source} has no column {', '.join(map(repr, lacking))}: it has "
            f"{', '.join(map(repr, header))}. Name the columns with {arguments} and label= (None "
            f"if there is none).{hint}"
        )


def check_cells(row, needed):
    """Refuse a row that lacks a value in a column, or has more cells than the header has names."""
    if None in row:
        raise ValueError(
            f"more cells than the header has names ({', '.join(map(repr, row[None]))} at the end): "
            f"quote cells that contain the separator, and write decimals with a point"
        )
    for name in needed:
        if row[name] == "":
            raise ValueError(f"nothing in the column {name!r}")


def join_cells(cells):
    """Cell of one column, or text of several, such as a day and a time."""
    cells = list(cells)
    if len(cells) == 1:
        return cells[0]
    return " ".join(str(c.date()) if isinstance(c, datetime) else c for c in cells)
