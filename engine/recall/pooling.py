"""All queries as one curve, where each has truths of its own: what share of all truths is found after so much ground.

Every query is walked on its own ground, so that an area is that of one query. With one truth a query this is the share
of queries whose truth is found.
"""

from __future__ import annotations

from typing import Sequence

import numpy as np

from .band import Band, mean_range, recall_band
from .curve import Curve
from .judged import Judged, TruthCount, TruthParts
from .places_order import Drawing, mean_variance
from .points_told import told_areas
from .request import USUAL, RecallRequest

ALL = "all queries"


def pooled(queries: "Sequence[Judged]", request: RecallRequest) -> Judged:
    """Return the curve of all truths; its band draws whole queries."""
    weights = np.array([one.curve.total for one in queries])
    curve = _joined([one.curve for one in queries], weights)
    # Chance bends where the ground of a query ends.
    areas = np.union1d(told_areas(curve, (0.5, USUAL, request.wanted, 0.9)), [one.curve.ground for one in queries])
    found = np.stack([weight * walked(one.curve, areas) for one, weight in zip(queries, weights)])
    parts = _parts(queries, curve)
    chosen = _drawing(queries, parts)
    band = recall_band(curve.recall(areas), found, weights, chosen.independent, request.draws, request.seed)
    shares = weights / weights.sum()
    chance = [Band(*(_along(one, values, areas) for values in (one.chance.middle, one.chance.lower, one.chance.upper)))
              for one in queries]
    middle = sum(share * one.middle for share, one in zip(shares, chance))
    # The luck of queries is independent: their variances add.
    low, high = (np.sqrt(sum((share * (edge - one.middle)) ** 2 for share, one, edge in zip(shares, chance, edges)))
                 for edges in ([one.lower for one in chance], [one.upper for one in chance]))
    under = mean_range(parts.early / parts.weights, parts.weights, chosen.groups, request.draws, request.seed)
    return Judged(ALL, curve, areas, band, Band(middle, middle - low, middle + high), chosen, _count(queries, shares),
                  under, parts, all(one.exact for one in queries))


def walked(curve: Curve, areas: np.ndarray) -> np.ndarray:
    """Return recall at areas, which stays as it is once all ground is walked."""
    return curve.recall(np.minimum(areas, curve.ground))


def _joined(curves: "Sequence[Curve]", weights: np.ndarray) -> Curve:
    """Return the mean of curves: straight between the bends of any of them."""
    ground = max(curve.ground for curve in curves)
    knots = np.unique(np.concatenate([[0.0, ground], *(np.concatenate([curve.begins, curve.ends])
                                                       for curve in curves)]))
    truth = sum(weight * walked(curve, knots) for curve, weight in zip(curves, weights))
    return Curve(np.full(len(knots) - 1, np.nan), np.zeros(len(knots)), np.diff(knots), np.diff(truth),
                 float(weights.sum()))


def _along(one: Judged, values: np.ndarray, areas: np.ndarray) -> np.ndarray:
    """Return what a query's values are at other areas."""
    return np.interp(areas, one.areas, values)


def _parts(queries: "Sequence[Judged]", curve: Curve) -> TruthParts:
    """Return all truths; how early each is found is measured on the most ground that any query has."""
    early = [one.parts.found - (one.parts.found - one.parts.early) * one.curve.ground / curve.ground
             for one in queries]
    return TruthParts(*(np.concatenate(arrays) for arrays in (
        [one.parts.features for one in queries], [one.parts.weights for one in queries],
        [one.parts.found for one in queries], early)))


def _drawing(queries: "Sequence[Judged]", parts: TruthParts) -> Drawing:
    """Draw whole queries; say how many truths that have nothing to do with each other would tell as much."""
    groups = np.repeat(np.arange(len(queries)), [len(one.parts.features) for one in queries])
    values, weights = parts.early / parts.weights, parts.weights
    alone = mean_variance(np.arange(len(values)), values, weights)
    effect = max(1.0, mean_variance(groups, values, weights) / alone) if alone > 0 else 1.0
    several = float(weights.sum() ** 2 / (weights ** 2).sum())
    return Drawing(groups, len(queries), effect, max(1.0, several / effect))


def _count(queries: "Sequence[Judged]", shares: np.ndarray) -> TruthCount:
    """Add what became of truths."""
    counts = [one.count for one in queries]
    return TruthCount(counts[0].kind, sum(one.used for one in counts), sum(one.outside for one in counts),
                      sum(one.empty for one in counts), 0,
                      float(sum(share * one.lost for share, one in zip(shares, counts))))
