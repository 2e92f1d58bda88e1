"""Finds the coarse unit that each fine one belongs to: by a column that names it, or by the polygon around it."""

from __future__ import annotations

from typing import Dict, Optional

import numpy as np

from ..errors import InputError
from ..features.outlines import OUTER, POINT, Outlines
from ..features.placing import bring_over
from ..importing.keys import match_keys
from ..progress import Progress
from ..table import ColumnSpec, Rows
from ..table.schema import column_named
from .request import TransferRequest
from .units import Units, any_column

NO_PARENT = -1


def key_columns(request: TransferRequest) -> "tuple[Optional[ColumnSpec], Optional[ColumnSpec]]":
    """Return the key of the coarse units and the fine units' column that names it; None where places decide."""
    if not request.parent:
        if request.coarse_key:
            return any_column(request.coarse, request.coarse_key, "COARSE_KEY"), None
        return None, None
    parent = any_column(request.fine, request.parent, "PARENT")
    if request.coarse_key:
        return any_column(request.coarse, request.coarse_key, "COARSE_KEY"), parent
    key = column_named(request.coarse.columns, parent.name)
    if key is None:
        raise InputError("transfer-key", "{name} has no column “{column}”: name in COARSE_KEY the column that holds "
                         "what PARENT refers to.", name=request.coarse.name, column=parent.name)
    return key, parent


def parents_by_key(coarse: Units, fine: Units, request: TransferRequest) -> np.ndarray:
    """Return for each fine unit the number of the coarse one that its column names, -1 where there is none."""
    read = match_keys(fine.keys, coarse.keys).read
    numbers: "Dict[str, int]" = {}
    for number, value in enumerate(coarse.keys):
        key = read(value)
        if not key:
            continue
        if key in numbers:
            raise InputError("transfer-key-twice", "{name} has two rows for “{value}” in its key column: COARSE needs "
                             "a row for each coarse unit.", name=request.coarse.name, value=value)
        numbers[key] = number
    found = np.array([numbers.get(read(value), NO_PARENT) for value in fine.keys], dtype=np.int64)
    if (found == NO_PARENT).all():
        raise InputError("transfer-key-none", "No row of {fine} names a row of {coarse}: {mine} look like “{one}”, "
                         "theirs like “{two}”; choose other columns as PARENT and COARSE_KEY.", fine=request.fine.name,
                         coarse=request.coarse.name, mine=request.parent, one=_first(fine), two=_first(coarse))
    return found


def parents_by_place(coarse: Units, fine: Units, request: TransferRequest, progress: Progress) -> np.ndarray:
    """Return for each fine unit the number of the coarse polygon that holds a point within it, -1 where none does."""
    polygons = Outlines()
    polygons.add(coarse.shapes)
    if not any(kind >= OUTER for kind in polygons.kinds):
        raise InputError("transfer-polygons", "{name} has no polygons to find the fine units in: name in PARENT the "
                         "column of FINE that says which coarse unit each belongs to.", name=request.coarse.name)
    from ..training.gathering.inside import pairs_inside

    holders, held = pairs_inside(_moved(fine.points, request.fine, request.coarse, progress), polygons)
    found = np.full(len(fine), NO_PARENT, dtype=np.int64)
    # The first of several holders: backwards, so that it is written last.
    found[held[::-1]] = holders[::-1]
    several = len(held) - len(np.unique(held))
    if several:
        progress.warn(f"{several:,} fine units lie in more than one unit of {request.coarse.name}, whose polygons "
                      "overlap: the first one counts.")
    if (found == NO_PARENT).all():
        raise InputError("transfer-apart", "No unit of {fine} lies within a polygon of {coarse}: check their CRS and "
                         "that they overlap.", fine=request.fine.name, coarse=request.coarse.name)
    return found


def _moved(points: np.ndarray, source: Rows, target: Rows, progress: Progress) -> np.ndarray:
    """Return points in the CRS of another layer; NaN where there is none."""
    found = np.full(points.shape, np.nan)
    there = np.isfinite(points).all(axis=1)
    if there.any():
        outlines = Outlines([POINT], [0], [points[there]], 1)
        moved = bring_over(outlines, source.wkt, source.name, target.wkt, target.name, progress)
        found[there] = moved.vertices[0]
    return found


def _first(units: Units) -> object:
    """Return the first key that is one."""
    return next((value for value in units.keys if value not in (None, "")), "")
