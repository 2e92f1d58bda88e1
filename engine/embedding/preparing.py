"""Everything that is settled before the first block: bands, encoder, tiles, and the size of blocks."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Optional

import numpy as np

from ..card import Card
from ..card_json import read_card
from ..encoders.library import find_encoder
from ..errors import InputError
from ..grid import Window
from ..partial import PartialWork, digest_of, file_facts
from ..progress import Part, Progress, check
from ..sample import SampledWindow
from ..version import VERSION
from .inputs import (
    CHECK_SIDE,
    CHECK_WINDOWS,
    Rasters,
    check_against,
    open_rasters,
    samplers,
    source_for,
    without_dead_bands,
)
from .making import SAMPLE_WINDOWS, features_request, fit_features, sample_side, save_features
from .plan import EmbedPlan, EmbedRequest, RasterInput, lay_out

AUTOMATIC = "automatic"
LARGEST_BLOCK = 256
BLOCK_TILES = 4
_COPIES_OF_PIXELS = 3
_COPIES_OF_VECTORS = 4


@dataclass(frozen=True)
class Prepared:
    """A plan, and what the run still needs to know of how it came about."""

    plan: EmbedPlan
    rasters: Rasters
    automatic: bool


def prepare(request: EmbedRequest, work: PartialWork, progress: Progress) -> Prepared:
    """Open the rasters and the encoder's card, check that they fit, and lay out the tiles."""
    progress.report(0.0, "Looking at the raster")
    rasters = open_rasters(request.rasters)
    automatic = request.encoder.strip().lower() in ("", AUTOMATIC)
    card = None if automatic else find_encoder(request.encoder, request.folders)
    if card is not None and request.dimensions and card.reduction is not None:
        if request.dimensions != card.output_dimensions:
            raise InputError("reduced-twice", "The encoder {encoder} already reduces to {found} dimensions: set the "
                             "dimensions to 0.", encoder=card.id, found=card.output_dimensions)
    source = source_for(rasters, card, request.bands, request.dates, progress)
    region = region_of_pixels(request, rasters, card)
    source = without_dead_bands(source, rasters, region, request.mask, request.seed, Part(progress, 0.0, 0.2))
    if card is None:
        card = _automatic_card(request, rasters, source, region, work, Part(progress, 0.2, 1.0))
    else:
        _check_values(request, rasters, source, region, card, progress)
    if card.gsd_range is not None and not card.gsd_range[0] <= source.gsd_m <= card.gsd_range[1]:
        progress.warn(f"The pixels of {Path(rasters.name).name} are {source.gsd_m:.3g} m wide, but {card.id} was made "
                      f"for {card.gsd_range[0]:g} to {card.gsd_range[1]:g} m: its vectors may mean little.")
    progress.report(1.0)
    return Prepared(_plan(request, rasters, source, card, progress), rasters, automatic)


def region_of_pixels(request: EmbedRequest, rasters: Rasters, card: Optional[Card]) -> Window:
    """Return the pixels whose cells are wanted."""
    if request.extent is None:
        return rasters.grid.whole
    return rasters.grid.window_of(request.extent, rasters.name)


def _automatic_card(request: EmbedRequest, rasters: Rasters, source: RasterInput, region: Window, work: PartialWork,
                    progress: Progress) -> Card:
    """Fit an encoder to the raster, or take the one that an interrupted run fitted."""
    model = work.folder / "encoder.onnx"
    if work.resumed and model.with_suffix(".json").exists():
        return read_card(model.with_suffix(".json"))
    wanted = features_request(0, (), request.cell, request.dimensions, request.seed)
    sampled = []
    sampler = samplers(rasters, source, region, request.mask)[0]
    for window in sampler.take(sample_side(wanted), SAMPLE_WINDOWS, request.seed):
        check(progress)
        sampled.append(window)
    features = fit_features(sampled, wanted, source.rules[0].ignored, rasters.name, progress)
    progress.info("The encoder was fitted to this raster: to embed another scene or date in the same space, use its "
                  "card as the encoder.")
    return save_features(features, wanted.cell, rasters, source.bands[0], sampled, model)


def _check_values(request: EmbedRequest, rasters: Rasters, source: RasterInput, region: Window, card: Card,
                  progress: Progress) -> None:
    """Look at a sample of every date before hours are spent on values that can't be right."""
    for sampler in samplers(rasters, source, region, request.mask):
        sampled: "list[SampledWindow]" = []
        for window in sampler.take(CHECK_SIDE, CHECK_WINDOWS, request.seed):
            check(progress)
            sampled.append(window)
        if not sampled:
            raise InputError("no-valid-pixel", "{path} has no valid pixel in the area asked for: check its nodata "
                             "value, the mask and the extent.", path=sampler.path)
        try:
            check_against(card, sampled, sampler.rule.ignored)
        except InputError as error:
            raise InputError(error.code, "{path}: " + error.template, path=sampler.path, **error.values) from None


def _plan(request: EmbedRequest, rasters: Rasters, source: RasterInput, card: Card, progress: Progress) -> EmbedPlan:
    """Lay out tiles and cells."""
    cell = request.cell or card.stride
    if cell < 1:
        raise InputError("cell-size", "The cell of {cell} pixels is too small: give 1 or more, or 0 for the "
                         "encoder's own.", cell=cell)
    if not 0 < request.min_valid <= 1:
        raise InputError("min-valid", "The least share of valid pixels is {share}: give a number above 0 and up to 1.",
                         share=request.min_valid)
    geometry = lay_out(card, rasters.grid, cell, request.overlap)
    for note in geometry.notes:
        progress.warn(note)
    grid = rasters.grid.cells(cell)
    cells = grid.whole if request.extent is None else grid.window_of(request.extent, rasters.name)
    side = geometry.rows.tile_pixels
    progress.info(f"Encoder {card.id}: cells of {cell} pixels, tiles of {side} pixels that overlap by "
                  f"{geometry.overlap}, {cells.width} x {cells.height} cells.")
    return EmbedPlan(source, rasters.grid, card, geometry.rows, geometry.columns, cells, request.min_valid,
                     request.mask, request.device, request.batch, request.threads, (request.memory_mib << 20) // 8)


def block_side(plan: EmbedPlan, memory_mib: int) -> int:
    """Choose the side of blocks in cells: a power of two, as large as the memory limit and steady progress allow.

    A block is never smaller than a tile, whose surroundings would be read again for every one of its parts.
    """
    tile, cell = plan.rows.tile_pixels, plan.rows.cell
    side = LARGEST_BLOCK
    while side * cell > tile and (side * cell > BLOCK_TILES * max(tile, 128)
                                  or _needs(plan, side) > (memory_mib << 20) * 0.6):
        side //= 2
    return max(side, 1)


def _needs(plan: EmbedPlan, side: int) -> int:
    """Estimate the bytes that blocks of a side take while they are read, computed and written."""
    tile = plan.rows.tile_pixels
    reach = side * plan.rows.cell + 2 * tile
    bands = sum(len(indices) for indices in plan.source.bands)
    pixels = reach * reach * (bands * np.dtype(plan.source.dtype).itemsize + len(plan.source.paths))
    vectors = side * side * plan.card.output_dimensions * 4 * _COPIES_OF_VECTORS
    batch = max(1, plan.batch) * tile * tile * bands * 4 * 2
    return pixels * _COPIES_OF_PIXELS + vectors + batch


def run_digest(request: EmbedRequest) -> str:
    """Return the digest of everything that decides a run's result and can be known before it begins."""
    encoder: "dict[str, Any]" = {"name": request.encoder}
    if os.path.exists(request.encoder):
        encoder.update(file_facts(request.encoder))
    return digest_of({
        "version": VERSION, "inputs": [file_facts(path) for path in request.rasters], "encoder": encoder,
        "bands": request.bands, "extent": request.extent, "cell": request.cell, "overlap": request.overlap,
        "mask": [shape.hex() for shape in request.mask] if request.mask is not None else None,
        "dimensions": request.dimensions, "coding": request.coding, "memory": request.memory_mib, "seed": request.seed,
        "min_valid": request.min_valid, "dates": request.dates, "device": request.device,
    })


def provenance(plan: EmbedPlan, request: EmbedRequest, device: str) -> "dict[str, Any]":
    """Return how a result came about, without the names of folders."""
    return {
        "earthprint": VERSION, "inputs": [Path(path).name for path in plan.source.paths],
        "bands": [list(indices) for indices in plan.source.bands], "dates": [str(date) for date in plan.source.dates],
        "encoder": plan.card.id, "pooling": plan.card.pooling, "cell_pixels": plan.rows.cell,
        "tile_pixels": plan.rows.tile_pixels, "overlap_pixels": (plan.rows.size - plan.rows.step) * plan.rows.token,
        "min_valid": plan.min_valid, "coding": request.coding, "seed": request.seed, "device": device,
        "told": sorted({item.role for item in plan.card.inputs
                        if item.role == "latlon" or item.role == "time" and plan.source.dates}),
    }
