"""How a query was judged: its curve, the band about it, and what chance would do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Optional

import numpy as np

from .band import Band
from .curve import Curve
from .places_order import Drawing

LEAST_SHARE = 0.001


@dataclass(frozen=True, eq=False)
class TruthCount:
    """What became of the truths: `kind` is points or polygons; the others count features.

    `outside` lie wholly beyond the raster, `empty` wholly on cells without a score; `left_out` lie beyond the ground
    that counts and are no truths of this query. `lost` is the share of the truth that lies on no ground.
    """

    kind: str
    used: int
    outside: int = 0
    empty: int = 0
    left_out: int = 0
    lost: float = 0.0


@dataclass(frozen=True, eq=False)
class TruthParts:
    """Each truth by its number among the features: its weight, what is found of it, and that times how early it is."""

    features: np.ndarray
    weights: np.ndarray
    found: np.ndarray
    early: np.ndarray


@dataclass(frozen=True, eq=False)
class Judged:
    """A query's curve and the points at which it is told: areas in km² with recall, its band, and chance with its.

    `under` is the range of the area under the curve; `exact` tells that no scores were rounded on the way.
    """

    name: str
    curve: Curve
    areas: np.ndarray
    band: Band
    chance: Band
    drawing: Drawing
    count: TruthCount
    under: "tuple[float, float]"
    parts: "TruthParts"
    exact: bool = True

    @property
    def recalls(self) -> np.ndarray:
        """Return the recall at the areas told."""
        return self.curve.recall(self.areas)

    def at(self, area: float) -> "Optional[tuple[float, float, float, float]]":
        """Return recall, lower, upper and chance after an area; None where there is less ground than that."""
        if not area <= self.curve.ground * (1 + 1e-9):
            return None
        area = min(area, self.curve.ground)
        values = (self.band.lower, self.band.upper, self.chance.middle)
        return (float(self.curve.recall(np.array([area]))[0]),
                *(float(np.interp(area, self.areas, one)) for one in values))

    def needed(self, recall: float) -> "tuple[float, float, float]":
        """Return the area that finds so much of the truth, and the range it lies in; NaN where none does."""
        return (self.curve.area(recall), _reached(self.areas, self.band.upper, recall),
                _reached(self.areas, self.band.lower, recall))

    def by_chance(self, recall: float) -> float:
        """Return the area in which a search at random finds so much of the truth; NaN where it never does."""
        return _reached(self.areas, self.chance.middle, recall)

    @property
    def chance_under(self) -> float:
        """Return the area under the line of chance."""
        middle = (self.chance.middle[1:] + self.chance.middle[:-1]) / 2
        return float((middle * np.diff(self.areas)).sum() / self.curve.ground)

    @property
    def under_log(self) -> float:
        """Return the mean recall over the logarithm of the share of the ground."""
        return self.curve.under_log(LEAST_SHARE)


def _reached(areas: np.ndarray, recalls: np.ndarray, wanted: float) -> float:
    """Return where a curve that never falls reaches a height, between its points; NaN where it doesn't."""
    first = int(np.searchsorted(recalls, wanted * (1 - 1e-9)))
    if first >= len(recalls):
        return float("nan")
    if first == 0:
        return float(areas[0])
    low, high = float(recalls[first - 1]), float(recalls[first])
    return float(areas[first - 1] + (wanted - low) / (high - low) * (areas[first] - areas[first - 1]))
