"""Puts finished blocks together into a GeoTIFF, in the order of its storage blocks and within a memory limit."""

from __future__ import annotations

from typing import Sequence

import numpy as np
from osgeo import gdal

from ..coding import FLOAT32, Coding, scaled_for
from ..dataset import close, write
from ..errors import InputError
from ..grid import Window, blocks
from ..partial import PartialWork
from ..progress import Progress, check
from .plan import EmbedPlan

STORAGE = 256
_LARGEST_HALF = 60_000.0


def kept_form(vectors: np.ndarray, coding: str) -> np.ndarray:
    """Return vectors in the number type that finished blocks are kept in: half the size where one byte is the aim."""
    if coding != "uint8":
        return vectors
    largest = np.nanmax(np.abs(vectors)) if np.isfinite(vectors).any() else 0.0
    return vectors.astype(np.float16) if largest < _LARGEST_HALF else vectors


def save_range(work: PartialWork, block: Window, vectors: np.ndarray) -> None:
    """Keep the least and largest value of each dimension of a block."""
    table = vectors.reshape(len(vectors), -1)
    table = table[:, np.isfinite(table).all(axis=0)]
    if table.shape[1]:
        work.save_array(_range_name(block), np.stack([table.min(axis=1), table.max(axis=1)]))


def coding_for(kind: str, work: PartialWork, finished: "Sequence[Window]") -> Coding:
    """Return the coding that holds every value of the finished blocks."""
    if kind == "float32":
        return FLOAT32
    ranges = [found for found in (work.load_array(_range_name(block)) for block in finished) if found is not None]
    if not ranges:
        raise InputError("no-valid-cell", "No cell has enough valid pixels: check the raster's nodata value, the mask, "
                         "and the least share of valid pixels.")
    low, high = np.min([one[0] for one in ranges], axis=0), np.max([one[1] for one in ranges], axis=0)
    return scaled_for(kind, low.tolist(), high.tolist())


def assemble(dataset: gdal.Dataset, plan: EmbedPlan, work: PartialWork, coding: Coding, side: int, memory_mib: int,
             name: str, progress: Progress) -> int:
    """Write all blocks; returns how many cells hold a vector."""
    bands = plan.card.output_dimensions
    at_once = max(1, min(bands, (memory_mib << 20) // 8 // (STORAGE * STORAGE * 4)))
    places = list(blocks(Window(0, 0, plan.cells.width, plan.cells.height), STORAGE))
    cells = 0
    for done, place in enumerate(places):
        progress.report(done / len(places), "Writing the embedding raster" if done == 0 else None)
        for first in range(0, bands, at_once):
            check(progress)
            last = min(bands, first + at_once)
            values = np.empty((last - first, place.height, place.width), dtype=np.float32)
            for part in blocks(place, side):
                stored = work.load(Window(plan.cells.x + part.x, plan.cells.y + part.y, part.width, part.height))
                values[:, part.y - place.y:part.bottom - place.y, part.x - place.x:part.right - place.x] = stored[
                    first:last]
            if first == 0:
                cells += int(np.isfinite(values[0]).sum())
            write(dataset, place, range(first + 1, last + 1), coding.part(first, last).encode(values), name)
    close(dataset, name)
    progress.report(1.0)
    return cells


def _range_name(block: Window) -> str:
    """Return the name a block's range is kept under."""
    return f"range_{block.y}_{block.x}"
