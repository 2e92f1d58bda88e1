"""Tables of squares, gaps and dates whose truth is known, as files for Processing."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Dict, List, Optional, Sequence, Tuple

import numpy as np
from osgeo import ogr
from small_fields import wkt_of

from earthprint.engine.space import Space
from earthprint.engine.table import ColumnSpec, TableWriter, open_rows

DIMENSIONS = 4
LAW = np.array([2.0, -1.0, 0.5, 1.5])
Columns = Dict[str, Tuple[str, Sequence[Any]]]


def square(column: int, row: int, size: int) -> bytes:
    """Return a square of some kilometres as WKB."""
    west, south = 500_000 + 1000 * column, 5_700_000 + 1000 * row
    east, north = west + 1000 * size, south + 1000 * size
    return bytes(ogr.CreateGeometryFromWkt(
        f"POLYGON(({west} {south},{east} {south},{east} {north},{west} {north},{west} {south}))").ExportToIsoWkb())


def write_rows(path: Path, shapes: Sequence[Optional[bytes]], columns: Columns, vectors: np.ndarray) -> str:
    """Write an embedding table of polygons."""
    with TableWriter(str(path), wkt_of(32633), ogr.wkbPolygon,
                     [ColumnSpec(name, kind) for name, (kind, _) in columns.items()],
                     Space("made", vectors.shape[1])) as writer:
        writer.write(list(shapes), {name: list(cells) for name, (_, cells) in columns.items()}, vectors)
    return str(path)


def cells_of(path: str) -> "Dict[str, List[Any]]":
    """Return all columns of a layer."""
    rows = open_rows(path)
    found: "Dict[str, List[Any]]" = {column.name: [] for column in rows.columns}
    for chunk in rows.rows():
        for name, cells in found.items():
            cells += chunk.columns[name]
    return found


def write_coarse_and_fine(folder: Path, side: int = 18, block: int = 3) -> "Dict[str, Any]":
    """Write squares and blocks of them; a rate follows the vectors, and people live there."""
    chance = np.random.default_rng(0)
    row, column = np.divmod(np.arange(side * side), side)
    vectors = chance.normal(0, 1, (side * side, DIMENSIONS)).astype(np.float32)
    people = chance.integers(50, 400, side * side).astype(float)
    rate = 20 + vectors.astype(float) @ LAW
    blocks = side // block
    owner = (row // block) * blocks + column // block
    load = np.bincount(owner, people)
    means = np.stack([np.bincount(owner, people * axis) / load for axis in vectors.T], axis=1).astype(np.float32)
    coarse_rate = np.bincount(owner, people * rate) / load
    codes = [f"B{number:02d}" for number in range(blocks * blocks)]
    coarse = write_rows(
        folder / "coarse.gpkg", [square(block * (b % blocks), block * (b // blocks), block) for b in range(len(codes))],
        {"code": ("text", codes), "rate": ("real", coarse_rate.tolist()),
         "total": ("real", (coarse_rate * load).tolist())}, means)
    fine = write_rows(
        folder / "fine.gpkg", [square(c, r, 1) for r, c in zip(row.tolist(), column.tolist())],
        {"block": ("text", [codes[number] for number in owner]), "people": ("real", people.tolist()),
         "truth": ("real", (rate * people).tolist())}, vectors)
    return {"coarse": coarse, "fine": fine, "owner": owner, "truth": rate * people,
            "totals": coarse_rate * load}


def write_gaps(folder: Path, side: int = 14) -> "Dict[str, Any]":
    """Write squares of which every fifth lacks its whole number and its class."""
    chance = np.random.default_rng(1)
    row, column = np.divmod(np.arange(side * side), side)
    vectors = chance.normal(0, 1, (side * side, DIMENSIONS)).astype(np.float32)
    value = np.round(100 + 10 * (vectors.astype(float) @ LAW)).astype(int)
    cover = np.where(vectors[:, 0] > 0, "forest", "field")
    gaps = np.arange(side * side) % 5 == 2
    path = write_rows(
        folder / "gaps.gpkg", [square(c, r, 1) for r, c in zip(row.tolist(), column.tolist())],
        {"number": ("integer", [None if gap else int(one) for one, gap in zip(value, gaps)]),
         "cover": ("text", [None if gap else str(one) for one, gap in zip(cover, gaps)])}, vectors)
    return {"path": path, "value": value, "cover": cover, "gaps": gaps}


def write_series(folder: Path, units: int = 40, dates: int = 18) -> "Dict[str, Any]":
    """Write yearly values of squares that grow as their vectors say."""
    chance = np.random.default_rng(2)
    vectors = chance.normal(0, 1, (units, DIMENSIONS)).astype(np.float32)
    growth = 3 * vectors[:, :1].astype(float)
    values = 50 + (growth + chance.normal(0, 0.5, (units, dates + 1))).cumsum(axis=1)
    unit, date = np.divmod(np.arange(units * dates), dates)
    path = write_rows(
        folder / "series.gpkg", [square(int(number), 0, 1) for number in unit],
        {"place": ("text", [f"u{number:02d}" for number in unit]),
         "day": ("date", [f"{2000 + number}-07-01" for number in date]),
         "value": ("real", values[unit, date].tolist())}, vectors[unit])
    return {"path": path, "last": values[:, dates - 1], "next": values[:, dates], "growth": growth[:, 0]}
