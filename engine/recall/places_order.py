"""Truths in an order in which neighbours follow each other, cut into groups that are drawn together.

True places lie in clusters, and those of one cluster are found alike: a hundred points in three villages tell little
more than three. The band is drawn by whole groups of neighbours as large as it takes for the groups to differ as much
as independent ones would.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

MOST_GROUPS = 2048
LEAST_GROUPS = 8
# Groups are taken only where their doubt is above that of single truths by so many of its own standard errors.
_CLEARLY = 2.0


@dataclass(frozen=True, eq=False)
class Drawing:
    """Which truths are drawn together: a group for each, how many groups there are, and how much wider that is.

    `effect` is the variance beside that of truths which stand for themselves, at least 1; `independent` is how many
    such truths would tell as much.
    """

    groups: np.ndarray
    count: int
    effect: float
    independent: float

    @property
    def least(self) -> bool:
        """Tell whether larger groups were out of the question, so that the doubt may be greater still."""
        return self.clustered and self.count < 2 * LEAST_GROUPS

    @property
    def clustered(self) -> bool:
        """Tell whether neighbours are drawn together because they are found alike."""
        return self.effect > 1.0


def neighbours_order(places: np.ndarray) -> np.ndarray:
    """Return an order of places `(n, 2)` in which near ones follow each other, by halving the wider side.

    Pieces smaller than the smallest group stay as they are.
    """
    order = np.arange(len(places))
    least = max(1, len(places) // MOST_GROUPS)
    waiting = [(0, len(places))]
    while waiting:
        start, end = waiting.pop()
        if end - start <= least:
            continue
        part = order[start:end]
        own = places[part]
        axis = int(np.argmax(np.ptp(own, axis=0)))
        middle = (end - start) // 2
        order[start:end] = part[np.argpartition(own[:, axis], middle, kind="introselect")]
        waiting += [(start, start + middle), (start + middle, end)]
    return order


def group_of(order: np.ndarray, count: int) -> np.ndarray:
    """Return the group of each truth where the order is cut into so many even runs."""
    groups = np.empty(len(order), dtype=np.int64)
    groups[order] = np.arange(len(order)) * count // len(order)
    return groups


def any_order(places: np.ndarray) -> np.ndarray:
    """Return an order that has nothing to do with where places lie, the same for as many places."""
    return np.random.default_rng(len(places)).permutation(len(places))


def alone(order: np.ndarray, weights: np.ndarray) -> Drawing:
    """Let truths stand for themselves; where they are many, runs of an order that says nothing are as good."""
    leaves = min(len(order), MOST_GROUPS)
    return Drawing(group_of(order, leaves), leaves, 1.0, _several(weights))


def together(order: np.ndarray, values: np.ndarray, weights: np.ndarray) -> Drawing:
    """Choose groups for truths with values such as how early each was found; the weighted mean is what varies.

    `order` is one in which neighbours follow each other.
    """
    leaves = min(len(order), MOST_GROUPS)
    single = mean_variance(np.arange(len(order)), values, weights)
    best, most = leaves, single
    for count in _counts(leaves):
        found = mean_variance(group_of(order, count), values, weights)
        if found > most and found > single * (1 + _CLEARLY * np.sqrt(2 / (count - 1))):
            best, most = count, found
    effect = most / single if single > 0 else 1.0
    return Drawing(group_of(order, best), best, effect, max(1.0, _several(weights) / effect))


def _several(weights: np.ndarray) -> float:
    """Return how many truths of equal weight tell as much as these."""
    return float(weights.sum() ** 2 / (weights ** 2).sum())


def _counts(leaves: int) -> "list[int]":
    """Return the numbers of groups to try, each about half of the one before."""
    found, count = [], leaves // 2
    while count >= LEAST_GROUPS:
        found.append(count)
        count //= 2
    return found


def mean_variance(groups: np.ndarray, values: np.ndarray, weights: np.ndarray) -> float:
    """Return the variance of a weighted mean whose groups are independent of each other."""
    count = int(groups.max()) + 1
    if count < 2:
        return 0.0
    total = weights.sum()
    mean = (values * weights).sum() / total
    sums = np.bincount(groups, weights * (values - mean), count)
    return float((sums ** 2).sum() / total ** 2 * count / (count - 1))
