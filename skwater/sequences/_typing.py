"""Types of X for the public interface."""

from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike

from ._lazy import LazySequences

Sequences: TypeAlias = np.ndarray | LazySequences
SequencesLike: TypeAlias = ArrayLike | LazySequences
