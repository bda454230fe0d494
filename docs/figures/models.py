"""The models of docs/splicing.md, read from its tables."""

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

ROWS = {
    "none": "as they are",
    "over-sampling, 5 x": "over-sampling, 5 x",
    "onset-aware scale, 5 x": "onset-aware splicing, 5 x",
}
PANELS = {"30 plants, 3:7:": "30 plants, 9 stressed", "60 plants, 1:9:": "60 plants, 6 stressed"}
COLORS = ("#bbbbbb", "#0072b2", "#e69f00")


def read(text, heading):
    """Names of the models, and for each training set the means and half-intervals."""
    lines = iter(text[text.index(heading) :].splitlines())
    table = {}
    for line in lines:
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if line.startswith("| training set"):
            models = cells[1:]
        elif cells[0] in ROWS:
            table[cells[0]] = np.array([[float(v) for v in c.split(" ± ")] for c in cells[1:]])
        if len(table) == len(ROWS):
            return models, table
    raise ValueError(f"no table after {heading!r}")


text = Path("splicing.md").read_text(encoding="utf-8")
text = text[text.index("## All samplers") :]
figure, axes = plt.subplots(2, 1, figsize=(8, 5.4), sharex=True)
for ax, (heading, title) in zip(axes, PANELS.items(), strict=True):
    models, table = read(text, heading)
    for i, (row, label) in enumerate(ROWS.items()):
        mean, half = table[row].T
        ax.errorbar(
            np.arange(len(models)) + 0.2 * (i - 1),
            mean,
            half,
            fmt="o^s"[i],
            color=COLORS[i],
            label=label,
        )
    ax.axhline(0.5, color="#555555", ls="--", lw=1)
    ax.set(ylim=(0.45, 0.95), ylabel="Balanced accuracy")
    ax.set_title(title, loc="left", fontsize=10)
axes[1].set_xticks(range(len(models)), models)
axes[0].legend(loc="lower right", bbox_to_anchor=(1, 1), frameon=False, ncols=3, fontsize=9)
