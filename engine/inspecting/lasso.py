"""Which points a hand-drawn line encircles, and which of several is nearest."""

from __future__ import annotations

import numpy as np


def inside(points: np.ndarray, corners: np.ndarray) -> np.ndarray:
    """Return `(n,)` True for points `(n, 2)` within a closed line `(k, 2)`; where it crosses itself, even-odd.

    A point counts by the number of sides that a ray to the right crosses. NaN is nowhere.
    """
    points, corners = (np.asarray(part, dtype=np.float64).reshape(-1, 2) for part in (points, corners))
    found = np.zeros(len(points), dtype=bool)
    if len(corners) < 3:
        return found
    low, high = corners.min(axis=0), corners.max(axis=0)
    near = np.flatnonzero(((points >= low) & (points <= high)).all(axis=1))
    ahead = np.roll(corners, -1, axis=0)
    # In the order of y, the points that a side can separate lie in a row: each is looked at for a few sides only.
    near = near[np.argsort(points[near, 1], kind="stable")]
    x, y = points[near, 0], points[near, 1]
    odd = np.zeros(len(near), dtype=bool)
    for one, two in zip(corners, ahead):
        below, above = (one, two) if one[1] < two[1] else (two, one)
        first, last = np.searchsorted(y, (below[1], above[1]), side="left")
        if first < last:
            slope = (above[0] - below[0]) / (above[1] - below[1])
            odd[first:last] ^= x[first:last] < below[0] + (y[first:last] - below[1]) * slope
    found[near] = odd
    return found


def combined(before: np.ndarray, now: np.ndarray, mode: str) -> np.ndarray:
    """Return what is chosen after choosing more: “set” forgets what was, “add” keeps it, “take” takes it away."""
    if mode == "add":
        return before | now
    return before & ~now if mode == "take" else now.copy()


def nearest_point(points: np.ndarray, place: "tuple[float, float]") -> int:
    """Return the number of the point nearest to a place, −1 where there is none."""
    apart = ((points - np.asarray(place, dtype=np.float64)) ** 2).sum(axis=1)
    known = np.isfinite(apart)
    return int(np.argmin(np.where(known, apart, np.inf))) if known.any() else -1
