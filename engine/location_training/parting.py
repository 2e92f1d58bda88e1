"""Parts rows into spatial blocks: those that judge, and among the others those that end a training early."""

from __future__ import annotations

import numpy as np

from ..errors import InputError
from ..number_text import counted
from ..training.folds import Evidence, Folds, sized_block_folds
from ..training.sites import Sites
from .objectives.objective import Objective
from .probing import coordinates

_SHARE_EARLY = 0.15
_EARLY_STREAM = 29
_MOST_SIGNALS = 8


def part_rows(objective: Objective, count: int, size: float, seed: int) -> Folds:
    """Part the rows into blocks, each held out whole; their size is how far what is learnt stays alike."""
    gathered = objective.gathered
    distinct = len(np.unique(gathered.places, axis=0))
    if distinct < count:
        raise InputError("location-few", "{name} has {places} that can be used, fewer than the "
                         "{count} blocks that an encoder is validated in: add places, or lower FOLD_COUNT.",
                         name=gathered.name, places=counted(distinct, "one place", "different places"), count=count)
    if count < 2:
        raise InputError("location-folds", "FOLD_COUNT is {count}: give at least 2, so that something is held out.",
                         count=count)
    sites = Sites(gathered.name, gathered.points, gathered.wkt, np.arange(len(gathered)))
    evidence = Evidence(_unexplained(objective), objective.strata)
    try:
        return sized_block_folds(sites, evidence, size, count, seed)
    except InputError as error:
        if error.code != "folds-blocks-none":
            raise
        raise InputError("location-blocks", "The {rows} rows of {name} lie at too few places to be parted into "
                         "{count} blocks: add places, or lower FOLD_COUNT.", rows=len(gathered),
                         name=gathered.name, count=count) from error


def early_rows(folds: Folds, rows: np.ndarray, seed: int, number: int) -> np.ndarray:
    """Tell which of the training rows are not learnt from but say when to stop: whole blocks, about a seventh."""
    blocks = folds.blocks[rows] if folds.blocks is not None else np.arange(len(rows))
    names, of_row = np.unique(blocks, return_inverse=True)
    sizes = np.bincount(of_row.reshape(-1))
    chance = np.random.default_rng((seed, _EARLY_STREAM, number))
    held = np.zeros(len(names), dtype=bool)
    wanted, taken = _SHARE_EARLY * len(rows), 0
    for block in chance.permutation(len(names)):
        if taken >= wanted:
            break
        if taken + sizes[block] <= len(rows) / 3:
            held[block] = True
            taken += int(sizes[block])
    found = held[of_row.reshape(-1)]
    if not found.any():
        # All blocks are large: part of one has to do.
        found = np.zeros(len(rows), dtype=bool)
        found[chance.permutation(len(rows))[: max(1, int(wanted))]] = len(rows) > 1
    return found


def _unexplained(objective: Objective) -> np.ndarray:
    """Return what coordinates leave of the signals in a straight line, 0 where one is missing."""
    signals = objective.signals[:, :_MOST_SIGNALS]
    x = coordinates(objective.gathered.places, objective.gathered.places)[0]
    x = np.column_stack([np.ones(len(x)), x / max(float(x.std()), 1e-12)])
    found = np.zeros(signals.shape)
    for column in range(signals.shape[1]):
        known = np.isfinite(signals[:, column])
        y = signals[known, column]
        deviation = float(y.std())
        if deviation > 0:
            y = (y - y.mean()) / deviation
            found[known, column] = y - x[known] @ np.linalg.lstsq(x[known], y, rcond=None)[0]
    return found
