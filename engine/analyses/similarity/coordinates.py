"""Coordinates that somebody typed."""

from __future__ import annotations

import re

import numpy as np
from osgeo import osr

from ...centres import point_wkb
from ...dataset import quiet, spatial_reference
from ...errors import InputError

_TEXT = re.compile(r"^(?P<pairs>[^\[\]]*?)\s*(?:\[(?P<crs>[^\[\]]+)\])?\s*$")


def typed_points(text: str, wkt: str) -> "tuple[bytes, ...]":
    """Return the points of `x,y; x,y [EPSG:4326]` as WKB in a CRS; without brackets they are in that CRS already."""
    match = _TEXT.match(text.strip())
    pairs = [pair.strip() for pair in match["pairs"].split(";") if pair.strip()] if match else []
    try:
        points = np.array([[float(number) for number in re.split(r"[,\s]+", pair)] for pair in pairs])
    except ValueError:
        points = np.empty((0, 0))
    if points.ndim != 2 or points.shape[1:] != (2,) or not np.isfinite(points).all():
        raise InputError("coordinates", "COORDINATES: “{text}” is not a list of points: write x,y;x,y in the layer's "
                         "own coordinates, or add [EPSG:4326] for longitude,latitude.", text=text)
    if match is not None and match["crs"]:
        points = _transformed(points, match["crs"].strip(), wkt, text)
    return tuple(point_wkb(x, y) for x, y in points.tolist())


def _transformed(points: np.ndarray, crs: str, wkt: str, text: str) -> np.ndarray:
    """Transform points from the CRS that was named."""
    source = osr.SpatialReference()
    with quiet():
        try:
            known = source.SetFromUserInput(crs) == 0
            source.SetAxisMappingStrategy(osr.OAMS_TRADITIONAL_GIS_ORDER)
            found = np.array([])
            if known and wkt:
                way = osr.CoordinateTransformation(source, spatial_reference(wkt))
                found = np.asarray(way.TransformPoints(points.tolist()))[:, :2]
        except RuntimeError:
            known, found = False, np.array([])
    if not len(found) or not np.isfinite(found).all():
        raise InputError("coordinates-crs", "COORDINATES: the points of “{text}” can't be transformed from {crs} to "
                         "the CRS of the layer: write them in the layer's own coordinates.", text=text, crs=crs)
    return found
