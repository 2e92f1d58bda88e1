"""Puts finished blocks together into a GeoTIFF, storage block by storage block, within a memory limit."""

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


class Assembly:
    """Fills a raster from finished blocks, each storage block as soon as it can be written whole and only once."""

    def __init__(self, dataset: gdal.Dataset, plan: EmbedPlan, work: PartialWork, coding: Coding, side: int,
                 memory_mib: int, name: str) -> None:
        """Keep what is filled and what from; blocks have `side` cells, which divides the side of a storage block."""
        self._dataset = dataset
        self._plan = plan
        self._work = work
        self._coding = coding
        self._side = side
        self._name = name
        bands = plan.card.output_dimensions
        self._at_once = max(1, min(bands, (memory_mib << 20) // 8 // (STORAGE * STORAGE * 4)))
        self._unwritten = {(place.x, place.y): place
                           for place in blocks(Window(0, 0, plan.cells.width, plan.cells.height), STORAGE)}
        self._cells = 0

    def finished(self, block: Window) -> None:
        """Write the storage block that a finished block completes."""
        x = (block.x - self._plan.cells.x) // STORAGE * STORAGE
        y = (block.y - self._plan.cells.y) // STORAGE * STORAGE
        place = self._unwritten.get((x, y))
        if place is not None and all(self._work.has(part) for part in self._parts(place)):
            self._write(place)

    def finish(self, progress: Progress) -> int:
        """Write what is left and close; returns how many cells hold a vector."""
        rest = list(self._unwritten.values())
        for done, place in enumerate(rest):
            check(progress)
            progress.report(done / len(rest), "Writing the embedding raster" if done == 0 else None)
            self._write(place)
        close(self._dataset, self._name)
        del self._dataset
        progress.report(1.0)
        return self._cells

    def _parts(self, place: Window) -> "list[Window]":
        """Return the blocks that make up a storage block."""
        cells = self._plan.cells
        return [Window(cells.x + part.x, cells.y + part.y, part.width, part.height)
                for part in blocks(place, self._side)]

    def _write(self, place: Window) -> None:
        """Write one storage block of every band."""
        bands = self._plan.card.output_dimensions
        left, top = self._plan.cells.x + place.x, self._plan.cells.y + place.y
        for first in range(0, bands, self._at_once):
            last = min(bands, first + self._at_once)
            values = np.empty((last - first, place.height, place.width), dtype=np.float32)
            for part in self._parts(place):
                area = (slice(part.y - top, part.bottom - top), slice(part.x - left, part.right - left))
                values[(slice(None), *area)] = self._work.load(part)[first:last]
            if first == 0:
                self._cells += int(np.isfinite(values[0]).sum())
            write(self._dataset, place, range(first + 1, last + 1),
                  self._coding.part(first, last).encode(values), self._name)
        del self._unwritten[(place.x, place.y)]


def _range_name(block: Window) -> str:
    """Return the name a block's range is kept under."""
    return f"range_{block.y}_{block.x}"
