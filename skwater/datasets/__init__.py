"""Data sets of plants under water stress: measured ones to fetch, and pictures to generate."""

from skwater.datasets._data_home import get_data_home
from skwater.datasets._eschikon import fetch_eschikon_indicators
from skwater.datasets._synthetic import make_water_stress

__all__ = ["fetch_eschikon_indicators", "get_data_home", "make_water_stress"]
