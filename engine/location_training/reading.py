"""Reads the rows to learn from: places on the globe, the columns that are wanted, and what was left out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Dict, List, Optional, Sequence

import numpy as np
from osgeo import ogr

from ..centres import centres_of
from ..dataset import spatial_reference
from ..errors import InputError
from ..locations.latitudes import refuse_beyond
from ..locations.places import Places
from ..progress import Progress, check
from ..table import EMBEDDING, EMBEDDING_SPACE, ColumnSpec, Rows
from ..table.schema import column_named
from .gathered import Gathered

MOST_ROWS = 200_000
_SHOWN = 16


@dataclass(frozen=True, eq=False)
class ReadRows:
    """Rows with a place: their numbers in the layer, geometries, ids and the cells of the columns asked for."""

    gathered: Gathered
    numbers: np.ndarray
    ids: "List[Any]"
    wkb: "List[Optional[bytes]]"
    cells: "Dict[str, List[Any]]"

    def part(self, kept: np.ndarray) -> "ReadRows":
        """Return some of them, by a mask or by sorted numbers."""
        chosen = np.flatnonzero(kept) if kept.dtype == bool else kept
        here = chosen.tolist()
        old = self.gathered
        return ReadRows(
            Gathered(old.name, old.points[chosen], old.wkt, old.places[chosen]), self.numbers[chosen],
            [self.ids[row] for row in here], [self.wkb[row] for row in here],
            {name: [cells[row] for row in here] for name, cells in self.cells.items()})


def read_rows(rows: Rows, columns: "Sequence[ColumnSpec]", seed: int, progress: Progress,
              most: int = MOST_ROWS) -> ReadRows:
    """Read all rows that have a place; of very many only a sample is held in memory."""
    if rows.geometry_type == ogr.wkbNone:
        raise InputError("location-no-geometry", "{name} is a table without geometry, so its rows have no place: make "
                         "points with “Create points layer from table” first.", name=rows.name)
    finder = Places(rows.name, rows.wkt)
    chosen = _chosen(rows, most, seed, progress)
    numbers: "List[np.ndarray]" = []
    done = 0
    ids: "List[Any]" = []
    wkb: "List[Optional[bytes]]" = []
    places: "List[np.ndarray]" = []
    cells: "Dict[str, List[Any]]" = {column.name: [] for column in columns}
    for chunk in rows.rows():
        check(progress)
        progress.report(min(1.0, done / max(rows.count, 1)), None if done else "Reading the places")
        here = _picked(chosen, done, len(chunk.wkb))
        numbers.append(here + done)
        ids += [chunk.ids[row] for row in here.tolist()]
        shapes = [chunk.wkb[row] for row in here.tolist()]
        wkb += shapes
        places.append(finder.find(shapes))
        for name, found in cells.items():
            column = chunk.columns[name]
            found += [column[row] for row in here.tolist()]
        done += len(chunk.wkb)
    if not wkb:
        raise InputError("labels-none", "{name} has no rows: check its filter and selection.", name=rows.name)
    where = np.concatenate(places)
    points = centres_of(wkb)
    there = np.isfinite(where[:, 0]) & np.isfinite(points).all(axis=1)
    read = ReadRows(Gathered(rows.name, points, rows.wkt, where), np.concatenate(numbers), ids, wkb, cells)
    _refuse_nowhere(rows, read, there)
    if not there.all():
        progress.warn(f"{int((~there).sum())} of {len(there)} features of {rows.name} have no place on the globe and "
                      "are left out.")
        read = read.part(there)
    return read


def thinned(read: ReadRows, most: int, seed: int, progress: Progress) -> ReadRows:
    """Return no more rows than are worth the time, by chance."""
    if len(read.wkb) <= most:
        return read
    progress.warn(f"{read.gathered.name} has {len(read.wkb)} rows that can be used: a random sample of {most} is "
                  "learnt from.")
    return read.part(np.sort(np.random.default_rng((seed, 61)).choice(len(read.wkb), most, replace=False)))


def _chosen(rows: Rows, most: int, seed: int, progress: Progress) -> Optional[np.ndarray]:
    """Return the sorted numbers of the rows to read, None for all."""
    if rows.count <= most:
        return None
    progress.warn(f"{rows.name} has {rows.count} rows: a random sample of {most} is learnt from.")
    return np.sort(np.random.default_rng((seed, 61)).choice(rows.count, most, replace=False))


def _picked(chosen: Optional[np.ndarray], start: int, length: int) -> np.ndarray:
    """Return which rows of a chunk are to be read."""
    if chosen is None:
        return np.arange(length)
    return chosen[np.searchsorted(chosen, start):np.searchsorted(chosen, start + length)] - start


def named_column(rows: Rows, name: str, parameter: str) -> ColumnSpec:
    """Return the column of a name, or say which there are."""
    column = column_named(rows.columns, name)
    if column is None or column.name.lower() in (EMBEDDING, EMBEDDING_SPACE):
        others = [other.name for other in rows.columns if other.name.lower() not in (EMBEDDING, EMBEDDING_SPACE)]
        raise InputError("gather-column", "{name} has no column “{column}”, which {parameter} names: choose among "
                         "{names}.", name=rows.name, column=name, parameter=parameter,
                         names=", ".join(others[:_SHOWN]) + (", …" if len(others) > _SHOWN else ""))
    return column


def _refuse_nowhere(rows: Rows, read: ReadRows, there: np.ndarray) -> None:
    """Say so where coordinates can't be longitude and latitude, where they look swapped, and where no row has any."""
    if not there.all() and spatial_reference(rows.wkt).IsGeographic():
        lost = np.flatnonzero(~there).tolist()
        refuse_beyond(rows.name, [read.ids[row] for row in lost], [read.wkb[row] for row in lost])
    if not there.any():
        raise InputError("location-none", "No feature of {name} has a place: its geometries are empty, or its "
                         "coordinates are not those of its coordinate reference system.", name=rows.name)
