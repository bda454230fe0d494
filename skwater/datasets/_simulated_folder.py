"""A folder of simulated images with a list of them, as an experiment would leave it."""

import csv as csv_format
from datetime import datetime, timedelta
from numbers import Integral, Real
from pathlib import Path

from numpy.typing import ArrayLike
from sklearn.utils._param_validation import Interval

from .._typing import RandomState, StrPath
from .._validation import validate_params
from ._synthetic import make_water_stress


@validate_params(
    {
        "n_plants": [Interval(Integral, 2, None, closed="left")],
        "size": [Interval(Integral, 1, None, closed="left")],
        "stressed_fraction": [Interval(Real, 0, 1, closed="both")],
        "start": [str],
        "random_state": ["random_state"],
    },
    prefer_skip_nested_validation=True,
)
def make_image_folder(
    folder: StrPath,
    *,
    n_plants: int = 18,
    size: int = 32,
    days: ArrayLike = (14, 21, 28, 35, 42),
    stressed_fraction: float = 0.4,
    start: str = "2025-05-01",
    random_state: RandomState | None = None,
) -> Path:
    """Write a folder of simulated images of watered and drying plants, and a CSV file of them.

    The plants are those of :func:`make_water_stress`, whose warnings hold: a score on them says
    whether a method works at all, and nothing about crops. They are not watered from day 28 on.

    Parameters
    ----------
    folder : str or path-like
        The folder, which is made. The images are ``images/<plant>/<date>.png`` in it.
    n_plants : int, default=18
        Number of plants, three in each treatment.
    size : int, default=32
        Height and width of an image in pixels.
    days : array-like of int of shape (n_frames,), default=(14, 21, 28, 35, 42)
        Days after sowing of the images, increasing.
    stressed_fraction : float, default=0.4
        Fraction of the treatments that are not watered from day 28 on.
    start : str, default="2025-05-01"
        Day of sowing, in ISO form.
    random_state : int, RandomState instance or None, default=None
        Seed of everything random.

    Returns
    -------
    pathlib.Path
        The list, ``<folder>/images.csv``, with the columns path, plant, date, label ("dry" or
        "wet") and treatment, for :func:`load_manifest`.

    Raises
    ------
    FileExistsError
        If the folder exists and is not empty.

    See Also
    --------
    make_water_stress : The same plants as an array.

    Examples
    --------
    >>> import tempfile
    >>> from skwater.datasets import load_manifest, make_image_folder
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     csv = make_image_folder(folder, n_plants=6, size=8, random_state=0)
    ...     plants = load_manifest(csv, start="2025-05-01", onset_day=28)
    >>> plants.data.shape, plants.days, plants.onset
    ((6, 5, 8, 8, 3), array([14, 21, 28, 35, 42]), 3)
    """
    folder = Path(folder)
    if folder.exists() and any(folder.iterdir()):
        raise FileExistsError(f"The folder {folder} is not empty: name another one.")
    plants = make_water_stress(
        n_plants,
        len(days),
        size,
        days=days,
        stressed_fraction=stressed_fraction,
        random_state=random_state,
    )
    dates = [(datetime.fromisoformat(start) + timedelta(days=int(d))).date() for d in days]
    rows = []
    for sequence, stressed, treatment, i in zip(
        plants.data, plants.target, plants.treatment, plants.plant, strict=True
    ):
        for frame, date in zip(sequence, dates, strict=True):
            path = f"images/plant-{i + 1:02}/{date}.png"
            _write_image(folder / path, frame)
            label = "dry" if stressed else "wet"
            rows.append((path, f"plant-{i + 1:02}", date, label, f"treatment-{treatment + 1}"))
    with open(folder / "images.csv", "w", newline="", encoding="utf-8") as file:
        writer = csv_format.writer(file, lineterminator="\n")
        writer.writerows([("path", "plant", "date", "label", "treatment"), *rows])
    return folder / "images.csv"


def _write_image(file, image):
    import cv2

    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(cv2.imencode(".png", image[..., ::-1])[1].tobytes())
