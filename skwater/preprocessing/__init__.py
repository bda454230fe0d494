"""Transformers on sequences."""

from ._baseline import BaselineCorrector
from ._frame_encoder import FrameEncoder
from ._frame_sampler import FrameSampler
from ._frame_scaler import FrameScaler
from ._frame_wise import FrameWise
from ._size import CenterCrop, Resize
from ._stack import stack_channels
from ._vegetation import CanopyCover, VegetationMask
from ._white_balance import WhiteBalance

__all__ = [
    "BaselineCorrector",
    "CanopyCover",
    "CenterCrop",
    "FrameEncoder",
    "FrameSampler",
    "FrameScaler",
    "FrameWise",
    "Resize",
    "VegetationMask",
    "WhiteBalance",
    "stack_channels",
]
