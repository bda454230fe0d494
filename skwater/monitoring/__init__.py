"""Plants during the season, one new image at a time."""

from ._monitor import PlantStatus, StressMonitor

__all__ = ["PlantStatus", "StressMonitor"]
