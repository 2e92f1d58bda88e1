"""Several tiles as one raster of vectors: side by side in their own CRS, or in another after decoding."""

from __future__ import annotations

from typing import Optional, Sequence, Tuple

import numpy as np

from ..coding import FLOAT32, Coding
from ..grid import Grid, Window
from ..statement import SpaceStatement
from .catalogue import Product
from .published_field import PublishedField
from .resampling import BILINEAR, NEAREST
from .tile_grids import grid_in, moved, own_grid
from .zones import zones_of

_SAME = 1e-6
_STRIP = 64


class TileMosaic:
    """Tiles on one grid, decoded before any cell is moved; of tiles that overlap, the later ones win.

    Nearest cells keep the tiles' coding. Bilinear values are means of the decoded vectors around a place, without
    those that are nodata, brought back to length 1 where the product's vectors have it; a place whose nearest cell
    holds nothing stays empty.
    """

    def __init__(self, path: str, tiles: "Sequence[PublishedField]", grid: Grid, resampling: str = NEAREST) -> None:
        """Take the tiles; they are of one product and coding."""
        self.path = path
        self.tiles = tuple(tiles)
        self.product: Product = tiles[0].product
        self.reason = tiles[0].reason
        self.dimensions = tiles[0].dimensions
        self.grid = grid
        self.coding: Coding = tiles[0].coding if resampling == NEAREST else FLOAT32
        self.resampling = resampling
        statement = self.product.statement
        self._unit = isinstance(statement, SpaceStatement) and statement.norm == "unit"

    def vectors(self, window: Window) -> np.ndarray:
        """Return `(dims, rows, cols)` float32, NaN where there is nothing."""
        found = np.full((self.dimensions, window.height, window.width), np.nan, dtype=np.float32)
        for start in range(0, window.height, _STRIP):
            strip = Window(window.x, window.y + start, window.width, min(_STRIP, window.height - start))
            part = found[:, start:start + strip.height].reshape(self.dimensions, -1)
            for tile in self.tiles:
                part = self._taken(tile, strip, part)
            found[:, start:start + strip.height] = part.reshape(self.dimensions, strip.height, strip.width)
        return found

    def impossible(self, window: Window) -> int:
        """Return how many cells of the tiles below a window hold what the product can't have."""
        parts = [(tile, _around(*_positions(self.grid, window, tile.grid), tile.grid)) for tile in self.tiles]
        return sum(tile.impossible(part) for tile, part in parts if part is not None)

    def _taken(self, tile: PublishedField, strip: Window, found: np.ndarray) -> np.ndarray:
        """Put a tile's vectors where it has some."""
        columns, rows = _positions(self.grid, strip, tile.grid)
        part = _around(columns, rows, tile.grid)
        if part is None:
            return found
        near = tile.vectors(part)
        inside = (columns >= 0) & (columns < tile.grid.width) & (rows >= 0) & (rows < tile.grid.height)
        # Positions within the part that was read; those outside are never taken.
        across = np.where(inside, columns - part.x, 0.5)
        down = np.where(inside, rows - part.y, 0.5)
        values = near[:, np.floor(down).astype(np.int64), np.floor(across).astype(np.int64)]
        there = inside & np.isfinite(values[0])
        if self.resampling == BILINEAR:
            values = _bilinear(near, across, down, self._unit)
        found = found.copy()
        found[:, there] = values[:, there]
        return found


def _positions(grid: Grid, window: Window, other: Grid) -> "Tuple[np.ndarray, np.ndarray]":
    """Return where the centres of a window's cells lie on another grid, as columns and rows from its origin."""
    x, dx, _, y, _, dy = grid.transform
    xs = x + (window.x + np.arange(window.width) + 0.5) * dx
    ys = y + (window.y + np.arange(window.height) + 0.5) * dy
    places = np.column_stack([np.tile(xs, window.height), np.repeat(ys, window.width)])
    places = moved(places, grid.wkt, other.wkt)
    places[~np.isfinite(places).all(axis=1)] = -np.inf
    left, across, _, top, _, down = other.transform
    columns, rows = (places[:, 0] - left) / across, (places[:, 1] - top) / down
    # Grids that agree but for the last digit agree.
    return _snapped(columns), _snapped(rows)


def _snapped(numbers: np.ndarray) -> np.ndarray:
    """Return numbers, halves where they all but are."""
    halves = np.rint(numbers * 2) / 2
    return np.where(np.abs(numbers - halves) < _SAME, halves, numbers)


def _around(columns: np.ndarray, rows: np.ndarray, grid: Grid) -> Optional[Window]:
    """Return the part of a grid that holds all positions on it and a cell around, None where none is on it."""
    inside = (columns >= 0) & (columns < grid.width) & (rows >= 0) & (rows < grid.height)
    if not inside.any():
        return None
    left, top = int(columns[inside].min()) - 1, int(rows[inside].min()) - 1
    right, bottom = int(columns[inside].max()) + 2, int(rows[inside].max()) + 2
    return Window(left, top, right - left, bottom - top).intersection(grid.whole)


def _bilinear(near: np.ndarray, across: np.ndarray, down: np.ndarray, unit: bool) -> np.ndarray:
    """Return means of the four vectors around each position by nearness; those without a value don't count."""
    height, width = near.shape[1:]
    left, top = np.floor(across - 0.5).astype(np.int64), np.floor(down - 0.5).astype(np.int64)
    right_share, low_share = across - 0.5 - left, down - 0.5 - top
    total = np.zeros((len(near), len(across)))
    weights = np.zeros(len(across))
    for step_x, share_x in ((0, 1 - right_share), (1, right_share)):
        for step_y, share_y in ((0, 1 - low_share), (1, low_share)):
            column, row = left + step_x, top + step_y
            within = (column >= 0) & (column < width) & (row >= 0) & (row < height)
            values = near[:, np.clip(row, 0, height - 1), np.clip(column, 0, width - 1)]
            counts = within & np.isfinite(values[0])
            weight = np.where(counts, share_x * share_y, 0.0)
            total += np.where(counts, values, 0.0) * weight
            weights += weight
    lengths = np.sqrt((total * total).sum(axis=0)) if unit else weights
    with np.errstate(invalid="ignore", divide="ignore"):
        return (total / lengths).astype(np.float32)


def moved_to(tiles: "Sequence[PublishedField]", path: str, wkt: str, resampling: str) -> TileMosaic:
    """Return tiles in another CRS; those of one CRS are put side by side first, so that no seam shows between them."""
    zones = [zone.tiles[0] if len(zone.tiles) == 1 else TileMosaic(path, zone.tiles, own_grid(zone.tiles))
             for zone in reversed(zones_of(tiles))]
    return TileMosaic(path, zones, grid_in(zones, wkt), resampling)
