"""The sequence contract: which X is legal, and how its frames are read."""

from ._distinct import DistinctFrames
from ._images import ImageSequences
from ._layout import (
    LAYOUTS,
    as_array,
    as_frames,
    check_days,
    check_layout,
    frame_shape,
    frame_shape_of,
    has_images,
    iter_sequences,
    onset_from_days,
)
from ._lazy import LazySequences, SplicedSequences, gather, is_lazy
from ._recipe import describe_setting
from ._statistics import channel_statistics
from ._typing import Sequences, SequencesLike
from ._validation import check_sequences, missing_frames

__all__ = [
    "LAYOUTS",
    "DistinctFrames",
    "ImageSequences",
    "LazySequences",
    "Sequences",
    "SequencesLike",
    "SplicedSequences",
    "as_array",
    "as_frames",
    "channel_statistics",
    "check_days",
    "check_layout",
    "check_sequences",
    "describe_setting",
    "frame_shape",
    "frame_shape_of",
    "gather",
    "has_images",
    "is_lazy",
    "iter_sequences",
    "missing_frames",
    "onset_from_days",
]
