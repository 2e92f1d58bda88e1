"""Decodes the vectors of rows of which some may have none."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, List, Optional, Sequence, Tuple

import numpy as np

from ...errors import InputError
from ...progress import Progress
from ...registry import Registry
from ...space import SpaceKey, parse_key
from ...table import EmbeddingTable, Rows, check_vectors, warn_if_undeclared
from ...table.parts import EMBEDDING, Identity
from ...table.schema import column_named


@dataclass(frozen=True)
class VectorColumn:
    """The column of vectors of a layer, and the space of all of them."""

    layer: str
    column: str
    key: SpaceKey
    identity: Identity

    def decoded(self, blobs: "Sequence[Any]", ids: "Sequence[Any]") -> "Tuple[np.ndarray, np.ndarray]":
        """Return the vectors `(m, D)` of the rows that have one, and which rows these are."""
        there = np.array([blob is not None and len(blob) > 0 for blob in blobs], dtype=bool)
        places = np.flatnonzero(there).tolist()
        if not places:
            return np.empty((0, self.key.dimensions), dtype=np.float32), there
        return check_vectors([blobs[place] for place in places], self.key, self.layer,
                             [ids[place] for place in places]), there


class _KeyedRows:
    """Rows of which some may have neither vector nor key, as a join leaves them: the others' keys decide."""

    def __init__(self, rows: Rows) -> None:
        """Take the rows."""
        self._rows = rows
        self.name = rows.name
        self.wkt = rows.wkt
        self.geometry_type = rows.geometry_type
        self.columns = rows.columns
        self.count = rows.count
        self.rows = rows.rows

    def distinct(self, column: str) -> "List[Any]":
        """Return the different values of a column that are any, unless there are none."""
        found = self._rows.distinct(column)
        return [value for value in found if value] or found


def vector_column(rows: Rows, registry: Optional[Registry], progress: Progress) -> VectorColumn:
    """Return how to decode a layer's vectors, or say what is wrong with all of them."""
    column = column_named(rows.columns, EMBEDDING)
    if column is not None and rows.count and not any(
            blob for chunk in rows.rows() for blob in chunk.columns[column.name]):
        raise vectors_missing(rows.name)
    table = EmbeddingTable(_KeyedRows(rows), getattr(rows, "metadata", {}), registry)
    warn_if_undeclared(table, progress)
    return VectorColumn(rows.name, column.name if column is not None else EMBEDDING, parse_key(table.space_key),
                        table.identity())


def vectors_missing(name: str) -> InputError:
    """Say that a layer has a column of vectors, but nothing in it."""
    return InputError("vectors-missing", "No row of {name} that is to be used has a vector in “embedding”: make the "
                      "table again, since “Execute SQL” and some other steps drop binary columns.", name=name)


def blobs_at(rows: Rows, column: str, wanted: np.ndarray, progress: Progress) -> "List[Any]":
    """Return the bytes of some rows, by sorted numbers; all others are read past."""
    found: "List[Any]" = []
    start = 0
    for chunk in rows.rows():
        if progress.cancelled():
            break
        stop = start + len(chunk.wkb)
        blobs = chunk.columns[column]
        found += [blobs[row - start] for row in wanted[np.searchsorted(wanted, start):np.searchsorted(
            wanted, stop)].tolist()]
        start = stop
        progress.report(min(1.0, start / max(rows.count, 1)))
    return found
