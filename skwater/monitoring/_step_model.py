"""A fitted estimator that takes one frame of each plant at a time."""

import copy
import hashlib

import numpy as np
import torch
from sklearn.pipeline import Pipeline

from ..classifiers import SequenceClassifier
from ..classifiers._batches import to_tensor
from ..classifiers._prediction import to_probabilities
from ..early_detection import EarlyDetector
from ..preprocessing import FrameScaler
from ..sequences import check_days, frame_shape_of, missing_frames


class StepModel:
    """A fitted estimator that takes one frame of each plant at a time.

    Parameters
    ----------
    estimator : object
        A recurrent classifier, a pipeline that ends in one, or an EarlyDetector of one of these.
    days : array-like of shape (n_frames,) or None
        Day of each frame in training, if the loader did not give them.

    Raises
    ------
    ValueError
        If a part of the estimator needs more than one frame; it is named.
    """

    def __init__(self, estimator, days):
        self._steps, self._classifier = split_steps(estimator)
        self.days = _days_of((*self._steps, self._classifier), days)
        self._module, self._dtype = _network(self._classifier)

    @property
    def frame_shape(self):
        """Shape of a frame as the first step takes it."""
        return (*self._steps, self._classifier)[0].sequence_shape_[1:]

    def step(self, states, x):
        """Advance the state of each plant by one frame.

        Parameters
        ----------
        states : list of tuple of tensor or None
            State of each plant; None before its first frame.
        x : tensor of shape (n_plants, c, h, w)
            Their frames, prepared.

        Returns
        -------
        states : list of tuple of tensor
            The new states, views of what all plants have in common: copy what is to stay.
        probabilities : ndarray of shape (n_plants, n_classes), dtype float64
            Probabilities after the frame.
        """
        with torch.inference_mode():
            logits, new = self._module.step(x, _stack(states, self._module, x))
            # Those that come from a file are on the processor too.
            states = list(zip(*(part.cpu() for part in new), strict=True))
        return states, to_probabilities(logits.cpu().numpy().astype(np.float64))

    def prepare(self, frames, day):
        """Carry the frame of each plant, all of one day, through the steps before the network.

        Parameters
        ----------
        frames : ndarray of shape (n_plants, ...)
            The frame of each plant; all-NaN is missing.
        day : float
            Their day.

        Returns
        -------
        x : tensor of shape (n_plants, c, h, w)
            What the network takes.
        missing : ndarray of shape (n_plants,), dtype bool
            Which frames are missing.
        """
        X = frames[:, None]
        missing = missing_frames(X)[:, 0]
        h, w, c = frame_shape_of(self._classifier.sequence_shape_)
        x = torch.full((len(X), c, h, w), torch.nan, dtype=self._dtype)
        if not missing.all():
            present = X[~missing]
            for transformer in self._steps:
                present = self._transform(transformer, present, day)
            mean, std = self._classifier.mean_, self._classifier.std_
            dtype = np.float64 if self._dtype == torch.float64 else np.float32
            x[torch.from_numpy(~missing)] = to_tensor(present, mean, std, dtype)[:, 0]
        return x.to(self._classifier.net_.device), missing

    def _transform(self, transformer, X, day):
        if not isinstance(transformer, FrameScaler):
            return transformer.transform(X)
        position = int(np.searchsorted(self.days, day))  # it scales each date by itself
        season = np.full((len(X), len(self.days), *X.shape[2:]), np.nan, X.dtype)
        season[:, position] = X[:, 0]
        return transformer.transform(season)[:, position : position + 1]

    def fingerprint(self):
        """Digest of the weights, and of how inputs are standardized."""
        digest = hashlib.sha256()
        for name, value in self._module.state_dict().items():
            digest.update(name.encode() + value.cpu().numpy().tobytes())
        digest.update(self._classifier.mean_.tobytes() + self._classifier.std_.tobytes())
        return digest.hexdigest()


def split_steps(estimator, user="a monitor", *, needs_step=True):
    """Transformers and classifier of an estimator; ValueError if one cannot take single images.

    `user` is what the error says cannot take the estimator; `needs_step` is False if the network
    may be one that takes whole sequences only.
    """
    if isinstance(estimator, EarlyDetector):
        if estimator.one_model_per_date:
            raise ValueError(
                "This EarlyDetector has a model for each date, none of which can be updated with "
                "one image: fit it with one_model_per_date=False."
            )
        estimator = estimator.estimators_[0]
    steps = [step for _, step in estimator.steps] if isinstance(estimator, Pipeline) else []
    *steps, last = steps or [estimator]
    steps = [s for s in steps if s not in (None, "passthrough") and not hasattr(s, "fit_resample")]
    for step in steps:
        if not (getattr(step, "_by_frame", False) or isinstance(step, FrameScaler)):
            raise ValueError(
                f"{type(step).__name__} looks at several frames of a plant, or may do so: "
                f"{user} takes transformers that treat each frame by itself only."
            )
    is_ours = isinstance(last, SequenceClassifier)
    if not is_ours or (needs_step and not hasattr(last.net_.module_, "step")):
        what = type(last).__name__
        if is_ours:
            what = f"{type(last.net_.module_).__name__}, the network of {what},"
        raise ValueError(
            f"{what} has no step for one more frame: {user} needs a recurrent network, such as "
            f"ConvLSTMClassifier or CNNLSTMClassifier."
        )
    return steps, last


def _days_of(steps, days):
    if days is None:
        days = getattr(steps[0], "recipe_", {}).get("days")
    if days is not None:
        return check_days(days)
    if any(isinstance(step, FrameScaler) for step in steps):
        raise ValueError("FrameScaler scales each date by itself: pass days=, those of training.")
    return None


def _network(classifier):
    """The network as it predicts: vectors run in double precision."""
    module = copy.deepcopy(classifier.net_.module_).eval()
    h, w, _ = frame_shape_of(classifier.sequence_shape_)
    return (module.double(), torch.float64) if (h, w) == (1, 1) else (module, torch.float32)


def _stack(states, module, x):
    """States of several plants as one batch; a new plant has the state before the first frame."""
    if all(state is None for state in states):
        return None
    new = None
    if any(state is None for state in states):
        _, new = module.step(torch.full_like(x[:1], torch.nan), None)
        new = tuple(part[0].cpu() for part in new)
    states = [new if state is None else state for state in states]
    return tuple(torch.stack(parts).to(x.device) for parts in zip(*states, strict=True))
