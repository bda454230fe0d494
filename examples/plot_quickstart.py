"""
From plants to an honest score
==============================

Thirty plants, sixteen images of each, nine of them without water: which ones? Two deep networks
stand beside what needs no network at all: always saying "watered", and logistic regression on the
canopy cover. Each network is trained on the plants as they are, on as many as random over-sampling
makes of them, and on as many by onset-aware splicing. All are scored on plants that they have not
seen.

The images are generated. ``make demo ARGS=--real`` runs on the measurements of the Eschikon sugar
beet experiment instead (28 indicators for each date in place of images), downloaded once.
"""

# %%
# The plants
# ----------
import argparse
import os
import textwrap
from pathlib import Path

import joblib
import matplotlib.pyplot as plt
import numpy as np
from imblearn import FunctionSampler
from imblearn.over_sampling import RandomOverSampler

from skwater import CNNLSTMClassifier, ConvLSTMClassifier, RSSResampler, make_pipeline
from skwater.datasets import fetch_eschikon_indicators, make_water_stress
from skwater.evaluation import benchmark
from skwater.plotting import BenchmarkDisplay, GrowthDisplay

parser = argparse.ArgumentParser()
parser.add_argument("--real", action="store_true", help="real indicators in place of images")
parser.add_argument("--output", type=Path, default=Path("demo"), help="folder for the results")
args = parser.parse_args()
fast = "SKWATER_EXAMPLES_FAST" in os.environ  # for the tests: everything small

if args.real:
    plants, channel = fetch_eschikon_indicators(), 0  # the first indicator is the cover
    source = "real indicators of the Eschikon sugar beets"
else:
    size = {"n_plants": 12, "n_frames": 4, "size": 8} if fast else {"size": 32}
    plants, channel = make_water_stress(random_state=0, **size), None
    source = "generated images"
X, y = plants.data, plants.target
print(f"{len(y)} plants ({source}), {y.sum()} of them water-stressed; X is {X.shape}, {X.dtype}.")

# %%
# The models
# ----------
# Every step that learns from data is in the pipeline, and so inside the folds: scaling, splicing,
# training. Both samplers bring each class to 60 sequences. Random over-sampling, which repeats
# whole plants, is the control: what onset-aware splicing adds to it is due to splicing. It takes
# the frames before the onset from any plant, because no plant is stressed yet. Images are trained
# for fewer steps than by default, so that the demo is done within minutes on two cores.
many = len(y) if fast else 60
length = {} if args.real else {"max_epochs": 1 if fast else 8}


def over_sample(X, y):
    """Repeat plants until each class has as many."""
    sampler = RandomOverSampler(sampling_strategy=dict.fromkeys((0, 1), many), random_state=0)
    rows, repeated = sampler.fit_resample(np.arange(len(y))[:, None], y)
    return X[rows[:, 0]], repeated


models = {}
for name, Network in {"CNN-LSTM": CNNLSTMClassifier, "ConvLSTM": ConvLSTMClassifier}.items():
    alone = {"max_epochs": 6 * length["max_epochs"]} if length else {}  # about as many steps
    models[name] = Network(**alone)
    models[f"{name} + over-sampling"] = make_pipeline(
        FunctionSampler(func=over_sample, validate=False), Network(**length)
    )
    models[f"{name} + onset-aware splicing"] = make_pipeline(
        RSSResampler(many, onset=plants.onset, lazy=True), Network(**length)
    )

# %%
# The score
# ---------
# Three folds over plants: each plant is predicted once, by models that never saw it. Baselines
# come by themselves, and so do intervals; ``n_repeats`` makes more of it when there is time.
result = benchmark(models, X, y, groups=plants.plant, n_repeats=1, random_state=0)
print(result)
print(
    "At the end of the season drought is plain to see, so that no sampler can gain here. It gains "
    "if stressed plants are few or the season is short, see docs/splicing.md."
)

# %%
# For the methods section of a paper:
print(textwrap.fill(result.describe(), 100))

# %%
# The picture
# -----------
# Left, the canopy of both groups over the season; right, the scores with their intervals.
fig, (growth, bars) = plt.subplots(1, 2, figsize=(12, 4), layout="constrained")
GrowthDisplay.from_sequences(
    X,
    np.take(plants.target_names, y),
    days=plants.days,
    channel=channel,
    onset_day=plants.onset_day,
    value_name="canopy cover",
    ax=growth,
)
BenchmarkDisplay.from_result(result, ax=bars)

# %%
# To keep
# -------
# The pipeline, now trained on all plants but the first, is a file that any scikit-learn user can
# load. As with every pickle, load only what you trust.
args.output.mkdir(parents=True, exist_ok=True)
(args.output / "scores.txt").write_text(f"{result}\n")
result.to_json(args.output / "scores.json")
fig.savefig(args.output / "scores.png", dpi=150)
pipeline = models["ConvLSTM + onset-aware splicing"].set_params(convlstmclassifier__random_state=0)
pipeline.fit(X[1:], y[1:])
joblib.dump(pipeline, args.output / "pipeline.joblib")

reloaded = joblib.load(args.output / "pipeline.joblib")
probability = reloaded.predict_proba(X[:1])[0, 1]
print(
    f"\nSaved scores.txt, scores.json, scores.png and pipeline.joblib in {args.output.resolve()}."
)
print(
    f"Loaded again, the pipeline gives plant {plants.plant[0]}, which it was not trained on and "
    f"which is {plants.target_names[y[0]]}, a probability of {probability:.2f} to be stressed."
)
