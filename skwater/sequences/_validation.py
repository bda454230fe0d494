"""The one check of X: which sequences are legal, for every estimator, sampler and display."""

import warnings
from typing import Any

import numpy as np
from sklearn.utils import check_array, check_consistent_length
from sklearn.utils.validation import _check_y, validate_data

from ._layout import (
    LAYOUTS,
    as_array,
    as_frames,
    can_be_illegal,
    check_layout,
    has_images,
    missing_in,
    more,
    rows_at_once,
)
from ._lazy import gather, is_lazy, n_base, used_frames
from ._recipe import check_recipe, store_recipe
from ._typing import Sequences

_COLOR = "(n_samples, n_frames, height, width, 3)"


def check_sequences(
    estimator,
    X,
    y=None,
    *,
    reset=None,
    frames="any",
    numeric=True,
    complete=True,
    lazy=True,
    gaps=False,
) -> tuple[Sequences, Any]:
    """Validate X, and y at fit.

    Parameters
    ----------
    estimator : estimator or None
        What X is for. None for a display or a score, which learn nothing.
    X : array-like or lazy sequences of shape (n_samples, n_frames, ...)
        Sequences.
    y : array-like of shape (n_samples,), default=None
        Class of each sequence.
    reset : bool or None, default=None
        True, in fit, stores what a sequence looks like. False, after fit, compares: frames must
        look the same. Fewer of them, the season so far, are legal from three dimensions on; with
        two, where frames are plain features, scikit-learn's own rule applies. None does neither.
    frames : {"any", "vectors", "images", "color"}, default="any"
        What the frames must be. Single numbers are vectors, too.
    numeric : bool, default=True
        Whether X must hold real numbers. Otherwise any dtype is legal, for example file paths.
    complete : bool, default=True
        Whether every sequence must have a frame that is not missing, and all of its values must
        be legal. Otherwise no value is read, and frames may have another size than in fit.
    lazy : bool, default=True
        Whether lazy sequences are legal.
    gaps : bool, default=False
        Whether a vector may be NaN in some channels, as what an imputer takes.

    Returns
    -------
    X : ndarray or lazy sequences of shape (n_samples, n_frames, ...)
        The sequences. Numeric images that need not be complete may also be in another container
        that has a shape and a dtype and reads one sequence at a time, such as a dataset of h5py.
    y : ndarray of shape (n_samples,) or None
        The classes.
    """
    if not hasattr(X, "shape") or (isinstance(X, np.ndarray) and X.dtype.kind == "O"):
        X = as_array(X)
    name = type(estimator).__name__
    _check_dtype(X, numeric, frames)
    _check_rank(X.shape, name, frames)
    if is_lazy(X) and not lazy:
        raise ValueError(
            f"{name} takes arrays only, got lazy sequences ({type(X).__name__}). Put {name} before "
            f"the resampler, or make an array of other lazy sequences with numpy.asarray(X)."
        )
    fitted = estimator.sequence_shape_ if reset is False else None
    if fitted and len(X.shape) == len(fitted) and X.shape[1:] == fitted[1:]:
        raise ValueError(
            f"X has shape {X.shape}: this is one plant. Reshape your data with X[None], to "
            f"{(1, *X.shape)}."
        )
    if is_lazy(X) or len(X.shape) != 2:  # scikit-learn has its own words for empty tables
        check_layout(X.shape)
    if is_lazy(X) or (numeric and not complete and _reads_rows(X)):
        y = _validate_rows(estimator, X, y, reset, fitted)
    else:
        X, y = _validate_array(estimator, X, y, reset, fitted, numeric)
    if frames == "color" and X.shape[-1] != 3:
        raise ValueError(f"{name} needs color images, X of shape {_COLOR}, got {X.shape}.")
    if fitted:
        _check_same_frames(X.shape, fitted, name, same_size=complete)
        check_recipe(estimator, X)
    if reset:
        store_recipe(estimator, X)
        _warn_of_one_image(X.shape)
        estimator.sequence_shape_ = X.shape[1:]
    if complete:
        _check_complete(_without_gaps(X) if gaps else X)
    return X, y


def _check_dtype(X, numeric, frames):
    dtype = getattr(X, "dtype", None)
    if not numeric or not isinstance(dtype, np.dtype):  # a data frame has several
        return
    if len(X.shape) == 2 and dtype.kind in ("OSU" if frames in ("images", "color") else "SU"):
        raise ValueError(
            f"X must hold real numbers, got a table of {dtype} of shape {X.shape}. If these are "
            f"file names, let skwater.ImageSequences read the files."
        )
    # scikit-learn converts arrays of objects, and has its own words for complex numbers.
    if dtype.kind not in ("biufcO" if isinstance(X, np.ndarray) else "biuf"):
        raise ValueError(f"X must hold real numbers, got dtype {dtype}.")


def _check_rank(shape, name, frames):
    if frames == "color" and len(shape) != 5:
        raise ValueError(f"{name} needs color images, X of shape {_COLOR}, got {shape}.")
    if frames == "images" and len(shape) not in (4, 5):
        raise ValueError(
            f"{name} needs images, X of shape {LAYOUTS[5]} or {LAYOUTS[4]}, got {shape}."
        )
    if frames == "vectors" and len(shape) in (4, 5):
        raise ValueError(
            f"{name} takes arrays of shape {LAYOUTS[2]} or {LAYOUTS[3]}, got images of shape "
            f"{shape}. Make vectors of them first, for example with FrameEncoder or CanopyCover of "
            f"skwater.preprocessing."
        )


def _reads_rows(X):
    """Whether X is a container of images that reads them when they are asked for."""
    is_array = isinstance(X, np.ndarray) or not isinstance(getattr(X, "dtype", None), np.dtype)
    return len(X.shape) > 3 and not is_array


def _has_columns(X, fitted):
    """Whether the frames of X are plain features, in fit as now."""
    return len(X.shape) == 2 and fitted is not None and len(fitted) == 1


def _validate_rows(estimator, X, y, reset, fitted):
    if y is not None:
        check_consistent_length(X, y)
        y = _check_y(y, estimator=estimator)
    if reset or _has_columns(X, fitted):
        validate_data(estimator, X, reset=reset, skip_check_array=True)
    return y


def _validate_array(estimator, X, y, reset, fitted, numeric):
    # dtype=None: paths stay strings.
    dtype = "numeric" if numeric else None
    options = {"dtype": dtype, "allow_nd": True, "ensure_all_finite": False}
    if not (reset or _has_columns(X, fitted)):  # validate_data would refuse the season so far
        return check_array(X, estimator=estimator, input_name="X", **options), y
    if y is None:
        return validate_data(estimator, X, reset=reset, **options), y
    return validate_data(estimator, X, y, reset=reset, **options)


def _check_same_frames(shape, fitted, name, *, same_size):
    """Compare the shape of X with the (n_frames, ...) that an estimator was fitted on."""
    if len(shape) != len(fitted) + 1 or (same_size and shape[2:] != fitted[1:]):
        raise ValueError(
            f"X has shape {shape}, but {name} was fitted on sequences of shape {fitted}: "
            f"expected {LAYOUTS[len(fitted) + 1]} with the same frames."
        )
    if shape[1] > fitted[0]:
        raise ValueError(
            f"X has {shape[1]} frames, but {name} was fitted on {fitted[0]} frames: X has shape "
            f"{shape}, sequences had {fitted}. Fewer frames are legal, more are not: fit again."
        )


def _warn_of_one_image(shape):
    if len(shape) == 4 and shape[3] in (3, 4) and min(shape[1:3]) >= 8:
        warnings.warn(
            f"X of shape {shape} is read as {shape[1]} grayscale frames of {shape[2]} x {shape[3]} "
            f"pixels for each plant. If it has one color image for each plant, give X[:, None].",
            stacklevel=5,  # where fit was called
        )


def _without_gaps(X):
    """X with 0 for NaN in vectors that have other values."""
    if is_lazy(X) or X.dtype.kind != "f" or has_images(X):
        return X
    vectors = as_frames(X)
    unknown = np.isnan(vectors)
    gaps = unknown & ~unknown.all(axis=-1, keepdims=True)
    return np.where(gaps, 0, vectors).astype(X.dtype, copy=False).reshape(X.shape)


def _check_complete(X):
    empty = np.flatnonzero(missing_frames(X).all(axis=1))
    if len(empty):
        raise ValueError(
            f"X has no frame at all in sample {empty[0]}{more(empty, 'samples')}: all of its "
            f"values are NaN. Leave it out."
        )


def missing_frames(X):
    """Table (n_samples, n_frames) of the missing frames; values that are illegal are an error."""
    if not can_be_illegal(X.dtype):
        return np.zeros(X.shape[:2], dtype=bool)
    if is_lazy(X):
        missing = np.zeros((n_base(X), X.shape[1]), dtype=bool)
        for row, used in used_frames(X):
            missing[row, used] = X._missing(row, X.frames[used])
        return gather(missing, X.donors)
    missing = np.zeros(X.shape[:2], dtype=bool)
    for some in rows_at_once(X, len(X)):
        # A container that is no array has images, and may read single rows only.
        X_some = np.asarray(X[some.start])[None] if has_images(X) else X[some]
        rows, columns = np.indices(X_some.shape[:2]).reshape(2, -1)
        frames = X_some.reshape(-1, *X.shape[2:])
        missing[some] = missing_in(frames, rows + some.start, columns).reshape(-1, X.shape[1])
    return missing
