"""The union of several coverages: rows for the pieces that their polygons cut one another into."""

from __future__ import annotations

from types import TracebackType
from typing import Any, Dict, Iterator, List, Optional, Sequence, Tuple, Type

import numpy as np
from osgeo import ogr

from ..errors import InputError
from ..progress import Part, Progress, check
from ..space import parse_key
from ..table import EMBEDDING, EMBEDDING_SPACE, ColumnSpec, Table, TableChunk
from .moved_shapes import Mover, polygonal, polygons_of, require_places
from .pieces import NONE, Overlay, Pieces, overlay
from .request import INCOMPLETE_MEAN
from .stored import StoredVectors


class _Coverage:
    """A table's vectors, on disk, its attributes, and its polygons in the first table's CRS."""

    def __init__(self, table: Table, wkt: str, progress: Progress) -> None:
        """Read all rows once."""
        self.name = table.name
        self.vectors = StoredVectors(parse_key(table.space_key).dimensions)
        self.shapes: "List[Optional[ogr.Geometry]]" = []
        self.columns: "Dict[str, List[Any]]" = {column.name: [] for column in table.columns}
        mover = Mover(table, wkt)
        try:
            for chunk in table.chunks():
                check(progress)
                self.vectors.append(chunk.vectors)
                self.shapes += [polygons_of(mover.moved(wkb)) for wkb in chunk.wkb]
                for name, values in self.columns.items():
                    values.extend(chunk.columns[name])
        except BaseException:
            self.vectors.close()
            raise


class UnionMatch:
    """The pieces of all tables' polygons with the vectors of the polygons they lie in.

    Where a piece lies in none of a table's polygons, that table's part of it is NaN, or the piece is left out.
    """

    words = "Matched by laying the polygons over one another: each piece is a row."
    geometry_type: int = ogr.wkbMultiPolygon

    def __init__(self, tables: "Sequence[Table]", incomplete: str, progress: Progress) -> None:
        """Read and overlay all tables."""
        require_places(tables)
        for table in tables:
            if not polygonal(table):
                raise InputError("fuse-union", "{table} holds no polygons, so no pieces can be cut: match by area or "
                                 "by a key.", table=table.name)
        self._keep = incomplete == INCOMPLETE_MEAN
        self._coverages: "List[_Coverage]" = []
        self._overlays: "List[Overlay]" = []
        self._pieces: Optional[Pieces] = None
        try:
            for number, table in enumerate(tables):
                progress.report(0.3 * number / len(tables), f"Reading {table.name}")
                self._coverages.append(_Coverage(table, tables[0].wkt, progress))
            self._lay(progress)
        except BaseException:
            self._close()
            raise
        self.columns, self._origins = _columns_of(tables)
        self.count = len(self._pieces or ())
        rows = self._pieces.rows if self._pieces is not None else np.zeros((0, len(tables)), dtype=np.int64)
        self.left_out = len(self._coverages[0].shapes) - len(np.unique(rows[rows[:, 0] != NONE, 0]))

    def matched(self, size: int) -> "Iterator[Tuple[TableChunk, np.ndarray, List[np.ndarray]]]":
        """Yield chunks of pieces, which of them are kept (all), and their vectors `(dims, n)` by table."""
        if self._pieces is None:
            return
        rows = self._pieces.rows
        for start in range(0, len(rows), size):
            part = rows[start:start + size]
            columns = {column.name: _taken(self._coverages[table].columns[name], part[:, table])
                       for column, (table, name) in zip(self.columns, self._origins)}
            vectors = [_vectors(coverage, part[:, table]) for table, coverage in enumerate(self._coverages)]
            wkb: "List[Optional[bytes]]" = [self._pieces.wkb(piece) for piece in range(start, start + len(part))]
            yield (TableChunk(np.arange(start, start + len(part)), vectors[0], wkb, columns),
                   np.ones(len(part), dtype=bool), [np.ascontiguousarray(values.T) for values in vectors])

    def require_matches(self) -> None:
        """Raise where a table's polygons lie on nothing of the others."""
        for number, found in enumerate(self._overlays, start=1):
            if not found.touched.any():
                raise InputError("fuse-apart", "Nothing of {other} lies on anything of {first}: check that both show "
                                 "the same area and have the right CRS.", other=self._coverages[number].name,
                                 first=self._coverages[0].name)

    def tell(self, progress: Progress) -> None:
        """Count pieces, and the polygons that another table doesn't cover wholly."""
        rows = self._pieces.rows if self._pieces is not None else np.zeros((0, 1), dtype=np.int64)
        partly = int((rows == NONE).any(axis=1).sum())
        progress.info(f"{len(rows)} pieces" + (f", of which {partly} lie in some of the tables only: the other tables "
                                               "count as their mean there." if self._keep else "."))
        for number, found in enumerate(self._overlays, start=1):
            before = " and ".join(coverage.name for coverage in self._coverages[:number])
            other = self._coverages[number].name
            for count, one, two in ((found.left_open, before, other), (found.right_open, other, before)):
                if count and not self._keep:
                    progress.warn(f"{count} polygons of {one} lie partly or wholly outside {two}: those pieces are "
                                  "left out (INCOMPLETE=mean keeps them).")
            if found.slivers:
                progress.info(f"{found.slivers} slivers, smaller than a millionth of their polygons, are left out.")
            if found.failed:
                progress.warn(f"{found.failed} pairs of polygons of {before} and {other} can't be cut and are left "
                              "out: mend both layers with “Fix geometries”.")

    def _lay(self, progress: Progress) -> None:
        """Lay one table after the other over the pieces so far."""
        self._pieces = Pieces(1)
        for row, shape in enumerate(self._coverages[0].shapes):
            if shape is not None:
                self._pieces.add(shape, (row,))
        steps = len(self._coverages) - 1
        for number, coverage in enumerate(self._coverages[1:]):
            before = self._pieces
            here = Part(progress, 0.3 + 0.7 * number / steps, 0.3 + 0.7 * (number + 1) / steps)
            found = overlay(before, coverage.shapes, self._keep, here)
            self._overlays.append(found)
            self._pieces = found.pieces
            before.close()
            coverage.shapes = [None] * len(coverage.shapes)

    def __enter__(self) -> "UnionMatch":
        """Be used in a with statement."""
        return self

    def __exit__(self, kind: "Optional[Type[BaseException]]", error: Optional[BaseException],
                 trace: Optional[TracebackType]) -> None:
        """Let go of the disk."""
        self._close()

    def _close(self) -> None:
        """Let go of what was read."""
        for coverage in self._coverages:
            coverage.vectors.close()
        if self._pieces is not None:
            self._pieces.close()


def _columns_of(tables: "Sequence[Table]") -> "Tuple[List[ColumnSpec], List[Tuple[int, str]]]":
    """Return the attributes of all tables, and whose each is; a name that occurs again gets its table's number."""
    taken = {"fid", EMBEDDING, EMBEDDING_SPACE}
    found, origins = [], []
    for number, table in enumerate(tables):
        for column in table.columns:
            name, again = column.name, 0
            while name.lower() in taken:
                name = f"{column.name}_{number + 1}" + (f"_{again}" if again else "")
                again += 1
            taken.add(name.lower())
            found.append(ColumnSpec(name, column.type))
            origins.append((number, column.name))
    return found, origins


def _taken(values: "List[Any]", rows: np.ndarray) -> "List[Any]":
    """Return the values of rows, None where there is no row."""
    return [None if row == NONE else values[row] for row in rows.tolist()]


def _vectors(coverage: _Coverage, rows: np.ndarray) -> np.ndarray:
    """Return the vectors of rows, NaN where there is no row."""
    found = coverage.vectors.rows(np.maximum(rows, 0))
    found = np.array(found, dtype=np.float32)
    found[rows == NONE] = np.nan
    return found
