"""Iteratively reweighted multivariate alteration detection (Nielsen 2007).

Canonical variates of two dates are paired so that they agree as well as linear combinations can; what is left between
them is change. Each round weighs a cell by the probability that it did not change, until the variances of
what is left stand still (the correlations alone come so near to 1 that they seem to long before).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Callable

import numpy as np

from ...errors import InputError
from .chi_square import upper_tail

ROUNDS = 100
SETTLED = 2e-4
_RANK = 1e-10
_LEAST_SIGMA2 = 1e-9


@dataclass(frozen=True)
class Irmad:
    """Means `(dims,)`, canonical vectors `(dims, variates)`, the variates' standard deviations and correlations."""

    mean_before: np.ndarray
    mean_after: np.ndarray
    before: np.ndarray
    after: np.ndarray
    sigma: np.ndarray
    correlations: np.ndarray
    rounds: int

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
    weights = np.ones(rows)
    fit = _weighted(one, two, weights, 1)
    for number in range(2, ROUNDS + 1):
        tick(number / ROUNDS)
        weights = upper_tail(fit.chi_square(one, two), len(fit.correlations))
        # A total below this leaves nothing to estimate from: nearly every cell counts as changed.
        if weights.sum() <= 2 * dims:
            break
        last, fit = fit.sigma, _weighted(one, two, weights, number)
        if len(last) == len(fit.sigma) and np.abs(np.square(last / fit.sigma) - 1).max() < SETTLED:
            break
    return fit


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
