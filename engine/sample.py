"""A spatially even sample of windows of a raster, the same for the same seed."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Iterator, Optional, Sequence

import numpy as np

from .dataset import open_raster, rasterised
from .grid import Grid, Window, blocks
from .validity import ValidityRule, read_valid


@dataclass(frozen=True)
class SampledWindow:
    """A window's values `(bands, rows, cols)` in the file's own type, and its mask."""

    window: Window
    values: np.ndarray
    valid: np.ndarray


@dataclass(frozen=True)
class Sampler:
    """Where a sample comes from."""

    path: str
    grid: Grid
    bands: "tuple[int, ...]"
    dtype: np.dtype
    rule: ValidityRule
    region: Window
    mask: "Optional[tuple[bytes, ...]]" = None

    def take(self, side: int, count: int, seed: int) -> "Iterator[SampledWindow]":
        """Yield up to `count` windows with valid pixels; where chance finds none, look everywhere for the first."""
        dataset = open_raster(self.path)
        found = 0
        for window in spread(self.region, side, count, seed):
            sampled = self._read(dataset, window)
            if sampled.valid.any():
                found += 1
                yield sampled
        if found:
            return
        for window in blocks(self.region, max(side, 256)):
            sampled = self._read(dataset, window)
            if sampled.valid.any():
                yield sampled
                found += 1
                if found == 16:
                    return

    def _read(self, dataset: object, window: Window) -> SampledWindow:
        """Read one window; what lies outside the mask polygons doesn't count."""
        values, valid = read_valid(dataset, window, self.bands, self.dtype, self.rule, self.path)
        if self.mask is not None:
            valid = valid & rasterised(self.mask, self.grid.part(window))
        return SampledWindow(window, values, valid)


def spread(region: Window, side: int, count: int, seed: int) -> "Sequence[Window]":
    """Return windows spread evenly over a region: one at a random place in each of about `count` equal parts."""
    width, height = min(side, region.width), min(side, region.height)
    columns = max(1, round(math.sqrt(count * region.width / region.height)))
    columns = min(columns, max(1, region.width // width), count)
    rows = min(max(1, count // columns), max(1, region.height // height))
    chance = np.random.default_rng(seed)
    places = chance.random((rows, columns, 2))
    found = []
    for row in range(rows):
        for column in range(columns):
            left, right = region.width * column // columns, region.width * (column + 1) // columns
            top, bottom = region.height * row // rows, region.height * (row + 1) // rows
            x = left + int(places[row, column, 0] * max(0, right - left - width + 1))
            y = top + int(places[row, column, 1] * max(0, bottom - top - height + 1))
            found.append(Window(region.x + min(x, region.width - width), region.y + min(y, region.height - height),
                                width, height))
    return found
