"""Displays of plants, splices and scores, like those of scikit-learn. They need matplotlib."""

from ._benchmark import BenchmarkDisplay
from ._contact_sheet import FramesDisplay
from ._early_detection import EarlyDetectionDisplay
from ._frame_importance import FrameImportanceDisplay
from ._growth import GrowthDisplay
from ._permutation import PermutationDisplay
from ._splice import SpliceDisplay

__all__ = [
    "BenchmarkDisplay",
    "EarlyDetectionDisplay",
    "FrameImportanceDisplay",
    "FramesDisplay",
    "GrowthDisplay",
    "PermutationDisplay",
    "SpliceDisplay",
]
