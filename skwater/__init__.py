"""Water stress in crops, found in image time series by scikit-learn-compatible estimators."""

import importlib
from importlib.metadata import version as _version
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # a type checker does not run __getattr__
    from . import (
        augmentation,
        classifiers,
        datasets,
        early_detection,
        evaluation,
        exceptions,
        export,
        metrics,
        model_selection,
        monitoring,
        nn,
        persistence,
        plotting,
        preprocessing,
        resampling,
    )
    from ._pipeline import Pipeline, make_pipeline
    from ._predict_images import predict_images
    from ._show_versions import show_versions
    from .classifiers import CNNLSTMClassifier, ConvLSTMClassifier, SequenceClassifier
    from .early_detection import EarlyDetector
    from .persistence import inspect, load, save
    from .resampling import RSSResampler
    from .sequences import ImageSequences, SplicedSequences


# Where each public name lives. They are imported when first used (PEP 562), so that
# `from skwater import RSSResampler` does not pay for torch.
_HOMES = {
    "CNNLSTMClassifier": "skwater.classifiers",
    "ConvLSTMClassifier": "skwater.classifiers",
    "EarlyDetector": "skwater.early_detection",
    "ImageSequences": "skwater.sequences",
    "Pipeline": "skwater._pipeline",
    "RSSResampler": "skwater.resampling",
    "SequenceClassifier": "skwater.classifiers",
    "SplicedSequences": "skwater.sequences",
    "inspect": "skwater.persistence",
    "load": "skwater.persistence",
    "make_pipeline": "skwater._pipeline",
    "predict_images": "skwater._predict_images",
    "save": "skwater.persistence",
    "show_versions": "skwater._show_versions",
}
__all__ = [
    "CNNLSTMClassifier",
    "ConvLSTMClassifier",
    "EarlyDetector",
    "ImageSequences",
    "Pipeline",
    "RSSResampler",
    "SequenceClassifier",
    "SplicedSequences",
    "augmentation",
    "classifiers",
    "datasets",
    "early_detection",
    "evaluation",
    "exceptions",
    "export",
    "inspect",
    "load",
    "make_pipeline",
    "metrics",
    "model_selection",
    "monitoring",
    "nn",
    "persistence",
    "plotting",
    "predict_images",
    "preprocessing",
    "resampling",
    "save",
    "show_versions",
]
_SUBMODULES = [name for name in __all__ if name not in _HOMES]
__version__ = _version("skwater")


def __getattr__(name):
    if name in _HOMES:
        return getattr(importlib.import_module(_HOMES[name]), name)
    if name in _SUBMODULES:
        return importlib.import_module(f"skwater.{name}")
    raise AttributeError(f"module 'skwater' has no attribute {name!r}")


def __dir__():
    return [*__all__, "__version__"]
