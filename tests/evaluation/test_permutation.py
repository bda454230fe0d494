"""permutation_test: its p beside a count by hand, what is exchanged, and what is refused."""

from itertools import combinations

import numpy as np
import pytest
from counting import CountingClassifier
from sklearn.metrics import balanced_accuracy_score, f1_score, make_scorer, roc_auc_score
from sklearn.model_selection import LeaveOneGroupOut, StratifiedGroupKFold, cross_val_predict
from sklearn.svm import LinearSVC

from skwater import RSSResampler, SplicedSequences, make_pipeline
from skwater.evaluation import permutation_test
from skwater.model_selection import LeaveTreatmentsOut, RepeatedStratifiedGroupKFold


@pytest.fixture
def make_trays():
    """Trays of plants, of which some are dry, so that their cover falls by `effect` in the end."""

    def make(n_trays=7, n_dry=3, n_plants=2, effect=0.0, labels=(0, 1), seed=0):
        rng = np.random.default_rng(seed)
        trays = np.repeat(np.arange(n_trays), n_plants)
        dry = np.isin(trays, rng.permutation(n_trays)[:n_dry])
        X = rng.normal(size=(len(trays), 4)) + 0.5 * rng.normal(size=n_trays)[trays, None]
        X[dry, 2:] -= effect
        return X, np.array(labels)[dry.astype(int)], trays

    return make


def permute(estimator, X, y, **options):
    """Exchange labels without a progress bar; every row is a plant unless told otherwise."""
    options = {"groups": np.arange(len(X)), "verbose": 0, "random_state": 0} | options
    return permutation_test(estimator, X, y, **options)


@pytest.mark.parametrize("effect", [0, 1.5])
@pytest.mark.parametrize("scoring", ["balanced_accuracy", "roc_auc"])
def test_exact_test_is_a_count_of_all_labelings(make_trays, scoring, effect):
    X, y, trays = make_trays(effect=effect)

    def score(labels):
        options = {"groups": trays, "cv": LeaveOneGroupOut()}
        if scoring == "balanced_accuracy":
            predicted = cross_val_predict(CountingClassifier(), X, labels, **options)
            return balanced_accuracy_score(labels, predicted)
        proba = cross_val_predict(
            CountingClassifier(), X, labels, method="predict_proba", **options
        )
        return roc_auc_score(labels, proba[:, 1])

    by_hand = [score(np.isin(trays, dry).astype(int)) for dry in combinations(range(7), 3)]
    result = permute(CountingClassifier(), X, y, treatments=trays, scoring=scoring)
    assert result.score == score(y)
    assert np.allclose(np.sort(result.null), np.sort(by_hand))
    assert result.null[0] == result.score
    assert result.pvalue == pytest.approx(np.mean(np.array(by_hand) >= score(y) - 1e-9))
    assert (result.exact, result.n_labelings, result.smallest_pvalue) == (True, 35, 1 / 35)


def test_a_strong_effect_reaches_the_smallest_p(make_trays):
    X, y, trays = make_trays(effect=6)
    result = permute(CountingClassifier(), X, y, treatments=trays)
    assert result.score == 1
    assert result.pvalue == result.smallest_pvalue == 1 / 35


def test_mirrored_labels_score_the_same(make_trays):
    X, y, trays = make_trays(n_trays=6, n_dry=3, effect=6)
    result = permute(CountingClassifier(), X, y, treatments=trays)
    assert result.n_labelings == 20
    assert result.pvalue == 2 / 20


@pytest.mark.filterwarnings("ignore:p can never be below")
def test_small_p_are_rare_on_noise(make_trays):
    results = [
        permute(CountingClassifier(), X, y, treatments=trays)
        for X, y, trays in (make_trays(n_trays=5, n_dry=2, seed=seed) for seed in range(25))
    ]
    pvalues = np.array([result.pvalue for result in results])
    assert np.mean(pvalues <= 0.2) < 0.44  # 3 standard deviations above .2
    assert 0.35 < pvalues.mean() < 0.8  # .55, and more for ties


def test_labelings_are_drawn_where_they_are_many(make_trays):
    X, y, trays = make_trays(effect=1.5)
    drawn = permute(CountingClassifier(), X, y, treatments=trays, n_permutations=34)
    every = permute(CountingClassifier(), X, y, treatments=trays, n_permutations=35)
    assert (drawn.exact, every.exact) == (False, True)
    assert (len(drawn.null), len(every.null)) == (34, 35)
    assert drawn.n_labelings == every.n_labelings == 35
    assert drawn.score == every.score
    assert drawn.pvalue == pytest.approx((1 + np.sum(drawn.null >= drawn.score - 1e-9)) / 35)
    assert drawn.smallest_pvalue == 1 / 35
    assert set(drawn.null.round(9)) <= set(every.null.round(9))


def test_random_state_settles_the_draw(make_trays):
    X, y, trays = make_trays()
    nulls = [
        permute(
            CountingClassifier(), X, y, treatments=trays, n_permutations=20, random_state=seed
        ).null
        for seed in (0, 0, 1)
    ]
    assert np.array_equal(nulls[0], nulls[1])
    assert not np.array_equal(nulls[0], nulls[2])


def test_without_treatments_plants_are_exchanged(make_trays):
    X, y, trays = make_trays(n_trays=6, n_dry=3, n_plants=2, effect=6)
    by_row = permute(CountingClassifier(), X, y, n_permutations=19)
    by_plant = permute(CountingClassifier(), X, y, groups=trays, n_permutations=20)  # two rows each
    assert (by_row.n_labelings, by_row.exact, by_row.pvalue) == (924, False, 1 / 20)
    assert (by_plant.n_labelings, by_plant.exact) == (20, True)


def test_three_classes(make_trays):
    X, _, trays = make_trays(n_trays=6, n_plants=1)
    y = np.array(["dry", "wet", "half"])[trays % 3]
    result = permute(CountingClassifier(), X, y, treatments=trays, n_permutations=20)
    assert (result.n_labelings, result.exact) == (90, False)


class WritesY(StratifiedGroupKFold):
    """Notes the seed and the labels of each split."""

    seen = []

    def split(self, X, y, groups):
        self.seen.append((self.random_state, tuple(y)))
        return super().split(X, y, groups)


def test_every_labeling_is_split_anew_with_the_same_seed(make_trays):
    X, y, trays = make_trays()
    WritesY.seen.clear()
    permute(
        CountingClassifier(), X, y, treatments=trays, cv=WritesY(2, shuffle=True), n_permutations=35
    )
    assert len(WritesY.seen) == 35
    assert len({labels for _, labels in WritesY.seen}) == 35
    assert len({seed for seed, _ in WritesY.seen}) == 1
    assert WritesY.seen[0][1] == tuple(y)


def test_the_estimator_has_the_same_seed_for_all_labelings(make_trays, tmp_path):
    X, y, trays = make_trays()
    log = tmp_path / "log"
    permute(CountingClassifier(log, random_state=3), X, y, treatments=trays)
    seeds = log.read_text().split()
    assert len(seeds) == 35 * 7
    assert len(set(seeds)) == 1


NITROGEN = np.array(["high"] * 4 + ["low"] * 3)  # of seven trays


def test_labels_are_exchanged_within_strata(make_trays):
    X, _, trays = make_trays()
    y = np.isin(trays, [1, 4, 6]).astype(int)  # one of four is dry, and two of three
    cv = WritesY(2, shuffle=True)
    for n_permutations, n_scored in [(12, 12), (11, 12)]:
        WritesY.seen.clear()
        options = {"treatments": trays, "strata": NITROGEN[trays], "cv": cv}
        result = permute(CountingClassifier(), X, y, n_permutations=n_permutations, **options)
        labelings = [np.array(labels)[::2] for _, labels in WritesY.seen]  # two plants a tray
        assert len(labelings) == n_scored
        assert all((of[:4].sum(), of[4:].sum()) == (1, 2) for of in labelings)
        assert np.array_equal(labelings[0], y[::2])
        assert result.n_labelings == 4 * 3
        assert result.smallest_pvalue == pytest.approx(1 / 12)
        assert result.exact == (n_permutations == 12)
        assert not result.exact or len({tuple(of) for of in labelings}) == 12


@pytest.mark.filterwarnings("ignore:p can never be below")
@pytest.mark.parametrize(
    ("dry", "n_labelings", "smallest"),
    [
        ([0, 1, 4, 5], 6 * 6, 2 / 36),  # two of four, twice: mirrored labels score the same
        ([0, 1], 6, 1 / 6),  # the second stratum keeps its labels, so nothing can be mirrored
        ([0, 4], 4 * 4, 1 / 16),
        ([0, 1, 2, 3], 1, 1),
    ],
)
def test_smallest_p_of_strata(make_trays, dry, n_labelings, smallest):
    X, _, trays = make_trays(n_trays=8, n_plants=1)
    y = np.isin(trays, dry).astype(int)
    X[y == 1] -= 20
    result = permute(CountingClassifier(), X, y, treatments=trays, strata=trays // 4)
    assert result.n_labelings == n_labelings
    assert result.smallest_pvalue == pytest.approx(smallest)
    assert result.pvalue >= smallest - 1e-9


def test_a_difference_between_strata_proves_nothing(make_trays):
    X, _, trays = make_trays(n_trays=14, n_plants=1)
    y = np.isin(trays, [0, 1, 2, 3, 4, 13]).astype(int)
    X[trays < 7] -= 20  # low nitrogen, under which five of seven are dry, and one of the others
    options = {"treatments": trays, "n_permutations": 199}
    assert permute(CountingClassifier(), X, y, **options).pvalue < 0.1
    assert permute(CountingClassifier(), X, y, strata=trays // 7, **options).pvalue > 0.1


def test_a_treatment_has_one_stratum(make_trays):
    X, y, trays = make_trays()
    strata = NITROGEN[trays].copy()
    strata[7] = "low"
    with pytest.raises(ValueError, match=r"Treatment 3 is in several strata, high and low"):
        permute(CountingClassifier(), X, y, treatments=trays, strata=strata)
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        permute(CountingClassifier(), X, y, treatments=trays, strata=strata[1:])


@pytest.mark.parametrize(
    "cv",
    [
        None,
        2,
        LeaveTreatmentsOut(2),
        RepeatedStratifiedGroupKFold(n_splits=2, n_repeats=2),
    ],
    ids=str,
)
def test_splitters(make_trays, cv):
    X, y, trays = make_trays(effect=8)
    result = permute(CountingClassifier(), X, y, treatments=trays, cv=cv, n_permutations=20)
    assert result.score > 0.9
    assert np.mean(result.null) < 0.75


def test_splits_that_can_be_gone_through_once(make_trays):
    X, y, trays = make_trays(effect=6)
    splits = ((np.flatnonzero(trays != t), np.flatnonzero(trays == t)) for t in range(7))
    given = permute(CountingClassifier(), X, y, treatments=trays, cv=splits)
    assert np.array_equal(given.null, permute(CountingClassifier(), X, y, treatments=trays).null)


@pytest.mark.parametrize("estimator", [CountingClassifier(), LinearSVC()])
def test_scores_of_probabilities_and_of_decisions(make_trays, estimator):
    X, y, trays = make_trays(effect=8, labels=("wet", "dry"))
    assert permute(estimator, X, y, treatments=trays, scoring="roc_auc").score == 1


def test_a_scorer_with_its_own_positive_class(make_trays):
    X, y, trays = make_trays(effect=1.5, labels=("wet", "dry"))
    scoring = make_scorer(f1_score, pos_label="dry")
    predicted = cross_val_predict(CountingClassifier(), X, y, groups=trays, cv=LeaveOneGroupOut())
    result = permute(CountingClassifier(), X, y, treatments=trays, scoring=scoring)
    assert result.score == f1_score(y, predicted, pos_label="dry") < 1


def test_lazy_sequences(make_trays):
    X, y, trays = make_trays()
    lazy = SplicedSequences(X)
    result = permute(CountingClassifier(), X, y, treatments=trays)
    assert np.array_equal(
        permute(CountingClassifier(), lazy, y, treatments=trays).null, result.null
    )


def test_processes(make_trays):
    X, y, trays = make_trays()
    estimator = make_pipeline(RSSResampler(), CountingClassifier())
    options = {"treatments": trays, "n_permutations": 20}
    both = [permute(estimator, X, y, n_jobs=n_jobs, **options).null for n_jobs in (1, 2)]
    assert np.array_equal(*both)


def test_nothing_is_fitted_twice_with_memory(make_trays, tmp_path):
    X, y, trays = make_trays()
    log, memory = tmp_path / "log", tmp_path / "memory"
    results = [
        permute(CountingClassifier(log), X, y, treatments=trays, memory=memory) for _ in range(2)
    ]
    assert len(log.read_text().split()) == 35 * 7
    assert np.array_equal(results[0].null, results[1].null)


def test_a_score_that_is_not_a_number(make_trays):
    X, y, trays = make_trays()
    scoring = make_scorer(lambda y_true, y_pred: np.nan)
    with pytest.raises(ValueError, match="The score of labeling 0 is nan"):
        permute(CountingClassifier(), X, y, treatments=trays, scoring=scoring)


@pytest.mark.parametrize(
    ("n_trays", "n_permutations", "match"),
    [
        (4, 1000, "never be below 0.33 here, .* in 6 ways only. Nothing but more treatments"),
        (7, 9, "never be below 0.1 here, .* n_permutations=9 is too few"),
    ],
)
def test_too_few_labelings_are_warned_of(make_trays, n_trays, n_permutations, match):
    X, y, trays = make_trays(n_trays=n_trays, n_dry=2)
    with pytest.warns(UserWarning, match=match) as caught:
        permute(CountingClassifier(), X, y, treatments=trays, n_permutations=n_permutations)
    assert len(caught) == 1


def test_a_treatment_has_one_class(make_trays):
    X, y, trays = make_trays(labels=("wet", "dry"))
    y[trays == 3] = ["dry", "wet"]
    with pytest.raises(
        ValueError, match=r"Treatment 3 has .* \['dry', 'wet'\].*only then, pass treatments=None"
    ):
        permute(CountingClassifier(), X, y, treatments=trays)
    with pytest.raises(ValueError, match=r"Plant 3 has plants of the classes"):
        permute(CountingClassifier(), X, y, groups=trays)


def test_leaks_are_refused(make_trays):
    X, y, trays = make_trays()
    X = np.random.default_rng(0).normal(size=(*X.shape, 6))
    X[0] = X[-1]
    with pytest.raises(ValueError, match="Frames on both sides"):
        permute(CountingClassifier(), X, y, treatments=trays)
    X, y, trays = make_trays()
    with pytest.raises(ValueError, match="Plants on both sides"):
        permute(CountingClassifier(), X, y, treatments=trays, groups=np.arange(len(X)) % 7)


def test_other_labels_that_cannot_be_split(make_trays):
    X, _, trays = make_trays()
    y = np.isin(trays, [0, 6]).astype(int)
    splits = [(np.flatnonzero(trays > 1), np.flatnonzero(trays <= 1))]
    splits += [(test, train) for train, test in splits]
    with pytest.raises(ValueError, match="A training side has no plant of class") as caught:
        permute(CountingClassifier(), X, y, treatments=trays, cv=splits)
    assert "The true labels can be split" in caught.value.__notes__[0]


def test_a_class_that_is_not_tested(make_trays):
    X, y, trays = make_trays()
    cv = LeaveTreatmentsOut(n_splits=2)
    with pytest.raises(ValueError, match=r"No plant of class . is tested in repeat 0"):
        permute(CountingClassifier(), X, y, treatments=trays, cv=cv)


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"scoring": "likelihood"}, "scoring"),
        ({"n_permutations": 0}, "n_permutations"),
        ({"cv": LeaveTreatmentsOut(), "treatments": None}, "needs treatments="),
        ({"memory": "here", "random_state": None}, "memory needs an int"),
        ({"groups": np.arange(3)}, "inconsistent numbers of samples"),
    ],
)
def test_wrong_arguments(make_trays, options, match):
    X, y, trays = make_trays()
    with pytest.raises(ValueError, match=match):
        permute(CountingClassifier(), X, y, **{"treatments": trays, **options})


def test_progress(make_trays, capsys):
    X, y, trays = make_trays()
    permute(CountingClassifier(), X, y, treatments=trays, verbose=1)
    assert "permutation_test: 100%" in capsys.readouterr().err
    permute(CountingClassifier(), X, y, treatments=trays)
    assert capsys.readouterr().err == ""
