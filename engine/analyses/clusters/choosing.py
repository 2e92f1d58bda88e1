"""How well a number of clusters suits: silhouettes, and whether other starts find the same groups."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import combinations
from typing import Callable, Sequence

import numpy as np

from ...progress import Part, Progress
from .agreement import adjusted_rand
from .silhouette import MOST_ROWS, Silhouettes

RUNS = 4
_SHARE = 0.8

# Fits some points with a seed and tells how it labels others.
Labeller = Callable[[np.ndarray], np.ndarray]
QuickFit = Callable[[np.ndarray, int, int, Progress], Labeller]


@dataclass(frozen=True)
class NumberQuality:
    """What speaks for a number of clusters; stability is NaN where a method knows no chance."""

    clusters: int
    silhouette: float
    stability: float

    @property
    def score(self) -> float:
        """Return silhouette times stability, 0 where either is below it."""
        steady = 1.0 if math.isnan(self.stability) else max(self.stability, 0.0)
        return 0.0 if math.isnan(self.silhouette) else max(self.silhouette, 0.0) * steady


def judge_numbers(points: np.ndarray, numbers: "Sequence[int]", fit: QuickFit, seed: int,
                  progress: Progress) -> "tuple[NumberQuality, ...]":
    """Fit each number several times, with other seeds on other four fifths of the points, and compare the labels."""
    chance = np.random.default_rng(seed)
    judged = points[_some(len(points), MOST_ROWS, chance)]
    silhouettes = Silhouettes(judged)
    parts = [points[_some(len(points), max(1, int(_SHARE * len(points))), chance)] for _ in range(RUNS)]
    found = []
    for done, clusters in enumerate(numbers):
        labels = []
        for run, part in enumerate(parts):
            step = (done + run / RUNS) / len(numbers)
            inner = Part(progress, step, step + 1 / (RUNS * len(numbers)))
            labels.append(fit(part, clusters, seed + run, inner)(judged))
        pairs = [adjusted_rand(first, second) for first, second in combinations(labels, 2)]
        widths = [silhouettes.mean(one) for one in labels]
        found.append(NumberQuality(clusters, float(np.mean(widths)), float(np.mean(pairs))))
    progress.report(1.0)
    return tuple(found)


def best_number(curve: "Sequence[NumberQuality]") -> int:
    """Return the number of the highest score, the smaller of equals; where all are 0, of the highest silhouette."""
    best = max(curve, key=lambda quality: (quality.score, quality.silhouette, -quality.clusters))
    return best.clusters


def _some(rows: int, most: int, chance: np.random.Generator) -> np.ndarray:
    """Return the places of so many rows, in order."""
    return np.arange(rows) if rows <= most else np.sort(chance.choice(rows, most, replace=False))
