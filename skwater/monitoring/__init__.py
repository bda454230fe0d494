"""Plants during the season, one new image at a time."""

from ._folder_watch import FolderWatch
from ._monitor import PlantStatus, StressMonitor

__all__ = ["FolderWatch", "PlantStatus", "StressMonitor"]
