import numpy as np
import pytest
from torch import nn

from skwater import ConvLSTMClassifier, SplicedSequences, make_pipeline
from skwater.datasets import load_manifest, make_image_folder, make_water_stress
from skwater.monitoring import StressMonitor
from skwater.preprocessing import CanopyCover, FrameEncoder
from skwater.resampling import SeasonStarts
from skwater.sequences import missing_frames


def _trait(n_samples=6, n_frames=5):
    X = np.random.default_rng(0).normal(size=(n_samples, n_frames, 2))
    return X, np.arange(n_samples) % 2


def test_originals_first_then_each_start():
    X, y = _trait()
    X_new, y_new = SeasonStarts(2).fit_resample(X, y)
    assert len(X_new) == len(y_new) == 6 * 5
    np.testing.assert_array_equal(X_new[:6], X)
    np.testing.assert_array_equal(y_new[:6], y)
    for plant in range(6):
        starts = slice(6 + 4 * plant, 10 + 4 * plant)
        for length, start in enumerate(X_new[starts], 1):
            np.testing.assert_array_equal(start[:length], X[plant, :length])
            assert np.isnan(start[length:]).all()
        np.testing.assert_array_equal(y_new[starts], np.array([0, 0, 1, 1]) * y[plant])


def test_a_missing_image_makes_no_start():
    X, y = _trait()
    X[0, 0] = X[0, 3:] = np.nan
    X_new, _ = SeasonStarts(2).fit_resample(X, y)
    lengths = (~missing_frames(X_new)).sum(axis=1)
    assert lengths[:8].tolist() == [2, 5, 5, 5, 5, 5, 1, 1]
    assert not np.isnan(X_new[6, 1]).any()


def test_text_labels_and_whole_numbers():
    X = np.arange(12, dtype=np.uint8).reshape(4, 3)
    y = np.array(["dry", "wet", "dry", "wet"])
    X_new, y_new = SeasonStarts(1, pos_label="dry").fit_resample(X, y)
    assert X_new.dtype == np.float32
    assert y_new[4:].tolist() == ["wet", "dry", "wet", "wet", "wet", "dry", "wet", "wet"]


def test_lazy_sequences_stay_lazy_and_are_the_same():
    plants = make_water_stress(6, 4, 12, random_state=0)
    whole, y_whole = SeasonStarts(2).fit_resample(plants.data, plants.target)
    lazy, y_lazy = SeasonStarts(2).fit_resample(SplicedSequences(plants.data), plants.target)
    assert not isinstance(lazy, np.ndarray)
    assert lazy.dtype == np.float32
    assert lazy.value_dtype == np.uint8
    np.testing.assert_array_equal(np.asarray(lazy), whole)
    np.testing.assert_array_equal(np.asarray(lazy[3:9, :2]), whole[3:9, :2])
    np.testing.assert_array_equal(missing_frames(lazy), missing_frames(whole))
    np.testing.assert_array_equal(y_lazy, y_whole)
    frames, table = lazy.distinct_frames()
    np.testing.assert_array_equal(frames[table], whole)
    fits = [ConvLSTMClassifier(max_epochs=2, random_state=0).fit(X, y_whole) for X in (whole, lazy)]
    probabilities = [model.predict_proba(plants.data) for model in fits]
    np.testing.assert_allclose(*probabilities, atol=1e-5)


def test_images_on_disk_are_encoded_once(tmp_path):
    """An image of many starts is one image: the cache knows it by its file."""
    pytest.importorskip("cv2")
    csv = make_image_folder(tmp_path, size=16, random_state=0)
    plants = load_manifest(csv, size=16)
    X, _ = SeasonStarts(2, pos_label="dry").fit_resample(plants.data, plants.target)
    seen = []

    class Mean(nn.Module):
        def forward(self, x):
            seen.append(len(x))
            return x.mean((2, 3))

    encoder = FrameEncoder(Mean(), white=255, cache=tmp_path / "cache", verbose=0)
    vectors = encoder.transform(X)
    assert sum(seen) == (~missing_frames(plants.data)).sum()
    np.testing.assert_allclose(
        vectors, FrameEncoder(Mean(), white=255, verbose=0).transform(np.asarray(X))
    )
    np.testing.assert_array_equal(missing_frames(vectors), missing_frames(X))


def test_errors():
    X, y = _trait()
    with pytest.raises(ValueError, match="onset=5 leaves no frame in which a plant could be"):
        SeasonStarts(5).fit_resample(X, y)
    with pytest.raises(ValueError, match=r"needs two classes, got \[0, 1, 2\]"):
        SeasonStarts(2).fit_resample(X, np.arange(6) % 3)
    with pytest.raises(ValueError, match="pos_label=3 is none of the classes"):
        SeasonStarts(2, pos_label=3).fit_resample(X, y)
    with pytest.raises(ValueError, match="pass pos_label explicitly"):
        SeasonStarts(2).fit_resample(X, np.where(y, "dry", "wet"))


def test_healthy_plants_raise_no_alarm_in_the_first_weeks():
    """A model of whole seasons is sure of stress on day 0; one of starts waits for it."""
    plants = make_water_stress(30, 8, 16, random_state=0)
    X = CanopyCover().fit_transform(plants.data)[..., None]
    classifier = ConvLSTMClassifier(class_weight="balanced", random_state=0)
    model = make_pipeline(SeasonStarts(plants.onset), classifier).fit(X, plants.target)
    monitor = StressMonitor(model, threshold=0.8)
    for t, day in enumerate(plants.days):
        status = monitor.update_many(map(str, range(30)), X[:, t], day)
        if day <= plants.onset_day:
            assert not any(s.alarm for s in status)
    alarms = np.array([s.alarm for s in status])
    assert alarms[plants.target == 1].mean() > 0.8
    assert alarms[plants.target == 0].mean() < 0.2
