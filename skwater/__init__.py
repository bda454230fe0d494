"""Water stress in crops, found in image time series by scikit-learn-compatible estimators."""

import importlib
from importlib.metadata import version as _version

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
_SUBMODULES = [
    "augmentation",
    "classifiers",
    "datasets",
    "early_detection",
    "evaluation",
    "exceptions",
    "export",
    "metrics",
    "model_selection",
    "monitoring",
    "nn",
    "persistence",
    "plotting",
    "preprocessing",
    "resampling",
]

__all__ = [*_HOMES, *_SUBMODULES]
__version__ = _version("skwater")


def __getattr__(name):
    if name in _HOMES:
        return getattr(importlib.import_module(_HOMES[name]), name)
    if name in _SUBMODULES:
        return importlib.import_module(f"skwater.{name}")
    raise AttributeError(f"module 'skwater' has no attribute {name!r}")


def __dir__():
    return [*__all__, "__version__"]
