"""A report in one HTML file: what it has, that it is safe to pass on, and how large it is."""

import base64
import re
import sys
from dataclasses import replace
from html.parser import HTMLParser
from importlib.resources import files

import numpy as np
import pytest
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression

import skwater
from skwater import RSSResampler, make_pipeline
from skwater.datasets import load_image_sequences, make_water_stress
from skwater.evaluation import (
    EarlyDetectionCurve,
    PermutationResult,
    benchmark,
    report,
)
from skwater.preprocessing import CanopyCover

pytest.importorskip("jinja2")
pytest.importorskip("matplotlib")

SCRIPT = "<script>alert(1)</script>"


class Page(HTMLParser):
    """Tags and attributes of a file, the texts of its headings, and all of its text."""

    def __init__(self, path):
        super().__init__()
        self.tags, self.headings, self.text = [], [], ""
        self.source = path.read_text(encoding="utf-8")
        self.feed(self.source)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        if self.tags[-1:] and self.tags[-1][0] == "h2" and data.strip():
            self.headings.append(data)
        self.text += data

    def all(self, tag):
        return [attrs for name, attrs in self.tags if name == tag]

    def alts(self):
        return [attrs["alt"] for attrs in self.all("img")]

    def svgs(self):
        head = "data:image/svg+xml;base64,"
        sources = [attrs["src"] for attrs in self.all("img")]
        return [base64.b64decode(s.removeprefix(head)) for s in sources if s.startswith(head)]


@pytest.fixture(scope="module")
def plants():
    return make_water_stress(n_plants=18, n_frames=5, size=16, missing=0.1, random_state=0)


@pytest.fixture(scope="module")
def study(plants):
    """Results of a model that classifies some plants wrongly."""
    X, y = CanopyCover().fit_transform(plants.data), plants.target
    X += np.random.default_rng(0).normal(0, 0.3, X.shape)
    model = make_pipeline(SimpleImputer(), RSSResampler(14), LogisticRegression())
    common = {"groups": plants.plant, "n_repeats": 2, "random_state": 0, "verbose": 0}
    return {
        "result": benchmark({"<spliced>": model}, X, y, **common),
        "curve": make_curve(name="<net>"),
        "permutation": make_test(),
    }


def make_test(**changes):
    parts = {
        "score": 0.9,
        "null": np.array([0.9, 0.4, 0.6, 0.5]),
        "pvalue": 0.25,
        "smallest_pvalue": 0.25,
        "exact": True,
        "n_labelings": 4,
    }
    return PermutationResult(**parts | changes)


def make_curve(**changes):
    parts = {
        "days": np.array([28.0, 32.0]),
        "scores": np.array([[0.5, 0.8]]),
        "low": np.array([0.3, 0.6]),
        "high": np.array([0.65, 0.9]),
        "chance": 0.5,
        "onset_day": 28.0,
        "scoring": "accuracy",
    }
    return EarlyDetectionCurve(**parts | changes)


@pytest.fixture
def write(tmp_path):
    def write(**parts):
        path = tmp_path / "report.html"
        report(path, **parts)
        return Page(path)

    return write


def test_it_has_a_section_for_all_that_it_is_given(write, plants, study):
    model = make_pipeline(SimpleImputer(), LogisticRegression())
    cover = CanopyCover().fit_transform(plants.data)
    importance = skwater.plotting.FrameImportanceDisplay.from_estimator(
        model.fit(cover, plants.target), cover, plants.target, days=plants.days
    )
    page = write(data=plants, **study, importance=importance, title="Beets", notes="One.\n\nTwo.")
    assert page.headings == [
        "In short",
        "Plants",
        "Growth",
        "Scores",
        "Plants classified wrongly",
        "Early detection",
        "Permutation tests",
        "Importance of dates",
        "Methods",
        "How to cite",
        "Versions",
    ]
    assert len(page.svgs()) == 5
    assert all(b"</svg>" in svg for svg in page.svgs())
    for text in ("<title>Beets</title>", "<p>One.</p>", "<p>Two.</p>"):
        assert text in page.source
    for part in study.values():
        assert part._repr_html_() in page.source
        assert part.describe().split(" Computed with")[0] in page.text
    n_missing = np.isnan(plants.data).all(axis=(2, 3, 4)).sum()
    assert f"{n_missing} of 90" in page.text
    assert "day 28" in page.text
    assert [attrs["href"] for attrs in page.all("a")][:2] == ["#section-1", "#section-2"]


def test_it_is_one_file_without_scripts_that_loads_nothing(write, plants, study):
    page = write(data=plants, **study)
    loads = [a[k] for _, a in page.tags for k in ("src", "srcset", "data", "poster") if k in a]
    assert loads
    assert all(re.match(r"data:image/(jpeg|svg\+xml);base64,", source) for source in loads)
    assert {tag for tag, _ in page.tags} & {"script", "link", "iframe", "object", "base"} == set()
    assert not [k for _, a in page.tags for k in a if k.startswith("on")]
    assert "url(" not in page.source
    assert "@import" not in page.source
    addresses = [a["href"] for a in page.all("a") if not a["href"].startswith("#")]
    assert len(addresses) == 3  # citations
    policy = next(a for a in page.all("meta") if "content-security-policy" in a.values() or
                  a.get("http-equiv") == "Content-Security-Policy")  # fmt: skip
    assert policy["content"].startswith("default-src 'none'; img-src data:;")


def test_all_that_users_write_is_escaped(write, plants, study):
    y = np.where(plants.target, f"{SCRIPT} $\\frac{{$", "wet")
    bunch = plants | {
        "plant": [f"{SCRIPT}{i}" for i in plants.plant],
        "target": y,
        "target_names": np.unique(y).tolist(),
        "treatment": np.array([f"{SCRIPT}{t}" for t in plants.treatment]),
    }
    X = CanopyCover().fit_transform(plants.data)
    model = make_pipeline(SimpleImputer(), RSSResampler(14), LogisticRegression())
    result = benchmark(
        {SCRIPT: model}, X, y, groups=plants.plant, pos_label=np.unique(y)[0], n_repeats=1,
        verbose=0,
    )  # fmt: skip
    page = write(
        data=bunch,
        result=result,
        curve={SCRIPT: make_curve()},
        permutation={SCRIPT: make_test()},
        title=SCRIPT,
        notes=SCRIPT,
    )
    assert "<script" not in page.source.lower()
    assert page.all("script") == []
    assert page.source.count("&lt;script&gt;alert(1)") > 20
    assert not any(b"<script" in svg for svg in page.svgs())


def test_wrong_plants_have_images_and_donors(write, plants, study):
    result = study["result"]
    wrong = np.zeros(18, dtype=int)
    for fit in result.fits:
        if fit.model == "<spliced>":
            wrong[fit.fold.test] += fit.outcome.predicted != result.y[fit.fold.test]
    assert len(set(wrong)) == 3  # never, once, twice
    page = write(data=plants, result=result)
    section = page.source.split("Plants classified wrongly</h2>")[1].split("</section>")[0]
    assert f"classified {np.count_nonzero(wrong)} plant" in section
    rows = re.findall(r"<tr><td>(.*?)</tr>", section)
    cells = [re.split(r"</td>(?:<td>)?", row)[:5] for row in rows]
    assert {int(c[0]): c[4] for c in cells} == {
        i: f"{wrong[i]} of 2" for i in np.flatnonzero(wrong)
    }
    for name, treatment, true, said, _ in cells:
        assert treatment == str(plants.treatment[int(name)])
        assert {true, said} == {"watered", "water-stressed"}
        assert true == plants.target_names[plants.target[int(name)]]
    assert "donors of that class" in section
    assert re.search(r"\d+ \(\d+%\), \d+ \(\d+%\)", section)
    alts = re.findall(r'alt="plant (\d+), day', section)
    assert {int(name) for name in alts} == set(np.flatnonzero(wrong))
    present = ~np.isnan(plants.data).all(axis=(2, 3, 4))
    assert len(alts) == present[wrong > 0].sum()
    assert section.count(">missing</td>") == (~present)[wrong > 0].sum()


def test_donors_are_of_the_class_that_was_predicted(plants, study):
    from skwater.evaluation._report_plants import collect_plants, find_wrong

    result = study["result"]
    table = find_wrong(result, collect_plants(plants, None, result, {}))["table"]
    for said, donors in zip(table["classified as"], table["donors of that class"], strict=True):
        names = [int(name) for name in re.findall(r"(\d+) \(", donors)]
        assert names
        assert {plants.target_names[plants.target[i]] for i in names} == {said}


def test_a_report_of_100_plants_is_small(tmp_path):
    rng = np.random.default_rng(0)
    X = rng.integers(0, 256, (100, 30, 64, 64, 3), dtype=np.uint8)  # noise: JPEG saves little
    y = np.repeat([0, 1], 50)
    result = benchmark(
        {"lr": LogisticRegression()}, rng.normal(size=(100, 30)), y, groups=np.arange(100),
        n_repeats=1, random_state=0, verbose=0,
    )  # fmt: skip
    report(tmp_path / "a.html", data=X, result=result, curve=make_curve(), permutation=make_test())
    assert 1e5 < (tmp_path / "a.html").stat().st_size < 3e6
    assert Page(tmp_path / "a.html").source.count('alt="plant') == (6 + 20) * 12


@pytest.mark.parametrize("name", ["jinja2", "matplotlib"])
def test_without_an_optional_library(name, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(
        ImportError, match=r'jinja2 and matplotlib: pip install "skwater\[report\]"'
    ):
        make_curve().to_html(tmp_path / "a.html")
    assert list(tmp_path.iterdir()) == []
    assert "<table>" in make_curve()._repr_html_()


@pytest.mark.parametrize("part", ["result", "curve", "permutation"])
def test_to_html_is_a_report_of_one_result(study, part, tmp_path):
    path = tmp_path / "a.html"
    path.write_text("old")
    assert study[part].to_html(path) is None
    page = Page(path)
    assert study[part]._repr_html_() in page.source
    assert ("Scores" in page.headings) == (part == "result")
    assert ("Early detection" in page.headings) == (part == "curve")
    assert ("Permutation tests" in page.headings) == (part == "permutation")
    assert list(tmp_path.iterdir()) == [path]


def test_style_of_the_user_does_not_matter(write):
    from matplotlib import style

    plain = write(curve=make_curve()).svgs()
    with style.context("dark_background"):
        assert write(curve=make_curve()).svgs() == plain
    assert write(curve=make_curve()).svgs() == plain  # nothing random


def test_numbers_instead_of_images(write):
    X = np.random.default_rng(0).normal(size=(6, 4, 6))
    X[0, 1], X[1, 2, 3] = np.nan, np.nan  # a missing frame, and a gap
    page = write(data=X, y=["dry", "wet"] * 3)
    assert page.headings[:2] == ["Plants", "Growth"]
    assert "1 of 24" in page.text
    assert len(page.svgs()) == 4
    assert "The first 4 of 6 numbers of each frame." in page.text


def test_images_without_classes_or_colors(write):
    X = np.random.default_rng(0).integers(0, 999, (2, 14, 8, 8, 2), dtype=np.uint16)
    page = write(data=X)
    assert page.headings[0] == "Plants"
    assert "Growth" not in page.headings  # no canopy cover
    assert "12 of 14 frames" in page.text
    assert len(page.alts()) == 24


def test_images_on_disk_are_read_a_plant_at_a_time(write, tmp_path):
    cv2 = pytest.importorskip("cv2")
    images = make_water_stress(n_plants=3, n_frames=2, size=90, random_state=0).data
    for plant, sequence in zip("abc", images, strict=True):
        (tmp_path / "images" / plant).mkdir(parents=True)
        for day, image in zip(("2025-05-01", "2025-05-08"), sequence, strict=True):
            cv2.imwrite(str(tmp_path / "images" / plant / f"{day}.png"), image)
    (tmp_path / "images" / "b" / "2025-05-08.png").unlink()
    page = write(
        data=load_image_sequences(tmp_path / "images", labels={"a": "dry", "b": "wet", "c": "wet"})
    )
    assert "from day 0 to day 7 (2025-05-01 to 2025-05-08)" in page.text
    assert "1 of 6; 0.0% of dry, 25.0% of wet; by plant: b (1)" in page.text
    assert page.alts()[:3] == ["plant a, day 0", "plant a, day 7", "plant b, day 0"]
    assert str(tmp_path) not in page.source


def test_labels_that_are_objects(write):
    X, y = np.arange(12.0).reshape(6, 2), np.array(["dry", "wet"] * 3, dtype=object)
    result = benchmark(
        {"lr": LogisticRegression()}, X, y, groups=range(6), pos_label="dry", n_repeats=1, verbose=0
    )
    assert "classified as" in write(data=X, result=result).text


def test_a_benchmark_that_was_interrupted_before_its_first_repeat(write, plants, study):
    page = write(data=plants, result=replace(study["result"], fits=[]))
    assert "Interrupted: 0 of" in page.text
    assert "Plants classified wrongly" not in page.headings


def test_several_curves_and_tests_by_name(write):
    curves = {"net": make_curve(), "forest": make_curve()}
    page = write(curve=curves, permutation={"before onset": make_test()})
    assert len(page.svgs()) == 2
    assert "net: " in page.text
    assert "before onset" in page.text
    with pytest.raises(TypeError, match=r"curve\['net'\] must be of EarlyDetectionCurve"):
        write(curve={"net": make_test()})


def test_parts_that_do_not_fit_are_refused(write, plants, study):
    with pytest.raises(ValueError, match="nothing to report"):
        write()
    with pytest.raises(ValueError, match="data has 17 rows, but the result has 18"):
        write(data=plants.data[1:], result=study["result"])
    with pytest.raises(ValueError, match="data has 18 rows, but y has 2"):
        write(data=plants, y=[0, 1])
    with pytest.raises(ValueError, match="y is not what the result was scored on"):
        write(y=1 - plants.target, result=study["result"])
    with pytest.raises(ValueError, match="no item 'data'"):
        write(data={"X": plants.data})


def test_class_names_are_those_of_the_classes_that_were_scored(write, plants):
    assert "water-stressed" in write(data=plants).text
    renamed = write(data=plants, y=plants.target == 0).text
    assert "water-stressed" not in renamed
    assert "True" in renamed


def test_the_template_marks_as_safe_what_is_escaped_already():
    template = files("skwater.evaluation").joinpath("_report.html.jinja").read_text("utf-8")
    assert re.findall(r"\{\{[^}]*safe[^}]*\}\}", template) == ["{{ block.html | safe }}"]
    assert "autoescape" not in template
