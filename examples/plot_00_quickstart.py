"""
Can a network tell stressed plants from watered ones?
=====================================================

There are thirty plants with eight images each, nine of them without water from day 28 on. Two
networks are compared with baselines that need no network: always predicting "watered", and
logistic regression on the canopy cover. Each network is trained on the plants themselves, after
random over-sampling, and after onset-aware splicing. All are scored on plants that are not in their
training data.

The images are simulated. ``make demo ARGS=--real`` runs on the measurements of the Eschikon sugar
beet experiment instead (28 indicators for each date), which are downloaded once.
"""

# %%
# The plants
# ----------
import argparse
import os
import sys
import textwrap
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from imblearn import FunctionSampler
from imblearn.over_sampling import RandomOverSampler

import skwater
from skwater import CNNLSTMClassifier, ConvLSTMClassifier, RSSResampler, make_pipeline
from skwater.datasets import fetch_eschikon_indicators, make_water_stress
from skwater.evaluation import benchmark
from skwater.plotting import BenchmarkDisplay, GrowthDisplay

parser = argparse.ArgumentParser()
parser.add_argument("--real", action="store_true", help="use real indicators, not images")
parser.add_argument("--output", type=Path, default=Path("demo"), help="folder for the results")
args = parser.parse_args()
fast = "SKWATER_EXAMPLES_FAST" in os.environ  # for the tests: everything small

if args.real:
    plants, channel = fetch_eschikon_indicators(), 0  # the first indicator is the cover
    source = "real indicators of the Eschikon sugar beets"
else:
    size = {"n_plants": 12, "n_frames": 4, "size": 8} if fast else {"n_frames": 8, "size": 16}
    plants, channel = make_water_stress(random_state=0, **size), None
    source = "simulated images"
X, y = plants.data, plants.target
print(
    f"{len(y)} plants ({source}), {y.sum()} of them water-stressed (class 1), the others watered "
    f"(class 0); X is {X.shape}, {X.dtype}."
)

# %%
# The models
# ----------
# Every step that learns from data is in the pipeline, and so inside the folds: scaling, splicing,
# training. Both samplers bring each class to 60 sequences. Random over-sampling is the control: a
# difference to it is due to splicing. Onset-aware splicing takes the frames before the onset from
# any plant, because no plant is stressed yet. The images are small, 16 x 16 pixels, and networks on
# images are trained for 120 steps in place of the 200 and more of the defaults, so that the demo
# takes less than a minute on two cores.
many = len(y) if fast else 60
length = {"max_epochs": 1} if fast else {} if args.real else {"max_epochs": 8}


def over_sample(X, y):
    """Draw plants again until both classes have the same number."""
    sampler = RandomOverSampler(sampling_strategy=dict.fromkeys((0, 1), many), random_state=0)
    rows, y_new = sampler.fit_resample(np.arange(len(y))[:, None], y)
    return X[rows[:, 0]], y_new


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
# Three folds over plants: each plant is predicted once, by models that were not trained on it.
# :func:`~skwater.evaluation.benchmark` adds baselines and intervals. A larger ``n_repeats`` repeats
# the cross-validation with other folds. Two fits run at a time, each in a process of its own. In a
# terminal a progress bar shows the time left.
result = benchmark(
    models,
    X,
    y,
    groups=plants.plant,
    n_repeats=1,
    n_jobs=None if fast else 2,
    random_state=0,
    verbose=int(sys.stderr.isatty()),
)
print(result)
print(
    "With all images of the season stress is easy to see, so no sampler improves the score here.\n"
    "Splicing does if stressed plants are few or the season is short, see docs/splicing.md."
)

if not args.real:
    print(
        "The last image was taken after all plants were watered again, so that it alone does not\n"
        "tell them apart."
    )

# %%
# The same in words:
print("\nFor the methods section of a paper:")
print(textwrap.fill(result.describe(), 100))

# %%
# The figure
# ----------
# Above, the images of a watered and of a stressed plant. Below, the canopy cover of both groups
# over the season, and the scores with their intervals.
layout = [["cover", "scores"]] if args.real else [["images", "images"], ["cover", "scores"]]
fig, axes = plt.subplot_mosaic(layout, figsize=(12, 2 + 2 * len(layout)), layout="constrained")
if not args.real:
    pair = [np.flatnonzero(y == label)[0] for label in (0, 1)]
    n_frames, side = X.shape[1:3]
    axes["images"].imshow(np.concatenate([np.concatenate(X[plant], axis=1) for plant in pair]))
    axes["images"].set_yticks([side / 2, 3 * side / 2], plants.target_names)
    axes["images"].set_xticks((np.arange(n_frames) + 0.5) * side, [f"{d:.0f}" for d in plants.days])
    axes["images"].set_xlabel("Time (days)")
GrowthDisplay.from_sequences(
    X,
    np.take(plants.target_names, y),
    days=plants.days,
    channel=channel,
    onset_day=plants.onset_day,
    rewatering_day=None if args.real else plants.onset_day + 25,  # by the generator
    pos_label=plants.target_names[1],
    value_name="Canopy cover (fraction of the image)",
    ax=axes["cover"],
)
BenchmarkDisplay.from_result(result, ax=axes["scores"])

# %%
# Saving
# ------
# The pipeline, trained on all plants except the first, is saved. Whoever loads the file executes
# nothing of it.
args.output.mkdir(parents=True, exist_ok=True)
(args.output / "scores.txt").write_text(f"{result}\n")
result.to_json(args.output / "scores.json")
fig.savefig(args.output / "scores.png", dpi=150)
pipeline = models["ConvLSTM + onset-aware splicing"].set_params(convlstmclassifier__random_state=0)
pipeline.fit(X[1:], y[1:])
notes = {"test_plants": plants.plant[:1], "trained_on": source}
skwater.save(pipeline, args.output / "pipeline.skwater", notes=notes)

reloaded = skwater.load(args.output / "pipeline.skwater")
probability = reloaded.predict_proba(X[:1])[0, 1]
print(
    f"\nSaved scores.txt, scores.json, scores.png and pipeline.skwater in {args.output.resolve()}."
)
print(
    f"Plant {plants.plant[0]} is {plants.target_names[y[0]]} and not in the training data. The "
    f"loaded pipeline predicts a probability of stress of {probability:.2f}."
)

# %%
# Simulated plants show that everything works, and nothing about real plants.
#
# **Read next:** :doc:`plot_01_own_images` does this with images of your own, and
# :doc:`plot_07_honest_score` says what such a score is worth.
