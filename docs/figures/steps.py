"""The steps of a study, in order."""

import matplotlib.pyplot as plt

STEPS = ["images", "look", "sequences", "splicing", "model", "score", "early\ndetection", "use"]
INSIDE = slice(3, 5)  # these are fitted on training plants only

figure, ax = plt.subplots(figsize=(9, 1.5))
for x, step in enumerate(STEPS):
    inside = step in STEPS[INSIDE]
    box = {"boxstyle": "round,pad=0.4", "fc": "#fde0c5" if inside else "#e8eef4", "ec": "none"}
    ax.text(x, 0, step, ha="center", va="center", bbox=box, color="black", fontsize=9)
    if x:
        ax.annotate(
            "", (x - 0.4, 0), (x - 0.6, 0), arrowprops={"arrowstyle": "-|>", "color": "#666666"}
        )
ax.text(3.5, 0.62, "inside each fold", ha="center", va="center", color="#b35a00")
ax.plot([2.6, 4.4], [0.45, 0.45], color="#b35a00")
ax.set(xlim=(-0.6, 7.6), ylim=(-0.6, 0.9))
ax.axis("off")
