"""Spreads polygons over the hexagons they cover, by area: each is cut into cells much smaller than a hexagon."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Iterator, List, Tuple

import numpy as np

from ..features.outlines import HOLE, OUTER, Outlines
from ..features.shapes import BILINEAR, POLYGON, Shapes, lay_over
from ..geodesy import equal_area, wrapped
from ..grid import Grid, Window
from ..progress import Progress, check
from .cells import NO_CELL, cells_of, library
from .world import world_wkt

_ACROSS = 12
_METRES_PER_DEGREE = 111_195.0
_WINDOW = 256


@dataclass(frozen=True)
class Spread:
    """Which rows lie in which hexagons, with the square metres that they share."""

    rows: np.ndarray
    cells: np.ndarray
    weights: np.ndarray


def fine_grid(resolution: int) -> Grid:
    """Return a grid of the world, and once more round it, with a dozen cells across a hexagon."""
    edge = library().average_hexagon_edge_length(resolution, "m")
    step = 1.7 * edge / _ACROSS / _METRES_PER_DEGREE
    return Grid(int(np.ceil(1080 / step)), int(np.ceil(180 / step)), (-540.0, step, 0.0, 90.0, 0.0, -step),
                world_wkt())


def spread(outlines: Outlines, middles: np.ndarray, resolution: int, progress: Progress) -> Spread:
    """Return the hexagons of features given in longitude and latitude; all but polygons have none.

    Polygons smaller than a fine cell lie in the hexagon of their middle.
    """
    grid = fine_grid(resolution)
    shapes = lay_over(_unrolled(outlines), grid, BILINEAR)
    spans = shapes.boxes[:, 2:] - shapes.boxes[:, :2]
    polygons = (shapes.kinds == POLYGON) & shapes.inside
    small = np.flatnonzero(polygons & (spans <= 1.0).all(axis=1) & (middles != NO_CELL))
    rows, cells = [small], [middles[small]]
    weights = [shapes.sizes[small] * _areas(grid, shapes.boxes[small][:, 1::2].mean(axis=1) - 0.5)]
    polygons[small] = False
    for window, features in _windows(shapes, np.flatnonzero(polygons)):
        check(progress)
        pairs = shapes.pairs(window, features)
        if not len(pairs):
            continue
        touched, owner = np.unique(pairs.cells, return_inverse=True)
        row, column = touched // window.width + window.y, touched % window.width + window.x
        longitude, latitude = grid.centre(column + 0.5, row + 0.5)
        hexagons = cells_of(np.column_stack([wrapped(longitude), latitude]), resolution)[owner]
        shares = pairs.shares * _areas(grid, row)[owner]
        kept = hexagons != NO_CELL
        found = _added(pairs.zones[kept], hexagons[kept], shares[kept])
        rows.append(found.rows)
        cells.append(found.cells)
        weights.append(found.weights)
    return _added(np.concatenate(rows), np.concatenate(cells), np.concatenate(weights))


def _areas(grid: Grid, rows: np.ndarray) -> np.ndarray:
    """Return the area of a cell of each row in square metres; half a row further down for a half."""
    _, dx, _, y, _, dy = grid.transform
    return np.abs(equal_area(y + (rows + 1) * dy) - equal_area(y + rows * dy)) * np.radians(dx)


def _added(rows: np.ndarray, cells: np.ndarray, weights: np.ndarray) -> Spread:
    """Add what belongs to one row and one hexagon."""
    if not len(rows):
        return Spread(rows, cells, weights)
    order = np.lexsort((cells, rows))
    rows, cells = rows[order], cells[order]
    first = np.flatnonzero(np.append(True, (rows[1:] != rows[:-1]) | (cells[1:] != cells[:-1])))
    return Spread(rows[first], cells[first], np.add.reduceat(weights[order], first))


def _windows(shapes: Shapes, features: np.ndarray) -> "Iterator[Tuple[Window, np.ndarray]]":
    """Yield the windows that polygons may touch, with those polygons."""
    box = shapes.boxes[features]
    low = np.maximum(np.floor(box[:, :2] / _WINDOW), 0).astype(np.int64)
    high = np.floor(box[:, 2:] / _WINDOW).astype(np.int64)
    places: "dict[Tuple[int, int], List[int]]" = {}
    for feature, (x0, y0), (x1, y1) in zip(features.tolist(), low.tolist(), high.tolist()):
        for y in range(y0, y1 + 1):
            for x in range(x0, x1 + 1):
                places.setdefault((y, x), []).append(feature)
    for (y, x), inside in sorted(places.items()):
        window = Window(x * _WINDOW, y * _WINDOW, _WINDOW, _WINDOW).intersection(shapes.grid.whole)
        if window.width and window.height:
            yield window, np.array(inside, dtype=np.int64)


def _unrolled(outlines: Outlines) -> Outlines:
    """Let rings that cross 180° of longitude run on beyond it, where they have been cut or jump back."""
    if not any(kind in (OUTER, HOLE) and len(points) > 1 and np.abs(np.diff(points[:, 0])).max() > 180.0
               for kind, points in zip(outlines.kinds, outlines.vertices)):
        return outlines
    vertices = []
    for points in outlines.vertices:
        steps = wrapped(np.diff(points[:, 0]))
        vertices.append(np.column_stack([points[0, 0] + np.append(0.0, np.cumsum(steps)), points[:, 1]]))
    return replace(outlines, vertices=vertices)
