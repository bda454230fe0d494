"""EarlyDetector: when the alarm comes, how estimators are read along the season, and refitting."""

import numpy as np
import pytest
import sklearn.utils.estimator_checks as checks
from sklearn import clone, config_context
from sklearn.base import BaseEstimator, ClassifierMixin, TransformerMixin
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import GradientBoostingClassifier
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.preprocessing import StandardScaler

from skwater import ConvLSTMClassifier, RSSResampler, SplicedSequences, make_pipeline
from skwater.early_detection import EarlyDetector
from skwater.early_detection._detector import first_alarms
from skwater.metrics import detection_delay
from skwater.preprocessing import BaselineCorrector, FrameSampler


def alarms(probability, *, missing=(), threshold=0.5, min_frames=1, n_consecutive=1):
    probability = np.array([probability], dtype=float)
    there = np.ones(probability.shape, dtype=bool)
    there[0, list(missing)] = False
    options = {"threshold": threshold, "min_frames": min_frames, "n_consecutive": n_consecutive}
    (alarm,) = first_alarms(probability, there, **options)
    return alarm


@pytest.mark.parametrize(
    ("probability", "options", "alarm"),
    [
        ([0.1, 0.5, 0.9], {}, 1),
        ([0.1, 0.2, 0.3], {}, -1),
        ([0.1, 0.5, 0.9], {"threshold": 0.9}, 2),
        ([0.1, 0.5, 0.9], {"threshold": 0}, 0),
        ([0.9, 0.9, 0.1, 0.9], {"min_frames": 3}, 3),
        ([0.9, 0.9, 0.9], {"min_frames": 3}, 2),
        ([0.9, 0.9, 0.9], {"min_frames": 4}, -1),
        ([0.9, 0.1, 0.9, 0.9], {"n_consecutive": 2}, 3),
        ([0.9, 0.1, 0.9, 0.1], {"n_consecutive": 2}, -1),
        ([0.9, 0.9, 0.1], {"n_consecutive": 2}, 1),
        ([0.9, 0.9, 0.9], {"n_consecutive": 2, "min_frames": 2}, 2),  # the first does not count
        ([0.9, 0.9, 0.9], {"missing": [0]}, 1),
        ([0.9, 0.9, 0.9], {"n_consecutive": 2, "missing": [1]}, 2),  # does not count
        ([0.9, 0.1, 0.9], {"n_consecutive": 2, "missing": [1]}, 2),  # does not break the row
        ([0.1, 0.9, 0.1], {"missing": [1]}, -1),
        ([np.nan, 0.9], {}, 1),
    ],
)
def test_first_alarm(probability, options, alarm):
    assert alarms(probability, **options) == alarm


def test_alarms_of_plants_do_not_mix():
    probability = np.random.default_rng(0).random((40, 9))
    there = np.random.default_rng(1).random((40, 9)) < 0.8
    options = {"threshold": 0.6, "min_frames": 2, "n_consecutive": 2}
    one_by_one = [
        first_alarms(probability[[i]], there[[i]], **options)[0] for i in range(len(there))
    ]
    assert first_alarms(probability, there, **options).tolist() == one_by_one
    assert -1 in one_by_one
    assert len(set(one_by_one)) > 3


class LastBrightness(ClassifierMixin, BaseEstimator):
    """Takes the mean of the last frame that is there for the probability of the second class."""

    def fit(self, X, y, sample_weight=None):
        self.classes_ = np.unique(y)
        self.n_seen_ = len(X)
        self.sample_weight_ = sample_weight
        return self

    def predict_proba(self, X):
        X = np.asarray(X)
        means = X.reshape(*X.shape[:2], -1).mean(axis=2)
        last = [row[~np.isnan(row)][-1] for row in means]
        return np.stack([1 - np.array(last), last], axis=1)


class BrightnessOverTime(LastBrightness):
    """The same with probabilities over time, which note that they were asked for."""

    def predict_proba_over_time(self, X):
        self.asked_ = True
        X = np.asarray(X)
        return np.stack([self.predict_proba(X[:, : t + 1]) for t in range(X.shape[1])], axis=1)


SEASON = np.array([[0.1, 0.2, 0.8, 0.9], [0.1, 0.6, 0.2, 0.7], [0.1, 0.1, 0.1, 0.2]])
Y = np.array([1, 1, 0])


def shaped(season, ndim):
    """The numbers of a season as frames of that brightness."""
    frame = {2: (), 3: (2,), 4: (2, 2), 5: (2, 2, 3)}[ndim]
    season = season.reshape(*season.shape, *[1] * len(frame))
    return np.broadcast_to(season, (*season.shape[:2], *frame)).copy()


def as_lazy(X):
    return SplicedSequences(X, np.repeat(np.arange(len(X))[:, None], X.shape[1], axis=1))


@pytest.mark.parametrize(
    "estimator", [LastBrightness(), BrightnessOverTime()], ids=["prefix", "over time"]
)
@pytest.mark.parametrize("one_model_per_date", [False, True])
@pytest.mark.parametrize("ndim", [2, 3, 4, 5])
@pytest.mark.parametrize("lazy", [False, True])
def test_detects_on_the_first_day_of_evidence(estimator, one_model_per_date, ndim, lazy):
    X = shaped(SEASON, ndim)
    X = as_lazy(X) if lazy else X
    detector = EarlyDetector(estimator, one_model_per_date=one_model_per_date).fit(X, Y)
    np.testing.assert_equal(detector.detect(X), [3, 2, np.nan])
    np.testing.assert_equal(detector.detect(X, days=[21, 28, 32, 36]), [32, 28, np.nan])
    assert detector.predict(X).tolist() == [1, 1, 0]
    np.testing.assert_allclose(detector.predict_proba(X)[:, 1], [0.8, 0.6, 0.2])
    np.testing.assert_allclose(detector.predict_proba_over_time(X)[:, :, 1], SEASON)
    assert len(detector.estimators_) == (4 if one_model_per_date else 1)


@pytest.mark.parametrize(
    "estimator", [LastBrightness(), BrightnessOverTime()], ids=["prefix", "over time"]
)
@pytest.mark.parametrize("one_model_per_date", [False, True])
@pytest.mark.parametrize("lazy", [False, True])
def test_season_so_far(estimator, one_model_per_date, lazy):
    X = shaped(SEASON, 3)
    detector = EarlyDetector(estimator, one_model_per_date=one_model_per_date).fit(X, Y)
    X = as_lazy(X[:, :2]) if lazy else X[:, :2]
    np.testing.assert_equal(detector.detect(X, days=[21, 28]), [np.nan, 28, np.nan])
    assert detector.predict(X).tolist() == [0, 1, 0]
    np.testing.assert_allclose(detector.predict_proba(X)[:, 1], [0.2, 0.6, 0.1])


@pytest.mark.parametrize("one_model_per_date", [False, True])
def test_alarms_never_depend_on_later_frames(one_model_per_date):
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(20, 6, 2)), np.arange(20) % 2
    detector = EarlyDetector(
        LastBrightness(), threshold=0.7, n_consecutive=2, one_model_per_date=one_model_per_date
    ).fit(X, y)
    whole = detector.detect(X)
    for t in range(1, 6):
        so_far = np.where(whole <= t, whole, np.nan)
        np.testing.assert_equal(detector.detect(X[:, :t]), so_far)


@pytest.mark.parametrize(
    "estimator", [LastBrightness(), BrightnessOverTime()], ids=["prefix", "over time"]
)
@pytest.mark.parametrize("one_model_per_date", [False, True])
def test_missing_frame_is_no_evidence(estimator, one_model_per_date):
    X = shaped(SEASON, 3)
    detector = EarlyDetector(estimator, n_consecutive=2, one_model_per_date=one_model_per_date).fit(
        X, Y
    )
    X[0, 3] = X[1, 2] = np.nan  # bright, then nothing; and nothing between two bright ones
    np.testing.assert_equal(detector.detect(X), [np.nan, 4, np.nan])


@pytest.mark.parametrize("one_model_per_date", [False, True])
def test_before_the_first_photo_the_shares_of_training_stand(one_model_per_date):
    X = shaped(SEASON, 3)
    X[0, :2] = X[1, 2] = np.nan
    detector = EarlyDetector(LastBrightness(), one_model_per_date=one_model_per_date).fit(X, Y)
    probabilities = detector.predict_proba_over_time(X)
    np.testing.assert_allclose(probabilities[0, :, 1], [2 / 3, 2 / 3, 0.8, 0.9])
    assert detector.detect(X)[0] == 3  # two thirds were no evidence
    if one_model_per_date:
        assert [e.n_seen_ for e in detector.estimators_] == [2, 2, 3, 3]


def test_frames_to_come_can_be_nan():
    """Numbers of a table need all of their columns, and logistic regression takes no NaN."""
    X = SEASON.copy()
    detector = EarlyDetector(LogisticRegression(C=1e4), one_model_per_date=True).fit(X, Y)
    whole = detector.detect(X)
    X[:, 3] = np.nan
    np.testing.assert_equal(detector.detect(X), np.where(whole < 4, whole, np.nan))
    assert detector.predict_proba(X).shape == (3, 2)


def test_class_that_has_no_photo_on_the_first_frames():
    X = shaped(SEASON, 3)
    X[2, 0] = np.nan
    with pytest.raises(ValueError, match="No plant of class 0 has an image up to frame number 1"):
        EarlyDetector(LastBrightness(), one_model_per_date=True).fit(X, Y)
    EarlyDetector(LastBrightness()).fit(X, Y)


def test_probabilities_over_time_of_an_estimator_are_used():
    detector = EarlyDetector(BrightnessOverTime()).fit(shaped(SEASON, 3), Y)
    detector.predict(shaped(SEASON, 3))
    assert detector.estimators_[0].asked_


def test_stages_of_boosting_are_no_frames():
    X = np.random.default_rng(0).normal(size=(20, 4))
    detector = EarlyDetector(GradientBoostingClassifier(n_estimators=4)).fit(X, np.arange(20) % 2)
    with pytest.raises(ValueError, match="GradientBoostingClassifier was fitted on 4 frames"):
        detector.predict(X)


def test_estimator_that_refuses_prefixes():
    X, y = np.random.default_rng(0).normal(size=(20, 4)), np.arange(20) % 2
    detector = EarlyDetector(LogisticRegression()).fit(X, y)
    with pytest.raises(
        ValueError, match=r"refuses the first 1 of them .*Set one_model_per_date=True"
    ):
        detector.detect(X)
    detector.set_params(one_model_per_date=True).fit(X, y).detect(X)


def test_errors_of_the_estimator_are_its_own():
    X, y = np.random.default_rng(0).normal(size=(20, 4)), np.arange(20) % 2
    detector = EarlyDetector(LogisticRegression(), one_model_per_date=True).fit(X, y)
    X[3, 1] = np.nan
    with pytest.raises(ValueError, match="contains NaN") as caught:
        detector.predict(X)
    assert "one_model_per_date" not in str(caught.value)


class Scale(TransformerMixin, BaseEstimator):
    """Multiplies every frame by itself."""

    def fit(self, X, y=None):
        return self

    def transform(self, X):
        return 0.5 * np.asarray(X)


def test_pipeline_is_read_by_the_probabilities_over_time_of_its_last_step():
    X = shaped(SEASON, 3)
    y = np.array([1, 1, 0])
    sampler = RSSResampler({1: 4}, random_state=0)
    model = make_pipeline(Scale(), "passthrough", sampler, BrightnessOverTime())
    detector = EarlyDetector(model).fit(X, y)
    probabilities = detector.predict_proba_over_time(X)
    np.testing.assert_allclose(probabilities[:, :, 1], SEASON / 2)
    last = detector.estimators_[0][-1]
    assert last.asked_
    assert last.n_seen_ == 5  # spliced in fit, and left alone afterwards


def test_pipeline_that_drops_frames_is_read_by_prefixes():
    X = shaped(SEASON, 3)
    model = make_pipeline(FrameSampler(2, strategy="first"), BrightnessOverTime())
    detector = EarlyDetector(model).fit(X, Y)
    probabilities = detector.predict_proba_over_time(X)
    np.testing.assert_allclose(probabilities[:, :, 1], SEASON[:, [0, 1, 1, 1]])
    model = make_pipeline(FrameSampler(2, strategy="last"), BrightnessOverTime())
    with pytest.raises(
        ValueError, match=r"none of those that FrameSampler chose.*one_model_per_date=True"
    ):
        EarlyDetector(model).fit(X, Y).predict(X)


@pytest.mark.parametrize("ndim", [2, 3])
def test_recurrent_networks(make_classifier, make_task, ndim):
    X, y = make_task(ndim=ndim)
    X[3, 2] = X[5, 0] = np.nan
    model = make_pipeline(RSSResampler(10, random_state=0), make_classifier())
    detector = EarlyDetector(model, threshold=0.4, min_frames=2).fit(X, y)
    direct = clone(model).fit(X, y)[-1].predict_proba_over_time(X)
    assert np.array_equal(detector.predict_proba_over_time(X), direct)
    refitted = clone(detector).set_params(one_model_per_date=True)
    refitted.fit(X, y)
    assert len(refitted.estimators_) == 4  # from two frames on: fewer cannot be spliced
    assert set(refitted.detect(X)[~np.isnan(refitted.detect(X))]) <= {2, 3, 4, 5}


def test_retraining_on_the_same_day_sees_more(make_sequences):
    """Stress that shows on day 3 only, with a sign that earlier days have for other reasons."""
    X, y = make_sequences(40, 4, ndim=2, dtype="float64"), np.arange(40) % 2
    X[y == 1, 2] += 10
    detector = EarlyDetector(LogisticRegression(), threshold=0.9, one_model_per_date=True).fit(X, y)
    assert np.median(detector.detect(X[y == 1])) == 3
    assert detection_delay(y, detector.detect(X), onset_day=2) == 1


@pytest.mark.parametrize(
    ("healthy", "stressed", "pos_label"),
    [
        (0, 1, None),
        (-1, 1, None),
        (False, True, None),
        (1, 0, 0),
        ("wet", "dry", "dry"),
        ("dry", "wet", "wet"),
        (7, 3, 3),
    ],
)
def test_stressed_class(healthy, stressed, pos_label):
    y = np.array([healthy, stressed])[Y]
    X = SEASON if stressed > healthy else 1 - SEASON  # brightness speaks for the second class
    detector = EarlyDetector(LastBrightness(), pos_label=pos_label).fit(X, y)
    np.testing.assert_equal(detector.detect(X), [3, 2, np.nan])
    assert np.array_equal(detector.predict(X), y)
    assert detector.predict(X).dtype == y.dtype
    assert np.array_equal(detector.classes_, sorted([healthy, stressed]))


@pytest.mark.parametrize("labels", [["wet", "dry"], [1, 2]])
def test_stressed_class_is_not_guessed(labels):
    with pytest.raises(ValueError, match=r"takes value in .* and pos_label is not specified"):
        EarlyDetector(LastBrightness()).fit(SEASON, np.array(labels)[Y])


def test_unknown_stressed_class():
    with pytest.raises(ValueError, match=r"pos_label='dried' is not among .*\['dry', 'wet'\]"):
        EarlyDetector(LastBrightness(), pos_label="dried").fit(SEASON, ["wet", "wet", "dry"])


@pytest.mark.parametrize(
    ("y", "message"), [([0, 1, 2], "Only binary classification"), ([1, 1, 1], "got 1 class: 1")]
)
def test_two_classes(y, message):
    with pytest.raises(ValueError, match=message):
        EarlyDetector(LastBrightness()).fit(SEASON, y)


@pytest.mark.parametrize(
    ("days", "message"),
    [
        ([1, 2, 3], "one for each of the 4 frames, got 3"),
        ([1, 3, 3, 4], "strictly increasing"),
        ([1, 2, 3, np.nan], "days contains NaN"),
    ],
)
def test_days_that_are_none(days, message):
    detector = EarlyDetector(LastBrightness()).fit(SEASON, Y)
    with pytest.raises(ValueError, match=message):
        detector.detect(SEASON, days=days)


@pytest.mark.parametrize(
    "params",
    [
        {"threshold": 1.5},
        {"threshold": -0.1},
        {"min_frames": 0},
        {"n_consecutive": 0},
        {"one_model_per_date": "yes"},
        {"estimator": StandardScaler()},
    ],
)
def test_impossible_parameters(params):
    (name,) = params
    with pytest.raises(ValueError, match=f"'{name}' parameter"):
        EarlyDetector(LastBrightness()).set_params(**params).fit(SEASON, Y)


def test_not_fitted():
    with pytest.raises(NotFittedError):
        EarlyDetector(LastBrightness()).detect(SEASON)
    with pytest.raises(NotFittedError):
        EarlyDetector(LastBrightness()).predict_proba_over_time(SEASON)


def test_sequences_without_a_frame_are_refused():
    X = np.where(np.arange(3)[:, None] == 1, np.nan, SEASON)
    with pytest.raises(ValueError, match="no frame at all in sample 1"):
        EarlyDetector(LastBrightness()).fit(X, Y)


def test_another_fit_erases_the_first():
    detector = EarlyDetector(LastBrightness(), one_model_per_date=True).fit(shaped(SEASON, 3), Y)
    detector.set_params(one_model_per_date=False).fit(SEASON[:, :2], Y)
    assert len(detector.estimators_) == 1
    assert detector.sequence_shape_ == (2,)
    assert detector.detect(SEASON[:, :2]).shape == (3,)


def test_estimator_itself_is_not_fitted():
    estimator = LastBrightness()
    EarlyDetector(estimator).fit(SEASON, Y)
    assert not hasattr(estimator, "classes_")


def test_settings_are_searched():
    X, y = np.tile([[0.1, 0.8, 0.8], [0.1, 0.8, 0.1]], (6, 1)), np.tile([1, 0], 6)
    detector = EarlyDetector(LastBrightness())
    grid = {"threshold": [0.3, 0.99], "n_consecutive": [1, 2]}
    search = GridSearchCV(detector, grid, cv=3, error_score="raise").fit(X, y)
    assert search.best_params_ == {"threshold": 0.3, "n_consecutive": 2}


@pytest.mark.parametrize("one_model_per_date", [False, True])
def test_metadata_reach_the_estimator(one_model_per_date):
    X = shaped(SEASON, 3)
    X[0, 0] = np.nan
    weight = np.array([1.0, 2.0, 3.0])
    with config_context(enable_metadata_routing=True):
        estimator = LastBrightness().set_fit_request(sample_weight=True)
        detector = EarlyDetector(estimator, one_model_per_date=one_model_per_date).fit(
            X, Y, sample_weight=weight
        )
    if one_model_per_date:
        assert detector.estimators_[0].sample_weight_.tolist() == [2, 3]
    assert detector.estimators_[-1].sample_weight_.tolist() == [1, 2, 3]


def test_metadata_need_routing():
    with pytest.raises(ValueError, match="only supported if enable_metadata_routing=True"):
        EarlyDetector(LastBrightness()).fit(SEASON, Y, sample_weight=[1, 1, 1])


def test_constant_probabilities_give_one_alarm_or_none():
    X = np.zeros((6, 3))
    y = [0, 0, 1, 1, 1, 1]
    detector = EarlyDetector(DummyClassifier(strategy="prior"), one_model_per_date=True).fit(X, y)
    assert detector.detect(X).tolist() == [1] * 6
    assert np.isnan(detector.set_params(threshold=0.7).detect(X)).all()


@pytest.mark.parametrize(
    "check",
    [
        checks.check_estimators_dtypes,
        checks.check_classifier_data_not_an_array,
        checks.check_fit2d_1feature,
    ],
)
def test_scikit_learn_checks_of_classes_1_and_2(check):
    """The checks that need to be told which class is stressed; test_common has the others."""
    detector = EarlyDetector(
        LogisticRegression(), min_frames=2, one_model_per_date=True, pos_label=2
    )
    check("EarlyDetector", detector)


def test_steps_that_look_ahead_are_read_by_prefix(make_sequences):
    """A correction by the first frames knows them all only later."""
    X, y = make_sequences(12, 8, ndim=3), np.arange(12) % 2
    model = make_pipeline(BaselineCorrector(5), ConvLSTMClassifier(max_epochs=1, random_state=0))
    detector = EarlyDetector(model).fit(X, y)
    before = detector.predict_proba_over_time(X)
    X[:, 4:] += 3
    after = detector.predict_proba_over_time(X)
    np.testing.assert_array_equal(before[:, :4], after[:, :4])
    assert not np.array_equal(before[:, 5], after[:, 5])


def test_prefixes_before_the_onset_are_warned_of_once(make_plants):
    X, y, _, _ = make_plants()
    pipeline = make_pipeline(RSSResampler(20, onset=3, random_state=0), LogisticRegression())
    with pytest.warns(UserWarning, match="Sequences of 2 to 3 frames end before") as caught:
        EarlyDetector(pipeline, one_model_per_date=True, min_frames=2).fit(X, y)
    assert len([w for w in caught if "onset" in str(w.message)]) == 1
