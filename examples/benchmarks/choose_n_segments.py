"""Which default of n_segments? Balanced accuracy on the real indicators, both protocols.

Ten seeds of 3-fold cross-validation over plants and five of leave-one-treatment-out, with the
default ConvLSTMClassifier and each class spliced to 60 sequences; on the whole season, and on the
season until day 39. "copies" brings each class to 60 by whole plants, so that it balances and does
not splice.
Needs the real file in the data home; takes some ten minutes on two cores.
"""

import numpy as np
from joblib import Parallel, delayed
from sklearn.base import BaseEstimator
from sklearn.metrics import balanced_accuracy_score
from sklearn.model_selection import LeaveOneGroupOut, StratifiedKFold, cross_val_predict
from tqdm.auto import tqdm

from skwater import ConvLSTMClassifier, RSSResampler, make_pipeline
from skwater.datasets import fetch_eschikon_indicators

SETTINGS = [None, "copies", 2, 3, 4, 5, 8, "frame"]
SEASONS = {"whole season": 16, "until day 39": 10}
N_BY_PLANT, N_BY_TREATMENT = 10, 5


def build(n_segments, seed):
    """Return the classifier, after splicing where n_segments is not None."""
    if n_segments is None:
        return ConvLSTMClassifier(random_state=seed)
    if n_segments == "copies":
        sampler = PlantCopier(random_state=seed)
    else:
        sampler = RSSResampler(60, n_segments=n_segments, random_state=seed)
    return make_pipeline(sampler, ConvLSTMClassifier(random_state=seed))


class PlantCopier(BaseEstimator):
    """Bring each class to so many sequences by random over-sampling: the control."""

    def __init__(self, n_each=60, random_state=None):
        self.n_each = n_each
        self.random_state = random_state

    def fit_resample(self, X, y):
        """Return as many rows of each class."""
        rng = np.random.default_rng(self.random_state)
        rows = [
            np.resize(rng.permutation(np.flatnonzero(y == c)), self.n_each) for c in np.unique(y)
        ]
        rows = np.concatenate(rows)
        return X[rows], y[rows]


def score(n_segments, n_frames, by_treatment, seed):
    """Balanced accuracy over all plants, each predicted once."""
    plants = fetch_eschikon_indicators()
    if by_treatment:
        cv, groups = LeaveOneGroupOut(), plants.treatment
    else:
        cv, groups = StratifiedKFold(3, shuffle=True, random_state=seed), None
    folds = list(cv.split(plants.data, plants.target, groups))
    X = plants.data[:, :n_frames]
    predicted = cross_val_predict(build(n_segments, seed), X, plants.target, cv=folds)
    return balanced_accuracy_score(plants.target, predicted)


def main():
    """Run all settings and print a table of means and standard deviations over seeds."""
    runs = [
        (setting, n_frames, by_treatment, seed)
        for setting in SETTINGS
        for n_frames in SEASONS.values()
        for by_treatment in (False, True)
        for seed in range(N_BY_TREATMENT if by_treatment else N_BY_PLANT)
    ]
    jobs = Parallel(n_jobs=2, return_as="generator")(delayed(score)(*run) for run in runs)
    scores = dict(zip(runs, tqdm(jobs, total=len(runs), unit="cv"), strict=True))
    columns = [(season, by) for season in SEASONS for by in ("plant", "treatment")]
    print(f"{'n_segments':12}" + "".join(f"{f'{season}, {by}':>26}" for season, by in columns))
    for setting in SETTINGS:
        cells = []
        for season, by in columns:
            wanted = (setting, SEASONS[season], by == "treatment")
            found = [value for run, value in scores.items() if run[:3] == wanted]
            cells.append(f"{np.mean(found):.3f} (sd {np.std(found):.3f})")
        print(f"{setting or 'no splicing'!s:12}" + "".join(f"{cell:>26}" for cell in cells))


if __name__ == "__main__":
    main()
