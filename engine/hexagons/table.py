"""Aggregates an embedding table to H3 hexagons: points by number, polygons by the area in each hexagon."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Optional, Tuple

import numpy as np
from osgeo import ogr

from ..centres import centres_of
from ..errors import InputError
from ..features.outlines import OUTER, Outlines
from ..features.placing import bring_over
from ..geodesy import Ground
from ..progress import Part, Progress, Silent, check
from ..table import Table, TableChunk, TableWriter, warn_if_undeclared
from .cells import FINEST, NO_CELL, cells_of, finest_filled
from .gathering import COLUMNS, CellSums, Gathered, HexagonWriter, require_place
from .request import AUTOMATIC, CENTRES, HexagonOptions, HexagonResult
from .spreading import Spread, spread
from .world import world_wkt

_ROWS_EACH = 4
_CHUNK = 16_384


@dataclass(frozen=True)
class TableHexagons:
    """A table to aggregate."""

    table: Table
    options: HexagonOptions


def aggregate_table(request: TableHexagons, progress: Progress) -> HexagonResult:
    """Write a table of hexagons with the mean vector of the rows in each."""
    started = time.monotonic()
    options, table = request.options, request.table
    options.check()
    ground = Ground(table.wkt)
    if ogr.GT_Flatten(table.geometry_type) == ogr.wkbNone:
        raise InputError("h3-no-geometry", "{name} has no geometry, so its rows lie in no hexagon: join it to places "
                         "first (“Join attributes by field value”).", name=table.name)
    require_place(table.wkt, ground.planar, table.name)
    warn_if_undeclared(table, progress)
    resolution = options.resolution
    if resolution == AUTOMATIC:
        resolution = _resolution(table, ground, Part(progress, 0.0, 0.3))
        progress.info(f"Resolution {resolution}: the finest at which hexagons hold {_ROWS_EACH} rows on average.")
    first = next(iter(table.chunks(4096)), None)
    if first is None:
        raise InputError("h3-rows", "{name} has no rows: check its filter and selection.", name=table.name)
    reference = first.vectors.mean(axis=0, dtype=np.float64)
    gathered = Gathered(reference)
    left_out = _gather(table, ground, resolution, gathered, Part(progress, 0.3, 0.85))
    identity = table.identity()
    kind = ogr.wkbPoint if options.geometry == CENTRES else ogr.wkbMultiPolygon
    with TableWriter(options.output, world_wkt(), kind, COLUMNS, identity, registry=options.registry) as writer:
        hexagons = HexagonWriter(writer, options, identity.unit_norm, reference)
        hexagons.write(gathered.let_go(1))
        if not hexagons.written:
            raise InputError("h3-nowhere-rows", "No row of {name} has a place on Earth: check its geometries and CRS.",
                             name=table.name)
    if left_out:
        progress.warn(f"{left_out} of {table.count} rows have no place on Earth and were left out.")
    progress.report(1.0)
    return HexagonResult(options.output, hexagons.written, resolution, left_out, time.monotonic() - started)


def _resolution(table: Table, ground: Ground, progress: Progress) -> int:
    """Choose the resolution by where the middles of rows lie."""
    found, done = [], 0
    for chunk in table.chunks(_CHUNK):
        check(progress)
        cells = cells_of(ground.places(centres_of(chunk.wkb)), FINEST)
        found.append(cells[cells != NO_CELL])
        progress.report(done / max(1, table.count), "Looking where rows lie" if not done else None)
        done += len(chunk.wkb)
    cells = np.concatenate(found) if found else np.empty(0, dtype=np.uint64)
    return finest_filled(cells, _ROWS_EACH) if len(cells) else 0


def _gather(table: Table, ground: Ground, resolution: int, gathered: Gathered, progress: Progress) -> int:
    """Add all rows; return how many have no place."""
    left_out = done = 0
    for chunk in table.chunks(_CHUNK):
        check(progress)
        progress.report(done / max(1, table.count), "Aggregating to hexagons" if not done else None)
        spread_over, without = _placed(chunk, ground, table, resolution, progress)
        if len(spread_over.rows):
            gathered.take(sums_of(chunk.vectors, spread_over, gathered.reference), 0)
        left_out += without
        done += len(chunk.wkb)
    return left_out


def _placed(chunk: TableChunk, ground: Ground, table: Table, resolution: int,
            progress: Progress) -> "Tuple[Spread, int]":
    """Return the hexagons of each row: of a polygon all that it covers, of all else the one at its middle."""
    centres = cells_of(ground.places(centres_of(chunk.wkb)), resolution)
    covering = _covering(chunk, table, centres, resolution, progress)
    if covering is None:
        rows = np.flatnonzero(centres != NO_CELL)
        return Spread(rows, centres[rows], np.ones(len(rows))), int((centres == NO_CELL).sum())
    alone = np.ones(len(centres), dtype=bool)
    alone[covering.rows] = False
    rows = np.flatnonzero(alone & (centres != NO_CELL))
    # What has no area beside what has some would count for nothing, or for everything: it counts as the least.
    least = float(covering.weights.min(initial=1.0))
    return (Spread(np.concatenate([covering.rows, rows]), np.concatenate([covering.cells, centres[rows]]),
                   np.concatenate([covering.weights, np.full(len(rows), least)])),
            int((alone & (centres == NO_CELL)).sum()))


def _covering(chunk: TableChunk, table: Table, centres: np.ndarray, resolution: int,
              progress: Progress) -> Optional[Spread]:
    """Return the hexagons of a chunk's polygons, None where there are no polygons."""
    if ogr.GT_Flatten(table.geometry_type) in (ogr.wkbPoint, ogr.wkbMultiPoint, ogr.wkbLineString,
                                               ogr.wkbMultiLineString):
        return None
    outlines = Outlines()
    outlines.add(chunk.wkb)
    if OUTER not in outlines.kinds:
        return None
    placed = bring_over(outlines, table.wkt, table.name, world_wkt(), "H3", Silent())
    return spread(placed, centres, resolution, progress)


def sums_of(vectors: np.ndarray, spread_over: Spread, reference: np.ndarray) -> CellSums:
    """Add rows by hexagon, in double precision."""
    order = np.argsort(spread_over.cells, kind="stable")
    cells = spread_over.cells[order]
    first = np.flatnonzero(np.append(True, cells[1:] != cells[:-1]))
    moved = vectors[spread_over.rows[order]] - reference
    weights = spread_over.weights[order]
    stacked = np.column_stack([moved, np.einsum("ij,ij->i", moved, moved)]) * weights[:, None]
    return CellSums(cells[first], np.add.reduceat(stacked, first), np.add.reduceat(weights, first),
                    np.diff(np.append(first, len(cells))))
