"""Agglomerative clustering by Ward's criterion: rows are merged step by step, and the tree is cut where asked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Optional, Sequence

import numpy as np

from ...packages import require
from ...pipeline import attend
from ...progress import Progress
from .choosing import NumberQuality
from .neighbours import Neighbours
from .silhouette import MOST_ROWS, Silhouettes


@dataclass(frozen=True)
class Tree:
    """All merges in order: row i joined two of the things before it, rows first, earlier merges after them."""

    merges: np.ndarray

    @property
    def rows(self) -> int:
        """Return how many rows were merged."""
        return len(self.merges) + 1

    def cut(self, clusters: int) -> np.ndarray:
        """Return the group of each row when all but the last merges are done."""
        done = self.rows - clusters
        parent = np.arange(self.rows + done)
        for index, (first, second) in enumerate(self.merges[:done].tolist()):
            parent[first] = parent[second] = self.rows + index
        for index in range(len(parent) - 1, -1, -1):
            parent[index] = parent[parent[index]]
        _, labels = np.unique(parent[:self.rows], return_inverse=True)
        return labels


def grow_tree(points: np.ndarray, neighbours: Optional[Neighbours], progress: Progress) -> Tree:
    """Merge points `(rows, dims)`; with neighbours, only groups that touch."""
    cluster = require("sklearn.cluster")
    links = None if neighbours is None else neighbours.matrix()
    merges = attend(lambda: cluster.ward_tree(points.astype(np.float64), connectivity=links)[0], progress)
    return Tree(np.asarray(merges, dtype=np.int64))


def judge_cuts(points: np.ndarray, tree: Tree, numbers: "Sequence[int]", seed: int) -> "tuple[NumberQuality, ...]":
    """Return the silhouette of each number of groups; there is no chance whose work could be unstable."""
    rows = len(points)
    some = np.arange(rows) if rows <= MOST_ROWS else np.sort(
        np.random.default_rng(seed).choice(rows, MOST_ROWS, replace=False))
    silhouettes = Silhouettes(points[some])
    return tuple(NumberQuality(number, silhouettes.mean(tree.cut(number)[some]), float("nan")) for number in numbers)
