"""Labelled rows ready to learn from: vectors, further columns, targets, and where and whose they are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, List, Optional, Tuple

import numpy as np

from ..table.parts import Identity
from .columns import ColumnPlan
from .target import TargetPlan


@dataclass(frozen=True)
class SampleCounts:
    """What became of the labelled features: `read` are all of them, `used` those that gave at least one sample.

    Each feature left out is counted once, by the first reason that held: no target, an infinite value, no weight
    (empty or zero), a further column missing (where such rows are dropped), no geometry where one is needed, outside
    the field or unmatched in the table, not in the mask, no vector there, its class too small. `columns_filled` counts
    values of further columns, not features.
    """

    read: int = 0
    used: int = 0
    without_target: int = 0
    outside: int = 0
    without_vector: int = 0
    infinite: int = 0
    without_place: int = 0
    columns_filled: int = 0
    columns_dropped: int = 0
    too_small: int = 0
    without_weight: int = 0
    masked: int = 0

    @property
    def left_out(self) -> int:
        """Return how many features gave no sample."""
        return self.read - self.used


@dataclass(frozen=True)
class Samples:
    """Rows to train on; several rows of one labelled feature (cells of a polygon) share its number in `units`.

    Shapes: vectors `(n, D)` and columns `(n, C)` float32 and finite; targets `(n, T)` on the transformed scale or
    `(n,)` class indices; weights `(n,)` of mean 1; points `(n, 2)` in the CRS of `wkt` and places `(n, 2)` in degrees,
    NaN where there is no geometry or CRS; units, and groups where a group column was given, `(n,)`.
    """

    name: str
    vectors: np.ndarray
    columns: np.ndarray
    targets: np.ndarray
    weights: np.ndarray
    points: np.ndarray
    places: np.ndarray
    wkt: str
    units: np.ndarray
    groups: Optional[np.ndarray]
    group_names: "Tuple[str, ...]"
    ids: "List[Any]"
    identity: Identity
    column_plan: ColumnPlan
    target: TargetPlan
    counts: SampleCounts

    @property
    def classes(self) -> int:
        """Return the number of classes, 0 for a regression."""
        return len(self.target.classes)

    @property
    def features(self) -> np.ndarray:
        """Return `(n, D + C)` float32: vectors, then further columns."""
        return np.hstack([self.vectors, self.columns]).astype(np.float32, copy=False)
