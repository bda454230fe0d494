"""Data sets of plants under water stress: measured, simulated, or loaded from disk."""

from ..sequences import onset_from_days
from ._data_home import get_data_home
from ._eschikon import fetch_eschikon_indicators
from ._eschikon_images import load_eschikon
from ._image_folders import load_image_sequences
from ._manifest import load_manifest
from ._simulated_folder import make_image_folder
from ._synthetic import make_water_stress
from ._traits import load_traits

__all__ = [
    "fetch_eschikon_indicators",
    "get_data_home",
    "load_eschikon",
    "load_image_sequences",
    "load_manifest",
    "load_traits",
    "make_image_folder",
    "make_water_stress",
    "onset_from_days",
]
