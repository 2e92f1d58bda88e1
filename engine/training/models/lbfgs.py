"""Minimises a smooth function by limited-memory BFGS, a step at a time so that a cancel is answered."""

from __future__ import annotations

from collections import deque
from typing import Callable, Deque, Tuple

import numpy as np

from ...progress import Progress, check

_MEMORY = 10
_ARMIJO, _CURVATURE = 1e-4, 0.9
_MOST_TRIALS = 25

Function = Callable[[np.ndarray], "Tuple[float, np.ndarray]"]


def minimise(function: Function, start: np.ndarray, tolerance: float, most: int, progress: Progress) -> np.ndarray:
    """Return where the gradient's largest part falls below the tolerance, or the last of `most` steps."""
    place = start.astype(np.float64)
    value, slope = function(place)
    history: "Deque[tuple[np.ndarray, np.ndarray]]" = deque(maxlen=_MEMORY)
    for _ in range(most):
        check(progress)
        if np.abs(slope).max(initial=0.0) <= tolerance:
            break
        direction = -_inverse_times(history, slope)
        if direction @ slope >= 0:
            history.clear()
            direction = -slope
        step = 1.0 if history else min(1.0, 1.0 / max(float(np.abs(slope).sum()), 1e-300))
        found = _search(function, place, value, slope, direction, step, progress)
        if found is None:
            break
        new_place, new_value, new_slope = found
        move, change = new_place - place, new_slope - slope
        if move @ change > 1e-12 * float(np.linalg.norm(move) * np.linalg.norm(change)):
            history.append((move, change))
        place, value, slope = new_place, new_value, new_slope
    return place


def _inverse_times(history: "Deque[tuple[np.ndarray, np.ndarray]]", slope: np.ndarray) -> np.ndarray:
    """Return the product of the approximate inverse curvature with a gradient (the two loops of the method)."""
    result = slope.copy()
    shares = []
    for move, change in reversed(history):
        share = (move @ result) / (move @ change)
        shares.append(share)
        result -= share * change
    if history:
        move, change = history[-1]
        result *= (move @ change) / (change @ change)
    for (move, change), share in zip(history, reversed(shares)):
        result += move * (share - (change @ result) / (move @ change))
    return result


def _search(function: Function, place: np.ndarray, value: float, slope: np.ndarray, direction: np.ndarray, step: float,
            progress: Progress) -> "Tuple[np.ndarray, float, np.ndarray] | None":
    """Find a step that lowers the function enough and flattens it, by halving and doubling an interval."""
    falling = float(slope @ direction)
    low, high = 0.0, np.inf
    best = None
    for _ in range(_MOST_TRIALS):
        check(progress)
        trial = place + step * direction
        new_value, new_slope = function(trial)
        if not np.isfinite(new_value) or new_value > value + _ARMIJO * step * falling:
            high = step
        elif float(new_slope @ direction) < _CURVATURE * falling:
            best = (trial, new_value, new_slope)
            low = step
        else:
            return trial, new_value, new_slope
        step = (low + high) / 2 if np.isfinite(high) else 2 * step
    return best
