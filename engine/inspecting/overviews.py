"""Overviews by the right rule: vectors are decoded, the valid ones averaged, and the mean is coded again.

Averaging codes, as GIS programs do, is wrong wherever the coding isn't linear, averages nodata in, and makes vectors of
a unit space shorter than one. The mean is of all cells under an overview's cell, not of means. One pass reads each
block once: the blocks of a level are finished depth first, so that memory stays flat however large the raster is.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Optional

import numpy as np
from osgeo import gdal

from ..coding import AlphaEarthCoding, Coding, ScaledCoding
from ..dataset import RasterLayout, block_cache, cannot_write, close, create_raster, open_raster, quiet, write
from ..errors import InputError
from ..field import Field, open_field
from ..field_pass import FieldSource, read_block, source_of
from ..grid import Window
from ..progress import Progress, check
from ..whole import whole
from .levels import levels_of

RULE_ITEM = "EARTHPRINT_OVERVIEWS"
RULE = "decoded mean"
_SMALLEST = 256
_BLOCK_BYTES = 32 << 20
_CACHE_MIB = 256
_ENDING = ".ovr"


@dataclass(frozen=True)
class OverviewsMade:
    """Where overviews were written, and how many cells of the raster a cell of each is wide."""

    path: str
    factors: "tuple[int, ...]"


def overviews_by_rule(path: str) -> bool:
    """Tell whether a raster has overviews that `build_overviews` made."""
    beside = Path(path + _ENDING)
    return beside.is_file() and open_raster(str(beside)).GetMetadataItem(RULE_ITEM) == RULE


def build_overviews(path: str, progress: Progress) -> OverviewsMade:
    """Write overviews of a field into a file beside it, `PATH.ovr`, which GDAL and QGIS find by themselves.

    The field's own file is never touched. Overviews made by other means are left as they are, and that is said.
    """
    opened = open_field(path)
    _require_place(opened)
    grid = opened.info.grid
    factors = [2]
    while max(-(-grid.width // factors[-1]), -(-grid.height // factors[-1])) > _SMALLEST:
        factors.append(factors[-1] * 2)
    target = opened.info.path + _ENDING
    with block_cache(_CACHE_MIB), whole(target) as temporary:
        pyramid = _Pyramid(opened, str(temporary), len(factors), progress)
        pyramid.fill()
    progress.report(1.0)
    return OverviewsMade(target, tuple(factors))


def _require_place(opened: Field) -> None:
    """Refuse, before anything is read, what can't have overviews of ours."""
    path = opened.info.path
    if not Path(path).is_file():
        raise InputError("overviews-place", "{path} is not a file on this computer, so overviews can't be written "
                         "beside it: make a copy with “Import embedding raster” first.", path=path)
    if len(levels_of(path)) > 1 and not overviews_by_rule(path):
        raise InputError("overviews-there", "{path} has overviews already, which were made by other means: they are "
                         "used as they are. To have them made of decoded vectors, remove them first.", path=path)
    if source_of(opened).rule.mask_of:
        raise InputError("overviews-mask", "{path} tells its empty cells by a mask band, which overviews of ours can't "
                         "hold: save it with a nodata value first.", path=path)


@dataclass(frozen=True)
class _Sums:
    """Sums of valid vectors `(dims, side, side)` and how many these are `(side, side)`, of one block of a level."""

    vectors: np.ndarray
    counts: np.ndarray


class _Pyramid:
    """Fills all levels, the blocks of each as soon as those under it are known."""

    def __init__(self, opened: Field, target: str, levels: int, progress: Progress) -> None:
        """Create the file, whose first level is the raster in it and whose others are that one's overviews."""
        self._source: FieldSource = source_of(opened)
        self._unit = opened.space.unit_norm
        self._grid = opened.info.grid
        self._progress = progress
        self._levels = levels
        self._target = target
        self._side = _SMALLEST
        while self._side > 32 and self._source.dimensions * self._side ** 2 * 4 > _BLOCK_BYTES:
            self._side //= 2
        self._origin = open_raster(opened.info.path)
        self._dataset = _created(opened, target, levels, self._side)
        self._done, self._cells = 0, self._grid.width * self._grid.height

    def fill(self) -> None:
        """Fill all levels."""
        self._progress.report(0.0, "Making overviews of decoded vectors")
        across, down = self._blocks(self._levels)
        for row in range(down):
            for column in range(across):
                self._filled(self._levels, column, row)
        close(self._dataset, self._target)
        self._dataset = None

    def _blocks(self, level: int) -> "tuple[int, int]":
        """Return how many blocks a level has across and down."""
        size = self._side << level
        return -(-self._grid.width // size), -(-self._grid.height // size)

    def _filled(self, level: int, column: int, row: int) -> Optional[_Sums]:
        """Write one block of a level and all below it; return its sums, None beside the raster."""
        across, down = self._blocks(level)
        if column >= across or row >= down:
            return None
        if not level:
            return self._read(column, row)
        side, half = self._side, self._side // 2
        sums = _Sums(np.zeros((self._source.dimensions, side, side), dtype=np.float32),
                     np.zeros((side, side), dtype=np.float32))
        for y in (0, 1):
            for x in (0, 1):
                part = self._filled(level - 1, 2 * column + x, 2 * row + y)
                if part is not None:
                    place = (..., slice(y * half, (y + 1) * half), slice(x * half, (x + 1) * half))
                    sums.vectors[place] = _halved(part.vectors)
                    sums.counts[place] = _halved(part.counts)
        self._write(level, column, row, sums)
        return sums

    def _read(self, column: int, row: int) -> _Sums:
        """Return one block of the raster itself."""
        check(self._progress)
        side = self._side
        window = Window(column * side, row * side, side, side).intersection(self._grid.whole)
        vectors = read_block(self._origin, self._source, window).vectors()
        valid = np.isfinite(vectors[0])
        vectors[:, ~valid] = 0
        self._done += window.width * window.height
        self._progress.report(self._done / self._cells)
        short = side - window.height, side - window.width
        if any(short):
            vectors = np.pad(vectors, ((0, 0), (0, short[0]), (0, short[1])))
            valid = np.pad(valid, ((0, short[0]), (0, short[1])))
        return _Sums(vectors, valid.astype(np.float32))

    def _write(self, level: int, column: int, row: int, sums: _Sums) -> None:
        """Write the means of one block."""
        side, factor = self._side, 1 << level
        size = Window(0, 0, -(-self._grid.width // factor), -(-self._grid.height // factor))
        window = Window(column * side, row * side, side, side).intersection(size)
        part = (..., slice(0, window.height), slice(0, window.width))
        codes, valid = _coded(self._source, _means(sums.vectors[part], sums.counts[part], self._unit))
        bands = {band: codes[place] for place, band in enumerate(self._source.bands)}
        if self._source.rule.alpha:
            bands[self._source.rule.alpha] = np.where(valid, 255, 0).astype(codes.dtype)
        if level == 1:
            numbers = sorted(bands)
            write(self._dataset, window, numbers, np.stack([bands[number] for number in numbers]), self._target)
            return
        for number, values in bands.items():
            self._write_band(self._dataset.GetRasterBand(number).GetOverview(level - 2), window, values)

    def _write_band(self, band: gdal.Band, window: Window, values: np.ndarray) -> None:
        """Write a part of one band of an overview."""
        with quiet() as messages:
            try:
                failed = band.WriteRaster(window.x, window.y, window.width, window.height,
                                          np.ascontiguousarray(values).tobytes())
            except RuntimeError as error:
                messages.texts.append(str(error))
                failed = gdal.CE_Failure
        if failed:
            raise cannot_write(self._target, messages.last)


def _created(opened: Field, target: str, levels: int, side: int) -> gdal.Dataset:
    """Create the file with empty levels."""
    info = opened.info
    rule = source_of(opened).rule
    by_band = dict(zip(source_of(opened).bands, rule.nodata))
    found = [by_band[band.index] for band in info.data_bands]
    nodata = found[0] if found[0] is not None else float("nan")
    layout = RasterLayout(info.dtype, nodata, tuple(band.description for band in info.bands), side=side)
    dataset = create_raster(target, info.grid.cells(2), layout, {RULE_ITEM: RULE})
    for band in info.bands:
        stated = by_band.get(band.index)
        if stated is None:
            dataset.GetRasterBand(band.index).DeleteNoDataValue()
        else:
            dataset.GetRasterBand(band.index).SetNoDataValue(stated)
    if levels > 1:
        with quiet() as messages:
            try:
                failed = dataset.BuildOverviews("NONE", [1 << level for level in range(1, levels)])
            except RuntimeError as error:
                messages.texts.append(str(error))
                failed = gdal.CE_Failure
        if failed:
            raise cannot_write(target, messages.last)
    return dataset


def _halved(values: np.ndarray) -> np.ndarray:
    """Return the sums of squares of two by two."""
    rows = values[..., ::2, :] + values[..., 1::2, :]
    return rows[..., ::2] + rows[..., 1::2]


def _means(sums: np.ndarray, counts: np.ndarray, unit: bool) -> np.ndarray:
    """Return means `(dims, rows, cols)`, of length one in a unit space; NaN where there is none, or no direction."""
    with np.errstate(invalid="ignore", divide="ignore"):
        if unit:
            length = np.sqrt(np.einsum("dyx,dyx->yx", sums, sums))
            return np.where(length > 1e-6 * counts, sums / length, np.float32(np.nan))
        return sums / counts


def _coded(source: FieldSource, means: np.ndarray) -> "tuple[np.ndarray, np.ndarray]":
    """Return means as they lie on disk, and `(rows, cols)` where there are any."""
    coding: Coding = source.coding
    valid = np.isfinite(means).all(axis=0)
    if isinstance(coding, AlphaEarthCoding):
        return coding.encode(means), valid
    dtype = np.dtype(source.dtype)
    codes = np.empty(means.shape, dtype=dtype)
    for place, (values, nodata) in enumerate(zip(means, source.rule.nodata)):
        steps = values.astype(np.float64)
        if isinstance(coding, ScaledCoding):
            steps = (steps - coding.offset[place]) / coding.scale[place]
        codes[place] = _whole_numbers(steps, valid, dtype, nodata) if dtype.kind in "iu" else steps
        if nodata is not None:
            codes[place][~valid] = dtype.type(nodata)
    return codes, valid


def _whole_numbers(steps: np.ndarray, valid: np.ndarray, dtype: np.dtype, nodata: Optional[float]) -> np.ndarray:
    """Round to what the type holds; a value that would become the nodata code becomes the one beside it."""
    limits = np.iinfo(dtype)
    codes = np.clip(np.rint(np.where(valid, steps, 0)), limits.min, limits.max)
    if nodata is not None:
        codes[valid & (codes == nodata)] += 1 if nodata < limits.max else -1
    return codes.astype(dtype)
