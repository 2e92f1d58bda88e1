"""Which training rows are used where few labels are asked for: the same ones for every candidate."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Optional, Tuple

import numpy as np

from ..training.folds import Folds
from .request import ALL

_STREAM = 41
# Few labels are drawn more often, because what they teach depends on which they are.
_NUMBERS = ((20, 6), (50, 4), (200, 3))
_ELSE = 2


@dataclass(frozen=True)
class Draws:
    """For each draw the training rows of each fold."""

    rows: "Tuple[Tuple[np.ndarray, ...], ...]"


def draws_of(folds: Folds, count: int, strata: Optional[np.ndarray], seed: int) -> Draws:
    """Return so many training rows of each fold (0: all), drawn several times; each class is there where it can be."""
    parts = [np.flatnonzero(folds.fold != number) for number in range(folds.count)]
    if count == ALL:
        return Draws((tuple(parts),))
    return Draws(tuple(
        tuple(_drawn(rows, count, strata, np.random.default_rng((seed, _STREAM, count, draw, number)))
              for number, rows in enumerate(parts))
        for draw in range(times(count))))


def times(count: int) -> int:
    """Return how often so many labels are drawn."""
    return next((number for most, number in _NUMBERS if count <= most), _ELSE) if count != ALL else 1


def _drawn(rows: np.ndarray, count: int, strata: Optional[np.ndarray], chance: np.random.Generator) -> np.ndarray:
    """Draw rows: one of each class first, as somebody who labels would see to, then any."""
    order = chance.permutation(rows)
    if strata is not None:
        first = np.unique(strata[order], return_index=True)[1]
        ahead = np.sort(first)[:count]
        order = np.concatenate([order[ahead], np.delete(order, ahead)])
    return np.sort(order[:count])
