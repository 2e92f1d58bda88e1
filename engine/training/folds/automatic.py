"""Chooses folds where the user does not, and says why."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Optional

import numpy as np

from ...errors import InputError
from ..moran import Moran, morans_i, neighbour_graph
from ..sites import Sites
from .assignment import Folds
from .block_size import block_size_from
from .blocks import block_folds
from .clustering import clustering_of
from .groups import group_folds
from .random import random_folds


@dataclass(frozen=True)
class Evidence:
    """What speaks for one kind of folds: groups, classes, and what is left unexplained, `(n,)` or `(n, m)`.

    `residuals` are those of a quick model under random folds; without a model the targets will do.
    """

    residuals: np.ndarray
    strata: Optional[np.ndarray] = None
    groups: Optional[np.ndarray] = None


def automatic_folds(sites: Sites, evidence: Evidence, size: float, count: int, seed: int) -> Folds:
    """Leave groups out where there are any; else blocks wherever places are clustered or near ones alike; else random.

    Where places are missing or too few for blocks, random folds are all that is left, which the reason says.
    """
    if evidence.groups is not None:
        folds = group_folds(evidence.groups, count, evidence.strata, sites.name)
        return replace(folds, why="Groups were given, so " + folds.why + ".")
    if sites.missing:
        return _random(sites, evidence, count, seed, "{} of the {} samples have no place, so".format(
            sites.missing, len(sites.points)))
    clustering = clustering_of(sites)
    moran = _most_alike(sites, evidence.residuals, seed)
    if not clustering.clustered and not (moran is not None and moran.alike):
        return _random(sites, evidence, count, seed, "Places are not clustered and near ones are no more alike than "
                       "far ones, so")
    reason = clustering.sentence if clustering.clustered else (
        "Near places are alike (Moran's I {:.2f}), which random folds would take for skill.".format(moran.value))
    try:
        folds = sized_block_folds(sites, evidence, size, count, seed)
    except InputError as error:
        if size > 0:
            raise
        return _random(sites, evidence, count, seed, "{} But {} So".format(reason, str(error)))
    return replace(folds, why="{} {}".format(reason, folds.why))


def sized_block_folds(sites: Sites, evidence: Evidence, size: float, count: int, seed: int) -> Folds:
    """Make block folds of a size, or where it is 0 of one from the data."""
    sites.require_places("FOLDS blocks")
    if size > 0:
        folds = block_folds(sites, size, count, seed, evidence.strata)
        return replace(folds, why="The {}.".format(folds.why))
    chosen = block_size_from(sites, evidence.residuals, count, seed)
    if not chosen.size > 0:
        raise InputError("folds-blocks-none", "{sentence} Add samples elsewhere, ask for fewer folds, or choose FOLDS "
                         "random or group.", sentence=chosen.sentence)
    folds = block_folds(sites, chosen.size, count, seed, evidence.strata)
    return replace(folds, why="{} The {}.".format(chosen.sentence, folds.why), caution=chosen.caution)


def _most_alike(sites: Sites, values: np.ndarray, seed: int) -> Optional[Moran]:
    """Return the largest Moran's I among the columns of what is left unexplained."""
    graph = neighbour_graph(sites, seed=seed)
    columns = np.asarray(values, dtype=np.float64).reshape(len(sites.points), -1).T
    found = [one for one in (morans_i(column, graph) for column in columns) if np.isfinite(one.z)]
    return max(found, key=lambda one: one.z) if found else None


def _random(sites: Sites, evidence: Evidence, count: int, seed: int, reason: str) -> Folds:
    """Make random folds for a reason."""
    folds = random_folds(sites.units, count, seed, evidence.strata, sites.name)
    return replace(folds, why="{} {}.".format(reason, folds.why))
