"""All models on the real indicators: 10 x 3-fold over plants, and leave-one-treatment-out.

The deep models have default parameters; with RSS each class has 60 sequences, and without it as
many epochs are made as give the same number of steps; "copies" balances the classes by whole
plants. Plants right and their exact interval are
given for leave-one-treatment-out, where each plant is predicted once; deep models are run with
five seeds there and the first counts. Needs the real file in the data home; takes some five
minutes on two cores.
"""

import numpy as np
from choose_n_segments import copy_plants
from imblearn import FunctionSampler
from joblib import Parallel, delayed
from scipy.stats import binomtest
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, balanced_accuracy_score
from sklearn.model_selection import LeaveOneGroupOut, StratifiedKFold, cross_val_predict
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from tqdm.auto import tqdm

from skwater import CNNLSTMClassifier, ConvLSTMClassifier, RSSResampler, make_pipeline
from skwater.datasets import fetch_eschikon_indicators

N_BY_PLANT, N_BY_TREATMENT = 10, 5
WITHOUT_RSS = 20 * 120 // 24  # epochs with as many steps as 20 on 120 sequences


def canopy_cover(X):
    """Return the first indicator."""
    return X[:, :, 0]


def flatten(X):
    """Return all indicators of all dates as features."""
    return X.reshape(len(X), -1)


def build(name, seed):
    """Return the model of that name."""
    scaled = make_pipeline(StandardScaler(), LogisticRegression(max_iter=5000))
    rss = RSSResampler(60, random_state=seed)
    return {
        "majority": DummyClassifier(),
        "logistic regression, cover": make_pipeline(FunctionTransformer(canopy_cover), scaled),
        "logistic regression, all 28": make_pipeline(FunctionTransformer(flatten), scaled),
        "ConvLSTM + copies": make_pipeline(
            FunctionSampler(func=copy_plants, kw_args={"seed": seed}, validate=False),
            ConvLSTMClassifier(random_state=seed),
        ),
        "CNN-LSTM": CNNLSTMClassifier(max_epochs=WITHOUT_RSS, random_state=seed),
        "CNN-LSTM + RSS": make_pipeline(rss, CNNLSTMClassifier(random_state=seed)),
        "ConvLSTM": ConvLSTMClassifier(max_epochs=WITHOUT_RSS, random_state=seed),
        "ConvLSTM + RSS": make_pipeline(rss, ConvLSTMClassifier(random_state=seed)),
    }[name]


def predict(name, by_treatment, seed):
    """Predict each plant once, by models that did not see it, or its treatment."""
    plants = fetch_eschikon_indicators()
    if by_treatment:
        folds = LeaveOneGroupOut().split(plants.data, plants.target, plants.treatment)
    else:
        cv = StratifiedKFold(3, shuffle=True, random_state=seed)
        folds = cv.split(plants.data, plants.target)
    return cross_val_predict(build(name, seed), plants.data, plants.target, cv=list(folds))


def summarise(y, predictions, metric):
    """Mean of a metric over seeds, and its standard deviation."""
    values = [metric(y, predicted) for predicted in predictions]
    return f"{np.mean(values):.3f} (sd {np.std(values):.3f})"


def main():
    """Run all models and print a table."""
    y = fetch_eschikon_indicators().target
    names = ["majority", "logistic regression, cover", "logistic regression, all 28"]
    names += ["CNN-LSTM", "CNN-LSTM + RSS", "ConvLSTM", "ConvLSTM + copies", "ConvLSTM + RSS"]
    runs = [
        (name, by_treatment, seed)
        for name in names
        for by_treatment in (False, True)
        for seed in range(N_BY_TREATMENT if by_treatment else N_BY_PLANT)
    ]
    jobs = Parallel(n_jobs=2, return_as="generator")(delayed(predict)(*run) for run in runs)
    predictions = dict(zip(runs, tqdm(jobs, total=len(runs), unit="cv"), strict=True))
    columns = ["by plant: accuracy", "balanced", "by treatment: accuracy", "balanced"]
    columns += ["plants right (seed 0)", "95 % interval"]
    print(f"{'model':28}" + "".join(f"{column:>24}" for column in columns))
    for name in names:
        cells = []
        for by_treatment in (False, True):
            found = [v for run, v in predictions.items() if run[:2] == (name, by_treatment)]
            cells += [summarise(y, found, m) for m in (accuracy_score, balanced_accuracy_score)]
        n_right = int((found[0] == y).sum())
        low, high = binomtest(n_right, len(y)).proportion_ci(method="exact")
        cells += [f"{n_right} of {len(y)}", f"{low:.2f} to {high:.2f}"]
        print(f"{name:28}" + "".join(f"{cell:>24}" for cell in cells))


if __name__ == "__main__":
    main()
