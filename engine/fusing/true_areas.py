"""True areas of many small polygons on the ground, without following the edges of each over the globe."""

from __future__ import annotations

from typing import Sequence

import numpy as np
from osgeo import ogr

from ..features.ground_areas import GroundAreas
from ..geodesy import Ground, polygon_area
from ..grid import Grid, Window

_SIDE = 1 << 14
_EVEN = 0.002


class TrueAreas:
    """Areas in any one unit: those in the plane of the CRS times what a piece of that plane is on the ground there.

    Polygons over which that changes are measured edge by edge.
    """

    def __init__(self, wkt: str, extent: "Sequence[float]") -> None:
        """Measure a lattice over an extent of west, east, south and north."""
        self._wkt = wkt
        self._planar = Ground(wkt).planar
        west, east, south, north = extent
        across, down = max((east - west) / _SIDE, 1e-12), max((north - south) / _SIDE, 1e-12)
        self._grid = Grid(_SIDE, _SIDE, (west, across, 0.0, north, 0.0, -down), wkt)
        if not self._planar:
            self._lattice = GroundAreas(self._grid)
            x, y = (west + east) / 2, (south + north) / 2
            ring = ogr.Geometry(ogr.wkbPolygon)
            edge = ogr.Geometry(ogr.wkbLinearRing)
            for right, up in ((0, 0), (1, 0), (1, 1), (0, 1), (0, 0)):
                edge.AddPoint_2D(x + right * across, y + up * down)
            ring.AddGeometry(edge)
            middle = self._scales(np.array([[x, y]]))[0]
            true = polygon_area(bytes(ring.ExportToIsoWkb()), wkt) / (across * down)
            # Where the middle of the extent has no place, edges can't be followed either.
            self._exact = bool(np.isfinite(true) and true > 0)
            self._unit = true / middle if self._exact else 1.0

    def of(self, shapes: "Sequence[ogr.Geometry]") -> np.ndarray:
        """Return the areas of polygons."""
        plane = np.array([shape.GetArea() for shape in shapes])
        if self._planar or not len(plane):
            return plane
        boxes = np.array([shape.GetEnvelope() for shape in shapes])
        middles = np.array([_middle(shape) for shape in shapes])
        corners = np.stack([self._scales(boxes[:, [side, end]]) for side in (0, 1) for end in (2, 3)])
        found = plane * self._scales(middles) * self._unit
        if self._exact:
            for row in np.flatnonzero(np.ptp(corners, axis=0) > _EVEN * corners.max(axis=0)).tolist():
                area = polygon_area(bytes(shapes[row].ExportToIsoWkb()), self._wkt)
                found[row] = area if np.isfinite(area) else found[row]
        return found

    def _scales(self, points: np.ndarray) -> np.ndarray:
        """Return how much ground a unit of the plane is at points, to within a constant factor."""
        x, dx, _, y, _, dy = self._grid.transform
        columns = np.clip(np.floor((points[:, 0] - x) / dx), 0, _SIDE - 1).astype(np.int64)
        rows = np.clip(np.floor((points[:, 1] - y) / dy), 0, _SIDE - 1).astype(np.int64)
        return self._lattice.of_cells(Window(0, 0, _SIDE, _SIDE), rows * _SIDE + columns)


def _middle(shape: ogr.Geometry) -> "tuple[float, float]":
    """Return the centre of a polygon."""
    centre = shape.Centroid()
    return centre.GetX(), centre.GetY()
