"""New training sequences: splices of several plants, and starts of the season of one."""

from ._rss_resampler import RSSResampler
from ._season_starts import SeasonStarts
from ._splice import splice

__all__ = ["RSSResampler", "SeasonStarts", "splice"]
