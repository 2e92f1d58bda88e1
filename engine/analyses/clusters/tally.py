"""Counts of a clustering, gathered block by block: how many, how much ground, how near, which is the most typical."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Sequence

import numpy as np

COUNT, AREA, DISTANCE, SQUARE, NEAREST, PLACE = range(6)


def tally_block(classes: np.ndarray, distances: np.ndarray, areas: np.ndarray, numbers: int) -> np.ndarray:
    """Return `(6, numbers)`: members, area, sums of distances and of squares, least distance and whose it is.

    All arguments are flat; class 0 doesn't count, and a NaN distance only counts its member.
    """
    found = np.zeros((6, numbers))
    found[NEAREST], found[PLACE] = np.inf, -1
    found[COUNT] = np.bincount(classes, minlength=numbers + 1)[1:]
    found[AREA] = np.bincount(classes, weights=areas, minlength=numbers + 1)[1:]
    known = np.flatnonzero(np.isfinite(distances) & (classes > 0))
    if not len(known):
        return found
    of, far = classes[known], distances[known].astype(np.float64)
    found[SQUARE] = np.bincount(of, weights=far, minlength=numbers + 1)[1:]
    found[DISTANCE] = np.bincount(of, weights=np.sqrt(far), minlength=numbers + 1)[1:]
    order = np.argsort(of.astype(np.uint16), kind="stable")
    starts = np.flatnonzero(np.diff(of[order], prepend=-1))
    least = np.minimum.reduceat(far[order], starts)
    hits = np.flatnonzero(far[order] == np.repeat(least, np.diff(np.append(starts, len(order)))))
    owners, first = np.unique(of[order][hits], return_index=True)
    found[NEAREST, owners - 1] = least
    found[PLACE, owners - 1] = known[order[hits[first]]]
    return found


@dataclass
class Tally:
    """The sum of all blocks' counts, with the place of each class's most typical member."""

    table: np.ndarray
    places: np.ndarray

    @classmethod
    def empty(cls, numbers: int) -> "Tally":
        """Return a tally of nothing."""
        table = np.zeros((6, numbers))
        table[NEAREST] = np.inf
        return cls(table, np.full((numbers, 2), -1, dtype=np.int64))

    def add(self, block: np.ndarray, places: "Sequence[tuple[int, int]]") -> None:
        """Add a block's counts; `places` are column and row (or row and 0) of each class's nearest member."""
        self.table[:NEAREST] += block[:NEAREST]
        nearer = block[NEAREST] < self.table[NEAREST]
        self.table[NEAREST, nearer] = block[NEAREST, nearer]
        self.places[nearer] = np.asarray(places, dtype=np.int64)[nearer]

    @property
    def counts(self) -> np.ndarray:
        """Return how many members each class has."""
        return self.table[COUNT].astype(np.int64)
