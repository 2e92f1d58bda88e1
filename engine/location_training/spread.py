"""How places lie: how far the next one is, how far they reach, and where longitudes leave their largest gap."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..geodesy import MEAN_RADIUS
from ..locations.cartesian import unit_sphere
from ..training.near_places import nearest_places
from ..training.sites import along_globe

KM_PER_DEGREE = float(np.radians(MEAN_RADIUS)) / 1000
_MOST = 50_000


@dataclass(frozen=True)
class Spread:
    """Distinct places, the median way to the nearest other one in km, and their box in degrees.

    `west` is where the box starts, `width` how wide it is: it may cross 180°.
    """

    places: int
    spacing: float
    west: float
    south: float
    width: float
    height: float

    @property
    def extent(self) -> float:
        """Return the longer side of the box on the ground, in km."""
        nearest = 0.0 if self.south <= 0 <= self.south + self.height else min(
            abs(self.south), abs(self.south + self.height))
        return max(self.height, self.width * float(np.cos(np.radians(nearest)))) * KM_PER_DEGREE

    @property
    def share(self) -> float:
        """Return how much of the globe's ground the box has."""
        south, north = np.radians([self.south, self.south + self.height])
        return float(self.width / 360.0 * (np.sin(north) - np.sin(south)) / 2)

    @property
    def middle_latitude(self) -> float:
        """Return the latitude in the middle of the box."""
        return self.south + self.height / 2


def spread_of(places: np.ndarray, seed: int = 0) -> Spread:
    """Return how places `(n, 2)` lie; of very many, a sample tells the spacing, put right for what it lacks."""
    distinct = np.unique(places, axis=0)
    west, width = _longitudes(distinct[:, 0])
    south = float(distinct[:, 1].min())
    spacing = 0.0
    if len(distinct) > 1:
        some = distinct
        if len(distinct) > _MOST:
            some = distinct[np.sort(np.random.default_rng(seed).choice(len(distinct), _MOST, replace=False))]
        straight = nearest_places(unit_sphere(some) * MEAN_RADIUS, 1)[1][:, 0]
        spacing = float(np.median(along_globe(straight))) / 1000 * float(np.sqrt(len(some) / len(distinct)))
    return Spread(len(distinct), spacing, west, south, width, float(distinct[:, 1].max()) - south)


def _longitudes(longitudes: np.ndarray) -> "tuple[float, float]":
    """Return where the shortest stretch that holds all longitudes starts, and how long it is."""
    ordered = np.unique(longitudes)
    gaps = np.append(np.diff(ordered), ordered[0] + 360.0 - ordered[-1])
    widest = int(np.argmax(gaps))
    return float(ordered[(widest + 1) % len(ordered)]), float(360.0 - gaps[widest])
