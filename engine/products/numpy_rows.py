"""Rows of a `.npy` of vectors, with ids and attributes from a file beside it."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Iterator, List, Optional

import numpy as np
from osgeo import ogr

from ..errors import InputError
from ..table import CHUNK_ROWS, EMBEDDING, ColumnSpec, RowChunk, Rows
from .described import NOTHING, Described, read_description
from .text_rows import TextRows

IDS_END = "_ids"
ROW = "row"


def load_array(path: str) -> np.ndarray:
    """Open an array of numbers without reading it; never one of Python objects, which could run code."""
    try:
        array = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        reason = str(error).split("\n")[0].rstrip(".")
        if not Path(path).exists():
            raise InputError("input-missing", "{path} doesn't exist: choose an existing file.", path=path) from error
        raise InputError("npy-unreadable", "{path} can't be read as an array of numbers ({reason}): save it again with "
                         "numpy.save.", path=path, reason=reason) from error
    if not isinstance(array, np.ndarray) or array.dtype.kind not in "fiu":
        raise InputError("npy-type", "{path} holds no array of numbers: save the vectors alone with numpy.save.",
                         path=path)
    return array


class NumpyRows:
    """The rows of a `(rows, dims)` array; without ids they are numbered from 0."""

    def __init__(self, path: str) -> None:
        """Look at the array, and for what lies beside it."""
        self._array = load_array(path)
        self.name = f"“{Path(path).stem}”"
        if self._array.ndim == 3:
            raise InputError("npy-grid", "{path} holds a grid of vectors ({shape}), not rows of them: open it with "
                             "“Import embedding raster”.", path=path, shape=" × ".join(map(str, self._array.shape)))
        if self._array.ndim != 2 or not all(self._array.shape):
            raise InputError("npy-shape", "{path} holds an array of shape {shape}, but rows of vectors have two axes: "
                             "save it with a row for each place.", path=path, shape=self._array.shape)
        self.count = len(self._array)
        self._ids = _ids_beside(Path(path))
        if self._ids is not None and self._ids.count != self.count:
            raise InputError("npy-ids", "{path} has {rows} vectors but {ids} beside it has {count} rows: choose the "
                             "file of ids that belongs to it.", path=path, rows=self.count, ids=self._ids.name,
                             count=self._ids.count)
        self.wkt = self._ids.wkt if self._ids is not None else ""
        self.geometry_type = self._ids.geometry_type if self._ids is not None else ogr.wkbNone
        told = ([ColumnSpec(ROW, "integer64")] if self._ids is None
                else [column for column in self._ids.columns if column.name.lower() != EMBEDDING])
        self.columns = [*told, ColumnSpec(EMBEDDING, "json")]
        beside = Path(path).with_suffix(".json")
        self.described: Described = (read_description(beside.read_text(encoding="utf-8", errors="replace"))
                                     if beside.is_file() else NOTHING)

    def rows(self, size: int = CHUNK_ROWS) -> "Iterator[RowChunk]":
        """Yield the rows in order."""
        chunks = self._ids.rows(size) if self._ids is not None else None
        start = 0
        while start < self.count:
            told: Optional[RowChunk] = next(chunks) if chunks is not None else None
            stop = start + len(told.ids) if told is not None else min(start + size, self.count)
            ids = np.arange(start, stop)
            vectors = list(np.asarray(self._array[start:stop]).astype(np.float32, copy=False))
            columns = {ROW: ids.tolist()} if told is None else {
                column.name: told.columns[column.name] for column in self.columns[:-1]}
            yield RowChunk(ids, told.wkb if told is not None else [None] * len(ids), {**columns, EMBEDDING: vectors})
            start = stop

    def distinct(self, column: str) -> "List[Any]":
        """Return the different values of a column of ids."""
        return self._ids.distinct(column) if self._ids is not None else list(range(self.count))


class _ArrayIds:
    """Ids that lie in a `.npy` of their own."""

    def __init__(self, path: Path) -> None:
        """Read them."""
        self._cells = np.load(path, allow_pickle=False).ravel().tolist()
        self.name = path.name
        self.wkt, self.geometry_type, self.count = "", ogr.wkbNone, len(self._cells)
        first = self._cells[0] if self._cells else ""
        kind = "integer64" if isinstance(first, int) else "real" if isinstance(first, float) else "text"
        self.columns = [ColumnSpec("id", kind)]

    def rows(self, size: int = CHUNK_ROWS) -> "Iterator[RowChunk]":
        """Yield the ids."""
        for start in range(0, self.count, size):
            cells = self._cells[start:start + size]
            yield RowChunk(np.arange(start, start + len(cells)), [None] * len(cells), {"id": cells})

    def distinct(self, column: str) -> "List[Any]":
        """Return the different ids."""
        return list(dict.fromkeys(self._cells))


def _ids_beside(path: Path) -> Optional[Rows]:
    """Return the rows of `NAME_ids.csv` or `NAME_ids.npy`, None where there is none."""
    table, array = (path.with_name(path.stem + IDS_END + end) for end in (".csv", ".npy"))
    if table.is_file():
        return TextRows(str(table))
    if array.is_file():
        try:
            return _ArrayIds(array)
        except (OSError, ValueError) as error:
            raise InputError("npy-ids-unreadable", "{path} can't be read as ids: save them as numbers or texts with "
                             "numpy.save, or as {table}.", path=array, table=table.name) from error
    return None
