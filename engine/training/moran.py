"""Moran's I over nearest neighbours: whether values at near places are more alike than chance would have it."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from .near_places import nearest_places
from .sites import Sites, some_rows
from .student import two_sided_normal

NEIGHBOURS = 8
_MOST_ROWS = 50_000


@dataclass(frozen=True)
class Moran:
    """The statistic, what chance would give, and by how many standard deviations it differs (two-sided p)."""

    value: float
    expected: float
    z: float
    p: float

    @property
    def alike(self) -> bool:
        """Tell whether near places are more alike than chance would have it."""
        return self.z > 0 and self.p < 0.05


@dataclass(frozen=True)
class NeighbourGraph:
    """The rows that were looked at and, as positions among them, the nearest of each, all of equal weight."""

    rows: np.ndarray
    nearest: np.ndarray


def neighbour_graph(sites: Sites, neighbours: int = NEIGHBOURS, seed: int = 0) -> NeighbourGraph:
    """Link each place to its nearest ones; places that are missing, and all beyond 50,000, are left out."""
    placed = np.flatnonzero(np.isfinite(sites.points).all(axis=1))
    rows = placed[some_rows(len(placed), _MOST_ROWS, seed)]
    count = min(neighbours, len(rows) - 1)
    if count < 1:
        return NeighbourGraph(rows[:0], np.empty((0, 0), dtype=np.int64))
    return NeighbourGraph(rows, nearest_places(sites.coordinates()[rows], count)[0])


def morans_i(values: np.ndarray, graph: NeighbourGraph) -> Moran:
    """Return Moran's I of values `(n,)`, one a sample, with z under randomisation; NaN where it can't be told.

    Weights are 1 / neighbours from each place to its nearest (rows sum to 1); the moments are Cliff and Ord's.
    """
    values = np.asarray(values, dtype=np.float64)[graph.rows]
    count, width = graph.nearest.shape
    if count < 4:
        return Moran(math.nan, math.nan, math.nan, math.nan)
    apart = values - values.mean()
    square = float(apart @ apart)
    expected = -1.0 / (count - 1)
    if not square > 1e-24 * max(1.0, float(np.abs(values).max()) ** 2) * count:
        return Moran(math.nan, expected, math.nan, math.nan)
    value = float((apart * apart[graph.nearest].mean(axis=1)).sum()) / square
    variance = _variance(graph, float((apart ** 4).mean()) / (square / count) ** 2, expected)
    if not variance > 0:
        return Moran(value, expected, math.nan, math.nan)
    z = (value - expected) / math.sqrt(variance)
    return Moran(value, expected, z, two_sided_normal(z))


def _variance(graph: NeighbourGraph, kurtosis: float, expected: float) -> float:
    """Return the variance over all orders of the values, of which only the kurtosis counts."""
    n, width = graph.nearest.shape
    total = float(n)
    source = np.repeat(np.arange(n), width)
    target = graph.nearest.ravel()
    mutual = int(np.isin(source * n + target, target * n + source).sum())
    # Half the sum of (w_ij + w_ji)²: each link counts its square, and each that is returned once more.
    one = (n * width + mutual) / width ** 2
    two = float(((1.0 + np.bincount(target, minlength=n) / width) ** 2).sum())
    first = n * ((n * n - 3 * n + 3) * one - n * two + 3 * total ** 2)
    second = kurtosis * ((n * n - n) * one - 2 * n * two + 6 * total ** 2)
    return (first - second) / ((n - 1) * (n - 2) * (n - 3) * total ** 2) - expected ** 2
