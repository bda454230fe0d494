"""What a benchmark prints, writes and says."""

import json

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from skwater import RSSResampler, make_pipeline
from skwater.evaluation import benchmark


@pytest.fixture(scope="module")
def result():
    y = np.arange(24) % 3 == 0
    X = np.random.default_rng(0).normal(size=(24, 6)) - y[:, None]
    models = {"spliced": make_pipeline(RSSResampler(20), LogisticRegression()), "<lr>": lr()}
    return benchmark(models, X, y, groups=np.arange(24), n_repeats=2, random_state=0, verbose=0)


def lr():
    return LogisticRegression()


def test_frame_has_the_columns_in_order(result):
    pytest.importorskip("pandas")
    frame = result.to_frame()
    assert frame["model"].tolist()[:2] == ["spliced", "<lr>"]
    expected = "model kind accuracy balanced_accuracy precision recall f1 roc_auc brier"
    assert list(frame.columns[:9]) == expected.split()
    assert {"n_correct", "n_plants", "ci_low", "ci_high"} <= set(frame.columns)
    assert frame["kind"].tolist() == ["model", "model", *["baseline"] * 3]


def test_best_baseline_is_what_models_are_compared_with(result):
    rows = {row["model"]: row for row in result.rows}
    baselines = [row for row in result.rows if row["kind"] == "baseline"]
    best = max(baselines, key=lambda row: row["balanced_accuracy"])
    assert result.best_baseline == best["model"]
    assert np.isnan(best["difference"])
    assert rows["spliced"]["difference"] == pytest.approx(
        np.mean([fold_score(result, "spliced", i) - fold_score(result, best["model"], i)
                 for i in range(6)])
    )  # fmt: skip


def fold_score(result, model, number):
    fit = [fit for fit in result.fits if fit.model == model][number]
    right = fit.outcome.predicted == result.y[fit.fold.test]
    return np.mean([right[result.y[fit.fold.test] == label].mean() for label in (False, True)])


def test_terminal(result):
    lines = str(result).splitlines()
    assert max(map(len, lines[:7])) <= 130
    assert len({len(line) for line in lines[:7]}) == 1
    assert any("Class True has only 8 plants" in line for line in lines)
    assert repr(result) == str(result)


def test_notebook(result):
    html = result._repr_html_()
    assert "&lt;lr&gt;" in html
    assert "<lr>" not in html
    assert html.count("<tr>") == 6
    assert "Brier" in html


def test_long_fits_have_plain_seconds(result, monkeypatch):
    monkeypatch.setitem(result.rows[0], "fit_time", 123.4)
    assert "<td>120</td>" in result._repr_html_().replace(' class="number"', "")


def test_json_holds_what_is_needed_to_check_it(result, tmp_path):
    path = tmp_path / "study.json"
    assert result.to_json(path) is None
    assert [p.name for p in tmp_path.iterdir()] == ["study.json"]
    written = json.loads(path.read_text())
    assert written == json.loads(result.to_json())
    assert written["versions"]["torch"]
    assert len(written["folds"]) == 6
    assert len({fit["seed"] for fit in written["fits"]}) == 6
    spliced = [fit for fit in written["fits"] if fit["model"] == "spliced"]
    folds = {(f["repeat"], f["fold"]): f for f in written["folds"]}
    for fit in spliced:
        fold = folds[fit["repeat"], fit["fold"]]
        donors = np.array(fit["donors"]["rssresampler"])
        assert donors.shape == (40, 6)
        assert set(donors.ravel()) & set(fold["test"]) == set()
    assert written["rows"][0]["balanced_accuracy"] == result.rows[0]["balanced_accuracy"]
    assert None in [row["precision"] for row in written["rows"]]  # NaN is not JSON
    assert "NaN" not in path.read_text()


def test_methods_section(result):
    text = result.describe()
    for part in ("24 plants", "8 were stressed", "3-fold", "repeated 2 times", "Nadeau", "torch"):
        assert part in text
    assert result.best_baseline in text


def test_methods_section_by_treatment(make_plants):
    X, y, plants, treatments = make_plants()
    result = benchmark(
        {"lr": lr()}, X, y, groups=plants, treatments=treatments, n_repeats=1, random_state=0,
        verbose=0,
    )  # fmt: skip
    text = result.describe()
    assert "leaving one treatment out at a time" in text
    assert "permutation over treatments" in text


def test_plot(result):
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("Agg")
    display = result.plot()
    assert len(display.names) == len(result.rows)


def test_groups_of_several_rows_are_noted(make_plants):
    X, y, _, treatments = make_plants()
    result = benchmark({"lr": lr()}, X, y, groups=treatments, cv=2, n_repeats=1, verbose=0)
    assert any("24 rows are of 6 groups" in note for note in result.notes)
    assert result.rows[0]["n_plants"] == 6
