"""Embeds a raster as a field: sample, fit what must be fitted, encode block by block, write the file."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Optional

from ..errors import InputError, SpaceError
from ..field import create_field
from ..grid import Window
from ..partial import PartialWork
from ..progress import Part, Progress
from ..registry import Registry
from ..whole import require_writable, whole
from .assembly import assemble, coding_for, kept_form, save_range
from .blocks import BlockVectors
from .plan import EmbedRequest, EmbedResult
from .preparing import provenance
from .running import Encoded, close_account, encode_blocks, keep_card, partial_work

CODINGS = ("float32", "int16", "uint8")


class _BlockSink:
    """Keeps vectors as finished blocks, with their range where the file's coding will need it."""

    def __init__(self, work: PartialWork, coding: str) -> None:
        """Keep where they go."""
        self._work = work
        self._coding = coding

    def write(self, block: Window, result: BlockVectors) -> None:
        """Keep a block."""
        if self._coding != "float32":
            save_range(self._work, block, result.vectors)
        self._work.save(block, kept_form(result.vectors, self._coding))


def embed_raster(request: EmbedRequest, progress: Progress, registry: Optional[Registry] = None) -> EmbedResult:
    """Embed a raster and write the field; whole or nothing, resumable after a kill or a cancel."""
    started = time.monotonic()
    output = Path(request.output)
    if output.suffix.lower() not in (".tif", ".tiff"):
        raise InputError("field-suffix", "{path} doesn't end in .tif: embedding rasters are GeoTIFF files.",
                         path=output)
    if request.coding not in CODINGS:
        raise InputError("coding-unknown", "“{kind}” is not a coding: choose float32, int16 or uint8.",
                         kind=request.coding)
    require_writable(output)
    with partial_work(request, output, "field") as work:
        encoded = encode_blocks(request, work, lambda: _BlockSink(work, request.coding), progress)
        cells = _write_field(encoded, output, work, request, Part(progress, 0.9, 1.0))
        card = keep_card(encoded.prepared, encoded.plan.card, output, request)
    _remember(encoded, registry, progress)
    return close_account(encoded, request, "cells", cells, card, started, progress)


def _remember(encoded: Encoded, registry: Optional[Registry], progress: Progress) -> None:
    """Keep the space's description for files that lose it; the field itself carries it, so a failure costs little."""
    if registry is None:
        return
    try:
        registry.remember(encoded.plan.card.space())
    except SpaceError as error:
        progress.warn(str(error))


def _write_field(encoded: Encoded, output: Path, work: PartialWork, request: EmbedRequest, progress: Progress) -> int:
    """Put the finished blocks together under the final name; returns how many cells have a vector."""
    plan = encoded.plan
    coding = coding_for(request.coding, work, encoded.blocks)
    with whole(output) as temporary:
        dataset = create_field(str(temporary), plan.output_grid, plan.card.space(), coding,
                               provenance(plan, request, encoded.device))
        cells = assemble(dataset, plan, work, coding, encoded.side, request.memory_mib, str(output), progress)
        del dataset
        if cells == 0:
            raise InputError("no-valid-cell", "No cell of {path} has enough valid pixels: check its nodata value, the "
                             "mask, and the least share of valid pixels.", path=plan.source.paths[0])
    return cells
