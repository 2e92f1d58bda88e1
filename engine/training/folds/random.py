"""Random folds: what most people do, and optimistic wherever near places are alike."""

from __future__ import annotations

from typing import Optional

import numpy as np

from ...errors import InputError
from .assignment import RANDOM, Folds, class_rows, dealt, require_folds

# Each unit is weighed against each fold; where units are so many, dealing them in turn is as even.
_MOST_WEIGHED = 20_000


def random_folds(units: np.ndarray, count: int, seed: int, strata: Optional[np.ndarray] = None,
                 name: str = "the input") -> Folds:
    """Deal units to folds at random, evenly in rows and, where classes are given as strata, in each class."""
    require_folds(count)
    _, unit = np.unique(units, return_inverse=True)
    unit = unit.reshape(-1)
    number = int(unit.max()) + 1 if len(unit) else 0
    if number < count:
        raise InputError("folds-samples", "{name} has {number} usable samples, fewer than the {count} folds: add "
                         "samples, or ask for fewer folds.", name=name, number=number, count=count)
    chance = np.random.default_rng(seed)
    order = chance.permutation(number)
    if number == len(unit) or number > _MOST_WEIGHED:
        fold = _in_turn(unit, order, count, strata)
    else:
        fold = dealt(class_rows(unit, number, strata), count, order)[unit]
    return Folds(fold, RANDOM, count, why="samples are dealt to {} folds at random".format(count))


def _in_turn(unit: np.ndarray, order: np.ndarray, count: int, strata: Optional[np.ndarray]) -> np.ndarray:
    """Deal units in turn, class after class (that of their first row) and in each those of a size together."""
    rank = np.empty(len(order), dtype=np.int64)
    rank[order] = np.arange(len(order))
    keys = [rank, np.bincount(unit)]
    if strata is not None:
        keys.append(np.asarray(strata)[np.unique(unit, return_index=True)[1]])
    fold = np.empty(len(order), dtype=np.int64)
    fold[np.lexsort(keys)] = np.arange(len(order)) % count
    return fold[unit]
