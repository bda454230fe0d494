"""What splicing gains on real maize, and when. Writes docs/splicing.md and its figure.

Training sets of 10 to 120 plants are drawn from two thirds of the genotypes, and all plants of the
other genotypes are predicted. Every sampler sees the same draws, so that differences are paired.
All settings are the defaults. Needs the file of smoothed traits (see docs/splicing.md), and for
MiniRocket the extra baselines:

    python examples/benchmarks/study_splicing.py smoothed_development.npz --memory study-cache

Takes about an hour on two cores. A study that was killed goes on where it was: scores are kept in
the folder `--memory`. They are not computed anew if the library changes; then give another folder.
`--models CNN-LSTM` scores this model alone, and keeps all else that the report says.
"""

import argparse
import os
from importlib.util import find_spec
from itertools import product
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from imblearn.over_sampling import SMOTE, RandomOverSampler
from joblib import Memory, Parallel, delayed
from scipy.stats import t as student
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression, RidgeClassifierCV
from sklearn.metrics import balanced_accuracy_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from study_report import DOCS, NOT_SCORED, as_table, keep_old
from tqdm.auto import tqdm

from skwater import CNNLSTMClassifier, ConvLSTMClassifier, RSSResampler

FAST = "SKWATER_EXAMPLES_FAST" in os.environ  # a minute, to try the script itself
N_DRAWS = 2 if FAST else 30
ONSET_DAY = 16  # read off the curves; the true day is not recorded
LAST_DAY = 33
SCARCE = {"30 plants, 3:7": (30, 9), "60 plants, 1:9": (60, 6)}
SIZES = {"1:1": 0.5, "3:7": 0.3, "1:9": 0.1}
N_PLANTS = (10, 30, 60, 120)
DAYS = (12, 20, 24)
ONSET_ERRORS = (-6, -4, 4, 6)


def flatten(X):
    """All numbers of all dates side by side."""
    return X.reshape(len(X), -1)


def by_date(X):
    """Series (n_samples, n_channels, n_frames)."""
    return X.transpose(0, 2, 1)


def on_numbers(classifier):
    """Classifier of all numbers, standardized."""
    return make_pipeline(FunctionTransformer(flatten), StandardScaler(), classifier)


def make_model(name, seed, class_weight=None):
    """Classifier with the default settings."""
    weighted = {"class_weight": class_weight}
    if name == "ConvLSTM":
        return ConvLSTMClassifier(device="cpu", random_state=seed, **weighted)
    if name == "CNN-LSTM":
        return CNNLSTMClassifier(device="cpu", random_state=seed, **weighted)
    if name == "logistic regression":
        return on_numbers(LogisticRegression(max_iter=5000, **weighted))
    if name == "ridge":
        return on_numbers(RidgeClassifierCV(np.logspace(-3, 3, 7), **weighted))
    if name == "random forest":
        return on_numbers(RandomForestClassifier(300, random_state=seed, **weighted))
    from aeon.classification.convolution_based import MiniRocketClassifier

    rocket = MiniRocketClassifier(random_state=seed, **weighted)
    return make_pipeline(FunctionTransformer(by_date), rocket)


MODELS = ("ConvLSTM", "CNN-LSTM", "logistic regression", "ridge", "random forest", "MiniRocket")
COMPARED = ("ConvLSTM", "logistic regression")  # in more than the two scarce training sets
MAIN = ("none", "over-sampling, 5 x", "onset-aware scale, 5 x")
SAMPLERS = (
    "none",
    "class weights",
    *(
        f"{name}, {size}"
        for size, name in product(
            ("same size", "5 x"),
            (
                "over-sampling",
                "SMOTE",
                "plain splicing",
                "onset-aware keep",
                "onset-aware shift",
                "onset-aware scale",
            ),
        )
    ),
)


def resample(sampler, X, y, onset, seed):
    """Bring both classes to the size of the larger, or to five times that."""
    if sampler in ("none", "class weights"):
        return X, y
    kind, size = sampler.split(", ")
    n_each = (5 if size == "5 x" else 1) * np.bincount(y).max()
    sizes = {0: n_each, 1: n_each}
    if kind == "over-sampling":
        resampler = RandomOverSampler(sampling_strategy=sizes, random_state=seed)
    elif kind == "SMOTE":
        neighbors = min(5, np.bincount(y).min() - 1)
        resampler = SMOTE(sampling_strategy=sizes, k_neighbors=neighbors, random_state=seed)
    elif kind == "plain splicing":
        resampler = RSSResampler(sizes, random_state=seed)
    else:
        options = {"onset": onset, "junction": kind.split()[1]}
        resampler = RSSResampler(sizes, **options, random_state=seed)
    if isinstance(resampler, RSSResampler):
        return resampler.fit_resample(X, y)
    flat, y_new = resampler.fit_resample(flatten(X), y)
    return flat.reshape(-1, *X.shape[1:]), y_new


def draw(y, genotype, n, n_stressed, seed):
    """Rows of n training plants, and of all plants of genotypes that were not trained on."""
    rng = np.random.default_rng([seed, n, n_stressed])
    names = rng.permutation(np.unique(genotype))
    known = np.isin(genotype, names[: 2 * len(names) // 3])
    train = [
        rng.choice(np.flatnonzero(known & (y == label)), count, replace=False)
        for label, count in ((0, n - n_stressed), (1, n_stressed))
    ]
    return np.concatenate(train), np.flatnonzero(~known)


def score(path, model, sampler, n, n_stressed, seed, last_day=LAST_DAY, onset_error=0):
    """Balanced accuracy on the other genotypes; NaN if the sampler cannot make so many."""
    with np.load(path) as plants:
        X, y, genotype = plants["X"].astype(float), plants["y"].astype(int), plants["genotype"]
        days = plants["days"]
    X = X[:, days < last_day]
    # The day on which the stress shows is the first that is not before it.
    onset = int((days < ONSET_DAY + onset_error).sum())
    train, test = draw(y, genotype, n, n_stressed, seed)
    try:
        X_new, y_new = resample(sampler, X[train], y[train], onset, seed)
    except ValueError:
        return np.nan
    weight = "balanced" if sampler == "class weights" else None
    fitted = make_model(model, seed, weight).fit(X_new, y_new)
    return balanced_accuracy_score(y[test], fitted.predict(X[test]))


def all_tasks():
    """Arguments of :func:`score`, those that answer the main question first."""
    settings = [
        (model, sampler, n, n_stressed, LAST_DAY, 0)
        for (n, n_stressed), sampler, model in product(SCARCE.values(), SAMPLERS, MODELS)
    ]
    for model, n, ratio, sampler in product(COMPARED, N_PLANTS, SIZES.values(), MAIN):
        settings.append((model, sampler, n, round(n * ratio), LAST_DAY, 0))
    compared = list(product(COMPARED, SCARCE.values()))
    settings += [
        (model, sampler, *size, day, 0)
        for day, (model, size), sampler in product(DAYS, compared, MAIN)
    ]
    settings += [
        (model, MAIN[-1], *size, LAST_DAY, error)
        for error, (model, size) in product(ONSET_ERRORS, compared)
    ]
    settings.sort(key=lambda setting: setting[0] == "MiniRocket")  # by far the slowest
    names = ["model", "sampler", "n", "n_stressed", "last_day", "onset_error"]
    tasks = pd.DataFrame(list(dict.fromkeys(settings)), columns=names)
    return tasks.merge(pd.Series(range(N_DRAWS), name="seed"), how="cross")


def run(path, models, memory, n_jobs):
    """Score all tasks of these models; return them with their scores."""
    tasks = all_tasks()
    tasks = tasks[tasks.model.isin(models)]
    kept = Memory(memory, verbose=0).cache(score)
    rows = tasks.to_dict("records")
    found = Parallel(n_jobs=n_jobs, return_as="generator")(
        delayed(kept)(str(path), **row) for row in rows
    )
    return tasks.assign(score=list(tqdm(found, total=len(rows), desc="fits")))


def interval(values):
    """Mean and half of its 95 % interval over draws."""
    values = np.asarray(values)
    half = student.ppf(0.975, len(values) - 1) * values.std(ddof=1) / len(values) ** 0.5
    return values.mean(), half


def choose(scores, **where):
    """Scores of one setting, by draw."""
    where = {"last_day": LAST_DAY, "onset_error": 0} | where
    rows = np.logical_and.reduce([scores[name] == value for name, value in where.items()])
    return scores[rows].set_index("seed").score


def gain(scores, sampler, control, **where):
    """Paired difference, "+0.050 (+0.020 to +0.080)"."""
    difference = choose(scores, sampler=sampler, **where)
    if difference.empty:
        return NOT_SCORED
    difference = (difference - choose(scores, sampler=control, **where)).dropna()
    if len(difference) < 2:
        return "not possible"
    mean, half = interval(difference)
    return f"{mean:+.3f} ({mean - half:+.3f} to {mean + half:+.3f})"


def level(scores, **where):
    """Mean score, "0.850 (0.012)" with half of its interval."""
    values = choose(scores, **where)
    if values.empty:
        return NOT_SCORED
    values = values.dropna()
    if len(values) < 2:
        return "not possible"
    mean, half = interval(values)
    return f"{mean:.3f} ± {half:.3f}"


def sampler_table(scores, n, n_stressed):
    """All samplers and models on one training set."""
    size = {"n": n, "n_stressed": n_stressed}
    rows = [
        [sampler, *(level(scores, model=model, sampler=sampler, **size) for model in MODELS)]
        for sampler in SAMPLERS
    ]
    return as_table(["training set", *MODELS], rows)


def gain_table(scores, n, n_stressed):
    """What the samplers gain over random over-sampling of the same size."""
    rows = []
    for model, size in product(MODELS, ("same size", "5 x")):
        where = {"model": model, "n": n, "n_stressed": n_stressed}
        names = ("plain splicing", *(f"onset-aware {kind}" for kind in ("keep", "shift", "scale")))
        control = f"over-sampling, {size}"
        gains = [gain(scores, f"{name}, {size}", control, **where) for name in names]
        rows.append([f"{model}, {size}", *gains])
    head = ["model", "plain splicing", *(f"onset-aware, {k}" for k in ("keep", "shift", "scale"))]
    return as_table(head, rows)


def size_table(scores):
    """Level of the three main training sets by number of plants."""
    rows = []
    for (ratio, share), n in product(SIZES.items(), N_PLANTS):
        size = {"n": n, "n_stressed": round(n * share)}
        for model in COMPARED:
            levels = [level(scores, model=model, sampler=sampler, **size) for sampler in MAIN]
            gained = gain(scores, MAIN[2], MAIN[1], model=model, **size)
            rows.append([f"{n}, {ratio}", model, *levels, gained])
    return as_table(["plants", "model", *MAIN, "gain over over-sampling"], rows)


def day_table(scores):
    """Shorter seasons."""
    rows = []
    for (name, (n, n_stressed)), model in product(SCARCE.items(), COMPARED):
        for day in (*DAYS, LAST_DAY):
            where = {"model": model, "n": n, "n_stressed": n_stressed, "last_day": day}
            levels = [level(scores, sampler=sampler, **where) for sampler in MAIN]
            rows.append([name, model, day, *levels, gain(scores, MAIN[2], MAIN[1], **where)])
    return as_table(["plants", "model", "until day", *MAIN, "gain over over-sampling"], rows)


def onset_table(scores):
    """Onsets that are wrong."""
    errors = sorted((*ONSET_ERRORS, 0))
    rows = [
        [
            f"{name}, {model}",
            *(
                level(scores, model=model, sampler=MAIN[2], n=n, n_stressed=m, onset_error=error)
                for error in errors
            ),
        ]
        for (name, (n, m)), model in product(SCARCE.items(), COMPARED)
    ]
    return as_table(["plants, model", *(f"{error:+d} days" for error in errors)], rows)


def draw_figure(scores, path):
    """Score against the number of plants, one panel for each ratio."""
    figure, panels = plt.subplots(1, 3, figsize=(10, 3.4), sharey=True, layout="constrained")
    for panel, (ratio, share) in zip(panels, SIZES.items(), strict=True):
        for model, color in (("ConvLSTM", "C0"), ("logistic regression", "C1")):
            for sampler, style in zip(MAIN, (":", "--", "-"), strict=True):
                means = [
                    choose(scores, model=model, sampler=sampler, n=n, n_stressed=round(n * share))
                    for n in N_PLANTS
                ]
                label = f"{model}, {sampler}"
                panel.plot(N_PLANTS, [m.mean() for m in means], style, color=color, label=label)
        panel.set(title=f"stressed to watered {ratio}", xlabel="training plants", xscale="log")
        panel.set_xticks(N_PLANTS, N_PLANTS)
        panel.minorticks_off()
    panels[0].set_ylabel("balanced accuracy")
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=2)
    figure.savefig(path, dpi=100)


REPORT = """\
# Study: what splicing gains

Written by `examples/benchmarks/study_splicing.py`, not by hand. 888 maize plants of 45 genotypes,
watered or not, on a phenotyping platform (PhenoArch; leaf area and height on a grid of two days,
smoothed so that no frame is missing and the pattern of missing days tells nothing). Training sets
are drawn from two thirds of the genotypes; all plants of the other genotypes are predicted.
Balanced accuracy, {n_draws} draws, mean ± half of the 95 % interval over draws; differences are
paired by draw. Everything is fitted on the training plants, and all settings are the defaults.
The defaults of the networks were chosen on these plants, other draws included, so that levels are,
if anything, somewhat too good; differences between samplers are fair, since all use the same
network. The stress shows from about day {onset_day}: that is the onset given to the sampler.
"5 x" brings both classes to five times the size of the larger class.

![Balanced accuracy against the number of training plants](splicing.png)

## By number of plants

Until day {last_day}. With 1:9, ten plants are nine watered ones and a single stressed one.

{sizes}

## All samplers

{samplers}

## Gain over random over-sampling of the same size

The control: it balances the classes as well, by whole plants. 95 % intervals of paired
differences.

{gains}

## Shorter seasons

Until day 12 no plant is stressed: nothing should be above 0.500 there, and onset-aware splicing
splices within the class, since the onset is not reached.

{days}

## An onset that is wrong

Onset-aware splicing with "scale", 5 x; the onset given is too early (-) or too late (+).

{onsets}
"""


def write_report(scores, out):
    """Put the tables together."""
    by_size = {
        name: (sampler_table(scores, *size), gain_table(scores, *size))
        for name, size in SCARCE.items()
    }
    text = REPORT.format(
        n_draws=N_DRAWS,
        onset_day=ONSET_DAY,
        last_day=LAST_DAY,
        sizes=size_table(scores),
        samplers="\n\n".join(f"{name}:\n\n{tables[0]}" for name, tables in by_size.items()),
        gains="\n\n".join(f"{name}:\n\n{tables[1]}" for name, tables in by_size.items()),
        days=day_table(scores),
        onsets=onset_table(scores),
    )
    if set(scores.model) < set(MODELS) and out.exists():
        text = keep_old(text, out.read_text(encoding="utf-8"))
    out.write_text(text, encoding="utf-8")
    print(f"Written: {out}")


def main():
    """Run what is not in the cache yet and write the report."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("data", type=Path, help="smoothed_development.npz")
    parser.add_argument("--models", nargs="+", choices=MODELS, default=MODELS)
    parser.add_argument("--memory", type=Path, default=None, help="folder of finished fits")
    out = Path("splicing-fast.md") if FAST else DOCS / "splicing.md"
    parser.add_argument("--out", type=Path, default=out)
    parser.add_argument("--n-jobs", type=int, default=2)
    arguments = parser.parse_args()
    if "MiniRocket" in arguments.models and not find_spec("aeon"):
        parser.error("MiniRocket needs the extra baselines; name the other models with --models.")
    scores = run(arguments.data, arguments.models, arguments.memory, arguments.n_jobs)
    if set(COMPARED) <= set(arguments.models):
        draw_figure(scores, arguments.out.parent / "splicing.png")
    write_report(scores, arguments.out)


if __name__ == "__main__":
    main()
