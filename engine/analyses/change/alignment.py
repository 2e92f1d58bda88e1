"""Rasters of several dates on the grid of the first: which cells meet, and the vectors where these don't lie alike."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Sequence

import numpy as np
from osgeo import gdal

from ...coding import FLOAT32
from ...dataset import spatial_reference
from ...errors import InputError
from ...field import Field
from ...field_pass import FieldBlock, FieldSource, source_of
from ...grid import Grid, Window
from ...progress import Progress
from ...provenance import Provenance
from ...validity import ValidityRule

SIZE_TOLERANCE = 0.02
_STRIP_BYTES = 32 << 20
_SLACK = 1e-6


@dataclass(frozen=True)
class Axis:
    """How cells of the first raster meet those of another along one axis, counted in cells of the other.

    Cell `n` of the first begins at `start + n * step` and stands for `factor` cells of the other, which has `size`.
    """

    start: float
    step: float
    factor: int
    size: int

    def first(self, begin: int, count: int) -> np.ndarray:
        """Return the first of the other's cells that each of `count` cells from `begin` on stands for."""
        middle = self.start + (np.arange(begin, begin + count) + 0.5) * self.step
        return np.floor(middle - self.factor / 2 + 0.5 + _SLACK).astype(np.int64)

    def covered(self, count: int) -> "tuple[int, int]":
        """Return which of the first's cells have their centre on the other, as begin and end."""
        middle = self.start + (np.arange(count) + 0.5) * self.step
        inside = np.flatnonzero((middle > -_SLACK) & (middle < self.size + _SLACK))
        return (int(inside[0]), int(inside[-1]) + 1) if len(inside) else (0, 0)


@dataclass(frozen=True)
class AlignedSource:
    """A field read on the grid of another: decoded first, then the nearest cell, or the mean of the cells within."""

    origin: FieldSource
    columns: Axis
    rows: Axis
    unit_norm: bool

    @property
    def path(self) -> str:
        """Return the file to open."""
        return self.origin.path

    @property
    def dimensions(self) -> int:
        """Return the length of a vector."""
        return self.origin.dimensions

    @property
    def provenance(self) -> "tuple[Provenance, ...]":
        """Return what the licence of the field asks for."""
        return self.origin.provenance

    @property
    def dtype(self) -> str:
        """Return the type of what `read` gives."""
        return "<f4"

    def read(self, dataset: gdal.Dataset, window: Window) -> FieldBlock:
        """Read what lies on a window of the first raster; NaN beyond the edge of this one."""
        found = np.full((self.dimensions, window.height, window.width), np.nan, dtype=np.float32)
        columns = self.columns.first(window.x, window.width)
        rows = self.rows.first(window.y, window.height)
        left = max(0, int(columns.min()))
        right = min(self.columns.size, int(columns.max()) + self.columns.factor)
        line = max(1, right - left) * self.dimensions * 4 * self.rows.factor
        strip = max(1, _STRIP_BYTES // line)
        for start in range(0, window.height, strip):
            part = rows[start:start + strip]
            top, bottom = max(0, int(part.min())), min(self.rows.size, int(part.max()) + self.rows.factor)
            if right <= left or bottom <= top:
                continue
            near = self.origin.read(dataset, Window(left, top, right - left, bottom - top)).vectors()
            found[:, start:start + strip] = self._gathered(near, columns - left, part - top)
        plain = FieldSource(self.path, self.origin.bands, "<f4", FLOAT32, ValidityRule((None,) * self.dimensions))
        return FieldBlock(plain, window, found)

    def _gathered(self, near: np.ndarray, columns: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """Put cells together from the part that was read; the last cells may lie beyond its edge."""
        if self.columns.factor == 1 and self.rows.factor == 1:
            return _picked(near, columns, rows)
        total = np.zeros((len(near), len(rows), len(columns)), dtype=np.float32)
        count = np.zeros((len(rows), len(columns)), dtype=np.int32)
        for down in range(self.rows.factor):
            for across in range(self.columns.factor):
                one = _picked(near, columns + across, rows + down)
                valid = np.isfinite(one[0])
                total += np.where(valid, one, np.float32(0))
                count += valid
        enough = 2 * count >= self.rows.factor * self.columns.factor
        with np.errstate(invalid="ignore", divide="ignore"):
            total /= count
            if self.unit_norm:
                total /= np.sqrt(np.einsum("drc,drc->rc", total, total))
        total[:, ~enough] = np.nan
        return total


def _picked(near: np.ndarray, columns: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Return the vectors at columns and rows, NaN where these lie outside."""
    inside_columns = (columns >= 0) & (columns < near.shape[2])
    inside_rows = (rows >= 0) & (rows < near.shape[1])
    found = near[:, np.clip(rows, 0, near.shape[1] - 1)][:, :, np.clip(columns, 0, near.shape[2] - 1)]
    if not (inside_columns.all() and inside_rows.all()):
        found[:, ~inside_rows] = np.nan
        found[:, :, ~inside_columns] = np.nan
    return found


@dataclass(frozen=True)
class Scene:
    """The dates on one grid: how to read each, and the window of the first raster that all of them cover."""

    sources: "tuple[FieldSource | AlignedSource, ...]"
    grid: Grid
    region: Window
    block: "tuple[int, int]"
    same_grid: bool


def aligned(fields: "Sequence[Field]", progress: Progress) -> Scene:
    """Bring all dates onto the grid of the first and say what was done; refuse what has no cells in common."""
    first = fields[0]
    grid = first.info.grid
    region, sources, alike = grid.whole, [source_of(first)], True
    for other in fields[1:]:
        if _same(grid, other.info.grid):
            sources.append(source_of(other))
            continue
        alike = False
        _require_same_crs(first, other, progress)
        columns, rows = _axes(first, other)
        x0, x1 = columns.covered(grid.width)
        y0, y1 = rows.covered(grid.height)
        region = region.intersection(Window(x0, y0, x1 - x0, y1 - y0))
        if not region.width or not region.height:
            raise InputError("change-apart", "{other} and {first} don't overlap: choose rasters of the same area.",
                             other=other.info.path, first=first.info.path)
        sources.append(AlignedSource(source_of(other), columns, rows, other.space.unit_norm))
        progress.info(_words(first, other, columns, rows))
    if region != grid.whole:
        share = region.width * region.height / (grid.width * grid.height)
        progress.info(f"Only the area that all dates cover is compared: {region.width} × {region.height} cells, "
                      f"{share:.1%} of {first.info.path}.")
    return Scene(tuple(sources), grid, region, first.info.block, alike)


def _same(first: Grid, other: Grid) -> bool:
    """Tell whether two grids are one, to a hundredth of a cell at the far corner."""
    if (first.width, first.height) != (other.width, other.height) or not _same_crs(first.wkt, other.wkt):
        return False
    one, two = first.transform, other.transform
    far = [abs(two[0] - one[0]) / abs(one[1]), abs(two[3] - one[3]) / abs(one[5]),
           abs(two[0] + two[1] * first.width - one[0] - one[1] * first.width) / abs(one[1]),
           abs(two[3] + two[5] * first.height - one[3] - one[5] * first.height) / abs(one[5])]
    return max(far) < 0.01


def _same_crs(first: str, other: str) -> bool:
    """Compare what is known of two CRSs."""
    return first == other or bool(first and other and spatial_reference(first).IsSame(spatial_reference(other)))


def _require_same_crs(first: Field, other: Field, progress: Progress) -> None:
    """Refuse another CRS; where one is unknown, say that it is taken to be the same."""
    one, two = first.info.grid.wkt, other.info.grid.wkt
    if _same_crs(one, two):
        return
    if one and two:
        raise InputError(
            "change-crs", "{other} is in {its} but {first} in {own}: embed both dates on one grid, or warp the image "
            "of one to the grid of the other first (Raster ▸ Projections ▸ Warp).", other=other.info.path,
            first=first.info.path, its=spatial_reference(two).GetName(), own=spatial_reference(one).GetName())
    unknown = other if one else first
    progress.warn(f"{unknown.info.path} has no CRS and is taken to be in that of the other date.")


def _axes(first: Field, other: Field) -> "tuple[Axis, Axis]":
    """Return how columns and rows meet, or refuse pixel sizes that don't go together."""
    one, two = first.info.grid, other.info.grid
    found = []
    for position, size in ((0, two.width), (3, two.height)):
        step = one.transform[position + 1 if position == 0 else 5] / two.transform[1 if position == 0 else 5]
        start = (one.transform[position] - two.transform[position]) / two.transform[1 if position == 0 else 5]
        factor = _factor(abs(step))
        if not factor:
            raise InputError(
                "change-pixels", "The cells of {other} are {its} wide and high, those of {first} {own}: sizes must "
                "agree within {tolerance:.0%} or be whole multiples, so embed both dates with the same cell.",
                other=other.info.path, first=first.info.path, its=_size(two), own=_size(one), tolerance=SIZE_TOLERANCE)
        found.append(Axis(start, step, factor, size))
    return found[0], found[1]


def _factor(ratio: float) -> int:
    """Return how many cells of the other make one, 1 also where several of the first make one of it; 0 = refuse."""
    whole = max(1, round(ratio)) if ratio >= 1 else max(1, round(1 / ratio))
    larger = max(ratio, 1 / ratio)
    if abs(larger - whole) > SIZE_TOLERANCE * whole:
        return 0
    return whole if ratio >= 1 else 1


def _size(grid: Grid) -> str:
    """Return the size of a cell in words."""
    return f"{abs(grid.transform[1]):.6g} × {abs(grid.transform[5]):.6g}"


def _words(first: Field, other: Field, columns: Axis, rows: Axis) -> str:
    """Say what was done to bring one raster onto the grid of the other."""
    name, target = other.info.path, first.info.path
    if columns.factor > 1 or rows.factor > 1:
        again = ", made unit vectors again" if other.space.unit_norm else ""
        return (f"{name} has finer cells than {target}: its vectors were decoded and the mean of {columns.factor} × "
                f"{rows.factor} cells was taken{again}.")
    coarse = max(round(1 / abs(columns.step)), round(1 / abs(rows.step)))
    if coarse > 1:
        return (f"{name} has coarser cells than {target}: each of its cells stands for {coarse} × {coarse} cells, so "
                "change within one of them isn't seen. Take the coarser raster as the first to compare means.")
    away = max(_away(columns), _away(rows))
    said = f"{name} lies on another grid than {target}: the nearest cell was taken"
    if away > 0.05:
        said += f", up to {away:.2f} cells away; TOLERANCE 1 guards against what this shifts"
    return said + "."


def _away(axis: Axis) -> float:
    """Return how far the nearest cell's centre lies away at most, in cells."""
    middle = axis.start + (np.arange(min(axis.size, 4096)) + 0.5) * axis.step
    away = float(np.abs(middle - np.floor(middle + _SLACK) - 0.5).max())
    return 0.5 if abs(abs(axis.step) - 1) > 1e-9 and away > 0.05 else away
