"""Prediction intervals from the errors at places that a model had not seen, so that their coverage can be promised."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Mapping, Optional

import numpy as np

from ..errors import CardError, InputError

LEVELS = (0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 0.925, 0.95, 0.975, 0.99)


@dataclass(frozen=True)
class Conformal:
    """Half widths `(levels, T)` of intervals on the transformed scale, one a level and target.

    `independent` is how many observations the rows are worth, since errors in one block are alike. `highest` is the
    level beyond which so few can't promise anything: half widths there are the largest error seen.
    """

    levels: "tuple[float, ...]"
    half_widths: np.ndarray
    independent: float
    rows: int

    @property
    def highest(self) -> float:
        """Return the highest level that so many independent observations can support."""
        return self.independent / (self.independent + 1)

    def half_width(self, level: float) -> np.ndarray:
        """Return the half width of each target at a level of 0.5 to 0.99, in between by straight lines."""
        if not self.levels[0] <= level <= self.levels[-1]:
            raise InputError("interval-level", "INTERVAL is {level:g}: give a share between {low:g} and {high:g}, such "
                             "as 0.9, or 0 for none.", level=level, low=self.levels[0], high=self.levels[-1])
        return np.array([np.interp(level, self.levels, column) for column in self.half_widths.T])

    def as_json(self) -> "dict[str, object]":
        """Return plain values for a card."""
        return {"levels": list(self.levels), "half_widths": self.half_widths.tolist(),
                "independent": self.independent, "rows": self.rows}


def fit_conformal(residuals: np.ndarray, weights: Optional[np.ndarray] = None,
                  blocks: Optional[np.ndarray] = None) -> Conformal:
    """Return half widths from out-of-fold residuals `(n,)` or `(n, T)` on the transformed scale.

    Split conformal prediction takes the quantile as if one more observation had come that is beyond all seen, which is
    the correction (n + 1) / n. Errors in one block are alike, so n is not the number of rows but what they are worth:
    the more alike (intraclass correlation), the nearer to the number of blocks. Without blocks each row counts.
    """
    residuals = np.abs(np.asarray(residuals, dtype=np.float64))
    residuals = residuals.reshape(len(residuals), -1)
    weights = np.ones(len(residuals)) if weights is None else np.asarray(weights, dtype=np.float64)
    worth = [float(len(residuals)) if blocks is None else independent_observations(column, blocks)
             for column in residuals.T]
    levels = np.array(LEVELS)
    found = np.stack([_quantiles(column, weights, levels * (1 + 1 / number))
                      for column, number in zip(residuals.T, worth)], axis=1)
    return Conformal(LEVELS, found, min(worth), len(residuals))


def independent_observations(values: np.ndarray, blocks: np.ndarray) -> float:
    """Return how many independent values those in blocks are worth: their number over Kish's design effect.

    How alike values of one block are is told by their ranks, so that a single large error does not decide.
    """
    number, block = len(values), np.unique(blocks, return_inverse=True)[1].reshape(-1)
    rows = np.bincount(block).astype(np.float64)
    if len(rows) < 2 or len(rows) == number:
        return float(len(rows))
    rank = np.argsort(np.argsort(values, kind="stable"), kind="stable").astype(np.float64)
    means = np.bincount(block, weights=rank) / rows
    between = float(rows @ (means - rank.mean()) ** 2) / (len(rows) - 1)
    within = float(((rank - means[block]) ** 2).sum()) / (number - len(rows))
    usual = (number - float((rows ** 2).sum()) / number) / (len(rows) - 1)
    alike = min(max((between - within) / max(between + (usual - 1) * within, 1e-12), 0.0), 1.0)
    return number / (1 + (float((rows ** 2).sum()) / number - 1) * alike)


def conformal_from_json(values: "Mapping[str, object]") -> Conformal:
    """Read what a card says, and refuse what contradicts itself."""
    try:
        levels = tuple(float(level) for level in values["levels"])  # type: ignore[attr-defined]
        widths = np.array(values["half_widths"], dtype=np.float64)
        independent, rows = float(values["independent"]), int(values["rows"])  # type: ignore[call-overload]
        found = Conformal(levels, widths, independent, rows)
    except (KeyError, TypeError, ValueError) as error:
        raise CardError("card-interval", "The card's intervals can't be read ({reason}): train the predictor again.",
                        reason=str(error)) from error
    rising = len(levels) > 1 and all(low < high for low, high in zip(levels, levels[1:]))
    if (not rising or widths.ndim != 2 or len(widths) != len(levels) or not np.isfinite(widths).all()
            or (widths < 0).any() or (np.diff(widths, axis=0) < 0).any() or not 1 <= found.independent < np.inf):
        raise CardError("card-interval-values", "The card's intervals contradict themselves: train the predictor "
                        "again.")
    return found


def coverage(truth: np.ndarray, lower: np.ndarray, upper: np.ndarray, weights: Optional[np.ndarray] = None) -> float:
    """Return the share of rows whose truth lies within its interval, ends included."""
    inside = ((truth >= lower) & (truth <= upper)).astype(np.float64)
    return float(np.average(inside, weights=weights))


@dataclass(frozen=True)
class CheckedCoverage:
    """The share of each target's held-out rows within intervals that other folds' errors gave, overall and by fold."""

    level: float
    observed: np.ndarray
    folds: np.ndarray
    half_width: np.ndarray


def checked_coverage(residuals: np.ndarray, fold: np.ndarray, level: float, weights: Optional[np.ndarray] = None,
                     blocks: Optional[np.ndarray] = None) -> CheckedCoverage:
    """Take each fold's intervals from the errors in the others and count how many of its rows they hold."""
    residuals = np.asarray(residuals, dtype=np.float64)
    residuals = residuals.reshape(len(residuals), -1)
    weights = np.ones(len(residuals)) if weights is None else np.asarray(weights, dtype=np.float64)
    inside = np.empty(residuals.shape)
    shares, widths = [], []
    for number in np.unique(fold):
        held = fold == number
        other = None if blocks is None else blocks[~held]
        half = fit_conformal(residuals[~held], weights[~held], other).half_width(level)
        inside[held] = np.abs(residuals[held]) <= half
        shares.append(np.average(inside[held], axis=0, weights=weights[held]))
        widths.append(half)
    return CheckedCoverage(level, np.average(inside, axis=0, weights=weights), np.array(shares),
                           np.mean(widths, axis=0))


def _quantiles(values: np.ndarray, weights: np.ndarray, levels: np.ndarray) -> np.ndarray:
    """Return the smallest values that so much of the weight does not exceed; the largest where that is all of it."""
    order = np.argsort(values, kind="stable")
    below = np.cumsum(weights[order]) / weights.sum()
    place = np.searchsorted(below, np.minimum(levels, 1.0) - 1e-12, side="left")
    return values[order][np.minimum(place, len(values) - 1)]
