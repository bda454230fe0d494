"""Model files that are safe to share: saved, loaded and inspected without pickle."""

from ._card import ModelCard
from ._files import inspect, load, save

__all__ = ["ModelCard", "inspect", "load", "save"]
