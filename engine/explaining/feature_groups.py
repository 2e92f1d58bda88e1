"""Which features are shuffled together: the whole embedding, its parts, and each further column."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Dict, List, Sequence

import numpy as np

from ..errors import InputError
from ..predictors.card import PredictorCard
from ..space import Space
from ..table.parts import Identity
from ..training.columns import ColumnPlan
from ..training.groups import EMBEDDING, groups_of, stated_groups

WHOLE, PART, COLUMN = "embedding", "part", "column"
_RUNS = 8


@dataclass(frozen=True)
class FeatureGroup:
    """A group's name, its kind, and the features that belong to it, counted from 0, the embedding's first."""

    name: str
    kind: str
    features: np.ndarray


def feature_groups(text: str, identity: Identity, card: PredictorCard) -> "List[FeatureGroup]":
    """Return the groups that a user states, or those that the space knows; without either, equal runs of dimensions.

    Runs are only taken where there are no further columns to compare the embedding with. Where the embedding has
    several parts it is a group as a whole, too, since parts that tell the same can stand in for each other.
    """
    dimensions, plan = card.dimensions, card.columns
    known = card.space if card.space is not None and not isinstance(identity, Space) else identity
    if text.strip():
        found = stated_groups(text, plan, dimensions)
        _require_names(text, found, plan)
    else:
        found = groups_of(known, plan, dimensions)
        if list(found) == [EMBEDDING] and dimensions > 1:
            found = _runs(dimensions)
    columns = set(plan.groups)
    parts = [FeatureGroup(name, PART, features) for name, features in found.items() if name not in columns]
    if len(parts) == 1 and len(parts[0].features) == dimensions:
        whole = [FeatureGroup(parts[0].name, WHOLE, parts[0].features)]
    else:
        whole = [FeatureGroup(_free(EMBEDDING, found), WHOLE, np.arange(dimensions)), *parts]
    return whole + [FeatureGroup(name, COLUMN, found[name]) for name in plan.groups]


def span_text(features: np.ndarray) -> str:
    """Write features as they are stated: 0-3,7."""
    breaks = np.flatnonzero(np.diff(features) != 1) + 1
    return ",".join(f"{run[0]}-{run[-1]}" if len(run) > 1 else str(run[0]) for run in np.split(features, breaks))


def _runs(dimensions: int) -> "Dict[str, np.ndarray]":
    """Return equal runs of dimensions."""
    runs = np.array_split(np.arange(dimensions), min(_RUNS, dimensions))
    return {f"dimensions {span_text(run)}" if len(run) > 1 else f"dimension {run[0]}": run for run in runs}


def _require_names(text: str, found: "Dict[str, np.ndarray]", plan: ColumnPlan) -> None:
    """Refuse a name that would stand for two groups."""
    names = [part.partition("=")[0].strip() for part in text.split(";") if part.strip()]
    twice = next((name for name in names if names.count(name) > 1 or name in plan.groups), None)
    if twice is not None:
        raise InputError("groups-twice", "GROUPS names “{name}” twice, or as a further column of the predictor is "
                         "called: give each group a name of its own.", name=twice)


def _free(name: str, taken: "Sequence[str] | Dict[str, np.ndarray]") -> str:
    """Return a name that no group has."""
    while name in taken:
        name = f"whole {name}"
    return name
