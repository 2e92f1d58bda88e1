"""Rows of GeoPackages, read through SQLite: several times faster than feature by feature."""

from __future__ import annotations

import sqlite3
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any, Iterator, List, Optional, Sequence, Tuple

import numpy as np

from ..errors import InputError
from .parts import CHUNK_ROWS, RowChunk
from .schema import LayerSchema, id_column

_ENVELOPE_BYTES = (0, 32, 48, 48, 64, 0, 0, 0)
_FEW = 32


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
        self.count = schema.count
        self._id_column = id_column(schema, id_field, lambda column: len(self.distinct(column)) == self.count)

    def rows(self, size: int = CHUNK_ROWS) -> "Iterator[RowChunk]":
        """Yield the rows in the order of their feature ids."""
        schema = self._schema
        names = [column.name for column in self.columns]
        booleans = [column.type == "boolean" for column in self.columns]
        for found in self._found(size):
            shapes, *values = zip(*found)
            columns = {name: _booleans(cells) if boolean else list(cells)
                       for name, boolean, cells in zip(names, booleans, values)}
            ids = columns[self._id_column]
            if self._id_column == schema.fid_column:
                ids = np.asarray(ids, dtype=np.int64)
            yield RowChunk(ids, wkb_of(shapes), columns)

    def _found(self, size: int) -> "Iterator[List[Tuple[Any, ...]]]":
        """Yield rows as SQLite gives them; those from the first unreadable text on with that text mended."""
        schema = self._schema
        picked = ", ".join([quoted(schema.geometry_column) if schema.geometry_column else "NULL",
                            *(quoted(column.name) for column in self.columns)])
        query = (f"SELECT {picked} FROM {quoted(schema.layer)} "  # nosec B608
                 f"ORDER BY {quoted(schema.fid_column)} LIMIT -1 OFFSET ?")
        given = 0
        with connected(schema.path) as connection:
            try:
                for found in _fetched(connection.execute(query, (given,)), size):
                    yield found
                    given += len(found)
            except sqlite3.OperationalError as error:
                if not _is_undecodable(error):
                    raise
                connection.text_factory = _lenient
                yield from _fetched(connection.execute(query, (given,)), size)

    def distinct(self, column: str) -> "List[Any]":
        """Return the different values of a column."""
        query = f"SELECT DISTINCT {quoted(column)} FROM {quoted(self._schema.layer)}"  # nosec B608
        with connected(self._schema.path) as connection:
            connection.text_factory = _lenient
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
    return sqlite3.connect(Path(path).absolute().as_uri() + "?mode=ro", uri=True)


def _lenient(raw: bytes) -> str:
    """Return a text that some other program may have written in another encoding, which shall stop nobody's reading."""
    return raw.decode("utf-8", "replace")


def _is_undecodable(error: sqlite3.Error) -> bool:
    """Tell whether Python could not make a text of what SQLite read."""
    return "decode" in str(error).lower()


def _fetched(cursor: sqlite3.Cursor, size: int) -> "Iterator[List[Tuple[Any, ...]]]":
    """Yield the rows of a cursor, at most `size` at a time; few at once stay in the processor's cache."""
    while True:
        found: "List[Tuple[Any, ...]]" = []
        while len(found) < size:
            few = cursor.fetchmany(min(_FEW, size - len(found)))
            if not few:
                break
            found += few
        if not found:
            return
        yield found


def quoted(name: str) -> str:
    """Return a name as SQL wants it."""
    return '"' + name.replace('"', '""') + '"'


def wkb_of(blobs: "Sequence[Optional[bytes]]") -> "List[Optional[bytes]]":
    """Cut the GeoPackage's headers off geometries."""
    heads = {blob[:4] if blob is not None else None for blob in blobs}
    if len(heads) == 1:
        head = heads.pop()
        if head is not None and len(head) == 4 and head[:2] == b"GP":
            start = _start(head)
            return [blob[start:] for blob in blobs]  # type: ignore[index]
    return [None if blob is None or len(blob) < 8 or blob[:2] != b"GP" else blob[_start(blob):] for blob in blobs]


def _start(blob: bytes) -> int:
    """Return where the WKB begins in a GeoPackage's geometry."""
    return 8 + _ENVELOPE_BYTES[(blob[3] >> 1) & 7]


def _booleans(cells: "Sequence[Any]") -> "List[Optional[bool]]":
    """Turn SQLite's 0 and 1 into what they mean."""
    return [None if cell is None else bool(cell) for cell in cells]
