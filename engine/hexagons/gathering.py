"""Sums of vectors by hexagon that grow as data comes in and are let go as soon as a hexagon is complete."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Dict

import numpy as np

from ..errors import InputError
from ..features.placing import stated
from ..table import ColumnSpec, TableWriter
from .cells import names_of
from .outline import centres_of_cells, outlines_of
from .request import CENTRES, HexagonOptions

COLUMNS = (ColumnSpec("h3", "text"), ColumnSpec("count", "integer64"), ColumnSpec("dispersion", "real"))
_WRITE_ROWS = 4096


@dataclass(frozen=True)
class CellSums:
    """What a part of the data holds of each cell: weighted sums of differences from a reference, and their squares."""

    cells: np.ndarray
    totals: np.ndarray
    weights: np.ndarray
    counts: np.ndarray


class Gathered:
    """The sums of all cells that may still grow."""

    def __init__(self, reference: np.ndarray) -> None:
        """Begin with nothing; vectors come as differences from the reference."""
        self.reference = reference.astype(np.float64)
        self._slots: "Dict[int, int]" = {}
        self._room(1024)
        self.used = 0

    def _room(self, rows: int) -> None:
        """Make empty arrays."""
        self._totals = np.zeros((rows, len(self.reference) + 1))
        self._weights = np.zeros(rows)
        self._counts = np.zeros(rows, dtype=np.int64)
        self._seen = np.zeros(rows, dtype=np.int64)

    def take(self, sums: CellSums, turn: int) -> None:
        """Add a part; its cells are distinct. `turn` tells when a cell was seen last."""
        slots = self._slots
        rows = np.fromiter((slots.setdefault(cell, len(slots)) for cell in sums.cells.tolist()), np.int64,
                           len(sums.cells))
        self.used = len(slots)
        if self.used > len(self._weights):
            self._grow(max(self.used, 2 * len(self._weights)))
        if sums.totals.size:
            self._totals[rows] += sums.totals
            self._weights[rows] += sums.weights
            self._counts[rows] += sums.counts
        self._seen[rows] = turn

    def _grow(self, rows: int) -> None:
        """Make room for more cells."""
        kept = self._totals, self._weights, self._counts, self._seen
        self._room(rows)
        for old, new in zip(kept, (self._totals, self._weights, self._counts, self._seen)):
            new[:len(old)] = old

    def let_go(self, before: int) -> CellSums:
        """Return, and forget, the cells that were last seen before a turn, in the order of their names."""
        cells = np.fromiter(self._slots, np.uint64, self.used)
        done = self._seen[:self.used] < before
        rows = np.flatnonzero(done)
        rows = rows[np.argsort(cells[rows])]
        found = CellSums(cells[rows], self._totals[rows], self._weights[rows], self._counts[rows])
        stay = np.flatnonzero(~done)
        kept = self._totals[stay], self._weights[stay], self._counts[stay], self._seen[stay]
        self._slots = {cell: row for row, cell in enumerate(cells[stay].tolist())}
        self.used = len(stay)
        self._room(max(1024, len(stay)))
        for old, new in zip(kept, (self._totals, self._weights, self._counts, self._seen)):
            new[:len(old)] = old
        return found


class HexagonWriter:
    """Turns sums into rows of a table: mean vector, count and dispersion."""

    def __init__(self, writer: TableWriter, options: HexagonOptions, unit_norm: bool, reference: np.ndarray) -> None:
        """Keep the table to write to."""
        self._writer = writer
        self._shapes = centres_of_cells if options.geometry == CENTRES else outlines_of
        self._unit_norm = unit_norm
        self._reference = reference.astype(np.float64)
        self.written = 0

    def write(self, sums: CellSums) -> None:
        """Write the cells that hold anything."""
        for start in range(0, len(sums.cells), _WRITE_ROWS):
            part = slice(start, start + _WRITE_ROWS)
            self._write(sums.cells[part], sums.totals[part], sums.weights[part], sums.counts[part])

    def _write(self, cells: np.ndarray, totals: np.ndarray, weights: np.ndarray, counts: np.ndarray) -> None:
        """Write some rows."""
        means = np.divide(totals, weights[:, None], out=np.zeros_like(totals), where=weights[:, None] > 0)
        moved = means[:, :-1]
        dispersion = np.sqrt(np.maximum(means[:, -1] - (moved * moved).sum(axis=1), 0.0))
        dispersion[counts == 1] = 0.0
        vectors = moved + self._reference
        kept = weights > 0
        if self._unit_norm:
            lengths = np.sqrt((vectors * vectors).sum(axis=1))
            kept &= lengths > 1e-12
            vectors = vectors / np.where(kept, lengths, 1.0)[:, None]
        if not kept.any():
            return
        cells = cells[kept]
        self._writer.write(self._shapes(cells), {"h3": names_of(cells), "count": counts[kept],
                                                 "dispersion": dispersion[kept]}, vectors[kept].astype(np.float32))
        self.written += len(cells)


def require_place(wkt: str, planar: bool, name: str) -> None:
    """Refuse data that lies nowhere on Earth."""
    if planar or not stated(wkt):
        raise InputError("h3-crs", "{name} has no CRS that tells where on Earth it lies: state it with “Assign "
                         "projection” first.", name=name)
