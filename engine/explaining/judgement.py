"""Judges predictions against the truth of the same rows, also over resampled rows, for losses and their intervals."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Sequence

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


@dataclass(frozen=True)
class Judged:
    """The score of predictions, their error (of each target, or the log loss), and that of each row.

    `rows` holds squared errors `(n, T)`, or `(n, 1)` whether the class is wrong.
    """

    score: float
    errors: np.ndarray
    rows: np.ndarray


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

    def judged(self, predicted: np.ndarray) -> Judged:
        """Judge values `(n, T)`, or probabilities `(n, K)`."""
        if self.classes:
            chosen = predicted.argmax(axis=1).astype(np.int64)
            held = predicted[np.arange(len(self.truth)), self.truth].astype(np.float64)
            return Judged(
                classification_figures(self.truth, chosen, self._ones, self.classes).balanced_accuracy,
                np.array([float(-np.log(np.clip(held, _LEAST, 1.0)).mean())]), (chosen != self.truth)[:, np.newaxis])
        square = (predicted - self.truth) ** 2
        score = float(np.mean([regression_figures(self.truth[:, target], predicted[:, target], self._ones).r2
                               for target in range(self.truth.shape[1])]))
        return Judged(score, np.sqrt(square.mean(axis=0)), square)

    def loss(self, own: Judged, shuffled: "Sequence[Judged]") -> Loss:
        """Return how much worse shuffled predictions are, the mean over them; the interval resamples both."""
        repeats = len(shuffled)
        value = own.score - float(np.mean([one.score for one in shuffled]))
        chance = np.random.default_rng((self._seed, repeats))
        shares = chance.multinomial(repeats, np.full(repeats, 1 / repeats), size=DRAWS) / repeats
        lost = (self._right_lost if self.classes else self._squares_gained)(own, shuffled, shares)
        known = lost[np.isfinite(lost)]
        low, high = np.percentile(known, _ENDS) if len(known) else (math.nan, math.nan)
        return Loss(value, float(low), float(high))

    def _squares_gained(self, own: Judged, shuffled: "Sequence[Judged]", shares: np.ndarray) -> np.ndarray:
        """Return the loss of R² in each sample, the mean over targets."""
        total = self._weights.sum(axis=1)
        lost = np.zeros(len(shares))
        for target in range(self.truth.shape[1]):
            apart = self.truth[:, target] - self.truth[:, target].mean()
            spread = self._weights @ apart ** 2 - (self._weights @ apart) ** 2 / total
            worse = np.stack([one.rows[:, target] for one in shuffled], axis=1)
            gained = ((self._weights @ worse) * shares).sum(axis=1) - self._weights @ own.rows[:, target]
            lost += np.where(spread > 0, gained / np.where(spread > 0, spread, 1.0), np.nan)
        return lost / self.truth.shape[1]

    def _right_lost(self, own: Judged, shuffled: "Sequence[Judged]", shares: np.ndarray) -> np.ndarray:
        """Return the loss of balanced accuracy in each sample, over the classes that occur in it."""
        wrong = np.stack([one.rows[:, 0] for one in shuffled], axis=1).astype(np.float64)
        before = own.rows[:, 0].astype(np.float64)
        lost, counted = np.zeros(len(shares)), np.zeros(len(shares))
        for number in range(self.classes):
            rows = np.flatnonzero(self.truth == number)
            weights = self._weights[:, rows]
            there = weights.sum(axis=1)
            more = ((weights @ wrong[rows]) * shares).sum(axis=1) - weights @ before[rows]
            lost += np.where(there > 0, more / np.where(there > 0, there, 1.0), 0.0)
            counted += there > 0
        return lost / counted
