"""The card of a model file: what a reader should know of a model before it is loaded."""

import math
from datetime import date
from importlib.metadata import version

import numpy as np
from sklearn.base import BaseEstimator

from ..resampling import RSSResampler
from ._types import name_of

_PACKAGES = ("skwater", "scikit-learn", "imbalanced-learn", "numpy", "torch", "skorch")
_LONGEST = 2000  # characters of one value that are printed


class ModelCard(dict):
    """What a model file says of its model; printed as text.

    It is what the author of the file says. Nothing proves that the scores are right.

    See Also
    --------
    skwater.inspect : Reads it.

    Examples
    --------
    >>> from skwater.persistence import ModelCard
    >>> ModelCard({"class": "skwater.ConvLSTMClassifier", "seeds": {"random_state": 0}})
    class: skwater.ConvLSTMClassifier
    seeds:
        random_state: 0
    """

    def __repr__(self):
        return "\n".join(_lines(self, ""))


def make_card(estimator, notes):
    """Make the card of a fitted estimator.

    Parameters
    ----------
    estimator : estimator
        The estimator.
    notes : dict or str or None
        Notes of the user.

    Returns
    -------
    dict
        The card, of plain JSON values.
    """
    if not (notes is None or isinstance(notes, str | dict)):
        raise TypeError(f"notes must be a dictionary or text, got {type(notes).__name__}.")
    parts = list(_parts(estimator))
    params = estimator.get_params(deep=True)
    params = {
        name: value if _is_plain(value) else repr(value)[:_LONGEST]
        for name, value in params.items()
        if not _holds_estimators(value) and name.rpartition("__")[2] != "memory"
    }
    card = {
        "class": name_of(type(estimator)),
        "classes": getattr(estimator, "classes_", None),
        **_sequences(parts),
        "days": _days(parts),
        "n_weights": sum(getattr(part, "n_parameters_", 0) for part in parts),
        "seeds": {name: v for name, v in params.items() if name.endswith("random_state")},
        "notes": {"text": notes} if isinstance(notes, str) else notes,
        "parameters": params,
        "versions": {name: version(name) for name in _PACKAGES},
    }
    card = {name: _as_json(value, name) for name, value in card.items()}
    return {name: value for name, value in card.items() if value not in (None, {}, 0)}


def _parts(estimator):
    """A fitted estimator and the fitted ones inside it, in the order of a pipeline."""
    yield estimator
    steps = [step for _, step in getattr(estimator, "steps", [])]
    for part in [*steps, *getattr(estimator, "estimators_", [])]:
        if isinstance(part, BaseEstimator):
            yield from _parts(part)


def _sequences(parts):
    """Shape of the sequences that the first part takes, and the number of plants if known."""
    facts = {}
    for part in parts:
        shape = getattr(part, "sequence_shape_", None)
        if shape is not None and "n_frames" not in facts:
            facts |= {"n_frames": shape[0], "frame_shape": shape[1:]}
        if isinstance(part, RSSResampler) and hasattr(part, "donors_"):
            facts["n_plants"] = int(part.donors_.max()) + 1  # originals are their own donors
    return facts


def _days(parts):
    """Days of the frames, if the images came from a loader."""
    recipes = (part.recipe_ for part in parts if hasattr(part, "recipe_"))
    return next(recipes, {}).get("days")


def _holds_estimators(value):
    if isinstance(value, list | tuple):
        return any(map(_holds_estimators, value))
    return isinstance(value, BaseEstimator)


def _is_plain(value):
    if isinstance(value, list | tuple):
        return all(map(_is_plain, value))
    return value is None or isinstance(value, bool | int | float | str | np.generic)


def _as_json(value, where):
    """Plain JSON of a value: arrays become lists, dates text, and NaN the text "nan"."""
    if isinstance(value, dict):
        return {str(key): _as_json(v, f"{where}[{key!r}]") for key, v in value.items()}
    if isinstance(value, np.ndarray | np.generic):
        value = value.tolist()
    if isinstance(value, list | tuple):
        return [_as_json(v, f"{where}[{i}]") for i, v in enumerate(value)]
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, float) and not math.isfinite(value):
        return repr(value)
    if value is None or isinstance(value, bool | int | float | str):
        return value
    raise TypeError(f"{where} must be text, a number, a list or a dictionary, got {value!r:.80}.")


def _lines(card, indent):
    for name, value in card.items():
        if isinstance(value, dict):
            yield f"{indent}{_visible(name)}:"
            yield from _lines(value, indent + "    ")
        else:
            yield f"{indent}{_visible(name)}: {_visible(value)}"


def _visible(value):
    """Text without characters that could control a terminal."""
    text = str(value)
    text = text if len(text) <= _LONGEST else f"{text[:_LONGEST]} ..."
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)
