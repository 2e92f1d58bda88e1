"""Which rows of a table belong to which labelled features: by the values of two columns, or by place."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Dict, List, Optional, Sequence, Tuple

import numpy as np
from osgeo import ogr

from ...centres import centres_of
from ...errors import InputError
from ...features.outlines import OUTER, POINT, Outlines
from ...features.placing import bring_over, stated
from ...geodesy import Ground
from ...importing.keys import match_keys, plain_key, unmatched
from ...progress import Progress, check
from ...table import ColumnSpec, Rows
from ...table.schema import column_named
from .inside import pairs_inside
from .labels import Labels
from .nearest_rows import nearest_within, spacing
from .request import GatherRequest

_KEY_TYPES = ("text", "integer", "integer64")
_ROW_NUMBERS = ("fid", "ogc_fid", "objectid", "id")
_SHOWN = 3
_LEAST_METRES = 1.0


@dataclass(frozen=True)
class Matches:
    """Pairs of a label and a row of the table, in the order of labels; `told` is how they were found.

    `points` are places of their own `(m, 2)` in the CRS of the labels, NaN where that of the label holds.
    """

    labels: np.ndarray
    rows: np.ndarray
    points: np.ndarray
    told: "Tuple[str, ...]" = ()
    without_place: np.ndarray = field(default_factory=lambda: np.empty(0, dtype=np.int64))


def key_columns(request: GatherRequest, table: Rows) -> "Optional[Tuple[ColumnSpec, ColumnSpec]]":
    """Return the columns to join by, None where the two are joined by place."""
    rows = request.rows
    if not request.key and not request.embeddings_key:
        if _placed(rows) and _placed(table):
            return None
        return _of_one_name(rows, table)
    mine = _key(rows, request.key or request.embeddings_key, "KEY")
    theirs = _key(table, request.embeddings_key or request.key, "EMBEDDINGS_KEY")
    return mine, theirs


def by_key(labels: Labels, mine: ColumnSpec, theirs: ColumnSpec, rows: Rows, table: Rows) -> Matches:
    """Match labels and rows of the table by values."""
    wanted = list(dict.fromkeys(labels.keys or ()))
    match = match_keys(wanted, table.distinct(theirs.name))
    if not match.found:
        read = match.read
        raise InputError(
            "gather-keys", "No value of “{key}” in {rows} is in “{other}” of {table} ({first} against {second}): name "
            "the columns that hold the same ids in KEY and EMBEDDINGS_KEY.", key=mine.name, rows=rows.name,
            other=theirs.name, table=table.name, first=_examples(unmatched(wanted, (), read)),
            second=_examples(unmatched(table.distinct(theirs.name), (), read)))
    known: "Dict[str, int]" = {}
    number = 0
    for chunk in table.rows():
        for value in chunk.columns[theirs.name]:
            name = match.read(value)
            if name and name in known:
                raise InputError(
                    "gather-key-twice", "{table} has “{value}” twice in “{key}”, so a label would have two vectors: "
                    "name a column of different values in EMBEDDINGS_KEY.", table=table.name, value=plain_key(value),
                    key=theirs.name)
            if name:
                known[name] = number
            number += 1
    found = np.array([known.get(match.read(value), -1) for value in labels.keys or ()], dtype=np.int64)
    there = np.flatnonzero(found >= 0)
    return Matches(there, found[there], np.full((len(there), 2), np.nan),
                   (f"{rows.name} and {table.name} were joined by {mine.name} and {theirs.name}",))


def by_place(labels: Labels, rows: Rows, table: Rows, seed: int, progress: Progress) -> Matches:
    """Match labels and rows of the table by where they are.

    In this order: the same geometry; rows whose centre lies in a labelled polygon; the polygon of the table that the
    label's centre lies in; the nearest row, no farther than rows of the table lie from each other.
    """
    shapes = [wkb for chunk in table.rows() for wkb in chunk.wkb]
    check(progress)
    pairs = _Pairs(len(labels))
    same_crs = stated(rows.wkt) == stated(table.wkt)
    centres, places = centres_of(shapes), centres_of(labels.wkb)
    without = np.flatnonzero(~np.isfinite(places).all(axis=1))
    pairs.open[without] = False
    moved = _moved(places, rows.wkt, rows.name, table.wkt, table.name, progress)
    if same_crs:
        known: "Dict[bytes, int]" = {}
        for number, shape in enumerate(shapes):
            if shape is not None:
                known.setdefault(shape, number)
        repeated = sum(shape is not None for shape in shapes) - len(known)
        if repeated:
            progress.warn(f"{repeated} rows of {table.name} have the geometry of an earlier one, and labels there take "
                          "the first: name the columns that hold the same ids in KEY and EMBEDDINGS_KEY if others are "
                          "meant.")
        exact = np.array([known.get(shape, -1) if shape is not None else -1 for shape in labels.wkb], dtype=np.int64)
        pairs.add(np.flatnonzero(exact >= 0), exact[exact >= 0], "{count} have the geometry of a row")
    outlines = Outlines()
    outlines.add(labels.wkb)
    if any(kind >= OUTER for kind in outlines.kinds):
        placed = bring_over(outlines, rows.wkt, rows.name, table.wkt, table.name, progress)
        pairs.add(*pairs_inside(centres, placed), "{count} hold the centres of rows", True)
    polygons = Outlines()
    polygons.add(shapes)
    if any(kind >= OUTER for kind in polygons.kinds):
        holders, held = pairs_inside(np.where(pairs.open[:, None], moved, np.nan), polygons)
        first = np.full(len(labels), -1, dtype=np.int64)
        # The first of several: backwards, so that it is the last to be written.
        first[held[::-1]] = holders[::-1]
        pairs.add(np.flatnonzero(first >= 0), first[first >= 0], "{count} lie in the polygon of a row")
    else:
        _add_nearest(pairs, moved, centres, table.wkt, seed)
    check(progress)
    back = np.full((len(pairs.labels), 2), np.nan)
    own = np.flatnonzero(pairs.own)
    if len(own):
        back[own] = _moved(centres[pairs.rows[own]], table.wkt, table.name, rows.wkt, rows.name, progress)
    order = np.lexsort((pairs.rows, pairs.labels))
    told = ", ".join(pairs.told)
    return Matches(pairs.labels[order], pairs.rows[order], back[order],
                   (f"{rows.name} and {table.name} were joined by place: {told or 'nothing meets'}",), without)


class _Pairs:
    """Pairs found so far; a label that has one is closed."""

    def __init__(self, count: int) -> None:
        """Begin with nothing."""
        self.open = np.ones(count, dtype=bool)
        self.labels = np.empty(0, dtype=np.int64)
        self.rows = np.empty(0, dtype=np.int64)
        self.own = np.empty(0, dtype=bool)
        self.told: "List[str]" = []

    def add(self, labels: np.ndarray, rows: np.ndarray, text: str, own: bool = False) -> None:
        """Add those of labels that are still open; `own` rows keep their own place."""
        fresh = self.open[labels]
        labels, rows = labels[fresh], rows[fresh]
        if not len(labels):
            return
        self.labels = np.concatenate([self.labels, labels])
        self.rows = np.concatenate([self.rows, rows])
        self.own = np.concatenate([self.own, np.full(len(labels), own)])
        self.open[labels] = False
        self.told.append(text.format(count=len(np.unique(labels))))


def _add_nearest(pairs: _Pairs, moved: np.ndarray, centres: np.ndarray, wkt: str, seed: int) -> None:
    """Add the nearest row of labels that have none yet."""
    if not pairs.open.any():
        return
    ground = Ground(stated(wkt))
    rows = ground.places(centres)
    limit = max(_LEAST_METRES, spacing(ground, rows, seed))
    waiting = np.flatnonzero(pairs.open)
    best, apart = nearest_within(ground, ground.places(moved[waiting]), rows, limit)
    near = best >= 0
    if near.any():
        pairs.add(waiting[near], best[near], "{count} took the nearest row, " + f"at most {apart[near].max():,.0f} m "
                  f"away (farther than {limit:,.0f} m none was taken)")


def _moved(points: np.ndarray, wkt: str, name: str, other_wkt: str, other_name: str,
           progress: Progress) -> np.ndarray:
    """Return points in another CRS, NaN where there is none."""
    found = np.full(points.shape, np.nan)
    there = np.flatnonzero(np.isfinite(points).all(axis=1))
    if len(there):
        outlines = Outlines([POINT], [0], [points[there]], 1)
        found[there] = bring_over(outlines, wkt, name, other_wkt, other_name, progress).vertices[0]
    return found


def _placed(rows: Rows) -> bool:
    """Tell whether a layer has geometries."""
    return rows.geometry_type != ogr.wkbNone


def _key(rows: Rows, name: str, parameter: str) -> ColumnSpec:
    """Return the column that a parameter names."""
    column = column_named(rows.columns, name)
    if column is None:
        raise InputError("gather-key", "{layer} has no column “{name}” to join by: name one in {parameter}.",
                         layer=rows.name, name=name, parameter=parameter)
    return column


def _of_one_name(rows: Rows, table: Rows) -> "Tuple[ColumnSpec, ColumnSpec]":
    """Return the columns of one name whose values meet most; numbers of rows only where there is nothing else."""
    best: "Optional[Tuple[bool, float, ColumnSpec, ColumnSpec]]" = None
    for column in rows.columns:
        other = column_named(table.columns, column.name)
        if other is None or column.type not in _KEY_TYPES or other.type not in _KEY_TYPES:
            continue
        share = match_keys(rows.distinct(column.name), table.distinct(other.name)).share
        rank = (column.name.lower() not in _ROW_NUMBERS, share)
        if share > 0 and (best is None or rank > best[:2]):
            best = (*rank, column, other)
    if best is None:
        raise InputError(
            "gather-join", "{rows} and {table} can't be joined by place, since not both have geometries, and no column "
            "of one name holds the same ids: name them in KEY and EMBEDDINGS_KEY.", rows=rows.name, table=table.name)
    return best[2], best[3]


def _examples(values: "Sequence[Any]") -> str:
    """Return the first values to show."""
    return ", ".join(f"“{value}”" for value in values[:_SHOWN]) or "nothing"
