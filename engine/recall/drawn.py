"""What a curve is worth: truths in groups of neighbours, drawn anew, give its band."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from .band import chance_band, recall_band, resampled, student
from .curve import Curve
from .judged import Judged, TruthCount, TruthParts
from .laying import Laid
from .places_order import Drawing, alone, any_order, mean_variance, neighbours_order, together
from .points_told import told_areas
from .request import NEIGHBOURS, USUAL, RecallRequest

_NOTHING = 1e-9


@dataclass(frozen=True, eq=False)
class Entries:
    """What is found at which step of the search: a feature, the step and the weight there.

    `early` is, for every feature, the weight found times how early it is found.
    """

    owners: np.ndarray
    steps: np.ndarray
    weights: np.ndarray
    early: np.ndarray


def drawn(walked: Curve, entries: Entries, weights: np.ndarray, count: TruthCount, laid: Laid,
          request: RecallRequest, name: str, exact: bool) -> Judged:
    """Return a query as it was judged; `weights` are those of all features, 0 for those that don't count."""
    truths = np.bincount(entries.steps, entries.weights, len(walked.scores))
    curve = replace(walked, truths=truths, total=float(weights.sum()))
    counted = weights[laid.features] > 0
    features = laid.features[counted]
    parts = TruthParts(features, weights[features], entries.early[features])
    chosen = _chosen(laid.places[counted], parts, request)
    areas = told_areas(curve, (0.5, USUAL, request.wanted, 0.9))
    groups = np.zeros(len(weights), dtype=np.int64)
    groups[features] = chosen.groups
    found = found_by_group(curve, groups[entries.owners], entries.steps, entries.weights, chosen.count, areas)
    whole = np.bincount(chosen.groups, parts.weights, chosen.count)
    band = recall_band(curve.recall(areas), found, whole, chosen.independent, request.draws, request.seed)
    if count.lost < _NOTHING:
        # Whoever walks all ground finds all truth that lies on it.
        band.lower[-1] = band.upper[-1] = 1.0
    early = np.bincount(chosen.groups, parts.early, chosen.count)
    drawn_under = resampled(early[:, None], whole, request.draws, request.seed)
    half = student(chosen.count - 1) * mean_variance(chosen.groups, parts.early / parts.weights, parts.weights) ** 0.5
    under = (max(0.0, min(float(drawn_under[0][0]), curve.under - half)),
             min(1.0, max(float(drawn_under[1][0]), curve.under + half)))
    return Judged(name, curve, areas, band, chance_band(areas / curve.ground, curve.reach, chosen.independent),
                  chosen, count, under, parts, exact)


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
