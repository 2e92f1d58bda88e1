"""The chi-square distribution's upper tail, without SciPy, which not every QGIS has."""

from __future__ import annotations

import math

import numpy as np

# The exponent of erfc(z) as a polynomial in t = 2 / (2 + z), good to 1.2e-7, which is plenty for weights.
_ERFC = (-1.26551223, 1.00002368, 0.37409196, 0.09678418, -0.18628806, 0.27886807, -1.13520398, 1.48851587,
         -0.82215223, 0.17087277)


def upper_tail(values: np.ndarray, freedom: int) -> np.ndarray:
    """Return the probability of a chi-square of so many degrees of freedom to exceed each value."""
    half = np.maximum(np.asarray(values, dtype=np.float64), 0.0) / 2
    with np.errstate(divide="ignore"):
        logarithm = np.log(half)
    if freedom % 2:
        total, order = _erfc(np.sqrt(half)), 0.5
    else:
        total, order = np.exp(-half), 1.0
    while order < freedom / 2:
        with np.errstate(invalid="ignore"):
            total = total + np.where(half > 0, np.exp(order * logarithm - half - math.lgamma(order + 1)), 0.0)
        order += 1
    return np.clip(total, 0.0, 1.0)


def _erfc(values: np.ndarray) -> np.ndarray:
    """Return the complementary error function of numbers that are not negative, to 1.2e-7 of its value."""
    t = 1.0 / (1.0 + 0.5 * values)
    exponent = np.zeros_like(values)
    for coefficient in _ERFC[::-1]:
        exponent = exponent * t + coefficient
    return t * np.exp(-values * values + exponent)
