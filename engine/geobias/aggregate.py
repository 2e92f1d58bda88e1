"""The mean of a score over centres, weighted by how many places each has around it, for many columns of marks."""

from __future__ import annotations

import numpy as np

from .chance import tolerance


class Aggregate:
    """Adds up centres block by block; a centre without a score counts for nothing in that column."""

    def __init__(self, columns: int) -> None:
        """Begin with nothing; the first column is that of the true marks."""
        self.columns = columns
        self.centres = 0
        self.left_out = 0
        self.saturated = 0
        self._sums = np.zeros(columns)
        self._weights = np.zeros(columns)

    def add(self, scores: np.ndarray, weights: np.ndarray, saturated: np.ndarray) -> None:
        """Add scores `(centres, columns)` with weights that broadcast against them."""
        known = np.isfinite(scores)
        weights = np.where(known, weights, 0.0)
        self._sums += (np.where(known, scores, 0.0) * weights).sum(axis=0)
        self._weights += weights.sum(axis=0)
        counted = known[:, 0] & (weights[:, 0] > 0)
        self.centres += int(counted.sum())
        self.left_out += int((~known[:, 0]).sum())
        self.saturated += int((counted & saturated[:, 0]).sum())

    def means(self) -> np.ndarray:
        """Return the weighted mean of each column; NaN where nothing was added."""
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.where(self._weights > 0, self._sums / self._weights, np.nan)

    def local_p(self, scores: np.ndarray) -> np.ndarray:
        """Return for each centre how often chance gives as much there; NaN without a score or without chance."""
        if scores.shape[1] < 2:
            return np.full(len(scores), np.nan)
        own = scores[:, :1]
        with np.errstate(invalid="ignore"):
            as_large = (scores[:, 1:] >= own - tolerance(own)).sum(axis=1)
            return np.where(np.isfinite(own[:, 0]), (1 + as_large) / scores.shape[1], np.nan)
