"""Reads the cells about places from a field: no more blocks than hold one, and no cell twice."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Iterator, Tuple

import numpy as np

from ...dataset import block_cache, open_raster
from ...field import Field
from ...field_pass import read_block, source_of
from ...grid import Grid, Window
from ...progress import Progress, check
from .corners import NOWHERE

TAPS = 9
_ACROSS = np.tile([-1, 0, 1], 3)
_DOWN = np.repeat([-1, 0, 1], 3)


@dataclass(frozen=True)
class Surroundings:
    """Cells of a field: `numbers` `(m,)` sorted, and `vectors` `(m, D)`, NaN where a cell has no value."""

    numbers: np.ndarray
    vectors: np.ndarray

    def rows(self, cells: np.ndarray) -> np.ndarray:
        """Return the rows that hold some cells; `m`, one after the last, for those that aren't there or are empty."""
        if not len(self.numbers):
            return np.zeros(cells.shape, dtype=np.int64)
        found = np.minimum(np.searchsorted(self.numbers, cells), len(self.numbers) - 1)
        there = (self.numbers[found] == cells) & np.isfinite(self.vectors).all(axis=1)[found]
        return np.where(there, found, len(self.numbers))


def around(cells: np.ndarray, grid: Grid) -> np.ndarray:
    """Return the 3 x 3 cells about each cell, `(n, 9)` row by row; NOWHERE for those beyond the edge."""
    column = (cells % grid.width)[:, None] + _ACROSS
    row = (cells // grid.width)[:, None] + _DOWN
    there = (column >= 0) & (column < grid.width) & (row >= 0) & (row < grid.height) & (cells != NOWHERE)[:, None]
    return np.where(there, row * grid.width + column, NOWHERE)


def read_surroundings(opened: Field, cells: np.ndarray, memory_mib: int, progress: Progress) -> Surroundings:
    """Read some cells, given by number in any order and as often as one likes."""
    numbers = np.unique(cells)
    numbers = numbers[numbers != NOWHERE]
    source, grid = source_of(opened), opened.info.grid
    vectors = np.full((len(numbers), source.dimensions), np.nan, dtype=np.float32)
    dataset = open_raster(source.path)
    done = 0
    with block_cache(max(16, memory_mib // 8)):
        for window, which in _windows(numbers, grid, opened.info.block):
            check(progress)
            progress.report(done / len(numbers), None if done else "Reading the field about the places")
            block = read_block(dataset, source, window).vectors()
            column, row = numbers[which] % grid.width, numbers[which] // grid.width
            vectors[which] = block[:, row - window.y, column - window.x].T
            done += len(which)
    progress.report(1.0)
    return Surroundings(numbers, vectors)


def _windows(numbers: np.ndarray, grid: Grid, block: "Tuple[int, int]") -> "Iterator[Tuple[Window, np.ndarray]]":
    """Yield, for each storage block that holds cells, the smallest window about these, and which they are."""
    column, row = numbers % grid.width, numbers // grid.width
    blocks = row // block[1] * (grid.width // block[0] + 1) + column // block[0]
    order = np.argsort(blocks, kind="stable")
    for which in np.split(order, np.flatnonzero(np.diff(blocks[order])) + 1) if len(order) else []:
        left, top = int(column[which].min()), int(row[which].min())
        yield Window(left, top, int(column[which].max()) - left + 1, int(row[which].max()) - top + 1), which
