"""Evaluation of classifiers on few plants: benchmarks, curves and permutation tests."""

from ._benchmark import benchmark
from ._benchmark_result import BenchmarkResult
from ._early import early_detection_curve
from ._early_result import EarlyDetectionCurve
from ._exchangeability import exchangeability_test
from ._permutation import permutation_test
from ._permutation_result import PermutationResult
from ._report import report

__all__ = [
    "BenchmarkResult",
    "EarlyDetectionCurve",
    "PermutationResult",
    "benchmark",
    "early_detection_curve",
    "exchangeability_test",
    "permutation_test",
    "report",
]
