"""A layer of a GeoPackage being written, whole or not at all: GDAL makes it, SQLite takes its rows in bulk."""

from __future__ import annotations

import sqlite3
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import repeat
from pathlib import Path
from typing import Any, List, Mapping, Optional, Sequence, Set, Tuple

from osgeo import ogr

from ..dataset import cannot_write, quiet
from ..errors import OutputError
from ..whole import whole
from .empty_layer import LayerPlan, create_empty_layer
from .fids import FeatureIds
from .geometry_blobs import DamagedGeometry, geometry_blobs
from .geopackage import quoted
from .layer_census import LayerCensus
from .location import TableDestination
from .parts import ColumnSpec
from .values import stored_values
from .within import free_name, move_into, remove_journals

# Rows of long vectors leave less of a page empty, and are read and written faster, in pages larger than GDAL's.
_LARGE_PAGE = 16384
_LONG_ROW = 512
_SQL_TYPES = {"integer": "MEDIUMINT", "integer64": "INTEGER"}


@dataclass(frozen=True)
class LayerOutline:
    """What is asked for: attributes may be renamed where names collide, the layer's own columns are not."""

    wkt: str
    geometry_type: int
    attributes: "Tuple[ColumnSpec, ...]"
    own: "Tuple[ColumnSpec, ...]" = ()
    metadata: "Mapping[str, str]" = field(default_factory=dict)
    row_bytes: int = 0


class LayerFile:
    """Takes rows in chunks; the layer appears under its name when it is closed, and not before."""

    def __init__(self, destination: TableDestination, outline: LayerOutline) -> None:
        """Create the layer under a temporary name in the target's folder."""
        self.path = destination.path
        self.layer = destination.layer
        self.count = 0
        self._inside = destination.inside and Path(destination.path).exists()
        self._result = free_name(destination) if self._inside else Path(destination.path)
        self._fids: Optional[FeatureIds] = None
        self._next_fid = 1
        self._own = outline.own
        self._connection: Optional[sqlite3.Connection] = None
        self._exit = ExitStack()
        try:
            temporary = self._exit.enter_context(whole(self._result))
            self._create(temporary, outline)
        except BaseException as error:
            self.discard(error)
            raise

    def append(self, wkb: "Sequence[Optional[bytes]]", columns: "Mapping[str, Sequence[Any]]",
               own: "Sequence[Sequence[Any]]" = ()) -> None:
        """Append rows: attributes by the input's names, the layer's own columns as SQLite takes them."""
        fids = self._feature_ids(columns, len(wkb))
        cells = [stored_values(columns[column.name], column.type) for column in self._attributes]
        if any(len(values) != len(wkb) for values in [*cells, *own]):
            raise ValueError("columns of different lengths")
        kept: "List[Sequence[Any]]" = [fids, *cells[:self._given], *own, *cells[self._given:]]
        if self._census.geometry_column:
            kept.insert(1, self._geometries(wkb, fids))
        try:
            self._open.executemany(self._insert, zip(*kept))
        except (sqlite3.Error, UnicodeEncodeError) as error:
            raise cannot_write(self.path, error) from error
        self.count += len(wkb)

    def close(self) -> None:
        """Complete the layer and put it in its place."""
        try:
            self._census.complete(self._open, self.count)
            self._open.execute("COMMIT")
            self._release()
        except sqlite3.Error as error:
            failure = cannot_write(self.path, error)
            self.discard(failure)
            raise failure from error
        remove_journals(self._result)
        self._exit.close()
        if self._inside:
            move_into(self._result, self.layer, self.path)

    def discard(self, error: BaseException) -> None:
        """Leave nothing behind."""
        self._release()
        self._exit.__exit__(type(error), error, error.__traceback__)

    @property
    def _open(self) -> sqlite3.Connection:
        """Return the connection, which is there from the layer's creation until it is closed."""
        if self._connection is None:
            raise ValueError(f"{self.path} is closed")
        return self._connection

    def _create(self, temporary: Path, outline: LayerOutline) -> None:
        """Create the file by GDAL, and open it for SQLite."""
        names = {column.name.lower() for column in outline.attributes}
        fid = next((column for column in outline.attributes if column.name.lower() == "fid"), None)
        if fid is not None and fid.type in ("integer", "integer64"):
            self._fids, self._fid_column = FeatureIds(), fid
        self._attributes = [column for column in outline.attributes if column is not fid or self._fids is None]
        self._given = len(self._attributes)
        geometry_column = _free("geom", names)
        self._taken = {"fid", geometry_column, *(column.name.lower() for column in outline.own)}
        renamed = [ColumnSpec(self._take(column.name), column.type) for column in self._attributes]
        self._columns = [column.name for column in (*renamed, *outline.own)]
        plan = LayerPlan(self.layer, outline.wkt, outline.geometry_type, geometry_column, (*renamed, *outline.own),
                         outline.metadata)
        try:
            create_empty_layer(str(temporary), plan)
            # Rows may be handed over by another thread than the one that began, though never by two at once.
            self._connection = sqlite3.connect(str(temporary), isolation_level=None, check_same_thread=False)
            # Nothing is ever rolled back: a file that fails is removed.
            self._open.execute("PRAGMA journal_mode = OFF").fetchall()
            if outline.row_bytes >= _LONG_ROW:
                self._open.execute(f"PRAGMA page_size = {_LARGE_PAGE}")
                self._open.execute("VACUUM")
            self._open.execute("BEGIN")
            self._census = LayerCensus(
                self._open, self.layer, geometry_column if outline.geometry_type != ogr.wkbNone else "")
        except (RuntimeError, sqlite3.Error) as error:
            raise cannot_write(self.path, error) from error
        except OutputError as error:
            # In the name of the file that the user asked for.
            raise cannot_write(self.path, error.values.get("reason") or "its file can't be created") from error
        self._insert = self._statement()

    def _statement(self) -> str:
        """Return how a row is inserted."""
        columns = ["fid", *([self._census.geometry_column] if self._census.geometry_column else []), *self._columns]
        return (f"INSERT INTO {quoted(self.layer)} ({', '.join(map(quoted, columns))}) "  # nosec B608
                f"VALUES ({', '.join(repeat('?', len(columns)))})")

    def _take(self, name: str) -> str:
        """Return the name of a new column, or the nearest that is free."""
        free = _free(name, self._taken)
        self._taken.add(free.lower())
        return free

    def _feature_ids(self, columns: "Mapping[str, Sequence[Any]]", rows: int) -> "List[int]":
        """Return the ids of new rows: the input's while they are unique, else the next numbers."""
        if self._fids is not None:
            values = stored_values(columns[self._fid_column.name], "integer64")
            if self._fids.accept(values):
                self._next_fid = max(self._next_fid, max(values, default=0) + 1)
                return values
            self._demote_fids()
        self._next_fid += rows
        return list(range(self._next_fid - rows, self._next_fid))

    def _demote_fids(self) -> None:
        """Keep the input's ids in a column of their own, since they turned out not to be unique."""
        self._fids = None
        name = self._take(self._fid_column.name)
        try:
            self._open.execute(f"ALTER TABLE {quoted(self.layer)} ADD COLUMN {quoted(name)} "
                               f"{_SQL_TYPES[self._fid_column.type]}")
            self._open.execute(f"UPDATE {quoted(self.layer)} SET {quoted(name)} = fid")  # nosec B608
        except sqlite3.Error as error:
            raise cannot_write(self.path, error) from error
        self._attributes.append(self._fid_column)
        self._columns.append(name)
        self._insert = self._statement()

    def _geometries(self, wkb: "Sequence[Optional[bytes]]", fids: "List[int]") -> "List[Optional[bytes]]":
        """Return geometries as the file holds them, and remember where they are."""
        try:
            with quiet():
                found = geometry_blobs(wkb, self._census.srs_id)
        except DamagedGeometry as error:
            raise OutputError("geometry-damaged", "The geometry of row {row} can't be written to {path}: mend the "
                              "input with “Fix geometries”.", row=self.count + error.row + 1,
                              path=self.path) from error
        self._census.count(fids, found)
        return found.blobs

    def _release(self) -> None:
        """Close the file."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def _free(name: str, taken: "Set[str]") -> str:
    """Return the name, or the first of name_1, name_2 … that is not taken (SQLite ignores case)."""
    result, number = name, 0
    while result.lower() in taken:
        number += 1
        result = f"{name}_{number}"
    return result
