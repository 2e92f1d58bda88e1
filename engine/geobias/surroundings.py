"""Which places lie within a radius of others, on the globe, a few centres at a time: memory stays that of a block."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Iterator

import numpy as np

from ..geodesy import MEAN_RADIUS
from ..training.near_places import small_boxes

_MOST_PRODUCTS = 4_000_000


@dataclass(frozen=True, eq=False)
class Surroundings:
    """The pairs of some centres: `owner` counts centres, in order; `site` is the place, `distance` how far in radians.

    Each centre has at least one pair, which is itself.
    """

    centres: np.ndarray
    owner: np.ndarray
    site: np.ndarray
    distance: np.ndarray

    def counts(self) -> np.ndarray:
        """Return how many places each centre has around it, itself included."""
        return np.bincount(self.owner, minlength=len(self.centres))


class SurroundingsIndex:
    """Finds places within a radius by small boxes of places, of which only near ones are looked into."""

    def __init__(self, upright: np.ndarray) -> None:
        """Part the unit vectors `(n, 3)` into boxes."""
        self._upright = upright
        self._boxes = small_boxes(upright)
        self._low = np.stack([upright[rows].min(axis=0) for rows in self._boxes])
        self._high = np.stack([upright[rows].max(axis=0) for rows in self._boxes])

    def around(self, centres: np.ndarray, metres: float) -> "Iterator[Surroundings]":
        """Yield the surroundings of some places, in blocks of centres that lie near each other."""
        angle = min(metres / MEAN_RADIUS, np.pi)
        chord = 2 * np.sin(angle / 2)
        limit = chord * chord
        for part in small_boxes(self._upright[centres]) if len(centres) else []:
            rows = np.sort(centres[part])
            own = self._upright[rows]
            gap = np.maximum(np.maximum(self._low - own.max(axis=0), own.min(axis=0) - self._high), 0.0)
            near = np.flatnonzero(np.einsum("ij,ij->i", gap, gap) <= limit * (1 + 1e-12))
            others = np.sort(np.concatenate([self._boxes[box] for box in near]))
            step = max(1, _MOST_PRODUCTS // len(others))
            for start in range(0, len(rows), step):
                yield self._pairs(rows[start:start + step], others, limit)

    def _pairs(self, rows: np.ndarray, others: np.ndarray, limit: float) -> Surroundings:
        """Return the pairs within reach."""
        squares = np.zeros((len(rows), len(others)))
        for axis in range(3):
            squares += (self._upright[rows, axis][:, np.newaxis] - self._upright[others, axis]) ** 2
        owner, found = np.nonzero(squares <= limit)
        chords = np.sqrt(squares[owner, found])
        return Surroundings(rows, owner, others[found], 2 * np.arcsin(np.clip(chords / 2, 0.0, 1.0)))


def farthest_of_nearest(upright: np.ndarray, count: int, seed: int) -> float:
    """Return the median, over a sample of places, of the metres within which so many other places lie."""
    sample = int(np.clip(20_000_000 // max(len(upright), 1), 50, 1000))
    rows = np.arange(len(upright))
    if len(rows) > sample:
        rows = np.sort(np.random.default_rng([seed, 2]).choice(rows, sample, replace=False))
    found = np.empty(len(rows))
    for index, row in enumerate(rows):
        apart = upright - upright[row]
        squares = np.einsum("ij,ij->i", apart, apart)
        found[index] = np.partition(squares, count)[count]
    return float(2 * np.arcsin(np.clip(np.sqrt(np.median(found)) / 2, 0.0, 1.0)) * MEAN_RADIUS)
