"""The sections of a report: a title, and blocks that the template knows how to show.

A block is a dict of one item: ``text``, a paragraph; ``facts``, pairs of a term and a text;
``charts``, pairs of an image and what it shows; ``html``, a table in HTML, escaped already;
``frames``, images of plants on dates; ``links``, pairs of a text and an address. Charts that are
``wide`` too are never made smaller on a screen.
"""

import platform
from copy import copy

import numpy as np

from ..sequences import frame_shape, has_images
from ._report_figures import draw, draw_thumbnails
from ._report_plants import (
    choose_frames,
    choose_plants,
    describe_plants,
    find_wrong,
    show_day,
    tabulate_treatments,
)
from ._result import html_table, show_libraries
from ._tasks import VERSIONS

_MOST_CHANNELS = 4  # of which growth is drawn
_WIDE = 8  # inches
_CITE = [
    (f"skwater {VERSIONS['skwater']}, by name and version", None),
    (
        "the ConvLSTM, if one was used: Shi et al., NeurIPS 2015",
        "https://arxiv.org/abs/1506.04214",
    ),
    (
        "ConvLSTM with Random Sequence Splicing for water stress: code and notebooks",
        "https://github.com/GVS-007/Spatio-Temporal-Analysis",
    ),
    (
        "the Eschikon experiment, if its data were used: Khanna et al., Plant Methods 2019",
        "https://doi.org/10.1186/s13007-019-0398-8",
    ),
]


def make_sections(plants, result, curves, tests, importance):
    """All sections for which there is something to show, as a list of (title, blocks)."""
    results = [*filter(None, [result]), *curves.values(), *tests.values()]
    sections = {
        "In short": _findings(result, curves, tests),
        "Plants": [] if plants is None else _plants(plants),
        "Growth": [] if plants is None or plants.X is None else _growth(plants),
        "Scores": [] if result is None else _scores(result),
        "Plants classified wrongly": [] if result is None else _wrong(result, plants),
        "Early detection": _curves(curves),
        "Permutation tests": _tests(tests),
        "Importance of dates": [] if importance is None else _importance(importance),
        "Methods": [{"text": _methods(part)} for part in results],
        "How to cite": [{"links": _CITE}],
        "Versions": [{"text": _versions()}],
    }
    return [(title, blocks) for title, blocks in sections.items() if blocks]


def _findings(result, curves, tests):
    found = [] if result is None else result._findings()
    for name, part in [*curves.items(), *tests.items()]:
        prefix = f"{name}: " if name else ""
        found += [prefix + " ".join(part._findings())]
    return [{"text": text} for text in found]


def _plants(plants):
    blocks = [{"facts": describe_plants(plants)}]
    if plants.X is not None and has_images(plants.X):
        rows = choose_plants(plants)
        classes = [] if plants.classes is None else plants.classes[rows]
        text = "The first plants of each class" if len(classes) else "The first plants"
        blocks += _frames(plants, rows, [[c] for c in classes] or [[]] * len(rows), text)
    treatments = tabulate_treatments(plants)
    return blocks + ([{"html": html_table(treatments)}] if treatments else [])


def _frames(plants, rows, remarks, text):
    """Images of some plants on some dates, and what they are."""
    n_frames = plants.X.shape[1]
    frames = choose_frames(n_frames)
    images = draw_thumbnails(plants.X, rows, frames, plants.missing)
    days = frames if plants.days is None else plants.days[frames]
    n_before = 0
    if plants.onset_day is not None and plants.days is not None:
        n_before = int((days <= plants.onset_day).sum())
    shown = "all frames" if len(frames) == n_frames else f"{len(frames)} of {n_frames} frames"
    return [
        {"text": f"{text}, {shown}."},
        {
            "frames": {
                "unit": "frame" if plants.days is None else "day",
                "days": [show_day(day) for day in days],
                "n_before": n_before,
                "plants": [
                    (plants.names[i], remark, [images.get((int(i), int(t))) for t in frames])
                    for i, remark in zip(rows, remarks, strict=True)
                ],
            }
        },
    ]


def _growth(plants):
    import skwater

    n_channels, options = frame_shape(plants.X)[-1], [{}]
    if has_images(plants.X):
        if n_channels != 3:
            return []  # no canopy cover without colors
    else:
        names = plants.feature_names or [None] * n_channels
        channels = range(min(n_channels, _MOST_CHANNELS))
        options = [{"channel": k, "value_name": names[k]} for k in channels]
    classes = np.full(plants.n, "all plants") if plants.classes is None else plants.classes
    common = {
        "days": plants.days,
        "onset_day": None if plants.days is None else plants.onset_day,
        "pos_label": plants.pos_label,
    }

    def draw_growth(ax, chosen):
        display = skwater.plotting.GrowthDisplay
        display.from_sequences(plants.X, classes, **common, **chosen, ax=ax)

    charts = [
        (draw(lambda ax, o=o: draw_growth(ax, o)), f"{o.get('value_name') or 'Growth'} over time")
        for o in options
    ]
    blocks = [{"charts": charts}]
    if len(options) < n_channels and not has_images(plants.X):
        blocks.append({"text": f"The first {len(options)} of {n_channels} numbers of each frame."})
    return blocks


def _scores(result):
    blocks = [{"html": result._repr_html_()}]
    if result.rows:
        height = 1.2 + 0.35 * len(result.rows)
        chart = draw(lambda ax: result.plot(ax=ax), height, width=_WIDE)
        shows = "Balanced accuracies with their 95 % intervals"
        blocks.insert(0, {"charts": [(chart, shows)], "wide": True})
    return blocks


def _wrong(result, plants):
    wrong = find_wrong(result, plants)
    if wrong is None:
        return []
    if not wrong["n"]:
        return [{"text": f"None: {wrong['model']} classified all plants correctly."}]
    n_shown, plural = len(wrong["rows"]), "s" if wrong["n"] > 1 else ""
    text = (
        f"{wrong['model']} classified {wrong['n']} plant{plural} wrongly at least once. It was "
        f"never fitted on the plants that it classified."
    )
    if n_shown < wrong["n"]:
        text += f" The {n_shown} that were wrong most often are shown."
    if "wrong by baseline" in wrong["table"]:
        text += f" The baseline is {result.best_baseline}."
    if "donors of that class" in wrong["table"]:
        text += (
            " Donors are the plants that gave most frames to the spliced training sequences of the "
            "class under 'classified as'."
        )
    blocks = [{"text": text}, {"html": html_table(wrong["table"])}]
    if plants.X is not None and has_images(plants.X):
        true = plants.classes[wrong["rows"]]
        remarks = [[c, f"as {s}"] for c, s in zip(true, wrong["said"], strict=True)]
        blocks += _frames(plants, wrong["rows"], remarks, "Their images")
    return blocks


def _curves(curves):
    import skwater

    if not curves:
        return []
    display = skwater.plotting.EarlyDetectionDisplay
    chart = draw(lambda ax: display.from_curves(curves, ax=ax), height=4.6)  # with its legend
    tables = [{"html": curve._repr_html_()} for curve in curves.values()]
    return [{"charts": [(chart, "Score against the day up to which images were seen")]}, *tables]


def _tests(tests):
    blocks = []
    for name, test in tests.items():
        chart = draw(lambda ax, test=test: test.plot(ax=ax))
        shows = "Scores of the labelings, and that of the true labels"
        blocks += [{"text": name}] if name else []
        blocks += [{"charts": [(chart, shows)]}, {"html": test._repr_html_()}]
    return blocks


def _importance(display):
    plot, has_regions = copy(display).plot, display.by_region is not None
    chart = draw(plot, width=_WIDE, n_axes=2) if has_regions else draw(plot)
    text = (
        "How far the probability of the true class falls if a date is hidden, with one standard "
        "error. If several dates hold the same information, each of them looks useless."
    )
    wide = {"wide": True} if has_regions else {}
    return [{"charts": [(chart, "Importance of each date")]} | wide, {"text": text}]


def _methods(part):
    return part.describe().removesuffix(show_libraries()).strip()


def _versions():
    system = f"{platform.system()} on {platform.machine()}"
    return f"{show_libraries()[:-1]}, with Python {platform.python_version()}, {system}."
