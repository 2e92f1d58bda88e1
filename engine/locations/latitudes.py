"""Refuses layers in degrees with latitudes that there are not: swapped coordinates, or those of another system."""

from __future__ import annotations

from typing import Optional, Sequence

import numpy as np
from osgeo import ogr

from ..dataset import quiet
from ..errors import InputError

# Nearly all places where they should be, once longitude and latitude are swapped, are no chance.
SWAPPED_SHARE = 0.9
_ROUNDING = 1e-9


def refuse_beyond(name: str, ids: "Sequence[int]", shapes: "Sequence[Optional[bytes]]") -> None:
    """Raise for the first geometry, of those without a place in a layer in degrees, that has a latitude beyond 90°."""
    for identity, shape in zip(ids, shapes):
        extent = _extent(shape)
        if extent is None:
            continue
        west, east, south, north = extent
        latitude = north if abs(north) >= abs(south) else south
        if abs(latitude) <= 90.0 + _ROUNDING:
            continue
        longitude = east if abs(east) >= abs(west) else west
        if abs(longitude) <= 90.0 and abs(latitude) <= 180.0 + _ROUNDING:
            raise InputError("location-swapped", "Feature {id} of {name} has the latitude {latitude:g}°, beyond a "
                             "pole, and the longitude {longitude:g}°: the two seem to be swapped, which “Swap X and Y "
                             "coordinates” mends.", id=identity, name=name, latitude=latitude, longitude=longitude)
        raise InputError("location-latitude", "Feature {id} of {name} has the latitude {latitude:g}°, beyond a pole, "
                         "so its coordinates are no degrees: correct it, or give the layer the coordinate reference "
                         "system that it is in with “Assign projection”.", id=identity, name=name, latitude=latitude)


def _extent(shape: Optional[bytes]) -> "Optional[tuple[float, float, float, float]]":
    """Return west, east, south and north of a geometry; None where it has none."""
    if shape is None:
        return None
    with quiet():
        try:
            geometry = ogr.CreateGeometryFromWkb(shape)
            if geometry is None or geometry.IsEmpty():
                return None
            found = geometry.GetEnvelope()
        except RuntimeError:
            return None
    return found if np.isfinite(found).all() else None
