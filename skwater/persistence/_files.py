"""Save, load and inspect model files."""

import os
from collections.abc import Iterable
from typing import Any

from sklearn.utils.validation import check_is_fitted

from .._atomic_write import write_atomically
from .._typing import StrPath
from ..exceptions import ModelFileError
from ._card import ModelCard, make_card
from ._container import pack, read, read_content, unpack
from ._decode import InvalidPartError, decode
from ._encode import encode


def save(estimator: Any, path: StrPath, *, notes: dict[str, Any] | str | None = None) -> None:
    """Save a fitted model to a file that is safe to share.

    The file holds arrays and JSON, and no pickle: who loads it executes nothing of it. It is a
    `safetensors <https://huggingface.co/docs/safetensors>`_ file, so other programs can read its
    weights too.

    An old file of this name is replaced at once: whatever interrupts the save, the file is the old
    one or the new one. The new one is read back and checked before it takes the place.

    A model that was trained on data which must stay private may still tell of them: names of
    columns, classes and days are in the file, and weights can remember images.

    Parameters
    ----------
    estimator : estimator
        A fitted classifier of skwater, an :class:`~skwater.EarlyDetector`, a pipeline of
        scikit-learn, imbalanced-learn or skwater, or one of the estimators of scikit-learn in
        :doc:`/security`. Not trees and forests, nearest neighbors and support vector machines:
        these follow what a file says in compiled code. Of samplers of imbalanced-learn the
        parameters are kept.
    path : str or path-like
        The file, by convention ``.skwater``.
    notes : dict or str, default=None
        What a reader should know: scores, the plants of the test set, how and when images were
        taken, whom to ask. Text, numbers, arrays, dates, and lists and dictionaries of these. It is
        printed by :func:`inspect`. Name at least the plants that the model has not seen:
        ``notes={"test_plants": [3, 7], "balanced_accuracy": 0.81}``. Who tests it later on plants
        that it was trained on would not notice.

    Raises
    ------
    NotFittedError
        If the estimator is not fitted.
    ValueError
        If it has a part that a model file cannot hold; the message says where and what to do.
    TypeError
        If the notes are something else.
    OSError
        If the folder does not exist, cannot be written or is full. An old file stays as it is.

    See Also
    --------
    load : Loads it.
    inspect : Tells what is in it.

    Examples
    --------
    >>> import tempfile
    >>> import skwater
    >>> from skwater.datasets import make_water_stress
    >>> X, y = make_water_stress(12, 4, 8, random_state=0, return_X_y=True)
    >>> model = skwater.ConvLSTMClassifier(max_epochs=2, random_state=0).fit(X, y)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     skwater.save(model, f"{folder}/model.skwater", notes={"test_plants": [3, 7]})
    ...     loaded = skwater.load(f"{folder}/model.skwater")
    >>> bool((loaded.predict_proba(X) == model.predict_proba(X)).all())
    True
    """
    check_is_fitted(estimator)
    card = make_card(estimator, notes)
    model, arrays, networks = encode(estimator)
    data = pack({"card": card, "model": model}, arrays)
    try:
        _restore(*unpack(data), networks)
    except InvalidPartError as error:
        raise ValueError(
            f"The model is not saved, since it could not be loaded: {error.part}: {error.reason}."
        ) from error
    write_atomically(path, data)


def load(path: StrPath, *, networks: Iterable[type] = ()) -> Any:
    """Load a model from a file of :func:`save`, without executing anything of the file.

    Predictions are bit-equal to those of the model that was saved, on the same kind of device and
    with the same versions. If the model was trained on a GPU and there is none, it predicts on the
    CPU. It can be fitted anew; the training is not continued.

    A file that is safe to load is not a model that is right. The author of the file chooses what it
    predicts, and what its card says.

    Parameters
    ----------
    path : str or path-like
        The file.
    networks : sequence of type, default=()
        Classes of networks, if the file needs some that are not part of skwater. They are matched
        by name. Their code is executed, so pass only what you trust.

    Returns
    -------
    estimator
        The fitted estimator.

    Raises
    ------
    ModelFileError
        If the file is damaged, incomplete, not of skwater, of a later version, or names anything
        that a model file may not.
    OSError
        If the file does not exist or cannot be read.

    Warns
    -----
    InconsistentVersionWarning
        If it holds a fitted estimator of another version of scikit-learn.

    See Also
    --------
    save : Writes such files, and has an example.
    inspect : Tells what is in one, before it is loaded.

    Examples
    --------
    >>> import skwater
    >>> skwater.load("pyproject.toml")
    Traceback (most recent call last):
    skwater.exceptions.ModelFileError: pyproject.toml: file: it is not a skwater model file
    """
    networks = tuple(networks)
    for network in networks:
        if not isinstance(network, type):
            raise TypeError(f"networks must be classes, got {network!r}.")
    try:
        return _restore(*read(path), networks)
    except InvalidPartError as error:
        raise ModelFileError(os.fspath(path), error.part, error.reason) from error


def inspect(path: StrPath) -> ModelCard:
    """Tell what is in a model file: class, parameters, classes, frames, days, seeds, notes.

    Only the header is read, not the weights, and torch is not needed. What it says is what the
    author of the file says.

    Parameters
    ----------
    path : str or path-like
        The file.

    Returns
    -------
    ModelCard
        A dictionary that prints as text.

    Raises
    ------
    ModelFileError
        If the file is damaged or not of skwater.
    OSError
        If the file does not exist or cannot be read.

    See Also
    --------
    save : Writes the card.

    Examples
    --------
    >>> import tempfile
    >>> import skwater
    >>> from skwater.preprocessing import FrameSampler
    >>> sampler = FrameSampler(3).fit([[0.2, 0.3, 0.5, 0.4], [0.1, 0.3, 0.5, 0.7]])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     skwater.save(sampler, f"{folder}/sampler.skwater", notes="the first trial")
    ...     card = skwater.inspect(f"{folder}/sampler.skwater")
    >>> card["class"], card["n_frames"], card["notes"]
    ('skwater.preprocessing.FrameSampler', 4, {'text': 'the first trial'})
    """
    card = read_content(path).get("card")
    if not isinstance(card, dict):
        raise ModelFileError(os.fspath(path), "card", "it is no dictionary")
    return ModelCard(card)


def _restore(content, arrays, networks):
    card = content.get("card")
    versions = card.get("versions") if isinstance(card, dict) else None
    version = versions.get("scikit-learn") if isinstance(versions, dict) else None
    return decode(content.get("model"), arrays, networks, f"{version!s:.20}")
