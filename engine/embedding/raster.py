"""Embeds a raster as a field: sample, fit what must be fitted, encode block by block, write the file."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Optional

from ..coding import FLOAT32, Coding
from ..errors import InputError, SpaceError
from ..field import create_field
from ..grid import Window
from ..partial import PartialWork
from ..progress import Part, Progress
from ..registry import Registry
from ..whole import require_writable, whole
from .assembly import Assembly, coding_for, kept_form, save_range
from .blocks import BlockVectors
from .plan import EmbedPlan, EmbedRequest, EmbedResult
from .preparing import provenance
from .running import Encoded, close_account, encode_blocks, keep_card, partial_work

CODINGS = ("float32", "int16", "uint8")


class _FloatSink:
    """Keeps vectors as finished blocks, and writes the file alongside: its coding needs nothing of later blocks."""

    def __init__(self, work: PartialWork, assembly: Assembly) -> None:
        """Keep where they go."""
        self._work = work
        self._assembly = assembly

    def write(self, block: Window, result: BlockVectors) -> None:
        """Keep a block."""
        self._work.save(block, result.vectors)
        self._assembly.finished(block)


class _CodedSink:
    """Keeps vectors as finished blocks, with their range, which the file's coding will need."""

    def __init__(self, work: PartialWork, coding: str) -> None:
        """Keep where they go."""
        self._work = work
        self._coding = coding

    def write(self, block: Window, result: BlockVectors) -> None:
        """Keep a block."""
        save_range(self._work, block, result.vectors)
        self._work.save(block, kept_form(result.vectors, self._coding))


class _Target:
    """The file of a run, created as soon as the plan is known."""

    def __init__(self, request: EmbedRequest, work: PartialWork, temporary: Path) -> None:
        """Keep where it will be."""
        self._request = request
        self._work = work
        self._temporary = temporary
        self._assembly: Optional[Assembly] = None

    def sink(self, plan: EmbedPlan, side: int, device: str) -> "_FloatSink | _CodedSink":
        """Return what takes the blocks."""
        if self._request.coding != "float32":
            return _CodedSink(self._work, self._request.coding)
        self._assembly = self._create(plan, side, device, FLOAT32)
        return _FloatSink(self._work, self._assembly)

    def finish(self, encoded: Encoded, progress: Progress) -> int:
        """Complete the file; returns how many cells have a vector."""
        if self._assembly is None:
            coding = coding_for(self._request.coding, self._work, encoded.blocks)
            self._assembly = self._create(encoded.plan, encoded.side, encoded.device, coding)
        cells = self._assembly.finish(progress)
        if cells == 0:
            raise InputError("no-valid-cell", "No cell of {path} has enough valid pixels: check its nodata value, the "
                             "mask, and the least share of valid pixels.", path=encoded.plan.source.paths[0])
        return cells

    def _create(self, plan: EmbedPlan, side: int, device: str, coding: Coding) -> Assembly:
        """Create the file."""
        dataset = create_field(str(self._temporary), plan.output_grid, plan.card.space(), coding,
                               provenance(plan, self._request, device))
        return Assembly(dataset, plan, self._work, coding, side, self._request.memory_mib, self._request.output)


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
    with partial_work(request, output, "field") as work, whole(output) as temporary:
        target = _Target(request, work, temporary)
        encoded = encode_blocks(request, work, target.sink, progress)
        cells = target.finish(encoded, Part(progress, 0.9, 1.0))
        # Before the file gets its name: where that fails, the complete file beside it needs its card all the same.
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
