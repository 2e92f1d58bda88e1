"""Whether places lie in clusters: then random folds judge a model right beside what it learnt from."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from ..near_places import nearest_places
from ..sites import METRES_PER_DEGREE, Sites, UnitSites, along_globe

_CLUSTERED = 0.8
_SURE = -1.96


@dataclass(frozen=True)
class Clustering:
    """Clark and Evans' ratio: how far the nearest place is, over how far it would be if places were strewn at random.

    1 = at random, below = clustered, up to 2.15 = evenly spread; `area` is that of the places' convex hull.
    """

    statistic: float
    z: float
    clustered: bool
    nearest: float
    sentence: str


def clustering_of(sites: Sites) -> Clustering:
    """Judge the middles of all units; few places, or places in a line, are never called clustered."""
    units = sites.by_unit()
    number = len(units.points)
    if sites.missing or number < 5:
        return Clustering(math.nan, math.nan, False, math.nan, "Too few places to tell whether they are clustered.")
    distance = nearest_places(units.coordinates, 1)[1][:, 0]
    near = float((along_globe(distance) if sites.geographic else distance).mean())
    area = hull_area(flat(sites, units))
    if not area > 0:
        return Clustering(math.nan, math.nan, False, near / sites.scale, "The places lie in a line or at one spot.")
    expected = 0.5 * math.sqrt(area / number)
    statistic = near / expected
    z = (near - expected) / (0.26136 * math.sqrt(area) / number)
    clustered = statistic < _CLUSTERED and z < _SURE
    words = "are clustered" if clustered else "are not clustered"
    return Clustering(statistic, z, clustered, near / sites.scale,
                      "The {} places {}: the nearest one lies {:.2f} times as far as among places strewn at random "
                      "(Clark and Evans).".format(number, words, statistic))


def flat(sites: Sites, units: UnitSites) -> np.ndarray:
    """Return coordinates `(u, 2)` in which areas are true: those of the CRS, or metres around the places' middle."""
    if not sites.geographic:
        return units.points
    middle = units.coordinates.mean(axis=0)
    length = float(np.linalg.norm(middle))
    if length == 0:
        return units.points * METRES_PER_DEGREE
    up = middle / length
    aside = np.cross(up, np.eye(3)[int(np.argmin(np.abs(up)))])
    aside /= np.linalg.norm(aside)
    # Lambert's azimuthal projection: the straight distance from the middle is the radius.
    radius = np.linalg.norm(units.coordinates, axis=1)
    unit = units.coordinates / radius[:, np.newaxis]
    height = np.maximum(1.0 + unit @ up, 1e-9)
    plane = np.stack([unit @ aside, unit @ np.cross(up, aside)], axis=1)
    return plane * np.sqrt(2.0 / height)[:, np.newaxis] * radius[:, np.newaxis]


def hull_area(points: np.ndarray) -> float:
    """Return the area of the convex hull (Andrew's chain)."""
    ordered = np.unique(points, axis=0)
    if len(ordered) < 3:
        return 0.0
    ordered = ordered - ordered.mean(axis=0)
    hull = np.array(_chain(ordered) + _chain(ordered[::-1]))
    x, y = hull.T
    return float(abs((x * np.roll(y, -1) - y * np.roll(x, -1)).sum()) / 2)


def _chain(ordered: np.ndarray) -> list:
    """Return one side of the hull, without its last point."""
    side: list = []
    for x, y in ordered.tolist():
        while len(side) > 1 and ((side[-1][0] - side[-2][0]) * (y - side[-2][1])
                                 - (side[-1][1] - side[-2][1]) * (x - side[-2][0])) <= 0:
            side.pop()
        side.append((x, y))
    return side[:-1]
