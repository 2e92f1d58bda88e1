"""Chooses how rows of several tables find one another: by a key, or by where they lie."""

from __future__ import annotations

from typing import Any, Dict, List, Optional, Sequence, Union

import numpy as np
from osgeo import ogr

from ..dataset import quiet
from ..errors import InputError
from ..importing.geometry import plain_key
from ..progress import Progress
from ..table import Table
from .box_index import BoxIndex
from .keys import KeyMatch, key_columns
from .moved_shapes import Mover, envelope_of, known, polygonal, polygons_of
from .overlaps import OverlapMatch
from .request import MATCH_AREA, MATCH_AUTOMATIC, MATCH_UNION, FuseRequest
from .union import UnionMatch

_LOOKS = 200
_SAME = 0.5

Match = Union[KeyMatch, OverlapMatch, UnionMatch]


def match_of(tables: "Sequence[Table]", key: str, request: FuseRequest, progress: Progress) -> Match:
    """Return the match that was asked for.

    `automatic` is by key, but for layers of different polygons without a key: of those the pieces are made.
    """
    if request.match == MATCH_AREA:
        return OverlapMatch(tables, progress)
    if request.match == MATCH_UNION or (request.match == MATCH_AUTOMATIC and not key.strip()
                                        and _different_polygons(tables)):
        return UnionMatch(tables, request.incomplete, progress)
    return KeyMatch(tables, key, progress)


def _different_polygons(tables: "Sequence[Table]") -> bool:
    """Tell whether all tables hold polygons, and those that columns in common would join are not the same ones."""
    if not all(polygonal(table) and (known(table.wkt) or not known(tables[0].wkt)) for table in tables):
        return False
    try:
        columns = key_columns(tables, "")
    except InputError:
        return True
    mine = _shapes_of(tables[0], columns[0], tables[0].wkt, None)
    for table, column in zip(tables[1:], columns[1:]):
        theirs = _shapes_of(table, column, tables[0].wkt, mine)
        # Where keys are spelled in two ways the places still tell, and the match by key shows what is wrong.
        shares = _by_key(mine, theirs) if theirs else _by_place(mine, _shapes_of(table, column, tables[0].wkt, None))
        if not shares or float(np.median(shares)) < _SAME:
            return True
    return False


def _shapes_of(table: Table, column: str, wkt: str, wanted: "Optional[Dict[str, Any]]") -> "Dict[str, Any]":
    """Return the polygons of the keys that are wanted, or of all."""
    found: "Dict[str, Any]" = {}
    mover = Mover(table, wkt)
    for chunk in table.chunks():
        for value, wkb in zip(chunk.columns[column], chunk.wkb):
            key = plain_key(value)
            if key and (wanted is None or key in wanted):
                found[key] = polygons_of(mover.moved(wkb))
        if wanted is not None and len(found) == len(wanted):
            break
    return found


def _by_key(mine: "Dict[str, Any]", theirs: "Dict[str, Any]") -> "List[float]":
    """Return how far polygons of the same key are the same: 1 wholly, 0 apart."""
    return [_share(mine[key], theirs[key]) for key in list(theirs)[:_LOOKS]
            if mine[key] is not None and theirs[key] is not None]


def _by_place(mine: "Dict[str, Any]", theirs: "Dict[str, Any]") -> "List[float]":
    """Return how far each of some polygons is the same as the one that is most like it."""
    others = list(theirs.values())
    index = BoxIndex(np.array([envelope_of(shape) for shape in others]).reshape(-1, 4))
    some = [shape for shape in mine.values() if shape is not None][:_LOOKS]
    return [max((_share(shape, others[row]) for row in index.touching(*shape.GetEnvelope()).tolist()), default=0.0)
            for shape in some]


def _share(one: ogr.Geometry, two: ogr.Geometry) -> float:
    """Return the area that two polygons share, as a share of what both cover."""
    with quiet():
        try:
            common = one.Intersection(two)
        except RuntimeError:
            common = None
    area = 0.0 if common is None else common.GetArea()
    both = one.GetArea() + two.GetArea() - area
    return area / both if both > 0 else 0.0
