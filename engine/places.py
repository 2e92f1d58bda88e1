"""The best cells of a score raster, each at least a distance from the others, found without sorting the raster.

Every block's best cell goes on a heap. The best of all is taken, cells too near to it drop out of the blocks that they
are in, and a block whose best cell dropped out tells its next one only when it comes to the top again. So the result
is that of sorting all cells, while few blocks are read twice.
"""

from __future__ import annotations

import heapq
from collections import OrderedDict
from dataclasses import dataclass
from typing import Optional

import numpy as np
from osgeo import gdal

from .dataset import block_cache, open_raster, raster_info, read
from .geodesy import Ground, cell_places, disc_windows
from .grid import Grid, Window, blocks
from .progress import Progress, check

_BLOCK = 256
_CACHE_MIB = 32
_KEPT_BLOCKS = 96


@dataclass(frozen=True)
class Place:
    """A cell: its centre in the raster's CRS, its column and row, and its score."""

    x: float
    y: float
    column: int
    row: int
    score: float


def top_places(path: str, count: int, metres: float, progress: Progress) -> "list[Place]":
    """Return the `count` best cells of the first band, best first, no two nearer than `metres`; ties by row, column."""
    with block_cache(_CACHE_MIB):
        return _found(path, count, metres, progress)


def _found(path: str, count: int, metres: float, progress: Progress) -> "list[Place]":
    """Take the best, drop what is too near, go on."""
    info = raster_info(path)
    search = _Search(path, info.grid, metres)
    windows = list(blocks(info.grid.whole, _BLOCK))
    heap: "list[tuple[float, int, int, int]]" = []
    for index, window in enumerate(windows):
        check(progress)
        progress.report(0.5 * index / len(windows), "Looking for the best places" if not index else None)
        best = _best(search.scores(window), window)
        if best is not None:
            heap.append((*best, index))
    heapq.heapify(heap)
    found: "list[Place]" = []
    while heap and len(found) < count:
        check(progress)
        score, row, column, index = heapq.heappop(heap)
        if search.allows(column, row):
            found.append(Place(*info.grid.centre(column + 0.5, row + 0.5), column, row, -score))
            search.take(column, row)
            progress.report(0.5 + 0.5 * len(found) / count)
        best = _best(search.remaining(index, windows[index]), windows[index])
        if best is not None:
            heapq.heappush(heap, (*best, index))
    return found


def _best(scores: np.ndarray, window: Window) -> "Optional[tuple[float, int, int]]":
    """Return the negated best score and its row and column, or None where no cell has a score."""
    flat = scores.ravel()
    if np.isnan(flat).all():
        return None
    place = int(np.nanargmax(flat))
    return -float(flat[place]), window.y + place // window.width, window.x + place % window.width


class _Search:
    """Remembers what was taken, and the blocks looked at last."""

    def __init__(self, path: str, grid: Grid, metres: float) -> None:
        """Open the raster."""
        self._path = path
        self._grid = grid
        self._ground = Ground(grid.wkt)
        self._metres = metres
        self._dataset: gdal.Dataset = open_raster(path)
        self._taken = np.empty((0, 2))
        self._cells: "list[tuple[int, int]]" = []
        self._boxes = np.empty((0, 4), dtype=np.int64)
        self._owners = np.empty(0, dtype=np.int64)
        self._kept: "OrderedDict[int, tuple[np.ndarray, int, Optional[np.ndarray]]]" = OrderedDict()

    def scores(self, window: Window) -> np.ndarray:
        """Read a window."""
        return read(self._dataset, window, [1], np.dtype("f4"), self._path)[0]

    def allows(self, column: int, row: int) -> bool:
        """Tell whether a cell is far enough from all that were taken."""
        if (column, row) in self._cells:
            return False
        if not len(self._taken) or self._metres <= 0:
            return True
        place = self._place(column, row)
        return not bool((self._ground.distance(self._taken, place) < self._metres).any())

    def take(self, column: int, row: int) -> None:
        """Note a cell as taken."""
        place = self._place(column, row)
        owner, box = disc_windows(self._grid, place[None], self._metres)
        self._owners = np.concatenate([self._owners, owner + len(self._taken)])
        self._boxes = np.concatenate([self._boxes, box])
        self._taken = np.concatenate([self._taken, place[None]])
        self._cells.append((column, row))

    def remaining(self, index: int, window: Window) -> np.ndarray:
        """Return a block's scores, NaN where something taken is too near."""
        scores, seen, places = self._kept.pop(index, (None, 0, None))
        if scores is None:
            scores = np.array(self.scores(window), copy=True)
        for number in range(seen, len(self._cells)):
            column, row = self._cells[number]
            if window.x <= column < window.right and window.y <= row < window.bottom:
                scores[row - window.y, column - window.x] = np.nan
        if self._metres > 0:
            for box in np.flatnonzero(self._owners >= seen):
                x0, y0, x1, y1 = self._boxes[box]
                x0, x1 = max(int(x0), window.x) - window.x, min(int(x1), window.right) - window.x
                y0, y1 = max(int(y0), window.y) - window.y, min(int(y1), window.bottom) - window.y
                if x0 >= x1 or y0 >= y1:
                    continue
                places = cell_places(self._grid, window) if places is None else places
                near = self._ground.distance(places[y0:y1, x0:x1], self._taken[self._owners[box]]) < self._metres
                scores[y0:y1, x0:x1][near] = np.nan
        self._kept[index] = scores, len(self._cells), places
        if len(self._kept) > _KEPT_BLOCKS:
            self._kept.popitem(last=False)
        return scores

    def _place(self, column: int, row: int) -> np.ndarray:
        """Return the place of a cell's centre."""
        return cell_places(self._grid, Window(column, row, 1, 1))[0, 0]
