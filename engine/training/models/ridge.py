"""Ridge regression: all penalties at once from one decomposition per inner fold, each target with its own."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...pipeline import attend
from ...progress import Progress, check
from .design import Design
from .linear import Linear, unscaled
from .scaling import moments

# Shares of the total weight, so that a grid fits any number of rows.
PENALTIES = 10.0 ** np.arange(-6.0, 3.01, 0.5)
_ROWS = 8192
_MOST_SPLITS = 5


@dataclass(frozen=True)
class _Decomposed:
    """Principal axes `(F, r)` of weighted rows, their squared lengths, and the targets' products with them."""

    axes: np.ndarray
    squares: np.ndarray
    products: np.ndarray
    mean_x: np.ndarray
    mean_y: np.ndarray

    def coefficients(self, penalties: np.ndarray) -> np.ndarray:
        """Return coefficients `(F, T)`, each target with its own penalty."""
        return self.axes @ self.shrunk(penalties)

    def shrunk(self, penalties: np.ndarray) -> np.ndarray:
        """Return coefficients along the axes `(r, T)`."""
        return self.products / (self.squares[:, np.newaxis] + penalties)


def fit_ridge(design: Design, progress: Progress) -> Linear:
    """Fit; the penalty of each target is the one with the least squared error in the inner folds."""
    mean, deviation = moments(design.x, design.weights)
    deviation = np.where(deviation <= 1e-7 * np.abs(mean), 0.0, deviation)
    targets = design.targets
    losses = np.zeros((len(PENALTIES), targets.shape[1]))
    splits = design.splits(_MOST_SPLITS)
    for number, (rows, held) in enumerate(splits):
        check(progress)
        progress.report(number / (len(splits) + 1))
        losses += attend(lambda rows=rows, held=held: _losses(design, rows, held, mean, deviation), progress)
    chosen = PENALTIES[losses.argmin(axis=0)]
    everything = np.arange(len(design.x))
    found = attend(lambda: _decompose(design, everything, mean, deviation), progress)
    coefficients = found.coefficients(chosen * design.weights.sum())
    intercept = found.mean_y - found.mean_x @ coefficients
    progress.report(1.0)
    return unscaled("ridge", 0, coefficients, intercept, mean, deviation,
                    {"penalty": [float(penalty) for penalty in chosen], "weights": "used"})


def _losses(design: Design, rows: np.ndarray, held: np.ndarray, mean: np.ndarray, deviation: np.ndarray) -> np.ndarray:
    """Return the weighted squared errors of held-out rows `(penalties, T)`."""
    found = _decompose(design, rows, mean, deviation)
    total = design.weights[rows].sum()
    targets, width = design.targets, design.targets.shape[1]
    losses = np.zeros((len(PENALTIES), width))
    for first in range(0, len(held), _ROWS):
        part = held[first: first + _ROWS]
        along = (_scaled(design.x[part], mean, deviation) - found.mean_x) @ found.axes
        for number, penalty in enumerate(PENALTIES):
            error = along @ found.shrunk(np.full(width, penalty * total)) + found.mean_y - targets[part]
            losses[number] += design.weights[part] @ error ** 2
    return losses


def _scaled(x: np.ndarray, mean: np.ndarray, deviation: np.ndarray) -> np.ndarray:
    """Return standardised features; one without any spread becomes 0."""
    return (x - mean) * np.where(deviation > 0, 1.0 / np.where(deviation > 0, deviation, 1.0), 0.0)


def _decompose(design: Design, rows: np.ndarray, mean: np.ndarray, deviation: np.ndarray) -> _Decomposed:
    """Decompose some rows by their features' or their own products, whichever are fewer."""
    weights, targets = design.weights[rows], design.targets[rows]
    total = weights.sum()
    mean_y = weights @ targets / total
    runs = [slice(first, first + _ROWS) for first in range(0, len(rows), _ROWS)]
    mean_x = sum((weights[run] @ _scaled(design.x[rows[run]], mean, deviation) for run in runs),
                 np.zeros(design.x.shape[1])) / total
    if len(rows) < design.x.shape[1]:
        roots = np.sqrt(weights)[:, np.newaxis]
        centred = (_scaled(design.x[rows], mean, deviation) - mean_x) * roots
        squares, left = np.linalg.eigh(centred @ centred.T)
        kept = squares > 1e-12 * max(squares[-1], 1e-300)
        squares, left = squares[kept], left[:, kept]
        axes = centred.T @ left / np.sqrt(squares)
        return _Decomposed(axes, squares, axes.T @ (centred.T @ ((targets - mean_y) * roots)), mean_x, mean_y)
    gram = np.zeros((design.x.shape[1],) * 2)
    products = np.zeros((design.x.shape[1], targets.shape[1]))
    for run in runs:
        centred = _scaled(design.x[rows[run]], mean, deviation) - mean_x
        weighted = centred * weights[run, np.newaxis]
        gram += weighted.T @ centred
        products += weighted.T @ (targets[run] - mean_y)
    squares, axes = np.linalg.eigh(gram)
    kept = squares > 1e-12 * max(squares[-1], 1e-300)
    return _Decomposed(axes[:, kept], squares[kept], axes[:, kept].T @ products, mean_x, mean_y)
