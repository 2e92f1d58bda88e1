"""Distances that forgive a shift of a few cells between the dates."""

from __future__ import annotations

import numpy as np

from .measures import Measure

_CHUNK = 8192


def tolerant_distance(before: np.ndarray, after: np.ndarray, measure: Measure, cells: int) -> np.ndarray:
    """Return distances of `(dims, rows, cols)`: the larger of two, each the smallest within so many cells.

    One compares a place's earlier vector with all later ones nearby, the other its later vector with all earlier ones
    nearby. Shifted rasters have a small one of both. Taking only one would hide what is new and smaller than the
    neighbourhood; the larger of both shows it.
    """
    dims, rows, columns = before.shape
    one, two = measure.mapped(before.reshape(dims, -1), after.reshape(dims, -1))
    one, two = one.reshape(-1, rows, columns), two.reshape(-1, rows, columns)
    forth = np.full((rows, columns), np.inf, dtype=np.float32)
    back = forth.copy()
    same = None
    for down in range(-cells, cells + 1):
        for across in range(-cells, cells + 1):
            here = _overlap(rows, -down), _overlap(columns, -across)
            there = _overlap(rows, down), _overlap(columns, across)
            found = _distances(one[:, here[0], here[1]], two[:, there[0], there[1]], measure)
            if not down and not across:
                same = np.isfinite(found)
            found = np.where(np.isfinite(found), found, np.float32(np.inf))
            forth[here] = np.minimum(forth[here], found)
            back[there] = np.minimum(back[there], found)
    result = np.maximum(forth, back)
    result[~same] = np.nan
    return result


def _overlap(size: int, shift: int) -> slice:
    """Return which cells have a partner when the other array is shifted; with +shift those of the other."""
    return slice(max(0, shift), size + min(0, shift))


def _distances(one: np.ndarray, two: np.ndarray, measure: Measure) -> np.ndarray:
    """Return distances of `(dims, rows, cols)`, some rows at a time."""
    found = np.empty(one.shape[1:], dtype=np.float32)
    step = max(1, _CHUNK // max(1, one.shape[2]))
    for start in range(0, one.shape[1], step):
        part = slice(start, start + step)
        flat = measure.distance(one[:, part].reshape(len(one), -1), two[:, part].reshape(len(two), -1))
        found[part] = flat.reshape(-1, one.shape[2])
    return found
