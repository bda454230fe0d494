"""Scores of few plants that can be trusted."""

from ._benchmark import benchmark
from ._early import EarlyDetectionCurve, early_detection_curve
from ._permutation import permutation_test
from ._result import BenchmarkResult

__all__ = [
    "BenchmarkResult",
    "EarlyDetectionCurve",
    "benchmark",
    "early_detection_curve",
    "permutation_test",
]
