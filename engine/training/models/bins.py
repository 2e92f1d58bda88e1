"""Features as numbers of bins between quantiles: what histogram boosting would do itself anew at every step."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Tuple

import numpy as np

# Boosting takes 255 distinct values as they are.
MOST_BINS = 255
_MOST_ROWS = 100_000
_STREAM = 97


@dataclass(frozen=True)
class Bins:
    """For each feature the largest value of every bin but the last, as float32: a split between bins is exact."""

    edges: "Tuple[np.ndarray, ...]"

    def numbers(self, x: np.ndarray) -> np.ndarray:
        """Return the bins `(n, F)` of values, counted from 0, as float32."""
        found = np.empty(x.shape, dtype=np.float32, order="F")
        for feature, edges in enumerate(self.edges):
            found[:, feature] = np.searchsorted(edges, np.ascontiguousarray(x[:, feature], dtype=np.float32))
        return found

    def values(self, features: np.ndarray, numbers: np.ndarray) -> np.ndarray:
        """Return the largest values that lie in these bins of these features, or below, infinity beyond the last."""
        found = np.full(len(features), np.inf, dtype=np.float32)
        for place, (feature, number) in enumerate(zip(features, numbers)):
            edges = self.edges[feature]
            if number < len(edges):
                found[place] = edges[int(number)]
        return found


def fit_bins(x: np.ndarray, seed: int) -> Bins:
    """Part each feature at quantiles, or between all its values where they are few."""
    if len(x) > _MOST_ROWS:
        x = x[np.sort(np.random.default_rng((seed, _STREAM)).choice(len(x), _MOST_ROWS, replace=False))]
    return Bins(tuple(_edges(np.unique(column)) if _few(column) else _quantiles(column)
                      for column in np.ascontiguousarray(x.T, dtype=np.float32)))


def _few(column: np.ndarray) -> bool:
    """Tell whether every value can have a bin."""
    return len(np.unique(column)) <= MOST_BINS


def _edges(values: np.ndarray) -> np.ndarray:
    """Return what lies between rising values, never as large as the upper of two."""
    middle = ((values[:-1].astype(np.float64) + values[1:]) / 2).astype(np.float32)
    return np.where(middle >= values[1:], values[:-1], middle).astype(np.float32)


def _quantiles(column: np.ndarray) -> np.ndarray:
    """Return evenly filled bins' ends, each once."""
    ordered = np.sort(column)
    places = (np.arange(1, MOST_BINS) * len(ordered)) // MOST_BINS
    return np.unique(_edges(ordered)[places - 1])
