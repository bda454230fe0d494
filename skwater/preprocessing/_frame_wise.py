"""Any scikit-learn transformer of tables, applied to the vectors of all frames."""

from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike
from scipy.sparse import issparse
from sklearn.base import BaseEstimator, TransformerMixin, clone
from sklearn.utils import check_consistent_length, get_tags
from sklearn.utils._param_validation import HasMethods
from sklearn.utils.validation import check_is_fitted

from .._validation import _fit_context
from ..sequences import SequencesLike, as_frames, check_sequences
from ..sequences._layout import are_legal, more


class FrameWise(TransformerMixin, BaseEstimator):
    """Apply any scikit-learn transformer to the vectors of all frames.

    The frames of all plants that are not missing become the rows of one table, with a column for
    each channel: the transformer is fitted on it, and transforms it. So ``FrameWise(PCA(20))``
    reduces embeddings to 20 numbers, ``FrameWise(StandardScaler())`` brings traits of different
    units to one scale, and ``FrameWise(FunctionTransformer(np.log1p))`` takes logarithms. In a
    pipeline it is fitted on the frames of the training plants only.

    Every frame is transformed by itself, without its date, its plant or its neighbors. To compare
    plants on the same date, use :class:`FrameScaler`.

    **NaN in some channels of a frame** is an error in all other estimators of this package, and
    here it is left to the transformer: ``FrameWise(SimpleImputer())`` fills such gaps, as the first
    step, with what it learned from the training frames. Whatever the transformer, all that it
    returns must be finite. A frame that is all-NaN is missing, stays so and is never imputed.

    It misleads in four ways. Frames of one plant are not independent: a transformer that counts
    rows, such as ``PCA("mle")``, believes that there are many more plants than there are. Late
    frames, which are of large plants, dominate what is learned. An imputed value is a guess: if
    values are lacking more often in one class, for example of small plants, the guess itself tells
    the class. And a transformer that uses `y`, such as ``SelectKBest``, is given the class of the
    plant for each of its frames, also for those before the onset of stress, which do not show it.

    Parameters
    ----------
    transformer : transformer
        Has ``fit`` and ``transform``, and takes a table of shape (n_frames_present, n_channels). It
        is cloned. Several steps are ``make_pipeline`` of scikit-learn.

    Attributes
    ----------
    transformer_ : transformer
        The fitted clone. ``transformer_.get_feature_names_out(names)`` has the names of the new
        channels, if `names` are those of the old ones.
    n_features_in_ : int
        Number of frames seen in fit.
    sequence_shape_ : tuple of int
        Shape of one sequence seen in fit, (n_frames,) or (n_frames, n_channels).
    feature_names_in_ : ndarray of shape (n_frames,), dtype object
        Names of the frames, if X is a data frame with string columns.

    See Also
    --------
    FrameScaler : Standardizes each channel on each date.
    BaselineCorrector : Subtracts from every plant what it was before the stress.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.decomposition import PCA
    >>> from sklearn.impute import SimpleImputer
    >>> from skwater.preprocessing import FrameWise
    >>> X = np.random.default_rng(0).normal(size=(12, 8, 30))  # 12 plants, 8 frames of 30 numbers
    >>> FrameWise(PCA(5)).fit_transform(X).shape
    (12, 8, 5)

    Height and area of a plant on three dates; the first height is unknown, the last frame missing:

    >>> X = [[[np.nan, 2.0], [4.0, 3.0], [np.nan, np.nan]]]
    >>> FrameWise(SimpleImputer()).fit_transform(X)
    array([[[ 4.,  2.],
            [ 4.,  3.],
            [nan, nan]]])
    """

    _parameter_constraints: dict = {"transformer": [HasMethods(["fit", "transform"])]}
    _by_frame = True

    def __init__(self, transformer: Any) -> None:
        self.transformer = transformer

    @_fit_context(prefer_skip_nested_validation=False)
    def fit(self, X: SequencesLike, y: ArrayLike | None = None) -> Self:
        """Fit the transformer on all frames that are not missing.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_frames) or (n_samples, n_frames, n_channels)
            Numbers or vectors of the training plants. An all-NaN frame is missing and left out.
        y : array-like of shape (n_samples,), default=None
            Class of each plant, which the transformer is given for each frame.

        Returns
        -------
        FrameWise
            The transformer itself.

        Raises
        ------
        ValueError
            If X has images or is lazy, a plant has no frame at all, a value is infinite, or the
            transformer refuses the frames, for example those that are NaN in some channels.
        TypeError
            If the transformer is a class.
        """
        if isinstance(self.transformer, type):
            name = self.transformer.__name__
            raise TypeError(f"transformer is a class instead of an instance: pass {name}().")
        X, present = self._check(X, reset=True)
        if y is not None:
            check_consistent_length(X, y)
            y = np.repeat(np.asarray(y), present.sum(axis=1), axis=0)
        fitted = clone(self.transformer)
        _call(fitted.fit, X, present, y)
        self.transformer_ = fitted
        return self

    def transform(self, X: SequencesLike) -> np.ndarray:
        """Transform all frames that are not missing.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_frames) or (n_samples, n_frames, n_channels)
            Numbers or vectors as in fit. Vectors may have fewer frames, the season so far.

        Returns
        -------
        ndarray of shape (n_samples, n_frames, n_channels_out), dtype float32 or float64
            The new vectors, float32 if the transformer returns that. Missing frames stay missing.
            Of shape (n_samples, n_frames) if X has numbers and the transformer makes one of each.

        Raises
        ------
        ValueError
            If X would be refused in fit or has other frames than in fit, or if the transformer
            returns NaN, infinity or another number of rows.
        """
        check_is_fitted(self)
        X, present = self._check(X, reset=False)
        new = _call(self.transformer_.transform, X, present)
        new = np.asarray(new.toarray() if issparse(new) else new)
        if len(new.shape) != 2 or len(new) != present.sum():
            raise ValueError(
                f"{self.transformer} must return a row for each of the {present.sum()} frames, got "
                f"an array of shape {new.shape}."
            )
        new = new if new.dtype == np.float32 else new.astype(np.float64, copy=False)
        self._check_finite(new, present)
        out = np.full((*present.shape, new.shape[1]), np.nan, new.dtype)
        out[present] = new
        numbers = len(self.sequence_shape_) == 1 and new.shape[1] == 1
        return out[..., 0] if numbers else out

    def _check(self, X, *, reset):
        """X as floats, and a table of the frames that it has."""
        X, _ = check_sequences(self, X, reset=reset, frames="vectors", lazy=False, gaps=True)
        X = X if X.dtype == np.float32 else X.astype(np.float64, copy=False)
        return X, ~np.isnan(_vectors(X)).all(axis=-1)

    def _check_finite(self, new, present):
        illegal = np.argwhere(present)[~are_legal(new).all(axis=1)]
        if len(illegal):
            i, t = illegal[0]
            raise ValueError(
                f"{self.transformer} returned NaN, infinity or a number too large for float32 for "
                f"sample {i}, frame {t}{more(illegal, 'frames')}. If X has NaN there, impute it "
                f"first, with FrameWise(SimpleImputer()); otherwise the transformer does not "
                f"suit these values."
            )

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        tags.input_tags.allow_nan = True
        inner = get_tags(self.transformer)
        tags.target_tags.required = inner.target_tags.required
        if inner.transformer_tags is not None:
            tags.transformer_tags.preserves_dtype = inner.transformer_tags.preserves_dtype
        return tags


def _vectors(X):
    """View (n_samples, n_frames, n_channels) of numbers or vectors."""
    return as_frames(X)[:, :, 0, 0]


def _call(method, X, present, *y):
    """Call fit or transform with the frames that are present; name the frame that is in the way."""
    vectors = _vectors(X)
    try:
        return method(vectors[present], *y)
    except ValueError as error:
        gaps = np.argwhere(present & np.isnan(vectors).any(axis=-1))
        if not len(gaps):
            raise
        i, t = gaps[0]
        raise ValueError(
            f"X has NaN in some channels of sample {i}, frame {t}{more(gaps, 'frames')}, and "
            f"{type(method.__self__).__name__} refuses the frames: {error}\nImpute them first, "
            f"with FrameWise(SimpleImputer()), or enter such frames as missing, all-NaN."
        ) from error
