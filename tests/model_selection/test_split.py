"""Splitters for few plants."""

import pickle
from collections import Counter
from itertools import combinations

import numpy as np
import pytest
from sklearn import clone, config_context
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import (
    GridSearchCV,
    LeaveOneGroupOut,
    StratifiedKFold,
    cross_val_predict,
    cross_val_score,
)

from skwater import RSSResampler
from skwater.model_selection import (
    LeaveTreatmentsOut,
    RepeatedStratifiedGroupKFold,
    check_no_leakage,
)

# The field trial that the splitters are made for: ten treatments of three plants, three of them dry
TREATMENTS = np.repeat(np.arange(10), 3)
DRY = np.isin(TREATMENTS, [1, 4, 8]).astype(int)
BOXES = np.arange(30)


def rows_of(splits):
    return [(train.tolist(), test.tolist()) for train, test in splits]


def test_repeats_are_stratified_folds_over_plants():
    cv = RepeatedStratifiedGroupKFold(random_state=0)
    splits = list(cv.split(BOXES, DRY, BOXES))
    assert len(splits) == cv.get_n_splits() == 30
    for train, test in splits:
        assert np.array_equal(np.sort(np.r_[train, test]), BOXES)
        assert Counter(DRY[test].tolist()) == {0: 7, 1: 3}
    for repeat in range(10):
        tested = [test for _, test in splits[repeat * cv.n_splits : (repeat + 1) * cv.n_splits]]
        assert np.array_equal(np.sort(np.concatenate(tested)), BOXES)
    assert len({tuple(test) for _, test in splits}) == 30


def sizes_of(splits, y):
    return Counter(tuple(np.bincount(y[test], minlength=2).tolist()) for _, test in splits)


@pytest.mark.parametrize(("n_wet", "n_dry", "n_splits"), [(19, 11, 3), (22, 8, 3), (13, 6, 5)])
def test_plants_of_one_row_are_stratified_as_rows(n_wet, n_dry, n_splits):
    y = np.repeat([0, 1], [n_wet, n_dry])
    cv = RepeatedStratifiedGroupKFold(n_splits=n_splits, n_repeats=1, random_state=0)
    usual = StratifiedKFold(n_splits, shuffle=True, random_state=0)
    assert sizes_of(cv.split(y, y, np.arange(len(y))), y) == sizes_of(usual.split(y, y), y)


@pytest.mark.parametrize(("one", "other", "share"), [(1, 1, 2 / 8), (0, 0, 6 / 20), (0, 1, 3 / 9)])
def test_pairs_of_plants_meet_by_chance(one, other, share):
    cv = RepeatedStratifiedGroupKFold(n_repeats=150, random_state=0)
    met = np.zeros((30, 30))
    for _, test in cv.split(BOXES, DRY, BOXES):
        met[np.ix_(test, test)] += 1
    met = met[np.ix_(one == DRY, other == DRY)]
    if one == other:
        met = met[np.triu_indices(len(met), 1)]
    z = (met - 150 * share) / np.sqrt(150 * share * (1 - share))
    assert np.abs(z).max() < 4.5
    assert 0.5 < np.mean(z**2) < 1.5


def test_rows_of_a_plant_stay_together():
    plant = np.repeat(np.arange(12), 4)
    y = plant % 2
    for train, test in RepeatedStratifiedGroupKFold(random_state=0).split(plant, y, plant):
        check_no_leakage(train, test, plant)
        assert Counter(y[test].tolist()) == {0: 8, 1: 8}


@pytest.mark.parametrize(
    "cv", [RepeatedStratifiedGroupKFold(n_repeats=2), LeaveTreatmentsOut(3, n_splits=6)]
)
def test_seeds(cv):
    groups = BOXES if isinstance(cv, RepeatedStratifiedGroupKFold) else TREATMENTS

    def split(random_state):
        cv.random_state = random_state
        return rows_of(cv.split(BOXES, DRY, groups))

    assert split(0) == split(0) == split(np.random.RandomState(0))
    assert split(0) != split(1)
    rng = np.random.RandomState(0)
    assert split(rng) != split(rng)
    assert split(None) != split(None)


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"n_splits": 1}, "n_splits must be an int of at least 2, got 1"),
        ({"n_splits": 2.5}, "n_splits must be an int"),
        ({"n_repeats": 0}, "n_repeats must be an int of at least 1, got 0"),
        ({"n_repeats": True}, "n_repeats must be an int"),
    ],
)
def test_impossible_folds(params, message):
    with pytest.raises(ValueError, match=message):
        RepeatedStratifiedGroupKFold(**params)


def test_fewer_plants_than_folds():
    """scikit-learn 1.8 left folds empty."""
    with pytest.raises(ValueError, match=r"greater than the number of groups: 2\. Ask for fewer"):
        next(RepeatedStratifiedGroupKFold().split(np.zeros(6), [0, 1] * 3, [0, 0, 0, 1, 1, 1]))


@pytest.mark.parametrize("cv", [RepeatedStratifiedGroupKFold(), LeaveTreatmentsOut()])
def test_groups_are_needed(cv):
    with pytest.raises(ValueError, match="groups must not be None"):
        next(cv.split(BOXES, DRY))


@pytest.mark.parametrize("cv", [RepeatedStratifiedGroupKFold(), LeaveTreatmentsOut()])
def test_groups_have_names(cv):
    with pytest.raises(ValueError, match="groups is nan for sample 29"):
        next(cv.split(BOXES, DRY, np.r_[BOXES[:-1], np.nan]))


@pytest.mark.parametrize("cv", [RepeatedStratifiedGroupKFold(), LeaveTreatmentsOut()])
def test_classes_are_needed(cv):
    with pytest.raises(ValueError, match=r"target type|label type"):
        next(cv.split(BOXES, np.linspace(0, 1, 30), TREATMENTS))


def test_one_treatment_out_is_one_group_out():
    ours = LeaveTreatmentsOut().split(BOXES, DRY, TREATMENTS)
    usual = LeaveOneGroupOut().split(BOXES, DRY, TREATMENTS)
    assert rows_of(ours) == rows_of(usual)


def valid_choices(n_treatments, y, treatments):
    """Which choices keep every class, found by looking."""
    for choice in combinations(np.unique(treatments), n_treatments):
        if np.isin(np.unique(y), y[~np.isin(treatments, choice)]).all():
            yield choice


@pytest.mark.parametrize("n_treatments", [1, 2, 3, 5, 7])
@pytest.mark.parametrize("n_classes", [2, 3])
def test_all_choices_that_keep_both_classes(n_treatments, n_classes):
    y = DRY if n_classes == 2 else TREATMENTS % 3
    expected = list(valid_choices(n_treatments, y, TREATMENTS))
    cv = LeaveTreatmentsOut(n_treatments)
    splits = list(cv.split(BOXES, y, TREATMENTS))
    assert [tuple(np.unique(TREATMENTS[test])) for _, test in splits] == expected
    assert cv.get_n_splits(None, y, TREATMENTS) == len(expected)
    for train, test in splits:
        assert np.array_equal(np.sort(np.r_[train, test]), BOXES)
        assert set(y[train]) == set(y)


@pytest.mark.parametrize("n_splits", [1, 20, 119])  # 120 choices, of which one loses all dry plants
def test_random_choices_are_distinct(n_splits):
    cv = LeaveTreatmentsOut(3, n_splits=n_splits, random_state=0)
    splits = list(cv.split(BOXES, DRY, TREATMENTS))
    chosen = [tuple(np.unique(TREATMENTS[test])) for _, test in splits]
    assert chosen == sorted(set(chosen))
    assert len(chosen) == cv.get_n_splits(None, DRY, TREATMENTS) == n_splits
    assert set(chosen) <= set(valid_choices(3, DRY, TREATMENTS))


def test_random_choices_are_uniform():
    cv = LeaveTreatmentsOut(2, n_splits=1, random_state=np.random.RandomState(0))
    drawn = Counter()
    for _ in range(2250):
        drawn.update(tuple(test) for _, test in cv.split(BOXES, DRY, TREATMENTS))
    assert len(drawn) == 45
    assert np.abs(np.array(list(drawn.values())) - 50).max() < 4.5 * np.sqrt(50)


def test_choices_without_number():
    treatments = np.arange(60)
    cv = LeaveTreatmentsOut(20, n_splits=3, random_state=0)
    assert len(list(cv.split(treatments, treatments % 2, treatments))) == 3
    assert LeaveTreatmentsOut(20).get_n_splits(None, treatments % 2, treatments) > 10**15


@pytest.mark.parametrize(
    ("n_treatments", "dry", "stuck"),
    [
        (1, ["a"], r"\['a'\]"),
        (3, ["a", "b"], "'a', 'b', 'c', 'd'"),
        (4, ["a", "b"], "'a', 'b', 'c', 'd'"),
    ],
)
def test_treatments_that_can_never_be_left_out(n_treatments, dry, stuck):
    treatments = np.array(list("aabbccdd"))
    y = np.isin(treatments, dry)
    cv = LeaveTreatmentsOut(n_treatments)
    with pytest.raises(ValueError, match=rf"training would lack a class: .*{stuck}"):
        next(cv.split(y, y, treatments))
    with pytest.raises(ValueError, match=rf"training would lack a class: .*{stuck}"):
        cv.get_n_splits(y, y, treatments)


def test_more_choices_than_there_are():
    with pytest.raises(ValueError, match=r"n_splits=120, .* 3 of 10 treatments gives 119 splits"):
        next(LeaveTreatmentsOut(3, n_splits=120).split(BOXES, DRY, TREATMENTS))


def test_number_of_splits_needs_classes():
    with pytest.raises(ValueError, match="y must not be None"):
        LeaveTreatmentsOut().get_n_splits(groups=TREATMENTS)


@pytest.mark.parametrize("params", [{"n_treatments": 0}, {"n_treatments": 1.0}, {"n_splits": 0}])
def test_impossible_choices(params):
    (name,) = params
    with pytest.raises(ValueError, match=f"{name} must be an int of at least 1"):
        LeaveTreatmentsOut(**params)


SPLITTERS = [
    (RepeatedStratifiedGroupKFold(n_repeats=2, random_state=0), BOXES, 6),
    (LeaveTreatmentsOut(), TREATMENTS, 10),
    (LeaveTreatmentsOut(3, n_splits=8, random_state=0), TREATMENTS, 8),
]


@pytest.mark.parametrize(("cv", "groups", "n_splits"), SPLITTERS)
@pytest.mark.parametrize("routing", [False, True])
def test_cross_validation_and_search(cv, groups, n_splits, routing):
    X = np.random.default_rng(0).normal(DRY[:, None], size=(30, 4))
    with config_context(enable_metadata_routing=routing):
        told = {"params": {"groups": groups}} if routing else {"groups": groups}
        assert len(cross_val_score(LogisticRegression(), X, DRY, cv=cv, **told)) == n_splits
        search = GridSearchCV(LogisticRegression(), {"C": [0.1, 1]}, cv=cv)
        search.fit(X, DRY, groups=groups)
    assert search.n_splits_ == n_splits


@pytest.mark.parametrize(("cv", "groups", "n_splits"), SPLITTERS)
def test_lazy_sequences_are_split(make_sequences, cv, groups, n_splits):
    X = RSSResampler(21, lazy=True, random_state=0).fit_resample(make_sequences(30), DRY)[0][:30]
    scores = cross_val_score(DummyClassifier(), X, DRY, groups=groups, cv=cv)
    assert len(scores) == n_splits


def test_every_plant_is_predicted_once():
    X = TREATMENTS[:, None]
    predicted = cross_val_predict(
        DummyClassifier(), X, DRY, groups=TREATMENTS, cv=LeaveTreatmentsOut()
    )
    assert predicted.shape == (30,)


@pytest.mark.parametrize(("cv", "groups", "n_splits"), SPLITTERS)
@pytest.mark.parametrize(
    "copied", [lambda cv: pickle.loads(pickle.dumps(cv)), lambda cv: clone(cv, safe=False)]
)
def test_copies_split_alike(cv, groups, n_splits, copied):
    twin = copied(cv)
    assert rows_of(twin.split(BOXES, DRY, groups)) == rows_of(cv.split(BOXES, DRY, groups))
    assert repr(twin) == repr(cv)


def test_repr():
    assert repr(SPLITTERS[0][0]) == (
        "RepeatedStratifiedGroupKFold(n_repeats=2, n_splits=3, random_state=0)"
    )
    assert repr(SPLITTERS[2][0]) == (
        "LeaveTreatmentsOut(n_splits=8, n_treatments=3, random_state=0)"
    )
