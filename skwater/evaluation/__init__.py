"""Scores of few plants that can be trusted."""

from ._benchmark import benchmark
from ._early import EarlyDetectionCurve, early_detection_curve
from ._exchangeability import exchangeability_test
from ._permutation import permutation_test
from ._result import BenchmarkResult

__all__ = [
    "BenchmarkResult",
    "EarlyDetectionCurve",
    "benchmark",
    "early_detection_curve",
    "exchangeability_test",
    "permutation_test",
]
