"""The cells under true places: a pass over the windows that any of them touches, and over no others."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Callable, List, Optional, Sequence, Tuple

import numpy as np
from osgeo import gdal

from ..dataset import block_cache, open_raster
from ..features.shapes import POLYGON, Shapes
from ..grid import Window
from ..pipeline import Job, run
from ..progress import Progress
from .score_raster import ScoreRaster, ground_of, scores_of

Planned = Tuple[Window, np.ndarray]


@dataclass(frozen=True, eq=False)
class TruthCells:
    """Pairs of a truth and a cell that counts: the score and whether there is one, and how much of the truth it holds.

    `amounts` count points, or km² of a polygon; `shares` are the covered shares of the cells.
    """

    truths: np.ndarray
    scores: np.ndarray
    valid: np.ndarray
    amounts: np.ndarray
    shares: np.ndarray

    def scored(self) -> "Tuple[np.ndarray, np.ndarray, np.ndarray]":
        """Return truths, scores and amounts of the pairs that have a score."""
        if self.valid.all():
            return self.truths, self.scores, self.amounts
        return self.truths[self.valid], self.scores[self.valid], self.amounts[self.valid]


def touched(raster: ScoreRaster, shapes: Shapes, features: np.ndarray) -> "List[Planned]":
    """Return the windows of the ground that features may touch, with those features as sorted numbers."""
    boxes = shapes.boxes
    found: "List[Planned]" = []
    row, in_row = -1, features
    for window in raster.windows():
        if window.y != row:
            row = window.y
            in_row = features[(boxes[features, 1] < window.bottom) & (boxes[features, 3] >= window.y)]
        near = in_row[(boxes[in_row, 0] < window.right) & (boxes[in_row, 2] >= window.x)]
        if len(near):
            found.append((window, near))
    return found


class _Reader:
    """Reads a window and finds out which truths touch its cells."""

    def __init__(self, raster: ScoreRaster, shapes: Shapes) -> None:
        """Open nothing yet: the reader's thread does."""
        self._raster = raster
        self._shapes = shapes
        self._dataset: Optional[gdal.Dataset] = None

    def read(self, planned: Planned) -> Optional[TruthCells]:
        """Return a window's pairs, None where there are none after all."""
        window, features = planned
        pairs = self._shapes.pairs(window, features)
        if not len(pairs):
            return None
        areas, counts = ground_of(self._raster.grid, window, self._raster.query.mask)
        inside = counts[pairs.cells]
        truths, cells, shares = pairs.zones[inside], pairs.cells[inside], pairs.weights[inside]
        if not len(truths):
            return None
        if self._dataset is None:
            self._dataset = open_raster(self._raster.source.path)
        scores, valid = scores_of(self._raster.source.read(self._dataset, window))
        amounts = shares * np.where(self._shapes.kinds[truths] == POLYGON, areas[cells], 1.0)
        return TruthCells(truths, scores[cells], valid[cells], amounts, shares)


class _Sink:
    """Hands windows over."""

    def __init__(self, take: "Callable[[TruthCells], None]") -> None:
        """Keep whom to hand them to."""
        self._take = take

    def write(self, planned: Planned, found: Optional[TruthCells]) -> None:
        """Hand one window over."""
        if found is not None:
            self._take(found)


def walk_truth(raster: ScoreRaster, shapes: Shapes, plan: "Sequence[Planned]",
               take: "Callable[[TruthCells], None]", progress: Progress) -> None:
    """Give `take` the cells under truths, window by window."""

    def compute(planned: Planned, found: Optional[TruthCells], tick: Any) -> Optional[TruthCells]:
        """Pass a window on."""
        tick(0.0)
        return found

    with block_cache(max(16, raster.memory_mib // 8)):
        run(Job(plan, _Reader(raster, shapes), compute, _Sink(take), f"Reading “{raster.query.name}” under the truth",
                weight=lambda planned: float(planned[0].width * planned[0].height)), progress)
