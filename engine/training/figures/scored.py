"""Figures over folds: pooled, for each fold, with an interval of their mean, and the difference of two models."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Dict, Generic, List, Optional, Protocol, Sequence, TypeVar

import numpy as np

from ..student import Interval, interval_of


class Figures(Protocol):
    """What the figures of any task have in common."""

    rows: int

    def numbers(self) -> "Dict[str, float]":
        """Return the figures by name."""


F = TypeVar("F", bound=Figures)


@dataclass(frozen=True)
class Scored(Generic[F]):
    """The figures of all out-of-fold predictions together and of each fold, and t intervals of the folds' means."""

    pooled: F
    folds: "tuple[F, ...]"
    intervals: "Dict[str, Interval]"

    def as_json(self) -> "Dict[str, object]":
        """Return plain values for a card: None where a figure can't be told."""
        return {"pooled": plain(self.pooled.numbers()),
                "folds": [dict(plain(part.numbers()), rows=part.rows) for part in self.folds],
                "intervals": {name: plain({"mean": one.mean, "low": one.low, "high": one.high})
                              for name, one in self.intervals.items()}}


def scored(pooled: F, folds: "tuple[F, ...]") -> "Scored[F]":
    """Put figures together, with an interval for each name."""
    intervals = {name: interval_of(np.array([part.numbers()[name] for part in folds])) for name in pooled.numbers()}
    return Scored(pooled, folds, intervals)


def paired_difference(first: "Sequence[float]", second: "Sequence[float]") -> Interval:
    """Return the mean of first less second over the same folds, with its 95 % interval.

    Folds learn from mostly the same rows, so their differences vary less than those of new data would; Nadeau and
    Bengio's correction makes up for it.
    """
    one, two = np.asarray(first, dtype=np.float64), np.asarray(second, dtype=np.float64)
    return interval_of(one - two, share_held=1 / (len(one) - 1) if len(one) > 1 else 0.0)


def folds_of(fold: np.ndarray) -> "List[np.ndarray]":
    """Return the rows of each fold, in order of their numbers."""
    fold = np.asarray(fold)
    order = np.argsort(fold, kind="stable")
    return np.split(order, np.flatnonzero(np.diff(fold[order])) + 1) if len(fold) else []


def row_weights(weights: Optional[np.ndarray], rows: int) -> np.ndarray:
    """Return weights, equal ones where none are given."""
    return np.ones(rows) if weights is None else np.asarray(weights, dtype=np.float64).ravel()


def plain(numbers: "Dict[str, float]") -> "Dict[str, Optional[float]]":
    """Return numbers as JSON knows them."""
    return {name: float(value) if math.isfinite(value) else None for name, value in numbers.items()}
