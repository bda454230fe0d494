"""Predict new images of plants with a fitted model, loaded as its training images were."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils import Bunch
from sklearn.utils.validation import check_is_fitted

from ._typing import Day, StrPath
from .datasets._new_images import load_new_images
from .sequences import ImageSequences, describe_setting

if TYPE_CHECKING:
    from pandas import DataFrame


class PredictionBunch(Bunch):
    """Predictions for new images, as :func:`predict_images` returns them."""

    plant: np.ndarray
    prediction: np.ndarray
    probability: np.ndarray | None
    classes: np.ndarray
    days: np.ndarray
    data: ImageSequences


_INNER = ("best_estimator_", "estimator_", "estimator")


def predict_images(
    model: Any,
    source: StrPath | DataFrame,
    *,
    root: StrPath | None = None,
    start: Day | None = None,
    tolerance: float | None = None,
    boxes: ArrayLike | None = None,
    convert: Callable[..., Any] | None = None,
    on_error: Literal["raise", "missing"] = "raise",
    cache: StrPath | None = None,
) -> PredictionBunch:
    """Predict new images of plants with a fitted model, loaded as its training images were.

    A model that was fitted on images from :func:`~skwater.datasets.load_manifest` or
    :func:`~skwater.datasets.load_image_sequences` remembers how they were loaded: columns or names
    of files, size, crop, color, and the day of each frame. New images are loaded in the same way
    and aligned to the same days. A plant whose first image is late, or that lacks an image, has
    missing frames there. The last frame is the last day on which any plant has an image, so a
    season may be half over; a model needs to accept fewer frames then, as the networks do.

    It misleads if the new plants have another age on the same day. Days count from `start`.

    Parameters
    ----------
    model : object
        Fitted classifier, pipeline, search or :class:`~skwater.EarlyDetector`.
    source : str, path-like or pandas.DataFrame
        A CSV file or DataFrame with the columns of training (no labels are needed), or a folder
        ``<plant>/<date>.png`` or ``<label>/<plant>/<date>.png``, whose labels are not used.
    root : str or path-like, default=None
        Folder that paths in a table start from, as for :func:`~skwater.datasets.load_manifest`.
    start : str, float or datetime, default=None
        The date that is day 0 for these plants, for example that of sowing. By default the one of
        training, which is right for the same season only.
    tolerance : float, default=None
        How many days an image may be away from a day of the model. By default half a day, or half
        of the shortest time between two frames if that is less.
    boxes : array-like, default=None
        Boxes of the new images, as for :class:`~skwater.ImageSequences`. Needed if training had
        one for each image.
    convert : callable, default=None
        The function of training, as for :class:`~skwater.ImageSequences`. Needed if the model was
        loaded from a file, which has its name only.
    on_error : {"raise", "missing"}, default="raise"
        Whether images that cannot be used are an error or missing frames.
    cache : str or path-like, default=None
        File for decoded frames, as for :class:`~skwater.ImageSequences`.

    Returns
    -------
    Bunch
        With the attributes

        plant : ndarray of shape (n_plants,), dtype str
            Names of the plants, sorted; numbers by value.
        prediction : ndarray of shape (n_plants,)
            Predicted class of each plant.
        probability : ndarray of shape (n_plants, n_classes), dtype float64, or None
            Probabilities in the order of ``classes``, if the model has ``predict_proba``.
        classes : ndarray of shape (n_classes,)
            The classes.
        days : ndarray of shape (n_frames,)
            Day of each frame.
        data : ImageSequences of shape (n_plants, n_frames, height, width, n_channels)
            The images.

    Raises
    ------
    ValueError
        If the model does not know how its images were loaded, or images fit no day of the model;
        the first ten are listed.
    FileNotFoundError
        If there is no such file or folder, or no image in it.

    See Also
    --------
    skwater.datasets.load_manifest : Loads the training images.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> import cv2, numpy as np
    >>> from skwater import ConvLSTMClassifier, predict_images
    >>> from skwater.datasets import load_image_sequences
    >>> def write(folder, name, gray):
    ...     file = pathlib.Path(folder, name)
    ...     file.parent.mkdir(parents=True, exist_ok=True)
    ...     _ = cv2.imwrite(str(file), np.full((8, 8, 3), gray, dtype=np.uint8))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     for plant, gray in (("dry/a", 200), ("dry/b", 190), ("wet/c", 20), ("wet/d", 30)):
    ...         for day in 1, 3, 5:
    ...             write(folder, f"old/{plant}/2024-05-0{day}.png", gray)
    ...     plants = load_image_sequences(f"{folder}/old", start="2024-05-01")
    ...     model = ConvLSTMClassifier(random_state=0).fit(plants.data, plants.target)
    ...     write(folder, "new/e/2025-06-12.png", 195)  # only the second image, of day 2
    ...     new = predict_images(model, f"{folder}/new", start="2025-06-10")
    >>> new.plant, new.prediction, new.days
    (array(['e'], dtype='<U1'), array(['dry'], dtype='<U3'), array([0, 2]))
    """
    check_is_fitted(model)
    recipe = find_recipe(model)
    images = {"on_error": on_error, "cache": cache} | _replaced(recipe["images"], boxes, convert)
    plants, X = load_new_images(
        source, recipe, root=root, start=start, tolerance=tolerance, **images
    )
    return PredictionBunch(
        plant=np.array(plants),
        prediction=model.predict(X),
        probability=model.predict_proba(X) if hasattr(model, "predict_proba") else None,
        classes=model.classes_,
        days=np.array(X.recipe["days"]),
        data=X,
    )


def find_recipe(model):
    """How the images of a fitted model were loaded; ValueError if it cannot be repeated."""
    recipe = _search(model)
    name = type(model).__name__
    if recipe is None or "days" not in recipe:
        raise ValueError(
            f"{name} does not know how its images were loaded: it was not fitted on the data of "
            f"skwater.datasets.load_manifest or load_image_sequences, but on an array or on "
            f"ImageSequences without days. Load the new images as you did then, and call predict."
        )
    if recipe["changed"]:
        raise ValueError(
            f"{name} was fitted on images that a transformer had changed after loading. Put the "
            f"transformer and the classifier into one pipeline and fit that: new images are then "
            f"changed alike."
        )
    return recipe


def _search(model):
    """Recipe of the first part of a model that has one: it saw the images as they were loaded."""
    recipe = getattr(model, "recipe_", None)
    if recipe is not None:
        return recipe
    inner = [step for _, step in getattr(model, "steps", ())]
    inner += [getattr(model, name) for name in _INNER if hasattr(model, name)]
    found = (_search(part) for part in inner)
    return next((recipe for recipe in found if recipe is not None), None)


def _replaced(settings, boxes, convert):
    """Settings of training that cannot be taken over, as given by the caller."""
    given = {}
    if boxes is not None:
        given["boxes"] = boxes
    elif isinstance(settings["boxes"], str):
        raise ValueError(
            "The training images had one box for each: pass boxes= for the new images."
        )
    if convert is not None:
        given["convert"] = convert
    elif isinstance(settings["convert"], str):
        raise ValueError(
            f"The training images were converted by {settings['convert']}, and a model file has "
            f"no functions: pass convert=."
        )
    if convert is not None and describe_setting(convert) != describe_setting(settings["convert"]):
        raise ValueError(
            f"convert={describe_setting(convert)} is not the function of training, "
            f"{describe_setting(settings['convert'])}."
        )
    return given
