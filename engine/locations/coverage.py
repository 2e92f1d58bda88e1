"""Where on the globe training data lie: some of their places and how far around each they reach."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Dict, Mapping

import numpy as np

from ..geodesy import MEAN_RADIUS
from .cartesian import unit_sphere

MOST_PLACES = 2000
_SEARCHED = 20_000
_NEIGHBOURS = 2000
_LEAST_METRES = 1.0
_PAIRS = 1 << 22
_BITS = 21
# So many cubes reach from a place to the end of its reach.
_CUBES = 4


@dataclass(frozen=True, eq=False)
class Coverage:
    """Places `(m, 2)` that stand for all, and the distance in metres within which a place counts as covered."""

    places: np.ndarray
    distance: float

    def outside(self, places: np.ndarray) -> np.ndarray:
        """Tell of each place `(n, 2)` whether it lies farther than the distance from every place of the data."""
        points = unit_sphere(np.asarray(places, dtype=np.float64))
        found = np.ones(len(points), dtype=bool)
        inside, unsure = self._index.sort(points)
        found[inside] = False
        found[unsure] = _nearest(points[unsure], self._index.points) > self._index.chord
        return found

    @cached_property
    def _index(self) -> "_CellIndex":
        """Return what decides most places at once."""
        return _CellIndex(unit_sphere(self.places), _chord(self.distance))

    def as_json(self) -> "Dict[str, Any]":
        """Return it as plain JSON."""
        return {"distance": round(self.distance, 1), "places": [[float(x), float(y)] for x, y in self.places]}


def coverage_from_json(raw: "Mapping[str, Any]") -> Coverage:
    """Read it back; raises ValueError, KeyError or TypeError for what is none."""
    places = np.asarray(raw["places"], dtype=np.float64).reshape(-1, 2)
    distance = float(raw["distance"])
    if not 0 < len(places) <= 2 * MOST_PLACES or not np.isfinite(places).all() or not 0 < distance < np.inf:
        raise ValueError("its area holds no places or no distance")
    if (np.abs(places) > [540.0, 90.0]).any():
        raise ValueError("its area lies beyond the globe")
    return Coverage(places, distance)


def coverage_of(places: np.ndarray, seed: int = 0) -> Coverage:
    """Return the coverage of training places: all of them lie within, however few of them are kept.

    The distance is that within which nearly all places have their nearest other one, or what thinning asks for.
    """
    chance = np.random.default_rng(seed)
    unique = np.unique(np.asarray(places, dtype=np.float64), axis=0)
    few = unique if len(unique) <= _SEARCHED else unique[np.sort(chance.choice(len(unique), _SEARCHED, replace=False))]
    kept = _spread(unit_sphere(few), MOST_PLACES, int(chance.integers(len(few))))
    reach = max(_metres(float(_nearest(unit_sphere(unique), unit_sphere(few[kept])).max())), _spacing(few, chance),
                _LEAST_METRES)
    digits = int(np.clip(np.ceil(np.log10(111_000.0 / reach)) + 1, 0, 7))
    rounding = 111_000.0 * 10.0 ** -digits
    return Coverage(np.round(few[kept], digits), reach + rounding)


def _spread(points: np.ndarray, most: int, start: int) -> np.ndarray:
    """Return the numbers of points that lie as far apart as can be, each the farthest from those before it."""
    if len(points) <= most:
        return np.arange(len(points))
    kept = np.empty(most, dtype=np.int64)
    nearest = np.full(len(points), np.inf)
    for number in range(most):
        kept[number] = start
        nearest = np.minimum(nearest, ((points - points[start]) ** 2).sum(axis=1))
        start = int(nearest.argmax())
    return np.sort(kept)


def _spacing(places: np.ndarray, chance: np.random.Generator) -> float:
    """Return the 95th percentile of the distance to the nearest other place, in metres."""
    if len(places) < 2:
        return _LEAST_METRES
    points = unit_sphere(places)
    rows = np.arange(len(points)) if len(points) <= _NEIGHBOURS else np.sort(
        chance.choice(len(points), _NEIGHBOURS, replace=False))
    found = np.empty(len(rows))
    step = max(1, _PAIRS // len(points))
    for first in range(0, len(rows), step):
        part = rows[first:first + step]
        squares = 2.0 - 2.0 * (points[part] @ points.T)
        squares[np.arange(len(part)), part] = np.inf
        found[first:first + step] = ((points[part] - points[squares.argmin(axis=1)]) ** 2).sum(axis=1)
    return _metres(float(np.sqrt(np.percentile(found, 95))))


def _nearest(points: np.ndarray, own: np.ndarray) -> np.ndarray:
    """Return the straight distance on the unit sphere from each point to the nearest of others."""
    found = np.empty(len(points))
    step = max(1, _PAIRS // len(own))
    for first in range(0, len(points), step):
        part = points[first:first + step]
        nearest = own[(part @ own.T).argmax(axis=1)]
        found[first:first + step] = np.sqrt(((part - nearest) ** 2).sum(axis=1))
    return found


def _chord(metres: float) -> float:
    """Return the straight distance on the unit sphere of a distance on the ground."""
    return float(2 * np.sin(min(metres / MEAN_RADIUS, np.pi) / 2))


def _metres(chord: float) -> float:
    """Return the distance on the ground of a straight distance on the unit sphere."""
    return float(2 * MEAN_RADIUS * np.arcsin(min(chord / 2, 1.0)))


class _CellIndex:
    """Cubes of space around the places of an area, which decide most cases without a distance."""

    def __init__(self, own: np.ndarray, chord: float) -> None:
        """Note which cubes lie within a place's reach as a whole, and which at least in part."""
        self.points, self.chord = own, chord
        self._side = max(chord / _CUBES, 2.0 ** (2 - _BITS))
        reach = int(np.ceil(chord / self._side)) + 1
        self._shift = reach + 1
        steps = np.arange(-reach, reach + 1)
        around = np.stack(np.meshgrid(steps, steps, steps, indexing="ij"), axis=-1).reshape(-1, 3)
        half = np.sqrt(0.75) * self._side * (1 + 1e-9)
        whole, part = [], []
        piece = max(1, _PAIRS // (8 * len(around)))
        for first in range(0, len(own), piece):
            points = own[first:first + piece]
            cells = self._cells(points)[:, None, :] + around
            centres = (cells - self._shift + 0.5) * self._side - 1.0
            away = np.sqrt(((centres - points[:, None, :]) ** 2).sum(axis=2))
            # Places lie on the sphere, so that cubes beside it are of no use.
            near = (away - half <= chord) & (np.abs(np.sqrt((centres ** 2).sum(axis=2)) - 1.0) <= half)
            codes = _codes(cells[near])
            part.append(np.unique(codes))
            whole.append(np.unique(codes[away[near] + half <= chord]))
        self._whole, self._part = np.unique(np.concatenate(whole)), np.unique(np.concatenate(part))

    def sort(self, points: np.ndarray) -> "tuple[np.ndarray, np.ndarray]":
        """Return the rows that are covered for certain, and those whose distance must be looked at."""
        codes = _codes(self._cells(points))
        inside = _among(codes, self._whole)
        return np.flatnonzero(inside), np.flatnonzero(_among(codes, self._part) & ~inside)

    def _cells(self, points: np.ndarray) -> np.ndarray:
        """Return the numbers `(n, 3)` of the cubes that points lie in."""
        return np.floor((points + 1.0) / self._side).astype(np.int64) + self._shift


def _codes(cells: np.ndarray) -> np.ndarray:
    """Return one number for each cube."""
    return (cells[:, 0] << (2 * _BITS)) | (cells[:, 1] << _BITS) | cells[:, 2]


def _among(codes: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Tell which numbers are among sorted ones."""
    if not len(known):
        return np.zeros(len(codes), dtype=bool)
    at = np.minimum(np.searchsorted(known, codes), len(known) - 1)
    return known[at] == codes
