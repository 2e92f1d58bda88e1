"""Tells whether truths that lie on no ground would lie there with their coordinates swapped."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..features.outlines import Outlines
from ..features.placing import bring_over
from ..grid import Grid
from ..locations.latitudes import SWAPPED_SHARE
from ..progress import Silent
from .score_raster import ScoreRaster
from .truth import Truth
from .turns import turned


def seem_swapped(raster: ScoreRaster, truth: Truth, features: np.ndarray) -> bool:
    """Tell whether nearly all of some truths would lie on the raster with x and y swapped, and nearly none does now."""
    swapped = replace(truth.outlines, vertices=[points[:, ::-1].copy() for points in truth.outlines.vertices])
    return (_share(raster, truth, swapped, features) >= SWAPPED_SHARE
            and _share(raster, truth, truth.outlines, features) <= 1 - SWAPPED_SHARE)


def _share(raster: ScoreRaster, truth: Truth, outlines: Outlines, features: np.ndarray) -> float:
    """Return the share of features that have a vertex within the part of the raster that counts."""
    placed = turned(bring_over(outlines, truth.wkt, truth.name, raster.grid.wkt, raster.query.name, Silent()),
                    raster.grid)
    within = np.zeros(placed.count, dtype=bool)
    area = raster.grid.part(raster.region)
    for feature, points in zip(placed.features, placed.vertices):
        within[feature] |= _inside(points, area)
    return float(within[features].mean())


def _inside(points: np.ndarray, grid: Grid) -> bool:
    """Tell whether a vertex lies on a grid; those without a place don't."""
    west, south, east, north = grid.extent()
    x, y = points.T
    return bool(((x >= west) & (x <= east) & (y >= south) & (y <= north)).any())
