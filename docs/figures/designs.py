"""Layouts of sixteen plants, and what is left out together."""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.patches import FancyBboxPatch

rng = np.random.default_rng(1)
stress = {
    "plant by plant\ngroups=plant": rng.permutation(np.arange(16) % 2).reshape(4, 4),
    "whole trays\ntreatments=tray": np.array([1, 0, 0, 1])[:, None].repeat(4, axis=1),
    "blocks\ntreatments=block": rng.permuted(np.tile([0, 0, 1, 1], (4, 1)), axis=1),
    "pairs\ntreatments=pair": rng.permuted(np.tile([0, 1], (8, 1)), axis=1).reshape(4, 4),
}
WIDTHS = (1, 4, 4, 2)  # plants in each frame
figure, axes = plt.subplots(1, 4, figsize=(9, 2.9))
for ax, (name, table), width in zip(axes, stress.items(), WIDTHS, strict=True):
    for row in range(4):
        for column in range(4):
            color = "#e69f00" if table[row, column] else "#0072b2"
            ax.plot(column, row, "o", color=color, ms=11)
        for left in range(0, 4, width):
            box = FancyBboxPatch(
                (left - 0.3, row - 0.3),
                width - 0.4,
                0.6,
                boxstyle="round,pad=0.08",
                fill=False,
                ec="#777777",
            )
            ax.add_patch(box)
    ax.set(xlim=(-0.6, 3.6), ylim=(3.6, -0.6), aspect="equal")
    ax.axis("off")
    ax.set_title(name, fontsize=10)
