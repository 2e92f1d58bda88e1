"""Tables in GeoPackages, read through SQLite: several times faster than feature by feature."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any, Iterator, List, Optional, Sequence

import numpy as np

from ..errors import InputError
from ..registry import Registry
from ..space import Space, only_key, parse_key
from .parts import CHUNK_ROWS, EMBEDDING, EMBEDDING_SPACE, Identity, TableChunk
from .schema import LayerSchema, attributes, column_named, described_space, id_column, identity_of
from .undeclared import undeclared_key
from .vectors import check_vectors

_ENVELOPE_BYTES = (0, 32, 48, 48, 64, 0, 0, 0)


class GeoPackageTable:
    """A layer of a GeoPackage; each iteration has a connection of its own, so it may run in any one thread."""

    def __init__(self, schema: LayerSchema, registry: Optional[Registry], id_field: str = "") -> None:
        """Check the space of all rows at once, before any work is done with them."""
        self._schema = schema
        self._registry = registry
        self._embedding = column_named(schema, EMBEDDING)
        self._space_column = column_named(schema, EMBEDDING_SPACE)
        self._id_column = id_column(schema, id_field)
        self.name = schema.name
        self.wkt = schema.wkt
        self.geometry_type = schema.geometry_type
        self.columns = attributes(schema)
        with closing(connect(schema.path)) as connection:
            self.count = int(connection.execute(f"SELECT count(*) FROM {quoted(schema.layer)}").fetchone()[0])
            self.space_key = self._only_key(connection)
            if not id_field and self._id_column and not self._is_unique(connection):
                self._id_column = ""

    def space(self) -> Optional[Space]:
        """Return the description of the space, or None where only its key is known."""
        return described_space(self._schema, parse_key(self.space_key), self._registry)

    def identity(self) -> Identity:
        """Return what a writer needs to pass these vectors on in the same space."""
        return identity_of(self.space(), self.space_key)

    def chunks(self, size: int = CHUNK_ROWS) -> "Iterator[TableChunk]":
        """Yield the rows in the order of their feature ids."""
        key = parse_key(self.space_key)
        names = [column.name for column in self.columns]
        booleans = [column.type == "boolean" for column in self.columns]
        picked = [self._schema.fid_column, self._embedding, self._schema.geometry_column or None, *names]
        texts = ", ".join(quoted(name) if name else "NULL" for name in picked)
        query = (f"SELECT {texts} FROM {quoted(self._schema.layer)} "  # nosec B608: names are quoted, not values
                 f"ORDER BY {quoted(self._schema.fid_column)}")
        with closing(connect(self._schema.path)) as connection:
            cursor = connection.execute(query)
            while True:
                rows = cursor.fetchmany(size)
                if not rows:
                    return
                fids, blobs, shapes, *values = zip(*rows)
                columns = {name: _booleans(cells) if boolean else list(cells)
                           for name, boolean, cells in zip(names, booleans, values)}
                ids = columns[self._id_column] if self._id_column else np.asarray(fids, dtype=np.int64)
                yield TableChunk(ids, check_vectors(blobs, key, self.name, ids), [wkb_of(shape) for shape in shapes],
                                 columns)

    def _only_key(self, connection: sqlite3.Connection) -> str:
        """Return the key of all rows; an unstated space gets the one that stands for the column's name and length."""
        layer = quoted(self._schema.layer)
        keys: "List[Optional[str]]" = [None]
        if self._space_column:
            query = f"SELECT DISTINCT {quoted(self._space_column)} FROM {layer}"  # nosec B608: quoted names
            keys = [row[0] for row in connection.execute(query)]
        if not keys:
            raise InputError("table-empty", "{name} has no rows: choose a table with at least one.", name=self.name)
        if any(keys):
            return only_key([key or "" for key in keys], self.name)
        query = (f"SELECT {quoted(self._embedding)} FROM {layer} "  # nosec B608: quoted names
                 f"WHERE {quoted(self._embedding)} IS NOT NULL LIMIT 1")
        first = connection.execute(query).fetchone()
        return undeclared_key(first[0] if first else None, self.name)

    def _is_unique(self, connection: sqlite3.Connection) -> bool:
        """Tell whether the id column names every row once."""
        column = quoted(self._id_column)
        query = f"SELECT count(DISTINCT {column}) FROM {quoted(self._schema.layer)}"  # nosec B608: quoted names
        return int(connection.execute(query).fetchone()[0]) == self.count


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
