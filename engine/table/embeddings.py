"""Rows of any origin as an embedding table: one space, vectors decoded and checked."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Iterator, List, Mapping, Optional

from ..errors import InputError, SpaceError
from ..provenance import merged, provenance_of
from ..registry import Registry
from ..space import Space, from_json, only_key, parse_key
from .parts import CHUNK_ROWS, EMBEDDING, EMBEDDING_SPACE, METADATA_SPACE, RESERVED, Identity, Rows, TableChunk
from .schema import column_named
from .undeclared import undeclared_key
from .vectors import check_vectors


class EmbeddingTable:
    """A layer's rows with their vectors."""

    def __init__(self, rows: Rows, metadata: "Mapping[str, str]", registry: Optional[Registry] = None) -> None:
        """Check that there are vectors, of one space in all rows, before any work is done with them."""
        self._rows = rows
        self._metadata = metadata
        self._registry = registry
        self._embedding = _embedding_column(rows)
        space_column = column_named(rows.columns, EMBEDDING_SPACE)
        self._space_column = space_column.name if space_column is not None else ""
        self.name = rows.name
        self.wkt = rows.wkt
        self.geometry_type = rows.geometry_type
        self.columns = [column for column in rows.columns if column.name.lower() not in RESERVED]
        self.count = rows.count
        self.space_key = self._only_key()

    def space(self) -> Optional[Space]:
        """Return the description from the layer, else from the registry, if its digest is the key's."""
        key = parse_key(self.space_key)
        try:
            space = from_json(self._metadata.get(METADATA_SPACE, ""))
        except SpaceError:
            space = None
        if space is not None and space.digest() == key.digest and space.declared == key.declared:
            return space
        return self._registry.find(key.digest) if self._registry is not None else None

    def identity(self) -> Identity:
        """Return what a writer needs to pass these vectors on in the same space."""
        key = parse_key(self.space_key)
        found: Identity = self.space() or key
        told = provenance_of(self._metadata, "" if found.provenance else key.name)
        return replace(found, provenance=merged(told, found.provenance))

    def chunks(self, size: int = CHUNK_ROWS) -> "Iterator[TableChunk]":
        """Yield the rows in order."""
        key = parse_key(self.space_key)
        for ids, wkb, columns in self._rows.rows(size):
            blobs = columns.pop(self._embedding)
            columns.pop(self._space_column, None)
            yield TableChunk(ids, check_vectors(blobs, key, self.name, ids), wkb, columns)

    def _only_key(self) -> str:
        """Return the key of all rows; an unstated space gets the one that stands for the column's name and length."""
        keys: "List[Any]" = self._rows.distinct(self._space_column) if self._space_column else [None]
        if not keys or not self.count:
            raise InputError("table-empty", "{name} has no rows: check its filter, or choose another table.",
                             name=self.name)
        if any(keys):
            return only_key([key or "" for key in keys], self.name)
        first = next((blob for chunk in self._rows.rows(1) for blob in chunk.columns[self._embedding] if blob), None)
        return undeclared_key(first, self.name)


def _embedding_column(rows: Rows) -> str:
    """Return the column of vectors, or say what the layer lacks."""
    column = column_named(rows.columns, EMBEDDING)
    if column is None:
        raise InputError(
            "embedding-missing", "{name} has no column “embedding”: make one with “Import embeddings” (from wide or "
            "list columns), or look whether a step before dropped it, as “Execute SQL” drops binary columns.",
            name=rows.name)
    if column.type not in ("binary", "text"):
        raise InputError("embedding-type", "The column “embedding” of {name} holds no vectors but {kind} values: "
                         "turn it into vectors with “Import embeddings”.", name=rows.name, kind=column.type)
    return column.name
