"""Location encoders: vectors of places, from formulas alone or by networks that were trained on such."""

from __future__ import annotations

from .embed import LocationRequest, LocationResult, embed_locations
from .encoder import LocationEncoder
from .finding import find_location_encoder
from .places import CENTROID, PLACES, Places, canonical
from .settings import Settings
from .shipped import DEFAULT_ID, FAMILIES, IDS

__all__ = ["CENTROID", "DEFAULT_ID", "FAMILIES", "IDS", "PLACES", "LocationEncoder", "LocationRequest",
           "LocationResult", "Places", "Settings", "canonical", "embed_locations", "find_location_encoder"]
