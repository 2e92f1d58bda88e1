"""Which tiles an encoder must see so that every cell gets a vector centred on it, whatever the cell's size.

An encoder's output stands for tokens: squares of `token` input pixels. A cell of `cell` pixels takes the weighted mean
of the tokens at its taps: places relative to the cell's first pixel, symmetric about its centre. Tokens of one phase
(first pixel modulo token) lie on one lattice; each lattice is cut into tiles that are anchored at the raster's origin,
so that a vector never depends on the extent, the blocks or the memory of a run.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Tap:
    """A token that a cell takes: its first pixel relative to the cell's, and its integer weight."""

    start: int
    weight: int


def taps(cell: int, token: int) -> "tuple[Tap, ...]":
    """Return the tokens whose weighted mean is centred on a cell and covers it as evenly as may be."""
    count = max(1, math.ceil(cell / token))
    last = cell - token
    found: "list[Tap]" = []
    for index in range(count // 2):
        start = -(-index * last // (count - 1))
        found += [Tap(start, 2), Tap(last - start, 2)]
    if count % 2:
        low, high = last // 2, last - last // 2
        found += [Tap(low, 2)] if low == high else [Tap(low, 1), Tap(high, 1)]
    return tuple(sorted(found, key=lambda tap: tap.start))


@dataclass(frozen=True)
class Lattice:
    """One phase of one axis: tokens `first .. last`, cut into tiles of `size` tokens every `step` tokens."""

    phase: int
    first: int
    tiles: int


@dataclass(frozen=True)
class Axis:
    """How one axis of the raster is covered; `crop` tokens at each end of a tile are computed but not used."""

    cell: int
    token: int
    cells: int
    size: int
    step: int
    crop: int
    halo: int
    taps: "tuple[Tap, ...]"
    lattices: "tuple[Lattice, ...]"

    @property
    def tile_pixels(self) -> int:
        """Return the side of the square that goes into the encoder."""
        return (self.size + 2 * self.crop) * self.token + 2 * self.halo

    @property
    def one_to_one(self) -> bool:
        """Tell whether every cell takes one token of one tile, so that there is nothing to average."""
        return self.cell == self.token and self.step == self.size

    def tile_start(self, lattice: Lattice, tile: int) -> int:
        """Return a tile's first input pixel, which may lie outside the raster."""
        return (lattice.phase + (lattice.first + tile * self.step - self.crop) * self.token) - self.halo

    def tiles_for(self, lattice: Lattice, first_cell: int, cells: int) -> range:
        """Return the tiles that contribute to some cells."""
        tokens = [token for token, _, _ in self._links(lattice, first_cell, cells)]
        if not tokens:
            return range(0)
        first = max(0, math.ceil((min(tokens) - lattice.first - self.size + 1) / self.step))
        last = min(lattice.tiles - 1, (max(tokens) - lattice.first) // self.step)
        return range(first, last + 1)

    def weights(self, lattice: Lattice, tile: int, first_cell: int, cells: int) -> np.ndarray:
        """Return `(cells, size)`: the integer weight of each token of a tile in each cell.

        Where tiles overlap the weights rise and fall by whole steps, and those of two neighbours always add up to the
        same number: a partition of unity in integers, so that a blend of equal vectors is exact.
        """
        if self.one_to_one:
            shift = first_cell - (lattice.first + tile * self.step)
            return np.eye(cells, self.size, shift, dtype=np.float32)
        begin = lattice.first + tile * self.step
        full = self.size - self.step + 1
        matrix = np.zeros((cells, self.size), dtype=np.float32)
        for token, cell, weight in self._links(lattice, first_cell, cells):
            place = token - begin
            if 0 <= place < self.size:
                left = place + 1 if tile > 0 else full
                right = self.size - place if tile < lattice.tiles - 1 else full
                matrix[cell - first_cell, place] += weight * min(left, right, full)
        return matrix

    def _links(self, lattice: Lattice, first_cell: int, cells: int) -> "list[tuple[int, int, int]]":
        """Return token, cell and weight of every tap of some cells that lies on a lattice."""
        found = []
        for cell in range(first_cell, first_cell + cells):
            for tap in self.taps:
                start = cell * self.cell + tap.start
                if start % self.token == lattice.phase:
                    found.append(((start - lattice.phase) // self.token, cell, tap.weight))
        return found


def axis(pixels: int, cell: int, token: int, tokens_per_tile: int, overlap: int, crop: int, halo: int) -> Axis:
    """Lay out one axis; `tokens_per_tile` counts those that are used, `overlap` those that neighbours share."""
    cells = math.ceil(pixels / cell)
    places = taps(cell, token)
    size = max(1, tokens_per_tile)
    overlap = min(max(overlap, 0), size // 2)
    step = size - overlap
    period = token // math.gcd(cell, token)
    phases = sorted({(index * cell + tap.start) % token for index in range(period) for tap in places})
    lattices = []
    for phase in phases:
        first, last = _range_of(cells, cell, token, places, phase)
        if first is None or last is None:
            continue
        lattices.append(Lattice(phase, first, 1 + max(0, math.ceil((last - first + 1 - size) / step))))
    return Axis(cell, token, cells, size, step, crop, halo, places, tuple(lattices))


def _range_of(cells: int, cell: int, token: int, places: "tuple[Tap, ...]",
              phase: int) -> "tuple[int | None, int | None]":
    """Return the first and last token of a phase that any cell takes."""
    starts = [index * cell + tap.start for index in (*range(min(cells, token)), *range(max(0, cells - token), cells))
              for tap in places]
    tokens = [(start - phase) // token for start in starts if start % token == phase]
    return (min(tokens), max(tokens)) if tokens else (None, None)


def reflected(first: int, count: int, size: int) -> np.ndarray:
    """Return the pixel inside `0 .. size` that stands for each of `first .. first + count`, mirrored at the edges."""
    if size == 1:
        return np.zeros(count, dtype=np.intp)
    period = 2 * (size - 1)
    places = np.abs(np.arange(first, first + count)) % period
    return np.where(places < size, places, period - places).astype(np.intp)
