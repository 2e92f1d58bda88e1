"""Folds of a grouping column: regions, polygons or photo walks are held out whole."""

from __future__ import annotations

from typing import Optional

import numpy as np

from ...errors import InputError
from .assignment import GROUP, Folds, class_rows, dealt

MOST_ALONE = 20
_JOINED = 10


def group_folds(groups: np.ndarray, count: int, strata: Optional[np.ndarray] = None,
                name: str = "the input") -> Folds:
    """Leave one group out at a time; of more than 20 groups, several whole ones share each of 10 (or `count`) folds."""
    _, group = np.unique(groups, return_inverse=True)
    group = group.reshape(-1).astype(np.int64)
    number = int(group.max()) + 1 if len(group) else 0
    if number < 2:
        raise InputError("folds-groups", "The GROUP column of {name} has {number} value among the usable samples, but "
                         "at least 2 are needed to leave one out: give another column, or choose other FOLDS.",
                         name=name, number=number)
    if number <= MOST_ALONE:
        return Folds(group, GROUP, number, why="each of the {} groups is left out once".format(number), blocks=group)
    folds = min(max(count, _JOINED), number)
    fold = dealt(class_rows(group, number, strata), folds, np.arange(number))[group]
    return Folds(fold, GROUP, folds, why="the {} groups are left out whole, in {} folds".format(number, folds),
                 blocks=group)
