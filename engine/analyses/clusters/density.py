"""HDBSCAN on a sample, condensed into exemplars that tell the groups of all other vectors."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...errors import InputError, PackageError
from ...packages import MENU, require
from ...pipeline import attend
from ...progress import Part, Progress
from .distinct import distinct_rows
from .kmeans import EUCLIDEAN, nearest, quick_kmeans
from .rules import DenseGroup, dense_group

_EXEMPLARS = 768
_MOST_OF_ONE = 96
_REACH = 0.99
_CORE = 10


@dataclass(frozen=True)
class DensityFit:
    """The group of each point (−1 = none), the rule for others, and how far that rule agrees on the points."""

    labels: np.ndarray
    rule: DenseGroup
    agreement: float


def fit_density(points: np.ndarray, least: int, seed: int, progress: Progress) -> DensityFit:
    """Find dense groups of at least `least` points (0 = a hundredth of them)."""
    cluster = require("sklearn.cluster")
    if not hasattr(cluster, "HDBSCAN"):
        raise PackageError("hdbscan-missing", "METHOD hdbscan needs scikit-learn 1.3 or newer: update it with "
                           "“{menu}”, or use another METHOD.", menu=MENU)
    least = least or max(_CORE, len(points) // 100)
    if least > len(points) // 2:
        raise InputError("clusters-least", "LEAST is {least}, but the sample has only {rows} vectors: lower it or "
                         "raise SAMPLE.", least=least, rows=len(points))
    estimator = cluster.HDBSCAN(min_cluster_size=max(2, least), min_samples=min(_CORE, max(2, least)), copy=True)
    labels = attend(lambda: estimator.fit_predict(points), Part(progress, 0.0, 0.8)).astype(np.int64)
    if labels.max() < 0:
        raise InputError("clusters-none", "HDBSCAN finds no group of {least} vectors or more that lie closer together "
                         "than the rest: lower LEAST, or use METHOD kmeans.", least=least)
    rule = _condensed(points, labels, seed, Part(progress, 0.8, 1.0))
    given = rule.labels(np.ascontiguousarray(points.T), np.empty((0, 0)))
    return DensityFit(labels, rule, float((given == labels).mean()))


def _condensed(points: np.ndarray, labels: np.ndarray, seed: int, progress: Progress) -> DenseGroup:
    """Cover each group with exemplars that reach as far as its points lie from them.

    Every other point makes the exemplars and the rest tell how far they have to reach: points that an exemplar was made
    of lie nearer to it than any that are still to come.
    """
    groups = int(labels.max()) + 1
    total = int((labels >= 0).sum())
    exemplars, owner, reach = [], [], []
    for group in range(groups):
        members = points[labels == group]
        making, judging = (members[::2], members[1::2]) if len(members) > 1 else (members, members)
        found = _covering(making, total, len(members), seed, progress)
        _, squares = nearest(judging, found)
        exemplars.append(found)
        owner.append(np.full(len(found), group))
        reach.append(np.full(len(found), np.quantile(squares, _REACH), dtype=np.float32))
    return dense_group(np.concatenate(exemplars), np.concatenate(owner), np.concatenate(reach))


def _covering(members: np.ndarray, total: int, share: int, seed: int, progress: Progress) -> np.ndarray:
    """Return exemplars of one group, as many as its share asks for."""
    count = int(np.clip(round(_EXEMPLARS * share / total), 1, min(_MOST_OF_ONE, max(1, len(members) // 4))))
    if distinct_rows(members, count) < count:
        return members[:1]
    return quick_kmeans(members, count, EUCLIDEAN, seed, progress).centres
