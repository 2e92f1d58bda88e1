"""Embeds a raster as a table: one row a square patch (or its centre), with the share of its valid pixels."""

from __future__ import annotations

import struct
import time
from dataclasses import replace
from pathlib import Path
from typing import Optional

import numpy as np
from osgeo import ogr

from .. import memory
from ..dataset import block_cache
from ..encoders.encoder import open_encoder
from ..errors import Cancelled, InputError
from ..grid import Window, blocks
from ..partial import PartialWork, is_worth_keeping
from ..pipeline import Job, attend, run
from ..progress import Part, Progress, check
from ..registry import Registry
from ..table import ColumnSpec, TableWriter, parse_destination
from ..whole import require_writable
from .blocks import BlockEncoder, BlockReader, BlockVectors
from .fitting import with_reduction
from .plan import EmbedPlan, EmbedResult, PatchRequest
from .preparing import block_side, prepare, run_digest
from .raster import keep_card

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
        raise InputError("patch-size", "The patch of {size} pixels is too small: give 1 or more, or 0 for the encoder's "
                         "own.", size=request.size)
    path = Path(parse_destination(request.output).path)
    require_writable(path)
    request = replace(request, coding="float32", cell=request.size or request.cell)
    digest = f"patches-{request.geometry}-{run_digest(request)}"
    work = PartialWork(path, digest, request.resume and not request.temporary)
    try:
        result = _embed(request, path, work, registry, started, progress)
    except BaseException as error:
        if not (request.resume and not request.temporary
                and (isinstance(error, Cancelled) or is_worth_keeping(error))):
            work.remove()
        raise
    work.remove()
    return result


def _embed(request: PatchRequest, path: Path, work: PartialWork, registry: Optional[Registry], started: float,
           progress: Progress) -> EmbedResult:
    """Carry out a run whose partial work is open."""
    with block_cache(max(16, request.memory_mib // 8)):
        prepared = prepare(request, work, Part(progress, 0.0, 0.06))
        encoder = attend(lambda: open_encoder(prepared.plan.card, request.device, request.threads), progress)
        try:
            progress.info(f"Device: {encoder.session.device_report}")
            plan = with_reduction(prepared, encoder, request, work, Part(progress, 0.06, 0.12))
            encoder.card = plan.card
            reader = BlockReader(plan)
            every = list(blocks(plan.cells, block_side(plan, request.memory_mib)))
            missing = [block for block in every if not work.has(block)]
            if len(missing) < len(every):
                progress.info(f"Resuming: {len(every) - len(missing)} of {len(every)} blocks were finished before.")
            worker = BlockEncoder(plan, encoder)
            try:
                account = run(Job(missing, reader, worker.encode, _PatchSink(work),
                                  f"Encoding with {plan.card.id} on {encoder.device}", encoder.terminate,
                                  lambda block: float(block.width * block.height)), Part(progress, 0.12, 0.9))
            finally:
                worker.close()
            for note in encoder.notes:
                progress.warn(note)
            device, report = encoder.device, encoder.session.device_report
        finally:
            encoder.close()
        rows = _write_table(plan, request, every, work, registry, Part(progress, 0.9, 1.0))
        card = keep_card(prepared, plan.card, path, request)
    seconds, peak = time.monotonic() - started, memory.peak_mib()
    progress.info(f"{rows} patches of {plan.card.output_dimensions} dimensions in {seconds:.1f} s on {device}; "
                  f"{account.rate:.2f} blocks per second, {reader.blocks_read} blocks read, peak memory {peak:.0f} MiB.")
    return EmbedResult(request.output, rows, plan.card.output_dimensions, seconds, device, report, str(card), len(every),
                       reader.blocks_read, account.rate, peak, (), len(every) - len(missing))


def _write_table(plan: EmbedPlan, request: PatchRequest, every: "list[Window]", work: PartialWork,
                 registry: Optional[Registry], progress: Progress) -> int:
    """Write the rows of all blocks; patches without enough valid pixels have none."""
    kind = ogr.wkbPolygon if request.geometry == "footprint" else ogr.wkbPoint
    columns = [ColumnSpec("row", "integer"), ColumnSpec("column", "integer"), ColumnSpec(VALID_SHARE, "real")]
    progress.report(0.0, "Writing the embedding table")
    with TableWriter(request.output, plan.grid.wkt, kind, columns, plan.card.space(), registry=registry) as writer:
        for done, block in enumerate(every):
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
            progress.report((done + 1) / len(every))
        if writer.count == 0:
            raise InputError("no-valid-patch", "No patch of {path} has enough valid pixels: check its nodata value, the "
                             "mask, and the least share of valid pixels.", path=plan.source.paths[0])
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
