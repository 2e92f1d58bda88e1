"""Rows of GeoPackages, read through SQLite: several times faster than feature by feature."""

from __future__ import annotations

import sqlite3
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any, Iterator, List, Optional, Sequence

import numpy as np

from ..errors import InputError
from .parts import CHUNK_ROWS, RowChunk
from .schema import LayerSchema, id_column

_ENVELOPE_BYTES = (0, 32, 48, 48, 64, 0, 0, 0)


class GeoPackageRows:
    """A layer of a GeoPackage; each iteration has a connection of its own, so it may run in any one thread."""

    def __init__(self, schema: LayerSchema, id_field: str = "") -> None:
        """Describe the layer, and find out what tells its rows apart."""
        self._schema = schema
        self.name = schema.name
        self.wkt = schema.wkt
        self.geometry_type = schema.geometry_type
        self.columns = schema.columns
        self.metadata = schema.metadata
        query = f"SELECT count(*) FROM {quoted(schema.layer)}"  # nosec B608
        with connected(schema.path) as connection:
            self.count = int(connection.execute(query).fetchone()[0])
        self._id_column = id_column(schema, id_field, lambda column: len(self.distinct(column)) == self.count)

    def rows(self, size: int = CHUNK_ROWS) -> "Iterator[RowChunk]":
        """Yield the rows in the order of their feature ids."""
        schema = self._schema
        names = [column.name for column in self.columns]
        booleans = [column.type == "boolean" for column in self.columns]
        picked = ", ".join([quoted(schema.geometry_column) if schema.geometry_column else "NULL",
                            *(quoted(name) for name in names)])
        query = (f"SELECT {picked} FROM {quoted(schema.layer)} "  # nosec B608
                 f"ORDER BY {quoted(schema.fid_column)}")
        with connected(schema.path) as connection:
            cursor = connection.execute(query)
            while True:
                found = cursor.fetchmany(size)
                if not found:
                    return
                shapes, *values = zip(*found)
                columns = {name: _booleans(cells) if boolean else list(cells)
                           for name, boolean, cells in zip(names, booleans, values)}
                ids = columns[self._id_column]
                if self._id_column == schema.fid_column:
                    ids = np.asarray(ids, dtype=np.int64)
                yield RowChunk(ids, [wkb_of(shape) for shape in shapes], columns)

    def distinct(self, column: str) -> "List[Any]":
        """Return the different values of a column."""
        query = f"SELECT DISTINCT {quoted(column)} FROM {quoted(self._schema.layer)}"  # nosec B608
        with connected(self._schema.path) as connection:
            return [row[0] for row in connection.execute(query)]


def opens(schema: LayerSchema) -> bool:
    """Tell whether SQLite can read the layer by itself.

    It can't with a write-ahead log in a folder that can't be written, or on a network path; GDAL knows ways around.
    """
    query = f"SELECT 1 FROM {quoted(schema.layer)} LIMIT 1"  # nosec B608
    try:
        with closing(connect(schema.path)) as connection:
            connection.execute(query).fetchone()
    except sqlite3.OperationalError:
        return False
    except sqlite3.DatabaseError as error:
        raise _damaged(schema.path, error) from error
    return True


@contextmanager
def connected(path: str) -> "Iterator[sqlite3.Connection]":
    """Open a GeoPackage for a while, with SQLite's errors in words."""
    try:
        with closing(connect(path)) as connection:
            yield connection
    except sqlite3.Error as error:
        raise _damaged(path, error) from error


def recover(path: str) -> None:
    """Undo what a program that was killed began to write into a GeoPackage; only who opens it for writing can.

    SQLite does so by itself as it reads the first page; where nobody may write, the reading after this says so.
    """
    place = Path(path).absolute()
    if not place.with_name(place.name + "-journal").exists() or not place.is_file():
        return
    with suppress(sqlite3.Error), closing(sqlite3.connect(place.as_uri() + "?mode=rw", uri=True)) as connection:
        connection.execute("SELECT count(*) FROM sqlite_master").fetchone()


def _damaged(path: str, error: sqlite3.Error) -> InputError:
    """Say that a file can't be read on."""
    return InputError("geopackage-unreadable", "{path} can't be read ({reason}): close programs that write to it, and "
                      "if that doesn't help, copy or make it again.", path=path, reason=error)


def connect(path: str) -> sqlite3.Connection:
    """Open a GeoPackage for reading only, so that nobody's file is changed by looking at it."""
    connection = sqlite3.connect(Path(path).absolute().as_uri() + "?mode=ro", uri=True)
    # Texts that some other program wrote in another encoding shall not stop anybody from reading the vectors.
    connection.text_factory = lambda raw: raw.decode("utf-8", "replace")
    return connection


def quoted(name: str) -> str:
    """Return a name as SQL wants it."""
    return '"' + name.replace('"', '""') + '"'


def wkb_of(blob: Optional[bytes]) -> Optional[bytes]:
    """Cut the GeoPackage's header off a geometry."""
    if blob is None or len(blob) < 8 or blob[:2] != b"GP":
        return None
    return blob[8 + _ENVELOPE_BYTES[(blob[3] >> 1) & 7]:]


def _booleans(cells: "Sequence[Any]") -> "List[Optional[bool]]":
    """Turn SQLite's 0 and 1 into what they mean."""
    return [None if cell is None else bool(cell) for cell in cells]
