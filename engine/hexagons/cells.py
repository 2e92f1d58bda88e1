"""Places to H3 cells: the library is asked once a place, and once for a whole tile where one cell holds all of it."""

from __future__ import annotations

from functools import lru_cache
from itertools import repeat
from types import ModuleType
from typing import Optional

import numpy as np

from ..errors import InputError
from ..packages import require

TILE = 8
FINEST = 15
NO_CELL = np.uint64(0)
_RESOLUTION_BIT = 52
_DIGIT_BITS = 3


@lru_cache(maxsize=1)
def library() -> ModuleType:
    """Return H3 with cells as whole numbers; asked for many times, looked for once."""
    return require("h3.api.numpy_int")


def check_resolution(resolution: int) -> None:
    """Refuse resolutions that H3 doesn't have."""
    if not 0 <= resolution <= FINEST:
        raise InputError("h3-resolution", "H3 has no resolution {resolution}: choose 0 (1,100 km across the edges) to "
                         "15 (half a metre).", resolution=resolution)


def cells_of(places: np.ndarray, resolution: int) -> np.ndarray:
    """Return the cell of each longitude and latitude `(n, 2)` in degrees; 0 where a place is none."""
    to_cell = library().latlng_to_cell
    usable = np.isfinite(places).all(axis=1) & (np.abs(places[:, 1]) <= 90.0)
    if usable.all():
        return np.fromiter(map(to_cell, places[:, 1].tolist(), places[:, 0].tolist(), repeat(resolution)), np.uint64,
                           len(places))
    found = np.zeros(len(places), dtype=np.uint64)
    found[usable] = cells_of(places[usable], resolution)
    return found


def cells_of_grid(centres: np.ndarray, corners: np.ndarray, resolution: int) -> np.ndarray:
    """Return the cell of each pixel of a window, from the places of centres `(rows, cols, 2)` and of all corners.

    A cell is convex but for slight dents where faces of the icosahedron meet: if one holds all four outer corners of a
    small tile, it holds the centres of its pixels, which lie half a pixel further in.
    """
    rows, columns = centres.shape[:2]
    down, across = _marks(rows), _marks(columns)
    at_marks = cells_of(corners[np.ix_(down, across)].reshape(-1, 2), resolution).reshape(len(down), len(across))
    first = at_marks[:-1, :-1]
    same = (first == at_marks[1:, :-1]) & (first == at_marks[:-1, 1:]) & (first == at_marks[1:, 1:])
    same &= first != NO_CELL
    heights, widths = np.diff(down), np.diff(across)
    known = np.repeat(np.repeat(same, heights, axis=0), widths, axis=1)
    found = np.repeat(np.repeat(first, heights, axis=0), widths, axis=1)
    if not known.all():
        found[~known] = cells_of(centres[~known], resolution)
    return found


def _marks(count: int) -> np.ndarray:
    """Return where tiles begin, and the end."""
    return np.append(np.arange(0, count, TILE), count)


def names_of(cells: np.ndarray) -> "list[str]":
    """Return cells as the texts that H3 writes."""
    return [format(cell, "x") for cell in cells.tolist()]


def coarser(cells: np.ndarray, resolution: int) -> np.ndarray:
    """Return the ancestors of cells, by the bits of their names: their later digits become sevens."""
    bits = np.uint64((1 << (_DIGIT_BITS * (FINEST - resolution))) - 1)
    kept = (cells | bits) & ~np.uint64(0xF << _RESOLUTION_BIT)
    return kept | np.uint64(resolution << _RESOLUTION_BIT)


def finest_filled(cells: np.ndarray, least: float) -> int:
    """Return the finest resolution at which cells (of the finest resolution) lie so many together on average."""
    for resolution in range(FINEST, 0, -1):
        if len(cells) >= least * len(np.unique(coarser(cells, resolution))):
            return resolution
    return 0


def resolution_for(square_metres: float, limit: Optional[int] = None) -> int:
    """Return the finest resolution whose hexagons have at least so large an area on average."""
    area = library().average_hexagon_area
    last = FINEST if limit is None else limit
    return max((resolution for resolution in range(last + 1) if area(resolution, "m^2") >= square_metres), default=0)
