"""Grids that cover several tiles, in their own CRS or in another."""

from __future__ import annotations

import math
from typing import Sequence, Tuple

import numpy as np
from osgeo import osr

from ..dataset import metres_per_unit, quiet, spatial_reference
from ..errors import InputError
from ..grid import Grid
from .published_field import PublishedField

_SAME = 1e-6
_EDGE_POINTS = 33


def own_grid(tiles: "Sequence[PublishedField]") -> Grid:
    """Return the grid of tiles in one CRS side by side, north up, on the cells of the first."""
    first = tiles[0].grid
    x, dx, _, y, _, dy = first.transform
    return _covering([tile.grid.extent() for tile in tiles], abs(dx), abs(dy), (x, y), first.wkt)


def grid_in(tiles: "Sequence[PublishedField]", wkt: str) -> Grid:
    """Return a grid in another CRS that covers all tiles: cells of the first's size, at multiples of it."""
    width, height = cell_in(tiles[0].grid, wkt)
    return _covering([extent_in(tile.grid, wkt) for tile in tiles], width, height, (0.0, 0.0), wkt)


def cell_in(grid: Grid, wkt: str) -> "Tuple[float, float]":
    """Return the size of a grid's cells in another CRS: the same numbers where the units are, else what suits."""
    units = metres_per_unit(grid.wkt), metres_per_unit(wkt)
    if units[0] is not None and units[1] is not None and math.isclose(*units):
        return abs(grid.transform[1]), abs(grid.transform[5])
    west, south, east, north = extent_in(grid, wkt)
    size = math.hypot(east - west, north - south) / math.hypot(grid.width, grid.height)
    return size, size


def extent_in(grid: Grid, wkt: str) -> "Tuple[float, float, float, float]":
    """Return the bounds of a grid's outline in another CRS."""
    west, south, east, north = grid.extent()
    along = np.linspace(0.0, 1.0, _EDGE_POINTS)
    x, y = west + (east - west) * along, south + (north - south) * along
    outline = np.concatenate([np.column_stack([xs, ys]) for xs, ys in (
        (x, np.full_like(x, south)), (x, np.full_like(x, north)), (np.full_like(y, west), y),
        (np.full_like(y, east), y))])
    places = moved(outline, grid.wkt, wkt)
    places = places[np.isfinite(places).all(axis=1)]
    if not len(places):
        raise InputError("tile-crs", "The tiles can't be brought into that CRS: choose one that covers them as CRS.")
    (west, south), (east, north) = places.min(axis=0), places.max(axis=0)
    return float(west), float(south), float(east), float(north)


def _covering(extents: "Sequence[Tuple[float, float, float, float]]", width: float, height: float,
              anchor: "Tuple[float, float]", wkt: str) -> Grid:
    """Return the smallest grid of such cells through an anchor that covers all extents."""
    bounds = np.array(extents)
    left = math.floor((bounds[:, 0].min() - anchor[0]) / width + _SAME)
    right = math.ceil((bounds[:, 2].max() - anchor[0]) / width - _SAME)
    bottom = math.floor((bounds[:, 1].min() - anchor[1]) / height + _SAME)
    top = math.ceil((bounds[:, 3].max() - anchor[1]) / height - _SAME)
    return Grid(right - left, top - bottom, (anchor[0] + left * width, width, 0.0, anchor[1] + top * height, 0.0,
                                             -height), wkt)


def moved(places: np.ndarray, of: str, to: str) -> np.ndarray:
    """Return `(n, 2)` places in another CRS, not finite where there is no way."""
    if of == to:
        return places
    with quiet():
        try:
            way = osr.CoordinateTransformation(spatial_reference(of), spatial_reference(to))
            found = way.TransformPoints(np.ascontiguousarray(places).tolist())
        except RuntimeError:
            return np.full_like(places, np.nan)
    return np.asarray(found, dtype=np.float64)[:, :2]


def tile_grid_in(tile: PublishedField, like: Grid) -> Grid:
    """Return the part of a grid in another CRS that covers a tile."""
    _, width, _, _, _, height = like.transform
    return _covering([extent_in(tile.grid, like.wkt)], width, -height, (0.0, 0.0), like.wkt)
