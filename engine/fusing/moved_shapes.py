"""Geometries of embedding tables, valid and in one CRS, for laying one table over another."""

from __future__ import annotations

from typing import Optional, Sequence

import numpy as np
from osgeo import ogr, osr

from ..dataset import metres_per_unit, quiet, spatial_reference
from ..errors import InputError
from ..table import Table

_LONGEST_METRES = 5000.0
_LONGEST_DEGREES = 0.05
_MOST_PARTS = 512
_POLYGONAL = (ogr.wkbPolygon, ogr.wkbMultiPolygon, ogr.wkbCurvePolygon, ogr.wkbMultiSurface)


class Mover:
    """Turns WKB into valid geometries of another CRS; edges that are long get vertices in between first."""

    def __init__(self, table: Table, wkt: str) -> None:
        """Find the way; there is none to go where both CRSs are the same, or unknown."""
        self._way: "Optional[osr.CoordinateTransformation]" = None
        self._longest = 0.0
        if known(wkt):
            origin, target = spatial_reference(table.wkt), spatial_reference(wkt)
            if not origin.IsSame(target):
                self._way = osr.CoordinateTransformation(origin, target)
                metres = metres_per_unit(table.wkt)
                self._longest = _LONGEST_DEGREES if metres is None else _LONGEST_METRES / metres

    def moved(self, wkb: Optional[bytes]) -> "Optional[ogr.Geometry]":
        """Return the geometry; None where there is none or it can't be moved."""
        if wkb is None:
            return None
        with quiet():
            try:
                geometry = ogr.CreateGeometryFromWkb(wkb)
                if geometry is None or geometry.IsEmpty():
                    return None
                geometry.FlattenTo2D()
                if geometry.HasCurveGeometry():
                    geometry = geometry.GetLinearGeometry()
                if not geometry.IsValid():
                    geometry = geometry.MakeValid()
                if self._way is not None:
                    west, east, south, north = geometry.GetEnvelope()
                    geometry.Segmentize(max(self._longest, max(east - west, north - south) / _MOST_PARTS))
                    if geometry.Transform(self._way) != 0 or not np.isfinite(geometry.GetEnvelope()).all():
                        return None
                    if not geometry.IsValid():
                        geometry = geometry.MakeValid()
                return geometry
            except RuntimeError:
                return None


def envelope_of(shape: "Optional[ogr.Geometry]") -> "tuple[float, float, float, float]":
    """Return west, east, south and north; NaN where there is no geometry."""
    return (np.nan,) * 4 if shape is None else shape.GetEnvelope()


def polygons_of(shape: "Optional[ogr.Geometry]") -> "Optional[ogr.Geometry]":
    """Return the polygons of a geometry as one multi-polygon, without the points and lines that polygons share."""
    if shape is None or shape.IsEmpty():
        return None
    kind = ogr.GT_Flatten(shape.GetGeometryType())
    if kind == ogr.wkbMultiPolygon:
        return shape
    found = ogr.Geometry(ogr.wkbMultiPolygon)
    if kind == ogr.wkbPolygon:
        found.AddGeometry(shape)
    elif kind == ogr.wkbGeometryCollection:
        for index in range(shape.GetGeometryCount()):
            inner = polygons_of(shape.GetGeometryRef(index))
            for part in range(0 if inner is None else inner.GetGeometryCount()):
                found.AddGeometry(inner.GetGeometryRef(part))
    return found if found.GetGeometryCount() else None


def polygonal(table: Table) -> bool:
    """Tell whether a table's layer is one of polygons."""
    return ogr.GT_Flatten(table.geometry_type) in _POLYGONAL


def known(wkt: str) -> bool:
    """Tell whether a CRS says where on Earth it is; a GeoPackage without one bears an undefined, local one."""
    return bool(wkt) and not spatial_reference(wkt).IsLocal() and "Undefined" not in wkt[:40]


def require_places(tables: "Sequence[Table]") -> None:
    """Refuse tables whose rows lie nowhere."""
    for table in tables:
        if table.geometry_type == ogr.wkbNone:
            raise InputError("fuse-nowhere", "{table} has no geometries to overlay: match by a key, or join it to a "
                             "layer first.", table=table.name)
        if not known(table.wkt) and any(known(other.wkt) for other in tables):
            raise InputError("fuse-crs", "{table} has no CRS, so nobody knows what it lies on: set one with “Assign "
                             "projection”, or match by a key.", table=table.name)
