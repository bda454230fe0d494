"""Outcomes of fits, and their files: numbers and labels without pickle, with a checksum."""

import io
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path

import numpy as np

from .._atomic_write import write_atomically

_MAGIC = b"skwater outcome 1\n"
_DIGEST_SIZE = 32
_SUFFIX = ".outcome"
_DONORS = "donors of "


@dataclass(frozen=True)
class Outcome:
    """What an estimator predicted for the rows that it was not fitted on.

    Parameters
    ----------
    predicted : ndarray of shape (n_test,) or (n_test, n_days)
        Labels.
    proba : ndarray of shape (n_test, n_classes) or None
        Probabilities, if the estimator has them.
    decision : ndarray of shape (n_test,) or (n_test, n_classes) or None
        Values of ``decision_function``, if there are no probabilities.
    classes : ndarray of shape (n_classes,)
        Labels of the columns.
    donors : dict of str to ndarray
        For each sampler in a pipeline, the rows of X that gave the frames of its new sequences.
    fit_time, predict_time : float
        Wall-clock seconds.
    n_lacking : int, default=0
        How many sequences samplers made fewer than they were asked for.
    """

    predicted: np.ndarray
    proba: np.ndarray | None
    decision: np.ndarray | None
    classes: np.ndarray
    donors: dict
    fit_time: float
    predict_time: float
    n_lacking: int = 0


class DamagedOutcomeError(ValueError):
    """A file that is not the outcome that its name says."""


class OutcomeStore:
    """Folder of outcomes, a file for each, that several processes can share.

    Parameters
    ----------
    folder : str or path-like
        Made if it does not exist.
    """

    def __init__(self, folder):
        Path(folder).mkdir(parents=True, exist_ok=True)
        self._folder = Path(folder).absolute()  # for workers that were started elsewhere

    def path(self, key):
        """Return the file of an outcome."""
        return self._folder / f"{key}{_SUFFIX}"

    def remove_leftovers(self):
        """Remove the half-written files of runs that were killed.

        One of a run that is still alive can be among them; :func:`write_outcome` then writes it
        again, as `write_atomically` does.
        """
        for part in self._folder.glob(f"*{_SUFFIX}.*.part"):
            try:
                part.unlink(missing_ok=True)
            except PermissionError:  # on Windows, if another process writes it
                continue


def write_outcome(path, outcome):
    """Write an outcome. The file is complete or absent, also after a kill or on a full disk.

    Parameters
    ----------
    path : Path
        Where.
    outcome : Outcome
        What.

    Raises
    ------
    ValueError
        If labels are neither numbers nor strings.
    OSError
        If the disk is full.
    """
    payload = _encode(outcome)
    write_atomically(path, _MAGIC + _checksum(path, payload) + payload)


def read_outcome(path):
    """Read an outcome, or return None if there is no such file.

    Raises
    ------
    DamagedOutcomeError
        If the file is truncated, empty or changed, or was not written for this fit. Nothing in
        it is executed.
    """
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return None
    start = len(_MAGIC) + _DIGEST_SIZE
    payload = data[start:]
    if data[:start] != _MAGIC + _checksum(path, payload):
        raise DamagedOutcomeError(f"{path} is damaged, or was not written by skwater for this fit.")
    try:
        return _decode(payload)
    except Exception as error:  # a checksum is no signature: anything can be in it
        raise DamagedOutcomeError(f"{path} does not hold the outcome of a fit: {error}") from error


def _checksum(path, payload):
    """Digest of the content and of the name, so that no other fit's file is taken for this one."""
    return blake2b(path.name.encode() + payload, digest_size=_DIGEST_SIZE).digest()


def _encode(outcome):
    arrays = {
        "predicted": _without_objects(outcome.predicted),
        "classes": _without_objects(outcome.classes),
        # Strings of one class are numpy's or Python's, and come back as what they were.
        "objects": [np.asarray(a).dtype == object for a in (outcome.predicted, outcome.classes)],
        "times": [outcome.fit_time, outcome.predict_time],
        "n_lacking": outcome.n_lacking,
    }
    arrays |= {
        name: value
        for name in ("proba", "decision")
        if (value := getattr(outcome, name)) is not None
    }
    arrays |= {_DONORS + name: rows for name, rows in outcome.donors.items()}
    file = io.BytesIO()
    np.savez(file, **arrays)
    return file.getvalue()


def _decode(payload):
    with np.load(io.BytesIO(payload), allow_pickle=False) as file:
        arrays = dict(file)
    labels = [
        arrays[name].astype(object) if was_object else arrays[name]
        for name, was_object in zip(("predicted", "classes"), arrays["objects"], strict=True)
    ]
    fit_time, predict_time = arrays["times"].tolist()
    return Outcome(
        predicted=labels[0],
        proba=arrays.get("proba"),
        decision=arrays.get("decision"),
        classes=labels[1],
        donors={
            name.removeprefix(_DONORS): rows
            for name, rows in arrays.items()
            if name.startswith(_DONORS)
        },
        fit_time=fit_time,
        predict_time=predict_time,
        n_lacking=int(arrays["n_lacking"]),
    )


def _without_objects(labels):
    labels = np.asarray(labels)
    if labels.dtype != object:
        return labels
    if all(isinstance(label, str) for label in labels.flat):
        return labels.astype(str)
    raise ValueError(
        "memory keeps labels that are numbers or strings. Bring y into that form, or do without "
        "memory."
    )
