"""
From plants to an honest score
==============================

Thirty plants, sixteen photos each, nine of them without water: which ones? Two deep networks,
without and with Random Sequence Splicing, stand beside what needs no network at all: always
saying "watered", and logistic regression on the canopy cover. All are scored on plants that they
have not seen.

The photos are generated. ``make demo ARGS=--real`` runs on the measurements of the Eschikon sugar
beet experiment instead (28 indicators a date in place of photos), downloaded once.
"""

# %%
# The plants
# ----------
import argparse
import os
from pathlib import Path

import joblib
import matplotlib.pyplot as plt
import numpy as np
from scipy.stats import binomtest
from sklearn.base import clone
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import balanced_accuracy_score, precision_recall_fscore_support
from sklearn.model_selection import StratifiedGroupKFold
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from tqdm.auto import tqdm

from skwater import CNNLSTMClassifier, ConvLSTMClassifier, RSSResampler, make_pipeline
from skwater.datasets import fetch_eschikon_indicators, make_water_stress
from skwater.preprocessing import CanopyCover

parser = argparse.ArgumentParser()
parser.add_argument("--real", action="store_true", help="real indicators in place of photos")
parser.add_argument("--output", type=Path, default=Path("demo"), help="folder for the results")
args = parser.parse_args()
fast = "SKWATER_EXAMPLES_FAST" in os.environ  # for the tests: everything small

if args.real:
    plants = fetch_eschikon_indicators()
    measure_cover = FunctionTransformer(lambda X: X[:, :, 0])  # the first indicator
    source = "real indicators of the Eschikon sugar beets"
else:
    size = {"n_plants": 12, "n_frames": 4, "size": 8} if fast else {"size": 32}
    plants = make_water_stress(random_state=0, **size)
    measure_cover = CanopyCover()
    source = "generated photos"
X, y = plants.data, plants.target
n_plants = len(y)
print(f"{n_plants} plants ({source}), {y.sum()} of them water-stressed; X is {X.shape}, {X.dtype}.")

# %%
# The models
# ----------
# Every step that learns from data is in the pipeline, and so inside the folds: scaling, splicing,
# training. ``RSSResampler(60)`` brings each class to 60 sequences; without it, as many passes are
# made as give the same number of training steps. There are fewer of them than by default, so that
# photos are done within minutes on two cores.
epochs = 1 if fast else 12
many = n_plants if fast else 60
n_train = 2 * n_plants // 3
without = {"max_epochs": round(epochs * 2 * many / n_train), "random_state": 0}
with_rss = {"max_epochs": epochs, "random_state": 0}


def splice_then(classifier):
    """Put RSS before a classifier."""
    return make_pipeline(RSSResampler(many, lazy=True, random_state=0), classifier)


models = {
    "majority": DummyClassifier(),
    "logistic regression, cover": make_pipeline(
        measure_cover, StandardScaler(), LogisticRegression()
    ),
    "CNN-LSTM": CNNLSTMClassifier(**without),
    "CNN-LSTM + RSS": splice_then(CNNLSTMClassifier(**with_rss)),
    "ConvLSTM": ConvLSTMClassifier(**without),
    "ConvLSTM + RSS": splice_then(ConvLSTMClassifier(**with_rss)),
}

# %%
# The score
# ---------
# Three folds over plants: each plant is predicted once, by models that never saw it.
folds = list(StratifiedGroupKFold(3, shuffle=True, random_state=0).split(X, y, groups=plants.plant))
predictions = {name: np.empty_like(y) for name in models}
with tqdm(total=len(models) * len(folds), unit="fit") as bar:
    for name, model in models.items():
        bar.set_description(name)
        for train, test in folds:
            predictions[name][test] = clone(model).fit(X[train], y[train]).predict(X[test])
            bar.update()


def score(y_true, y_pred):
    """Scores of one model; the interval is Clopper and Pearson's for the plants that are right."""
    precision, recall, f1, _ = precision_recall_fscore_support(
        y_true, y_pred, average="binary", zero_division=0
    )
    n_right = int((y_true == y_pred).sum())
    low, high = binomtest(n_right, len(y_true)).proportion_ci(method="exact")
    return {
        "accuracy": n_right / len(y_true),
        "precision": precision,
        "recall": recall,
        "f1": f1,
        "balanced accuracy": balanced_accuracy_score(y_true, y_pred),
        "plants right": f"{n_right} of {len(y_true)}",
        "95 % interval": f"{low:.2f} to {high:.2f}",
        "low": low,
        "high": high,
    }


scores = {name: score(y, y_pred) for name, y_pred in predictions.items()}
columns = [column for column in scores["majority"] if column not in ("low", "high")]
lines = [f"{'model':26}" + "".join(f"  {column:>9}" for column in columns)]
for name, row in scores.items():
    cells = [f"{row[c]:.3f}" if isinstance(row[c], float) else row[c] for c in columns]
    padded = [f"  {cell:>{max(9, len(c))}}" for cell, c in zip(cells, columns, strict=True)]
    lines.append(f"{name:26}" + "".join(padded))
table = "\n".join([lines[0], "-" * len(lines[0]), *lines[1:]])
print(table)
print(
    "Precision, recall and F1 are those of the stressed class. The interval is that of the\n"
    f"accuracy, as if the {n_plants} plants were independent. To compare two models, count the\n"
    "plants on which they differ: one or two mean nothing."
)

# %%
# The picture
# -----------
# Left, the canopy of both groups over the season; right, the scores with their intervals.
cover = measure_cover.fit_transform(X)
fig, (growth, bars) = plt.subplots(1, 2, figsize=(11, 4), layout="constrained")
for label, (colour, style) in enumerate([("#0072b2", "-"), ("#d55e00", "--")]):
    group = cover[y == label]
    name = plants.target_names[label]
    growth.plot(plants.days, group.mean(axis=0), style, color=colour, marker="o", label=name)
    growth.fill_between(
        plants.days, group.min(axis=0), group.max(axis=0), color=colour, alpha=0.15, lw=0
    )
growth.axvline(plants.onset_day, color="0.4", ls=":", label="watering stops")
growth.set(xlabel="days after sowing", ylabel="canopy cover", title="Mean and range of plants")
growth.legend(frameon=False)

accuracy = np.array([row["accuracy"] for row in scores.values()])
interval = np.array([(row["low"], row["high"]) for row in scores.values()])
bars.errorbar(
    accuracy,
    range(len(scores)),
    xerr=np.abs(interval.T - accuracy),
    fmt="o",
    color="0.1",
    capsize=4,
)
bars.axvline(accuracy[0], color="0.6", ls=":", label="majority")
bars.set_yticks(range(len(scores)), scores)
bars.invert_yaxis()
bars.set(xlim=(0, 1.02), xlabel="accuracy and its 95 % interval", title=f"{n_plants} unseen plants")
bars.legend(frameon=False)

# %%
# To keep
# -------
# The pipeline, now trained on all plants but the first, is a file that any scikit-learn user can
# load. As with every pickle, load only what you trust.
args.output.mkdir(parents=True, exist_ok=True)
(args.output / "scores.txt").write_text(table + "\n")
fig.savefig(args.output / "scores.png", dpi=150)
pipeline = models["ConvLSTM + RSS"].fit(X[1:], y[1:])
joblib.dump(pipeline, args.output / "pipeline.joblib")

reloaded = joblib.load(args.output / "pipeline.joblib")
probability = reloaded.predict_proba(X[:1])[0, 1]
print(f"\nSaved scores.txt, scores.png and pipeline.joblib in {args.output.resolve()}.")
print(
    f"Loaded again, the pipeline gives plant {plants.plant[0]}, which it was not trained on and "
    f"which is {plants.target_names[y[0]]}, a probability of {probability:.2f} to be stressed."
)
