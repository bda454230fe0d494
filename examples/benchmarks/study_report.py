"""Tables of the studies, and reports of which only some models were scored anew."""

import re
from pathlib import Path

DOCS = Path(__file__).resolve().parents[2] / "docs"
NOT_SCORED = "not scored"


def as_table(head, rows):
    """Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(map(str, line))} |" for line in lines)


def keep_old(report, old):
    """Take from the old report what was not scored: cells, and sections that say nothing else."""
    sections = (re.split(r"(?m)^(?=## )", text) for text in (report, old))
    return "".join(_fill(*pair) for pair in zip(*sections, strict=True))


def _fill(section, old):
    if f"\n\n{NOT_SCORED}\n" in section:
        return old
    if NOT_SCORED not in section:
        return section
    lines = (text.split("\n") for text in (section, old))
    return "\n".join(_fill_cells(*pair) for pair in zip(*lines, strict=True))


def _fill_cells(line, old):
    if NOT_SCORED not in line:
        return line
    cells = zip(line.split("|"), old.split("|"), strict=True)
    return "|".join(before if cell.strip() == NOT_SCORED else cell for cell, before in cells)
