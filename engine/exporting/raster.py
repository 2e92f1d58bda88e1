"""Writes an embedding raster in another coding: the same space, fewer bytes, and an error that is stated."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import List, Sequence

import numpy as np

from ..coding import ALPHAEARTH, FLOAT32, Coding, FloatCoding, lerc, scaled_for
from ..errors import InputError, OutputError
from ..field import (
    CODING_ITEM,
    KEY_ITEM,
    PROVENANCE_ITEM,
    SPACE_ITEM,
    Field,
    coding_in_words,
    coding_item,
    field_layout,
    open_field,
)
from ..field_pass import FieldBlock, FieldPass, FieldSource, RasterOutput, run_pass, scan, source_of
from ..grid import Window
from ..progress import Part, Progress
from ..whole import require_writable
from .endings import RASTER_CODINGS, require_raster_ending

_SCALED = ("int16", "uint8")
_WIDEST, _NARROWEST = 256, 16
# Float32 itself rounds, so that a measured error may reach a little beyond a stated one.
_ROUNDING = 4 * float(np.finfo(np.float32).eps)


@dataclass(frozen=True)
class RasterExportRequest:
    """An embedding raster, where to, and the coding; `max_error` is for LERC alone."""

    path: str
    output: str
    coding: str = "int16"
    max_error: float = 0.001
    memory_mib: int = 1024


@dataclass(frozen=True)
class RasterExportResult:
    """What was written: how many cells hold a vector, and how far values moved at most, as stated and as found."""

    output: str
    cells: int
    dimensions: int
    key: str
    stated_error: float
    found_error: float


def export_raster(request: RasterExportRequest, progress: Progress) -> RasterExportResult:
    """Write the GeoTIFF, whole or not at all, block by block."""
    require_raster_ending(request.output)
    require_writable(Path(request.output))
    opened = open_field(request.path)
    _require_vectors(opened, request)
    source = source_of(opened)
    begin = 0.45 if request.coding in _SCALED else 0.0
    coding = _coding(request, opened, source, Part(progress, 0.0, begin))
    is_lerc = isinstance(coding, FloatCoding) and coding.lerc_error > 0
    side = _side(source, request.memory_mib) if is_lerc else _WIDEST
    names = tuple(band.description or f"Dimension {number}"
                  for number, band in enumerate(opened.info.data_bands, start=1))
    output = RasterOutput(request.output, field_layout(coding, names, side), _metadata(opened, coding))
    found = _Found()
    run_pass(FieldPass((source,), opened.info.grid, recoded, {"coding": coding}, (output,),
                       (side, side) if is_lerc else opened.info.block, "Writing vectors in another coding",
                       memory_mib=request.memory_mib), Part(progress, begin, 0.7 if is_lerc else 1.0), found.take)
    if is_lerc:
        # What LERC does shows only in what was written.
        written = source_of(open_field(request.output))
        scan(FieldPass((source, written), opened.info.grid, differences, {}, (), (side, side),
                       "Measuring how far values moved", memory_mib=request.memory_mib), found.take_difference,
             Part(progress, 0.7, 1.0))
    _tell(request, coding, found, progress)
    return RasterExportResult(request.output, found.cells, source.dimensions, opened.space.key(coding.code),
                              coding.largest_error, found.difference)


def recoded(blocks: "Sequence[FieldBlock]", window: Window, coding: Coding) -> "List[np.ndarray]":
    """Encode a block; say how many cells hold a vector, and how far their values moved."""
    vectors = blocks[0].vectors()
    codes = coding.encode(vectors)
    return [codes, np.array([np.isfinite(vectors[0]).sum()]), _difference(vectors, coding.decode(codes))]


def differences(blocks: "Sequence[FieldBlock]", window: Window) -> "List[np.ndarray]":
    """Return how far values of two fields lie apart."""
    return [_difference(blocks[0].vectors(), blocks[1].vectors())]


def ranges(blocks: "Sequence[FieldBlock]", window: Window) -> "List[np.ndarray]":
    """Return the least and the largest value of each dimension in a block, NaN where it holds no vector."""
    vectors = blocks[0].vectors().reshape(blocks[0].source.dimensions, -1)
    return [np.fmin.reduce(vectors, axis=1), np.fmax.reduce(vectors, axis=1)]


class _Found:
    """Adds up what the blocks tell."""

    def __init__(self) -> None:
        """Start with nothing."""
        self.cells = 0
        self.difference = 0.0
        self.magnitude = 0.0

    def take(self, window: Window, extras: "Sequence[np.ndarray]") -> None:
        """Take what `recoded` says beyond the codes."""
        self.cells += int(extras[0][0])
        self.take_difference(window, extras[1:])

    def take_difference(self, window: Window, extras: "Sequence[np.ndarray]") -> None:
        """Take how far values moved."""
        self.difference = max(self.difference, float(extras[0][0]))
        self.magnitude = max(self.magnitude, float(extras[0][1]))


class _Ranges:
    """Widens the range of each dimension block by block."""

    def __init__(self, dimensions: int) -> None:
        """Start with no value at all."""
        self.low = np.full(dimensions, np.nan, dtype=np.float32)
        self.high = self.low.copy()

    def take(self, window: Window, extras: "Sequence[np.ndarray]") -> None:
        """Take a block's ranges."""
        self.low = np.fmin(self.low, extras[0])
        self.high = np.fmax(self.high, extras[1])


def _difference(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """Return the largest difference (infinite where one alone has a value), and the largest magnitude before."""
    if (np.isnan(before) != np.isnan(after)).any():
        return np.array([np.inf, 0.0])
    return np.array([_largest(after - before), _largest(before)])


def _largest(values: np.ndarray) -> float:
    """Return the largest magnitude, 0 where there is no value."""
    found = np.fmax.reduce(np.abs(values), axis=None)
    return 0.0 if np.isnan(found) else float(found)


def _require_vectors(opened: Field, request: RasterExportRequest) -> None:
    """Refuse rasters that hold no vectors, and the raster itself as output."""
    if opened.space.dimensions < 2:
        raise InputError("export-raster-bands", "{path} has a single band, so it holds no vectors: choose an embedding "
                         "raster.", path=request.path)
    place = Path(request.output)
    if place.exists() and Path(request.path).exists() and place.samefile(request.path):
        raise OutputError("export-raster-self", "{path} would be written over itself: give OUTPUT another name.",
                          path=request.path)


def _coding(request: RasterExportRequest, opened: Field, source: FieldSource, progress: Progress) -> Coding:
    """Return the coding with its numbers; a scaled one needs a look at all values first."""
    if request.coding == "float32":
        return FLOAT32
    if request.coding == "lerc":
        return lerc(request.max_error)
    if request.coding == "alphaearth":
        if not opened.space.unit_norm:
            raise InputError("export-raster-unit", "AlphaEarth's coding is for vectors of length 1, and {path} doesn't "
                             "state that its vectors are: choose int16 as CODING, or state it with “Describe "
                             "embeddings”.", path=request.path)
        return ALPHAEARTH
    if request.coding not in _SCALED:
        raise InputError("export-raster-coding", "“{coding}” is not a coding: choose one of {codings}.",
                         coding=request.coding, codings=", ".join(RASTER_CODINGS))
    seen = _Ranges(source.dimensions)
    scan(FieldPass((source,), opened.info.grid, ranges, {}, (), opened.info.block,
                   "Looking for the range of each dimension", memory_mib=request.memory_mib), seen.take, progress)
    if np.isnan(seen.low).any():
        raise InputError("export-raster-empty", "{path} has no cell with a vector: check its nodata value.",
                         path=request.path)
    return scaled_for(request.coding, seen.low.tolist(), seen.high.tolist())


def _side(source: FieldSource, memory_mib: int) -> int:
    """Return how wide a block of the result may be so that it can be written whole within the memory."""
    side = _WIDEST
    pixel = source.dimensions * (4 * np.dtype(source.dtype).itemsize + 12 + 16)
    while side > _NARROWEST and side * side * pixel > memory_mib << 19:
        side //= 2
    return side


def _metadata(opened: Field, coding: Coding) -> "dict[str, str]":
    """Return the space under the new coding's key, and what the raster says of its provenance."""
    told = {SPACE_ITEM: opened.space.canonical(), KEY_ITEM: opened.space.key(coding.code)}
    if coding.largest_error:
        told[CODING_ITEM] = coding_item(coding)
    if PROVENANCE_ITEM in opened.info.metadata:
        told[PROVENANCE_ITEM] = opened.info.metadata[PROVENANCE_ITEM]
    return told


def _tell(request: RasterExportRequest, coding: Coding, found: _Found, progress: Progress) -> None:
    """Say how large the error may be and is."""
    if not found.cells:
        progress.warn(f"{request.path} has no cell with a vector.")
    progress.info(f"{found.cells} vectors were written to {request.output}. {coding_in_words(coding)} The largest "
                  f"difference found is {found.difference:.3g}.")
    if found.difference > coding.largest_error * (1 + 1e-4) + _ROUNDING * found.magnitude:
        progress.warn(f"Values of {request.path} lie beyond what the coding {request.coding} holds: the largest "
                      f"difference is {found.difference:.3g}, not {coding.largest_error:.3g}. Choose int16 or float32.")
