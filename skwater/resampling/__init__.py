"""Random Sequence Splicing: new training sequences from the frames of several plants."""

from ._rss_resampler import RSSResampler
from ._splice import splice

__all__ = ["RSSResampler", "splice"]
