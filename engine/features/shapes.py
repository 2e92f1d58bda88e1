"""Features laid over a grid: which cells they touch in a window, and with what weight."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Tuple

import numpy as np

from ..geodesy import Ground
from ..grid import Grid, Window
from ..zone_sums import Pairs
from .coverage import covered, crossed, joined, merged
from .cutting import Edges
from .outlines import LINE, OUTER, POINT, Outlines

POLYGON = OUTER
BILINEAR, NEAREST = "bilinear", "nearest"
_NEGLIGIBLE = 1e-6


@dataclass(frozen=True)
class Shapes:
    """Prepared features: their kind (0 = no place), their boxes in cells, and the edges and points of each kind.

    `sizes` is what a feature's shares add up to where all of it lies on valid cells.
    """

    grid: Grid
    kinds: np.ndarray
    boxes: np.ndarray
    sizes: np.ndarray
    areas: Edges
    lines: Edges
    lengths: np.ndarray
    points: Pairs

    @property
    def inside(self) -> np.ndarray:
        """Tell which features touch the grid."""
        return (self.kinds > 0) & self.near(self.grid.whole)

    def near(self, window: Window) -> np.ndarray:
        """Tell which features may touch a window, by their boxes."""
        box = self.boxes
        return ((box[:, 0] < window.right) & (box[:, 2] >= window.x)
                & (box[:, 1] < window.bottom) & (box[:, 3] >= window.y))

    def rings(self, window: Window, polygons: np.ndarray) -> Edges:
        """Return the edges of some polygons, by sorted numbers, as seen from a window's corner."""
        return self.areas.picked(_of(self.areas.zones, polygons)).moved(window.x, window.y)

    def pairs(self, window: Window, features: np.ndarray) -> Pairs:
        """Return the cells of a window that some features touch; `features` are sorted numbers."""
        kinds = self.kinds[features]
        width, height = window.width, window.height
        found = []
        areas = features[kinds == POLYGON]
        if len(areas):
            part = covered(self.rings(window, areas), width, height)
            found.append(_kept(part, part.shares > _NEGLIGIBLE * np.minimum(1.0, self.sizes[part.zones])))
        lines = features[kinds == LINE]
        if len(lines):
            picked = _of(self.lines.zones, lines)
            found.append(crossed(self.lines.picked(picked).moved(window.x, window.y), self.lengths[picked], width,
                                 height))
        points = features[kinds == POINT]
        if len(points):
            found.append(self._points(window, _of(self.points.zones, points)))
        return joined(found)

    def _points(self, window: Window, picked: np.ndarray) -> Pairs:
        """Return those cells about points that lie in a window."""
        cells = self.points.cells[picked]
        x, y = cells % self.grid.width - window.x, cells // self.grid.width - window.y
        within = (x >= 0) & (x < window.width) & (y >= 0) & (y < window.height)
        part = _kept(Pairs(self.points.zones[picked], cells, self.points.weights[picked], self.points.shares[picked]),
                     within)
        return Pairs(part.zones, (y * window.width + x)[within], part.weights, part.shares)


def lay_over(outlines: Outlines, grid: Grid, sampling: str) -> Shapes:
    """Prepare features whose vertices are in the grid's CRS."""
    count = outlines.count
    kinds = np.zeros(count, dtype=np.int8)
    boxes = np.tile(np.array([np.inf, np.inf, -np.inf, -np.inf]), (count, 1))
    sizes = np.zeros(count)
    part_kinds, part_features, first, vertices = _flattened(outlines, grid)
    np.maximum.at(kinds, part_features, np.minimum(part_kinds, OUTER).astype(np.int8))
    broken = ~np.isfinite(vertices).all(axis=1)
    owner = np.repeat(part_features, np.diff(np.append(first, len(vertices))))
    kinds[owner[broken]] = 0
    starts, ends, parts = _edges(vertices, first)
    zones = part_features[parts] if len(parts) else np.empty(0, dtype=np.int64)
    lengths = _lengths(starts, ends, grid)
    areas = _areas(starts, ends, parts, part_kinds)
    # What has no area counts as its outline, what has no length as its points.
    np.add.at(sizes, part_features[part_kinds >= OUTER], np.abs(areas[part_kinds >= OUTER])
              * np.where(part_kinds[part_kinds >= OUTER] == OUTER, 1.0, -1.0))
    sizes[kinds != POLYGON] = 0.0
    kinds[(kinds == POLYGON) & (sizes <= 0)] = LINE
    line_edges = kinds[zones] == LINE
    spans = np.bincount(zones[line_edges], lengths[line_edges], count) if len(zones) else np.zeros(count)
    kinds[(kinds == LINE) & (spans <= 0)] = POINT
    lines = kinds == LINE
    sizes[lines] = spans[lines]
    ringed = (kinds[zones] == POLYGON) & (part_kinds[parts] >= OUTER) if len(parts) else np.empty(0, dtype=bool)
    wrong = (areas > 0) != (part_kinds == OUTER)
    turned = wrong[parts[ringed]] if len(parts) else np.empty(0, dtype=bool)
    begin = np.where(turned[:, None], ends[ringed], starts[ringed])
    finish = np.where(turned[:, None], starts[ringed], ends[ringed])
    strung = kinds[zones] == LINE if len(zones) else np.empty(0, dtype=bool)
    pairs = _point_cells(vertices, owner, kinds, grid, sampling)
    points = np.flatnonzero(kinds == POINT)
    sizes[points] = np.bincount(pairs.zones, pairs.weights, count)[points] if len(pairs) else 0.0
    _box(boxes, vertices[~broken], owner[~broken])
    _box(boxes, np.stack([pairs.cells % grid.width, pairs.cells // grid.width], axis=1).astype(np.float64), pairs.zones)
    away = np.setdiff1d(points, pairs.zones)
    boxes[away] = (np.inf, np.inf, -np.inf, -np.inf)
    limit = np.array([grid.width, grid.height], dtype=np.float64)
    inner = np.nextafter(limit, 0)
    one, two = (np.where(ends_of[strung] == limit, inner, ends_of[strung]) for ends_of in (starts, ends))
    boxes[lines] = np.where(boxes[lines] == np.tile(limit, 2), np.tile(inner, 2), boxes[lines])
    return Shapes(grid, kinds, boxes, sizes,
                  Edges(zones[ringed], begin[:, 0], begin[:, 1], finish[:, 0], finish[:, 1]),
                  Edges(zones[strung], one[:, 0], one[:, 1], two[:, 0], two[:, 1]), lengths[strung], pairs)


def _flattened(outlines: Outlines, grid: Grid) -> "Tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]":
    """Return kind, feature and first vertex of each part, and all vertices in cells of the grid."""
    lengths = np.array([len(points) for points in outlines.vertices], dtype=np.int64)
    first = np.cumsum(lengths) - lengths
    points = np.concatenate(outlines.vertices) if len(lengths) else np.empty((0, 2))
    x, dx, _, y, _, dy = grid.transform
    return (np.array(outlines.kinds, dtype=np.int64), np.array(outlines.features, dtype=np.int64), first,
            np.stack([(points[:, 0] - x) / dx, (points[:, 1] - y) / dy], axis=1))


def _edges(vertices: np.ndarray, first: np.ndarray) -> "Tuple[np.ndarray, np.ndarray, np.ndarray]":
    """Return start, end and part of every edge."""
    lengths = np.diff(np.append(first, len(vertices)))
    part = np.repeat(np.arange(len(first)), lengths)
    last = np.zeros(len(vertices), dtype=bool)
    last[first + lengths - 1] = True
    begin = np.flatnonzero(~last)
    return vertices[begin], vertices[begin + 1], part[begin]


def _lengths(starts: np.ndarray, ends: np.ndarray, grid: Grid) -> np.ndarray:
    """Return lengths in units of the CRS; degrees of longitude are as long as they are at their latitude."""
    _, dx, _, y, _, dy = grid.transform
    step = (ends - starts) * np.array([dx, dy])
    if Ground(grid.wkt).geographic and len(step):
        latitude = y + (starts[:, 1] + ends[:, 1]) / 2 * dy
        step[:, 0] *= np.cos(np.radians(np.clip(latitude, -90, 90)))
    return np.hypot(step[:, 0], step[:, 1])


def _areas(starts: np.ndarray, ends: np.ndarray, parts: np.ndarray, part_kinds: np.ndarray) -> np.ndarray:
    """Return the signed area of each part in cells, measured from its own corner, which keeps small ones exact."""
    if not len(parts):
        return np.zeros(len(part_kinds))
    corner = np.zeros((len(part_kinds), 2))
    first = np.flatnonzero(np.append(True, parts[1:] != parts[:-1]))
    corner[parts[first]] = starts[first]
    one, two = starts - corner[parts], ends - corner[parts]
    return np.bincount(parts, one[:, 0] * two[:, 1] - two[:, 0] * one[:, 1], len(part_kinds)) / 2


def _point_cells(vertices: np.ndarray, owner: np.ndarray, kinds: np.ndarray, grid: Grid, sampling: str) -> Pairs:
    """Return the cells about points, and how much each counts; what lies beyond the edge counts as the edge."""
    picked = np.flatnonzero(kinds[owner] == POINT)
    points, zones = vertices[picked], owner[picked]
    limit = np.array([grid.width, grid.height])
    within = ((points >= 0) & (points <= limit)).all(axis=1)
    points, zones = points[within], zones[within]
    if sampling == NEAREST:
        cell = np.minimum(np.floor(points).astype(np.int64), limit - 1)
        return merged(zones, cell[:, 1] * grid.width + cell[:, 0], np.ones(len(zones)), grid.width * grid.height)
    corner = np.floor(points - 0.5).astype(np.int64)
    share = points - 0.5 - corner
    cells, weights = [], []
    for right in (0, 1):
        for below in (0, 1):
            cell = np.clip(corner + np.array([right, below]), 0, limit - 1)
            cells.append(cell[:, 1] * grid.width + cell[:, 0])
            weights.append((share[:, 0] if right else 1 - share[:, 0]) * (share[:, 1] if below else 1 - share[:, 1]))
    found = merged(np.tile(zones, 4), np.concatenate(cells), np.concatenate(weights), grid.width * grid.height)
    return _kept(found, found.weights > 0)


def _box(boxes: np.ndarray, points: np.ndarray, owner: np.ndarray) -> None:
    """Widen boxes so that they hold points."""
    if not len(points):
        return
    order = np.argsort(owner, kind="stable")
    owner, points = owner[order], points[order]
    first = np.flatnonzero(np.append(True, owner[1:] != owner[:-1]))
    rows = owner[first]
    boxes[rows, :2] = np.minimum(boxes[rows, :2], np.minimum.reduceat(points, first, axis=0))
    boxes[rows, 2:] = np.maximum(boxes[rows, 2:], np.maximum.reduceat(points, first, axis=0))


def _of(sorted_zones: np.ndarray, features: np.ndarray) -> np.ndarray:
    """Return where the entries of some features lie in an array that is sorted by feature."""
    begin, end = np.searchsorted(sorted_zones, features, "left"), np.searchsorted(sorted_zones, features, "right")
    counts = end - begin
    return np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts) + np.repeat(begin, counts)


def _kept(pairs: Pairs, which: np.ndarray) -> Pairs:
    """Return some of the pairs."""
    if which.all():
        return pairs
    return Pairs(pairs.zones[which], pairs.cells[which], pairs.weights[which], pairs.shares[which])
