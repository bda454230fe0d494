"""The one call: protocols, seeds, leaks and Ctrl-C."""

import json
import warnings

import numpy as np
import pytest
from counting import CountingClassifier
from sklearn import config_context
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.metrics import (
    brier_score_loss,
    f1_score,
    precision_score,
    recall_score,
    roc_auc_score,
)
from sklearn.model_selection import KFold, LeaveOneGroupOut
from sklearn.svm import LinearSVC

from skwater import ConvLSTMClassifier, ImageSequences, RSSResampler, make_pipeline
from skwater.evaluation import benchmark
from skwater.model_selection import LeaveTreatmentsOut, RepeatedStratifiedGroupKFold

LR = LogisticRegression()


def by_name(result):
    return {row["model"]: row for row in result.rows}


def run(estimators, X, y, groups, **options):
    return benchmark(estimators, X, y, groups=groups, **{"verbose": 0, "random_state": 0} | options)


def without_times(result):
    return [{k: v for k, v in row.items() if not k.endswith("_time")} for row in result.rows]


def test_scores_of_one_repeat_are_those_of_the_pooled_predictions(make_plants):
    X, y, plants, _ = make_plants()
    result = run({"lr": LR}, X, y, plants, n_repeats=1)
    predicted = np.full(len(y), -1)
    for fit in result.fits:
        if fit.model == "lr":
            fold = fit.fold
            predicted[fold.test] = LR.fit(X[fold.train], y[fold.train]).predict(X[fold.test])
    row = by_name(result)["lr"]
    assert row["accuracy"] == pytest.approx((predicted == y).mean())
    recalls = [(predicted == y)[y == label].mean() for label in (0, 1)]
    assert row["balanced_accuracy"] == pytest.approx(np.mean(recalls))
    assert row["recall"] == pytest.approx(recalls[1])
    assert row["n_correct"] == (predicted == y).sum()
    assert row["n_plants"] == len(y)


@pytest.mark.parametrize("seed", [0, 1])
def test_noise_is_chance(make_plants, seed):
    X, y, plants, _ = make_plants(effect=0, n=48, seed=seed)
    rng = np.random.default_rng(seed)
    network = ConvLSTMClassifier(hidden_channels=4, max_epochs=5, lr=0.01, device="cpu")
    models = {
        "network": network,
        "network + RSS": make_pipeline(RSSResampler(30), network),
        "lr": LR,
    }
    nitrogen = rng.choice(["high", "low"], 48)
    result = run(models, X, y, plants, metadata=nitrogen, n_repeats=2, random_state=seed)
    assert set(models) | {"majority class", "metadata only"} <= set(by_name(result))
    outside = [
        row["model"]
        for row in result.rows
        if not row["balanced_ci_low"] <= 0.5 <= row["balanced_ci_high"]
    ]
    assert outside == []


def test_splices_made_before_the_call_are_refused(make_plants):
    X, y, _, _ = make_plants(n_frames=16)
    spliced, labels = RSSResampler(20, random_state=0).fit_resample(X, y)
    with pytest.raises(ValueError, match="Splice inside the pipeline"):
        run({"lr": LR}, spliced, labels, np.arange(len(labels)))
    X, y = RSSResampler(20, random_state=0, lazy=True).fit_resample(X[:, :, None], y)
    with pytest.raises(ValueError, match="Donors on both sides"):
        run({"lr": LR}, X, y, np.arange(len(y)))


def test_a_plant_on_both_sides_is_refused(make_plants):
    X, y, _, _ = make_plants()
    with pytest.raises(ValueError, match="Plants on both sides"):
        run({"lr": LR}, X, y, np.arange(len(y)) // 2, cv=KFold(3, shuffle=True))


def test_leave_treatments_out(make_plants):
    X, y, plants, treatments = make_plants(effect=3)
    result = run({"lr": LR}, X, y, plants, treatments=treatments, cv=LeaveTreatmentsOut())
    folds = {fit.fold.number: fit.fold for fit in result.fits}
    assert len(folds) == 6
    for fold in folds.values():
        assert set(treatments[fold.train]) & set(treatments[fold.test]) == set()
    with pytest.raises(ValueError, match="needs treatments="):
        run({"lr": LR}, X, y, plants, cv=LeaveTreatmentsOut())


def test_each_repeat_has_other_folds_or_other_seeds(make_plants):
    X, y, plants, treatments = make_plants()
    models = {"seeded": CountingClassifier(), "unseeded": NearestMean()}
    drawn = run(models, X, y, plants, n_repeats=3)
    tests = {tuple(fit.fold.test) for fit in drawn.fits if fit.fold.number == 0}
    assert len(tests) == 3
    options = {"cv": LeaveOneGroupOut(), "n_repeats": 3, "baselines": None}
    same = run(models, X, y, treatments, **options)
    assert {row["model"]: row["n_repeats"] for row in same.rows} == {"seeded": 3, "unseeded": 1}
    assert len({fit.fold.seed for fit in same.fits if fit.model == "seeded"}) == 18


class NearestMean(ClassifierMixin, BaseEstimator):
    """No seed, no probabilities."""

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        self.middle_ = np.mean([X[y == label].mean() for label in self.classes_])
        return self

    def predict(self, X):
        return self.classes_[(X.mean(axis=1) < self.middle_).astype(int)]


def test_without_probabilities_there_is_no_brier_score(make_plants):
    X, y, plants, _ = make_plants()
    row = run({"m": NearestMean()}, X, y, plants, baselines=None).rows[0]
    assert np.isnan(row["brier"])
    assert np.isnan(row["roc_auc"])


def test_all_seeds_of_a_fit_are_set_and_differ(make_plants):
    X, y, plants, _ = make_plants()
    seeds = []

    class Noting(NearestMean):
        def __init__(self, random_state=None):
            self.random_state = random_state

        def fit(self, X, y):
            seeds.append(self.random_state)
            return super().fit(X, y)

    run({"m": Noting(random_state=3)}, X, y, plants, baselines=None, n_repeats=2)
    assert len(set(seeds)) == 6


def test_same_seed_same_table(make_plants):
    X, y, plants, _ = make_plants()
    model = {"rss": make_pipeline(RSSResampler(20), LR)}
    first, again = (run(model, X, y, plants, n_repeats=2) for _ in range(2))
    other = run(model, X, y, plants, n_repeats=2, random_state=1)
    assert str(without_times(first)) == str(without_times(again))
    assert str(without_times(first)) != str(without_times(other))


def test_other_models_do_not_change_the_folds(make_plants):
    X, y, plants, _ = make_plants()
    one = run({"a": LR}, X, y, plants, baselines=None)
    two = run({"b": DummyClassifier(), "a": LR}, X, y, plants)
    assert str(without_times(one)[0]["balanced_accuracy"]) == str(
        by_name(two)["a"]["balanced_accuracy"]
    )


def test_processes_give_the_same_table(make_plants):
    X, y, plants, _ = make_plants()
    tables = [without_times(run({"lr": LR}, X, y, plants, n_jobs=n)) for n in (1, 2)]
    assert str(tables[0]) == str(tables[1])


def test_a_splitter_that_repeats_itself(make_plants):
    X, y, plants, _ = make_plants()
    cv = RepeatedStratifiedGroupKFold(n_splits=4, n_repeats=2)
    result = run({"lr": LR}, X, y, plants, cv=cv, n_repeats=7)
    assert result.rows[0]["n_repeats"] == 2
    assert max(fit.fold.number for fit in result.fits) == 3
    assert cv.random_state is None


def test_a_fixed_split(make_plants):
    X, y, plants, _ = make_plants()
    split = (np.arange(16), np.arange(16, 24))
    result = run({"lr": LR}, X, y, plants, cv=[split])
    assert result.rows[0]["n_plants"] == 8
    assert len(result.rows) == 4


def test_string_labels_need_the_stressed_one_named(make_plants):
    X, y, plants, _ = make_plants(effect=2)
    labels = np.where(y == 1, "dry", "watered")
    with pytest.raises(ValueError, match="pos_label"):
        run({"lr": LR}, X, labels, plants)
    with pytest.raises(ValueError, match="wet"):
        run({"lr": LR}, X, labels, plants, pos_label="wet")
    named = run({"lr": LR}, X, labels, plants, pos_label="dry")
    numbers = run({"lr": LR}, X, y, plants)
    for column in ("precision", "recall", "f1", "roc_auc", "brier"):
        assert by_name(named)["lr"][column] == pytest.approx(by_name(numbers)["lr"][column])


def test_three_classes(make_plants):
    X, _, plants, treatments = make_plants(n=36)
    y = treatments % 3
    result = run({"lr": LR}, X + y[:, None], y, plants, pos_label=2)
    row = by_name(result)["lr"]
    assert row["balanced_accuracy"] > 0.6
    assert by_name(result)["majority class"]["balanced_accuracy"] == pytest.approx(1 / 3)
    assert 0 <= row["brier"] <= 1


def test_three_classes_without_a_stressed_one(make_plants):
    X, _, plants, treatments = make_plants(n=36)
    y = np.array(["dry", "half", "wet"])[treatments % 3]
    X = X + 0.7 * (treatments % 3)[:, None]
    result = run({"lr": LR, "svm": LinearSVC()}, X, y, plants, n_repeats=1)
    row = by_name(result)["lr"]
    fits = [fit for fit in result.fits if fit.model == "lr"]
    rows = np.concatenate([fit.fold.test for fit in fits])
    predicted = np.concatenate([fit.outcome.predicted for fit in fits])
    proba = np.concatenate([fit.outcome.proba for fit in fits])
    expected = {
        "precision": precision_score(y[rows], predicted, average="macro"),
        "recall": recall_score(y[rows], predicted, average="macro"),
        "f1": f1_score(y[rows], predicted, average="macro"),
        "roc_auc": roc_auc_score(y[rows], proba, multi_class="ovr"),
        "brier": brier_score_loss(y[rows], proba, scale_by_half=True),
    }
    for name, value in expected.items():
        assert row[name] == pytest.approx(value), name
    assert row["recall"] == pytest.approx(row["balanced_accuracy"])
    assert 0 < by_name(result)["svm"]["roc_auc"] <= 1
    assert np.isnan(by_name(result)["svm"]["brier"])
    assert "Precision, recall, F1 and ROC AUC are means over the 3 classes." in str(result)
    described = result.describe()
    assert "36 plants, 12 of class dry, 12 of class half, 12 of class wet, were" in described
    assert json.loads(result.to_json())["protocol"]["pos_label"] is None
    of_one = by_name(run({"lr": LR}, X, y, plants, n_repeats=1, pos_label="dry"))["lr"]
    assert of_one["recall"] == pytest.approx((predicted == y[rows])[y[rows] == "dry"].mean())


def test_params_reach_those_that_ask(make_plants):
    X, y, plants, treatments = make_plants()
    with config_context(enable_metadata_routing=True):
        rss = RSSResampler(20).set_fit_resample_request(strata=True)
        models = {"strata": make_pipeline(rss, LR), "lr": LR}
        result = run(models, X, y, plants, params={"strata": treatments}, n_repeats=1)
    for fit in result.fits:
        if fit.model == "strata":
            donors = treatments[fit.outcome.donors["rssresampler"]]
            assert (donors == donors[:, :1]).all()


def test_donors_are_rows_of_the_training_side(make_plants):
    X, y, plants, _ = make_plants()
    result = run({"rss": make_pipeline(RSSResampler(20), LR)}, X, y, plants, baselines=None)
    for fit in result.fits:
        donors = fit.outcome.donors["rssresampler"]
        assert donors.shape == (40, X.shape[1])
        assert set(donors.ravel()) <= set(fit.fold.train)


def test_photos_have_cover_as_baseline(make_task):
    X, y = make_task(n=12, dtype="uint8")
    result = run({}, X, y, np.arange(12))
    assert [row["model"] for row in result.rows][:3] == [
        "majority class",
        "logistic regression, cover",
        "logistic regression, last frame",
    ]


def test_lazy_photos(make_task, tmp_path):
    from PIL import Image

    X, y = make_task(n=12, n_frames=3, dtype="uint8")
    paths = np.empty(X.shape[:2], object)
    for i, t in np.ndindex(paths.shape):
        paths[i, t] = str(tmp_path / f"{i}_{t}.png")
        Image.fromarray(X[i, t]).save(paths[i, t])
    lazy = ImageSequences(paths)
    models = {"rss": make_pipeline(RSSResampler(10), ConvLSTMClassifier(max_epochs=1))}
    tables = [without_times(run(models, data, y, np.arange(12), n_repeats=1)) for data in (X, lazy)]
    assert str(tables[0]) == str(tables[1])


def test_ctrl_c_keeps_what_is_done(make_plants):
    X, y, plants, _ = make_plants()
    fits = []

    class Interrupted(NearestMean):
        def fit(self, X, y):
            fits.append(1)
            if len(fits) == 5:
                raise KeyboardInterrupt
            return super().fit(X, y)

        random_state = None

    with pytest.warns(UserWarning, match="Interrupted after 4 of 9 fits"):
        result = run({"m": Interrupted()}, X, y, plants, baselines=None, n_repeats=3)
    assert not result.complete
    assert result.rows[0]["n_repeats"] == 1
    assert "Interrupted" in str(result)


def test_an_interrupted_repeat_does_not_count(make_plants):
    X, y, plants, _ = make_plants()

    class Interrupted(NearestMean):
        def fit(self, X, y):
            fits.append(1)
            if len(fits) == 2:
                raise KeyboardInterrupt
            return super().fit(X, y)

    fits = []
    with pytest.warns(UserWarning, match="Interrupted after 1 of 3 fits"):
        result = run({"m": Interrupted()}, X, y, plants, baselines=None, n_repeats=1)
    assert result.rows == []


def test_ctrl_c_before_any_repeat_gives_an_empty_table(make_plants):
    class Interrupted(NearestMean):
        def fit(self, X, y):
            raise KeyboardInterrupt

    X, y, plants, _ = make_plants()
    with pytest.warns(UserWarning, match="Interrupted"):
        result = run({"m": Interrupted()}, X, y, plants, baselines=None)
    assert result.rows == []
    assert "0 of 30 fits" in str(result)
    assert json.loads(result.to_json())["complete"] is False


def test_an_error_says_which_fit(make_plants):
    class Broken(NearestMean):
        def fit(self, X, y):
            raise RuntimeError("broken")

    X, y, plants, _ = make_plants()
    with pytest.raises(RuntimeError, match="broken") as caught:
        run({"m": Broken()}, X, y, plants, baselines=None)
    assert caught.value.__notes__ == ["In repeat 0, fold 0 of Broken()"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"groups": np.arange(5)}, "inconsistent numbers of samples"),
        ({"metadata": [["a"]] * 3}, "metadata has 3 rows"),
        ({"estimators": {}, "baselines": None}, "nothing to score"),
        ({"estimators": {"majority class": LR}}, "share names"),
        ({"cv": 30}, "cv=30 is more folds than there are plants: 16 of class 0, 8 of class 1"),
        ({"n_repeats": 0}, "n_repeats"),
        ({"y": np.zeros(24)}, "one class only"),
    ],
)
def test_bad_arguments(make_plants, change, message):
    X, y, plants, _ = make_plants()
    arguments = {"estimators": {"lr": LR}, "X": X, "y": y, "groups": plants, "verbose": 0} | change
    with pytest.raises(ValueError, match=message):
        benchmark(**arguments)


def test_params_that_change_nothing_are_refused(make_plants):
    X, y, plants, treatments = make_plants()
    options = {"params": {"strata": treatments}}
    with pytest.raises(ValueError, match="need scikit-learn's metadata routing"):
        run({"lr": LR}, X, y, plants, **options)
    with (
        config_context(enable_metadata_routing=True),
        pytest.raises(ValueError, match="No estimator asks for 'strata'"),
    ):
        run({"rss": make_pipeline(RSSResampler(20), LR)}, X, y, plants, **options)


def test_metadata_are_for_their_own_baseline(make_plants):
    X, y, plants, treatments = make_plants()
    with pytest.raises(ValueError, match="default baselines only"):
        run({"lr": LR}, X, y, plants, metadata=treatments, baselines={"lr2": LR})
    row = run({"metadata only": LR}, X, y, plants, n_repeats=1).rows[0]
    assert row["kind"] == "model"


def test_a_class_that_is_not_tested(make_plants):
    X, y, plants, _ = make_plants()
    healthy = np.flatnonzero(y == 0)[:3]
    with pytest.raises(ValueError, match="No plant of class 1 is tested"):
        run({"lr": LR}, X, y, plants, cv=[(np.setdiff1d(plants, healthy), healthy)])


def test_splits_as_lists_and_masks(make_plants):
    X, y, plants, _ = make_plants()
    mask = plants < 16
    models = {"rss": make_pipeline(RSSResampler(20), LR)}
    splits = [(mask, ~mask)], [(list(range(16)), list(range(16, 24)))]
    tables = [without_times(run(models, X, y, plants, cv=split, n_repeats=1)) for split in splits]
    assert str(tables[0]) == str(tables[1])


def test_treatments_on_both_sides_are_noted(make_plants):
    X, y, plants, treatments = make_plants()
    by_plant = run({"lr": LR}, X, y, plants, treatments=treatments, cv=3, n_repeats=1)
    assert any("Treatments are on both sides" in note for note in by_plant.notes)
    assert by_plant.test == "paired permutation"
    left_out = run({"lr": LR}, X, y, plants, treatments=treatments, n_repeats=1)
    assert not any("Treatments are on both sides" in note for note in left_out.notes)


def test_a_plant_without_frames_is_named_by_its_row(make_plants):
    X, y, plants, _ = make_plants()
    X[5] = np.nan
    with pytest.raises(ValueError, match="no frame at all in sample 5"):
        run({"lr": LR}, X, y, plants)


@pytest.mark.parametrize("model", [LogisticRegression, LinearRegression(), "lr"])
def test_what_is_no_classifier(make_plants, model):
    X, y, plants, _ = make_plants()
    with pytest.raises(ValueError, match="m is not a classifier"):
        run({"m": model}, X, y, plants)


def test_class_in_one_group_only(make_plants):
    X, y, _, treatments = make_plants()
    y = (treatments == 0).astype(int)
    with pytest.raises(ValueError, match="training side has no plant of class 1"):
        run({"lr": LR}, X, y, treatments, cv=LeaveOneGroupOut())


def test_nothing_is_printed_when_silent(make_plants, capfd):
    X, y, plants, _ = make_plants()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        run({"lr": LR}, X, y, plants, n_repeats=1)
    assert capfd.readouterr() == ("", "")


def test_progress_bar(make_plants, capfd):
    X, y, plants, _ = make_plants()
    run({"a": LR, "b": LR}, X, y, plants, n_repeats=2, verbose=1, baselines=None)
    first, *bar = capfd.readouterr().err.splitlines()
    assert first.startswith("benchmark: 12 fits (2 models, 6 folds)")
    assert "12/12" in bar[-1]
