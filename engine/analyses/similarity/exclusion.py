"""The ground around the examples that is left out, so that the best places are new ones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Iterator, Optional, Sequence

import numpy as np
from osgeo import ogr

from ...dataset import rasterised_centres
from ...geodesy import Ground, cell_places, densified, disc_windows
from ...grid import Grid, Window
from .examples import vertices

_MOST_ANCHORS = 200_000


@dataclass(frozen=True)
class Exclusion:
    """Places on the outlines of examples, the windows of cells that may be near them, and the polygons themselves."""

    grid: Grid
    metres: float
    anchors: np.ndarray
    owners: np.ndarray
    boxes: np.ndarray
    polygons: "tuple[bytes, ...]"

    def of_window(self, window: Window) -> Optional[np.ndarray]:
        """Return `(rows, cols)` True where a cell's centre is too near, or None where none is."""
        touched = np.flatnonzero((self.boxes[:, 0] < window.right) & (self.boxes[:, 2] > window.x)
                                 & (self.boxes[:, 1] < window.bottom) & (self.boxes[:, 3] > window.y))
        if not len(touched):
            return self._inside(window)
        ground = Ground(self.grid.wkt)
        places = cell_places(self.grid, window)
        found = np.zeros((window.height, window.width), dtype=bool)
        for box in touched:
            x0, y0, x1, y1 = self.boxes[box]
            part = (slice(max(int(y0) - window.y, 0), int(y1) - window.y),
                    slice(max(int(x0) - window.x, 0), int(x1) - window.x))
            found[part] |= ground.distance(places[part], self.anchors[self.owners[box]]) <= self.metres
        inside = self._inside(window)
        return found if inside is None else found | inside

    def _inside(self, window: Window) -> Optional[np.ndarray]:
        """Return the cells within polygons."""
        if not self.polygons:
            return None
        inside = rasterised_centres(self.polygons, self.grid.part(window))
        return inside if inside.any() else None


def exclusion_around(shapes: "Sequence[bytes]", grid: Grid, metres: float) -> Optional[Exclusion]:
    """Prepare what a block needs to know; None where nothing is left out."""
    if metres <= 0 or not shapes:
        return None
    ground = Ground(grid.wkt)
    step = max(min(abs(grid.transform[1]), abs(grid.transform[5])) / 2, _least_step(shapes))
    points, polygons = [], []
    for shape in shapes:
        geometry = ogr.CreateGeometryFromWkb(shape)
        points.extend(outline(geometry, step))
        if geometry.GetDimension() == 2:
            polygons.append(shape)
    anchors = ground.places(np.concatenate(points))
    anchors = anchors[np.isfinite(anchors).all(axis=1)]
    owners, boxes = disc_windows(grid, anchors, metres)
    return Exclusion(grid, metres, anchors, owners, boxes, tuple(polygons))


def outline(geometry: ogr.Geometry, step: float) -> "Iterator[np.ndarray]":
    """Yield the points of a geometry, with points on its edges at most `step` apart."""
    if geometry.GetGeometryCount():
        for index in range(geometry.GetGeometryCount()):
            yield from outline(geometry.GetGeometryRef(index), step)
        return
    line = np.array(list(vertices(geometry)), dtype=np.float64).reshape(-1, 2)
    if len(line):
        yield densified(line, step) if len(line) > 1 else line


def _least_step(shapes: "Sequence[bytes]") -> float:
    """Return how near points on edges may lie so that very long outlines don't take for ever."""
    total = 0.0
    for shape in shapes:
        west, east, south, north = ogr.CreateGeometryFromWkb(shape).GetEnvelope()
        total += 2 * (east - west + north - south)
    return total / _MOST_ANCHORS
