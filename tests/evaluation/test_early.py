"""early_detection_curve: where it leaves chance, what it reads, and what it warns of."""

import warnings
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, balanced_accuracy_score
from sklearn.model_selection import LeaveOneGroupOut, cross_val_predict
from sklearn.neighbors import NearestCentroid
from sklearn.preprocessing import FunctionTransformer

from skwater import RSSResampler, SplicedSequences, make_pipeline
from skwater.evaluation import benchmark, early_detection_curve, permutation_test
from skwater.exceptions import LeakageWarning
from skwater.metrics import accuracy_interval, balanced_accuracy_interval
from skwater.model_selection import LeaveTreatmentsOut
from skwater.preprocessing import FrameSampler

DAYS = np.array([21, 25, 28, 32, 36, 39])
ONSET = 28  # the day of the last water; what can be seen is seen from the fourth frame on


@pytest.fixture
def make_season():
    """Plants whose cover is noise up to ONSET; that of the dry ones falls from then on."""

    def make(n=24, labels=(0, 1), seed=0):
        X = np.random.default_rng(seed).normal(size=(n, len(DAYS)))
        dry = np.arange(n) % 3 == 0
        X[dry, 3:] -= 5
        return X, np.array(labels)[dry.astype(int)]

    return make


def curve(estimator, X, y, **options):
    """Score without a progress bar; every row is a plant unless told otherwise."""
    options = {
        "days": DAYS[: np.shape(X)[1]],
        "groups": np.arange(len(X)),
        "n_repeats": 2,
        "random_state": 0,
        "verbose": 0,
    } | options
    return early_detection_curve(estimator, X, y, **options)


def mean_of_frames(X):
    X = np.asarray(X)
    there = ~np.isnan(X)
    return np.where(there, X, 0).sum(axis=1) / there.sum(axis=1).clip(1)


class MeanSoFar(ClassifierMixin, BaseEstimator):
    """Takes the plant with the lower mean of frames for dry, and can be read along the season."""

    def __init__(self, path=None):
        self.path = path

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        means = mean_of_frames(X)
        self.threshold_ = np.mean([means[y == c].mean() for c in self.classes_])
        self.n_frames_ = np.shape(X)[1]
        if self.path is not None:
            with Path(self.path).open("a") as file:
                file.write(f"{self.n_frames_}\n")
        return self

    def predict(self, X):
        return self.classes_[self.predict_proba_over_time(X)[:, -1].argmax(axis=1)]

    def predict_proba_over_time(self, X):
        X = np.asarray(X)
        prefixes = [X[:, : t + 1] for t in range(X.shape[1])]
        dry = np.stack([mean_of_frames(prefix) < self.threshold_ for prefix in prefixes], axis=1)
        return np.stack([~dry, dry], axis=2).astype(float)


class OfPrefixes(MeanSoFar):
    """The same without probabilities over time."""

    predict_proba_over_time = property()

    def predict(self, X):
        return self.classes_[(mean_of_frames(X) < self.threshold_).astype(int)]


@pytest.mark.parametrize("labels", [(0, 1), ("a wet one", "dry")])
@pytest.mark.parametrize("one_model_per_date", [True, False])
@pytest.mark.parametrize("estimator", [MeanSoFar(), OfPrefixes()])
def test_the_curve_leaves_chance_when_stress_can_be_seen(
    make_season, estimator, one_model_per_date, labels
):
    X, y = make_season(labels=labels)
    result = curve(estimator, X, y, one_model_per_date=one_model_per_date, onset_day=ONSET)
    before = result.days <= ONSET
    assert np.array_equal(result.days, DAYS)
    assert result.scores.shape == (2, 6)
    assert (result.low[before] <= 0.5).all()
    assert (result.low[-2:] > 0.5).all()
    assert (result.scores[:, -1] > 0.9).all()
    assert (result.chance, result.onset_day, result.scoring) == (0.5, 28, "balanced_accuracy")


def test_each_day_is_scored_as_if_the_season_ended_then(make_season):
    X, y = make_season()
    trays = np.arange(24) // 4
    options = {"groups": trays, "treatments": trays, "cv": LeaveTreatmentsOut()}
    balanced = curve(NearestCentroid(), X, y, **options)
    plain = curve(NearestCentroid(), X, y, scoring="accuracy", **options)
    for t in range(6):
        predicted = cross_val_predict(
            NearestCentroid(), X[:, : t + 1], y, groups=trays, cv=LeaveOneGroupOut()
        )
        assert balanced.scores[:, t] == pytest.approx(balanced_accuracy_score(y, predicted))
        assert plain.scores[:, t] == pytest.approx(accuracy_score(y, predicted))
    assert (balanced.chance, plain.chance) == (0.5, 16 / 24)


@pytest.mark.parametrize("cv", [3, LeaveTreatmentsOut(2)], ids=str)
def test_the_last_day_is_the_row_of_the_benchmark(make_season, cv):
    X, y = make_season()
    X[:, -3:] += 2 * np.random.default_rng(1).normal(size=(24, 3))  # not too easy
    trays = np.array([0, 1, 2, 3, 4, 5] * 4)
    options = {"groups": np.arange(24), "treatments": trays, "cv": cv, "n_repeats": 2}
    options |= {"random_state": 5, "verbose": 0}
    estimator = make_pipeline(RSSResampler(), LogisticRegression())
    row = benchmark({"lr": estimator}, X, y, baselines=None, **options).rows[0]
    result = curve(estimator, X, y, min_frames=5, **options)
    assert 0.6 < result.scores[:, -1].mean() < 1
    assert result.scores[:, -1].mean() == pytest.approx(row["balanced_accuracy"])
    assert result.scores[:, -1].std(ddof=1) == pytest.approx(row["balanced_accuracy_sd"])
    assert result.low[-1] == pytest.approx(row["balanced_ci_low"])
    assert result.high[-1] == pytest.approx(row["balanced_ci_high"])


@pytest.mark.parametrize("scoring", ["balanced_accuracy", "accuracy"])
def test_repeats_and_rows_do_not_make_more_plants(make_season, scoring):
    X, y = make_season()
    X = np.repeat(X, 2, axis=0) + np.random.default_rng(1).normal(size=(48, 6))
    y, groups = np.repeat(y, 2), np.repeat(np.arange(24), 2)
    result = curve(NearestCentroid(), X, y, groups=groups, scoring=scoring)
    if scoring == "accuracy":
        ends = [accuracy_interval(24 * score, 24) for score in result.scores.mean(axis=0)]
        assert np.allclose(np.transpose(ends), [result.low, result.high])
    else:
        perfect = result.scores.mean(axis=0) == 1
        assert perfect.any()
        assert np.allclose(result.low[perfect], balanced_accuracy_interval([16, 8], [16, 8])[0])


@pytest.mark.parametrize("scoring", ["balanced_accuracy", "accuracy"])
@pytest.mark.parametrize("one_model_per_date", [True, False])
def test_a_leak_shows_before_the_onset(make_season, scoring, one_model_per_date):
    X, y = make_season()
    X[y == 1, 1:] -= 20  # seen from day 25 on: the dry plants stand somewhere else
    with pytest.warns(LeakageWarning, match="On days 25, 28 .* up to day 28") as caught:
        curve(
            MeanSoFar(),
            X,
            y,
            onset_day=ONSET,
            scoring=scoring,
            one_model_per_date=one_model_per_date,
        )
    assert len(caught) == 1


@pytest.mark.parametrize("onset", [None, 20, 24])
def test_no_leak_is_found_without_a_control(make_season, onset):
    X, y = make_season()
    X[y == 1, 1:] -= 20
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        curve(MeanSoFar(), X, y, onset_day=onset)


def test_three_classes(make_season):
    X, _ = make_season()
    y = np.array(["a", "b", "c"])[np.arange(24) % 3]
    result = curve(DummyClassifier(), X, y)
    assert result.chance == pytest.approx(1 / 3)
    assert np.array_equal(result.scores, np.repeat(result.scores[:, :1], 6, axis=1))
    assert (result.low < 1 / 3).all()
    assert (result.high > 1 / 3).all()


def test_repeats_that_would_be_the_same_are_not_made(make_season, tmp_path):
    X, y = make_season()
    trays = np.arange(24) // 4
    options = {"treatments": trays, "cv": LeaveTreatmentsOut()}
    assert len(curve(MeanSoFar(), X, y, **options).scores) == 1
    assert len(curve(DummyClassifier(strategy="uniform"), X, y, **options).scores) == 2


@pytest.mark.parametrize(("one_model_per_date", "seen"), [(True, [2, 3, 4, 5, 6]), (False, [6])])
def test_what_is_fitted_and_only_once(make_season, tmp_path, one_model_per_date, seen):
    X, y = make_season()
    path = tmp_path / "fits"
    options = {
        "one_model_per_date": one_model_per_date,
        "min_frames": 2,
        "memory": tmp_path / "memory",
    }
    results = [curve(MeanSoFar(str(path)), X, y, **options) for _ in range(2)]
    fits = [int(line) for line in path.read_text().split()]
    assert sorted(fits) == sorted(2 * 3 * seen)
    assert np.array_equal(results[0].scores, results[1].scores)
    assert np.array_equal(results[0].days, DAYS[1:])


def test_ctrl_c_keeps_the_repeats_that_are_done(make_season):
    X, y = make_season()
    fits = []

    class Interrupted(NearestCentroid):
        def fit(self, X, y):
            fits.append(1)
            if len(fits) == n_fits:
                raise KeyboardInterrupt
            return super().fit(X, y)

    n_fits = np.inf
    whole = curve(Interrupted(), X, y, n_repeats=1)
    n_fits = 2 * len(fits) + 2  # in the second repeat
    with pytest.warns(UserWarning, match=r"finished, and make the curve: 1\."):
        cut = curve(Interrupted(), X, y, n_repeats=3)
    np.testing.assert_array_equal(cut.scores, whole.scores)
    fits.clear()
    n_fits = 2
    with pytest.raises(KeyboardInterrupt):
        curve(Interrupted(), X, y, n_repeats=3)


def test_random_state_settles_folds_and_seeds(make_season):
    X, y = make_season()
    estimator = DummyClassifier(strategy="uniform")
    scores = [curve(estimator, X, y, random_state=seed).scores for seed in (0, 0, 1)]
    assert np.array_equal(scores[0], scores[1])
    assert not np.array_equal(scores[0], scores[2])
    assert np.ptp(scores[0], axis=1).max() == 0  # the same seed on each day


def test_processes(make_season):
    X, y = make_season()
    estimator = make_pipeline(RSSResampler(), NearestCentroid())
    both = [curve(estimator, X, y, n_jobs=n_jobs).scores for n_jobs in (1, 2)]
    assert np.array_equal(*both)


@pytest.mark.parametrize("one_model_per_date", [True, False])
def test_lazy_sequences(make_season, one_model_per_date):
    X, y = make_season()
    lazy = SplicedSequences(X)
    options = {"one_model_per_date": one_model_per_date}
    eager = curve(MeanSoFar(), X, y, **options)
    assert np.array_equal(curve(MeanSoFar(), lazy, y, **options).scores, eager.scores)


def test_splicing_one_frame_is_no_news(make_season):
    X, y = make_season()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        curve(make_pipeline(RSSResampler(), NearestCentroid()), X, y)


class NotingSampler(RSSResampler):
    """Writes down the number of frames and whether any frame is from another class."""

    def __init__(self, path, **params):
        super().__init__(**params)
        self.path = path

    def fit_resample(self, X, y):
        out = super().fit_resample(X, y)
        mixed = (y[self.donors_] != out[1][:, None]).any(axis=0)
        with Path(self.path).open("a") as file:
            file.write(f"{X.shape[1]} {mixed.nonzero()[0].tolist()}\n")
        return out

    @classmethod
    def _get_param_names(cls):
        return sorted([*RSSResampler._get_param_names(), "path"])


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_onset_aware_splicing_of_prefixes(make_season, tmp_path, n_jobs):
    X, y = make_season()
    sampler = NotingSampler(tmp_path / "log", sampling_strategy=20, onset=3)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        curve(make_pipeline(sampler, NearestCentroid()), X, y, n_jobs=n_jobs)
    [of_onset] = [w for w in caught if "onset" in str(w.message)]
    assert "Sequences of 2 to 3 frames end before the onset (onset=3)" in str(of_onset.message)
    lines = Counter((tmp_path / "log").read_text().splitlines())
    before = "[0, 1, 2]"  # frames that other classes give, once the season goes beyond the onset
    frames = {1: "[]", 2: "[]", 3: "[]", 4: before, 5: before, 6: before}
    assert lines == {f"{n} {mixed}": 6 for n, mixed in frames.items()}  # 2 repeats of 3 folds


def test_workers_say_nothing_of_the_onset(make_season, capfd):
    X, y = make_season()
    pipeline = make_pipeline(RSSResampler(20, onset=3), NearestCentroid())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        curve(pipeline, X, y, n_jobs=2)
    assert "onset" not in capfd.readouterr().err


@pytest.mark.parametrize("one_model_per_date", [True, False])
def test_a_season_that_ends_before_the_onset(make_season, one_model_per_date):
    X, y = make_season()
    pipeline = make_pipeline(RSSResampler(20, onset=6), MeanSoFar())
    match = r"Sequences of (2 to )?6 frames end before the onset \(onset=6\)"
    for score in (
        lambda: curve(pipeline, X, y, one_model_per_date=one_model_per_date),
        lambda: benchmark({"rss": pipeline}, X, y, groups=np.arange(len(X)), verbose=0),
        lambda: permutation_test(
            pipeline, X, y, groups=np.arange(len(X)), n_permutations=20, verbose=0
        ),
    ):
        with pytest.warns(UserWarning, match=match) as caught:
            score()
        assert len([w for w in caught if "onset" in str(w.message)]) == 1


def test_a_frame_sampler_before_the_onset_is_refused(make_season):
    X, y = make_season()
    sampler = RSSResampler(20, onset=3)
    with pytest.raises(ValueError, match="Put the FrameSampler after the RSSResampler"):
        curve(make_pipeline(FrameSampler(3), sampler, NearestCentroid()), X, y)
    with pytest.warns(UserWarning, match="end before the onset"):
        result = curve(make_pipeline(sampler, FrameSampler(3), NearestCentroid()), X, y)
    assert (result.scores[:, -1] > 0.9).all()


def test_stages_are_read_through_a_pipeline(make_season):
    X, y = make_season()
    pipeline = make_pipeline(FunctionTransformer(), RSSResampler(random_state=0), MeanSoFar())
    result = curve(pipeline, X, y, one_model_per_date=False)
    assert (result.scores[:, -1] > 0.9).all()
    assert result.name == "MeanSoFar"


def test_days_on_which_a_plant_has_no_image_are_left_out(make_season):
    X, y = make_season()
    X[4, :2] = X[5, 0] = X[7, 4] = np.nan
    with pytest.warns(
        UserWarning, match="no score for days 21, 25: plant 4 has no image before day 28"
    ) as w:
        result = curve(MeanSoFar(), X, y)
    assert len(w) == 1
    assert np.array_equal(result.days, DAYS[2:])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert np.array_equal(curve(MeanSoFar(), X, y, min_frames=3).scores, result.scores)
    with pytest.raises(ValueError, match="No day is left: min_frames=7"):
        curve(MeanSoFar(), X, y, min_frames=7)


def test_an_estimator_that_refuses_prefixes(make_season):
    X, y = make_season()
    with pytest.raises(ValueError, match="features") as caught:
        curve(NearestCentroid(), X, y, one_model_per_date=False)
    assert "Set one_model_per_date=True" in caught.value.__notes__[0]


class NeedsThree(MeanSoFar):
    def fit(self, X, y):
        if X.shape[1] < 3:
            raise ValueError("too short")
        return super().fit(X, y)


def test_an_estimator_that_refuses_short_seasons(make_season):
    X, y = make_season()
    with pytest.raises(ValueError, match="too short") as caught:
        curve(NeedsThree(), X, y)
    assert "at 1 of 6 frames" in caught.value.__notes__[0]
    assert len(curve(NeedsThree(), X, y, min_frames=3).days) == 4


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"days": [1, 2]}, "days must be one for each of the 6 frames"),
        ({"days": DAYS[::-1]}, "days must be strictly increasing"),
        ({"days": None}, "'days' parameter"),
        ({"scoring": "roc_auc"}, "'scoring' parameter"),
        ({"min_frames": 0}, "'min_frames' parameter"),
        ({"cv": LeaveTreatmentsOut()}, "needs treatments="),
        ({"cv": [(range(1, 24), [0])]}, "No plant of class 0 is tested in repeat 0"),
        ({"cv": [(range(24), [0])]}, "Plants on both sides"),
        ({"memory": "here", "random_state": None}, "memory needs an int"),
        ({"groups": range(3)}, "inconsistent numbers of samples"),
    ],
)
def test_wrong_arguments(make_season, options, match):
    X, y = make_season()
    with pytest.raises(ValueError, match=match):
        curve(MeanSoFar(), X, y, **options)


def test_splices_made_before_are_refused(make_season):
    X, y = make_season()
    X = X[:, :, None] + np.random.default_rng(1).normal(size=(*X.shape, 6))
    X, y = RSSResampler(random_state=0).fit_resample(X, y)
    with pytest.raises(ValueError, match="Frames on both sides"):
        curve(MeanSoFar(), X, y)


def test_progress(make_season, capsys):
    X, y = make_season()
    curve(MeanSoFar(), X, y, verbose=1)
    assert "early_detection_curve: 100%" in capsys.readouterr().err
    curve(MeanSoFar(), X, y)
    assert capsys.readouterr().err == ""


def test_n2_as_many_splices_as_few_frames_allow(make_season):
    X, y = make_season()
    pipeline = make_pipeline(RSSResampler(60), NearestCentroid())
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        result = curve(pipeline, X, y)
    assert np.array_equal(result.days, DAYS)
    [once] = [w for w in caught if "splices" in str(w.message) or "possible" in str(w.message)]
    # 5 dry plants of two frames give 5 * 4 splices, and 55 were asked for.
    assert "On day 25 fewer different splices are possible" in str(once.message)
    assert "(up to 35 fewer)" in str(once.message)
    assert once.filename == __file__
    with pytest.raises(ValueError, match="new sequences were asked for"):
        curve(pipeline, X[:, :2], y, one_model_per_date=False)


def test_n2_one_warning_from_processes_and_from_memory(make_season, tmp_path):
    X, y = make_season()
    pipeline = make_pipeline(RSSResampler(60), NearestCentroid())
    for _ in range(2):  # from memory too
        with pytest.warns(UserWarning, match="fewer different splices") as caught:
            curve(pipeline, X, y, n_jobs=2, n_repeats=1, memory=tmp_path)
        assert len([w for w in caught if "possible" in str(w.message)]) == 1


def test_n19_days_and_plants_in_messages(make_season):
    X, y = make_season()
    X[4, :2] = np.nan
    names = [f"pot {i}" for i in range(24)]
    days = DAYS / 7 + 1 / 3
    with pytest.warns(UserWarning, match=r"days 3\.33, 3\.9: plant pot 4 .* before day 4\.33"):
        curve(MeanSoFar(), X, y, groups=names, days=days)
