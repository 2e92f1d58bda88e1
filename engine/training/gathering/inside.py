"""Which points lie in which polygons, by the edges that a line to the left of each point crosses."""

from __future__ import annotations

from typing import Tuple

import numpy as np

from ...features.outlines import OUTER, Outlines

_MOST_CROSSINGS = 2_000_000


def pairs_inside(points: np.ndarray, polygons: Outlines) -> "Tuple[np.ndarray, np.ndarray]":
    """Return features and points, in the order of features, wherever a point lies in a feature's polygons."""
    finite = np.flatnonzero(np.isfinite(points).all(axis=1))
    by_x = finite[np.argsort(points[finite, 0], kind="stable")]
    sorted_x = points[by_x, 0]
    features, found = [], []
    for feature, rings in _rings(polygons):
        vertices = np.concatenate(rings)
        if not np.isfinite(vertices).all():
            continue
        (west, south), (east, north) = vertices.min(axis=0), vertices.max(axis=0)
        near = by_x[np.searchsorted(sorted_x, west, "left"):np.searchsorted(sorted_x, east, "right")]
        near = near[(points[near, 1] >= south) & (points[near, 1] <= north)]
        if len(near):
            starts = np.concatenate([ring[:-1] for ring in rings])
            ends = np.concatenate([ring[1:] for ring in rings])
            within = np.sort(near[_inside(points[near], starts, ends)])
            features.append(np.full(len(within), feature, dtype=np.int64))
            found.append(within)
    if not found:
        return np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64)
    return np.concatenate(features), np.concatenate(found)


def inside_any(points: np.ndarray, polygons: Outlines) -> np.ndarray:
    """Tell which points lie in any of the polygons."""
    found = np.zeros(len(points), dtype=bool)
    found[pairs_inside(points, polygons)[1]] = True
    return found


def _rings(polygons: Outlines) -> "list[tuple[int, list[np.ndarray]]]":
    """Return each feature's rings."""
    found: "dict[int, list[np.ndarray]]" = {}
    for kind, feature, vertices in zip(polygons.kinds, polygons.features, polygons.vertices):
        if kind >= OUTER:
            found.setdefault(feature, []).append(vertices)
    return sorted(found.items())


def _inside(points: np.ndarray, starts: np.ndarray, ends: np.ndarray) -> np.ndarray:
    """Tell which points have an odd number of edges to their left; each edge is compared with the points beside it."""
    order = np.argsort(points[:, 1], kind="stable")
    y = points[order, 1]
    low, high = np.minimum(starts[:, 1], ends[:, 1]), np.maximum(starts[:, 1], ends[:, 1])
    first, after = np.searchsorted(y, low, "left"), np.searchsorted(y, high, "left")
    counts = after - first
    crossed = np.zeros(len(points), dtype=np.int64)
    heaped = np.cumsum(counts)
    cuts = np.searchsorted(heaped, np.arange(_MOST_CROSSINGS, heaped[-1] + _MOST_CROSSINGS, _MOST_CROSSINGS), "right")
    begin = 0
    for cut in [*cuts.tolist(), len(counts)]:
        # A single edge may have more than its share of points beside it.
        end = max(cut, begin + 1) if begin < len(counts) else begin
        part = slice(begin, min(end, len(counts)))
        edge = np.repeat(np.arange(len(counts))[part], counts[part])
        run = np.arange(len(edge)) - np.repeat(np.cumsum(counts[part]) - counts[part], counts[part])
        place = order[first[edge] + run]
        share = (points[place, 1] - starts[edge, 1]) / (ends[edge, 1] - starts[edge, 1])
        left = starts[edge, 0] + share * (ends[edge, 0] - starts[edge, 0]) <= points[place, 0]
        crossed += np.bincount(place[left], minlength=len(points))
        begin = part.stop
    return crossed % 2 == 1
