"""Judges predictions against the truth of the same rows, also over resampled rows, for losses and their intervals."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import List

import numpy as np

from ..training.figures.classification import classification_figures
from ..training.figures.regression import regression_figures
from ..training.judging import BALANCED_ACCURACY, R2

DRAWS = 200
_LEAST = 1e-12
_ENDS = (2.5, 97.5)


@dataclass(frozen=True)
class Loss:
    """A loss of score with the interval that holds it in 19 of 20 samples of the rows."""

    value: float
    low: float
    high: float


class Judgement:
    """Knows the truth: `(n, T)` of a regression or `(n,)` of a classification with so many classes."""

    def __init__(self, truth: np.ndarray, classes: int, units: np.ndarray, seed: int) -> None:
        """Draw the samples of features; rows of one feature come and go together."""
        self.truth = truth
        self.classes = classes
        self._ones = np.ones(len(truth))
        of_row = np.unique(units, return_inverse=True)[1].reshape(-1)
        count = int(of_row.max()) + 1
        chance = np.random.default_rng((seed, DRAWS))
        self._seed = seed
        self._weights = chance.multinomial(count, np.full(count, 1 / count), size=DRAWS)[:, of_row].astype(np.float64)

    @property
    def score_name(self) -> str:
        """Return what the score is called."""
        return BALANCED_ACCURACY if self.classes else R2

    @property
    def error_name(self) -> str:
        """Return what the error is called."""
        return "log loss" if self.classes else "RMSE"

    def score(self, predicted: np.ndarray) -> float:
        """Return R², the mean over targets, or the balanced accuracy of probabilities."""
        if self.classes:
            chosen = predicted.argmax(axis=1).astype(np.int64)
            return classification_figures(self.truth, chosen, self._ones, self.classes).balanced_accuracy
        return float(np.mean([regression_figures(self.truth[:, target], predicted[:, target], self._ones).r2
                              for target in range(self.truth.shape[1])]))

    def errors(self, predicted: np.ndarray) -> np.ndarray:
        """Return the RMSE of each target, or the log loss."""
        if self.classes:
            held = predicted[np.arange(len(self.truth)), self.truth].astype(np.float64)
            return np.array([float(-np.log(np.clip(held, _LEAST, 1.0)).mean())])
        return np.sqrt(((predicted - self.truth) ** 2).mean(axis=0))

    def loss(self, predicted: np.ndarray, shuffled: "List[np.ndarray]") -> Loss:
        """Return how much worse shuffled predictions are, the mean over them; the interval resamples both."""
        value = self.score(predicted) - float(np.mean([self.score(one) for one in shuffled]))
        chance = np.random.default_rng((self._seed, len(shuffled)))
        repeats = len(shuffled)
        shares = chance.multinomial(repeats, np.full(repeats, 1 / repeats), size=DRAWS) / repeats
        lost = self._right_lost(predicted, shuffled, shares) if self.classes else self._squares_gained(
            predicted, shuffled, shares)
        known = lost[np.isfinite(lost)]
        low, high = np.percentile(known, _ENDS) if len(known) else (math.nan, math.nan)
        return Loss(value, float(low), float(high))

    def _squares_gained(self, predicted: np.ndarray, shuffled: "List[np.ndarray]", shares: np.ndarray) -> np.ndarray:
        """Return the loss of R² in each sample, the mean over targets."""
        total = self._weights.sum(axis=1)
        lost = np.zeros(len(shares))
        for target in range(self.truth.shape[1]):
            truth = self.truth[:, target]
            apart = truth - truth.mean()
            spread = self._weights @ apart ** 2 - (self._weights @ apart) ** 2 / total
            own = self._weights @ (predicted[:, target] - truth) ** 2
            worse = np.stack([(one[:, target] - truth) ** 2 for one in shuffled], axis=1)
            gained = ((self._weights @ worse) * shares).sum(axis=1) - own
            lost += np.where(spread > 0, gained / np.where(spread > 0, spread, 1.0), np.nan)
        return lost / self.truth.shape[1]

    def _right_lost(self, predicted: np.ndarray, shuffled: "List[np.ndarray]", shares: np.ndarray) -> np.ndarray:
        """Return the loss of balanced accuracy in each sample, over the classes that occur in it."""
        right = np.stack([one.argmax(axis=1) == self.truth for one in shuffled], axis=1).astype(np.float64)
        own = (predicted.argmax(axis=1) == self.truth).astype(np.float64)
        lost, counted = np.zeros(len(shares)), np.zeros(len(shares))
        for number in range(self.classes):
            rows = np.flatnonzero(self.truth == number)
            weights = self._weights[:, rows]
            there = weights.sum(axis=1)
            fewer = weights @ own[rows] - ((weights @ right[rows]) * shares).sum(axis=1)
            lost += np.where(there > 0, fewer / np.where(there > 0, there, 1.0), 0.0)
            counted += there > 0
        return lost / counted
