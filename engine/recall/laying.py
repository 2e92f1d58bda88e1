"""Truths laid over the grid of a score raster: which cells they cover, where they lie, and how many points each has."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..features.outlines import Outlines
from ..features.placing import bring_over
from ..features.shapes import NEAREST, Shapes, lay_over
from ..geodesy import Ground as Earth
from ..geodesy import cell_areas
from ..grid import Window
from ..pipeline import attend
from ..progress import Progress
from .score_raster import KM2, ScoreRaster
from .truth import POINTS, Truth
from .turns import turned


@dataclass(frozen=True, eq=False)
class Laid:
    """The truths of a query over its grid.

    `features` are those that may count, `places` their middles on a plane, `points` how many points each feature has.
    """

    shapes: Shapes
    features: np.ndarray
    places: np.ndarray
    points: np.ndarray

    @property
    def on_grid(self) -> np.ndarray:
        """Return the features that touch the raster."""
        return self.features[self.shapes.inside[self.features]]


def lay_truth(raster: ScoreRaster, truth: Truth, progress: Progress) -> Laid:
    """Bring truths into the raster's CRS and lay them over its grid."""
    name = f"“{raster.query.name}”"
    placed = turned(bring_over(truth.outlines, truth.wkt, truth.name, raster.grid.wkt, name, progress), raster.grid)
    shapes = attend(lambda: lay_over(placed, raster.grid, NEAREST), progress)
    features = np.flatnonzero(truth.of(raster.query.name) & (truth.weights > 0))
    points = np.bincount(placed.features, minlength=placed.count) if truth.kind == POINTS else np.zeros(placed.count)
    return Laid(shapes, features, _middles(placed, raster.grid.wkt)[features], points)


def beyond(raster: ScoreRaster, laid: Laid, inside_cells: np.ndarray, inside_areas: np.ndarray) -> np.ndarray:
    """Return how much of each feature lies beyond the raster: points, or km² of polygons.

    What lies outside is measured in cells as large as the feature's own, or as the nearest cell of the raster.
    """
    shapes = laid.shapes
    found = np.zeros(len(inside_cells))
    found[laid.features] = laid.points[laid.features] - inside_cells[laid.features]
    areal = laid.features[(laid.points[laid.features] == 0) & (shapes.kinds[laid.features] > 0)]
    rest = shapes.sizes[areal] - inside_cells[areal]
    own = np.divide(inside_areas[areal], inside_cells[areal], out=np.full(len(areal), np.nan),
                    where=inside_cells[areal] > 0)
    for row in np.flatnonzero(np.isnan(own)).tolist():
        own[row] = _nearest_area(raster, shapes.boxes[areal[row]])
    # Shares are sums of many parts: what is left of a polygon that lies inside wholly is nothing.
    found[areal] = np.where(rest > 1e-6 * shapes.sizes[areal], rest, 0.0) * own
    return found


def _nearest_area(raster: ScoreRaster, box: np.ndarray) -> float:
    """Return the km² of the cell that lies nearest to a box outside the grid."""
    column = int(np.clip((box[0] + box[2]) / 2, 0, raster.grid.width - 1))
    row = int(np.clip((box[1] + box[3]) / 2, 0, raster.grid.height - 1))
    area = float(cell_areas(raster.grid, Window(column, row, 1, 1))[0, 0]) / KM2
    return area if np.isfinite(area) else 0.0


def _middles(outlines: Outlines, wkt: str) -> np.ndarray:
    """Return the mean vertex of each feature, degrees of longitude as long as they are there."""
    owners = np.repeat(np.array(outlines.features, dtype=np.int64), [len(points) for points in outlines.vertices])
    points = np.concatenate(outlines.vertices)
    counts = np.maximum(np.bincount(owners, minlength=outlines.count), 1)
    found = np.stack([np.bincount(owners, points[:, axis], outlines.count) / counts for axis in (0, 1)], axis=1)
    usable = np.isfinite(found).all(axis=1)
    found[~usable] = found[usable].mean(axis=0) if usable.any() else 0.0
    if Earth(wkt).geographic:
        found[:, 0] *= np.cos(np.radians(np.clip(found[:, 1].mean(), -89.0, 89.0)))
    return found
