"""How far the vectors moved between the dates, by what happened on the ground: the demo's figures."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Dict, List, Tuple

import numpy as np
from osgeo import ogr

from ...engine.dataset import open_raster, open_vector
from ...engine.field import open_field
from ...engine.grid import Grid


@dataclass(frozen=True)
class Movement:
    """The cosine distance between the dates over some cells: how many there are, the median and the middle half."""

    what: str
    changed: bool
    cells: int
    median: float
    quartiles: Tuple[float, float]


def movements(before: Path, after: Path, points: Path, changes: Path) -> List[Movement]:
    """Return the movement of unchanged ground by land cover, then that of each kind of true change."""
    distance, grid = _distance(before, after)
    found = [_summary(name, False, values) for name, values in _at_points(distance, grid, points).items()]
    found += [_summary(kind, True, values) for kind, values in _inside(distance, grid, changes).items()]
    return [movement for movement in found if movement.cells]


def _distance(before: Path, after: Path) -> Tuple[np.ndarray, Grid]:
    """Return 1 - cosine of the two vectors of each cell (NaN where one is missing) and the grid of the cells."""
    vectors = []
    for path in (before, after):
        field = open_field(str(path))
        vectors.append(field.read(open_raster(str(path)), field.info.grid.whole))
    one, other = vectors
    dot = np.einsum("dij,dij->ij", one, other)
    length = np.sqrt(np.einsum("dij,dij->ij", one, one) * np.einsum("dij,dij->ij", other, other))
    return 1 - dot / np.where(length > 0, length, np.nan), field.info.grid


def _at_points(distance: np.ndarray, grid: Grid, path: Path) -> Dict[str, np.ndarray]:
    """Return the distances at labelled points, by label."""
    dataset = open_vector(str(path))
    values: Dict[str, List[float]] = {}
    for feature in dataset.GetLayer(0):
        x, y = feature.GetGeometryRef().GetPoint_2D()
        row, column = _cell(grid, x, y)
        values.setdefault(feature["land_cover"], []).append(distance[row, column])
    return {name: np.array(found) for name, found in sorted(values.items())}


def _inside(distance: np.ndarray, grid: Grid, path: Path) -> Dict[str, np.ndarray]:
    """Return the distances of the cells whose middle lies in a polygon of true change, by kind."""
    dataset = open_vector(str(path))
    values: Dict[str, List[float]] = {}
    for feature in dataset.GetLayer(0):
        outline = feature.GetGeometryRef()
        left, right, bottom, top = outline.GetEnvelope()
        first_row, first_column = _cell(grid, left, top)
        last_row, last_column = _cell(grid, right, bottom)
        for row in range(first_row, last_row + 1):
            for column in range(first_column, last_column + 1):
                if outline.Contains(_middle(grid, row, column)):
                    values.setdefault(feature["kind"], []).append(distance[row, column])
    return {kind: np.array(found) for kind, found in sorted(values.items())}


def _cell(grid: Grid, x: float, y: float) -> Tuple[int, int]:
    """Return row and column of the cell that holds a position, or of the nearest one."""
    left, width, _, top, _, height = grid.transform
    row, column = int((y - top) / height), int((x - left) / width)
    return min(max(row, 0), grid.height - 1), min(max(column, 0), grid.width - 1)


def _middle(grid: Grid, row: int, column: int) -> ogr.Geometry:
    """Return the middle of a cell as a point geometry."""
    point = ogr.Geometry(ogr.wkbPoint)
    point.AddPoint_2D(*grid.centre(column + 0.5, row + 0.5))
    return point


def _summary(what: str, changed: bool, values: np.ndarray) -> Movement:
    """Return the figures of some distances."""
    seen = values[np.isfinite(values)]
    if not seen.size:
        return Movement(what, changed, 0, float("nan"), (float("nan"), float("nan")))
    low, median, high = np.percentile(seen, (25, 50, 75))
    return Movement(what, changed, int(seen.size), float(median), (float(low), float(high)))
