"""What folds are, and how whole parts (units, blocks, groups) are dealt to them evenly."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Optional

import numpy as np

from ...errors import InputError

RANDOM = "random"
BLOCKS = "blocks"
GROUP = "group"
KMEANS = "kmeans"
_MOST_INNER = 5


@dataclass(frozen=True)
class Folds:
    """The fold of each row (0 … count − 1), how they were made and, in a sentence, why so.

    `block_size` is in units of the CRS (0 = no blocks); `blocks` numbers what is held out whole in each row's fold
    (blocks, groups or clusters; None where rows were dealt at random). `caution` says why figures over them may still
    be too good.
    """

    fold: np.ndarray
    kind: str
    count: int
    block_size: float = 0.0
    why: str = ""
    blocks: Optional[np.ndarray] = None
    caution: str = ""

    @property
    def parts(self) -> int:
        """Return how many blocks, groups or clusters there are; 0 where rows were dealt at random."""
        return 0 if self.blocks is None else len(np.unique(self.blocks))


def inner_folds(fold: np.ndarray) -> np.ndarray:
    """Return folds 0, 1, … among the rows of a training set: its outer folds, the smallest joined where they are many.

    What lay in one fold stays together, so that settings are chosen as honestly as the whole is judged.
    """
    _, found = np.unique(fold, return_inverse=True)
    found = found.reshape(-1).astype(np.int64)
    rows = np.bincount(found)
    if len(rows) <= _MOST_INNER:
        return found
    return dealt(rows[:, np.newaxis], _MOST_INNER, np.arange(len(rows)))[found]


def dealt(sizes: np.ndarray, count: int, order: np.ndarray) -> np.ndarray:
    """Deal whole parts to folds so that every column of `sizes` (rows, or rows of each class) is shared out evenly.

    The largest parts go first; `order` decides between equals. Each part goes where the squared shares grow least.
    """
    sizes = np.asarray(sizes, dtype=np.float64)
    square = np.maximum(sizes.sum(axis=0), 1.0) ** 2
    total = sizes.sum(axis=1)
    fold = np.empty(len(sizes), dtype=np.int64)
    load = np.zeros((count, sizes.shape[1]))
    for part in order[np.argsort(-total[order], kind="stable")]:
        growth = ((2 * load + sizes[part]) * sizes[part] / square).sum(axis=1)
        best = np.flatnonzero(growth <= growth.min() * (1 + 1e-9))
        # Of folds that suit the classes alike, the one with the fewest rows.
        chosen = best[np.argmin(load[best].sum(axis=1))]
        fold[part] = chosen
        load[chosen] += sizes[part]
    return fold


def class_rows(part_of_row: np.ndarray, parts: int, strata: Optional[np.ndarray]) -> np.ndarray:
    """Return how many rows each part has in all and, where strata are given, of each of them: `(parts, 1 + strata)`."""
    rows = np.bincount(part_of_row, minlength=parts)[:, np.newaxis]
    if strata is None:
        return rows
    _, code = np.unique(strata, return_inverse=True)
    width = int(code.max()) + 1
    each = np.bincount(part_of_row * width + code.reshape(-1), minlength=parts * width).reshape(parts, width)
    return np.hstack([rows, each])


def require_folds(count: int) -> None:
    """Raise where there is nothing to hold out."""
    if count < 2:
        raise InputError("folds-count", "The number of folds is {count}: at least 2 are needed, one to learn from and "
                         "one to judge.", count=count)
