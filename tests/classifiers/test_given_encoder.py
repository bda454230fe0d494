"""CNNLSTMClassifier with an encoder that was trained elsewhere."""

import pickle

import cv2
import numpy as np
import pytest
import torch
from sklearn.base import clone
from torch import nn

from skwater import CNNLSTMClassifier, ImageSequences, RSSResampler, make_pipeline
from skwater.preprocessing import FrameEncoder


class Encoder(nn.Module):
    """A convolution with batch normalization."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(3)
        self.layers = nn.Sequential(
            nn.Conv2d(3, 5, 3), nn.BatchNorm2d(5), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten()
        )

    def forward(self, x):
        """Codes (k, 5)."""
        return self.layers(x)


@pytest.fixture
def task(make_task):
    X, y = make_task(n=12, dtype="uint8")
    rng = np.random.default_rng(0)
    X = np.kron(X, np.ones((2, 2, 1), np.uint8))  # 8 x 8 pixels
    return (X - rng.integers(0, 40, X.shape)).clip(0, 255).astype(np.uint8), y


def make(**options):
    defaults = {"max_epochs": 5, "random_state": 0, "device": "cpu", "encoder": Encoder()}
    return CNNLSTMClassifier(**defaults | options)


def weights(module):
    return {name: value.clone() for name, value in module.state_dict().items()}


@pytest.mark.parametrize("lazy", [False, True])
def test_frozen_it_equals_frame_encoder_and_lstm(task, lazy):
    X, y = task
    if lazy:
        X, y = RSSResampler(20, lazy=True, random_state=0).fit_resample(X, y)
    one = make().fit(X, y)
    vectors = FrameEncoder(Encoder(), verbose=0)
    lstm = make(encoder=None, block_channels=(), batch_size=one.batch_size_)
    other = make_pipeline(vectors, lstm).fit(X, y)
    expected = other.predict_proba(X)
    assert np.ptp(expected) > 0.05
    np.testing.assert_allclose(one.predict_proba(X), expected, atol=1e-5)
    over_time = lstm_of(other).predict_proba_over_time(vectors.transform(X))
    np.testing.assert_allclose(one.predict_proba_over_time(X), over_time, atol=1e-5)


def lstm_of(pipeline):
    return pipeline.steps[-1][1]


def test_frozen_nothing_of_the_encoder_changes(task):
    model = make().fit(*task)
    given = model.net_.module_.encoder[0]
    before = weights(Encoder())
    assert all(torch.equal(value, before[k]) for k, value in weights(given.encoder).items())
    assert not any(p.requires_grad for p in given.encoder.parameters())


def test_trained_it_has_a_learning_rate_of_its_own(task):
    encoder = Encoder()
    before = weights(encoder)
    one = make(encoder=encoder, freeze=False).fit(*task)
    after = weights(one.net_.module_.encoder[0].encoder)
    changed = after["layers.0.weight"] - before["layers.0.weight"]
    assert 0 < changed.abs().max() < 0.01
    assert not torch.equal(after["layers.1.running_mean"], before["layers.1.running_mean"])
    faster = make(encoder=encoder, freeze=False, encoder_lr=0.01).fit(*task)
    after = weights(faster.net_.module_.encoder[0].encoder)
    assert (after["layers.0.weight"] - before["layers.0.weight"]).abs().max() > 0.01
    assert all(torch.equal(value, before[name]) for name, value in weights(encoder).items())


def test_two_fits_are_equal(task):
    one, other = (make(encoder=Encoder, freeze=False).fit(*task) for _ in range(2))
    np.testing.assert_array_equal(one.predict_proba(task[0]), other.predict_proba(task[0]))


def test_clone_pickle_and_steps(task):
    X, y = task
    model = clone(make()).fit(X, y)
    expected = model.predict_proba(X)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(model)).predict_proba(X), expected)
    module, state = model.net_.module_, None
    frames = torch.from_numpy(X / np.float32(255)).permute(0, 1, 4, 2, 3)
    with torch.inference_mode():
        for frame in frames.unbind(1):
            logits, state = module.step(frame, state)
    np.testing.assert_allclose(logits[:, 0].numpy(), model.decision_function(X), atol=1e-5)


def test_augmented_and_stopped_early(task):
    X, y = task
    model = make(augment=lambda images: images[:, ::-1], early_stopping=True).fit(X, y)
    assert model.predict(X).shape == y.shape


def test_missing_images_on_disk(task, tmp_path):
    X, y = task
    paths = np.empty(X.shape[:2], dtype=object)
    for cell in np.ndindex(paths.shape):
        paths[cell] = str(tmp_path / "{}-{}.png".format(*cell))
        cv2.imwrite(paths[cell], X[cell][..., ::-1])
    paths[0, 1] = None
    images = ImageSequences(paths)
    one = make().fit(images, y)
    other = make(encoder=None, block_channels=(), batch_size=one.batch_size_)
    vectors = FrameEncoder(Encoder(), verbose=0).transform(images)
    expected = other.fit(vectors, y).predict_proba(vectors)
    np.testing.assert_allclose(one.predict_proba(images), expected, atol=1e-5)


def test_what_it_cannot_take(task):
    X, y = task
    with pytest.raises(ValueError, match="white=255"):
        make().fit(X.astype(np.float32), y)
    with pytest.raises(ValueError, match="needs images"):
        make().fit(X[:, :, 0, 0], y)
    with pytest.raises(ValueError, match="encoder must be a torch"):
        make(encoder=len).fit(X, y)
