"""How near predicted values come to the truth: R², RMSE, MAE and bias, pooled and in each fold."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Dict, Optional

import numpy as np

from .scored import Scored, folds_of, row_weights, scored


@dataclass(frozen=True)
class RegressionFigures:
    """R² against the mean of the same rows (NaN where they are all equal), errors, and mean predicted less truth."""

    r2: float
    rmse: float
    mae: float
    bias: float
    rows: int

    def numbers(self) -> "Dict[str, float]":
        """Return the figures by name."""
        return {"r2": self.r2, "rmse": self.rmse, "mae": self.mae, "bias": self.bias}


def regression_figures(truth: np.ndarray, predicted: np.ndarray, weights: np.ndarray) -> RegressionFigures:
    """Judge the predictions of one target, row by row weighted."""
    total = float(weights.sum())
    if not total > 0:
        return RegressionFigures(math.nan, math.nan, math.nan, math.nan, len(truth))
    error = predicted - truth
    square = float(weights @ error ** 2) / total
    spread = float(weights @ (truth - float(weights @ truth) / total) ** 2) / total
    # Rounding leaves a trace of spread among equal numbers.
    least = (1e-12 * float(np.abs(truth).max(initial=0.0))) ** 2
    return RegressionFigures(1 - square / spread if spread > least else math.nan, math.sqrt(square),
                             float(weights @ np.abs(error)) / total, float(weights @ error) / total, len(truth))


def regression_scored(truth: np.ndarray, predicted: np.ndarray, fold: np.ndarray,
                      weights: Optional[np.ndarray] = None) -> "Scored[RegressionFigures]":
    """Judge out-of-fold predictions `(n,)`; the pooled R² compares with the mean of all rows, a fold's with its own."""
    truth, predicted = np.asarray(truth, dtype=np.float64).ravel(), np.asarray(predicted, dtype=np.float64).ravel()
    weights = row_weights(weights, len(truth))
    parts = tuple(regression_figures(truth[rows], predicted[rows], weights[rows]) for rows in folds_of(fold))
    return scored(regression_figures(truth, predicted, weights), parts)
