"""The tile of a grid of longitude and latitude that a place lies in, of which a network learns a vector each."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .family import Family
from .settings import CELL, EXTENT, Settings
from .terms import Term

if TYPE_CHECKING:
    from .position import Position


def tile_grid(settings: Settings) -> "tuple[int, int]":
    """Return how many columns and rows of tiles an extent has."""
    west, south, east, north = settings.extent
    return int(np.ceil((east - west) / settings.cell)), int(np.ceil((north - south) / settings.cell))


def tile_count(settings: Settings) -> int:
    """Return how many tiles there are."""
    columns, rows = tile_grid(settings)
    return columns * rows


def _tiles(places: np.ndarray, position: "Position") -> np.ndarray:
    """Return the tile's number `(n, 1)`, row by row from the south-west; what lies outside is in the nearest one."""
    settings = position.settings
    columns, rows = tile_grid(settings)
    column = np.clip(np.floor((places[:, :1] - settings.extent[0]) / settings.cell), 0, columns - 1)
    row = np.clip(np.floor((places[:, 1:] - settings.extent[1]) / settings.cell), 0, rows - 1)
    return row * columns + column


def _nodes(location: Term, position: "Position") -> Term:
    """Write the same."""
    settings = position.settings
    columns, rows = tile_grid(settings)
    cell = ((location - np.array([settings.extent[:2]])) / np.array(settings.cell)).floor()
    cell = cell.most(np.zeros((1, 2))).least(np.array([[columns - 1.0, rows - 1.0]]))
    return cell.picked([1]) * np.array(float(columns)) + cell.picked([0])


TILE = Family("tile", "The tile of a grid that a place lies in", _tiles, lambda scales: 1, "1", Settings(cell=5.0),
              frozenset({CELL, EXTENT}), seamless=False, nodes=_nodes, compat=frozenset({"torchspatial"}))
