"""What is noted under the table of a benchmark."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier

from skwater.evaluation import benchmark


def score(X, y, **options):
    models = {"lr": LogisticRegression(), "nearest": KNeighborsClassifier(1)}
    options = {
        "groups": np.arange(len(y)),
        "n_repeats": 3,
        "random_state": 0,
        "verbose": 0,
    } | options
    return benchmark(models, X, y, **options)


def reversed_notes(result):
    return [note for note in result.notes if "far below 0.5" in note]


@pytest.fixture
def pairs():
    """Six pairs of a stressed and a watered plant of a species, which is what plants show."""
    pair, y = np.repeat(np.arange(6), 2), np.tile([0, 1], 6)
    rng = np.random.default_rng(0)
    X = rng.normal(size=(6, 8))[pair] * 3 + 0.1 * rng.normal(size=(12, 8)) - 0.2 * y[:, None]
    return X, y, pair


def test_n20_reversed_predictions_are_noted(pairs):
    X, y, pair = pairs
    result = score(X, y)
    aucs = {row["model"]: row["roc_auc"] for row in result.rows}
    assert aucs["nearest"] < 0.3
    notes = reversed_notes(result)
    assert f"ROC AUC of nearest is {aucs['nearest']:.2f}, far below 0.5" in notes[-1]
    assert "paired or blocked" in notes[-1]
    assert notes[-1] in str(result)
    assert notes[-1] in result.describe()
    remedy = score(X, y, treatments=pair)
    assert reversed_notes(remedy) == []


def test_n20_other_designs_have_no_such_note(make_plants):
    X, y, _plants, treatments = make_plants(effect=0)
    assert reversed_notes(score(X, y)) == []
    # If whole treatments are left out, models that know nothing are below 0.5.
    left_out = score(X, y, treatments=treatments)
    assert min(row["roc_auc"] for row in left_out.rows) < 0.3
    assert reversed_notes(left_out) == []


def test_n19_classes_of_few_plants(make_plants):
    X, y, _, _ = make_plants()
    assert score(X, y).notes == [
        "Class 1 has only 8 plants: each of them changes the recall of the class by 0.12."
    ]


def test_n19_an_unknown_p_is_called_unknown():
    y = np.arange(24) % 2
    result = score(np.full((24, 3), 10.0) * y[:, None], y)
    assert "+0.000 (p = 1.000)" in str(result)
    constant = benchmark(
        {"lr": LogisticRegression()}, np.full((24, 3), 10.0) * y[:, None], y,
        groups=np.arange(24), baselines={"majority": KNeighborsClassifier(16)}, n_repeats=2,
        random_state=0, verbose=0,
    )  # fmt: skip
    assert "+0.500 (p unknown)" in str(constant)
    assert "p unknown: all folds differ by the same amount." in str(constant)
    assert "(p ?)" not in str(constant)
