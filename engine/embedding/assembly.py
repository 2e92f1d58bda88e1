"""Puts finished blocks together into a GeoTIFF, in the order of its storage blocks and within a memory limit."""

from __future__ import annotations

import numpy as np
from osgeo import gdal

from ..coding import Coding
from ..dataset import close, write
from ..grid import Window, blocks
from ..partial import PartialWork
from ..progress import Progress, check
from .plan import EmbedPlan

STORAGE = 256


def assemble(dataset: gdal.Dataset, plan: EmbedPlan, work: PartialWork, coding: Coding, side: int, memory_mib: int,
             name: str, progress: Progress) -> int:
    """Write all blocks; returns how many cells hold a vector."""
    bands = plan.card.output_dimensions
    at_once = max(1, min(bands, (memory_mib << 20) // 8 // (STORAGE * STORAGE * coding.dtype.itemsize)))
    places = list(blocks(Window(0, 0, plan.cells.width, plan.cells.height), STORAGE))
    cells = 0
    for done, place in enumerate(places):
        check(progress)
        progress.report(done / len(places), "Writing the embedding raster" if done == 0 else None)
        for first in range(0, bands, at_once):
            last = min(bands, first + at_once)
            values = np.empty((last - first, place.height, place.width), dtype=coding.dtype)
            for part in blocks(place, side):
                stored = work.load(Window(plan.cells.x + part.x, plan.cells.y + part.y, part.width, part.height))
                values[:, part.y - place.y:part.bottom - place.y, part.x - place.x:part.right - place.x] = stored[
                    first:last]
            if first == 0:
                cells += _count(values[0], coding)
            write(dataset, place, range(first + 1, last + 1), values, name)
    close(dataset, name)
    progress.report(1.0)
    return cells


def _count(band: np.ndarray, coding: Coding) -> int:
    """Count the cells that aren't nodata."""
    if np.isnan(coding.nodata):
        return int(np.isfinite(band).sum())
    return int((band != coding.dtype.type(coding.nodata)).sum())
