"""A number by chance for each cell or row: the same whatever the order in which they come."""

from __future__ import annotations

import numpy as np

_STEP = np.uint64(0x9E3779B97F4A7C15)
_FIRST, _SECOND = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)


def draws(seed: int, units: np.ndarray, items: np.ndarray) -> np.ndarray:
    """Return an even random uint64 for each pair of unit and item (splitmix64)."""
    start = _mixed(np.array([seed & 0xFFFFFFFFFFFFFFFF], dtype=np.uint64))
    return _mixed(_mixed(start + units.astype(np.uint64)) + items.astype(np.uint64))


def lowest(units: np.ndarray, drawn: np.ndarray, each: int) -> np.ndarray:
    """Return the places of the `each` lowest draws of every unit, sorted by unit and draw."""
    order = np.lexsort((drawn, units))
    return order[ranks(units[order]) < each]


def ranks(units: np.ndarray) -> np.ndarray:
    """Return how many of the same unit come before, where units are sorted."""
    if not len(units):
        return np.empty(0, dtype=np.int64)
    starts = np.flatnonzero(np.append(True, units[1:] != units[:-1]))
    return np.arange(len(units)) - np.repeat(starts, np.diff(np.append(starts, len(units))))


def _mixed(values: np.ndarray) -> np.ndarray:
    """Mix all bits of each number into all others; unsigned numbers wrap around without a warning."""
    values = values + _STEP
    values = (values ^ (values >> np.uint64(30))) * _FIRST
    values = (values ^ (values >> np.uint64(27))) * _SECOND
    return values ^ (values >> np.uint64(31))
