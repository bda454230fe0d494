"""Six potted plants seen from the front, 33 sessions with holes: leave one pair out.

    python examples/benchmarks/score_potted_plants.py FOLDER

FOLDER holds ``labels.csv`` (columns plant, session, label, plant_type, path) and the images of
https://github.com/austinpursley/Summer-Research-Plant-Drought-Stress-Image-Processing: plants 1 to
3 watered, 4 to 6 in drought, three kinds in pairs. Six plants can show next to nothing; the
interval says so.
"""

import sys
from pathlib import Path

from pretrained import Lite0
from scipy.stats import binomtest
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import balanced_accuracy_score
from sklearn.model_selection import LeaveOneGroupOut, cross_val_predict
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from skwater import CNNLSTMClassifier, ConvLSTMClassifier, RSSResampler, make_pipeline
from skwater.datasets import load_manifest
from skwater.preprocessing import CanopyCover, FrameEncoder, FrameSampler


def flatten(X):
    """All numbers of all dates side by side."""
    return X.reshape(len(X), -1)


def main(folder):
    """Print both scores."""
    plants = load_manifest(folder / "labels.csv", root=folder, date="session", size=(48, 64))
    print(plants.summary())
    models = {
        "logistic regression, cover": make_pipeline(
            FrameSampler(8),
            CanopyCover(),
            SimpleImputer(keep_empty_features=True),
            StandardScaler(),
            LogisticRegression(),
        ),
        "ConvLSTM + RSS, augmented": make_pipeline(
            FrameSampler(8),
            RSSResampler(6, random_state=0),
            ConvLSTMClassifier(augment="default", random_state=0),
        ),
    }
    # The encoder sees more pixels, and has seen none of these plants.
    larger = load_manifest(folder / "labels.csv", root=folder, date="session", size=(168, 224))
    encoder = make_pipeline(FrameSampler(8), FrameEncoder(Lite0, verbose=0))
    vectors = encoder.fit_transform(larger.data)
    on_vectors = {
        "encoder, logistic regression": make_pipeline(
            FunctionTransformer(flatten),
            SimpleImputer(keep_empty_features=True),
            StandardScaler(),
            LogisticRegression(max_iter=5000),
        ),
        "encoder, RSS, LSTM": make_pipeline(
            RSSResampler(6, random_state=0), CNNLSTMClassifier(random_state=0)
        ),
    }
    for name, model in (models | on_vectors).items():
        predicted = cross_val_predict(
            model,
            vectors if name in on_vectors else plants.data,
            plants.target,
            groups=plants.plant_type,
            cv=LeaveOneGroupOut(),
        )
        n_right = int((predicted == plants.target).sum())
        low, high = binomtest(n_right, len(predicted)).proportion_ci(method="exact")
        balanced = balanced_accuracy_score(plants.target, predicted)
        print(
            f"{name:28} {n_right} of {len(predicted)} plants classified correctly "
            f"(95 % interval of the accuracy {low:.2f} to {high:.2f}), "
            f"balanced accuracy {balanced:.2f}"
        )


if __name__ == "__main__":
    main(Path(sys.argv[1]))
