"""Scores of examples/benchmarks/score_encoder.py: mean and 95 % interval over 10 seeds."""

import matplotlib.pyplot as plt

rows = {
    "cover of all dates, logistic regression": (0.83, 0.74, 0.91),
    "vector of the last date, logistic regression": (0.83, 0.76, 0.89),
    "vectors of all dates, LSTM": (0.68, 0.59, 0.77),
    "vectors of all dates, logistic regression": (0.60, 0.54, 0.65),
}
figure, ax = plt.subplots(figsize=(7, 2.2))
for i, (mean, low, high) in enumerate(rows.values()):
    color = "#0072b2" if i else "#999999"
    ax.errorbar(mean, i, xerr=[[mean - low], [high - mean]], fmt="o", color=color, capsize=4)
ax.axvline(0.5, color="#555555", ls="--", lw=1)
ax.text(0.5, -0.75, "chance", ha="center", color="#555555")
ax.set_yticks(range(len(rows)), rows)
ax.set(xlim=(0.45, 1), ylim=(3.5, -0.5), xlabel="Balanced accuracy")
