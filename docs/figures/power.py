"""Power of experiments with few plants, by simulation."""

import matplotlib.pyplot as plt
import numpy as np
from scipy.stats import binomtest

from skwater.metrics import balanced_accuracy_interval

RNG = np.random.default_rng(0)
N_SIMULATIONS = 200
N_PLANTS = np.array([10, 16, 20, 30, 40, 60, 80, 120])
STYLES = (("#56b4e9", ":"), ("#0072b2", "--"), ("#e69f00", "-"))


def interval_of_study(n, recall):
    """Simulated 95 % interval of n plants, a third of them stressed."""
    per_class = np.array([n // 3, n - n // 3])
    return balanced_accuracy_interval(RNG.binomial(per_class, recall), per_class)


def finds_difference(n, accuracy, gain):
    """Whether an exact paired test finds that one model is better than another."""
    first = RNG.random(n) < accuracy + gain
    second = RNG.random(n) < accuracy
    better, worse = (first & ~second).sum(), (second & ~first).sum()
    return better + worse > 0 and better > worse and binomtest(better, better + worse).pvalue < 0.05


figure, (width, chance, difference) = plt.subplots(1, 3, figsize=(11, 4.4))
for true, (color, style) in zip((0.65, 0.75, 0.85), STYLES, strict=True):
    studies = [[interval_of_study(n, true) for _ in range(N_SIMULATIONS)] for n in N_PLANTS]
    low, high = np.moveaxis(np.array(studies), -1, 0)
    width.plot(N_PLANTS, (high - low).mean(axis=1) / 2, style, color=color, label=f"true {true}")
    chance.plot(N_PLANTS, (low > 0.5).mean(axis=1), style, color=color, label=f"true {true}")
for gain, (color, style) in zip((0.1, 0.2, 0.3), STYLES, strict=True):
    power = [
        np.mean([finds_difference(n, 0.65, gain) for _ in range(N_SIMULATIONS)]) for n in N_PLANTS
    ]
    label = f"0.65 against {0.65 + gain:.2f}"
    difference.plot(N_PLANTS, power, style, color=color, label=label)
width.set(ylabel="Half of the 95 % interval", ylim=(0, 0.4))
width.set_title("How exact is the score?", loc="left")
chance.set(ylabel="Share of studies", ylim=(0, 1.02))
chance.set_title("Is it better than chance?", loc="left")
difference.set(ylabel="Share of studies", ylim=(0, 1.02))
difference.set_title("Which of two models is better?", loc="left")
for ax in (width, chance, difference):
    ax.set(xlabel="Test plants, all folds together", xscale="log")
    ax.set_xticks(N_PLANTS, N_PLANTS)
    ax.minorticks_off()
    ax.legend(frameon=False, fontsize=9, loc="upper center", bbox_to_anchor=(0.5, -0.2))
for ax in (chance, difference):
    ax.axhline(0.8, color="#999999", lw=1)
