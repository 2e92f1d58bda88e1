"""The four cells about a place, and how much each counts: all index arithmetic, in float64, outside any network."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...geodesy import Ground
from ...grid import Grid

CORNERS = 4
NOWHERE = -1
_RIGHT = np.array([0, 1, 0, 1])
_BELOW = np.array([0, 0, 1, 1])
_TURN = 360.0


@dataclass(frozen=True)
class Corners:
    """The cells about `n` places: upper left, upper right, lower left, lower right in the order of the raster.

    `cells` `(n, 4)` are numbers over the whole grid, NOWHERE for those beyond its edge; `offsets` `(n, 4, 2)` tell how
    far right of and below a cell's centre the place lies, in half cells; `shares` `(n, 4)` are the areas opposite,
    which sum to 1 with those beyond the edge and are 0 for these.
    """

    cells: np.ndarray
    offsets: np.ndarray
    shares: np.ndarray


def corners_of(positions: np.ndarray, grid: Grid) -> Corners:
    """Return the cells about positions `(n, 2)`, in columns and rows from the grid's corner."""
    inside = within(positions, grid)
    positions = np.where(inside[:, None], positions, 0.0)
    first = np.floor(positions - 0.5).astype(np.int64)
    columns, rows = first[:, :1] + _RIGHT, first[:, 1:] + _BELOW
    away = np.stack([positions[:, :1] - (columns + 0.5), positions[:, 1:] - (rows + 0.5)], axis=2)
    there = inside[:, None] & (columns >= 0) & (columns < grid.width) & (rows >= 0) & (rows < grid.height)
    # The area of the rectangle between the place and the centre across is what bilinear sampling takes as weight.
    areas = np.prod(1.0 - np.abs(away), axis=2)
    return Corners(np.where(there, rows * grid.width + columns, NOWHERE), 2.0 * away, np.where(there, areas, 0.0))


def within(positions: np.ndarray, grid: Grid) -> np.ndarray:
    """Tell which positions lie on the grid, its edges included."""
    limit = np.array([grid.width, grid.height], dtype=np.float64)
    with np.errstate(invalid="ignore"):
        return np.asarray(((positions >= 0) & (positions <= limit)).all(axis=1))


def positions_on(places: np.ndarray, grid: Grid) -> np.ndarray:
    """Return where places (longitude and latitude) lie on a grid, in columns and rows from its corner.

    On a grid in degrees the turn of the longitude is the one that falls on the grid, whatever its range.
    """
    ground = Ground(grid.wkt)
    points = np.array(ground.points(np.asarray(places, dtype=np.float64).reshape(-1, 2)), dtype=np.float64)
    x, dx, _, y, _, dy = grid.transform
    if ground.geographic and len(points):
        turn = float(_TURN / (ground.places(np.array([[1.0, 0.0]]))[0, 0]))
        west = min(x, x + dx * grid.width)
        points[:, 0] = west + np.mod(points[:, 0] - west, turn)
        # A place on the western edge may come out a rounding error before a whole turn.
        points[np.isclose(points[:, 0] - west, turn, rtol=0, atol=1e-9 * turn), 0] = west
    return np.stack([(points[:, 0] - x) / dx, (points[:, 1] - y) / dy], axis=1)
