"""Make the golden files: models as this version saves them. Later versions must load them.

Run it once for each format, under a new name, and never to make a test pass.
"""

from pathlib import Path

import numpy as np
from sklearn.linear_model import LogisticRegression

import skwater
from skwater.preprocessing import FrameSampler, FrameScaler


def plants():
    """Images of 8 plants, and their labels."""
    X = np.random.default_rng(0).integers(0, 256, (8, 4, 6, 6, 3), dtype=np.uint8)
    return X, np.array(["dry", "wet"])[np.arange(8) % 2]


def main():
    X, y = plants()
    sampler = skwater.RSSResampler(6, random_state=0)
    network = skwater.ConvLSTMClassifier(
        hidden_channels=2, head_channels=(3,), max_epochs=2, random_state=0
    )
    cnn = skwater.CNNLSTMClassifier(
        block_channels=(2, 3), lstm_size=3, max_epochs=2, random_state=np.random.RandomState(0)
    )
    detector = skwater.EarlyDetector(
        skwater.make_pipeline(FrameScaler(), LogisticRegression()),
        one_model_per_date=True,
        pos_label="dry",
    )
    models = {
        "convlstm": (skwater.make_pipeline(sampler, FrameSampler(3), network), X),
        "cnnlstm": (cnn, X),
        "detector": (detector, X[..., 0, 0, 0].astype(np.float64)),
    }
    for name, (model, x) in models.items():
        expected = model.fit(x, y).predict_proba(x)
        path = Path(__file__).with_name(f"{name}-1.skwater")
        skwater.save(model, path, notes={"expected": expected})
        print(path.name, path.stat().st_size)


if __name__ == "__main__":
    main()
