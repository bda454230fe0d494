"""Splits that keep plants, or whole treatments, apart, and the check that one does."""

from ._leakage import check_no_leakage
from ._split import LeaveTreatmentsOut, RepeatedStratifiedGroupKFold

__all__ = ["LeaveTreatmentsOut", "RepeatedStratifiedGroupKFold", "check_no_leakage"]
