"""Truths beyond ±180° of a raster that goes on there: longitudes are moved by whole turns to where the raster lies."""

from __future__ import annotations

import numpy as np

from ..features.outlines import HOLE, Outlines
from ..geodesy import Ground
from ..grid import Grid


def turned(outlines: Outlines, grid: Grid) -> Outlines:
    """Return outlines in the grid's CRS, each point and polygon where most of its width lies on the grid.

    Longitudes that differ by whole turns are the same place, which only CRSs in degrees don't show. A polygon is moved
    as a whole, its holes with it.
    """
    ground = Ground(grid.wkt)
    if not ground.geographic or not outlines.vertices:
        return outlines
    turn = float(ground.points(np.array([[360.0, 0.0]]))[0, 0])
    west, _, east, _ = grid.extent()
    lengths = np.array([len(points) for points in outlines.vertices])
    first = np.cumsum(lengths) - lengths
    longitudes = np.concatenate(outlines.vertices)[:, 0]
    least, most = np.minimum.reduceat(longitudes, first), np.maximum.reduceat(longitudes, first)
    usable = np.isfinite(least) & np.isfinite(most)
    least, most = np.where(usable, least, 0.0), np.where(usable, most, 0.0)
    nearest = np.ceil((west - most) / turn)
    best, shared = np.zeros(len(least)), _shared(least, most, west, east)
    for turns in (nearest, nearest + 1):
        found = _shared(least + turns * turn, most + turns * turn, west, east)
        better = usable & (found >= 0) & (found > shared)
        best, shared = np.where(better, turns, best), np.where(better, found, shared)
    owner = np.maximum.accumulate(np.where(np.array(outlines.kinds) == HOLE, 0, np.arange(len(best))))
    best = best[owner]
    if not best.any():
        return outlines
    vertices = [points + np.array([turns * turn, 0.0]) if turns else points
                for points, turns in zip(outlines.vertices, best.tolist())]
    return Outlines(outlines.kinds, outlines.features, vertices, outlines.count, outlines.mended)


def _shared(least: np.ndarray, most: np.ndarray, west: float, east: float) -> np.ndarray:
    """Return how much of each width lies between west and east; below zero where none does."""
    return np.minimum(most, east) - np.maximum(least, west)
