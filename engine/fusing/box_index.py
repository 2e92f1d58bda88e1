"""Finds which of many boxes touch one: boxes of a size together, in the order of their west edges."""

from __future__ import annotations

from dataclasses import dataclass
from typing import List

import numpy as np


@dataclass(frozen=True)
class _Level:
    """Boxes of like width: a large one among small ones must not widen the search for all."""

    rows: np.ndarray
    boxes: np.ndarray
    widest: float


class BoxIndex:
    """Boxes `(n, 4)` as west, east, south, north; rows with a NaN touch nothing."""

    def __init__(self, boxes: np.ndarray) -> None:
        """Sort boxes into levels, each four times as wide as the one before."""
        known = np.flatnonzero(np.isfinite(boxes).all(axis=1))
        width = boxes[known, 1] - boxes[known, 0]
        floor = float(width[width > 0].min(initial=np.inf))
        level = np.zeros(len(known), dtype=np.int64)
        if np.isfinite(floor):
            level = np.floor(np.log2(np.maximum(width, floor) / floor) / 2).astype(np.int64)
        self._levels: "List[_Level]" = []
        for number in np.unique(level):
            rows = known[level == number]
            rows = rows[np.argsort(boxes[rows, 0], kind="stable")]
            self._levels.append(_Level(rows, boxes[rows], float((boxes[rows, 1] - boxes[rows, 0]).max())))

    def touching(self, west: float, east: float, south: float, north: float) -> np.ndarray:
        """Return the rows of the boxes that touch a box, in ascending order."""
        found = []
        for level in self._levels:
            start = int(np.searchsorted(level.boxes[:, 0], west - level.widest, side="left"))
            stop = int(np.searchsorted(level.boxes[:, 0], east, side="right"))
            near = level.boxes[start:stop]
            found.append(level.rows[start:stop][(near[:, 1] >= west) & (near[:, 2] <= north) & (near[:, 3] >= south)])
        return np.sort(np.concatenate(found)) if found else np.zeros(0, dtype=np.int64)

    def overlapping(self, west: float, east: float, south: float, north: float) -> np.ndarray:
        """Return the rows of the boxes that share more than an edge with a box."""
        return self.touching(np.nextafter(west, np.inf), np.nextafter(east, -np.inf), np.nextafter(south, np.inf),
                             np.nextafter(north, -np.inf))
