"""The further columns of a predictor over a raster: one value each, stated by the user."""

from __future__ import annotations

from typing import Dict

import numpy as np

from ..errors import InputError
from ..training.columns import CategoryColumn, ColumnPlan


def stated_columns(plan: ColumnPlan, text: str, predictor: str) -> np.ndarray:
    """Return `(C,)` float32 of the encoded columns from `name=value; name=value`."""
    given = _pairs(text)
    needed = {column.name.lower(): column.name for column in plan.columns}
    unknown = [name for name in given if name.lower() not in needed]
    if unknown:
        raise InputError("values-unknown", "VALUES names {unknown}, which {predictor} doesn't use: it {needs}.",
                         unknown=" and ".join(unknown), predictor=predictor,
                         needs=f"needs {', '.join(needed.values())}" if needed else "needs the embedding alone")
    lowered = {name.lower(): value for name, value in given.items()}
    missing = [name for lower, name in needed.items() if lower not in lowered]
    if missing:
        raise InputError("values-missing", "{predictor} also needs {missing} beside the embedding: state one value for "
                         "the whole raster in VALUES, as in {example}, or predict the rows of a table that has them.",
                         predictor=predictor, missing=", ".join(missing),
                         example="; ".join(f"{name}=…" for name in missing))
    if not plan.columns:
        return np.zeros(0, dtype=np.float32)
    values = {name: [lowered[lower]] for lower, name in needed.items()}
    for column in plan.columns:
        if isinstance(column, CategoryColumn) and column.strange(values[column.name]):
            raise InputError("values-level", "VALUES gives “{value}” for {column}, which {predictor} never saw: give "
                             "one of {levels}.", value=values[column.name][0], column=column.name, predictor=predictor,
                             levels=", ".join(column.levels))
    return plan.encode(values)[0]


def _pairs(text: str) -> "Dict[str, str]":
    """Read `name=value; name=value`."""
    found: "Dict[str, str]" = {}
    for part in (piece.strip() for piece in text.split(";")):
        if not part:
            continue
        name, sign, value = part.partition("=")
        if not sign or not name.strip():
            raise InputError("values-form", "“{part}” in VALUES is no statement: write name=value, several separated "
                             "by semicolons.", part=part)
        found[name.strip()] = value.strip()
    return found
