"""True areas of the cells that polygons touch, without computing those of all the others."""

from __future__ import annotations

import numpy as np

from ..geodesy import Ground, cell_areas
from ..grid import Grid, Window

_NODES = 33


class GroundAreas:
    """Areas of cells in units of the one in the middle; where the CRS has no place, all are alike.

    In degrees an area depends on the row alone; in projected CRSs it changes so slowly that a lattice over the raster
    holds it.
    """

    def __init__(self, grid: Grid) -> None:
        """Measure the rows, or the lattice."""
        ground = Ground(grid.wkt)
        self._grid = grid
        self._by_row = ground.geographic or ground.planar
        if self._by_row:
            columns, rows = np.zeros(1, dtype=np.int64), np.arange(grid.height)
            found = cell_areas(grid, Window(0, 0, 1, grid.height))
        else:
            columns = np.unique(np.linspace(0, grid.width - 1, _NODES).astype(np.int64))
            rows = np.unique(np.linspace(0, grid.height - 1, _NODES).astype(np.int64))
            found = np.array([[float(cell_areas(grid, Window(column, row, 1, 1))[0, 0]) for column in columns.tolist()]
                              for row in rows.tolist()])
        usable = np.isfinite(found) & (found > 0)
        unit = float(np.median(found[usable])) if usable.any() else 1.0
        self._columns, self._rows = columns, rows
        self._areas = np.where(usable, found / unit, 1.0)

    def of_cells(self, window: Window, cells: np.ndarray) -> np.ndarray:
        """Return the areas of cells of a flattened window."""
        row = cells // window.width + window.y
        if self._by_row:
            return self._areas[row, 0]
        column = cells % window.width + window.x
        top, down = _between(self._rows, row)
        left, across = _between(self._columns, column)
        below, right = np.minimum(top + 1, len(self._rows) - 1), np.minimum(left + 1, len(self._columns) - 1)
        areas = self._areas
        upper = areas[top, left] * (1 - across) + areas[top, right] * across
        lower = areas[below, left] * (1 - across) + areas[below, right] * across
        return upper * (1 - down) + lower * down


def _between(nodes: np.ndarray, positions: np.ndarray) -> "tuple[np.ndarray, np.ndarray]":
    """Return the node at or before each position, and how far it lies towards the next."""
    index = np.searchsorted(nodes, positions, "right") - 1
    step = np.append(np.diff(nodes), 1)
    return index, (positions - nodes[index]) / step[index]
