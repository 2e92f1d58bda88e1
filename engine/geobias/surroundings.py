"""Which places lie within a radius of others, on the globe, a few centres at a time: memory stays that of a block."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Iterator

import numpy as np

from ..geodesy import MEAN_RADIUS
from ..progress import Progress, check
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
        limit = _chord(metres) ** 2
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


def reach_of(upright: np.ndarray, count: int, seed: int, progress: Progress) -> float:
    """Return the median, over a sample of places, of the metres within which so many other places lie."""
    found = [float(np.partition(squares, count)[count]) for squares in _sampled(upright, seed, progress)]
    return float(2 * np.arcsin(min(np.sqrt(np.median(found)) / 2, 1.0)) * MEAN_RADIUS)


def count_within(upright: np.ndarray, metres: float, seed: int, progress: Progress) -> int:
    """Return the median, over a sample of places, of how many other places lie within so many metres."""
    limit = _chord(metres) ** 2
    return int(np.median([int((squares <= limit).sum()) - 1 for squares in _sampled(upright, seed, progress)]))


def _sampled(upright: np.ndarray, seed: int, progress: Progress) -> "Iterator[np.ndarray]":
    """Yield the squared chords from each place of a sample to all places."""
    sample = int(np.clip(20_000_000 // max(len(upright), 1), 50, 1000))
    rows = np.arange(len(upright))
    if len(rows) > sample:
        rows = np.sort(np.random.default_rng([seed, 2]).choice(rows, sample, replace=False))
    for row in rows:
        check(progress)
        apart = upright - upright[row]
        yield np.einsum("ij,ij->i", apart, apart)


def _chord(metres: float) -> float:
    """Return how far apart on the unit sphere what is so many metres apart along the globe is straight through it."""
    return float(2 * np.sin(min(metres / MEAN_RADIUS, np.pi) / 2))
