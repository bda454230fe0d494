"""Data sets of plants under water stress: measured ones to fetch, and pictures to generate."""

from ._data_home import get_data_home
from ._eschikon import fetch_eschikon_indicators
from ._synthetic import make_water_stress

__all__ = ["fetch_eschikon_indicators", "get_data_home", "make_water_stress"]
