"""How often predicted classes are the true ones: balanced accuracy, accuracy, kappa, F1 and the confusion matrix."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Dict, Optional

import numpy as np

from .scored import Scored, folds_of, row_weights, scored


@dataclass(frozen=True)
class ClassificationFigures:
    """Weighted figures; `confusion` has a row a true class and a column a predicted one.

    Balanced accuracy is the mean share found of the classes that occur; F1 is NaN for a class neither true nor
    predicted anywhere.
    """

    balanced_accuracy: float
    accuracy: float
    kappa: float
    f1: np.ndarray
    confusion: np.ndarray
    rows: int

    @property
    def mean_f1(self) -> float:
        """Return the mean F1 of the classes that have one."""
        return _mean(self.f1)

    @property
    def recall(self) -> np.ndarray:
        """Return the share of each true class that was found; NaN where there is none of it."""
        return _share(np.diag(self.confusion), self.confusion.sum(axis=1))

    @property
    def precision(self) -> np.ndarray:
        """Return the share of each predicted class that is true; NaN where it was never predicted."""
        return _share(np.diag(self.confusion), self.confusion.sum(axis=0))

    def numbers(self) -> "Dict[str, float]":
        """Return the figures by name."""
        return {"balanced_accuracy": self.balanced_accuracy, "accuracy": self.accuracy, "kappa": self.kappa,
                "f1": self.mean_f1}


def classification_figures(truth: np.ndarray, predicted: np.ndarray, weights: np.ndarray,
                           classes: int) -> ClassificationFigures:
    """Judge predicted classes 0 … classes − 1."""
    confusion = np.bincount(truth * classes + predicted, weights=weights,
                            minlength=classes * classes).reshape(classes, classes)
    total = float(confusion.sum())
    true, said, right = confusion.sum(axis=1), confusion.sum(axis=0), np.diag(confusion)
    if not total > 0:
        return ClassificationFigures(math.nan, math.nan, math.nan, np.full(classes, math.nan), confusion, len(truth))
    accuracy = float(right.sum()) / total
    chance = float(true @ said) / total ** 2
    return ClassificationFigures(_mean(_share(right, true)), accuracy,
                                 (accuracy - chance) / (1 - chance) if chance < 1 - 1e-12 else math.nan,
                                 _share(2 * right, true + said), confusion, len(truth))


def classification_scored(truth: np.ndarray, predicted: np.ndarray, fold: np.ndarray, weights: Optional[np.ndarray],
                          classes: int) -> "Scored[ClassificationFigures]":
    """Judge out-of-fold probabilities `(n, classes)`, or predicted classes `(n,)`."""
    truth = np.asarray(truth, dtype=np.int64).ravel()
    predicted = np.asarray(predicted)
    chosen = (predicted.argmax(axis=1) if predicted.ndim == 2 else predicted).astype(np.int64)
    weights = row_weights(weights, len(truth))
    parts = tuple(classification_figures(truth[rows], chosen[rows], weights[rows], classes)
                  for rows in folds_of(fold))
    return scored(classification_figures(truth, chosen, weights, classes), parts)


def _share(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """Divide; NaN where there is nothing to divide by."""
    return np.where(whole > 0, part / np.where(whole > 0, whole, 1.0), np.nan)


def _mean(values: np.ndarray) -> float:
    """Return the mean of what is known."""
    known = values[np.isfinite(values)]
    return float(known.mean()) if len(known) else math.nan
