"""Scores on noise, from examples/plot_08_leakage.py: mean and range over five seeds."""

import matplotlib.pyplot as plt

rows = {
    "splice, then cross-validate": (0.92, 0.90, 0.94),
    "splice all plants, then test\non held-out originals": (0.96, 0.93, 1.00),
    "splice inside the pipeline": (0.47, 0.40, 0.57),
}
figure, ax = plt.subplots(figsize=(7, 2.2))
for i, (mean, low, high) in enumerate(rows.values()):
    color = "#0072b2" if i == 2 else "#d55e00"
    ax.errorbar(mean, i, xerr=[[mean - low], [high - mean]], fmt="os^"[i], color=color, capsize=4)
ax.axvline(0.5, color="#555555", ls="--", lw=1)
ax.text(0.5, -0.65, "truth", ha="center", color="#555555")
ax.set_yticks(range(len(rows)), rows)
ax.set(xlim=(0.3, 1.02), ylim=(2.5, -0.5), xlabel="Balanced accuracy on noise")
