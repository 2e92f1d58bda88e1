"""What the truths of a query add up to while their cells are read."""

from __future__ import annotations

from typing import List, Tuple

import numpy as np

from .thresholds import Thresholds
from .truth_cells import TruthCells


class Tally:
    """How much of each truth lies on cells with a score and on cells without, and how many cells that is."""

    def __init__(self, count: int) -> None:
        """Begin with nothing."""
        self.scored = np.zeros(count)
        self.empty = np.zeros(count)
        self.cells = np.zeros(count)

    def take(self, found: TruthCells) -> None:
        """Add a window."""
        count = len(self.scored)
        self.scored += np.bincount(found.truths, found.amounts * found.valid, count)
        self.empty += np.bincount(found.truths, found.amounts * ~found.valid, count)
        self.cells += np.bincount(found.truths, found.shares, count)


class KeptCells:
    """Keeps every pair of a truth and a cell, while these are few."""

    def __init__(self, tally: Tally) -> None:
        """Count beside keeping."""
        self._tally = tally
        self._parts: "List[Tuple[np.ndarray, np.ndarray, np.ndarray]]" = []

    def take(self, found: TruthCells) -> None:
        """Keep a window."""
        self._tally.take(found)
        self._parts.append(found.scored())

    def pairs(self) -> "Tuple[np.ndarray, np.ndarray, np.ndarray]":
        """Return truths, scores and amounts."""
        if not self._parts:
            return np.empty(0, dtype=np.int64), np.empty(0), np.empty(0)
        truths, scores, amounts = zip(*self._parts)
        return np.concatenate(truths), np.concatenate(scores), np.concatenate(amounts)


class SummedCells:
    """Adds pairs by group of truths and threshold, where they are too many to keep."""

    def __init__(self, tally: Tally, thresholds: Thresholds, groups: np.ndarray, weights: np.ndarray,
                 early: np.ndarray) -> None:
        """Take the group and the weight of each truth, and how early each threshold is walked."""
        self._tally = tally
        self._thresholds = thresholds
        self._groups = groups
        self._weights = weights
        self._early = early
        self.sums = np.zeros((int(groups.max()) + 1, len(thresholds.scores)))
        self.early = np.zeros(len(groups))

    def take(self, found: TruthCells) -> None:
        """Add a window."""
        self._tally.take(found)
        truths, scores, amounts = found.scored()
        steps = self._thresholds.steps(scores)
        weighted = amounts * self._weights[truths]
        self.early += np.bincount(truths, weighted * self._early[steps], len(self.early))
        keys, places = np.unique(self._groups[truths] * self.sums.shape[1] + steps, return_inverse=True)
        self.sums.reshape(-1)[keys] += np.bincount(places, weighted)
