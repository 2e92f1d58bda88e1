"""Where on the globe training data lie: some of their places and how far around each they reach."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Dict, Mapping

import numpy as np

from ..geodesy import MEAN_RADIUS
from .cartesian import unit_sphere

MOST_PLACES = 2000
_SEARCHED = 20_000
_NEIGHBOURS = 2000
_LEAST_METRES = 1.0
_PAIRS = 1 << 22


@dataclass(frozen=True, eq=False)
class Coverage:
    """Places `(m, 2)` that stand for all, and the distance in metres within which a place counts as covered."""

    places: np.ndarray
    distance: float

    def outside(self, places: np.ndarray) -> np.ndarray:
        """Tell of each place `(n, 2)` whether it lies farther than the distance from every place of the data."""
        points = unit_sphere(np.asarray(places, dtype=np.float64))
        chord = _chord(self.distance)
        found = np.ones(len(points), dtype=bool)
        cells, own = _near_cells(points, chord), unit_sphere(self.places)
        index = _CellIndex(own, chord)
        inside, unsure = index.sort(cells)
        found[inside] = False
        found[unsure] = _nearest(points[unsure], own) > chord
        return found

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


_BITS = 20


def _near_cells(points: np.ndarray, chord: float) -> np.ndarray:
    """Return the numbers `(n, 3)` of the cubes that points lie in; two of a cube are nearer than a chord."""
    side = max(chord / np.sqrt(3.0) * 0.999, 2.0 ** (3 - _BITS))
    return np.floor((points + 1.0) / side).astype(np.int64) + 4


class _CellIndex:
    """The cubes that places lie in, which decide most cases without a distance."""

    def __init__(self, own: np.ndarray, chord: float) -> None:
        """Note the cubes of the places, and those from which a place may be within reach."""
        cells = _near_cells(own, chord)
        self._exact = chord / np.sqrt(3.0) * 0.999 >= 2.0 ** (3 - _BITS)
        self._inside = np.unique(_codes(cells))
        steps = np.arange(-2, 3)
        around = np.stack(np.meshgrid(steps, steps, steps, indexing="ij"), axis=-1).reshape(-1, 3)
        self._near = np.unique(_codes((np.unique(cells, axis=0)[:, None, :] + around).reshape(-1, 3)))

    def sort(self, cells: np.ndarray) -> "tuple[np.ndarray, np.ndarray]":
        """Return the rows that are covered for certain, and those whose distance must be looked at."""
        codes = _codes(cells)
        inside = _among(codes, self._inside) if self._exact else np.zeros(len(codes), dtype=bool)
        near = _among(codes, self._near)
        return np.flatnonzero(inside), np.flatnonzero(near & ~inside)


def _codes(cells: np.ndarray) -> np.ndarray:
    """Return one number for each cube."""
    return (cells[:, 0] << (2 * _BITS)) | (cells[:, 1] << _BITS) | cells[:, 2]


def _among(codes: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Tell which numbers are among sorted ones."""
    at = np.minimum(np.searchsorted(known, codes), len(known) - 1)
    return known[at] == codes
