"""Student's t distribution without SciPy, for intervals over a handful of folds."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Interval:
    """A mean over folds, and the interval in which the mean over many such folds would lie 19 times of 20."""

    mean: float
    low: float
    high: float


def interval_of(values: np.ndarray, share_held: float = 0.0) -> Interval:
    """Return the 95 % t interval of the mean of figures, one a fold; NaN figures are left out.

    `share_held` (held-out rows over training rows) widens it for the training rows that folds have in common
    (Nadeau and Bengio 2003), which matters where two models are compared.
    """
    values = np.asarray(values, dtype=np.float64)
    values = values[np.isfinite(values)]
    if not len(values):
        return Interval(math.nan, math.nan, math.nan)
    mean = float(values.mean())
    if len(values) == 1:
        return Interval(mean, math.nan, math.nan)
    reach = t_quantile(0.975, len(values) - 1) * float(values.std(ddof=1)) * math.sqrt(1 / len(values) + share_held)
    return Interval(mean, mean - reach, mean + reach)


def t_quantile(share: float, degrees: int) -> float:
    """Return the value that a t variable of so many degrees of freedom stays below with this probability."""
    if share < 0.5:
        return -t_quantile(1 - share, degrees)
    low, high = 0.0, 1.0
    while _below(high, degrees) < share:
        high *= 2
    for _ in range(200):
        middle = (low + high) / 2
        if _below(middle, degrees) < share:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def two_sided_normal(z: float) -> float:
    """Return how likely a standard normal variable lies as far from 0 as z, on either side."""
    return math.erfc(abs(z) / math.sqrt(2))


def _below(value: float, degrees: int) -> float:
    """Return the probability of staying below a value ≥ 0: the finite sums for whole degrees of freedom."""
    angle = math.atan(value / math.sqrt(degrees))
    square = math.cos(angle) ** 2
    total, term = 0.0, 1.0
    if degrees % 2:
        if degrees == 1:
            return 0.5 + angle / math.pi
        for step in range(1, (degrees - 1) // 2 + 1):
            total += term
            term *= square * 2 * step / (2 * step + 1)
        return 0.5 + (angle + math.sin(angle) * math.cos(angle) * total) / math.pi
    for step in range(1, degrees // 2 + 1):
        total += term
        term *= square * (2 * step - 1) / (2 * step)
    return 0.5 + math.sin(angle) * total / 2
