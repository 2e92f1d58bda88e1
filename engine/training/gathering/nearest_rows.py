"""The nearest of many places within a distance, by a lattice of cubes as wide as that distance."""

from __future__ import annotations

from itertools import product
from typing import Tuple

import numpy as np

from ...geodesy import FLATTENING, SEMI_MAJOR, Ground

_SAMPLE = 400
_STRIP = 64
_MOST_CUBES = 1e6


def spacing(ground: Ground, places: np.ndarray, seed: int) -> float:
    """Return the median distance in metres from a place to the next other one, 0 where there are fewer than two."""
    upright = _upright(ground, places)
    upright = upright[np.isfinite(upright).all(axis=1)]
    if len(upright) < 2:
        return 0.0
    chosen = np.random.default_rng(seed).permutation(len(upright))[:_SAMPLE]
    nearest = []
    for start in range(0, len(chosen), _STRIP):
        part = upright[chosen[start:start + _STRIP]]
        apart = np.sqrt(sum((part[:, axis, None] - upright[None, :, axis]) ** 2 for axis in range(3)))
        apart[apart <= 1e-3] = np.inf
        nearest.append(apart.min(axis=1))
    found = np.concatenate(nearest)
    found = found[np.isfinite(found)]
    return float(np.median(found)) if len(found) else 0.0


def nearest_within(ground: Ground, first: np.ndarray, second: np.ndarray,
                   metres: float) -> "Tuple[np.ndarray, np.ndarray]":
    """Return for each first place the nearest second one and its distance, −1 and infinity where all are farther."""
    one, two = _upright(ground, first), _upright(ground, second)
    best, least = np.full(len(one), -1, dtype=np.int64), np.full(len(one), np.inf)
    there = np.flatnonzero(np.isfinite(two).all(axis=1))
    mine = np.flatnonzero(np.isfinite(one).all(axis=1))
    if not len(there) or not len(mine):
        return best, least
    low, high = two[there].min(axis=0), two[there].max(axis=0)
    # Wider cubes are right as well; of narrower ones there would be more than a number can count.
    side = max(metres, float((high - low).max()) / _MOST_CUBES)
    corner = low - 2 * side
    spans = np.floor((high - corner) / side).astype(np.int64) + 4
    cubes = np.floor((two[there] - corner) / side).astype(np.int64)
    own = np.floor((one[mine] - corner) / side).astype(np.int64)
    near = ((own > 0) & (own < spans - 1)).all(axis=1)
    mine, own = mine[near], own[near]
    key = (cubes[:, 0] * spans[1] + cubes[:, 1]) * spans[2] + cubes[:, 2]
    order = np.argsort(key, kind="stable")
    key = key[order]
    for step in product((-1, 0, 1), repeat=3):
        beside = own + np.array(step)
        wanted = (beside[:, 0] * spans[1] + beside[:, 1]) * spans[2] + beside[:, 2]
        begin, end = np.searchsorted(key, wanted, "left"), np.searchsorted(key, wanted, "right")
        counts = end - begin
        row = np.repeat(np.arange(len(mine)), counts)
        place = np.arange(len(row)) - np.repeat(np.cumsum(counts) - counts, counts) + np.repeat(begin, counts)
        candidate = there[order[place]]
        apart = np.sqrt(((one[mine[row]] - two[candidate]) ** 2).sum(axis=1))
        by = np.lexsort((candidate, apart, row))
        lead = by[np.append(True, row[by][1:] != row[by][:-1])] if len(by) else by
        target = mine[row[lead]]
        closer = (apart[lead] <= metres) & ((apart[lead] < least[target])
                                            | ((apart[lead] == least[target]) & (candidate[lead] < best[target])))
        best[target[closer]], least[target[closer]] = candidate[lead][closer], apart[lead][closer]
    return best, least


def _upright(ground: Ground, places: np.ndarray) -> np.ndarray:
    """Return places as points on the ellipsoid, in metres: so near, a straight line is as long as the ground."""
    if ground.planar:
        return np.column_stack([places, np.zeros(len(places))])
    longitude, latitude = np.radians(places[:, 0]), np.radians(places[:, 1])
    shrunk = (1 - FLATTENING) ** 2
    radius = SEMI_MAJOR / np.sqrt(1 - (1 - shrunk) * np.sin(latitude) ** 2)
    return np.stack([radius * np.cos(latitude) * np.cos(longitude), radius * np.cos(latitude) * np.sin(longitude),
                     shrunk * radius * np.sin(latitude)], axis=1)
