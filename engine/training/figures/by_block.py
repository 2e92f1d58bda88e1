"""The difference of two scores with an interval over blocks: what each block that was held out whole pulls them by.

Folds are few, and as hard as chance made them. A pooled score is a sum over rows by a sum over rows, so each block has
a pull on it: what its rows add beyond what the score itself would have them add. Pulls sum to 0, and the sum of their
squares tells how far the score would lie elsewhere with other blocks (linearisation, as for a ratio in a survey).
"""

from __future__ import annotations

import functools
import math
from typing import Optional

import numpy as np

from ..student import Interval, t_quantile
from .scored import row_weights

FEWEST_BLOCKS = 3
_SURE = 0.975
# Beyond so many degrees of freedom a t quantile stays as it is to a thousandth, and is dear to compute.
_MOST_DEGREES = 1000


def squared_pulls(truth: np.ndarray, predicted: np.ndarray, weights: Optional[np.ndarray] = None) -> np.ndarray:
    """Return the pull of each row `(n,)` on the pooled R²: its error beside what its spread would have by that R²."""
    weights = row_weights(weights, len(truth))
    total = float(weights.sum())
    if not total > 0:
        return np.full(len(truth), np.nan)
    spread = weights * (truth - float(weights @ truth) / total) ** 2
    error = weights * (predicted - truth) ** 2
    whole = float(spread.sum())
    # Rounding leaves a trace of spread among equal numbers, as for R² itself.
    if not whole / total > (1e-12 * float(np.abs(truth).max())) ** 2:
        return np.full(len(truth), np.nan)
    return (float(error.sum()) / whole * spread - error) / whole


def balanced_pulls(truth: np.ndarray, chosen: np.ndarray, weights: Optional[np.ndarray] = None) -> np.ndarray:
    """Return the pull of each row on the balanced accuracy: hit or miss, beside the share found of its class."""
    if not len(truth):
        return np.zeros(0)
    weights = row_weights(weights, len(truth))
    _, code = np.unique(truth, return_inverse=True)
    code = code.reshape(-1)
    hit = (chosen == truth).astype(np.float64)
    whole = np.bincount(code, weights=weights)
    there = whole > 0
    if not there.any():
        return np.full(len(truth), np.nan)
    divisor = np.where(there, whole, 1.0)
    found = np.bincount(code, weights=weights * hit) / divisor
    return weights * (hit - found[code]) / (divisor[code] * int(there.sum()))


def mean_pulls(values: np.ndarray) -> np.ndarray:
    """Return the pull of each row on the mean."""
    return (values - values.mean()) / len(values) if len(values) else np.zeros(0)


def block_sums(pulls: np.ndarray, blocks: Optional[np.ndarray]) -> np.ndarray:
    """Return the pull of each block; without blocks each row is one."""
    if blocks is None:
        return pulls
    _, code = np.unique(blocks, return_inverse=True)
    return np.bincount(code.reshape(-1), weights=pulls)


def block_difference(value: float, first: np.ndarray, second: np.ndarray, folds: int,
                     comparisons: int = 1) -> Interval:
    """Return a difference of two scores with its 95 % interval, given the pull of each block on either score.

    Folds learn from mostly the same rows, so it is as much wider as Nadeau and Bengio's correction makes an interval
    over so many folds. It holds for all of so many comparisons at once (Bonferroni). Fewer than three blocks tell none.
    """
    apart = np.asarray(first, dtype=np.float64) - np.asarray(second, dtype=np.float64)
    count, square = len(apart), float(((apart - apart.mean()) ** 2).sum()) if len(apart) else math.nan
    if count < FEWEST_BLOCKS or folds < 2 or not (math.isfinite(value) and math.isfinite(square)):
        return Interval(value, math.nan, math.nan)
    error = math.sqrt(count / (count - 1) * square * (1 + folds / (folds - 1)))
    reach = error * _quantile(1 - (1 - _SURE) / max(comparisons, 1), min(count - 1, _MOST_DEGREES))
    return Interval(value, value - reach, value + reach)


@functools.lru_cache(maxsize=256)
def _quantile(share: float, degrees: int) -> float:
    """Return the t quantile; the same few are asked for again and again."""
    return t_quantile(share, degrees)
