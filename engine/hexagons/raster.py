"""Aggregates a field to H3 hexagons in one streamed pass: a hexagon is written when no further row can touch it."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any, List, Tuple

import numpy as np
from osgeo import ogr

from ..dataset import block_cache
from ..errors import InputError
from ..field import Field, how_to_state, open_field
from ..field_pass import FieldBlock, FieldPass, pass_windows, scan, source_of
from ..geodesy import Ground, cell_areas, cell_places
from ..grid import Grid, Window
from ..progress import Part, Progress
from ..table import TableWriter
from ..zone_sums import Pairs, WithLength, middle_of, zone_sums
from .cells import NO_CELL, cells_of_grid, resolution_for
from .gathering import COLUMNS, CellSums, Gathered, HexagonWriter, require_place
from .request import AUTOMATIC, CENTRES, HexagonOptions, HexagonResult
from .world import world_wkt

_CELLS_EACH = 8


@dataclass(frozen=True)
class RasterHexagons:
    """A field to aggregate."""

    field: str
    options: HexagonOptions


def aggregate_field(request: RasterHexagons, progress: Progress) -> HexagonResult:
    """Write a table of hexagons with the mean vector of the cells whose centres lie in each."""
    started = time.monotonic()
    options = request.options
    options.check()
    opened = open_field(request.field)
    grid = opened.info.grid
    require_place(grid.wkt, Ground(grid.wkt).planar, request.field)
    if not opened.space.declared:
        progress.warn(f"{request.field} doesn't say what its embeddings are: they compare only with vectors of the "
                      f"same band names, and never with declared ones. {how_to_state(opened)}")
    area = _cell_area(grid, request.field)
    resolution = options.resolution
    if resolution == AUTOMATIC:
        resolution = resolution_for(area * _CELLS_EACH)
        progress.info(f"Resolution {resolution}: the finest whose hexagons hold {_CELLS_EACH} cells or more.")
    elif resolution > resolution_for(area):
        progress.warn(f"The hexagons of resolution {resolution} are smaller than the raster's cells, which leaves gaps "
                      f"between them: choose {resolution_for(area)} or less.")
    source = source_of(opened)
    plan = FieldPass((source,), grid, block_cells, {}, (), opened.info.block, "", memory_mib=options.memory_mib)
    reference = middle_of(source, pass_windows(plan, grid.whole))
    kind = ogr.wkbPoint if options.geometry == CENTRES else ogr.wkbMultiPolygon
    with TableWriter(options.output, world_wkt(), kind, COLUMNS, opened.space, registry=options.registry) as writer:
        hexagons = HexagonWriter(writer, options, opened.space.unit_norm, reference)
        left_out = _pass(opened, resolution, reference, hexagons, options, Part(progress, 0.02, 0.98))
        if not hexagons.written:
            raise InputError("h3-empty", "{path} has no valid cell that lies on Earth: check its CRS and nodata value.",
                             path=request.field)
    if left_out:
        progress.warn(f"{left_out} cells have no place on Earth in the raster's CRS and were left out.")
    progress.report(1.0)
    return HexagonResult(options.output, hexagons.written, resolution, left_out, time.monotonic() - started)


def block_cells(blocks: "Tuple[FieldBlock, ...]", window: Window, grid: Grid, resolution: int, reference: np.ndarray,
                unit: float) -> "List[np.ndarray]":
    """Return the hexagons that a block's cells lie in, with sums, weights and counts, and how many have no place."""
    centres = cell_places(grid, window)
    cells = cells_of_grid(centres, _corner_places(grid, window), resolution)
    zones, owner = np.unique(cells, return_inverse=True)
    owner = owner.ravel()
    pixels = np.arange(len(owner))
    nowhere = 0
    if len(zones) and zones[0] == NO_CELL:
        placed = owner > 0
        nowhere = int((~placed).sum())
        owner, pixels, zones = owner[placed] - 1, pixels[placed], zones[1:]
    areas = cell_areas(grid, window).ravel()[pixels] / unit
    areas = np.where(np.isfinite(areas) & (areas > 0), areas, 1.0)
    found = zone_sums(blocks[0], Pairs(owner, pixels, areas, areas), WithLength(reference))
    return [zones, found.totals, found.weights, found.counts, np.array(nowhere)]


def _corner_places(grid: Grid, window: Window) -> np.ndarray:
    """Return the places of the corners of a window's cells."""
    x, dx, rx, y, ry, dy = grid.transform
    corners = Grid(grid.width + 1, grid.height + 1, (x - dx / 2, dx, rx, y - dy / 2, ry, dy), grid.wkt)
    return cell_places(corners, Window(window.x, window.y, window.width + 1, window.height + 1))


def _pass(opened: Field, resolution: int, reference: np.ndarray, hexagons: HexagonWriter, options: HexagonOptions,
          progress: Progress) -> int:
    """Read all blocks, row by row; hexagons that a whole row of blocks did not touch are complete."""
    gathered = Gathered(reference)
    rows: "List[int]" = []
    left_out = [0]

    def take(window: Window, found: Any) -> None:
        """Add a block."""
        if not rows or rows[-1] != window.y:
            if rows:
                hexagons.write(gathered.let_go(rows[-1]))
            rows.append(window.y)
        zones, totals, weights, counts, nowhere = found
        gathered.take(CellSums(zones, totals, weights, counts), window.y)
        left_out[0] += int(nowhere)

    grid = opened.info.grid
    parameters = {"grid": grid, "resolution": resolution, "reference": reference.astype(np.float32),
                  "unit": _cell_area(grid, opened.info.path)}
    work = FieldPass((source_of(opened),), grid, block_cells, parameters, (), opened.info.block,
                     "Aggregating to hexagons", memory_mib=options.memory_mib)
    with block_cache(max(16, options.memory_mib // 8)):
        scan(work, take, progress)
    hexagons.write(gathered.let_go(np.iinfo(np.int64).max))
    return left_out[0]


def _cell_area(grid: Grid, name: str) -> float:
    """Return the area of a cell in the middle of the raster in square metres."""
    for share in (0.5, 0.25, 0.75):
        window = Window(int(grid.width * share), int(grid.height * share), 1, 1)
        area = float(cell_areas(grid, window)[0, 0])
        if np.isfinite(area) and area > 0:
            return area
    raise InputError("h3-nowhere", "{name} has no place on Earth: check its CRS.", name=name)
