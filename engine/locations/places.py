"""Where the features of a layer are: longitudes and latitudes of WGS 84, one for each geometry of any kind and CRS."""

from __future__ import annotations

from functools import partial
from typing import Callable, List, Optional, Sequence

import numpy as np
from osgeo import ogr, osr

from ..dataset import longitude_latitude, quiet, spatial_reference
from ..errors import InputError
from .centroids import Point, globe_centroid, planar_centroid, point_inside, projected_centroid

CENTROID = "centroid"
INSIDE = "inside"
PLACES = (CENTROID, INSIDE)
_POINT_TYPES = tuple(1 + dimension for dimension in (0, 1000, 2000, 3000))
_POINT_SIZES = {21, 29, 37}
_OLD_Z = 0x80000000
_ROUNDING = 1e-9
_FARTHEST_LONGITUDE = 540.0


class Places:
    """Finds the places of one layer's geometries."""

    def __init__(self, name: str, wkt: str, place: str = CENTROID) -> None:
        """Find the way from the layer's CRS, or say in words why there is none."""
        if place not in PLACES:
            raise InputError("place-unknown", "“{place}” is no way to find a feature's place: choose one of {known}.",
                             place=place, known=", ".join(PLACES))
        if not wkt:
            raise InputError("crs-missing", "{name} has no coordinate reference system, so its places on the globe are "
                             "unknown: assign one with “Assign projection”.", name=name)
        _require_way(name, wkt)
        self._wkt = wkt
        reference = spatial_reference(wkt)
        self._world = _is_world(reference)
        self._geographic = bool(reference.IsGeographic())
        self._degrees = self._geographic and abs(reference.GetAngularUnits() - np.radians(1.0)) < 1e-9
        self._middle = self._choose(place)

    @property
    def degrees(self) -> bool:
        """Tell whether the layer's coordinates are degrees, so that a latitude beyond 90 is a mistake."""
        return self._degrees

    def find(self, shapes: "Sequence[Optional[bytes]]") -> np.ndarray:
        """Return `(n, 2)` longitudes in [−180, 180) and latitudes of WKB geometries; NaN where one has no place."""
        points = _plain_points(shapes)
        if points is None:
            points = np.array([self._point(shape) for shape in shapes], dtype=np.float64).reshape(-1, 2)
        return canonical(points if self._world else _transformed(self._wkt, points))

    def _choose(self, place: str) -> "Callable[[ogr.Geometry], Point]":
        """Return how the place of a line, polygon or collection is found."""
        if place == INSIDE:
            return point_inside
        if self._degrees:
            return globe_centroid
        return planar_centroid if self._geographic else partial(projected_centroid, wkt=self._wkt)

    def _point(self, shape: Optional[bytes]) -> "tuple[float, float]":
        """Return the point that stands for a geometry, in the layer's CRS."""
        nowhere = (np.nan, np.nan)
        if shape is None:
            return nowhere
        with quiet():
            try:
                geometry = ogr.CreateGeometryFromWkb(shape)
                if geometry is None or geometry.IsEmpty():
                    return nowhere
                if ogr.GT_Flatten(geometry.GetGeometryType()) == ogr.wkbPoint:
                    return geometry.GetX(), geometry.GetY()
                if geometry.HasCurveGeometry():
                    geometry = geometry.GetLinearGeometry()
                return self._middle(geometry) or nowhere
            except RuntimeError:
                # Bytes that are no geometry, where the host lets GDAL raise.
                return nowhere


def canonical(places: np.ndarray) -> np.ndarray:
    """Return each place under its one name: longitude in [−180, 180), 0 at the poles; NaN for what is none.

    Latitudes beyond a pole and longitudes more than a turn off are no places but coordinates of another CRS.
    """
    if _is_canonical(places):
        return places.astype(np.float64)
    longitude, latitude = places[:, 0].copy(), places[:, 1].copy()
    with np.errstate(invalid="ignore"):
        wrong = ~((np.abs(latitude) <= 90.0 + _ROUNDING) & (np.abs(longitude) <= _FARTHEST_LONGITUDE))
        outside = (longitude < -180.0) | (longitude >= 180.0 - _ROUNDING)
        if outside.any():
            longitude[outside] = (longitude[outside] + 180.0 + _ROUNDING) % 360.0 - 180.0 - _ROUNDING
            longitude[outside & (np.abs(longitude + 180.0) <= _ROUNDING)] = -180.0
        pole = np.abs(latitude) >= 90.0 - _ROUNDING
    longitude[pole] = 0.0
    latitude[pole] = np.copysign(90.0, latitude[pole])
    longitude[wrong] = latitude[wrong] = np.nan
    return np.stack([longitude, latitude], axis=1)


def _is_canonical(places: np.ndarray) -> bool:
    """Tell whether all places bear their one name already, as nearly always; NaN compares as no."""
    if not len(places):
        return False
    # Extremes of columns: those along the first axis at once take twenty times as long.
    longitude, latitude = places[:, 0], places[:, 1]
    return bool(longitude.min() >= -180.0 and longitude.max() < 180.0 - _ROUNDING
                and latitude.min() > -90.0 + _ROUNDING and latitude.max() < 90.0 - _ROUNDING)


def _plain_points(shapes: "Sequence[Optional[bytes]]") -> Optional[np.ndarray]:
    """Return the coordinates of points at once, or None where the shapes are not all points of one kind."""
    size = len(shapes[0] or b"") if len(shapes) else 0
    if size not in _POINT_SIZES:
        return None
    try:
        joined = b"".join(shapes)  # type: ignore[arg-type]
    except TypeError:
        return None
    if len(joined) != size * len(shapes):
        return None
    # A shape of another length would shift those after it, so that their headers don't lie where they are looked for.
    rows = np.frombuffer(joined, dtype=np.dtype({"names": ["order", "kind", "place"], "itemsize": size,
                                                 "formats": ["u1", "<u4", "V16"], "offsets": [0, 1, 5]}))
    kind = int(rows["kind"][0])
    if kind & ~_OLD_Z not in _POINT_TYPES or (rows["order"] != 1).any() or (rows["kind"] != kind).any():
        return None
    return np.ascontiguousarray(rows["place"]).view("<f8").reshape(-1, 2)


def _transformed(wkt: str, points: np.ndarray) -> np.ndarray:
    """Transform the points that are any; one that PROJ stumbles over spoils none beside it."""
    found = np.full(points.shape, np.nan)
    whole = np.flatnonzero(np.isfinite(points).all(axis=1))
    pending: "List[np.ndarray]" = [whole] if len(whole) else []
    while pending:
        rows = pending.pop()
        found[rows] = longitude_latitude(wkt, points[rows])
        if len(rows) > 1 and np.isnan(found[rows]).all():
            # Where the host lets GDAL raise, a single bad point gives up all that go with it.
            half = len(rows) // 2
            pending += [rows[:half], rows[half:]]
    return found


def _require_way(name: str, wkt: str) -> None:
    """Refuse a CRS that says nothing of where on the globe its coordinates are."""
    with quiet():
        try:
            reference = spatial_reference(wkt)
            known = not reference.IsLocal() and not reference.IsGeocentric()
            way = osr.CoordinateTransformation(reference, _longitude_latitude()) if known else None
            # Bindings that don't raise return an object without a transformation inside.
            known = way is not None and bool(getattr(way, "this", None))
        except RuntimeError:
            known = False
    if not known:
        raise InputError("crs-no-globe", "The coordinate reference system of {name} doesn't tell where on the globe it "
                         "is: assign the right one with “Assign projection”.", name=name)


def _is_world(reference: osr.SpatialReference) -> bool:
    """Tell whether coordinates are longitudes and latitudes of WGS 84 already."""
    return bool(reference.IsGeographic()) and bool(reference.IsSame(
        _longitude_latitude(), ["IGNORE_DATA_AXIS_TO_SRS_AXIS_MAPPING=YES", "IGNORE_COORDINATE_EPOCH=YES",
                                "CRITERION=EQUIVALENT_EXCEPT_AXIS_ORDER_GEOGCRS"]))


def _longitude_latitude() -> osr.SpatialReference:
    """Return WGS 84 with longitude first."""
    world = osr.SpatialReference()
    world.ImportFromEPSG(4326)
    world.SetAxisMappingStrategy(osr.OAMS_TRADITIONAL_GIS_ORDER)
    return world
