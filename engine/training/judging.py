"""Judges out-of-fold predictions by the figures of the task, in the units of the target."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Optional

import numpy as np

from .figures import (
    ClassificationFigures,
    Interval,
    RegressionFigures,
    Scored,
    balanced_pulls,
    classification_scored,
    regression_scored,
    squared_pulls,
)
from .folds import Folds
from .samples import Samples
from .student import interval_of

R2 = "R²"
BALANCED_ACCURACY = "balanced accuracy"


@dataclass(frozen=True)
class Outcome:
    """What something predicted out of fold: values `(n, T)` in the target's units or probabilities `(n, K)`.

    `scored` holds one entry a target; a classification has one.
    """

    name: str
    folds: Folds
    predicted: np.ndarray
    scored: "tuple[Scored, ...]"

    @property
    def score(self) -> float:
        """Return the pooled figure: R², the mean over the targets, or the balanced accuracy."""
        return float(np.mean([score_of(part.pooled) for part in self.scored]))

    @property
    def fold_scores(self) -> np.ndarray:
        """Return the figure of each fold, so that their mean by rows is the pooled one where that is an R²."""
        return np.mean([fold_scores(part) for part in self.scored], axis=0)

    @property
    def interval(self) -> Interval:
        """Return the interval of the score over the folds."""
        return bounded(interval_of(self.fold_scores))


def score_of(figures: "RegressionFigures | ClassificationFigures") -> float:
    """Return the one figure that speaks for all."""
    return figures.r2 if isinstance(figures, RegressionFigures) else figures.balanced_accuracy


def bounded(found: Interval) -> Interval:
    """Cut an interval where no score can be: above 1."""
    return Interval(found.mean, found.low, min(found.high, 1.0))


def fold_scores(part: Scored) -> np.ndarray:
    """Return the score of each fold: for an R² the error of the fold against the spread of all rows.

    Against the fold's own spread, a fold of equal values would count as an endless failure.
    """
    pooled = part.pooled
    if not isinstance(pooled, RegressionFigures):
        return np.array([score_of(figures) for figures in part.folds])
    spread = pooled.rmse ** 2 / (1 - pooled.r2) if pooled.r2 < 1 else float("nan")
    return np.array([1 - figures.rmse ** 2 / spread for figures in part.folds])


class Judge:
    """Knows the truth of all rows."""

    def __init__(self, samples: Samples) -> None:
        """Take the labels."""
        self._samples = samples
        self.classes = samples.classes
        self.truth = samples.targets if self.classes else samples.target.inverse(samples.targets)

    @property
    def score_name(self) -> str:
        """Return what the score is called."""
        return BALANCED_ACCURACY if self.classes else R2

    def in_units(self, predicted: np.ndarray) -> np.ndarray:
        """Return predictions on the scale of the fit in the target's units; probabilities stay."""
        return predicted if self.classes else self._samples.target.inverse(predicted)

    def outcome(self, name: str, folds: Folds, predicted: np.ndarray) -> Outcome:
        """Judge predictions of all rows, given in units or as probabilities."""
        weights = self._samples.weights
        if self.classes:
            return Outcome(name, folds, predicted, (
                classification_scored(self.truth, predicted, folds.fold, weights, self.classes),))
        return Outcome(name, folds, predicted, tuple(
            regression_scored(self.truth[:, target], predicted[:, target], folds.fold, weights)
            for target in range(predicted.shape[1])))

    def pulls(self, predicted: np.ndarray) -> np.ndarray:
        """Return the pull of each row on the score of such an outcome; they sum to 0."""
        weights = self._samples.weights
        if self.classes:
            return balanced_pulls(self.truth, predicted.argmax(axis=1), weights)
        return np.mean([squared_pulls(self.truth[:, target], predicted[:, target], weights)
                        for target in range(predicted.shape[1])], axis=0)

    def plain_score(self, predicted: np.ndarray, rows: Optional[np.ndarray] = None) -> float:
        """Return the score of some rows alone, their predictions given on the scale of the fit."""
        rows = np.arange(len(predicted)) if rows is None else rows
        one = np.zeros(len(rows), dtype=np.int64)
        weights = self._samples.weights[rows]
        if self.classes:
            return score_of(classification_scored(self.truth[rows], predicted, one, weights, self.classes).pooled)
        found = self.in_units(predicted)
        return float(np.mean([score_of(regression_scored(self.truth[rows, target], found[:, target], one,
                                                         weights).pooled) for target in range(found.shape[1])]))
