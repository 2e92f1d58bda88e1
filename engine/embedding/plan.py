"""From what the user asked to a plan: plain parameters that decide every number of the result."""

from __future__ import annotations

import datetime
from dataclasses import dataclass, field
from typing import Any, Optional

from ..card import CHIP, Card
from ..encoders.library import EncoderFolders
from ..grid import Grid, Window
from ..validity import ValidityRule
from .tiling import Axis, axis

_SUGGESTED_PIXELS = 256


@dataclass(frozen=True)
class EmbedRequest:
    """A call of “Embed raster”, as typed; `rasters` holds one path a date and the first sets the grid."""

    rasters: "tuple[str, ...]"
    encoder: str
    output: str
    folders: EncoderFolders
    bands: str = ""
    extent: "Optional[tuple[float, float, float, float]]" = None
    mask: "Optional[tuple[bytes, ...]]" = None
    cell: int = 0
    overlap: int = -1
    dimensions: int = 0
    coding: str = "float32"
    device: str = "auto"
    batch: int = 0
    memory_mib: int = 1024
    resume: bool = True
    seed: int = 0
    min_valid: float = 0.5
    dates: "tuple[str, ...]" = ()
    temporary: bool = False
    threads: int = 0


@dataclass(frozen=True)
class PatchRequest(EmbedRequest):
    """A call of “Embed raster as patches”; `size` is the side of a patch in pixels, 0 for the encoder's own."""

    size: int = 0
    geometry: str = "footprint"


@dataclass(frozen=True)
class EmbedResult:
    """What a run made, and how."""

    output: str
    cells: int
    dimensions: int
    seconds: float
    device: str
    device_report: str
    encoder_card: str
    blocks: int
    blocks_read: int
    blocks_per_second: float
    peak_mib: float
    warnings: "tuple[str, ...]" = ()
    resumed_blocks: int = 0


@dataclass(frozen=True)
class RasterInput:
    """The rasters of a run, band by band, one path a date."""

    paths: "tuple[str, ...]"
    bands: "tuple[tuple[int, ...], ...]"
    dtype: str
    rules: "tuple[ValidityRule, ...]"
    dates: "tuple[datetime.datetime, ...]"
    gsd_m: float


@dataclass(frozen=True)
class EmbedPlan:
    """Everything a block's vectors depend on; it can be pickled and sent to another process."""

    source: RasterInput
    grid: Grid
    card: Card
    rows: Axis
    columns: Axis
    cells: Window
    min_valid: float
    mask: "Optional[tuple[bytes, ...]]"
    device: str
    batch: int
    threads: int
    cache_bytes: int

    @property
    def cell_grid(self) -> Grid:
        """Return the grid of all cells of the raster, of which `cells` are wanted."""
        return self.grid.cells(self.rows.cell)

    @property
    def output_grid(self) -> Grid:
        """Return the grid of the cells that are wanted."""
        return self.cell_grid.part(self.cells)

    def facts(self) -> "dict[str, Any]":
        """Return what decides the result, for the digest of a journal."""
        return {
            "space": self.card.space().canonical(), "cell": self.rows.cell, "tile": self.rows.tile_pixels,
            "step": self.rows.step, "cells": [self.cells.x, self.cells.y, self.cells.width, self.cells.height],
            "grid": [self.grid.width, self.grid.height, *self.grid.transform, self.grid.wkt],
            "bands": self.source.bands, "dates": [str(date) for date in self.source.dates], "min_valid": self.min_valid,
            "mask": [shape.hex() for shape in self.mask] if self.mask is not None else None,
            "device": self.device,
        }


@dataclass(frozen=True)
class Geometry:
    """How tiles lie: the two axes of the raster and what the overlap came to, in pixels."""

    rows: Axis
    columns: Axis
    overlap: int
    notes: "tuple[str, ...]" = field(default=())


def lay_out(card: Card, grid: Grid, cell: int, overlap: int) -> Geometry:
    """Choose tiles for an encoder and a cell; `overlap` is in pixels, negative for the encoder's own."""
    token = card.stride
    tokens = 1 if card.kind == CHIP else _tokens_of_tile(card)
    beyond = max(0, card.context - card.halo)
    crop = -(-beyond // token) if card.finite_context and card.kind != CHIP else 0
    notes: "list[str]" = []
    if crop and card.tile and tokens - 2 * crop < 1:
        notes.append(
            f"The encoder {card.id} looks {card.context} pixels around each cell, more than its tile of {card.tile} "
            "pixels allows: tiles overlap and are blended, so that values depend a little on where tiles lie.")
        crop = 0
    used = tokens - 2 * crop if card.tile else tokens
    if card.kind == CHIP:
        shared = 0
    elif overlap >= 0:
        shared = overlap // token
    else:
        shared = 0 if card.finite_context and crop * token >= beyond else _own_overlap(used)
    columns = axis(grid.width, cell, token, used, shared, crop, card.halo)
    rows = axis(grid.height, cell, token, used, shared, crop, card.halo)
    return Geometry(rows, columns, (columns.size - columns.step) * token, tuple(notes))


def _tokens_of_tile(card: Card) -> int:
    """Return how many vectors a tile has along a side."""
    if card.tile:
        return max(1, (card.tile - 2 * card.halo) // card.stride)
    tokens = max(1, (card.suggested_tile or _SUGGESTED_PIXELS) // card.stride)
    # A power of two, so that tiles end where blocks end and no pixel is read for two blocks.
    return 1 << (tokens.bit_length() - 1)


def _own_overlap(tokens: int) -> int:
    """Return an overlap of about a quarter of the tile, one less than a power of two so that blending is exact."""
    return max((overlap for overlap in (0, 1, 3, 7, 15, 31) if overlap <= tokens // 4 + 1 and 2 * overlap <= tokens),
               default=0)
