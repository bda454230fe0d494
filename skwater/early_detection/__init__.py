"""Early detection: on which date can stress be told?"""

from ._detector import EarlyDetector

__all__ = ["EarlyDetector"]
