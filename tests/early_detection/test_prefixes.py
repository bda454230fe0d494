"""Lazy images are read along the season behind every image transformer."""

import numpy as np
import pytest
from PIL import Image

from skwater import (
    ConvLSTMClassifier,
    EarlyDetector,
    ImageSequences,
    SequenceClassifier,
    make_pipeline,
)
from skwater.early_detection._prefixes import proba_over_time
from skwater.evaluation import early_detection_curve
from skwater.nn import CNNLSTMNet
from skwater.preprocessing import (
    BaselineCorrector,
    CanopyCover,
    CenterCrop,
    FrameSampler,
    Resize,
    VegetationMask,
)

TRANSFORMERS = {
    "VegetationMask": [VegetationMask()],
    "Resize": [Resize((6, 7))],
    "CenterCrop": [CenterCrop((6, 6))],
    "CanopyCover": [CanopyCover()],
    "all": [CenterCrop((10, 10)), Resize((8, 8)), VegetationMask(), CanopyCover()],
}


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    """Twelve plants, four dates, one image missing; stressed plants get less green."""
    folder, rng = tmp_path_factory.mktemp("photos"), np.random.default_rng(0)
    y, paths = np.arange(12) % 2, np.empty((12, 4), dtype=object)
    for i, t in np.ndindex(paths.shape):
        pixels = rng.integers(0, 60, (12, 14, 3), dtype=np.uint8)
        side = 10 - 2 * t * y[i]
        pixels[1 : 1 + side, 1 : 1 + side, 1] += 150
        paths[i, t] = str(folder / f"{i}_{t}.png")
        Image.fromarray(pixels).save(paths[i, t])
    paths[3, 1] = None
    return ImageSequences(paths), y


def make_model(name):
    network = SequenceClassifier(CNNLSTMNet, max_epochs=1, random_state=0, device="cpu")
    return make_pipeline(*TRANSFORMERS[name], network)


@pytest.mark.parametrize("one_model_per_date", [False, True])
@pytest.mark.parametrize("name", TRANSFORMERS)
def test_n1_detector_reads_lazy_images(photos, name, one_model_per_date):
    X, y = photos
    detector = EarlyDetector(make_model(name), one_model_per_date=one_model_per_date, min_frames=3)
    detector.fit(X, y)
    probabilities = detector.predict_proba_over_time(X)
    assert probabilities.shape == (12, 4, 2)
    assert np.isfinite(probabilities).all()
    assert detector.detect(X).shape == (12,)
    if not one_model_per_date:
        (fitted,) = detector.estimators_
        assert proba_over_time(fitted, X) is not None
        np.testing.assert_allclose(probabilities[:, -1], fitted.predict_proba(X), atol=1e-6)


@pytest.mark.parametrize("one_model_per_date", [False, True])
@pytest.mark.parametrize("name", TRANSFORMERS)
def test_n1_curve_reads_lazy_images(photos, name, one_model_per_date):
    X, y = photos
    curve = early_detection_curve(
        make_model(name),
        X,
        y,
        days=[1, 3, 5, 8],
        groups=np.arange(12),
        cv=2,
        one_model_per_date=one_model_per_date,
        min_frames=3,
        n_repeats=1,
        random_state=0,
        verbose=0,
    )
    assert curve.days.tolist() == [5, 8]


@pytest.mark.parametrize("step", [BaselineCorrector(2), FrameSampler(2, strategy="last")])
def test_steps_that_need_later_frames_are_found_in_lazy_sequences(photos, step):
    X, y = photos
    network = ConvLSTMClassifier(max_epochs=1, random_state=0, device="cpu")
    fitted = make_pipeline(CanopyCover(), step, network).fit(X, y)
    assert proba_over_time(fitted, X) is None
