"""How fast is a whole study? Ours, and as it is written with skorch alone.

Ten times 3-fold cross-validation over plants, without and with splicing, on images (generated) or
indicators (measured; the file is fetched) of thirty plants on sixteen dates. "naive, skorch" is
what one would write without this package: the textbook's loop over frames in a plain skorch net,
the splices of each fold as one array of floats. Folds, number of splices, standardization (learnt
on the training rows), optimizer, learning rate, epochs and batches are the same. All contenders
take turns, repeat by repeat, each in a process of its own. Shown are the time of all repeats, the
median of the ratios of each, and whether the scores are the same.

Memory is the peak above what a process has after a small study, so without imports; of "2 jobs"
those of its processes are added up, though their peaks need not fall together.

    python examples/benchmarks/bench_study.py results                              # 20 minutes
    python examples/benchmarks/bench_study.py results --cases "16 px" --rounds 2   # a trial
"""

import multiprocessing
import os
from concurrent.futures import ProcessPoolExecutor
from functools import cache
from pathlib import Path
from time import perf_counter

import numpy as np
import torch
from joblib.externals.loky import get_reusable_executor
from scipy.stats import ttest_rel
from side_by_side import arguments, memory, report
from sklearn.metrics import balanced_accuracy_score
from sklearn.model_selection import StratifiedKFold
from skorch import NeuralNetClassifier
from textbook import TextbookConvLSTMNet

from skwater import ConvLSTMClassifier, RSSResampler, make_pipeline
from skwater.datasets import fetch_eschikon_indicators, make_water_stress
from skwater.evaluation import benchmark

SIZES = {"16 px": 16, "32 px": 32, "64 px": 64}
INDICATORS = "indicators"
N_PER_CLASS, N_HIDDEN = 30, 10
# As many steps without splicing as with it.
EPOCHS = {"without RSS": 12, "RSS": 4}
LR, BATCH_SIZE = 0.003, 8
NAIVE, TWO_JOBS, LOW_MEMORY = "naive, skorch", "skwater, 2 jobs", "skwater, low memory"
CONTENDERS = [NAIVE, "skwater", TWO_JOBS, LOW_MEMORY]


def with_skorch(plants, folds, seed):
    """Balanced accuracies of one repeat, by hand."""
    predicted = {name: np.empty_like(plants.target) for name in EPOCHS}
    for train, test in folds:
        for name, epochs in EPOCHS.items():
            X, y = as_images(plants.data[train]), plants.target[train]
            if name == "RSS":
                X, y = RSSResampler(N_PER_CLASS, random_state=seed).fit_resample(X, y)
            mean, std = X.mean(axis=(0, 1, 2, 3)), X.std(axis=(0, 1, 2, 3))
            torch.manual_seed(seed)
            net = NeuralNetClassifier(
                TextbookConvLSTMNet,
                module__n_channels=X.shape[-1],
                module__n_outputs=2,
                module__frame_size=X.shape[2:4],
                module__hidden_channels=N_HIDDEN,
                criterion=torch.nn.CrossEntropyLoss,
                optimizer=torch.optim.Adam,
                lr=LR,
                max_epochs=epochs,
                batch_size=BATCH_SIZE,
                iterator_train__shuffle=True,
                train_split=None,
                verbose=0,
            )
            net.fit(channels_first((X - mean) / std), y)
            X = as_images(plants.data[test])
            predicted[name][test] = net.predict(channels_first((X - mean) / std))
    return {name: balanced_accuracy_score(plants.target, p) for name, p in predicted.items()}


def as_images(X):
    """Single precision; a vector is an image of one pixel."""
    X = X if X.ndim == 5 else X[:, :, None, None]
    return X.astype(np.float32)


def channels_first(X):
    """What torch takes, (n, t, c, h, w)."""
    return np.ascontiguousarray(np.moveaxis(X, -1, 2))


def with_skwater(plants, folds, seed, *, n_jobs, low_memory):
    """Balanced accuracies of one repeat."""
    networks = {
        name: ConvLSTMClassifier(
            hidden_channels=N_HIDDEN,
            low_memory=low_memory,
            lr=LR,
            lr_schedule="constant",
            max_epochs=epochs,
            batch_size=BATCH_SIZE,
            device="cpu",
        )
        for name, epochs in EPOCHS.items()
    }
    networks["RSS"] = make_pipeline(RSSResampler(N_PER_CLASS, lazy=True), networks["RSS"])
    result = benchmark(
        networks,
        plants.data,
        plants.target,
        groups=np.arange(len(plants.target)),
        cv=folds,
        n_repeats=1,
        baselines=None,
        n_jobs=n_jobs,
        random_state=seed,
        verbose=0,
    )
    return {row["model"]: row["balanced_accuracy"] for row in result.rows}


@cache
def start(contender, case, threads):
    """Data, and the memory once everything has been imported and used."""
    torch.set_num_threads(threads)
    score(contender, make_water_stress(size=8, random_state=0), 0)
    if case == INDICATORS:
        plants = fetch_eschikon_indicators()
    else:
        plants = make_water_stress(size=SIZES[case], random_state=0)
    return plants, memory_of_all("VmRSS")


def repeat(contender, case, threads, number):
    """One repeat: seconds, balanced accuracies, and the peak memory until now in MB."""
    plants, before = start(contender, case, threads)
    begin = perf_counter()
    scores = score(contender, plants, number)
    return perf_counter() - begin, scores, memory_of_all("VmHWM") - before


def score(contender, plants, number):
    """Balanced accuracies of one repeat."""
    cv = StratifiedKFold(3, shuffle=True, random_state=number)
    folds = list(cv.split(plants.target, plants.target))
    if contender == NAIVE:
        return with_skorch(plants, folds, number)
    options = {"n_jobs": 2 if contender == TWO_JOBS else 1, "low_memory": contender == LOW_MEMORY}
    return with_skwater(plants, folds, number, **options)


def stop():
    """End the processes of joblib, which would be waited for."""
    get_reusable_executor().shutdown()


def memory_of_all(name):
    """Memory of this process and those that it has started, in MB; Linux only."""
    children = Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()
    return sum(memory(name, process) for process in ["self", *children])


def compare_studies(case, contenders, options):
    """Run all repeats of all contenders in turn; rows of the table, and scores."""
    spawn = multiprocessing.get_context("spawn")
    pools = {name: ProcessPoolExecutor(1, mp_context=spawn) for name in contenders}
    for name, pool in pools.items():
        pool.submit(start, name, case, options.threads).result()
    done = {name: [] for name in contenders}
    for number in range(options.rounds):
        for name, pool in pools.items():
            done[name].append(pool.submit(repeat, name, case, options.threads, number).result())
            print(f"{case}, repeat {number}, {name}: {done[name][-1][0]:.1f} s", flush=True)
    for pool in pools.values():
        pool.submit(stop).result()
        pool.shutdown()
    seconds = {name: np.array([r[0] for r in results]) for name, results in done.items()}
    rows, scores = [], []
    for name, results in done.items():
        ratios = seconds[NAIVE] / seconds[name]
        rows.append(
            {
                "case": case,
                "contender": name,
                "action": "study",
                "seconds": float(seconds[name].sum()),
                "ratio": float(np.median(ratios)),
                "lowest": float(ratios.min()),
                "highest": float(ratios.max()),
                "peak_mb": results[-1][2],
            }
        )
        for model in EPOCHS:
            accuracies = [r[1][model] for r in results]
            scores.append(
                {"case": case, "contender": name, "model": model, "balanced_accuracy": accuracies}
            )
    return rows, scores


def show_scores(scores):
    """Mean and standard deviation of each, and whether it differs from that of the naive one."""
    of_naive = [s for s in scores if s["contender"] == NAIVE]
    naive = {s["case"] + s["model"]: s["balanced_accuracy"] for s in of_naive}
    print("\nbalanced accuracy, mean (sd over repeats)")
    for s in scores:
        ours, theirs = s["balanced_accuracy"], naive[s["case"] + s["model"]]
        spread = np.std(ours, ddof=min(1, len(ours) - 1))
        line = f"{s['case']:10} {s['model']:12} {s['contender']:16} {np.mean(ours):.3f}"
        line += f" ({spread:.3f})"
        if s["contender"] != NAIVE and len(ours) > 1:
            test = ttest_rel(ours, theirs)
            low, high = test.confidence_interval()
            line += f"  difference {np.mean(ours) - np.mean(theirs):+.3f}"
            line += f" ({low:+.3f} to {high:+.3f})"
            line += "  THEY DIFFER" if low > 0 or high < 0 else ""
        print(line)


def main():
    """Compare, and say whether the scores agree."""
    options = arguments(__doc__, rounds=10)
    rows, scores = [], []
    for case in options.cases or ["64 px", INDICATORS]:
        more_rows, more_scores = compare_studies(case, CONTENDERS, options)
        rows += more_rows
        scores += more_scores
    report("bench_study", rows, options, scores=scores)
    show_scores(scores)


if __name__ == "__main__":
    main()
