"""How far a curve may be off with so few truths: drawn anew by groups, never narrower than counts of them allow."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..training.student import t_quantile
from .places_order import mean_variance

LEVEL = 0.95
_NORMAL = 1.959963984540054
_EXACT = 5000
_NOTHING = 1e-9


@dataclass(frozen=True, eq=False)
class Band:
    """A curve between two others that hold it with a probability of 0.95, point by point."""

    middle: np.ndarray
    lower: np.ndarray
    upper: np.ndarray


def resampled(found: np.ndarray, weights: np.ndarray, draws: int, seed: int) -> "tuple[np.ndarray, np.ndarray]":
    """Return the range of ratios of sums when groups are drawn with replacement.

    `found` is `(groups, points)`, the weight each group has found at each point, and `weights` each group's whole.
    """
    count = len(weights)
    times = np.random.default_rng(seed).multinomial(count, np.full(count, 1.0 / count), size=draws)
    whole = times @ weights
    usable = whole > 0
    ratios = (times[usable] @ found) / whole[usable, None]
    tail = (1 - LEVEL) / 2
    lower, upper = np.quantile(ratios, (tail, 1 - tail), axis=0)
    return lower, upper


def mean_range(values: np.ndarray, weights: np.ndarray, groups: np.ndarray, draws: int,
               seed: int) -> "tuple[float, float]":
    """Return the range of a weighted mean of shares: groups drawn anew, or Student's where that is wider."""
    count = int(groups.max()) + 1
    sums = np.bincount(groups, values * weights, count)
    low, high = resampled(sums[:, None], np.bincount(groups, weights, count), draws, seed)
    mean = float((values * weights).sum() / weights.sum())
    half = student(count - 1) * mean_variance(groups, values, weights) ** 0.5 if count > 1 else float("inf")
    return max(0.0, min(float(low[0]), mean - half)), min(1.0, max(float(high[0]), mean + half))


def student(degrees: int) -> float:
    """Return how many standard errors hold a mean with a probability of 0.95, for so many degrees of freedom."""
    return t_quantile(0.5 + LEVEL / 2, degrees) if degrees >= 1 else float("inf")


def wilson(share: np.ndarray, count: float) -> "tuple[np.ndarray, np.ndarray]":
    """Return Wilson's interval of shares seen in so many independent cases."""
    square = _NORMAL ** 2 / count
    middle = (share + square / 2) / (1 + square)
    half = _NORMAL * np.sqrt(share * (1 - share) / count + square / (4 * count)) / (1 + square)
    return np.clip(middle - half, 0.0, 1.0), np.clip(middle + half, 0.0, 1.0)


def recall_band(recall: np.ndarray, found: np.ndarray, weights: np.ndarray, independent: float, draws: int,
                seed: int) -> Band:
    """Return the band of a curve.

    Where all groups or none have found their truth, drawing anew knows no doubt; Wilson's interval for as many
    independent truths does, so the wider of the two is taken. The last point is that of all ground.
    """
    low, high = resampled(found, weights, draws, seed)
    least, most = wilson(recall, independent)
    lower, upper = np.minimum(np.minimum(low, least), recall), np.maximum(np.maximum(high, most), recall)
    # Nothing walked finds nothing, whoever draws.
    lower[recall <= 0] = 0.0
    if recall[-1] >= 1 - _NOTHING:
        # Whoever walks all ground finds all truth that lies on it.
        lower[-1] = upper[-1] = 1.0
    return Band(recall, np.maximum.accumulate(lower), np.maximum.accumulate(upper))


def chance_band(shares: np.ndarray, reach: float, independent: float) -> Band:
    """Return where a search at random finds its truth: in proportion to the ground, with the luck of so many truths."""
    shares = np.clip(shares, 0.0, 1.0)
    count = max(1, int(round(independent * reach)))
    low, high = _binomial(shares, count)
    return Band(shares * reach, low * reach, high * reach)


def _binomial(shares: np.ndarray, count: int) -> "tuple[np.ndarray, np.ndarray]":
    """Return the range of shares of so many cases that come true with given probabilities."""
    tail = (1 - LEVEL) / 2
    if count > _EXACT:
        half = _NORMAL * np.sqrt(shares * (1 - shares) / count)
        return np.clip(shares - half, 0.0, 1.0), np.clip(shares + half, 0.0, 1.0)
    numbers = np.arange(count + 1)
    logs = np.append(0.0, np.cumsum(np.log(np.arange(1, count + 1))))
    ways = logs[-1] - logs - logs[::-1]
    low, high = np.empty(len(shares)), np.empty(len(shares))
    for row, share in enumerate(np.clip(shares, 1e-300, 1 - 1e-16)):
        chances = np.cumsum(np.exp(ways + numbers * np.log(share) + (count - numbers) * np.log1p(-share)))
        low[row] = np.searchsorted(chances, tail) / count
        high[row] = min(np.searchsorted(chances, 1 - tail), count) / count
    return low, high
