"""Silhouettes (Rousseeuw 1987): how much nearer things are to their own group than to the next one."""

from __future__ import annotations

import numpy as np

MOST_ROWS = 2000


class Silhouettes:
    """Judges several groupings of the same points, whose distances are computed once."""

    def __init__(self, points: np.ndarray) -> None:
        """Compute all distances between points `(rows, dims)`."""
        centred = points - points.mean(axis=0, dtype=np.float64)
        square = np.einsum("ij,ij->i", centred, centred)
        self._distances = np.sqrt(np.maximum(square[:, None] + square[None, :] - 2 * (centred @ centred.T), 0))
        np.fill_diagonal(self._distances, 0)

    def mean(self, labels: np.ndarray) -> float:
        """Return the mean silhouette, −1..1, leaving out negative labels; NaN where fewer than two groups are left."""
        counted = np.flatnonzero(labels >= 0)
        names, groups = np.unique(labels[counted], return_inverse=True)
        if len(names) < 2:
            return float("nan")
        member = np.zeros((len(counted), len(names)))
        member[np.arange(len(counted)), groups] = 1
        sizes = member.sum(axis=0)
        sums = self._distances[np.ix_(counted, counted)] @ member
        rows = np.arange(len(counted))
        own = sums[rows, groups] / np.maximum(sizes[groups] - 1, 1)
        means = sums / sizes
        means[rows, groups] = np.inf
        other = means.min(axis=1)
        larger = np.maximum(own, other)
        values = np.where((sizes[groups] > 1) & (larger > 0), (other - own) / np.where(larger > 0, larger, 1), 0.0)
        return float(values.mean())
