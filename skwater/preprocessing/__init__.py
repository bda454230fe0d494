"""Transformers on sequences."""

from ._baseline import BaselineCorrector
from ._date_scaler import DateScaler
from ._frame_sampler import FrameSampler
from ._size import CenterCrop, Resize
from ._vegetation import CanopyCover, VegetationMask

__all__ = [
    "BaselineCorrector",
    "CanopyCover",
    "CenterCrop",
    "DateScaler",
    "FrameSampler",
    "Resize",
    "VegetationMask",
]
