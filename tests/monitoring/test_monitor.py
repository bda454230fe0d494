"""One image at a time gives the answers of whole sequences, and survives a restart."""

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression
from torch import nn

from skwater import (
    CNNLSTMClassifier,
    ConvLSTMClassifier,
    EarlyDetector,
    RSSResampler,
    SequenceClassifier,
    make_pipeline,
)
from skwater.datasets import make_water_stress
from skwater.monitoring import StressMonitor
from skwater.preprocessing import (
    BaselineCorrector,
    CanopyCover,
    CenterCrop,
    FrameSampler,
    FrameScaler,
    VegetationMask,
)

DAYS = np.array([0, 3, 7, 8, 12.5])
TOLERANCE = 1e-4 if torch.cuda.is_available() else 1e-6  # a GPU multiplies in TF32


def _plants(size=8):
    plants = make_water_stress(10, 5, size, random_state=0)
    X = plants.data.astype(np.float64)
    X[1, 0] = X[2, 2] = X[3, 3:] = np.nan
    return X, plants.target


def _network(cls=ConvLSTMClassifier, **params):
    size = {"hidden_channels": 3} if cls is ConvLSTMClassifier else {"lstm_size": 3}
    return cls(max_epochs=8, random_state=0, **size, **params)


def _follow(monitor, X, days=DAYS):
    return [monitor.update_many(range(len(X)), X[:, t], day) for t, day in enumerate(days)]


def _probabilities(history):
    return np.array([[status.probability for status in day] for day in history]).T


MODELS = {
    "ConvLSTM": lambda: _network(),
    "two layers": lambda: ConvLSTMClassifier(hidden_channels=(3, 2), max_epochs=2, random_state=0),
    "CNN-LSTM": lambda: _network(CNNLSTMClassifier),
    "masked": lambda: make_pipeline(
        VegetationMask(), CenterCrop(6), RSSResampler(20, random_state=0), _network()
    ),
}


@pytest.mark.parametrize("name", MODELS)
def test_equal_to_the_batch_answer_on_images(name):
    X, y = _plants()
    model = MODELS[name]().fit(X, y)
    detector = EarlyDetector(model).fit(X, y)  # reads the pipeline's last step over time
    monitor = StressMonitor(model, threshold=0.5)
    found = _probabilities(_follow(monitor, X))
    np.testing.assert_allclose(
        found,
        EarlyDetector.predict_proba_over_time(_with(detector, model), X)[:, :, 1],
        atol=TOLERANCE,
    )


def _with(detector, fitted):
    detector.estimators_ = [fitted]
    return detector


@pytest.mark.parametrize("cls", [ConvLSTMClassifier, CNNLSTMClassifier])
def test_equal_to_the_batch_answer_on_numbers_and_vectors(cls):
    X, y = _plants()
    cover = CanopyCover().fit_transform(X)
    for data in (cover, np.stack([cover, cover**2], axis=2)):
        model = _network(cls).fit(data, y)
        monitor = StressMonitor(model, threshold=0.5)
        np.testing.assert_allclose(
            _probabilities(_follow(monitor, data)),
            model.predict_proba_over_time(data)[:, :, 1],
            atol=1e-9,
        )


def test_pipeline_of_cover_and_a_scaler_of_dates():
    X, y = _plants()
    model = make_pipeline(CanopyCover(), FrameScaler(), _network()).fit(X, y)
    with pytest.raises(ValueError, match="pass days="):
        StressMonitor(model, threshold=0.5)
    monitor = StressMonitor(model, threshold=0.5, days=DAYS)
    expected = model[-1].predict_proba_over_time(model[:-1].transform(X))
    np.testing.assert_allclose(_probabilities(_follow(monitor, X)), expected[:, :, 1], atol=1e-9)
    with pytest.raises(ValueError, match=r"day 13 is none of the days of training: 0, 3, 7"):
        monitor.update("new", X[0, 0], 13)


@pytest.mark.parametrize("n_consecutive", [1, 2])
def test_alarms_are_those_of_an_early_detector(n_consecutive):
    X, y = _plants()
    detector = EarlyDetector(
        _network(), threshold=0.45, min_frames=2, n_consecutive=n_consecutive
    ).fit(X, y)
    days = detector.detect(X, days=DAYS)
    history = _follow(StressMonitor(detector), X)
    np.testing.assert_array_equal([status.alarm_day for status in history[-1]], days)
    assert np.isfinite(days).sum() > 0
    for status in history[-1]:
        assert status.alarm == np.isfinite(status.alarm_day)


def test_an_early_detector_brings_its_own_rule():
    X, y = _plants()
    detector = EarlyDetector(_network()).fit(X, y)
    with pytest.raises(ValueError, match="The rule of an EarlyDetector is used"):
        StressMonitor(detector, threshold=0.9)
    per_date = EarlyDetector(_network(), one_model_per_date=True, min_frames=5).fit(X, y)
    with pytest.raises(ValueError, match="one_model_per_date=False"):
        StressMonitor(per_date)


def test_missing_frames_keep_probability_and_trend():
    X, y = _plants()
    monitor = StressMonitor(_network().fit(X, y), threshold=0.5)
    first = monitor.update("a", X[0, 0], 1)
    assert np.isnan(first.trend)
    second = monitor.update("a", X[0, 1], 3)
    assert second.trend == pytest.approx((second.probability - first.probability) / 2)
    missing = monitor.update("a", None, 4)
    assert missing == second._replace(day=4)
    third = monitor.update("a", X[0, 2], 7)
    assert third.trend == pytest.approx((third.probability - second.probability) / 4)
    assert monitor.status("a") == third


def test_old_days():
    X, y = _plants()
    model = _network().fit(X, y)
    monitor = StressMonitor(model, threshold=0.5)
    status = monitor.update("a", X[0, 0], 3)
    for day in (3, 2):
        with pytest.raises(ValueError, match=f"Plant a has a frame of day 3; day {day} is not"):
            monitor.update("a", X[0, 1], day)
    tolerant = StressMonitor(model, threshold=0.5, on_old_day="ignore")
    tolerant.update("a", X[0, 0], 3)
    assert tolerant.update("a", X[0, 1], 3) == status


def test_an_error_updates_no_plant():
    X, y = _plants()
    monitor = StressMonitor(_network().fit(X, y), threshold=0.5)
    monitor.update("a", X[0, 0], 1)
    with pytest.raises(ValueError, match=r"shape \(3, 3\), those of training had \(8, 8, 3\)"):
        monitor.update_many(["a", "b"], [X[0, 1], np.zeros((3, 3))], 2)
    with pytest.raises(ValueError, match="2 plants, of which 1 are different"):
        monitor.update_many(["a", "a"], X[:2, 0], 2)
    with pytest.raises(ValueError, match="NaN"):
        monitor.update("a", np.where(X[0, 1] > 50, X[0, 1], np.nan), 2)
    for day in (np.nan, "2024-05-01", None):
        with pytest.raises(ValueError, match="day must be a finite number"):
            monitor.update("a", X[0, 1], day)
    assert monitor.status("a").day == 1
    assert monitor.plants == ["a"]


@pytest.mark.parametrize("network", [ConvLSTMClassifier, CNNLSTMClassifier])
def test_a_restart_in_the_middle_changes_nothing(network, tmp_path):
    X, y = _plants()
    model = _network(network).fit(X, y)
    whole = StressMonitor(model, threshold=0.5)
    first = StressMonitor(model, threshold=0.5)
    for t in (0, 1):
        whole.update_many(range(10), X[:, t], DAYS[t])
        first.update_many(range(10), X[:, t], DAYS[t])
    first.save(tmp_path / "states.npz")
    second = StressMonitor(model, threshold=0.5).load(tmp_path / "states.npz")
    for t in (2, 3, 4):
        expected = whole.update_many(range(10), X[:, t], DAYS[t])
        assert repr(second.update_many(range(10), X[:, t], DAYS[t])) == repr(expected)


def test_states_of_another_model_and_damaged_files_are_refused(tmp_path):
    X, y = _plants()
    model, other = _network().fit(X, y), _network(lr=0.1).fit(X, y)
    monitor, path = StressMonitor(model, threshold=0.5), tmp_path / "states.npz"
    monitor.save(path)
    assert StressMonitor(model, threshold=0.5).load(path).plants == []
    monitor.update_many(range(10), X[:, 0], 0)
    monitor.save(path)
    with pytest.raises(ValueError, match="another model"):
        StressMonitor(other, threshold=0.5).load(path)
    data = path.read_bytes()
    for bad in (b"", data[: len(data) // 2], b"PK" + data[2:60]):
        path.write_bytes(bad)
        with pytest.raises(ValueError, match="does not hold the states"):
            monitor.load(path)
    with pytest.raises(FileNotFoundError):
        monitor.load(tmp_path / "none.npz")
    assert len(monitor.plants) == 10


class _LastFrame(nn.Module):
    def __init__(self, n_channels, n_outputs, frame_size):
        super().__init__()
        self.head = nn.LazyLinear(n_outputs)

    def forward(self, x):
        return self.head(x[:, -1].flatten(1).nan_to_num(0))


def test_what_needs_more_than_one_frame_is_refused_by_name():
    X, y = _plants()
    cover = np.nan_to_num(CanopyCover().fit_transform(X))
    for model, data, words in (
        (make_pipeline(FrameSampler(3), _network()), X, "FrameSampler looks at several"),
        (make_pipeline(BaselineCorrector(2), _network()), cover, "BaselineCorrector looks at"),
        (LogisticRegression(), cover, "LogisticRegression has no step"),
        (SequenceClassifier(_LastFrame, max_epochs=1), X, "_LastFrame, the network of Sequence"),
    ):
        with pytest.raises(ValueError, match=words):
            StressMonitor(model.fit(data, y), threshold=0.5)


def test_classes_and_threshold():
    X, y = _plants()
    labels = np.where(y == 1, "dry", "wet")
    model = _network().fit(X, labels)
    with pytest.raises(ValueError, match="pos_label"):
        StressMonitor(model, threshold=0.5)
    monitor = StressMonitor(model, threshold=0.5, pos_label="dry")
    status = monitor.update("a", X[0, 0], 1)
    expected = model.predict_proba_over_time(X[:1])[0, 0, 0]
    assert status.probability == pytest.approx(expected, abs=1e-6)
    with pytest.raises(ValueError, match="threshold is needed"):
        StressMonitor(model, pos_label="dry")
    with pytest.raises(ValueError, match="must have two classes"):
        StressMonitor(_network().fit(X, np.arange(10) % 3), threshold=0.5, pos_label=1)
