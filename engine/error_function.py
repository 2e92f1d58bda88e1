"""The error function in NumPy, to the last digit of float32: what a network's gelu is made of."""

from __future__ import annotations

import math

import numpy as np

_STEPS = 64
_END = 6
_KNOTS = np.arange(_END * _STEPS + 1) / _STEPS
_VALUES = np.array([math.erf(knot) for knot in _KNOTS])
_SLOPES = 2 / math.sqrt(math.pi) * np.exp(-_KNOTS ** 2) / _STEPS


def erf(values: np.ndarray) -> np.ndarray:
    """Return erf of float32 values; cubics between 384 exact knots are off by 1e-9 at most."""
    size = np.minimum(np.abs(values.astype(np.float64)), _END - 1e-9) * _STEPS
    at = np.nan_to_num(size).astype(np.int64)
    share = size - at
    low, high = _VALUES[at], _VALUES[at + 1]
    left, right = _SLOPES[at], _SLOPES[at + 1]
    bend = high - low
    found = low + share * (left + share * (3 * bend - 2 * left - right + share * (left + right - 2 * bend)))
    return np.copysign(found, values).astype(np.float32)
