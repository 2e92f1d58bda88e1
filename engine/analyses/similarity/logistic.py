"""A logistic regression with a penalty on large weights, fitted by Newton's method in plain NumPy."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

_MOST_STEPS = 100
_TOLERANCE = 1e-10


@dataclass(frozen=True)
class Logistic:
    """Weights and intercept."""

    weights: np.ndarray
    intercept: float


def fit_logistic(vectors: np.ndarray, positive: np.ndarray, importance: np.ndarray, penalty: float = 1.0) -> Logistic:
    """Minimise `penalty/2 · |w|² + Σ importance · log(1 + exp(∓(x·w + b)))` over `(rows, dims)`.

    The problem is convex, and each Newton step is halved until it lowers it, so that there is one answer.
    """
    table = np.hstack([vectors.astype(np.float64), np.ones((len(vectors), 1))])
    sign = np.where(positive, 1.0, -1.0)
    ridge = np.append(np.full(vectors.shape[1], penalty), 0.0)
    found = np.zeros(table.shape[1])
    loss = _loss(table, sign, importance, ridge, found)
    for _ in range(_MOST_STEPS):
        share = 1 / (1 + np.exp(np.clip(sign * (table @ found), -500, 500)))
        slope = ridge * found - table.T @ (importance * sign * share)
        bend = (table * (importance * share * (1 - share))[:, None]).T @ table
        bend[np.diag_indices_from(bend)] += ridge + 1e-12
        step = np.linalg.solve(bend, slope)
        stride = 1.0
        while stride > 1e-6:
            later = _loss(table, sign, importance, ridge, found - stride * step)
            if later <= loss:
                break
            stride /= 2
        found = found - stride * step
        if float(slope @ step) < _TOLERANCE or stride <= 1e-6:
            break
        loss = later
    return Logistic(found[:-1], float(found[-1]))


def _loss(table: np.ndarray, sign: np.ndarray, importance: np.ndarray, ridge: np.ndarray, found: np.ndarray) -> float:
    """Return what is minimised."""
    return float((ridge * found ** 2).sum() / 2 + (importance * np.logaddexp(0.0, -sign * (table @ found))).sum())
