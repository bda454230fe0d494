"""Gains over random over-sampling, read from docs/splicing.md."""

import re
from pathlib import Path

import matplotlib.pyplot as plt

NAMES = {1: "plain splicing", 2: "onset-aware, keep", 4: "onset-aware, scale"}
COLORS = {1: "#999999", 2: "#56b4e9", 4: "#e69f00"}

text = Path("splicing.md").read_text(encoding="utf-8")
text = text[text.index("## Gain over") :]
text = text[text.index("60 plants, 1:9:") : text.index("## Shorter seasons")]
rows = [line.strip("|").split("|") for line in text.splitlines() if ", 5 x" in line]

figure, ax = plt.subplots(figsize=(8, 3.6))
for i, row in enumerate(rows):
    for column, name in NAMES.items():
        mean, low, high = (float(v) for v in re.findall(r"[+-]\d\.\d+", row[column]))
        ax.errorbar(
            i + 0.2 * (column / 1.5 - 1.5),
            mean,
            [[mean - low], [high - mean]],
            fmt={1: "o", 2: "^", 4: "s"}[column],
            color=COLORS[column],
            label=name if i == 0 else None,
        )
ax.axhline(0, color="#555555", lw=1)
ax.set_xticks(range(len(rows)), [row[0].strip().removesuffix(", 5 x") for row in rows])
ax.set_ylabel("Gain in balanced accuracy")
ax.legend(frameon=False, loc="upper left", fontsize=9)
