"""Location encoders: vectors of places from formulas alone, without a model file or a package."""

from __future__ import annotations

from .embed import LocationRequest, LocationResult, embed_locations
from .encoder import LocationEncoder, find_location_encoder
from .places import CENTROID, PLACES, Places, canonical
from .settings import Settings
from .shipped import DEFAULT_ID, FAMILIES, IDS

__all__ = ["CENTROID", "DEFAULT_ID", "FAMILIES", "IDS", "PLACES", "LocationEncoder", "LocationRequest",
           "LocationResult", "Places", "Settings", "canonical", "embed_locations", "find_location_encoder"]
