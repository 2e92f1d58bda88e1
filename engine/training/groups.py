"""Groups of features whose worth can be told apart: the parts of a space, and each further column."""

from __future__ import annotations

from typing import Any, Dict, List

import numpy as np

from ..errors import InputError
from ..space import Space
from ..table.parts import Identity
from .columns import ColumnPlan

EMBEDDING = "embedding"
# Dimensions of Google's Population Dynamics embeddings by what they were made from.
_PDFM = (("search trends", 0, 128), ("maps and busyness", 128, 256), ("weather and air quality", 256, 330))


def groups_of(identity: Identity, plan: ColumnPlan, dimensions: int) -> "Dict[str, np.ndarray]":
    """Return the features of each group by its name, as far as the space tells of parts."""
    found = {name: np.arange(start, end) for name, start, end in _parts(identity, dimensions)}
    return {**found, **_columns(plan, dimensions)}


def stated_groups(text: str, plan: ColumnPlan, dimensions: int) -> "Dict[str, np.ndarray]":
    """Return groups that a user states as `name=0-63; other=64-127,200`, counted from 0, and the further columns."""
    found: "Dict[str, np.ndarray]" = {}
    for part in filter(None, (part.strip() for part in text.split(";"))):
        name, _, ranges = part.partition("=")
        try:
            numbers = sorted({number for span in ranges.split(",") for number in _span(span)})
        except ValueError:
            numbers = []
        if not numbers or numbers[0] < 0 or numbers[-1] >= dimensions:
            raise InputError("groups-unreadable", "The group “{part}” can't be read: write name=first-last with "
                             "dimensions from 0 to {last}, groups separated by “;”.", part=part, last=dimensions - 1)
        found[name.strip() or ranges.strip()] = np.array(numbers)
    return {**found, **_columns(plan, dimensions)}


def _span(text: str) -> "List[int]":
    """Read `7` or `3-9`."""
    first, _, last = text.strip().partition("-")
    return list(range(int(first), int(last or first) + 1))


def _parts(identity: Identity, dimensions: int) -> "List[tuple[str, int, int]]":
    """Return names and extents of the parts of an embedding."""
    if isinstance(identity, Space):
        told: Any = identity.details.get("parts")
        if isinstance(told, (list, tuple)) and len(told) > 1:
            sizes = [int(part.get("dimensions", 0)) for part in told]
            if sum(sizes) == dimensions and min(sizes) > 0:
                ends = np.cumsum(sizes).tolist()
                names = _unlike([str(part.get("name") or part.get("encoder") or "part") for part in told])
                return [(name, end - size, end) for name, size, end in zip(names, sizes, ends)]
        if identity.encoder.lower().startswith("pdfm") and dimensions == _PDFM[-1][2] and identity.reduction is None:
            return list(_PDFM)
    return [(EMBEDDING, 0, dimensions)]


def _columns(plan: ColumnPlan, dimensions: int) -> "Dict[str, np.ndarray]":
    """Return the features that each further column became."""
    return {name: np.arange(dimensions + part.start, dimensions + part.stop) for name, part in plan.groups.items()}


def _unlike(names: "List[str]") -> "List[str]":
    """Return names made different by numbers."""
    return [name if names.count(name) == 1 else f"{name} {names[:index + 1].count(name)}"
            for index, name in enumerate(names)]
