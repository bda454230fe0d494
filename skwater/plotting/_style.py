"""What the displays share: axes, and styles that differ without color too."""

import numpy as np

# Okabe, M., Ito, K. (2008). Color universal design. https://jfly.uni-koeln.de/color/
# Ordered so that neighbors differ in gray. Without yellow, which is too pale for lines on white.
COLORS = ["#0072B2", "#E69F00", "#000000", "#56B4E9", "#D55E00", "#009E73", "#CC79A7"]
_LINES = ["-", "--", "-.", ":", (0, (6, 1)), (0, (4, 1, 1, 1, 1, 1)), (0, (1, 1))]
_MARKERS = ["o", "s", "^", "D", "v", "P", "X"]
_WARM, _COOL = [1, 4, 6], [0, 2, 3, 5]  # positions in COLORS
GRAY = "0.4"


def series_style(i):
    """Color, line style and marker of line i. No two of the first 49 are equal."""
    n = len(COLORS)
    other = (i + i // n) % n
    return {"color": COLORS[i % n], "linestyle": _LINES[other], "marker": _MARKERS[other]}


def series_styles(labels, pos_label=None):
    """Styles of several lines: warm colors for the label of stress, cool ones for the others.

    Without `pos_label`, 1 is the label of stress if all labels are 0 or 1. Otherwise it is unknown,
    and the colors have no meaning.
    """
    if pos_label is None and set(labels) <= {0, 1}:
        pos_label = 1
    if pos_label is None:
        return [series_style(i) for i in range(len(labels))]
    styles, counts = [], {True: 0, False: 0}
    for label in labels:
        stressed = bool(label == pos_label)
        palette, i = _WARM if stressed else _COOL, counts[stressed]
        styles.append(series_style(palette[i % len(palette)] + len(COLORS) * (i // len(palette))))
        counts[stressed] += 1
    return styles


def check_pos_label(labels, pos_label):
    """Refuse a label of stress that no plant has."""
    if pos_label is not None and pos_label not in labels:
        names = ", ".join(map(str, np.unique(labels)))
        raise ValueError(f"pos_label={pos_label!r} is not in y, which has {names}.")


def new_axes(display, n_columns=1, **figure):
    """Axes in a new figure; the error without matplotlib says how to install it."""
    try:
        import matplotlib.pyplot as plt
    except ImportError as error:
        raise ImportError(
            f'{type(display).__name__}.plot needs matplotlib: pip install "skwater[plot]"'
        ) from error
    return plt.subplots(ncols=n_columns, layout="constrained", **figure)[1]


def label_time(ax, days, n_frames):
    """Label the time axis, and return the position of each frame on it."""
    ax.set_xlabel("Frame" if days is None else "Time (days)")
    return np.arange(n_frames) if days is None else days


def draw_onset(ax, onset_day):
    """Draw the line of the last irrigation."""
    return _draw_day(ax, onset_day, "last irrigation", "-")


def draw_rewatering(ax, rewatering_day):
    """Draw the line of the first irrigation after the drought."""
    return _draw_day(ax, rewatering_day, "re-watering", "--")


def _draw_day(ax, day, text, line):
    if day is None:
        return None
    label_above(ax, day, text)
    return ax.axvline(day, color=GRAY, linestyle=line, linewidth=1.2, zorder=1)


def label_above(ax, x, text, points=3):
    """Write a text so many points above the axes, outside of the data."""
    ax.annotate(
        text,
        (x, 1),
        xycoords=ax.get_xaxis_transform(),
        xytext=(0, points),
        textcoords="offset points",
        ha="center",
        va="bottom",
        color=GRAY,
    )


def draw_band(ax, x, low, high, style):
    """Fill between low and high, with a thin edge that shows the band in gray print too."""
    color, line = style["color"], style["linestyle"]
    return ax.fill_between(
        x, low, high, facecolor=(color, 0.15), edgecolor=(color, 0.5), linestyle=line, linewidth=0.8
    )


def draw_legend(ax, **options):
    """Draw a legend of what has a label. It is opaque, in case no place in the axes is empty."""
    if ax.get_legend_handles_labels()[0]:
        ax.legend(framealpha=0.85, edgecolor="none", **options)


def trim_axes(ax):
    """Remove the top and right spines."""
    ax.spines[["top", "right"]].set_visible(False)
