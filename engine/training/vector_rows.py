"""Rows with their vectors, of which some may have none: what is to be predicted for is seldom complete."""

from __future__ import annotations

from typing import Iterator, Optional

import numpy as np

from ..progress import Part, Progress
from ..registry import Registry
from ..table import Rows, TableChunk
from ..table.parts import CHUNK_ROWS, RESERVED
from .gathering.vectors import vector_column


class VectorRows:
    """A layer's rows in chunks; the vector of a row that has none is NaN."""

    def __init__(self, rows: Rows, registry: Optional[Registry], progress: Progress) -> None:
        """Look what the vectors are, or say what is wrong with all of them."""
        self._rows = rows
        self._vectors = vector_column(rows, registry, progress)
        self.name = rows.name
        self.wkt = rows.wkt
        self.geometry_type = rows.geometry_type
        self.count = rows.count
        self.columns = [column for column in rows.columns if column.name.lower() not in RESERVED]
        self.identity = self._vectors.identity
        self.key = self._vectors.key

    def chunks(self, size: int = CHUNK_ROWS) -> "Iterator[TableChunk]":
        """Yield the rows in order."""
        for ids, wkb, columns in self._rows.rows(size):
            found, there = self._vectors.decoded(columns[self._vectors.column], list(ids))
            vectors = np.full((len(wkb), self._vectors.key.dimensions), np.nan, dtype=np.float32)
            vectors[there] = found
            yield TableChunk(ids, vectors, wkb, {name: cells for name, cells in columns.items()
                                                 if name.lower() not in RESERVED})


class Unheard(Part):
    """A progress whose messages were told before."""

    def __init__(self, whole: Progress) -> None:
        """Pass all but messages on."""
        super().__init__(whole, 0.0, 1.0)

    def info(self, text: str) -> None:
        """Keep it to itself."""

    def warn(self, text: str) -> None:
        """Keep it to itself."""
