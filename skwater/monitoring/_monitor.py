"""Follow plants through the season, one new image at a time."""

import zipfile
from collections.abc import Iterable
from numbers import Integral, Real
from typing import Any, Literal, NamedTuple, Self

import numpy as np
import torch
from numpy.typing import ArrayLike
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import check_is_fitted

from .._atomic_write import write_atomically
from .._typing import StrPath
from .._validation import validate_params
from ._rule import Rule
from ._step_model import StepModel

# So many values of frames make one step: the network needs many times the memory of a frame.
_VALUES_AT_ONCE = 2**17


class PlantStatus(NamedTuple):
    """What is known of a plant after its last frame.

    Parameters
    ----------
    plant : str
        Name of the plant.
    day : float
        Day of the last frame.
    probability : float
        Probability of stress, from 0 to 1.
    trend : float
        Change of the probability per day since the image before; NaN after the first image.
    alarm : bool
        Whether an alarm was raised on this day or before.
    alarm_day : float
        Day of the alarm; NaN if there was none.

    Examples
    --------
    >>> from skwater.monitoring import PlantStatus
    >>> status = PlantStatus("a", 12.0, 0.9, 0.1, True, 12.0)
    >>> status.alarm_day
    12.0
    """

    plant: str
    day: float
    probability: float
    trend: float
    alarm: bool
    alarm_day: float


class _Memory:
    """What is kept of a plant: the state of the network, and where its alarm stands."""

    def __init__(self):
        self.state = None
        self.n_frames = 0
        self.n_in_a_row = 0
        self.image_day = np.nan  # of the last frame that was not missing
        self.status = None

    @torch.inference_mode()
    def write(self, state):
        """Copy a state to the memory of the last one: new memory for each frame leaves gaps."""
        if self.state is None:
            self.state = tuple(part.clone() for part in state)
        else:
            for old, part in zip(self.state, state, strict=True):
                old.copy_(part)


class StressMonitor:
    """Raise alarms for plants during the season, with one network step for each new image.

    The network's state of each plant is kept between images, so that an update costs one step
    however long the season is. Probabilities are those of ``predict_proba_over_time`` on all
    frames so far, and alarms follow the rule of :class:`~skwater.EarlyDetector`: the first frame
    on which the probability has been at least `threshold` for `n_consecutive` images in a row.

    A network that was trained on whole seasons can be far off early in the season: it may call
    every plant stressed. :class:`~skwater.resampling.SeasonStarts` before it teaches it the first
    weeks. Each image is one more chance of a false alarm: choose `threshold` on inner folds, see
    :class:`~skwater.EarlyDetector`.

    Parameters
    ----------
    estimator : object
        A fitted :class:`~skwater.ConvLSTMClassifier`, :class:`~skwater.CNNLSTMClassifier` or other
        :class:`~skwater.SequenceClassifier` whose network has a method ``step``; a pipeline that
        ends in one and whose transformers treat each frame by itself; or an
        :class:`~skwater.EarlyDetector` of one of these with ``one_model_per_date=False``.
    threshold : float, default=None
        Probability of stress, from 0 to 1, that counts as evidence. Needed, unless the estimator
        is an ``EarlyDetector``, whose rule is used.
    n_consecutive : int, default=1
        How many images in a row must be evidence.
    pos_label : int, float, bool or str, default=None
        The class that is stressed. None takes 1 if the classes are 0 and 1, -1 and 1, or booleans.
    days : array-like of shape (n_frames,), default=None
        Day of each frame in training. By default those that the loader of the training images
        gave. Needed by a :class:`~skwater.preprocessing.FrameScaler` in the pipeline, which
        scales each date by itself, and used for ``min_frames`` of an ``EarlyDetector``.
    on_old_day : {"raise", "ignore"}, default="raise"
        What to do with a day that is not later than the last one of the plant.

    Attributes
    ----------
    estimator : object
        As given.
    frame_shape : tuple of int
        Shape of a frame in training.
    plants : list of str
        Names of the plants seen so far.

    Raises
    ------
    ValueError
        If the estimator cannot be updated with one image at a time; the part at fault is named.

    See Also
    --------
    skwater.EarlyDetector : The same rule for whole sequences.
    skwater.resampling.SeasonStarts : Lets the network know the first weeks.
    skwater.predict_images : Predicts all images of a folder at once.

    Examples
    --------
    >>> from skwater import ConvLSTMClassifier
    >>> from skwater.datasets import make_water_stress
    >>> from skwater.monitoring import StressMonitor
    >>> X, y = make_water_stress(12, 4, 8, random_state=0, return_X_y=True)
    >>> model = ConvLSTMClassifier(hidden_channels=4, random_state=0).fit(X, y)
    >>> monitor = StressMonitor(model, threshold=0.5)
    >>> for day, frame in zip([0, 4, 7, 11], X[0]):
    ...     status = monitor.update("plant 1", frame, day)
    >>> bool(abs(status.probability - model.predict_proba(X[:1])[0, 1]) < 1e-6)
    True
    """

    @validate_params(
        {
            "threshold": [Interval(Real, 0, 1, closed="both"), None],
            "n_consecutive": [Interval(Integral, 1, None, closed="left")],
            "on_old_day": [StrOptions({"raise", "ignore"})],
        },
        prefer_skip_nested_validation=True,
    )
    def __init__(
        self,
        estimator: Any,
        *,
        threshold: float | None = None,
        n_consecutive: int = 1,
        pos_label: float | str | None = None,
        days: ArrayLike | None = None,
        on_old_day: Literal["raise", "ignore"] = "raise",
    ) -> None:
        check_is_fitted(estimator)
        self.estimator = estimator
        self._rule = Rule(estimator, threshold, n_consecutive, pos_label)
        self._model = StepModel(estimator, days)
        self.frame_shape = self._model.frame_shape
        self.on_old_day = on_old_day
        self._memories = {}

    @property
    def plants(self) -> list[str]:
        return list(self._memories)

    def status(self, plant: str) -> PlantStatus:
        """What is known of a plant.

        Parameters
        ----------
        plant : str
            Name of the plant.

        Returns
        -------
        PlantStatus
            As :meth:`update` returned it last.

        Raises
        ------
        KeyError
            If there was no frame of this plant.
        """
        return self._memories[str(plant)].status

    def update(self, plant: str, frame: ArrayLike | None, day: float) -> PlantStatus:
        """Take one new image of a plant.

        Parameters
        ----------
        plant : str
            Name of the plant.
        frame : array-like of the shape of one frame in training, or None
            The image, vector or number. None or all-NaN is a missing frame.
        day : float
            Day of the frame, counted as in training.

        Returns
        -------
        PlantStatus
            What is known of the plant now.

        Raises
        ------
        ValueError
            If the frame is not like those of training, or the day is not later than the last one.
        """
        return self.update_many([plant], [frame], day)[0]

    def update_many(
        self, plants: Iterable[str], frames: Iterable[ArrayLike | None], day: float
    ) -> list[PlantStatus]:
        """Take one new image of each of several plants, in batches.

        Parameters
        ----------
        plants : list of str
            Names of the plants, each once.
        frames : sequence of array-like
            The frame of each plant, as in :meth:`update`; also lazy sequences of one frame each,
            such as ``X[:, :1]``.
        day : float
            Day of all these frames.

        Returns
        -------
        list of PlantStatus
            What is known of each plant now.

        Raises
        ------
        ValueError
            As in :meth:`update`, or if a plant is named twice. No plant is updated then.
        """
        plants, day = [str(plant) for plant in plants], self._check_day(day)
        if len(set(plants)) < len(plants) or len(plants) != len(frames):
            raise ValueError(
                f"update_many takes one frame for each plant, got {len(plants)} plants, of which "
                f"{len(set(plants))} are different, and {len(frames)} frames."
            )
        new = [i for i, plant in enumerate(plants) if self._is_new(plant, day)]
        at_once = max(1, _VALUES_AT_ONCE // int(np.prod(self.frame_shape)))
        parts = [new[start : start + at_once] for start in range(0, len(new), at_once)]
        # What can fail comes first, for all plants: the states are not in memory twice.
        prepared = [
            self._model.prepare(
                np.stack([_as_frame(frames[i], self.frame_shape) for i in part]), day
            )
            for part in parts
        ]
        for part, (x, missing) in zip(parts, prepared, strict=True):
            memories = [self._memories.get(plants[i], _Memory()) for i in part]
            states, probabilities = self._model.step([m.state for m in memories], x)
            for k, memory in enumerate(memories):
                memory.write(states[k])
                probability = float(probabilities[k, self._rule.pos])
                self._follow(plants[part[k]], memory, probability, day, missing[k])
                self._memories[plants[part[k]]] = memory
        return [self._memories[plant].status for plant in plants]

    def _check_day(self, day):
        if not (isinstance(day, Real) and np.isfinite(day)):
            raise ValueError(f"day must be a finite number, counted as in training, got {day!r}.")
        if self._model.days is not None and day not in self._model.days:
            raise ValueError(
                f"day {day:g} is none of the days of training: "
                f"{', '.join(f'{known:g}' for known in self._model.days)}."
            )
        return float(day)

    def _is_new(self, plant, day):
        memory = self._memories.get(plant)
        if memory is None or day > memory.status.day:
            return True
        if self.on_old_day == "raise":
            raise ValueError(
                f"Plant {plant} has a frame of day {memory.status.day:g}; day {day:g} is not "
                f'later. Pass on_old_day="ignore" to ignore such frames.'
            )
        return False

    def _follow(self, plant, memory, probability, day, is_missing):
        """Apply the rule to the probability after a frame."""
        before, rule, days = memory.status, self._rule, self._model.days
        memory.n_frames += 1
        alarm_day = np.nan if before is None else before.alarm_day
        trend = np.nan if before is None else before.trend
        if not is_missing:
            trend = np.nan
            if np.isfinite(memory.image_day):
                trend = (probability - before.probability) / (day - memory.image_day)
            memory.image_day = day
            number = memory.n_frames if days is None else int(np.searchsorted(days, day)) + 1
            if number >= rule.min_frames:
                memory.n_in_a_row = (memory.n_in_a_row + 1) * (probability >= rule.threshold)
            if np.isnan(alarm_day) and memory.n_in_a_row >= rule.n_consecutive:
                alarm_day = day
        alarm = bool(np.isfinite(alarm_day))
        memory.status = PlantStatus(plant, day, probability, trend, alarm, alarm_day)

    def save(self, path: StrPath) -> None:
        """Write the states of all plants to a file, to go on after a restart.

        The file replaces an older one at once, so that it is never half written.

        Parameters
        ----------
        path : str or path-like
            The file, an ``.npz`` archive without pickles.
        """
        arrays = self._to_arrays()
        write_atomically(path, lambda file: np.savez(file, **arrays))

    def _to_arrays(self):
        memories = list(self._memories.values())
        arrays = {"model": np.array(self._model.fingerprint())}
        if memories:
            arrays["plant"] = np.array([m.status.plant for m in memories])
            arrays["status"] = np.array([m.status[1:] for m in memories], dtype=np.float64)
            arrays["counts"] = np.array([(m.n_frames, m.n_in_a_row) for m in memories])
            arrays["image_day"] = np.array([m.image_day for m in memories])
            for k, parts in enumerate(zip(*(m.state for m in memories), strict=True)):
                arrays[f"state_{k}"] = torch.stack(parts).cpu().numpy()
        return arrays

    def load(self, path: StrPath) -> Self:
        """Read the states that :meth:`save` wrote; they replace those of this monitor.

        Parameters
        ----------
        path : str or path-like
            The file.

        Returns
        -------
        StressMonitor
            The monitor itself.

        Raises
        ------
        ValueError
            If the file is damaged, or was written by a monitor of another model.
        FileNotFoundError
            If there is no such file.
        """
        try:
            with np.load(path, allow_pickle=False) as file:
                arrays = dict(file)
            model = str(arrays["model"])
            memories = _unpack(arrays) if model == self._model.fingerprint() else None
        except (ValueError, KeyError, EOFError, OSError, zipfile.BadZipFile) as error:
            if isinstance(error, FileNotFoundError):
                raise
            raise ValueError(f"{path} does not hold the states of a monitor: {error}") from error
        if memories is None:
            raise ValueError(f"{path} was written by a monitor of another model.")
        self._memories = memories
        return self


def _as_frame(frame, shape):
    if frame is None:
        return np.full(shape, np.nan)
    frame = np.asarray(frame)
    if frame.shape == (1, *shape):
        frame = frame[0]
    if frame.shape != shape:
        raise ValueError(f"The frame has shape {frame.shape}, those of training had {shape}.")
    return frame


def _unpack(arrays):
    names = sorted((name for name in arrays if name.startswith("state_")), key=lambda n: int(n[6:]))
    memories = {}
    for i, plant in enumerate(arrays.get("plant", np.array([])).tolist()):
        memory = memories[plant] = _Memory()
        memory.state = tuple(torch.from_numpy(arrays[name][i].copy()) for name in names)
        memory.n_frames, memory.n_in_a_row = arrays["counts"][i].tolist()
        memory.image_day = float(arrays["image_day"][i])
        day, probability, trend, alarm, alarm_day = arrays["status"][i].tolist()
        memory.status = PlantStatus(plant, day, probability, trend, bool(alarm), alarm_day)
    return memories
