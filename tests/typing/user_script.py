"""What a user writes against the public interface: mypy checks it, nothing runs it."""

from typing import assert_type

import numpy as np
from matplotlib.axes import Axes
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_score

import skwater
from skwater import (
    CNNLSTMClassifier,
    ConvLSTMClassifier,
    EarlyDetector,
    ImageSequences,
    Pipeline,
    RSSResampler,
    SequenceClassifier,
    SplicedSequences,
    load,
    make_pipeline,
    predict_images,
    save,
)
from skwater.augmentation import augment_sequences
from skwater.datasets import load_image_sequences, load_manifest, load_traits, make_water_stress
from skwater.evaluation import (
    BenchmarkResult,
    EarlyDetectionCurve,
    PermutationResult,
    benchmark,
    early_detection_curve,
    permutation_test,
    report,
)
from skwater.export import to_onnx
from skwater.metrics import accuracy_interval, balanced_accuracy_interval, detection_delay
from skwater.model_selection import LeaveTreatmentsOut, RepeatedStratifiedGroupKFold
from skwater.monitoring import PlantStatus, StressMonitor
from skwater.nn import ConvLSTMNet
from skwater.persistence import ModelCard
from skwater.plotting import BenchmarkDisplay, EarlyDetectionDisplay, FramesDisplay, GrowthDisplay
from skwater.preprocessing import CanopyCover, FrameScaler, Resize
from skwater.sequences import LazySequences


def script() -> None:
    # Images and their labels
    plants = load_manifest("images.csv", date=["date", "time"], size=(48, 64), start="2024-05-01")
    assert_type(plants.data, ImageSequences)
    assert_type(plants.data.shape, tuple[int, ...])
    assert_type(plants.days, np.ndarray)
    assert_type(plants.onset, int | None)
    assert_type(plants.summary(), str)
    assert_type(load_image_sequences("folder", tolerance=0.5).data, ImageSequences)
    traits = load_traits("traits.csv", plant="plant", date="date", label="label")
    assert_type(traits.data, np.ndarray)
    assert_type(traits.feature_names, list[str])
    simulated = make_water_stress(n_plants=20, random_state=0)
    assert_type(simulated.target, np.ndarray)
    assert_type(make_water_stress(return_X_y=True), tuple[np.ndarray, np.ndarray])

    # Splicing and a model
    sampler = RSSResampler(n_segments=3, onset=plants.onset, lazy=True, random_state=0)
    X, y = sampler.fit_resample(plants.data, plants.target)
    assert_type(y, np.ndarray)
    assert_type(X, np.ndarray | LazySequences)
    model = ConvLSTMClassifier(hidden_channels=(8, 8), max_epochs=20, augment="default")
    assert_type(model.fit(plants.data, plants.target), ConvLSTMClassifier)
    assert_type(model.fit(X, y).predict(X), np.ndarray)
    assert_type(model.fit([[0.1, 0.2], [0.3, 0.4]], ["wet", "dry"]).classes_, np.ndarray)
    assert_type(model.predict_proba_over_time(plants.data), np.ndarray)
    assert_type(ConvLSTMClassifier.compact(random_state=0), ConvLSTMClassifier)
    SequenceClassifier(ConvLSTMNet, network_params={"pool_size": 2}, random_state=0)
    pipeline = make_pipeline(Resize(32), sampler, model)
    assert_type(pipeline, Pipeline)
    cross_val_score(pipeline, plants.data, plants.target, groups=plants.plant)
    assert_type(augment_sequences(simulated.data, random_state=0), np.ndarray)
    assert_type(SplicedSequences(simulated.data).dtype, np.dtype)
    cover = CanopyCover().fit(plants.data)
    assert_type(cover, CanopyCover)
    assert_type(cover.transform(plants.data), np.ndarray)
    assert_type(FrameScaler().fit(cover.transform(plants.data)), FrameScaler)

    # An honest score
    models = {"ConvLSTM": pipeline, "CNN-LSTM": CNNLSTMClassifier(), "linear": LogisticRegression()}
    splitter = LeaveTreatmentsOut(n_splits=5, random_state=0)
    for train, test in splitter.split(plants.data, plants.target, plants.treatment):
        assert_type(train, np.ndarray)
        assert_type(test, np.ndarray)
    table = benchmark(models, plants.data, plants.target, groups=plants.plant, cv=splitter)
    assert_type(table, BenchmarkResult)
    assert_type(table.plot(), BenchmarkDisplay)
    assert_type(table.to_json(), str | None)
    report("report.html", data=plants, result=table, title="My plants")
    one = {"ConvLSTM": model}
    benchmark(one, plants.data, plants.target, groups=plants.plant, cv=3, baselines=None)
    permuted = permutation_test(
        model, plants.data, plants.target, groups=plants.plant, cv=RepeatedStratifiedGroupKFold()
    )
    assert_type(permuted, PermutationResult)
    assert_type(permuted.pvalue, float)
    assert_type(accuracy_interval(9, 11), tuple[float, float])
    assert_type(balanced_accuracy_interval([8, 3], [9, 4]), tuple[float, float])

    # Early detection
    curve = early_detection_curve(
        pipeline, plants.data, plants.target, days=plants.days, groups=plants.plant
    )
    assert_type(curve, EarlyDetectionCurve)
    assert_type(curve.scores, np.ndarray)
    assert_type(curve.plot(), EarlyDetectionDisplay)
    EarlyDetectionDisplay.from_curves({"ConvLSTM": curve}).figure_.savefig("curve.png")
    detector = EarlyDetector(pipeline, threshold=0.7, n_consecutive=2)
    assert_type(detector.fit(plants.data, plants.target), EarlyDetector)
    alarms = detector.detect(plants.data, days=plants.days)
    assert_type(alarms, np.ndarray)
    assert_type(detection_delay(plants.target, alarms, onset_day=28, pos_label="dry"), float)

    # In use
    save(detector, "model.skwater", notes={"season": 2024})
    detector = load("model.skwater")
    assert_type(skwater.inspect("model.skwater"), ModelCard)
    to_onnx(model, "model.onnx", kind="step")
    new = predict_images(model, "new", start="2025-06-10", on_error="missing")
    assert_type(new.prediction, np.ndarray)
    assert_type(new.data, ImageSequences)
    monitor = StressMonitor(detector)
    status = monitor.update("plant 1", plants.data[0, 0], day=30)
    assert_type(status, PlantStatus)
    assert_type(status.probability, float)
    assert_type(monitor.update_many(["a", "b"], [plants.data[0, 0], None], 31), list[PlantStatus])
    assert_type(monitor.load("state.npz"), StressMonitor)

    # Figures
    frames = FramesDisplay.from_sequences(plants.data, plants=plants.plant, days=plants.days)
    assert_type(frames, FramesDisplay)
    growth = GrowthDisplay.from_sequences(plants.data, plants.target, pos_label="dry")
    assert_type(growth, GrowthDisplay)
    assert_type(growth.ax_, Axes)
    growth.plot(ax=growth.ax_)
