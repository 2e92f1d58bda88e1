"""Distances and areas in metres for the coordinates of any CRS: on the ellipsoid, or on a plane where there is no CRS.

Distances follow Lambert's formula for long lines (metres over thousands of kilometres), areas the ellipsoid's own
equal-area latitude; both are plain NumPy, so that millions of cells cost little.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Optional

import numpy as np
from osgeo import ogr, osr

from .dataset import longitude_latitude, quiet, spatial_reference
from .grid import Grid, Window

SEMI_MAJOR = 6_378_137.0
FLATTENING = 1 / 298.257223563
MEAN_RADIUS = 6_371_008.8
_ECCENTRICITY = float(np.sqrt(FLATTENING * (2 - FLATTENING)))
_LATTICE = 16
_AREA_LATTICE = 8
_AREA_STEP = 1e-3
_CIRCLE_POINTS = 24
_EDGE_PARTS = 32


def distance(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Return metres between longitudes and latitudes `(..., 2)` in degrees; the two broadcast against each other."""
    first, second = np.asarray(first, dtype=np.float64), np.asarray(second, dtype=np.float64)
    turn = np.radians(second[..., 0] - first[..., 0])
    one, two = _reduced(first[..., 1]), _reduced(second[..., 1])
    mean, half = (one + two) / 2, (two - one) / 2
    hav = np.sin(half) ** 2 + np.cos(one) * np.cos(two) * np.sin(turn / 2) ** 2
    hav = np.clip(hav, 0.0, 1.0)
    angle = 2 * np.arcsin(np.sqrt(hav))
    outer = np.maximum(1.0 - hav, 1e-12)
    inner = np.maximum(hav, 1e-300)
    across = (angle - np.sin(angle)) * np.sin(mean) ** 2 * np.cos(half) ** 2 / outer
    along = (angle + np.sin(angle)) * np.cos(mean) ** 2 * np.sin(half) ** 2 / inner
    return SEMI_MAJOR * (angle - FLATTENING / 2 * (across + along))


def _reduced(latitude: np.ndarray) -> np.ndarray:
    """Return reduced latitudes in radians."""
    return np.arctan((1 - FLATTENING) * np.tan(np.radians(np.clip(latitude, -90.0, 90.0))))


def equal_area(latitude: np.ndarray) -> np.ndarray:
    """Return the y in which a band of one radian of longitude has its true area in square metres."""
    sine = np.sin(np.radians(latitude))
    e = _ECCENTRICITY
    q = (1 - e * e) * (sine / (1 - (e * sine) ** 2) + np.arctanh(e * sine) / e)
    return SEMI_MAJOR ** 2 / 2 * q


@dataclass(frozen=True)
class Ground:
    """How coordinates of a CRS become places: longitude and latitude, or plane metres where nothing else is known."""

    wkt: str

    @property
    def planar(self) -> bool:
        """Tell whether coordinates are taken as metres on a plane."""
        return _kind(self.wkt) == "plane"

    @property
    def geographic(self) -> bool:
        """Tell whether coordinates are angles already."""
        return _kind(self.wkt) == "angles"

    def places(self, points: np.ndarray) -> np.ndarray:
        """Return places `(n, 2)` of points `(n, 2)`; NaN where the CRS has none."""
        points = np.asarray(points, dtype=np.float64).reshape(-1, 2)
        if self.planar:
            return points
        if self.geographic:
            return points * _degrees_per_unit(self.wkt)
        return longitude_latitude(self.wkt, points)

    def points(self, places: np.ndarray) -> np.ndarray:
        """Return the points `(n, 2)` in the CRS of places `(n, 2)`; NaN where it has none."""
        if self.planar:
            return places
        if self.geographic:
            return places / _degrees_per_unit(self.wkt)
        with quiet():
            try:
                way = osr.CoordinateTransformation(_world(), spatial_reference(self.wkt))
                found = np.asarray(way.TransformPoints(places.tolist()), dtype=np.float64)[:, :2]
            except RuntimeError:
                return np.full((len(places), 2), np.nan)
        found[~np.isfinite(found).all(axis=1)] = np.nan
        return found

    def distance(self, first: np.ndarray, second: np.ndarray) -> np.ndarray:
        """Return metres between places, which broadcast."""
        if self.planar:
            return np.hypot(first[..., 0] - second[..., 0], first[..., 1] - second[..., 1])
        return distance(first, second)

    def near(self, first: np.ndarray, second: np.ndarray, metres: float) -> "tuple[np.ndarray, np.ndarray]":
        """Return the pairs (index of first, index of second) of places nearer than so many metres.

        A product of unit vectors finds the few that may be; the true distance decides.
        """
        one, two = self._upright(first), self._upright(second)
        if self.planar:
            square = (one ** 2).sum(axis=1)[:, None] + (two ** 2).sum(axis=1)[None, :] - 2 * (one @ two.T)
            limit = metres ** 2 * (1 + 1e-6) + 1e-6 * max(1.0, float(np.abs(one).max(initial=0.0))) ** 2 * 1e-6
            rows, columns = np.nonzero(square < limit)
        else:
            angle = min(np.pi, (metres * 1.01 + 1.0) / (MEAN_RADIUS * 0.99))
            rows, columns = np.nonzero(one @ two.T > np.cos(angle) - 1e-15)
        kept = self.distance(first[rows], second[columns]) < metres
        return rows[kept], columns[kept]

    def _upright(self, places: np.ndarray) -> np.ndarray:
        """Return vectors whose product tells how near two places are."""
        places = np.asarray(places, dtype=np.float64)
        if self.planar:
            return places - places[0] * 0
        longitude, latitude = np.radians(places[:, 0]), np.radians(places[:, 1])
        return np.stack([np.cos(latitude) * np.cos(longitude), np.cos(latitude) * np.sin(longitude),
                         np.sin(latitude)], axis=1)


def cell_places(grid: Grid, window: Window) -> np.ndarray:
    """Return the places `(rows, cols, 2)` of a window's cell centres, to a thousandth of a cell."""
    ground = Ground(grid.wkt)
    columns, rows = window.x + np.arange(window.width) + 0.5, window.y + np.arange(window.height) + 0.5
    if ground.planar or ground.geographic:
        return ground.places(_points(grid, columns, rows)).reshape(window.height, window.width, 2)
    if window.width * window.height > 4 * _LATTICE ** 2:
        found = _interpolated(grid, ground, columns, rows)
        if found is not None:
            return found
    return ground.places(_points(grid, columns, rows)).reshape(window.height, window.width, 2)


def _points(grid: Grid, columns: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Return the coordinates `(rows * cols, 2)` of all crossings of columns and rows (in cells from the origin)."""
    x, dx, _, y, _, dy = grid.transform
    found = np.empty((len(rows), len(columns), 2))
    found[..., 0] = (x + columns * dx)[None, :]
    found[..., 1] = (y + rows * dy)[:, None]
    return found.reshape(-1, 2)


def _interpolated(grid: Grid, ground: Ground, columns: np.ndarray, rows: np.ndarray) -> Optional[np.ndarray]:
    """Interpolate places between the nodes of a coarse lattice, or return None where that is not exact enough."""
    across, down = _nodes(columns), _nodes(rows)
    nodes = ground.places(_points(grid, across, down)).reshape(len(down), len(across), 2)
    if not np.isfinite(nodes).all():
        return None
    first = nodes[0, 0, 0]
    nodes[..., 0] = first + wrapped(nodes[..., 0] - first)
    middle_x, middle_y = (across[:-1] + across[1:]) / 2, (down[:-1] + down[1:]) / 2
    true = ground.places(_points(grid, middle_x, middle_y)).reshape(len(middle_y), len(middle_x), 2)
    guess = _bilinear(nodes, across, down, middle_x, middle_y)
    error = np.abs(np.stack([wrapped(true[..., 0] - guess[..., 0]), true[..., 1] - guess[..., 1]]))
    span = np.abs(np.diff(nodes[..., 1], axis=0)).max() + np.abs(np.diff(nodes[..., 0], axis=1)).max()
    if not np.isfinite(error).all() or error.max() > 1e-3 * span / _LATTICE:
        return None
    found = _bilinear(nodes, across, down, columns, rows)
    found[..., 0] = wrapped(found[..., 0])
    return found


def _nodes(positions: np.ndarray) -> np.ndarray:
    """Return lattice positions that span all positions."""
    parts = max(1, -(-len(positions) // _LATTICE))
    return np.linspace(positions[0], positions[-1] if len(positions) > 1 else positions[0] + 1, parts + 1)


def _bilinear(nodes: np.ndarray, across: np.ndarray, down: np.ndarray, columns: np.ndarray,
              rows: np.ndarray) -> np.ndarray:
    """Interpolate between nodes, first along rows, then along columns."""
    left, share_x = _between(across, columns)
    top, share_y = _between(down, rows)
    row = nodes[top] * (1 - share_y)[:, None, None] + nodes[top + 1] * share_y[:, None, None]
    return row[:, left] * (1 - share_x)[None, :, None] + row[:, left + 1] * share_x[None, :, None]


def _between(nodes: np.ndarray, positions: np.ndarray) -> "tuple[np.ndarray, np.ndarray]":
    """Return the node before each position, and how far it lies towards the next."""
    step = nodes[1] - nodes[0]
    index = np.clip(((positions - nodes[0]) / step).astype(np.int64), 0, len(nodes) - 2)
    return index, (positions - nodes[index]) / step


def wrapped(turn: np.ndarray) -> np.ndarray:
    """Return differences of longitude within −180..180."""
    return (np.asarray(turn) + 180.0) % 360.0 - 180.0


def cell_areas(grid: Grid, window: Window) -> np.ndarray:
    """Return the true area of each cell of a window in square metres, `(rows, cols)`."""
    ground = Ground(grid.wkt)
    _, dx, _, y, _, dy = grid.transform
    if ground.planar:
        return np.full((window.height, window.width), abs(dx * dy))
    if ground.geographic:
        unit = _degrees_per_unit(grid.wkt)
        edges = np.clip((y + (window.y + np.arange(window.height + 1)) * dy) * unit, -90.0, 90.0)
        rows = np.abs(np.diff(equal_area(edges))) * np.radians(abs(dx) * unit)
        return np.repeat(rows[:, None], window.width, axis=1)
    found = _lattice_areas(grid, window, _AREA_LATTICE)
    steps = [np.abs(np.diff(found, axis=axis)).max(initial=0.0) for axis in (0, 1)]
    # Cells so large that neighbouring quads differ get a quad each.
    return found if max(steps) <= _AREA_STEP * np.nanmax(found) else _lattice_areas(grid, window, 1)


def _lattice_areas(grid: Grid, window: Window, step: int) -> np.ndarray:
    """Return areas that are the same within squares of `step` cells."""
    across, down = _corners(window.x, window.width, step), _corners(window.y, window.height, step)
    nodes = Ground(grid.wkt).places(_points(grid, across, down)).reshape(len(down), len(across), 2)
    return _quad_areas(nodes, np.diff(across), np.diff(down))


def _corners(start: int, count: int, step: int) -> np.ndarray:
    """Return the edges of the lattice's parts, in cells."""
    return np.unique(np.append(np.arange(0, count, step), count)).astype(np.float64) + start


def _quad_areas(nodes: np.ndarray, widths: np.ndarray, heights: np.ndarray) -> np.ndarray:
    """Share the area of each lattice quad among its cells; NaN where the CRS has no place."""
    corners = [nodes[:-1, :-1], nodes[:-1, 1:], nodes[1:, 1:], nodes[1:, :-1]]
    base = corners[0]
    flat = [(np.radians(wrapped(corner[..., 0] - base[..., 0])), equal_area(corner[..., 1]) - equal_area(base[..., 1]))
            for corner in corners]
    double = sum(flat[i][0] * flat[(i + 1) % 4][1] - flat[(i + 1) % 4][0] * flat[i][1] for i in range(4))
    each = np.abs(double) / 2 / (heights[:, None] * widths[None, :])
    return np.repeat(np.repeat(each, heights.astype(int), axis=0), widths.astype(int), axis=1)


def polygon_area(wkb: Optional[bytes], wkt: str) -> float:
    """Return the area of a polygon's true ground in square metres; 0 for points and lines, NaN without a geometry."""
    if wkb is None:
        return float("nan")
    geometry = ogr.CreateGeometryFromWkb(wkb)
    if geometry is None:
        return float("nan")
    ground = Ground(wkt)
    if ogr.GT_HasZ(geometry.GetGeometryType()):
        geometry.FlattenTo2D()
    if geometry.HasCurveGeometry():
        geometry = geometry.GetLinearGeometry()
    return _area(geometry, ground)


def _area(geometry: ogr.Geometry, ground: Ground) -> float:
    """Add the parts of a geometry; the rings after the first of a polygon are holes."""
    kind = ogr.GT_Flatten(geometry.GetGeometryType())
    if kind == ogr.wkbPolygon:
        rings = [_ring_area(geometry.GetGeometryRef(index), ground) for index in range(geometry.GetGeometryCount())]
        return rings[0] - sum(rings[1:]) if rings else 0.0
    return sum(_area(geometry.GetGeometryRef(index), ground) for index in range(geometry.GetGeometryCount()))


def _ring_area(ring: ogr.Geometry, ground: Ground) -> float:
    """Return the area within a ring, whose edges are straight in the CRS."""
    vertices = np.asarray(ring.GetPoints(), dtype=np.float64)[:, :2]
    if len(vertices) < 4:
        return 0.0
    if ground.planar:
        plane = vertices - vertices[0]
    else:
        places = ground.places(densified(vertices, _edge_step(vertices)))
        plane = np.stack([np.cumsum(np.append(0.0, np.radians(wrapped(np.diff(places[:, 0]))))),
                          equal_area(places[:, 1]) - equal_area(places[0, 1])], axis=1)
    x, y = plane[:, 0], plane[:, 1]
    return float(abs((x[:-1] * y[1:] - x[1:] * y[:-1]).sum()) / 2)


def _edge_step(vertices: np.ndarray) -> float:
    """Return how far apart points on edges may lie so that their curvature on the ground counts."""
    return float(max(np.ptp(vertices[:, 0]), np.ptp(vertices[:, 1]))) / _EDGE_PARTS or 1.0


def densified(vertices: np.ndarray, step: float) -> np.ndarray:
    """Return a line's vertices with points between them at most `step` apart."""
    pieces = []
    for start, end in zip(vertices[:-1], vertices[1:]):
        parts = max(1, int(np.ceil(np.hypot(*(end - start)) / step)))
        pieces.append(start + (end - start) * (np.arange(parts) / parts)[:, None])
    return np.concatenate([*pieces, vertices[-1:]])


def disc_windows(grid: Grid, places: np.ndarray, metres: float) -> "tuple[np.ndarray, np.ndarray]":
    """Return windows of cells that hold all within so many metres of places: (place's index, x0, y0, x1, y1 a row).

    A window may be too wide, never too small; across 180° of longitude a place has one window on either side.
    """
    ground = Ground(grid.wkt)
    if not len(places):
        return np.empty(0, dtype=np.int64), np.empty((0, 4), dtype=np.int64)
    circles, polar = _circles(ground, places, metres * 1.06)
    owners, boxes = [], []
    for shift in (-360.0, 0.0, 360.0) if ground.geographic else (0.0,):
        moved = circles + np.array([shift, 0.0])
        if not ground.planar and not ground.geographic:
            moved[..., 0] = wrapped(moved[..., 0])
        points = ground.points(moved.reshape(-1, 2)).reshape(moved.shape)
        box = _boxes(grid, points)
        box[polar | ~np.isfinite(points).all(axis=(1, 2))] = (0, 0, grid.width, grid.height)
        kept = (box[:, 0] < box[:, 2]) & (box[:, 1] < box[:, 3])
        owners.append(np.flatnonzero(kept))
        boxes.append(box[kept])
    return np.concatenate(owners), np.concatenate(boxes)


def _circles(ground: Ground, places: np.ndarray, metres: float) -> "tuple[np.ndarray, np.ndarray]":
    """Return points `(n, m, 2)` on circles around places, longitudes not wrapped, and which circles hold a pole."""
    bearing = np.arange(_CIRCLE_POINTS) * (2 * np.pi / _CIRCLE_POINTS)
    if ground.planar:
        ring = np.stack([np.cos(bearing), np.sin(bearing)], axis=1) * metres
        return places[:, None, :] + ring[None], np.zeros(len(places), dtype=bool)
    angle = min(metres / (MEAN_RADIUS * 0.995), np.pi)
    latitude, longitude = np.radians(places[:, 1])[:, None], np.radians(places[:, 0])[:, None]
    sine = np.clip(np.sin(latitude) * np.cos(angle) + np.cos(latitude) * np.sin(angle) * np.cos(bearing), -1, 1)
    turn = np.arctan2(np.sin(bearing) * np.sin(angle) * np.cos(latitude), np.cos(angle) - np.sin(latitude) * sine)
    polar = np.abs(places[:, 1]) + np.degrees(angle) >= 89.9
    return np.degrees(np.stack([longitude + turn, np.arcsin(sine)], axis=-1)), polar


def _boxes(grid: Grid, points: np.ndarray) -> np.ndarray:
    """Return windows (x0, y0, x1, y1) of cells around points `(n, m, 2)`, with a cell to spare, within the grid."""
    x, dx, _, y, _, dy = grid.transform
    with np.errstate(invalid="ignore"):
        columns, rows = (points[..., 0] - x) / dx, (points[..., 1] - y) / dy
        limits = np.stack([columns.min(axis=1) - 1, rows.min(axis=1) - 1, columns.max(axis=1) + 2,
                           rows.max(axis=1) + 2], axis=1)
    limits = np.nan_to_num(limits, nan=0.0, posinf=2e9, neginf=-2e9)
    limits = np.clip(limits, 0, np.array([grid.width, grid.height] * 2))
    return np.floor(limits).astype(np.int64)


@lru_cache(maxsize=64)
def _kind(wkt: str) -> str:
    """Return how a CRS tells where things are: angles, projected, or a plane of which nothing else is known."""
    if not wkt:
        return "plane"
    reference = spatial_reference(wkt)
    if reference.IsGeographic():
        return "angles"
    if reference.IsLocal() or not reference.IsProjected() and not reference.IsCompound():
        return "plane"
    return "projected"


@lru_cache(maxsize=64)
def _degrees_per_unit(wkt: str) -> float:
    """Return how many degrees a unit of a geographic CRS is."""
    return float(np.degrees(spatial_reference(wkt).GetAngularUnits()))


def _world() -> osr.SpatialReference:
    """Return longitude and latitude of WGS 84."""
    world = osr.SpatialReference()
    world.ImportFromEPSG(4326)
    world.SetAxisMappingStrategy(osr.OAMS_TRADITIONAL_GIS_ORDER)
    return world
