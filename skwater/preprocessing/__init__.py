"""Transformers on sequences of photos."""

from ._frame_sampler import FrameSampler
from ._size import CenterCrop, Resize
from ._vegetation import CanopyCover, VegetationMask

__all__ = ["CanopyCover", "CenterCrop", "FrameSampler", "Resize", "VegetationMask"]
