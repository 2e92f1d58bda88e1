"""True places as they are read: outlines, weights, and the query each belongs to."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, List, Optional

import numpy as np

from ..errors import InputError
from ..features.outlines import HOLE, LINE, OUTER, POINT, Outlines
from ..progress import Progress, check
from .request import RecallRequest

POINTS, POLYGONS = "points", "polygons"


@dataclass(frozen=True, eq=False)
class Truth:
    """All true places in their own CRS; `queries` are names as texts, where a column gives them."""

    name: str
    wkt: str
    kind: str
    outlines: Outlines
    weights: np.ndarray
    queries: "Optional[List[str]]"

    def of(self, query: str) -> np.ndarray:
        """Tell which features are truths of a query."""
        if self.queries is None:
            return np.ones(self.outlines.count, dtype=bool)
        return np.array([name == query for name in self.queries], dtype=bool)


def read_truth(request: RecallRequest, progress: Progress) -> Truth:
    """Read all features, and refuse what is neither points nor polygons."""
    rows = request.truth
    outlines = Outlines()
    weights: "List[float]" = []
    queries: "List[str]" = []
    for chunk in rows.rows():
        check(progress)
        outlines.add(chunk.wkb)
        if request.weight:
            weights += [_weight(value, request) for value in _cells(chunk.columns, request.weight, rows.name)]
        if request.query_field:
            queries += [_text(value) for value in _cells(chunk.columns, request.query_field, rows.name)]
        progress.report(outlines.count / max(rows.count, 1), "Reading the truth" if len(chunk.wkb) else None)
    if not outlines.count:
        raise InputError("recall-truth-none", "{name} has no features: check its filter and selection.", name=rows.name)
    if outlines.mended:
        progress.info(f"{outlines.mended} invalid polygons of {rows.name} were mended.")
    found = np.array(weights) if request.weight else np.ones(outlines.count)
    if not found.sum() > 0:
        raise InputError("recall-weights", "The column “{column}” of {name} gives no truth any weight: choose a column "
                         "of positive numbers.", column=request.weight, name=rows.name)
    without = int((found == 0).sum())
    if without:
        progress.warn(f"{without:,} truths of {rows.name} have no weight in “{request.weight}” and don't count."
                      if without != 1 else
                      f"One truth of {rows.name} has no weight in “{request.weight}” and doesn't count.")
    return Truth(rows.name, rows.wkt, _kind(outlines, rows.name), outlines, found,
                 queries if request.query_field else None)


def _kind(outlines: Outlines, name: str) -> str:
    """Tell points from polygons."""
    kinds = set(outlines.kinds)
    if kinds == {POINT}:
        return POINTS
    if kinds and kinds <= {OUTER, HOLE}:
        return POLYGONS
    if not kinds:
        raise InputError("recall-truth-shapes", "{name} has no geometries: give true places as points or polygons.",
                         name=name)
    held = " and ".join(text for text, kind in (("points", POINT), ("lines", LINE), ("polygons", OUTER))
                        if kind in kinds)
    raise InputError("recall-truth-kind", "{name} holds {held}: give true places as points alone or polygons alone "
                     "(“Buffer” makes polygons of both).", name=name, held=held)


def _cells(columns: "dict[str, List[Any]]", column: str, name: str) -> "List[Any]":
    """Return a column's cells."""
    if column not in columns:
        raise InputError("recall-column", "{name} has no column “{column}”.", name=name, column=column)
    return columns[column]


def _weight(value: Any, request: RecallRequest) -> float:
    """Return a weight; nothing weighs nothing."""
    if value is None:
        return 0.0
    try:
        weight = float(value)
    except (TypeError, ValueError):
        weight = -1.0
    if math.isnan(weight):
        return 0.0
    if weight < 0 or math.isinf(weight):
        raise InputError("recall-weight", "The column “{column}” of {name} holds “{value}”, which is no weight: choose "
                         "a column of numbers from 0 on.", column=request.weight, name=request.truth.name, value=value)
    return weight


def _text(value: Any) -> str:
    """Return the name of a query as a text; whole numbers without a point."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return "" if value is None else str(value)
