"""The table of clusters: how many, how much ground, the most typical place, how alike, and which is next."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Optional, Sequence

import numpy as np
from osgeo import ogr

from ...centres import point_wkb
from ...plain_layer import LayerWriter
from ...provenance import Provenance
from ...table.location import parse_destination
from ...table.parts import ColumnSpec
from ...whole import require_writable
from .model import ClusterModel
from .request import Extras
from .tally import AREA, DISTANCE, SQUARE, Tally

COLUMNS = (
    ColumnSpec("cluster", "integer"), ColumnSpec("name", "text"), ColumnSpec("count", "integer64"),
    ColumnSpec("share", "real"), ColumnSpec("area_m2", "real"), ColumnSpec("cohesion", "real"),
    ColumnSpec("distance", "real"), ColumnSpec("nearest", "integer"), ColumnSpec("separation", "real"),
    ColumnSpec("medoid", "text"))


@dataclass(frozen=True)
class SummaryRow:
    """One cluster.

    `cohesion` is 1 − (mean squared distance of members to the centre) / (that of all vectors to their mean): 1 = all
    alike, 0 = as unlike as everything together. `distance` is the members' mean distance to the centre and
    `separation` that from the centre to the centre of `nearest`.
    """

    cluster: int
    name: str
    count: int
    share: float
    area_m2: Optional[float]
    cohesion: Optional[float]
    distance: Optional[float]
    nearest: Optional[int]
    separation: Optional[float]
    medoid: Optional[str]
    place: "Optional[tuple[float, float]]"


def summarise(model: ClusterModel, tally: Tally, places: np.ndarray, medoids: "Sequence[str]") -> "list[SummaryRow]":
    """Return a row for each class; `places` are the coordinates of the most typical members."""
    counts, total = tally.counts, max(int(tally.counts.sum()), 1)
    between = model.between()
    np.fill_diagonal(between, np.inf)
    found = []
    for index, entry in enumerate(model.classes):
        count = int(counts[index])
        cluster = index < model.clusters
        known = cluster and count > 0
        distance = SQUARE if model.angular else DISTANCE
        beside = int(between[index].argmin()) if cluster and model.clusters > 1 else None
        found.append(SummaryRow(
            entry.number, entry.name, count, count / total, _number(tally.table[AREA, index]),
            _number(1 - tally.table[SQUARE, index] / count / model.spread) if known and model.spread else None,
            _number(tally.table[distance, index] / count) if known else None,
            None if beside is None else beside + 1, None if beside is None else float(between[index, beside]),
            (medoids[index] or None) if known else None,
            (float(places[index, 0]), float(places[index, 1])) if known and np.isfinite(places[index]).all() else None))
    return found


def require_places(extras: Extras) -> None:
    """Raise before any work is done if one of the further results couldn't be written."""
    paths = [extras.model, extras.report, parse_destination(extras.summary).path if extras.summary else ""]
    for path in paths:
        if path:
            require_writable(Path(path))


def write_summary(path: str, wkt: str, rows: "Sequence[SummaryRow]", provenance: "Sequence[Provenance]") -> None:
    """Write the table with a point at each cluster's most typical place, and what the vectors' licence asks for."""
    with LayerWriter(path, wkt, ogr.wkbPoint, COLUMNS, provenance) as writer:
        writer.write([None if row.place is None else point_wkb(*row.place) for row in rows],
                     {column.name: [getattr(row, column.name) for row in rows] for column in COLUMNS})


def _number(value: float) -> Optional[float]:
    """Return a number, or None where it is none."""
    return float(value) if math.isfinite(value) else None
