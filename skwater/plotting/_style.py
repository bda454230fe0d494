"""What the displays share: axes, and marks that are told apart without color too."""

import numpy as np

# Okabe, M., Ito, K. (2008). Color universal design. https://jfly.uni-koeln.de/color/
# In an order in which neighbours differ in gray; without yellow, too pale for lines on white.
COLORS = ["#0072B2", "#E69F00", "#000000", "#56B4E9", "#D55E00", "#009E73", "#CC79A7"]
_LINES = ["-", "--", "-.", ":", (0, (6, 1)), (0, (4, 1, 1, 1, 1, 1)), (0, (1, 1))]
_MARKERS = ["o", "s", "^", "D", "v", "P", "X"]
GRAY = "0.4"


def series_style(i):
    """Colour, line style and marker of series i; the first 49 have no two alike."""
    n = len(COLORS)
    other = (i + i // n) % n
    return {"color": COLORS[i % n], "linestyle": _LINES[other], "marker": _MARKERS[other]}


def new_axes(display, n_columns=1, **figure):
    """Make axes in a new figure, or say how to get matplotlib."""
    try:
        import matplotlib.pyplot as plt
    except ImportError as error:
        raise ImportError(
            f'{type(display).__name__}.plot needs matplotlib: pip install "skwater[plot]"'
        ) from error
    return plt.subplots(ncols=n_columns, layout="constrained", **figure)[1]


def label_time(ax, days, n_frames):
    """Label the axis of time, and return the place of each frame on it."""
    ax.set_xlabel("Frame" if days is None else "Time (days)")
    return np.arange(n_frames) if days is None else days


def draw_onset(ax, onset_day):
    """Draw the line of the last irrigation."""
    if onset_day is None:
        return None
    label_above(ax, onset_day, "last irrigation")
    return ax.axvline(onset_day, color=GRAY, linewidth=1.2, zorder=1)


def label_above(ax, x, text, points=3):
    """Write above the axes, so many points, where no data is."""
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
    """Fill between low and high, within a thin line that shows the band in gray print too."""
    color, line = style["color"], style["linestyle"]
    return ax.fill_between(
        x, low, high, facecolor=(color, 0.15), edgecolor=(color, 0.5), linestyle=line, linewidth=0.8
    )


def draw_legend(ax, **options):
    """Draw a legend of what has a name; it hides the lines behind it, where no place is empty."""
    if ax.get_legend_handles_labels()[0]:
        ax.legend(framealpha=0.85, edgecolor="none", **options)


def trim_axes(ax):
    """Take away the two spines that bound nothing."""
    ax.spines[["top", "right"]].set_visible(False)
