"""How images were loaded: what new images must have in common with those of fit.

A recipe is a dict of plain values, so that it can be written to a file:

- ``images``: how :class:`~skwater.ImageSequences` cuts, resizes and converts each image;
- ``changed``: whether a function was applied to the frames since then;
- ``days``: the day of each frame, as the loader counted it;
- ``start``: the date that is day 0, as text in ISO form, None if dates are numbers;
- ``start_given``: whether the user gave it, or it is the date of the first image;
- ``reading``: how dates are found in a CSV file or in the names of files.

Sequences that were made from paths, without a loader, know ``images`` and ``changed`` only.
"""

ONE_FOR_EACH = "one for each image"  # boxes that new images do not have
_KEYS = {"images", "changed", "days", "start", "start_given", "reading"}
_SETTINGS = {
    "size",
    "center_crop",
    "boxes",
    "stretch",
    "color",
    "dtype",
    "convert",
    "max_pixels",
}


def store_recipe(estimator, X):
    """Keep the recipe of X in a fitted estimator, and none if X has none."""
    recipe = getattr(X, "recipe", None)
    if recipe is not None:
        estimator.recipe_ = recipe
    else:
        vars(estimator).pop("recipe_", None)


def check_recipe(estimator, X):
    """Refuse images that were loaded differently from those of fit, and frames of other days."""
    fitted, found = getattr(estimator, "recipe_", None), getattr(X, "recipe", None)
    if fitted is None or found is None:
        return
    name = type(estimator).__name__
    _check_images(fitted["images"], found["images"], name)
    if "days" in fitted and "days" in found:
        _check_days(fitted, found, name)


def _check_images(fitted, found, name):
    for key, value in fitted.items():
        before, now = describe_setting(value), describe_setting(found[key])
        if key != "max_pixels" and before != now:
            raise ValueError(
                f"The images of X were loaded with {key}={now}, but {name} was fitted on images "
                f"loaded with {key}={before}. Load them alike; skwater.predict_images does."
            )


def describe_setting(value):
    """Text of a value of a recipe; a function by its name."""
    if callable(value):
        return f"{value.__module__}.{getattr(value, '__qualname__', type(value).__name__)}"
    return str(value)


def without_functions(recipe):
    """Recipe for a file: a function is its name, and is given anew to read images by it."""
    convert = recipe["images"]["convert"]
    if convert is None:
        return recipe
    return recipe | {"images": recipe["images"] | {"convert": describe_setting(convert)}}


def check_plain_recipe(recipe):
    """Refuse a recipe of a file that says more than how images are read; ValueError then."""
    if not isinstance(recipe, dict) or not {"images", "changed"} <= set(recipe) <= _KEYS:
        raise ValueError("recipe_ is no recipe for images")
    if not isinstance(recipe["images"], dict) or set(recipe["images"]) != _SETTINGS:
        raise ValueError(f"recipe_ has other settings of images than {sorted(_SETTINGS)}")
    if not isinstance(recipe["images"]["convert"], str | None):
        raise ValueError("recipe_ has a convert that is no name of a function")


def _check_days(fitted, found, name):
    remedy = "skwater.predict_images aligns new images to the days of fit."
    before, now = fitted["start"], found["start"]
    if before != now and not found["start_given"] and None not in (before, now):
        raise ValueError(
            f"The days of X are counted from its first image, {now}, those of fit from {before}: "
            f"a frame would stand beside one of another age. Pass start= to the loader, the "
            f"date of day 0, such as that of sowing, both times. {remedy}"
        )
    days, expected = found["days"], fitted["days"][: len(found["days"])]
    if days != expected:
        raise ValueError(
            f"The frames of X are of the days {_some(days)}, but {name} was fitted on the days "
            f"{_some(fitted['days'])}. {remedy}"
        )


def _some(days):
    return ", ".join(f"{day:g}" for day in days[:8]) + (", ..." if len(days) > 8 else "")
