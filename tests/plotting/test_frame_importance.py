"""FrameImportanceDisplay finds the one frame, or the one region, that a model uses."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
from sklearn import config_context
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.exceptions import NotFittedError
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.svm import LinearSVC

from skwater import SplicedSequences
from skwater.plotting import FrameImportanceDisplay
from skwater.plotting._occlusion import occlude_dates


class Reader(ClassifierMixin, BaseEstimator):
    """Stressed with probability 0.9 if the values that it reads are above 0.5, 0.5 if missing."""

    def __init__(self, where, classes=(0, 1)):
        self.where = where
        self.classes_ = np.array(classes)
        self.seen = []

    def fit(self, X, y):
        return self

    def predict_proba(self, X):
        self.seen.append(X)
        values = X[(slice(None), *self.where)].reshape(len(X), -1).mean(axis=1)
        p = np.where(np.isnan(values), 0.5, np.where(values > 0.5, 0.9, 0.1))
        return np.stack([1 - p, p], axis=1)


Y = np.array([0, 0, 0, 0, 1, 1])
IMAGES = np.zeros((6, 4, 8, 12, 3), dtype="uint8")
IMAGES[Y == 1] = 200
CORNER = (slice(None), slice(0, 2), slice(0, 3))


@pytest.mark.parametrize("ndim", [2, 3, 4, 5])
def test_the_date_that_is_read(ndim):
    X = IMAGES[(..., *[0] * (5 - ndim))]
    display = FrameImportanceDisplay.from_estimator(Reader((2,)), X, Y)
    assert np.allclose(display.by_date, [0, 0, 0.4, 0])
    assert np.allclose(display.by_date_error, 0)
    assert display.by_region is None


def test_the_region_that_is_read():
    display = FrameImportanceDisplay.from_estimator(Reader(CORNER), IMAGES, Y, grid=(4, 4))
    # The mean over four black and two white plants is above 0.5: the black ones turn to 0.1.
    expected = np.zeros((4, 4))
    expected[0, 0] = (0.8 + 0) / 2
    assert np.allclose(display.by_region, expected)
    assert display.mean_image.shape == (8, 12, 3)


def test_regions_need_not_divide_the_image():
    reader = Reader((slice(None), slice(5, 8), slice(8, 12)))
    display = FrameImportanceDisplay.from_estimator(reader, IMAGES, Y, grid=(3, 5))
    assert display.by_region.shape == (3, 5)
    assert set(zip(*np.nonzero(display.by_region.round(9)), strict=True)) <= {
        (2, 3),
        (2, 4),
        (1, 3),
    }
    assert display.by_region[2].max() > 0.3


def test_input_is_left_alone():
    X, before = IMAGES.astype("float32"), IMAGES.astype("float32")
    FrameImportanceDisplay.from_estimator(Reader((2,)), X, Y, grid=(2, 2))
    assert np.array_equal(X, before)


@pytest.mark.parametrize(
    ("given", "read"), [("uint8", "float32"), ("uint16", "float32"), ("float64", "float64")]
)
def test_type_of_what_is_predicted(given, read):
    reader = Reader((2,))
    FrameImportanceDisplay.from_estimator(reader, IMAGES.astype(given), Y)
    assert {x.dtype for x in reader.seen} == {np.dtype(read)}


def test_few_plants_at_a_time():
    whole, parts = Reader((2,)), Reader((2,))
    X = np.random.default_rng(0).random((6, 4, 32, 32, 3)).astype("float32")
    X = SplicedSequences(X, np.repeat(np.arange(6)[:, None], 4, axis=1))
    expected = FrameImportanceDisplay.from_estimator(whole, X, Y, grid=(2, 2))
    with config_context(working_memory=0.1):  # MiB; a plant takes 0.047
        display = FrameImportanceDisplay.from_estimator(parts, X, Y, grid=(2, 2))
    assert max(len(x) for x in whole.seen) == 6
    assert max(len(x) for x in parts.seen) == 2
    assert np.array_equal(display.by_date, expected.by_date)
    assert np.array_equal(display.by_region, expected.by_region)


def test_missing_frames():
    X = IMAGES[:, :, 0, 0, 0].astype(float)
    X[0, 2] = np.nan  # lacks the frame
    X[1, [0, 1, 3]] = np.nan  # has no other
    falls, complete = occlude_dates(Reader((2,)), X, Y)
    assert np.isnan(falls[[0, 1], 2]).all()
    assert np.isnan(falls[1]).all()
    assert np.allclose(falls[2:, 2], 0.4)
    assert np.allclose(complete, [0.5, *[0.9] * 5])
    display = FrameImportanceDisplay.from_estimator(Reader((2,)), X, Y)
    assert np.allclose(display.by_date, [0, 0, 0.4, 0])


def test_missing_frames_stay_missing_in_regions():
    X = IMAGES.astype("float32")
    X[0, 1] = np.nan
    reader = Reader((2,))
    FrameImportanceDisplay.from_estimator(reader, X, Y, grid=(1, 1))
    assert np.isnan(reader.seen[-1][0, 1]).all()
    assert np.isfinite(reader.seen[-1][1:]).all()
    assert np.allclose(reader.seen[-1][1:, 1], 2 / 5 * 200)  # the mean of those that have it


def test_classes_of_any_type():
    reader = Reader((2,), classes=("dry", "wet"))
    display = FrameImportanceDisplay.from_estimator(reader, IMAGES, np.array(["dry", "wet"])[Y])
    assert np.allclose(display.by_date, [0, 0, 0.4, 0])


def test_what_is_drawn():
    display = FrameImportanceDisplay.from_estimator(
        Reader((2,)), IMAGES, Y, days=[0, 5, 9, 30], onset_day=7, grid=(2, 3)
    )
    dates, regions = display.ax_
    assert display.errorbar_[0].get_xdata().tolist() == [0, 5, 9, 30]
    assert np.allclose(display.errorbar_[0].get_ydata(), display.by_date)
    assert display.onset_line_.get_xdata() == [7, 7]
    assert dates.get_xlabel() == "Time (days)"
    assert np.allclose(display.heat_map_.get_array(), display.by_region)
    numbers = [float(text.get_text()) for text in regions.texts]
    assert np.allclose(numbers, display.by_region.ravel(), atol=0.005)
    places = [text.get_position() for text in regions.texts]
    assert places == [(x, y) for y in (1.5, 5.5) for x in (1.5, 5.5, 9.5)]


def test_numbers_say_no_minus_zero():
    display = FrameImportanceDisplay(
        by_date=np.zeros(2),
        by_date_error=np.zeros(2),
        by_region=np.array([[-1e-9, 0.5]]),
        mean_image=np.zeros((2, 2, 3)),
    )
    assert [text.get_text() for text in display.plot().ax_[1].texts] == ["0.00", "0.50"]


def noise(n):
    """A model that was fitted on noise, and other noise."""
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(2 * n, 4)), np.arange(2 * n) % 2
    model = make_pipeline(SimpleImputer(), LogisticRegression(C=1e-3))
    return model.fit(X[:n], y[:n]), X[n:], y[n:]


@pytest.mark.parametrize(
    ("probability", "error", "near"),
    [
        (0.5, 0, True),
        (0.54, np.nan, True),
        (0.46, 0.001, True),
        (0.6, 0.06, True),
        (0.6, 0.04, False),
        (0.6, np.nan, False),
        (0.3, 0.04, False),
    ],
)
def test_n21_a_model_near_chance_is_called_so(probability, error, near):
    zeros = np.zeros(2)
    display = FrameImportanceDisplay(
        by_date=zeros, by_date_error=zeros, probability=probability, probability_error=error
    )
    title = f"model near chance: the true class has probability {probability:.2f}"
    assert display.plot().ax_.get_title() == (title if near else "")


def test_n21_probability_of_the_true_class():
    display = FrameImportanceDisplay.from_estimator(*noise(40))
    assert "near chance" in display.ax_.get_title()
    assert display.chance == 0.5
    display = FrameImportanceDisplay.from_estimator(Reader((2,)), IMAGES, Y)
    assert np.isclose(display.probability, 0.9)
    assert np.isclose(display.probability_error, 0)
    assert display.ax_.get_title() == ""


def test_n21_small_importance_does_not_fill_its_axis():
    display = FrameImportanceDisplay.from_estimator(*noise(40))
    assert 0 < np.abs(display.by_date).max() < 0.005
    low, high = display.ax_.get_ylim()
    assert low <= -0.05
    assert high >= 0.05
    display = FrameImportanceDisplay(
        by_date=np.zeros(2),
        by_date_error=np.zeros(2),
        by_region=np.array([[-0.002, 0.002]]),
        mean_image=np.zeros((2, 2, 3)),
    )
    assert display.plot().heat_map_.get_clim() == (-0.05, 0.05)


def test_n21_rewatering_is_marked():
    display = FrameImportanceDisplay.from_estimator(
        Reader((2,)), IMAGES, Y, days=[0, 5, 9, 30], onset_day=7, rewatering_day=20
    )
    assert display.rewatering_line_.get_xdata() == [20, 20]


def test_given_axes_are_used():
    _, (one, two, three) = plt.subplots(ncols=3)
    display = FrameImportanceDisplay.from_estimator(Reader((2,)), IMAGES, Y, ax=one)
    assert display.ax_ is one
    display = FrameImportanceDisplay.from_estimator(
        Reader((2,)), IMAGES, Y, grid=(2, 2), ax=[two, three]
    )
    assert list(display.ax_) == [two, three]
    _, bounding = plt.subplots()
    display.plot(bounding)
    assert list(display.ax_) == bounding.child_axes
    assert display.figure_ is bounding.figure
    assert len(plt.get_fignums()) == 2


def test_pipeline():
    rng = np.random.default_rng(0)
    y = np.arange(60) % 2
    X = rng.normal(size=(60, 4))
    X[:, 1] += 3 * y
    model = make_pipeline(SimpleImputer(), LogisticRegression()).fit(X[:30], y[:30])
    display = FrameImportanceDisplay.from_estimator(model, X[30:], y[30:])
    assert display.by_date.argmax() == 1
    assert display.by_date[1] > 0.2 > 0.1 > np.abs(display.by_date[[0, 2, 3]]).max()


NUMBERS = IMAGES[:, :, 0, 0, 0].astype(float)


@pytest.mark.parametrize(
    ("X", "y", "options", "message"),
    [
        (NUMBERS, Y, {"grid": (2, 2)}, "no images but numbers: leave out grid"),
        (IMAGES, Y, {"grid": (9, 2)}, "at most the 8 x 12 pixels"),
        (IMAGES, Y, {"grid": (0, 2)}, "grid must be"),
        (NUMBERS[:, :1], Y, {}, "only one frame"),
        (NUMBERS, Y + 1, {}, "y has the class 2, which the estimator does not know; it knows 0, 1"),
        (NUMBERS, Y[:3], {}, "inconsistent numbers of samples"),
        (NUMBERS, Y, {"days": [1, 2]}, "days must be one for each"),
    ],
)
def test_errors(X, y, options, message):
    with pytest.raises(ValueError, match=message):
        FrameImportanceDisplay.from_estimator(Reader((0,)), X, y, **options)


def test_estimators_that_do_not_fit():
    with pytest.raises(TypeError, match="LinearSVC has no predict_proba"):
        FrameImportanceDisplay.from_estimator(LinearSVC().fit(NUMBERS, Y), NUMBERS, Y)
    with pytest.raises(NotFittedError):
        FrameImportanceDisplay.from_estimator(LogisticRegression(), NUMBERS, Y)
    model = LogisticRegression().fit(NUMBERS, Y)
    with pytest.raises(ValueError, match=r"fails if frame 0 is missing.*imputer"):
        FrameImportanceDisplay.from_estimator(model, NUMBERS, Y)


def test_our_classifiers(make_classifier, make_task):
    X, y = make_task(n=8, n_frames=3, dtype="uint8")
    model = make_classifier().fit(X, y)
    display = FrameImportanceDisplay.from_estimator(model, X, y, grid=(2, 2))
    assert np.isfinite(display.by_date).all()
    assert np.isfinite(display.by_region).all()
