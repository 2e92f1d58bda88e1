"""A layer with one more column of numbers, so that what is learnt need not lie in a file first."""

from __future__ import annotations

from typing import Any, Iterator, List

import numpy as np

from ..table import CHUNK_ROWS, ColumnSpec, RowChunk, Rows
from ..table.schema import column_named


class WithNumbers:
    """Rows and a column of numbers beside theirs; NaN counts as no value."""

    def __init__(self, rows: Rows, name: str, values: np.ndarray) -> None:
        """Take the values `(rows,)`; the name gets a number where the layer has it."""
        self._rows = rows
        self._values = values
        self.column = name
        number = 1
        while column_named(rows.columns, self.column) is not None:
            self.column = f"{name} {number}"
            number += 1
        self.name = rows.name
        self.wkt = rows.wkt
        self.geometry_type = rows.geometry_type
        self.columns = [*rows.columns, ColumnSpec(self.column, "real")]
        self.count = rows.count
        self.metadata = getattr(rows, "metadata", {})

    def rows(self, size: int = CHUNK_ROWS) -> "Iterator[RowChunk]":
        """Yield the rows in order."""
        start = 0
        for chunk in self._rows.rows(size):
            part = self._values[start:start + len(chunk.wkb)]
            start += len(chunk.wkb)
            yield RowChunk(chunk.ids, chunk.wkb, {**chunk.columns, self.column: self._cells(part)})

    def distinct(self, column: str) -> "List[Any]":
        """Return the different values of a column."""
        if column == self.column:
            return list(dict.fromkeys(self._cells(self._values)))
        return self._rows.distinct(column)

    @staticmethod
    def _cells(values: np.ndarray) -> "List[Any]":
        """Return numbers as a layer has them."""
        return [value if np.isfinite(value) else None for value in values.tolist()]
