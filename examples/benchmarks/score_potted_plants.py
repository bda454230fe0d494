"""Six potted plants seen from the front, 33 sessions with holes: leave one pair out.

    python examples/benchmarks/score_potted_plants.py FOLDER

FOLDER holds ``labels.csv`` (columns plant, session, label, plant_type, path) and the images of
https://github.com/austinpursley/Summer-Research-Plant-Drought-Stress-Image-Processing: plants 1 to
3 watered, 4 to 6 in drought, three kinds in pairs. Six plants can show next to nothing; the
interval says so.
"""

import sys
from pathlib import Path

from scipy.stats import binomtest
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import balanced_accuracy_score
from sklearn.model_selection import LeaveOneGroupOut, cross_val_predict
from sklearn.preprocessing import StandardScaler

from skwater import ConvLSTMClassifier, RSSResampler, make_pipeline
from skwater.datasets import load_manifest
from skwater.preprocessing import CanopyCover, FrameSampler


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
    for name, model in models.items():
        predicted = cross_val_predict(
            model, plants.data, plants.target, groups=plants.plant_type, cv=LeaveOneGroupOut()
        )
        n_right = int((predicted == plants.target).sum())
        low, high = binomtest(n_right, len(predicted)).proportion_ci(method="exact")
        balanced = balanced_accuracy_score(plants.target, predicted)
        print(
            f"{name:28} {n_right} of {len(predicted)} plants classified correctly (95 % interval of the accuracy "
            f"{low:.2f} to {high:.2f}), balanced accuracy {balanced:.2f}"
        )


if __name__ == "__main__":
    main(Path(sys.argv[1]))
