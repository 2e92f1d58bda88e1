"""A field as a canvas sees it: extents read at canvas resolution, and kept within a stated limit of memory."""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import Sequence

import numpy as np

from ..analyses.similarity.scores import numbers_of, sum_squares
from ..errors import InputError
from ..field import Field, open_field
from ..field_pass import CHUNK, FieldBlock, read_block, source_of
from ..grid import Window
from ..progress import Progress
from .axis import Axis, Ruler, axis_of
from .levels import Level, level_for, levels_of
from .shared_rows import each_in_threads, share_rows
from .view_block import ViewBlock

__all__ = ["FieldView", "ViewBlock"]
MEMORY_MIB = 512
_STRIP_BYTES = 48 << 20
_LEAST_ROWS = 16
# So many times more cells than pixels, and so much to read, take long enough for overviews to be worth their making.
_CELLS_A_PIXEL = 6.0
_MUCH_BYTES = 256 << 20

Extent = Sequence[float]


class FieldView:
    """Reads extents of one field; may be asked from several threads, each of which opens the file for itself.

    Blocks read lately are kept, the oldest dropped first, so that all together take at most `memory_mib`.
    """

    def __init__(self, field: Field, levels: "tuple[Level, ...]", memory_mib: int = MEMORY_MIB) -> None:
        """Keep plain facts of the field; `open` finds them."""
        self.field = field
        self.levels = levels
        self._source = source_of(field)
        self._limit = max(1, memory_mib) << 20
        self._kept: "OrderedDict[tuple[float, ...], ViewBlock]" = OrderedDict()
        self._lock = threading.Lock()

    @classmethod
    def open(cls, path: str, memory_mib: int = MEMORY_MIB) -> "FieldView":
        """Open a field, or say in words why it is none."""
        return cls(open_field(path), levels_of(path), memory_mib)

    @property
    def kept_bytes(self) -> int:
        """Return how much memory the kept blocks take."""
        with self._lock:
            return sum(block.nbytes for block in self._kept.values())

    def forget(self) -> None:
        """Drop all blocks that are kept."""
        with self._lock:
            self._kept.clear()

    def lacks_overviews(self, extent: Extent, width: int, height: int) -> bool:
        """Tell whether reading an extent would take long for want of an overview."""
        across, down = self._pixel(extent, width, height)
        level = level_for(self.levels, across, down)
        spare = across * down / (level.across * level.down)
        try:
            columns, rows = self._axes(tuple(map(float, extent)), width, height, level)
        except InputError:
            return False
        cells = (int(np.ptp(columns.cells)) + 1) * (int(np.ptp(rows.cells)) + 1)
        much = cells * self._source.dimensions * np.dtype(self._source.dtype).itemsize > _MUCH_BYTES
        return much and spare > _CELLS_A_PIXEL

    def read(self, extent: Extent, width: int, height: int, progress: Progress) -> ViewBlock:
        """Return what a canvas of so many pixels shows of an extent (xmin, ymin, xmax, ymax) in the field's CRS.

        Each pixel shows the nearest cell of a fitting level; where cells are larger than pixels, each cell is one
        pixel of the block, whose extent is then that of the cells. Canvases too large for the memory limit are read
        with larger pixels.
        """
        xmin, ymin, xmax, ymax = map(float, extent)
        if not (xmax > xmin and ymax > ymin and np.isfinite([xmin, ymin, xmax, ymax]).all()):
            raise self._outside()
        width, height = self._fitting(max(1, width), max(1, height))
        across, down = self._pixel(extent, width, height)
        level = level_for(self.levels, across, down)
        columns, rows = self._axes((xmin, ymin, xmax, ymax), width, height, level)
        key = (level.number, columns.low, rows.low, columns.high, rows.high, len(columns.cells), len(rows.cells))
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]
        return self._keep(key, self._read(level, columns, rows, progress))

    def _keep(self, key: "tuple[float, ...]", block: ViewBlock) -> ViewBlock:
        """Keep a block, and drop the oldest ones beyond the limit."""
        with self._lock:
            self._kept[key] = block
            while len(self._kept) > 1 and sum(each.nbytes for each in self._kept.values()) > self._limit:
                self._kept.popitem(last=False)
            if block.nbytes > self._limit:
                self._kept.clear()
        return block

    def _pixel(self, extent: Extent, width: int, height: int) -> "tuple[float, float]":
        """Return how many cells a pixel is wide and high."""
        transform = self.field.info.grid.transform
        return ((extent[2] - extent[0]) / max(1, width) / abs(transform[1]),
                (extent[3] - extent[1]) / max(1, height) / abs(transform[5]))

    def _fitting(self, width: int, height: int) -> "tuple[int, int]":
        """Return a canvas of the same shape whose vectors fit into the memory limit."""
        pixel = self._source.dimensions * np.dtype(self._source.dtype).itemsize + np.dtype("f4").itemsize + 1
        shrink = max(1.0, (width * height * pixel / self._limit) ** 0.5)
        return max(1, int(width / shrink)), max(1, int(height / shrink))

    def _axes(self, extent: "tuple[float, float, float, float]", width: int, height: int,
              level: Level) -> "tuple[Axis, Axis]":
        """Return the columns from west to east and the rows from north to south."""
        grid = self.field.info.grid
        x, dx, _, y, _, dy = grid.transform
        columns = axis_of(Ruler(x, dx, grid.width), level.across, level.width, extent[0], extent[2], width)
        rows = axis_of(Ruler(y, dy, grid.height), level.down, level.height, extent[1], extent[3], height)
        if columns is None or rows is None:
            raise self._outside()
        return columns, rows.reversed()

    def _outside(self) -> InputError:
        """Say that there is nothing to see here."""
        return InputError("view-outside", "{path} lies outside of the visible map: zoom to its layer.",
                          path=self.field.info.path)

    def _read(self, level: Level, columns: Axis, rows: Axis, progress: Progress) -> ViewBlock:
        """Read the cells of both axes, a strip of storage blocks at a time."""
        source = self._source
        left, across = int(columns.cells.min()), int(np.ptp(columns.cells)) + 1
        top, bottom = int(rows.cells.min()), int(rows.cells.max()) + 1
        shape = len(rows.cells), len(columns.cells)
        raw = np.empty((source.dimensions, *shape), dtype=source.dtype)
        valid = None if source.speaks_by_nan else np.empty(shape, dtype=bool)
        handles = threading.local()

        def read_strip(strip: "tuple[int, int]") -> None:
            """Read some rows of cells, with the thread's own handle, and pick those that are shown."""
            start, end = strip
            wanted = np.flatnonzero((rows.cells >= start) & (rows.cells < end))
            if not len(wanted):
                return
            if not hasattr(handles, "dataset"):
                handles.dataset = level.open(source.path)
            part = read_block(handles.dataset, source, Window(left, start, across, end - start))
            place = slice(int(wanted[0]), int(wanted[-1]) + 1)
            pick = _Picker(rows.cells[place] - start, columns.cells - left, across)
            for band, values in enumerate(part.raw):
                raw[band, place] = pick.of(values)
            if valid is not None and part.valid is not None:
                valid[place] = pick.of(part.valid)

        strips = self._strips(level, top, bottom, across)
        progress.report(0.0, "Reading what the map shows")
        each_in_threads(read_strip, strips, progress)
        block = FieldBlock(source, Window(0, 0, shape[1], shape[0]), raw, valid)
        return ViewBlock(source.path, self.field.key, self.field.space.metric, self.field.info.grid.wkt, block,
                         lengths_of(block), (columns.low, rows.low, columns.high, rows.high), columns.middles,
                         rows.middles, level.across if _is_run(columns.cells) else _mean_step(columns) * level.across)

    def _strips(self, level: Level, top: int, bottom: int, across: int) -> "list[tuple[int, int]]":
        """Return the first rows, and the rows after the last, of strips of whole storage blocks, of bounded size."""
        height = level.open(self._source.path).GetRasterBand(1).GetBlockSize()[1]
        row = across * self._source.dimensions * np.dtype(self._source.dtype).itemsize
        most = max(_LEAST_ROWS, _STRIP_BYTES // max(1, row))
        step = most if height > 2 * most else max(1, most // height) * height
        edges = [top, *range((top // step + 1) * step, bottom, step), bottom]
        return list(zip(edges[:-1], edges[1:]))


class _Picker:
    """Picks cells out of a strip: by slices where they follow each other, else by their places in the flat strip.

    Both are several times faster than picking rows and columns of all bands at once.
    """

    def __init__(self, rows: np.ndarray, columns: np.ndarray, across: int) -> None:
        """Find out which way it goes; `across` is how many columns the strip has."""
        self._shape = len(rows), len(columns)
        self._run = _is_run(rows) and _is_run(columns)
        self._first = int(rows[0]), int(columns[0])
        self._places = None if self._run else (rows[:, np.newaxis] * across + columns).ravel()

    def of(self, strip: np.ndarray) -> np.ndarray:
        """Return the cells of one band's strip."""
        if self._places is None:
            top, left = self._first
            return strip[top:top + self._shape[0], left:left + self._shape[1]]
        return strip.ravel()[self._places].reshape(self._shape)


def _is_run(cells: np.ndarray) -> bool:
    """Tell whether cells follow each other upwards."""
    return len(cells) == 1 or bool((np.diff(cells) == 1).all())


def _mean_step(axis: Axis) -> float:
    """Return how many cells lie between two pixels."""
    return abs(float(axis.cells[-1] - axis.cells[0])) / max(1, len(axis.cells) - 1)


def lengths_of(block: FieldBlock) -> np.ndarray:
    """Return the lengths `(pixels,)` of a block's numbers, NaN where there is no vector or one of zeros."""
    square = np.empty(block.window.width * block.window.height, dtype=np.float32)

    def measure(pixels: slice, some: FieldBlock) -> None:
        """Measure some rows."""
        room = square[pixels]
        for part, values, _ in numbers_of(some, CHUNK):
            sum_squares(values, room[part])

    share_rows(block, measure)
    with np.errstate(invalid="ignore"):
        square[~np.isfinite(square) | (square == 0)] = np.nan
    return np.sqrt(square, out=square)
