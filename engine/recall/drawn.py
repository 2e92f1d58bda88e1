"""What a curve is worth: truths in groups of neighbours, drawn anew, give its band."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from .band import chance_band, mean_range, recall_band
from .curve import Curve
from .judged import Judged, TruthCount, TruthParts
from .laying import Laid
from .places_order import Drawing, alone, any_order, neighbours_order, together
from .points_told import told_areas
from .request import NEIGHBOURS, USUAL, RecallRequest


@dataclass(frozen=True, eq=False)
class Entries:
    """What is found at which step of the search: a feature, the step and the weight there.

    `early` is, for every feature, the weight found times how early it is found.
    """

    owners: np.ndarray
    steps: np.ndarray
    weights: np.ndarray
    early: np.ndarray


@dataclass(frozen=True, eq=False)
class Weighed:
    """The weight of every feature, 0 for those that don't count, how much of it is found at all, and their count."""

    weights: np.ndarray
    found: np.ndarray
    count: TruthCount


def drawn(walked: Curve, entries: Entries, weighed: Weighed, laid: Laid, request: RecallRequest, name: str,
          exact: bool) -> Judged:
    """Return a query as it was judged."""
    weights = weighed.weights
    truths = np.bincount(entries.steps, entries.weights, len(walked.scores))
    curve = replace(walked, truths=truths, total=float(weights.sum()))
    counted = weights[laid.features] > 0
    features = laid.features[counted]
    parts = TruthParts(features, weights[features], weighed.found[features], entries.early[features])
    chosen = _chosen(laid.places[counted], parts, request)
    areas = told_areas(curve, (0.5, USUAL, request.wanted, 0.9))
    groups = np.zeros(len(weights), dtype=np.int64)
    groups[features] = chosen.groups
    found = found_by_group(curve, groups[entries.owners], entries.steps, entries.weights, chosen.count, areas)
    whole = np.bincount(chosen.groups, parts.weights, chosen.count)
    band = recall_band(curve.recall(areas), found, whole, chosen.independent, request.draws, request.seed)
    under = mean_range(parts.early / parts.weights, parts.weights, chosen.groups, request.draws, request.seed)
    return Judged(name, curve, areas, band, chance_band(areas / curve.ground, curve.reach, chosen.independent),
                  chosen, weighed.count, under, parts, exact)


def order_of(places: np.ndarray, request: RecallRequest) -> np.ndarray:
    """Return the order of truths that is cut into groups."""
    return neighbours_order(places) if request.band == NEIGHBOURS else any_order(places)


def _chosen(places: np.ndarray, parts: TruthParts, request: RecallRequest) -> Drawing:
    """Choose which truths are drawn together."""
    order = order_of(places, request)
    if request.band == NEIGHBOURS:
        return together(order, parts.early / parts.weights, parts.weights)
    return alone(order, parts.weights)


def found_by_group(curve: Curve, groups: np.ndarray, steps: np.ndarray, weights: np.ndarray, count: int,
                   areas: np.ndarray) -> np.ndarray:
    """Return the weight `(groups, areas)` that each group has found after ascending areas."""
    now, share = curve.position(areas)
    done = np.searchsorted(now, steps, "right")
    width = len(areas) + 1
    found = np.bincount(groups * width + done, weights, count * width).reshape(count, width)[:, :-1].cumsum(axis=1)
    order = np.argsort(steps, kind="stable")
    begin, end = (np.searchsorted(steps[order], now, side) for side in ("left", "right"))
    for point in np.flatnonzero((share > 0) & (end > begin)).tolist():
        part = order[begin[point]:end[point]]
        found[:, point] += share[point] * np.bincount(groups[part], weights[part], count)
    return found
