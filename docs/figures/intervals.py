"""Interval of the same accuracy for more and more plants."""

import matplotlib.pyplot as plt

from skwater.metrics import accuracy_interval

N_PLANTS = (11, 22, 33, 66, 110, 330)
figure, ax = plt.subplots(figsize=(7, 2.6))
for i, n in enumerate(N_PLANTS):
    correct = n * 9 // 11
    low, high = accuracy_interval(correct, n)
    accuracy = correct / n
    color = "#0072b2" if i else "#d55e00"
    ax.errorbar(
        accuracy, i, xerr=[[accuracy - low], [high - accuracy]], fmt="o", color=color, capsize=4
    )
    ax.text(1.02, i, f"{low:.2f} to {high:.2f}", va="center")
ax.axvline(8 / 11, color="#555555", ls="--", lw=1)
ax.text(8 / 11, -0.75, "majority class", ha="center", color="#555555")
ax.set_yticks(range(len(N_PLANTS)), [f"{n * 9 // 11} of {n}" for n in N_PLANTS])
ax.set(xlim=(0.4, 1), ylim=(len(N_PLANTS) - 0.5, -0.5), xlabel="Accuracy, 95 % interval")
