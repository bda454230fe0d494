"""Simulated images of a drought experiment, seen from above."""

from numbers import Integral, Real
from typing import Any, Literal, NamedTuple, overload

import numpy as np
from numpy.typing import ArrayLike
from scipy.ndimage import gaussian_filter, map_coordinates
from scipy.special import expit, logit
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval

from .._typing import RandomState
from .._validation import validate_params
from ..sequences import onset_from_days
from ._eschikon import DAYS
from ._plant_bunch import ExperimentBunch

# Days after sowing and mean canopy cover of watered plants, from the Eschikon indicators (Khanna
# et al. 2019, doi 10.1186/s13007-019-0398-8). Up to day 36 the values lie between those of both
# real groups, which differ before the drought already: here, nothing but chance may do that.
# Before day 12, where the authors' segmentation takes soil for leaves, nothing has come up.
_GROWTH = np.array(
    [
        (7, 0.0), (12, 0.02), (14, 0.025), (18, 0.1), (21, 0.14), (25, 0.32), (28, 0.5),
        (32, 0.7), (36, 0.8), (39, 0.9), (43, 0.92), (46, 0.94), (49, 0.962), (53, 0.96),
        (56, 0.95), (70, 0.905),
    ]
)  # fmt: skip
# Days since the onset of drought, cover relative to the watered boxes (from the same source), and
# the strength of wilting and of paling, from 0 to 1, which are invented. The real boxes recover
# 25 days after the onset.
_DROUGHT = np.array(
    [
        (0, 1.0, 0.0, 0.0), (4, 0.96, 0.1, 0.1), (8, 0.92, 0.3, 0.25), (11, 0.87, 0.5, 0.5),
        (15, 0.75, 0.7, 0.65), (18, 0.66, 0.85, 0.8), (21, 0.6, 0.95, 0.9), (25, 0.55, 1.0, 1.0),
        (28, 0.8, 0.5, 0.8), (42, 1.0, 0.1, 0.4),
    ]
)  # fmt: skip
_NITROGEN = np.array(["high", "medium", "low"])
_GROWTH_BY_NITROGEN = np.array([0.25, 0.0, -0.25])  # on the logit of the cover
_LEAF_BY_NITROGEN = np.array([[62, 108, 46], [76, 118, 52], [96, 130, 60]]) / 255
_PALE = np.array([168, 156, 84]) / 255
_SOIL = np.array([96, 76, 58]) / 255
_N_LEAVES = 16
_PLANTS_PER_TREATMENT = 3
_SMALLEST_RENDER = 32  # below this width an image is the average of a larger one

_DESCR = """\
Simulated water stress
======================

SIMULATED: these are no real plants. Single rosettes seen from above grow on soil; some stop
being watered after `onset_day` and grow less, wilt and pale, and are watered again 25 days later.

:plants: {n_plants}, in {n_treatments} treatments
:frames: {n_frames} (`days`, days after sowing), {size} x {size} pixels, red, green and blue
:target: 1 = water-stressed ({n_stressed} plants), 0 = watered
:missing images: {n_missing}

The mean canopy cover of both groups is modelled on the indicators of the Eschikon sugar beets
(Khanna et al. 2019, Plant Methods 15, https://doi.org/10.1186/s13007-019-0398-8), see
`fetch_eschikon_indicators`. Leaf shape, wilting, color, light and noise are inventions.

As there, watering and nitrogen are given to whole treatments. Low nitrogen means smaller and
paler plants, as drought does. It is drawn independently of watering, so that until the onset
stressed and watered plants differ by chance only; with few treatments chance can do much.

A score on these images says whether a method works at all, and nothing about real crops.
"""


class _Rosette(NamedTuple):
    """What is random about one plant. Leaves go from the youngest, on top, to the oldest."""

    vigor: float  # on the logit of the cover
    sensitivity: float  # to drought, 1 = as in the table
    angle: np.ndarray
    length: np.ndarray
    slenderness: np.ndarray
    droop: np.ndarray
    brightness: np.ndarray
    tint: np.ndarray
    relief: np.ndarray  # texture of the soil


@overload
def make_water_stress(
    n_plants: int = ...,
    n_frames: int = ...,
    size: int = ...,
    *,
    stressed_fraction: float = ...,
    onset_day: float = ...,
    days: ArrayLike | None = ...,
    missing: float = ...,
    random_state: RandomState | None = ...,
    return_X_y: Literal[False] = ...,
) -> ExperimentBunch: ...
@overload
def make_water_stress(
    *args: Any, return_X_y: Literal[True], **kwargs: Any
) -> tuple[np.ndarray, np.ndarray]: ...
@validate_params(
    {
        "n_plants": [Interval(Integral, 1, None, closed="left")],
        "n_frames": [Interval(Integral, 1, None, closed="left")],
        "size": [Interval(Integral, 1, None, closed="left")],
        "stressed_fraction": [Interval(Real, 0, 1, closed="both")],
        "onset_day": [Interval(Real, None, None, closed="neither")],
        "days": ["array-like", None],
        "missing": [Interval(Real, 0, 1, closed="left")],
        "random_state": ["random_state"],
        "return_X_y": ["boolean"],
    },
    prefer_skip_nested_validation=True,
)
def make_water_stress(
    n_plants: int = 30,
    n_frames: int = 16,
    size: int = 64,
    *,
    stressed_fraction: float = 0.3,
    onset_day: float = 28,
    days: ArrayLike | None = None,
    missing: float = 0.0,
    random_state: RandomState | None = None,
    return_X_y: bool = False,
) -> ExperimentBunch | tuple[np.ndarray, np.ndarray]:
    """Generate images of watered and drying rosettes, seen from above (simulated, classification).

    The canopy cover of both groups follows that of a real drought experiment with sugar beets
    [1]_; the images are invented. Plants of one treatment share watering and nitrogen; low
    nitrogen means small and pale plants, as drought does. Each date has its own light, each image
    its own camera position and noise.

    A high score here shows that a method works, not that it works on crops. Whole treatments are
    stressed: a split that ignores `treatment` lets a model recognize treatments instead.

    Parameters
    ----------
    n_plants : int, default=30
        Number of plants, spread over treatments of about three.
    n_frames : int, default=16
        Number of images of each plant.
    size : int, default=64
        Height and width of an image in pixels.
    stressed_fraction : float, default=0.3
        Fraction of the treatments that are not watered from `onset_day` on. Strictly between 0
        and 1, at least one treatment is stressed and one is not (from two plants on).
    onset_day : float, default=28
        Day after sowing on which the watering of the stressed plants stops. Until then they are
        watered plants in every respect; 25 days later they are watered again.
    days : array-like of shape (n_frames,), default=None
        Days after sowing of the images, increasing. By default the 16 dates of the real
        experiment, and for another number of frames days spread evenly over its 70.
    missing : float, default=0.0
        Probability that an image is missing. Each plant has at least one.
    random_state : int, RandomState instance or None, default=None
        Seed of everything random. An int gives the same plants on every call.
    return_X_y : bool, default=False
        If True, return ``(data, target)`` only.

    Returns
    -------
    Bunch or tuple of (data, target)
        With the attributes

        data : ndarray of shape (n_plants, n_frames, size, size, 3), dtype uint8
            Images, red, green and blue from 0 to 255. With `missing` above 0, of dtype float32,
            and missing frames are all-NaN.
        target : ndarray of shape (n_plants,), dtype int64
            1 = water-stressed, 0 = watered.
        target_names : list of str
            Their names.
        plant : ndarray of shape (n_plants,), dtype int64
            The row.
        treatment : ndarray of shape (n_plants,), dtype int64
            The groups to split by.
        nitrogen : ndarray of shape (n_plants,), dtype str
            'high', 'medium' or 'low'.
        days : ndarray of shape (n_frames,)
            Days after sowing.
        onset_day : float
            As given.
        onset : int or None
            Number of frames up to and including that day, for :class:`~skwater.RSSResampler`;
            None if there is none.
        cover : ndarray of shape (n_plants, n_frames), dtype float64
            True canopy cover, the fraction of the image that shows leaves, also of missing
            images.
        DESCR : str
            Description.

    Raises
    ------
    ValueError
        If `days` are not `n_frames` increasing numbers.

    See Also
    --------
    fetch_eschikon_indicators : The measurements that the cover is modelled on.
    skwater.preprocessing.CanopyCover : Measures the cover in the images.

    References
    ----------
    .. [1] Khanna, R., Schmid, L., Walter, A., Nieto, J., Siegwart, R., Liebisch, F. (2019).
       A spatio temporal spectral framework for plant stress phenotyping. Plant Methods 15, 13.
       https://doi.org/10.1186/s13007-019-0398-8

    Examples
    --------
    >>> from skwater.datasets import make_water_stress
    >>> plants = make_water_stress(n_plants=6, n_frames=4, size=32, random_state=0)
    >>> plants.data.shape, plants.data.dtype
    ((6, 4, 32, 32, 3), dtype('uint8'))
    >>> plants.treatment
    array([0, 0, 0, 1, 1, 1])
    """
    days = _check_days(days, n_frames)
    seed = check_random_state(random_state).randint(np.iinfo(np.int32).max)
    treatment, nitrogen, target = _design(
        n_plants, stressed_fraction, np.random.default_rng((seed, 1))
    )
    data, cover, is_missing = _render_season(days, onset_day, target, nitrogen, missing, size, seed)
    if return_X_y:
        return data, target
    return ExperimentBunch(
        data=data,
        target=target,
        target_names=["watered", "water-stressed"],
        plant=np.arange(n_plants),
        treatment=treatment,
        nitrogen=_NITROGEN[nitrogen],
        days=days,
        onset_day=onset_day,
        onset=onset_from_days(days, onset_day),
        cover=cover,
        DESCR=_DESCR.format(
            n_plants=n_plants,
            n_treatments=treatment[-1] + 1,
            n_frames=n_frames,
            size=size,
            n_stressed=target.sum(),
            n_missing=is_missing.sum(),
        ),
    )


def _check_days(days, n_frames):
    if days is None:
        # A single image is taken at the end: on day 0 there is no plant to see.
        return DAYS.copy() if n_frames == len(DAYS) else np.linspace(70, 0, n_frames)[::-1]
    days = np.asarray(days)
    numbers = days.dtype.kind in "iuf" and np.isfinite(days).all()
    if not numbers or days.shape != (n_frames,) or (np.diff(days) <= 0).any():
        raise ValueError(
            f"days must be {n_frames} increasing numbers, one for each of n_frames={n_frames}, "
            f"got {days!r}."
        )
    return days


def _design(n_plants, stressed_fraction, rng):
    """Draw treatment, index of the nitrogen level and target of each plant."""
    n_treatments = max(min(2, n_plants), -(-n_plants // _PLANTS_PER_TREATMENT))
    treatment = np.arange(n_plants) * n_treatments // n_plants
    n_stressed = round(stressed_fraction * n_treatments)
    if 0 < stressed_fraction < 1 and n_treatments > 1:
        n_stressed = min(max(n_stressed, 1), n_treatments - 1)
    nitrogen = rng.permutation(np.arange(n_treatments) % len(_NITROGEN))
    stressed = rng.permutation(np.arange(n_treatments) < n_stressed)
    return treatment, nitrogen[treatment], stressed[treatment].astype(np.int64)


def _render_season(days, onset_day, target, nitrogen, missing, size, seed):
    """Images of all plants on all days, the true cover, and which images are missing.

    There is one generator for each plant, date and image: a longer season or a larger image shows
    the same plants.
    """
    n, t = len(target), len(days)
    lights = [_light(np.random.default_rng((seed, 3, j))) for j in range(t)]
    data = np.empty((n, t, size, size, 3), np.float32 if missing else np.uint8)
    cover, luck = np.empty((n, t)), np.empty((n, t))
    for i in range(n):
        rosette = _grow(np.random.default_rng((seed, 2, i)))
        growth = logit(np.interp(days, *_GROWTH.T)) + _GROWTH_BY_NITROGEN[nitrogen[i]]
        growth += rosette.vigor
        relative_cover, wilting, paling = _drought(
            days - onset_day, target[i] * rosette.sensitivity
        )
        leaf = _LEAF_BY_NITROGEN[nitrogen[i]] * rosette.tint
        for j in range(t):
            rng = np.random.default_rng((seed, 4, i, j))
            luck[i, j] = rng.random()
            stage = expit(growth[j] + rng.normal(0, 0.3))
            stage_cover = stage * relative_cover[j]
            data[i, j], cover[i, j] = _render(
                rosette, leaf, stage, stage_cover, wilting[j], paling[j], lights[j], size, rng
            )
    is_missing = luck < missing
    is_missing[np.arange(n), luck.argmax(axis=1)] = False
    if is_missing.any():
        data[is_missing] = np.nan
    return data, cover, is_missing


def _grow(rng):
    """Draw a rosette. New leaves follow the last at the golden angle, as in beets."""
    age = np.linspace(0, 1, _N_LEAVES)
    golden = np.pi * (3 - np.sqrt(5))
    noise = rng.normal(size=(128, 128))
    relief = sum(s * gaussian_filter(noise, s, mode="wrap") for s in (0.8, 2, 6))
    return _Rosette(
        vigor=rng.normal(0, 0.35),
        sensitivity=rng.uniform(0.6, 1.4),
        angle=rng.uniform(0, 2 * np.pi)
        + golden * np.arange(_N_LEAVES)
        + rng.normal(0, 0.15, _N_LEAVES),
        length=(0.2 + 0.8 * age**0.8) * rng.normal(1, 0.1, _N_LEAVES),
        slenderness=rng.normal(1.9, 0.2, _N_LEAVES),
        droop=rng.uniform(0, 0.5, _N_LEAVES),
        brightness=(1.12 - 0.3 * age) * rng.normal(1, 0.05, _N_LEAVES),
        tint=rng.normal(1, 0.04, 3),
        relief=(relief / relief.std()).astype(np.float32),
    )


def _light(rng):
    """Draw the gain of each color channel on one date."""
    return rng.lognormal(0, 0.1) * rng.normal(1, 0.03, 3)


def _drought(days_since, strength):
    """Cover relative to watered plants, wilting and paling."""
    since, cover, wilting, paling = _DROUGHT.T
    cover, wilting, paling = (np.interp(days_since, since, of) for of in (cover, wilting, paling))
    return 1 - strength * (1 - cover), strength * wilting, strength * paling


def _render(rosette, leaf, stage, cover, wilting, paling, light, size, rng):
    """Render one image, (size, size, 3) from 0 to 255; return it and the cover that it shows.

    All leaves start in the center, and their outlines are star-shaped around it: a pixel once
    covered stays covered as the plant is scaled up. The scale that gives any cover is a quantile.
    """
    pixels_per_pixel = -(-_SMALLEST_RENDER // size)
    x, y = _camera(size * pixels_per_pixel, rng)
    radius = np.maximum(np.hypot(x, y), 1e-6)
    relief = map_coordinates(rosette.relief, (64 * y, 64 * x), order=1, mode="grid-wrap")

    directions = np.stack([np.cos(rosette.angle), np.sin(rosette.angle)]).astype(np.float32)
    along = np.stack([x / radius, y / radius], axis=-1) @ directions  # cosine of angle to each leaf
    # Leaves come up one by one; the youngest is the first.
    emerged = np.clip((stage - np.linspace(0.6, -0.3, _N_LEAVES)) / 0.3, 0, 1)
    length = rosette.length * emerged * (1 - wilting * rosette.droop)
    slenderness = rosette.slenderness * (1 + 0.8 * wilting)
    reach = _outline(along, length.astype(np.float32), slenderness.astype(np.float32))
    reach *= ((1 + 0.03 * relief) / radius)[..., None]  # uneven margins
    depth = reach / np.quantile(reach.max(axis=-1), 1 - cover)
    inside = depth > 1
    covered = inside.any(axis=-1)

    image = _SOIL * (1 + 0.22 * relief[..., None])
    image *= 1 - 0.4 * np.clip(2 * depth.max(axis=-1) - 1, 0, 1)[..., None]  # shadow of the leaves
    top = inside[covered].argmax(axis=-1)
    depth = depth[covered, top]
    # Old leaves pale first.
    pale = np.clip(paling * (0.45 + 0.4 * top / _N_LEAVES + 0.08 * relief[covered]), 0, 0.8)
    color = leaf + pale[:, None] * (_PALE - leaf)
    shade = rosette.brightness[top] * (1 - 0.35 * np.exp(-5 * (depth - 1)))  # darker margins
    midrib = np.exp(-0.5 * ((1 - along[covered, top]) / 0.003) ** 2)
    image[covered] = (color + 0.12 * midrib[:, None]) * (shade + 0.05 * relief[covered])[:, None]

    blocks = image.reshape(size, pixels_per_pixel, size, pixels_per_pixel, 3).mean(axis=(1, 3))
    blocks *= light * rng.lognormal(0, 0.03)
    blocks += rng.normal(0, 0.01, blocks.shape)
    return np.rint(255 * np.clip(blocks, 0, 1)), covered.mean()


def _camera(size, rng):
    """Coordinates of the pixels around the plant, in half widths of an image that is a bit off."""
    (dx, dy), turn = rng.normal(0, 0.03, 2), rng.normal(0, 0.05)
    axis = (2 * np.arange(size, dtype=np.float32) + 1) / size - 1
    x, y = axis + np.float32(dx), axis[:, None] + np.float32(dy)
    cos, sin = np.float32(np.cos(turn)), np.float32(np.sin(turn))
    return cos * x - sin * y, sin * x + cos * y


def _outline(along, length, slenderness):
    """How far leaves reach in directions at an angle to them of which `along` is the cosine."""
    cos2 = along * along
    spread = slenderness**2 * (1 - cos2)
    return length * (along > 0) * (cos2 / (cos2 + spread)) ** 2
