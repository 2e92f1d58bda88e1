"""Scores of candidates on the same rows, and differences between two of them with intervals over the blocks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..training.figures import block_difference, block_sums
from ..training.folds import Folds
from ..training.judging import Judge
from ..training.student import interval_of


@dataclass(frozen=True)
class Setting:
    """Under which circumstances a candidate is judged; 0 stands for all dimensions and all labels."""

    probe: str
    folds: str
    dimensions: int = 0
    labels: int = 0


@dataclass(frozen=True)
class Estimate:
    """A figure with the interval in which it would lie 19 times of 20, as far as folds or blocks tell."""

    value: float
    low: float
    high: float

    @property
    def reach(self) -> float:
        """Return how far the interval goes on either side."""
        return (self.high - self.low) / 2


@dataclass(frozen=True)
class Judged:
    """A candidate's score in a setting, that of each fold, and the predictions `(draws, n, T or K)` behind it.

    `pulls` are those on the score of each block that was held out whole (of each label, where labels were dealt at
    random). Predictions that are of no more use are `(draws, 0, T or K)`. Regressions are scored by R²,
    classifications by balanced accuracy; with several draws of labels by their mean.
    """

    name: str
    kind: str
    setting: Setting
    score: float
    fold_scores: np.ndarray
    pulls: np.ndarray
    predicted: np.ndarray
    seconds: float = 0.0

    @property
    def estimate(self) -> Estimate:
        """Return the score with its interval, which no score can leave at 1."""
        found = interval_of(self.fold_scores)
        reach = found.high - found.mean
        return Estimate(self.score, self.score - reach, min(self.score + reach, 1.0))


def judged(name: str, kind: str, setting: Setting, predicted: np.ndarray, judge: Judge, folds: Folds,
           seconds: float) -> Judged:
    """Score predictions, given in the target's units or as probabilities."""
    outcomes = [judge.outcome(name, folds, one) for one in predicted]
    pulls = np.mean([judge.pulls(one) for one in predicted], axis=0)
    return Judged(name, kind, setting, float(np.mean([outcome.score for outcome in outcomes])),
                  np.mean([outcome.fold_scores for outcome in outcomes], axis=0), block_sums(pulls, folds.blocks),
                  predicted, seconds)


def difference(first: Judged, second: Judged, comparisons: int = 1) -> Estimate:
    """Return how much better the first is; the interval holds for all of so many comparisons at once (Bonferroni)."""
    found = block_difference(first.score - second.score, first.pulls, second.pulls, len(first.fold_scores),
                             comparisons)
    return Estimate(found.mean, found.low, found.high)
