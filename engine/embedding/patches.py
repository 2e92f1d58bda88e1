"""Embeds a raster as a table: one row a square patch (or its centre), with the share of its valid pixels."""

from __future__ import annotations

import struct
import time
from dataclasses import replace
from pathlib import Path
from typing import Optional

import numpy as np
from osgeo import ogr

from ..errors import InputError
from ..grid import Window
from ..partial import PartialWork
from ..progress import Part, Progress, check
from ..registry import Registry
from ..table import ColumnSpec, TableWriter, parse_destination
from ..whole import require_writable
from .blocks import BlockVectors
from .plan import EmbedPlan, EmbedResult, PatchRequest
from .running import Encoded, close_account, encode_blocks, keep_card, partial_work

GEOMETRIES = ("footprint", "centre")
VALID_SHARE = "valid_share"


class _PatchSink:
    """Keeps blocks of vectors with their valid shares as one more row."""

    def __init__(self, work: PartialWork) -> None:
        """Keep where they go."""
        self._work = work

    def write(self, block: Window, result: BlockVectors) -> None:
        """Keep a block."""
        self._work.save(block, np.concatenate([result.vectors, result.share[np.newaxis]]))


def embed_patches(request: PatchRequest, progress: Progress, registry: Optional[Registry] = None) -> EmbedResult:
    """Embed a raster and write one row a patch; whole or nothing, resumable after a kill or a cancel."""
    started = time.monotonic()
    if request.geometry not in GEOMETRIES:
        raise InputError("patch-geometry", "“{geometry}” is not a geometry of patches: choose footprint or centre.",
                         geometry=request.geometry)
    if request.size < 0:
        raise InputError("patch-size", "The patch of {size} pixels is too small: give 1 or more, or 0 for the "
                         "encoder's own.", size=request.size)
    path = Path(parse_destination(request.output).path)
    require_writable(path)
    request = replace(request, coding="float32", cell=request.size or request.cell)
    with partial_work(request, path, f"patches-{request.geometry}") as work:
        encoded = encode_blocks(request, work, lambda plan, side, device: _PatchSink(work), progress)
        rows = _write_table(encoded, request, work, registry, Part(progress, 0.9, 1.0))
        card = keep_card(encoded.prepared, encoded.plan.card, path, request)
    return close_account(encoded, request, "patches", rows, card, started, progress)


def _write_table(encoded: Encoded, request: PatchRequest, work: PartialWork, registry: Optional[Registry],
                 progress: Progress) -> int:
    """Write the rows of all blocks; patches without enough valid pixels have none."""
    plan = encoded.plan
    kind = ogr.wkbPolygon if request.geometry == "footprint" else ogr.wkbPoint
    columns = [ColumnSpec("row", "integer"), ColumnSpec("column", "integer"), ColumnSpec(VALID_SHARE, "real")]
    progress.report(0.0, "Writing the embedding table")
    with TableWriter(request.output, plan.grid.wkt, kind, columns, plan.card.space(), registry=registry) as writer:
        for done, block in enumerate(encoded.blocks):
            check(progress)
            stored = work.load(block)
            vectors, share = stored[:-1], stored[-1]
            rows, places = np.nonzero(np.isfinite(vectors).all(axis=0))
            if len(rows):
                shapes = [_shape(plan, block.x + int(column), block.y + int(row), request.geometry)
                          for row, column in zip(rows, places)]
                writer.write(shapes, {
                    "row": (rows + block.y).tolist(), "column": (places + block.x).tolist(),
                    VALID_SHARE: [round(float(value), 6) for value in share[rows, places]],
                }, np.ascontiguousarray(vectors[:, rows, places].T))
            progress.report((done + 1) / len(encoded.blocks))
        if writer.count == 0:
            raise InputError("no-valid-patch", "No patch of {path} has enough valid pixels: check its nodata value, "
                             "the mask, and the least share of valid pixels.", path=plan.source.paths[0])
        return writer.count


def _shape(plan: EmbedPlan, column: int, row: int, geometry: str) -> bytes:
    """Return the WKB of a patch's square or of its centre."""
    grid = plan.cell_grid
    if geometry == "centre":
        return struct.pack("<BIdd", 1, 1, *grid.centre(column + 0.5, row + 0.5))
    corners = [grid.centre(column + x, row + y) for x, y in ((0, 0), (1, 0), (1, 1), (0, 1), (0, 0))]
    if (grid.transform[1] < 0) == (grid.transform[5] < 0):
        corners.reverse()
    return struct.pack("<BIII10d", 1, 3, 1, 5, *(value for corner in corners for value in corner))
