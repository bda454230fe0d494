"""What a deep model must beat: models of a few numbers for each frame."""

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.dummy import DummyClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from ..preprocessing import CanopyCover
from ..sequences import frame_shape, iter_sequences

METADATA_ONLY = "metadata only"
_CONVOLUTION_LENGTH = 9  # of the kernels of both, which cannot read shorter sequences


class FrameSummary(TransformerMixin, BaseEstimator):
    """A few numbers for each frame: the canopy cover of a color image, or the mean of each channel.

    Parameters
    ----------
    kind : {"all", "last", "series"}, default="all"
        Numbers of all frames side by side, of the last frame that is not missing, or as time
        series (n_samples, n_channels, n_frames) whose gaps are interpolated.
    """

    def __init__(self, kind="all"):
        self.kind = kind

    def fit(self, X, y=None):
        """Do nothing: each plant is summarized by itself."""
        return self

    def transform(self, X):
        """Return the numbers, NaN for a missing frame."""
        numbers = summarize(X)
        if self.kind == "last":
            return np.stack([_last_present(plant) for plant in numbers])
        if self.kind == "series":
            return np.stack([_interpolate(plant) for plant in numbers]).transpose(0, 2, 1)
        return numbers.reshape(len(numbers), -1)

    def __sklearn_is_fitted__(self):
        return True


def summarize(X):
    """Numbers of shape (n_samples, n_frames, n_channels)."""
    if is_color_image(X):
        return CanopyCover().fit(X).transform(X)[:, :, None]
    return channel_means(X)


def channel_means(X):
    """Mean of each channel of each frame, of shape (n_samples, n_frames, n_channels)."""
    return np.stack([plant.mean(axis=(1, 2), dtype=np.float64) for plant in iter_sequences(X)])


def is_color_image(X):
    """Tell whether frames are color images, in which leaves can be found."""
    height, width, n_channels = frame_shape(X)
    return height * width > 1 and n_channels == 3


def _last_present(plant):
    present = np.flatnonzero(~np.isnan(plant).all(axis=1))
    return plant[present[-1]]


def _interpolate(plant):
    frames = np.arange(len(plant))
    present = ~np.isnan(plant).all(axis=1)
    return np.stack([np.interp(frames, frames[present], c[present]) for c in plant.T], axis=1)


def default_baselines(X, metadata=None):
    """Make the baselines that fit the data, by name.

    Parameters
    ----------
    X : ndarray or lazy sequences
        Looked at for its shape only.
    metadata : ndarray or DataFrame or None
        If not None, a model of it alone is among them, which takes metadata as X.

    Returns
    -------
    dict of str to estimator
        Classifiers that are not fitted.
    """
    what = "cover" if is_color_image(X) else "means"
    found = {"majority class": DummyClassifier(strategy="most_frequent")}
    if metadata is not None:
        found[METADATA_ONLY] = _on_metadata(metadata)
    found[f"logistic regression, {what}"] = on_summary("all", _logistic_regression())
    found["logistic regression, last frame"] = on_summary("last", _logistic_regression())
    return found | {f"{name}, {what}": model for name, model in _convolutions(X.shape[1]).items()}


def _convolutions(n_frames):
    """The best classifiers of short time series that are quick to train, if aeon is installed."""
    if n_frames < _CONVOLUTION_LENGTH:
        return {}
    try:
        from aeon.classification.convolution_based import HydraClassifier, MiniRocketClassifier
    except ImportError:
        return {}
    found = {"Hydra": HydraClassifier(), "MiniRocket": MiniRocketClassifier()}
    return {name: make_pipeline(FrameSummary("series"), model) for name, model in found.items()}


def on_summary(kind, classifier):
    """Classifier of the numbers of :class:`FrameSummary`, missing ones imputed."""
    imputer = SimpleImputer(keep_empty_features=True)
    return make_pipeline(FrameSummary(kind), imputer, classifier)


def _on_metadata(metadata):
    """Classifier of metadata alone; columns that are not numbers are categories."""
    one_hot = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
    if hasattr(metadata, "columns"):
        categories = make_column_selector(dtype_exclude="number")
        encoder = make_column_transformer((one_hot, categories), remainder="passthrough")
    else:
        encoder = "passthrough" if metadata.dtype.kind in "biuf" else one_hot
    return make_pipeline(encoder, _logistic_regression())


def _logistic_regression():
    return make_pipeline(StandardScaler(), LogisticRegression(max_iter=5000))
