"""Writes the points of the curves, and one row of figures for each query, as plain tables."""

from __future__ import annotations

import math
from typing import Any, Dict, Optional, Sequence

import numpy as np
from osgeo import ogr

from ..plain_layer import LayerWriter
from ..table.parts import ColumnSpec
from .curve import chance_under_log
from .judged import LEAST_SHARE, Judged
from .request import AREAS, SHARES, USUAL

CURVE_COLUMNS = ("area_km2", "area_share", "recall", "lower", "upper", "chance", "chance_lower", "chance_upper",
                 "score")


def write_curves(destination: str, queries: "Sequence[Judged]") -> None:
    """Write a row for each query and point of its curve."""
    columns = [ColumnSpec("query", "text"), *(ColumnSpec(name, "real") for name in CURVE_COLUMNS)]
    with LayerWriter(destination, "", ogr.wkbNone, columns) as writer:
        for one in queries:
            cells = curve_cells(one)
            count = len(one.areas)
            writer.write([None] * count, {"query": [one.name] * count, **{
                name: [_number(value) for value in values.tolist()] for name, values in cells.items()}})


def curve_cells(one: Judged) -> "Dict[str, np.ndarray]":
    """Return the columns of numbers of a curve."""
    steps, _ = one.curve.position(one.areas)
    scores = np.append(one.curve.scores, np.nan)[steps]
    return dict(zip(CURVE_COLUMNS, (
        one.areas, one.areas / one.curve.ground, one.recalls, one.band.lower, one.band.upper, one.chance.middle,
        one.chance.lower, one.chance.upper, scores)))


def write_summary(destination: str, queries: "Sequence[Judged]", wanted: float) -> None:
    """Write a row for each query."""
    rows = [summary_of(one, wanted) for one in queries]
    texts = ("query", "truth")
    columns = [ColumnSpec(name, "text" if name in texts else "real") for name in rows[0]]
    with LayerWriter(destination, "", ogr.wkbNone, columns) as writer:
        writer.write([None] * len(rows), {name: [row[name] for row in rows] for name in rows[0]})


def summary_of(one: Judged, wanted: float) -> "Dict[str, Any]":
    """Return the figures of a query by the names of their columns; areas beyond the ground have none."""
    curve, found = one.curve, {}
    for area in AREAS:
        recall = one.at(area)
        for name, value in zip(("recall", "lower", "upper", "chance"), recall or (None,) * 4):
            found[f"{name}_{area:.0f}_km2"] = value
    for share in SHARES:
        recall = one.at(share * curve.ground)
        for name, value in zip(("recall", "lower", "upper", "chance"), recall or (None,) * 4):
            found[f"{name}_{_share_name(share)}"] = value
    usual, least, most = one.needed(USUAL)
    asked, asked_least, asked_most = one.needed(wanted)
    one_percent = one.at(0.01 * curve.ground)
    numbers = {
        "truths": float(one.count.used), "independent": one.drawing.independent, "lost": one.count.lost,
        "area_km2": curve.ground, **found,
        "area_80": usual, "area_80_lower": least, "area_80_upper": most, "area_80_share": usual / curve.ground,
        "area_80_chance": one.by_chance(USUAL), "score_80": curve.score(USUAL),
        "wanted": wanted, "area_wanted": asked, "area_wanted_lower": asked_least, "area_wanted_upper": asked_most,
        "auc": curve.under, "auc_lower": one.under[0], "auc_upper": one.under[1], "auc_chance": one.chance_under,
        "log_auc": one.under_log, "log_auc_chance": chance_under_log(LEAST_SHARE) * curve.reach,
        "times_chance": one_percent[0] / one_percent[3] if one_percent and one_percent[3] else None}
    return {"query": one.name, "truth": one.count.kind,
            **{name: None if value is None else _number(value) for name, value in numbers.items()}}


def _share_name(share: float) -> str:
    """Return a share as a part of a column's name: 0_1_percent, 1_percent."""
    return f"{share * 100:g}_percent".replace(".", "_")


def _number(value: float) -> "Optional[float]":
    """Return a number, or nothing where there is none."""
    return value if math.isfinite(value) else None
