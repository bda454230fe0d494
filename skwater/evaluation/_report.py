"""One HTML file that hands a study on: what was measured, what came out, and how."""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import date
from importlib.resources import files
from typing import TYPE_CHECKING

from numpy.typing import ArrayLike
from sklearn.utils import Bunch
from sklearn.utils._param_validation import HasMethods

from .._atomic_write import write_atomically
from .._typing import StrPath
from .._validation import validate_params
from ..sequences import SequencesLike
from ._benchmark_result import BenchmarkResult
from ._early_result import EarlyDetectionCurve
from ._permutation_result import PermutationResult
from ._report_plants import collect_plants
from ._report_sections import make_sections
from ._tasks import VERSIONS

if TYPE_CHECKING:
    from ..plotting import FrameImportanceDisplay


@validate_params(
    {
        "path": [str, os.PathLike],
        "data": ["array-like", dict, HasMethods("__getitem__"), None],
        "y": ["array-like", None],
        "result": [BenchmarkResult, None],
        "curve": [EarlyDetectionCurve, dict, None],
        "permutation": [PermutationResult, dict, None],
        "importance": [HasMethods("plot"), None],
        "title": [str],
        "notes": [str, None],
    },
    prefer_skip_nested_validation=True,
)
def report(
    path: StrPath,
    *,
    data: SequencesLike | Bunch | None = None,
    y: ArrayLike | None = None,
    result: BenchmarkResult | None = None,
    curve: EarlyDetectionCurve | Mapping[str, EarlyDetectionCurve] | None = None,
    permutation: PermutationResult | Mapping[str, PermutationResult] | None = None,
    importance: FrameImportanceDisplay | None = None,
    title: str = "Water stress in plants",
    notes: str | None = None,
) -> None:
    """Write a report of plants and results: one HTML file that can be read, printed, passed on.

    It has sections for what it is given: the plants (dates, treatments, missing frames, images of
    some plants, growth), the table of a benchmark, the plants that its best model classified
    wrongly, with their images and donors, the early-detection curve, permutation tests, the
    importance of each date, the methods in words, how to cite, and versions. The file needs no
    network and no script, and prints on A4. It has about 1 MB for 100 plants; at most 6 plants
    and 20 wrong ones are shown, on at most 12 dates.

    It cannot check that all parts are of the same study, only that plants and classes fit each
    other. Names, labels and some small images of the plants are in the file: look at it before you
    pass it on. The versions are those of the environment in which the report is written, so write
    it where the results were computed.

    Parameters
    ----------
    path : str or path-like
        File to write. If it exists, it is replaced as a whole.
    data : Bunch or array-like or lazy sequences of shape (n_samples, n_frames, ...), default=None
        The plants: what a loader of ``skwater.datasets`` returns, with names, days and
        treatments, or the sequences alone. Images of one plant at a time are read.
    y : array-like of shape (n_samples,), default=None
        Class of each plant. By default that of `result`, or else of `data`.
    result : BenchmarkResult, default=None
        Of :func:`benchmark`, on the same rows as `data`.
    curve : EarlyDetectionCurve or dict of {str: EarlyDetectionCurve}, default=None
        Of :func:`early_detection_curve`, or several by name.
    permutation : PermutationResult or dict of {str: PermutationResult}, default=None
        Of :func:`permutation_test` or :func:`exchangeability_test`, or several by name.
    importance : FrameImportanceDisplay, default=None
        Of a model and plants that it was not fitted on.
    title : str, default="Water stress in plants"
        Heading.
    notes : str, default=None
        Text below it: who measured what, and why. Blank lines separate paragraphs.

    Raises
    ------
    ImportError
        If jinja2 or matplotlib is not installed.
    ValueError
        If there is nothing to report, or `data`, `y` and `result` do not fit each other.

    See Also
    --------
    BenchmarkResult.to_html : A report of one result.

    Examples
    --------
    >>> import os, tempfile
    >>> from sklearn.linear_model import LogisticRegression
    >>> from skwater.datasets import make_water_stress
    >>> from skwater.evaluation import benchmark, report
    >>> from skwater.preprocessing import CanopyCover
    >>> plants = make_water_stress(n_plants=12, n_frames=4, size=16, random_state=0)
    >>> cover = CanopyCover().fit_transform(plants.data)
    >>> result = benchmark(
    ...     {"lr": LogisticRegression()}, cover, plants.target, groups=plants.plant, n_repeats=1,
    ...     random_state=0, verbose=0,
    ... )
    >>> path = os.path.join(tempfile.mkdtemp(), "report.html")
    >>> report(path, data=plants, result=result, notes="Simulated plants.")
    >>> os.path.getsize(path) < 3e6
    True
    """
    curves = _by_name(curve, EarlyDetectionCurve, "curve")
    tests = _by_name(permutation, PermutationResult, "permutation")
    if data is None and result is None and not (curves or tests) and importance is None:
        raise ValueError(
            "There is nothing to report: pass data, result, curve, permutation or importance."
        )
    try:
        import jinja2
        import matplotlib  # noqa: F401  # before anything is drawn
    except ImportError as error:
        raise ImportError(
            'A report needs jinja2 and matplotlib: pip install "skwater[report]"'
        ) from error
    plants = collect_plants(data, y, result, curves)
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    source = files("skwater.evaluation").joinpath("_report.html.jinja").read_text("utf-8")
    text = environment.from_string(source).render(
        title=title,
        notes=[] if notes is None else notes.strip().split("\n\n"),
        made=f"skwater {VERSIONS['skwater']}, {date.today().isoformat()}",
        sections=make_sections(plants, result, curves, tests, importance),
    )
    write_atomically(path, text.encode())


def _by_name(results, cls, what):
    """Results as a dict by their names."""
    if results is None:
        return {}
    if isinstance(results, cls):
        return {getattr(results, "name", None): results}
    for name, value in results.items():
        if not isinstance(value, cls):
            raise TypeError(f"{what}[{name!r}] must be of {cls.__name__}, got {value!r}.")
    return results
