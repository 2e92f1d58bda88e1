"""The middle of any geometry: in the plane of a projected CRS, or on the globe where coordinates are degrees.

On the globe, and where parts lie far apart in a plane, parts are weighed as vectors from the globe's centre, so that a
country on both sides of ±180° has its middle there and not on the other side of the world, and one around a pole has it
near the pole.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Iterator, Optional, Tuple

import numpy as np
from osgeo import ogr

from ..geodesy import Ground
from .cartesian import unit_sphere

Point = Optional[Tuple[float, float]]
_SMALL = 0.5
_STEP = 1.0
_FAR = 1e6
_NOTHING = 1e-9
_FARTHEST = (540.0, 90.0 + 1e-9)


def planar_centroid(geometry: ogr.Geometry) -> Point:
    """Return the middle in the plane of the geometry's own coordinates."""
    middle = geometry.Centroid()
    return None if middle is None or middle.IsEmpty() else (middle.GetX(), middle.GetY())


def projected_centroid(geometry: ogr.Geometry, wkt: str) -> Point:
    """Return the middle in a projected CRS; parts far apart meet on the globe, since ±180° may lie between them."""
    parts = list(_parts(geometry))
    west, east, _, _ = geometry.GetEnvelope()
    if len(parts) < 2 or east - west < _FAR:
        return planar_centroid(geometry)
    largest = max(part.kind for part in parts)
    middles = [(planar_centroid(part.geometry), part.amount) for part in parts if part.kind == largest]
    known = [(middle, amount) for middle, amount in middles if middle is not None]
    ground = Ground(wkt)
    vectors = unit_sphere(ground.places(np.array([middle for middle, _ in known], dtype=np.float64)))
    whole = (vectors * np.array([[amount] for _, amount in known])).sum(axis=0)
    if not whole @ whole > (_NOTHING * sum(amount for _, amount in known)) ** 2:
        return planar_centroid(geometry)
    place = _direction(whole)
    point = ground.points(np.array([place]))[0]
    return (float(point[0]), float(point[1])) if np.isfinite(point).all() else planar_centroid(geometry)


def point_inside(geometry: ogr.Geometry) -> Point:
    """Return a point that lies on the geometry for certain; the middle, where GEOS can't tell one."""
    point = geometry.PointOnSurface()
    if point is None or point.IsEmpty():
        return planar_centroid(geometry)
    return point.GetX(), point.GetY()


def globe_centroid(geometry: ogr.Geometry) -> Point:
    """Return the middle of a geometry in degrees, on the globe."""
    west, east, south, north = geometry.GetEnvelope()
    if not (south >= -_FARTHEST[1] and north <= _FARTHEST[1] and west >= -_FARTHEST[0] and east <= _FARTHEST[0]):
        # No degrees; on the globe any numbers would have a middle.
        return None
    parts = list(_parts(geometry))
    if len(parts) == 1 and parts[0].kind == ogr.wkbPolygon and parts[0].small:
        return planar_centroid(parts[0].geometry)
    for kind in (ogr.wkbPolygon, ogr.wkbLineString, ogr.wkbPoint):
        masses = [part.mass(kind) for part in parts if part.kind >= kind]
        whole = sum((mass for mass, _ in masses), np.zeros(3))
        weight = sum(each for _, each in masses)
        length = float(np.sqrt(whole @ whole))
        if weight > 0 and length > _NOTHING * weight:
            return _direction(whole)
    # What balances around the globe's centre has no middle on the globe.
    return planar_centroid(geometry)


@dataclass(frozen=True)
class _Part:
    """A point, line or polygon without parts; `kind` is one of those three numbers of OGR."""

    geometry: ogr.Geometry
    kind: int

    @property
    def small(self) -> bool:
        """Tell whether the curvature of the globe does not matter within this part."""
        west, east, south, north = self.geometry.GetEnvelope()
        return east - west < _SMALL and north - south < _SMALL and max(-south, north) < 89.0

    @property
    def amount(self) -> float:
        """Return area, length or count in the plane."""
        if self.kind == ogr.wkbPolygon:
            return float(self.geometry.GetArea())
        return float(self.geometry.Length()) if self.kind == ogr.wkbLineString else 1.0

    def mass(self, kind: int) -> "Tuple[np.ndarray, float]":
        """Return the sum of this part's ground as vectors, and its amount, as area, length or count."""
        if kind == ogr.wkbPolygon:
            return _area(self)
        rings = [_vertices(ring) for ring in _rings(self.geometry)] if self.kind == ogr.wkbPolygon else [
            _vertices(self.geometry)]
        if kind == ogr.wkbPoint:
            points = unit_sphere(np.concatenate(rings))
            return points.sum(axis=0), float(len(points))
        sums = [_length(ring) for ring in rings]
        return sum((vector for vector, _ in sums), np.zeros(3)), sum(amount for _, amount in sums)


def _direction(vector: np.ndarray) -> "Tuple[float, float]":
    """Return the longitude and latitude that a vector from the globe's centre points to."""
    return (float(np.degrees(np.arctan2(vector[1], vector[0]))),
            float(np.degrees(np.arctan2(vector[2], np.hypot(vector[0], vector[1])))))


def _parts(geometry: ogr.Geometry) -> "Iterator[_Part]":
    """Yield the parts of a geometry at any depth, empty ones left out."""
    kind = ogr.GT_Flatten(geometry.GetGeometryType())
    if geometry.IsEmpty():
        return
    if kind == ogr.wkbTriangle:
        kind = ogr.wkbPolygon
    if kind in (ogr.wkbPoint, ogr.wkbLineString, ogr.wkbPolygon):
        yield _Part(geometry, kind)
        return
    for index in range(geometry.GetGeometryCount()):
        yield from _parts(geometry.GetGeometryRef(index))


def _rings(polygon: ogr.Geometry) -> "Iterator[ogr.Geometry]":
    """Yield the outer ring, then the holes."""
    for index in range(polygon.GetGeometryCount()):
        ring = polygon.GetGeometryRef(index)
        if not ring.IsEmpty():
            yield ring


def _vertices(line: ogr.Geometry) -> np.ndarray:
    """Return the vertices `(n, 2)` of a point, line or ring."""
    return np.asarray(line.GetPoints(), dtype=np.float64)[:, :2]


def _area(part: _Part) -> "Tuple[np.ndarray, float]":
    """Return the integral of unit vectors over a polygon, and its area in steradians."""
    if part.small:
        # The edges' sum below would lose the digits of a house.
        middle = planar_centroid(part.geometry)
        if middle is None:
            return np.zeros(3), 0.0
        amount = part.geometry.GetArea() * np.radians(1.0) ** 2 * np.cos(np.radians(middle[1]))
        return unit_sphere(np.array([middle]))[0] * amount, amount
    sums = [_ring_integral(_vertices(ring)) for ring in _rings(part.geometry)]
    whole = sums[0] - sum(sums[1:], np.zeros(3))
    return whole, float(np.sqrt(whole @ whole))


def _ring_integral(vertices: np.ndarray) -> np.ndarray:
    """Return the integral of unit vectors within a ring: half the sum of its edges' normals times their angles."""
    points = unit_sphere(_densified(vertices))
    first, second = points, np.roll(points, -1, axis=0)
    normals = np.cross(first, second)
    sine = np.sqrt((normals ** 2).sum(axis=1))
    angles = np.arctan2(sine, (first * second).sum(axis=1))
    whole = (normals * (angles / np.where(sine > 0, sine, 1.0))[:, None]).sum(axis=0) / 2
    return whole if whole @ points.mean(axis=0) >= 0 else -whole


def _length(vertices: np.ndarray) -> "Tuple[np.ndarray, float]":
    """Return the integral of unit vectors along a line, and its length in radians."""
    points = unit_sphere(_densified(vertices))
    lengths = np.sqrt((np.diff(points, axis=0) ** 2).sum(axis=1))
    middles = (points[:-1] + points[1:]) / 2
    return (middles * lengths[:, None]).sum(axis=0), float(lengths.sum())


def _densified(vertices: np.ndarray) -> np.ndarray:
    """Return a line with vertices between those that lie far apart, since its edges are straight in degrees."""
    if len(vertices) < 2:
        return vertices
    steps = np.abs(np.diff(vertices, axis=0)).max(axis=1)
    if steps.max() <= _STEP:
        return vertices
    counts = np.maximum(np.ceil(steps / _STEP).astype(np.int64), 1)
    edges = np.repeat(np.arange(len(counts)), counts)
    within = np.arange(len(edges)) - np.repeat(np.cumsum(counts) - counts, counts)
    shares = (within / counts[edges])[:, None]
    return np.concatenate([vertices[edges] * (1 - shares) + vertices[edges + 1] * shares, vertices[-1:]])
