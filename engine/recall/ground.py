"""One pass over all ground: how much of it lies at each threshold, and how much between two of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Optional, Sequence

import numpy as np

from ..field_pass import FieldBlock, scan
from ..grid import Grid, Window
from ..progress import Progress
from .score_raster import ScoreRaster, ground_of, scores_of
from .thresholds import Thresholds


@dataclass(frozen=True, eq=False)
class Ground:
    """Areas in km² by ascending thresholds: `at` each one, and `between` it and the one before; the last is above."""

    at: np.ndarray
    between: np.ndarray

    @property
    def whole(self) -> float:
        """Return all ground."""
        return float(self.at.sum() + self.between.sum())


def ground_areas(blocks: "Sequence[FieldBlock]", window: Window, grid: Grid, thresholds: Thresholds,
                 mask: "Optional[tuple[bytes, ...]]") -> "list[np.ndarray]":
    """Return the area of a window's valid cells in each slot of the thresholds."""
    [block] = blocks
    scores, valid = scores_of(block)
    areas, counts = ground_of(grid, window, mask)
    kept = valid & counts
    if not kept.any():
        return []
    if not kept.all():
        scores, areas = scores[kept], areas[kept]
    return [np.bincount(thresholds.slots(scores), areas, 2 * len(thresholds.scores) + 1)]


def measure_ground(raster: ScoreRaster, thresholds: Thresholds, progress: Progress) -> Ground:
    """Walk over all ground once."""
    slots = np.zeros(2 * len(thresholds.scores) + 1)

    def take(window: Window, found: "Sequence[Any]") -> None:
        """Add a window's areas."""
        if len(found):
            np.add(slots, found[0], out=slots)

    work = raster.work(ground_areas, {"grid": raster.grid, "thresholds": thresholds, "mask": raster.query.mask},
                       f"Measuring the ground of “{raster.query.name}”")
    scan(work, take, progress)
    return Ground(slots[1::2].copy(), slots[0::2].copy())
