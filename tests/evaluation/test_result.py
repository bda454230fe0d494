"""What results share: text, HTML, JSON."""

import json
import sys
from dataclasses import dataclass

import numpy as np
import pytest

from skwater.evaluation._result import Result, show_count, show_days, show_pvalue, text_table


@dataclass(frozen=True, repr=False)
class Small(Result):
    value: object

    @property
    def rows(self):
        return [{"value": 1, "name": "a"}]

    def _columns(self):
        return {"name": ["<a>"], "value": ["1"]}

    def _footnotes(self):
        return ["b & c"]


def test_text():
    assert str(Small(1)).splitlines() == ["name  value", "-----------", "<a>       1", "b & c"]
    assert repr(Small(1)) == str(Small(1))
    assert text_table({"a": [], "bc": []}) == ["a  bc", "-----"]


def test_html_is_escaped():
    html = Small(1)._repr_html_()
    assert "<td>&lt;a&gt;</td>" in html
    assert "<p>b &amp; c</p>" in html


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (np.array([[1, 2]]), [[1, 2]]),
        (np.array([0.5, np.nan]), [0.5, None]),
        ({"a": np.float32(np.inf), "b": (np.bool_(True), "x")}, {"a": None, "b": [True, "x"]}),
        (np.array(["dry", None], dtype=object), ["dry", None]),
        (int, "<class 'int'>"),
    ],
)
def test_json(value, written):
    assert json.loads(Small(value).to_json())["value"] == written


def test_json_file_is_replaced_as_a_whole(tmp_path):
    path = tmp_path / "a.json"
    path.write_text("old and longer " * 100)
    assert Small(1).to_json(path) is None
    assert json.loads(path.read_text())["rows"] == [{"value": 1, "name": "a"}]
    assert list(tmp_path.iterdir()) == [path]


def test_frame_without_pandas(monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(ImportError, match="The same table is in `rows`"):
        Small(1).to_frame()


@pytest.mark.parametrize(
    ("p", "text"), [(0.0004, "p < 0.001"), (0.25, "p = 0.250"), (np.nan, "p unknown")]
)
def test_p(p, text):
    assert show_pvalue(p) == text


def test_n19_numbers_of_plants_and_days():
    assert show_count(1.5, 6) == "1.5 of 6"
    assert show_count(28.0, 30) == "28 of 30"
    assert show_days([2.65278]) == "day 2.65"
    assert show_days([28, 32.5]) == "days 28, 32.5"
