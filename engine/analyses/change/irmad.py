"""Iteratively reweighted multivariate alteration detection (Nielsen 2007).

Canonical variates of two dates are paired so that they agree as well as linear combinations can; what is left between
them is change. Each round weighs a cell by the probability that it did not change, until the variances of
what is left stand still (the correlations alone come so near to 1 that they seem to long before).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Callable

import numpy as np

from ...errors import InputError
from .chi_square import upper_tail

ROUNDS = 100
SETTLED = 2e-4
_GRID = 2001
_LEAST_SHARE = 0.05
_RANK = 1e-10
_LEAST_SIGMA2 = 1e-9


@dataclass(frozen=True)
class Irmad:
    """Means `(dims,)`, canonical vectors `(dims, variates)`, the variates' standard deviations and correlations.

    `settled` tells whether the rounds came to rest, or ended because too few cells would have counted as unchanged.
    """

    mean_before: np.ndarray
    mean_after: np.ndarray
    before: np.ndarray
    after: np.ndarray
    sigma: np.ndarray
    correlations: np.ndarray
    rounds: int
    settled: bool = False

    def chi_square(self, before: np.ndarray, after: np.ndarray) -> np.ndarray:
        """Return the sum of squared standardised variates of `(rows, dims)`."""
        variates = (before - self.mean_before) @ self.before - (after - self.mean_after) @ self.after
        return np.square(variates / self.sigma).sum(axis=1)


def fit_irmad(before: np.ndarray, after: np.ndarray, tick: "Callable[[float], None]") -> Irmad:
    """Fit to samples `(rows, dims)`; `tick` is called after each round with the share of rounds done and may raise."""
    one, two = before.astype(np.float64), after.astype(np.float64)
    rows, dims = one.shape
    if rows <= 2 * dims:
        raise InputError("irmad-few", "METHOD irmad needs more cells with values at both dates than twice the {dims} "
                         "dimensions, and there are {rows}: choose cosine or standardised.", dims=dims, rows=rows)
    least = least_share(dims)
    weights = np.ones(rows)
    fit = _weighted(one, two, weights, 1)
    for number in range(2, ROUNDS + 1):
        tick(number / ROUNDS)
        weights = upper_tail(fit.chi_square(one, two), len(fit.correlations))
        if weights.mean() < least or weights.sum() <= 2 * dims:
            break
        last, fit = fit.sigma, _weighted(one, two, weights, number)
        if len(last) == len(fit.sigma) and np.abs(np.square(last / fit.sigma) - 1).max() < SETTLED:
            return replace(fit, settled=True)
    return fit


def least_share(freedom: int) -> float:
    """Return the mean weight below which the rounds run away: half of where they rest if nothing changed at all.

    Where differences are no normal noise, as between real scenes, weights shrink round by round to a few cells that
    happen to be alike, and everything else counts as changed. With normal noise they come to rest, since weighting by
    the tail of a chi-square shrinks a variance by a factor that depends on the degrees of freedom only.
    """
    if freedom < 3:
        return _LEAST_SHARE
    values = np.linspace(1e-6, freedom + 12 * math.sqrt(2 * freedom) + 30, _GRID)
    density = np.exp((freedom / 2 - 1) * np.log(values) - values / 2 - math.lgamma(freedom / 2)
                     - freedom / 2 * math.log(2))
    density /= density.sum()
    growth, weights = 1.0, density
    for _ in range(ROUNDS):
        weights = upper_tail(growth * values, freedom) * density
        growth = freedom * weights.sum() / (weights * values).sum()
    return max(_LEAST_SHARE, float(weights.sum()) / 2)


def _weighted(one: np.ndarray, two: np.ndarray, weights: np.ndarray, number: int) -> Irmad:
    """Return the canonical variates of weighted rows."""
    share = weights / weights.sum()
    mean_one, mean_two = share @ one, share @ two
    left, right = one - mean_one, two - mean_two
    heavy = left * share[:, None]
    first = _whitener(heavy.T @ left)
    second = _whitener((right * share[:, None]).T @ right)
    cross = first.T @ (heavy.T @ right) @ second
    u, correlations, v = np.linalg.svd(cross, full_matrices=False)
    correlations = np.clip(correlations, 0.0, 1.0)
    a, b = first @ u, second @ v.T
    sigma = np.sqrt(np.maximum(2 * (1 - correlations), _LEAST_SIGMA2))
    return Irmad(mean_one, mean_two, a, b, sigma, correlations, number)


def _whitener(covariance: np.ndarray) -> np.ndarray:
    """Return directions in which the rows have variance 1; those without any variance are left out."""
    values, directions = np.linalg.eigh(covariance)
    kept = values > _RANK * max(float(values[-1]), np.finfo(float).tiny)
    if not kept.any() or values[-1] <= 0:
        raise InputError("irmad-flat", "METHOD irmad: one of the dates holds the same vector everywhere, so there is "
                         "nothing to compare: check the inputs.")
    return directions[:, kept] / np.sqrt(values[kept])
