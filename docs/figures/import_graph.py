"""The packages of skwater and who imports whom, read from the code."""

import ast
from pathlib import Path

import matplotlib.pyplot as plt

import skwater

ROOT = Path(skwater.__file__).parent
PARTS = sorted(
    path.stem
    for path in ROOT.iterdir()
    if (path.is_dir() or path.suffix == ".py") and not path.name.startswith("_")
)
TORCH = "#fde0c5"


def imports(path, *, at_the_top):
    """Parts of skwater that a file imports at its top, or anywhere."""
    package = path.relative_to(ROOT.parent).parent.parts
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in tree.body if at_the_top else ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.level:
            base = package[: len(package) - node.level + 1]
            names = [*base, *(node.module.split(".") if node.module else [])]
            yield from [names[1]] if len(names) > 1 else [alias.name for alias in node.names]


def edges(part, *, at_the_top):
    folder = ROOT / part
    files = folder.rglob("*.py") if folder.is_dir() else [ROOT / f"{part}.py"]
    found = {name for file in files for name in imports(file, at_the_top=at_the_top)}
    return found & set(PARTS) - {part}


top = {part: edges(part, at_the_top=True) for part in PARTS}
inside = {part: edges(part, at_the_top=False) - top[part] for part in PARTS}


def layer(part):
    """Zero if a part imports nothing of ours at its top, else one more than what it imports."""
    return 1 + max((layer(name) for name in top[part]), default=-1)


def reachable(part):
    """All that a part imports, directly or not."""
    return top[part].union(*(reachable(name) for name in top[part]))


layers = [[part for part in PARTS if layer(part) == i] for i in range(1 + max(map(layer, PARTS)))]
# Arrows that follow from others would hide the rest.
drawn = {
    part: {name for name in top[part] if not any(name in reachable(other) for other in top[part])}
    for part in PARTS
}
place = {}
for height, parts in enumerate(layers):

    def mean_below(part):
        return sum(place[name][0] for name in drawn[part]) / max(len(drawn[part]), 1)

    for i, part in enumerate(sorted(parts, key=mean_below) if height else parts):
        place[part] = (2.0 * (i - (len(parts) - 1) / 2) + 0.35 * (-1) ** height, 1.25 * height)

figure, ax = plt.subplots(figsize=(9, 1.25 * len(layers) + 0.8))
boxes = {}
for part, (x, y) in place.items():
    color = TORCH if part in {"nn", "classifiers"} else "#e8eef4"
    box = {"boxstyle": "round,pad=0.4", "fc": color, "ec": "none"}
    text = ax.text(x, y, part, ha="center", va="center", bbox=box, color="black", fontsize=9)
    boxes[part] = text.get_bbox_patch()
for targets, color, style in ((inside, "#aaaaaa", ":"), (drawn, "#56798f", "-")):
    for part, names in targets.items():
        for name in names:
            arrow = {
                "arrowstyle": "-|>",
                "color": color,
                "ls": style,
                "patchA": boxes[part],
                "patchB": boxes[name],
                "connectionstyle": "arc3,rad=0.08",
            }
            ax.annotate("", place[name], place[part], arrowprops=arrow)
xs, ys = zip(*place.values(), strict=True)
ax.set(xlim=(min(xs) - 1.2, max(xs) + 1.2), ylim=(-0.6, max(ys) + 0.6))
ax.text(min(xs) - 1.1, max(ys) + 0.4, "orange: imports torch", color="#b35a00", fontsize=9)
ax.axis("off")
