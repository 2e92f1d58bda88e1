"""What is done to one block of cells: read its pixels, encode the tiles that touch it, and blend their vectors.

`embed_block` is a pure function of a plan and a window: it opens what it needs and closes it again. A run keeps the
raster, the encoder and the tiles on block borders open between blocks (`BlockReader`, `BlockEncoder`), which changes
no number.
"""

from __future__ import annotations

from collections import OrderedDict
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Callable, Iterator, Optional, Sequence

import numpy as np

from ..dataset import longitude_latitude, open_raster, rasterised
from ..encoders.encoder import Encoder, open_encoder, run_batches
from ..encoders.inputs import TileBatch
from ..grid import Grid, Window
from ..progress import Silent
from ..validity import read_valid
from .plan import EmbedPlan
from .tiling import Axis, Lattice, reflected


@dataclass(frozen=True)
class BlockPixels:
    """A block's pixels with all their surroundings, mirrored where those lie outside the raster."""

    x: int
    y: int
    values: "tuple[np.ndarray, ...]"
    valid: np.ndarray


@dataclass(frozen=True)
class BlockVectors:
    """A block's vectors `(dims, rows, cols)` with NaN for nodata, and each cell's share of valid pixels."""

    vectors: np.ndarray
    share: np.ndarray


@dataclass(frozen=True)
class _Tile:
    """One tile of a block: which, where its pixels begin, and what its tokens weigh in the block's cells."""

    key: "tuple[int, int, int, int]"
    x: int
    y: int
    row_weights: np.ndarray
    column_weights: np.ndarray
    reaches_beyond: bool


def embed_block(plan: EmbedPlan, block: Window) -> BlockVectors:
    """Return a block's vectors, whatever was computed before and wherever this runs."""
    pixels = BlockReader(plan).read(block)
    encoder = open_encoder(plan.card, plan.device, plan.threads, Silent())
    try:
        worker = BlockEncoder(plan, encoder)
        try:
            return worker.encode(block, pixels, _ignore)
        finally:
            worker.close()
    finally:
        encoder.close()


def _ignore(share: float) -> None:
    """Take no notice of progress."""


class BlockReader:
    """Reads the pixels of blocks; a block that lies outside the mask is not read at all."""

    def __init__(self, plan: EmbedPlan) -> None:
        """Open nothing yet: the reader's thread does."""
        self._plan = plan
        self._datasets: "Optional[list]" = None
        self.blocks_read = 0

    def read(self, block: Window) -> "Optional[BlockPixels]":
        """Read a block's pixels with all that its tiles reach, or None where nothing is wanted."""
        plan = self._plan
        if plan.mask is not None and not wanted_cells(plan, block).any():
            return None
        if self._datasets is None:
            self._datasets = [open_raster(path) for path in plan.source.paths]
        self.blocks_read += 1
        x, width = _reach(plan.columns, block.x, block.width)
        y, height = _reach(plan.rows, block.y, block.height)
        columns = reflected(x, width, plan.grid.width)
        rows = reflected(y, height, plan.grid.height)
        window = Window(int(columns.min()), int(rows.min()), int(columns.max() - columns.min()) + 1,
                        int(rows.max() - rows.min()) + 1)
        dtype = np.dtype(plan.source.dtype)
        values, valid = [], np.ones((height, width), dtype=bool)
        for date, dataset in enumerate(self._datasets):
            raw, mask = read_valid(dataset, window, plan.source.bands[date], dtype, plan.source.rules[date],
                                   plan.source.paths[date])
            values.append(_spread(raw, rows - window.y, columns - window.x))
            valid &= _spread(mask[np.newaxis], rows - window.y, columns - window.x)[0]
        return BlockPixels(x, y, tuple(values), valid)


class TileCache:
    """Keeps the vectors of tiles that reach into blocks still to come, up to a number of bytes."""

    def __init__(self, limit: int) -> None:
        """Start empty."""
        self._limit = limit
        self._bytes = 0
        self._tiles: "OrderedDict[tuple[int, int, int, int], Optional[np.ndarray]]" = OrderedDict()

    def get(self, key: "tuple[int, int, int, int]") -> "tuple[bool, Optional[np.ndarray]]":
        """Return whether a tile is here, and its vectors (None where it has no valid pixel)."""
        if key not in self._tiles:
            return False, None
        self._tiles.move_to_end(key)
        return True, self._tiles[key]

    def put(self, key: "tuple[int, int, int, int]", vectors: Optional[np.ndarray]) -> None:
        """Keep a tile's vectors, dropping the oldest where there is no room."""
        size = vectors.nbytes if vectors is not None else 64
        if size > self._limit:
            return
        self._tiles[key] = vectors
        self._bytes += size
        while self._bytes > self._limit:
            _, dropped = self._tiles.popitem(last=False)
            self._bytes -= dropped.nbytes if dropped is not None else 64


class BlockEncoder:
    """Turns the pixels of blocks into vectors with one open encoder."""

    def __init__(self, plan: EmbedPlan, encoder: Encoder) -> None:
        """Keep the plan and the encoder; start with no tiles."""
        self._plan = plan
        self._encoder = encoder
        self._cache = TileCache(plan.cache_bytes)
        self._batch = plan.batch or encoder.suggest_batch(plan.rows.tile_pixels)
        self._lane = ThreadPoolExecutor(1, thread_name_prefix="earthprint-session")
        self._one_to_one = plan.rows.one_to_one and plan.columns.one_to_one
        self._flip = (slice(None, None, -1) if plan.grid.south_up else slice(None),
                      slice(None, None, -1) if plan.grid.mirrored else slice(None))

    def close(self) -> None:
        """Let the session's thread end."""
        self._lane.shutdown(wait=False)

    def encode(self, block: Window, pixels: Optional[BlockPixels], tick: "Callable[[float], None]") -> BlockVectors:
        """Return a block's vectors; `tick` hears which share of its tiles is done."""
        plan = self._plan
        dimensions = plan.card.output_dimensions
        if pixels is None:
            return BlockVectors(np.full((dimensions, block.height, block.width), np.nan, dtype=np.float32),
                                np.zeros((block.height, block.width), dtype=np.float32))
        share = valid_share(plan, block, pixels)
        wanted = (share >= plan.min_valid) & (share > 0)
        if plan.mask is not None:
            wanted &= wanted_cells(plan, block)
        total = np.zeros((block.height, block.width, dimensions), dtype=np.float32)
        weight = np.zeros((block.height, block.width), dtype=np.float32)
        if wanted.any():
            tiles = list(self._tiles(block, wanted))
            for done, (tile, vectors) in enumerate(self._encoded(tiles, pixels), start=1):
                if vectors is not None and self._one_to_one:
                    _place(total, weight, tile, vectors)
                elif vectors is not None:
                    _blend(total, weight, tile, vectors)
                tick(done / len(tiles))
        return BlockVectors(self._finish(total, weight, wanted), share)

    def _tiles(self, block: Window, wanted: np.ndarray) -> "Iterator[_Tile]":
        """Yield the tiles that give something to a wanted cell."""
        rows, columns = self._plan.rows, self._plan.columns
        for row_phase, row_lattice in enumerate(rows.lattices):
            for row_tile in rows.tiles_for(row_lattice, block.y, block.height):
                row_weights = rows.weights(row_lattice, row_tile, block.y, block.height)
                touched = wanted[row_weights.any(axis=1)].any(axis=0)
                if not touched.any():
                    continue
                for column_phase, lattice in enumerate(columns.lattices):
                    for tile in columns.tiles_for(lattice, block.x, block.width):
                        weights = columns.weights(lattice, tile, block.x, block.width)
                        if not touched[weights.any(axis=1)].any():
                            continue
                        yield _Tile(
                            (row_phase, row_tile, column_phase, tile), columns.tile_start(lattice, tile),
                            rows.tile_start(row_lattice, row_tile), row_weights, weights,
                            _reaches_beyond(rows, row_lattice, row_tile, block.y + block.height)
                            or _reaches_beyond(columns, lattice, tile, block.x + block.width))

    def _encoded(self, tiles: "Sequence[_Tile]",
                 pixels: BlockPixels) -> "Iterator[tuple[_Tile, Optional[np.ndarray]]]":
        """Yield each tile with its vectors `(rows, cols, dims)`, always in the same order.

        The order decides how sums round, so it must not depend on which tiles are known from an earlier block: a
        resumed run knows fewer. While the encoder works on one batch, the next is cut out and the last is blended.
        """
        ready: "dict[int, Optional[np.ndarray]]" = {}
        running: "Optional[tuple[list[int], Future[np.ndarray]]]" = None
        pending: "list[int]" = []
        given = 0
        for number, tile in enumerate(tiles):
            known, vectors = self._cache.get(tile.key)
            if known or not self._has_pixels(tile, pixels):
                ready[number] = vectors
                if not known:
                    self._keep(tile, None)
            else:
                pending.append(number)
            if len(pending) == self._batch or (pending and number == len(tiles) - 1):
                batch = self._cut([tiles[one] for one in pending], pixels)
                future = self._lane.submit(run_batches, self._encoder, batch, self._batch)
                if running is not None:
                    self._collect(tiles, *running, ready)
                running, pending = (pending, future), []
            while given in ready:
                yield tiles[given], ready.pop(given)
                given += 1
        if running is not None:
            self._collect(tiles, *running, ready)
        while given < len(tiles):
            yield tiles[given], ready.pop(given)
            given += 1

    def _has_pixels(self, tile: _Tile, pixels: BlockPixels) -> bool:
        """Tell whether any pixel of a tile is valid."""
        side = self._plan.rows.tile_pixels
        top, left = tile.y - pixels.y, tile.x - pixels.x
        return bool(pixels.valid[top:top + side, left:left + side].any())

    def _collect(self, tiles: "Sequence[_Tile]", numbers: "Sequence[int]", future: "Future[np.ndarray]",
                 ready: "dict[int, Optional[np.ndarray]]") -> None:
        """Wait for a batch and put its vectors, as they lie on the ground, where they are asked for."""
        plan, crop = self._plan, self._plan.rows.crop
        encoded = future.result()[:, self._flip[0], self._flip[1]]
        for number, vectors in zip(numbers, encoded):
            kept = vectors[crop:crop + plan.rows.size, crop:crop + plan.columns.size]
            self._keep(tiles[number], kept)
            ready[number] = kept

    def _cut(self, tiles: "Sequence[_Tile]", pixels: BlockPixels) -> TileBatch:
        """Cut the pixels of some tiles out of a block, north up."""
        plan = self._plan
        side = plan.rows.tile_pixels
        dates, bands = len(pixels.values), len(pixels.values[0])
        values = np.empty((len(tiles), dates, bands, side, side), dtype=np.float32)
        valid = np.empty((len(tiles), side, side), dtype=bool)
        for index, tile in enumerate(tiles):
            top, left = tile.y - pixels.y, tile.x - pixels.x
            area = (slice(top, top + side), slice(left, left + side))
            for date in range(dates):
                values[index, date] = pixels.values[date][(slice(None), *area)][(slice(None), *self._flip)]
            valid[index] = pixels.valid[area][self._flip]
        self._silence_dead_bands(values)
        places = self._places(tiles)
        return TileBatch(
            values=values, valid=valid, longitude=None if places is None else places[:, 0],
            latitude=None if places is None else places[:, 1], dates=plan.source.dates, gsd_m=plan.source.gsd_m)

    def _keep(self, tile: _Tile, vectors: Optional[np.ndarray]) -> None:
        """Remember a tile that a later block needs too."""
        if tile.reaches_beyond:
            self._cache.put(tile.key, None if vectors is None else np.array(vectors, copy=True))

    def _silence_dead_bands(self, values: np.ndarray) -> None:
        """Put the value that means nothing to the encoder into bands that hold no valid pixel anywhere."""
        shift = self._plan.card.scaling.shift
        for date, rule in enumerate(self._plan.source.rules):
            for band in rule.ignored:
                values[:, date, band] = shift[band] if len(shift) > 1 else shift[0]

    def _places(self, tiles: "Sequence[_Tile]") -> Optional[np.ndarray]:
        """Return longitude and latitude of the tiles' centres, where the encoder asks for them."""
        plan = self._plan
        if not any(item.role.startswith("latlon") for item in plan.card.inputs):
            return None
        half = plan.rows.tile_pixels / 2
        points = np.array([plan.grid.centre(tile.x + half, tile.y + half) for tile in tiles])
        found = longitude_latitude(plan.grid.wkt, points)
        return found if np.isfinite(found).all() else None

    def _finish(self, total: np.ndarray, weight: np.ndarray, wanted: np.ndarray) -> np.ndarray:
        """Turn weighted sums into vectors, of length one where the space says so, NaN where there is none."""
        missing = ~(wanted & (weight > 0))
        if not self._one_to_one:
            total /= np.where(weight > 0, weight, np.float32(1))[:, :, np.newaxis]
        if self._plan.card.unit_norm:
            length = np.sqrt(np.einsum("ijk,ijk->ij", total, total))
            missing |= length == 0
            total /= np.where(length > 0, length, np.float32(1))[:, :, np.newaxis]
        total[missing] = np.nan
        return np.ascontiguousarray(total.transpose(2, 0, 1))


def valid_share(plan: EmbedPlan, block: Window, pixels: BlockPixels) -> np.ndarray:
    """Return the share of valid pixels of each cell; a cell that sticks out of the raster mirrors its pixels."""
    cell = plan.rows.cell
    top, left = block.y * cell - pixels.y, block.x * cell - pixels.x
    area = pixels.valid[top:top + block.height * cell, left:left + block.width * cell]
    if area.all():
        return np.ones((block.height, block.width), dtype=np.float32)
    counts = area.reshape(block.height, cell, block.width, cell).sum(axis=(1, 3), dtype=np.int64)
    return (counts / float(cell * cell)).astype(np.float32)


def wanted_cells(plan: EmbedPlan, block: Window) -> np.ndarray:
    """Return which cells of a block the mask polygons touch."""
    grid: Grid = plan.cell_grid.part(block)
    return rasterised(plan.mask or (), grid)


def _reach(line: Axis, first_cell: int, cells: int) -> "tuple[int, int]":
    """Return the first pixel and the number of pixels that a run of cells and their tiles cover."""
    first, last = first_cell * line.cell, (first_cell + cells) * line.cell
    for lattice in line.lattices:
        tiles = line.tiles_for(lattice, first_cell, cells)
        if len(tiles):
            first = min(first, line.tile_start(lattice, tiles[0]))
            last = max(last, line.tile_start(lattice, tiles[-1]) + line.tile_pixels)
    return first, last - first


def _reaches_beyond(line: Axis, lattice: Lattice, tile: int, next_cell: int) -> bool:
    """Tell whether a tile gives something to cells after a block."""
    last_pixel = lattice.phase + (lattice.first + tile * line.step + line.size - 1) * line.token
    return last_pixel >= next_cell * line.cell + line.taps[0].start and next_cell < line.cells


def _spread(values: np.ndarray, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """Take rows and columns by number, without copying where they simply follow each other."""
    if len(rows) != values.shape[1] or rows[0] != 0 or (np.diff(rows) != 1).any():
        values = values[:, rows]
    if len(columns) != values.shape[2] or columns[0] != 0 or (np.diff(columns) != 1).any():
        values = values[:, :, columns]
    return values


def _place(total: np.ndarray, weight: np.ndarray, tile: _Tile, vectors: np.ndarray) -> None:
    """Put a tile's vectors into the cells that take just them."""
    rows, columns = _Part.of(tile.row_weights), _Part.of(tile.column_weights)
    taken = vectors[rows.tokens, columns.tokens]
    total[rows.cells, columns.cells] = taken
    weight[rows.cells, columns.cells] = np.isfinite(taken[..., 0])


def _blend(total: np.ndarray, weight: np.ndarray, tile: _Tile, vectors: np.ndarray) -> None:
    """Add a tile's vectors to the sums of the cells they belong to."""
    rows, columns = _Part.of(tile.row_weights), _Part.of(tile.column_weights)
    area = (rows.cells, columns.cells)
    known = np.isfinite(vectors[..., 0])
    filled = vectors if known.all() else np.where(known[:, :, np.newaxis], vectors, np.float32(0))
    if rows.tokens is not None and columns.tokens is not None:
        # One token a cell, in order: nothing to sum, which spares a matrix product per tile.
        share = rows.weights[:, np.newaxis] * columns.weights
        total[area] += filled[rows.tokens, columns.tokens] * share[:, :, np.newaxis]
        weight[area] += known[rows.tokens, columns.tokens] * share
        return
    row_weights, column_weights = tile.row_weights[rows.cells], tile.column_weights[columns.cells]
    total[area] += np.matmul(column_weights, np.tensordot(row_weights, filled, axes=(1, 0)))
    weight[area] += row_weights @ known.astype(np.float32) @ column_weights.T


@dataclass(frozen=True)
class _Part:
    """The cells of a block that a tile reaches along one axis; `tokens` where each takes just one, in order."""

    cells: slice
    tokens: Optional[slice]
    weights: np.ndarray

    @classmethod
    def of(cls, matrix: np.ndarray) -> "_Part":
        """Look at the weights `(cells, tokens)` of a tile."""
        taken = matrix != 0
        cells = np.flatnonzero(taken.any(axis=1))
        first, last = int(cells[0]), int(cells[-1]) + 1
        places = taken[first:last].argmax(axis=1)
        single = (taken[first:last].sum(axis=1) == 1).all() and (np.diff(places) == 1).all()
        tokens = slice(int(places[0]), int(places[-1]) + 1) if single else None
        return cls(slice(first, last), tokens, matrix[first:last].sum(axis=1))
