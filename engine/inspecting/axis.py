"""One axis of a view: which cells of a level its pixels show."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Optional

import numpy as np

_SLACK = 1e-6


@dataclass(frozen=True)
class Axis:
    """The cell that each pixel shows, in the order of growing coordinates, the pixels' middles, and the two ends."""

    cells: np.ndarray
    middles: np.ndarray
    low: float
    high: float

    def reversed(self) -> "Axis":
        """Return the pixels in the order of falling coordinates, as rows come on a screen."""
        return Axis(self.cells[::-1], self.middles[::-1], self.low, self.high)


@dataclass(frozen=True)
class Ruler:
    """A field's axis: where its first cell begins, how long a cell is (below 0: backwards), and how many there are."""

    origin: float
    step: float
    count: int


def axis_of(ruler: Ruler, factor: float, count: int, low: float, high: float, pixels: int) -> Optional[Axis]:
    """Return what `pixels` between low and high show of a level, None where they lie beside the field.

    A cell of the level is `factor` cells of the field, and there are `count`. Where they are no smaller than a pixel,
    each is a pixel of its own; else each pixel shows the cell that holds its middle.
    """
    cell, pixel = ruler.step * factor, (high - low) / pixels
    if abs(cell) >= pixel * (1 - _SLACK):
        ends = sorted(((low - ruler.origin) / cell, (high - ruler.origin) / cell))
        first = max(0, int(np.floor(ends[0] + _SLACK)))
        last = min(count, max(first + 1, int(np.ceil(ends[1] - _SLACK))))
        if first >= last or ends[1] <= 0:
            return None
        cells = np.arange(first, last)
        if cell < 0:
            cells = cells[::-1]
        edges = sorted((ruler.origin + first * cell, ruler.origin + last * cell))
        return Axis(cells, ruler.origin + (cells + 0.5) * cell, edges[0], edges[1])
    middles = low + (np.arange(pixels) + 0.5) * pixel
    places = np.floor((middles - ruler.origin) / ruler.step)
    inside = np.flatnonzero((places >= 0) & (places < ruler.count))
    if not len(inside):
        return None
    cells = np.minimum((places[inside] / factor).astype(np.int64), count - 1)
    return Axis(cells, middles[inside], low + inside[0] * pixel, low + (inside[-1] + 1) * pixel)
