"""One pass over fields: storage blocks in, a pure function of a block, rasters out; the frame of every raster analysis.

A function gets a `FieldBlock` for each field and returns one `(bands, rows, cols)` array for each output. It sees raw
numbers and decodes them in chunks that stay in the processor's cache, because a copy of a whole window costs more than
reading it.
"""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Callable, Iterator, Mapping, Optional, Sequence

import numpy as np
from osgeo import gdal

from .coding import AlphaEarthCoding, Coding, FloatCoding, ScaledCoding
from .dataset import RasterLayout, block_cache, close, create_raster, open_raster, rasterised, read, write
from .field import Field
from .grid import Grid, Window
from .pipeline import Account, Job, run
from .progress import Progress
from .provenance import Provenance, added, merged
from .validity import ValidityRule, read_valid, rule_for
from .whole import require_writable, whole

CHUNK = 8192
WINDOW_PIXELS = 256


@dataclass(frozen=True)
class FieldSource:
    """What is needed to read a field in any process: plain values only."""

    path: str
    bands: "tuple[int, ...]"
    dtype: str
    coding: Coding
    rule: ValidityRule
    provenance: "tuple[Provenance, ...]" = ()

    @property
    def dimensions(self) -> int:
        """Return the length of a vector."""
        return len(self.bands)

    @property
    def speaks_by_nan(self) -> bool:
        """Tell whether a vector without a value shows as NaN in whatever is computed from it: no mask is needed."""
        if self.rule.alpha or self.rule.mask_of:
            return False
        if isinstance(self.coding, (AlphaEarthCoding, ScaledCoding)):
            return True
        return all(value is None or np.isnan(value) for value in self.rule.nodata)

    def read(self, dataset: gdal.Dataset, window: Window) -> "FieldBlock":
        """Read a window; a source that lies on another grid would have a way of its own."""
        return read_block(dataset, self, window)


def source_of(opened: Field) -> FieldSource:
    """Return how to read an opened field."""
    bands = tuple(band.index for band in opened.info.data_bands)
    return FieldSource(opened.info.path, bands, opened.info.dtype.str, opened.coding, rule_for(opened.info, bands),
                       opened.space.provenance)


@dataclass(frozen=True)
class FieldBlock:
    """A window of a field as it lies on disk; `valid` is None where NaN tells.

    `tick` is called with the share of the pixels handed out, so that slow functions show progress and can be stopped.
    """

    source: FieldSource
    window: Window
    raw: np.ndarray
    valid: Optional[np.ndarray] = field(default=None)
    tick: "Optional[Callable[[float], None]]" = field(default=None, compare=False, repr=False)

    @property
    def shape(self) -> "tuple[int, int]":
        """Return rows and columns."""
        return self.window.height, self.window.width

    def chunks(self, size: int = CHUNK) -> "Iterator[tuple[slice, np.ndarray]]":
        """Yield pixels in runs: where they lie in the flattened window, and their vectors `(dims, pixels)`.

        A vector without a value has NaN in at least one dimension, so any sum over its dimensions is NaN.
        """
        pixels = self.window.height * self.window.width
        for start in range(0, pixels, size):
            if self.tick is not None:
                self.tick(start / pixels)
            part = slice(start, min(start + size, pixels))
            yield part, self.part(part)

    def part(self, part: slice) -> np.ndarray:
        """Return the vectors `(dims, pixels)` of one run of pixels, as `chunks` yields them."""
        raw = self.raw.reshape(len(self.raw), -1)[:, part]
        plain = isinstance(self.source.coding, FloatCoding) and raw.dtype == np.float32
        values = raw if plain else self.source.coding.decode(raw)
        if self.valid is not None:
            outside = ~self.valid.ravel()[part]
            if outside.any():
                values = np.array(values, copy=True)
                values[0, outside] = np.nan
        return values

    def vectors(self) -> np.ndarray:
        """Return all vectors `(dims, rows, cols)` as float32 with NaN in every dimension of those without a value."""
        found = np.empty((len(self.raw), self.window.height * self.window.width), dtype=np.float32)
        for part, values in self.chunks():
            found[:, part] = values
        missing = ~np.isfinite(found.sum(axis=0, dtype=np.float64))
        found[:, missing] = np.nan
        return found.reshape(len(self.raw), *self.shape)


@dataclass(frozen=True)
class RasterOutput:
    """A raster that a pass writes."""

    path: str
    layout: RasterLayout
    metadata: "Mapping[str, str]" = field(default_factory=dict)


BlockFunction = Callable[..., "Sequence[np.ndarray]"]
TakeExtras = Callable[[Window, "Sequence[np.ndarray]"], None]


@dataclass(frozen=True)
class FieldPass:
    """A pass: fields on one grid, the function of a block, its parameters, and what is written.

    `function(blocks, window, **parameters)` gets one `FieldBlock` a field, and returns one array an output. `margin`
    asks for so many cells around each window (fewer at the raster's edge): the function then gets the wider blocks
    and the window that its result must fill. Windows that no mask polygon touches are not read.
    """

    sources: "tuple[FieldSource, ...]"
    grid: Grid
    function: BlockFunction
    parameters: "Mapping[str, Any]"
    outputs: "tuple[RasterOutput, ...]"
    block: "tuple[int, int]"
    text: str
    region: Optional[Window] = None
    mask: "Optional[tuple[bytes, ...]]" = None
    margin: int = 0
    memory_mib: int = 1024


@dataclass(frozen=True)
class PassAccount:
    """What a pass did."""

    blocks: int
    blocks_read: int
    bytes_read: int
    seconds: float


class _Reader:
    """Reads the blocks of all fields, each with a handle of its own."""

    def __init__(self, work: FieldPass) -> None:
        """Open nothing yet: the reader's thread does."""
        self._work = work
        self._datasets: "Optional[list[gdal.Dataset]]" = None
        self.blocks_read = 0
        self.bytes_read = 0

    def read(self, window: Window) -> "Optional[tuple[FieldBlock, ...]]":
        """Read a window of all fields."""
        work = self._work
        if work.mask is not None and not rasterised(work.mask, work.grid.part(window)).any():
            return None
        if self._datasets is None:
            self._datasets = [open_raster(source.path) for source in work.sources]
        wide = _widened(window, work.margin, work.grid.whole)
        found = tuple(source.read(dataset, wide) for dataset, source in zip(self._datasets, work.sources))
        self.blocks_read += 1
        self.bytes_read += sum(block.raw.nbytes for block in found)
        return found


def read_block(dataset: gdal.Dataset, source: FieldSource, window: Window) -> FieldBlock:
    """Read a window of one field, with a mask only where NaN would not tell."""
    dtype = np.dtype(source.dtype)
    if source.speaks_by_nan:
        return FieldBlock(source, window, read(dataset, window, source.bands, dtype, source.path))
    raw, valid = read_valid(dataset, window, source.bands, dtype, source.rule, source.path)
    return FieldBlock(source, window, raw, valid)


class _Sink:
    """Writes results to open rasters, in coordinates of the region."""

    def __init__(self, targets: "Sequence[gdal.Dataset]", outputs: "Sequence[RasterOutput]", region: Window,
                 take: "Optional[TakeExtras]") -> None:
        """Keep the datasets."""
        self._targets = targets
        self._outputs = outputs
        self._region = region
        self._take = take

    def write(self, window: Window, result: "Optional[Sequence[np.ndarray]]") -> None:
        """Write one window's arrays; nothing where the window was left out, which reads as nodata."""
        if result is None:
            return
        place = Window(window.x - self._region.x, window.y - self._region.y, window.width, window.height)
        for target, output, values in zip(self._targets, self._outputs, result):
            write(target, place, range(1, len(output.layout.names) + 1), values, output.path)
        if self._take is not None:
            self._take(window, result[len(self._outputs):])


def run_pass(work: FieldPass, progress: Progress, take: "Optional[TakeExtras]" = None) -> PassAccount:
    """Carry out a pass; its outputs appear whole or not at all.

    What the function returns beyond the outputs (such as counts of a block) goes to `take`, block by block in order.
    A mask clears outputs only: the function sees to it itself that such extras leave out what lies outside.
    """
    region = work.region or work.grid.whole
    for output in work.outputs:
        require_writable(Path(output.path))
    with ExitStack() as stack:
        stack.enter_context(block_cache(max(16, work.memory_mib // 8)))
        temporaries = [stack.enter_context(whole(output.path)) for output in work.outputs]
        products = merged(*(source.provenance for source in work.sources))
        targets = [create_raster(str(path), work.grid.part(region), output.layout, added(output.metadata, products))
                   for path, output in zip(temporaries, work.outputs)]
        reader = _Reader(work)
        windows = pass_windows(work, region)

        def compute(window: Window, blocks: "Optional[tuple[FieldBlock, ...]]",
                    tick: "Callable[[float], None]") -> "Optional[Sequence[np.ndarray]]":
            """Apply the function, and clear what lies outside the mask."""
            tick(0.0)
            if blocks is None:
                return None
            result = work.function(_ticking(blocks, tick), window, **work.parameters)
            if work.mask is None:
                return result
            outside = ~rasterised(work.mask, work.grid.part(window))
            cleared = [_cleared(values, outside, output.layout.nodata) for values, output in zip(result, work.outputs)]
            return [*cleared, *result[len(cleared):]]

        account: Account = run(Job(windows, reader, compute, _Sink(targets, work.outputs, region, take), work.text,
                                   weight=lambda window: float(window.width * window.height)), progress)
        for target, output in zip(targets, work.outputs):
            close(target, output.path)
        del targets, target
    return PassAccount(account.blocks, reader.blocks_read, reader.bytes_read, account.seconds)


def _ticking(blocks: "tuple[FieldBlock, ...]", tick: "Callable[[float], None]") -> "tuple[FieldBlock, ...]":
    """Let the first block tell how far its function has come."""
    return (replace(blocks[0], tick=tick), *blocks[1:])


def _cleared(values: np.ndarray, outside: np.ndarray, nodata: float) -> np.ndarray:
    """Put nodata where a mask leaves cells out."""
    if not outside.any():
        return values
    values = np.array(values, copy=True)
    values[:, outside] = nodata
    return values


def scan(work: FieldPass, take: "Callable[[Window, Sequence[np.ndarray]], None]", progress: Progress) -> PassAccount:
    """Carry out a pass that writes nothing: `take` gets each block's results, in order, in one thread."""

    class Taker:
        """Hands results over."""

        def write(self, window: Window, result: "Optional[Sequence[np.ndarray]]") -> None:
            """Hand one result over."""
            if result is not None:
                take(window, result)

    reader = _Reader(work)

    def compute(window: Window, blocks: "Optional[tuple[FieldBlock, ...]]",
                tick: "Callable[[float], None]") -> "Optional[Sequence[np.ndarray]]":
        """Apply the function."""
        tick(0.0)
        return None if blocks is None else work.function(_ticking(blocks, tick), window, **work.parameters)

    with block_cache(max(16, work.memory_mib // 8)):
        account = run(Job(pass_windows(work, work.region or work.grid.whole), reader, compute, Taker(), work.text,
                          weight=lambda window: float(window.width * window.height)), progress)
    return PassAccount(account.blocks, reader.blocks_read, reader.bytes_read, account.seconds)


def pass_windows(work: FieldPass, region: Window) -> "list[Window]":
    """Return the windows of a pass: whole storage blocks of the first field, within the memory limit."""
    width, height = work.block
    pixel = sum(source.dimensions * np.dtype(source.dtype).itemsize for source in work.sources) * 4
    pixel += 4 * sum(len(output.layout.names) for output in work.outputs) * 3
    most = max(1, (work.memory_mib << 20) // 2 // pixel)
    across = max(1, min(WINDOW_PIXELS, region.width) // width) * width
    down = max(1, min(WINDOW_PIXELS, region.height) // height) * height
    across, down = min(across, work.grid.width), min(down, work.grid.height)
    # A part of a storage block costs reading all of it, so a little over the limit is better than just below it.
    while across * down > 1.25 * most and (across > 16 or down > 16):
        if down >= across and down > 16:
            down = max(16, down // 2)
        else:
            across = max(16, across // 2)
    first_x, first_y = region.x // across * across, region.y // down * down
    found = (Window(x, y, across, down).intersection(region)
             for y in range(first_y, region.bottom, down) for x in range(first_x, region.right, across))
    return [window for window in found if window.width and window.height]


def _widened(window: Window, margin: int, limits: Window) -> Window:
    """Return a window with a margin, within the raster."""
    if not margin:
        return window
    return Window(window.x - margin, window.y - margin, window.width + 2 * margin,
                  window.height + 2 * margin).intersection(limits)
