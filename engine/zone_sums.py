"""Weighted sums of a block's vectors by zones, whatever the zones are: polygons, lines, points or hexagons.

A block's cells are taken in chunks that stay in the processor's cache. Where zones fill a chunk, one matrix product
sums all of them; where they are sparse, their cells are gathered and summed by runs. No mask a zone is ever made.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Callable, Iterator, Sequence, Tuple

import numpy as np

from .dataset import open_raster
from .field_pass import FieldBlock, FieldSource
from .grid import Window

CHUNK_CELLS = 4096
# A product costs this many times less for each number than gathering and adding it.
_DENSE = 64
_LOOKS = 16

Stacked = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Pairs:
    """Which cells belong to which zones: a cell of the flattened window with its weight, and the share that it covers.

    A pair of zone and cell occurs once.
    """

    zones: np.ndarray
    cells: np.ndarray
    weights: np.ndarray
    shares: np.ndarray

    def __len__(self) -> int:
        """Return the number of pairs."""
        return len(self.zones)

    def weighted(self, of_cells: np.ndarray) -> "Pairs":
        """Return pairs whose weights are multiplied by those of their cells, such as areas."""
        return Pairs(self.zones, self.cells, self.weights * of_cells, self.shares)


@dataclass(frozen=True)
class ZoneSums:
    """What a block holds of each zone that it touches; zones without a valid cell are there with zeros."""

    zones: np.ndarray
    totals: np.ndarray
    weights: np.ndarray
    shares: np.ndarray
    counts: np.ndarray


@dataclass(frozen=True)
class ChunkPairs:
    """The pairs of one chunk, in the order of zones."""

    part: slice
    zones: np.ndarray
    first: np.ndarray
    cells: np.ndarray
    weights: np.ndarray
    shares: np.ndarray

    @property
    def sizes(self) -> np.ndarray:
        """Return how many pairs each zone has."""
        return np.diff(np.append(self.first, len(self.cells)))


def as_they_are(values: np.ndarray) -> np.ndarray:
    """Sum the vectors themselves."""
    return values


@dataclass(frozen=True)
class WithSquares:
    """Sum differences from a reference and their squares, dimension by dimension, for standard deviations."""

    reference: np.ndarray

    def __call__(self, values: np.ndarray) -> np.ndarray:
        """Stack differences `(dims, n)` and squares `(dims, n)`; the reference keeps them small, hence exact."""
        count = len(values)
        found = np.empty((2 * count, values.shape[1]), dtype=np.float32)
        moved = np.subtract(values, self.reference[:, None], out=found[:count])
        np.multiply(moved, moved, out=found[count:])
        return found


@dataclass(frozen=True)
class WithLength:
    """Sum differences from a reference and their squared lengths, for the spread of vectors about their mean."""

    reference: np.ndarray

    def __call__(self, values: np.ndarray) -> np.ndarray:
        """Stack differences `(dims, n)` and one row of squared lengths."""
        count = len(values)
        found = np.empty((count + 1, values.shape[1]), dtype=np.float32)
        moved = np.subtract(values, self.reference[:, None], out=found[:count])
        np.einsum("ij,ij->j", moved, moved, out=found[count])
        return found


def middle_of(source: FieldSource, windows: "Sequence[Window]") -> np.ndarray:
    """Return the mean vector of the first window with a value, of a few that are looked at; zeros where none has one.

    It is a reference to take differences from, so a rough one does.
    """
    dataset = open_raster(source.path)
    for window in windows[len(windows) // 2::max(1, len(windows) // _LOOKS)]:
        vectors = source.read(dataset, window).vectors().reshape(source.dimensions, -1)
        valid = np.isfinite(vectors[0])
        if valid.any():
            return vectors[:, valid].mean(axis=1, dtype=np.float64)
    return np.zeros(source.dimensions)


def chunk_pairs(pairs: Pairs, cells: int) -> "Iterator[ChunkPairs]":
    """Sort pairs into the chunks of a window of so many cells; chunks without any are left out."""
    if not len(pairs):
        return
    span = int(pairs.zones.max()) + 1
    key = (pairs.cells // CHUNK_CELLS) * span + pairs.zones
    order = np.argsort(key, kind="stable")
    key = key[order]
    first = np.flatnonzero(np.append(True, key[1:] != key[:-1]))
    chunk_of_run = key[first] // span
    starts = np.flatnonzero(np.append(True, chunk_of_run[1:] != chunk_of_run[:-1]))
    for run, after in zip(starts.tolist(), np.append(starts[1:], len(first)).tolist()):
        begin = int(first[run])
        end = int(first[after]) if after < len(first) else len(key)
        chunk = int(chunk_of_run[run])
        picked = order[begin:end]
        part = slice(chunk * CHUNK_CELLS, min((chunk + 1) * CHUNK_CELLS, cells))
        yield ChunkPairs(part, key[first[run:after]] - chunk * span, first[run:after] - begin,
                         pairs.cells[picked] - part.start, pairs.weights[picked], pairs.shares[picked])


def zone_sums(block: FieldBlock, pairs: Pairs, stacked: Stacked = as_they_are) -> ZoneSums:
    """Return the weighted sums of each zone's valid cells in a block, of whatever `stacked` makes of vectors."""
    zones = np.unique(pairs.zones)
    totals = None
    weights, shares = np.zeros(len(zones)), np.zeros(len(zones))
    counts = np.zeros(len(zones), dtype=np.int64)
    for chunk in chunk_pairs(pairs, block.shape[0] * block.shape[1]):
        found, valid = _chunk_totals(block, chunk, stacked)
        if totals is None:
            totals = np.zeros((len(zones), found.shape[1]))
        rows = np.searchsorted(zones, chunk.zones)
        totals[rows] += found
        weights[rows] += np.add.reduceat(chunk.weights * valid, chunk.first)
        shares[rows] += np.add.reduceat(chunk.shares * valid, chunk.first)
        counts[rows] += np.add.reduceat(valid.astype(np.int64), chunk.first)
    if totals is None:
        totals = np.zeros((0, 0))
    return ZoneSums(zones, totals, weights, shares, counts)


def _chunk_totals(block: FieldBlock, chunk: ChunkPairs, stacked: Stacked) -> "Tuple[np.ndarray, np.ndarray]":
    """Return sums `(zones, stacked)` and which pairs count, by the cheaper of the two ways."""
    width = chunk.part.stop - chunk.part.start
    values = block.part(chunk.part)
    if width * len(chunk.zones) <= _DENSE * len(chunk.cells):
        valid = np.isfinite(values.sum(axis=0))
        shares = np.zeros((width, len(chunk.zones)), dtype=np.float32)
        columns = np.repeat(np.arange(len(chunk.zones)), chunk.sizes)
        if valid.all():
            shares[chunk.cells, columns] = chunk.weights
            return (stacked(values) @ shares).T, np.ones(len(chunk.cells), dtype=bool)
        values = np.where(valid, values, np.float32(0))
        counted = valid[chunk.cells]
        shares[chunk.cells, columns] = chunk.weights * counted
        return (stacked(values) @ shares).T, counted
    gathered, counted = valid_cells(values, chunk)
    weighted = stacked(gathered)
    weighted *= (chunk.weights * counted).astype(np.float32)
    return np.add.reduceat(weighted, chunk.first, axis=1).T, counted


def valid_cells(values: np.ndarray, chunk: ChunkPairs) -> "Tuple[np.ndarray, np.ndarray]":
    """Return the vectors `(dims, pairs)` of a chunk's pairs, zero where there is none, and which have one."""
    gathered = np.take(values, chunk.cells, axis=1)
    valid = np.isfinite(gathered.sum(axis=0))
    if not valid.all():
        gathered[:, ~valid] = 0
    return gathered, valid
