"""What polygons of one table share with the features of others: vectors averaged by the area of the overlap.

Where one side has lines the length counts, and where it has points their number: photos within a district give the
district their mean.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import TracebackType
from typing import Iterator, List, Optional, Sequence, Tuple, Type

import numpy as np
from osgeo import ogr

from ..dataset import quiet
from ..errors import InputError
from ..progress import Progress, check
from ..space import parse_key
from ..table import ColumnSpec, Table, TableChunk
from .box_index import BoxIndex
from .moved_shapes import Mover, envelope_of, known, require_places
from .stored import StoredVectors
from .true_areas import TrueAreas

_EVERY = 200
Shares = Tuple[np.ndarray, np.ndarray]


@dataclass
class _Pair:
    """A row that overlaps a geometry, its weight, and the polygons that both share, if they do."""

    row: int
    weight: float
    face: "Optional[ogr.Geometry]" = None


class CoveringTable:
    """A further table's vectors, on disk, and its geometries in the first table's CRS, ordered by their west edge."""

    def __init__(self, table: Table, wkt: str, progress: Progress) -> None:
        """Read all rows once."""
        self.name = table.name
        key = parse_key(table.space_key)
        self._unit = key.unit_norm
        self._vectors = StoredVectors(key.dimensions)
        mover = Mover(table, wkt)
        self._shapes: "List[Optional[ogr.Geometry]]" = []
        try:
            for chunk in table.chunks():
                check(progress)
                self._vectors.append(chunk.vectors)
                self._shapes += [mover.moved(wkb) for wkb in chunk.wkb]
        except BaseException:
            self.close()
            raise
        self.used = np.zeros(len(self._shapes), dtype=bool)
        boxes = np.array([envelope_of(shape) for shape in self._shapes]).reshape(-1, 4)
        self._index = BoxIndex(boxes)
        self._areas = _areas_within(wkt, boxes)

    def shares(self, shapes: "Sequence[Optional[ogr.Geometry]]") -> "List[Shares]":
        """Return for each geometry the rows that overlap it, and what each weighs, summing to 1."""
        found = [self._pairs(shape) for shape in shapes]
        if self._areas is not None:
            # All at once, since a call for each geometry would cost more than the overlay.
            faces = [pair for pairs in found for pair in pairs if pair.face is not None]
            for pair, area in zip(faces, self._areas.of([pair.face for pair in faces]).tolist()):
                pair.weight = area
        shares = []
        for pairs in found:
            rows = np.array([pair.row for pair in pairs], dtype=np.int64)
            weights = np.array([pair.weight for pair in pairs], dtype=np.float64)
            shares.append((rows, weights / weights.sum() if len(weights) else weights))
        return shares

    def _pairs(self, shape: "Optional[ogr.Geometry]") -> "List[_Pair]":
        """Return what a geometry shares with each row."""
        if shape is None:
            return []
        near = self._index.touching(*shape.GetEnvelope()).tolist()
        pairs = [_shared(shape, self._shapes[row], row) for row in near]
        return [pair for pair in pairs if pair.weight > 0]

    def mean(self, shares: Shares) -> np.ndarray:
        """Return the weighted mean of vectors, of length one where the space has it so."""
        rows, weights = shares
        vector = weights @ self._vectors.rows(rows).astype(np.float64)
        if self._unit:
            length = float(np.linalg.norm(vector))
            vector = vector / length if length > 0 else np.full_like(vector, np.nan)
        return vector.astype(np.float32)

    def close(self) -> None:
        """Let go of the disk."""
        self._vectors.close()


class OverlapMatch:
    """The rows of the first table with the mean vectors of what lies on them in the others."""

    words = "Matched by the area of overlap."

    def __init__(self, tables: "Sequence[Table]", progress: Progress) -> None:
        """Read the further tables."""
        self._first = tables[0]
        self._progress = progress
        require_places(tables)
        self._others: "List[CoveringTable]" = []
        try:
            for table in tables[1:]:
                progress.report(0.0, f"Reading {table.name}")
                self._others.append(CoveringTable(table, tables[0].wkt, progress))
        except BaseException:
            self._close()
            raise
        self._found: "Optional[List[List[Shares]]]" = None
        self.left_out = 0

    @property
    def columns(self) -> "List[ColumnSpec]":
        """Return the attributes of what is matched."""
        return self._first.columns

    @property
    def geometry_type(self) -> int:
        """Return the kind of geometry of what is matched."""
        return self._first.geometry_type

    @property
    def count(self) -> int:
        """Return how many rows there are to match."""
        return self._first.count

    def matched(self, size: int) -> "Iterator[tuple[TableChunk, np.ndarray, list[np.ndarray]]]":
        """Yield chunks of the first table, which of their rows have all vectors, and those vectors `(dims, n)`."""
        if self._found is None:
            self._found = self._overlay()
        self.left_out, start = 0, 0
        for chunk in self._first.chunks(size):
            shares = self._found[start:start + len(chunk.wkb)]
            start += len(chunk.wkb)
            kept = np.array([all(len(rows) for rows, _ in one) for one in shares], dtype=bool)
            if not kept.any():
                self.left_out += len(kept)
                continue
            vectors = [chunk.vectors[kept].T]
            for number, other in enumerate(self._others):
                means = [other.mean(one[number]) for one, keep in zip(shares, kept) if keep]
                vectors.append(np.array(means, dtype=np.float32).reshape(len(means), -1).T)
            valid = np.all([np.isfinite(values).all(axis=0) for values in vectors], axis=0)
            kept[np.flatnonzero(kept)[~valid]] = False
            self.left_out += int((~kept).sum())
            yield chunk, kept, [np.ascontiguousarray(values[:, valid]) for values in vectors]

    def require_matches(self) -> None:
        """Raise where nothing of a further table lies on anything of the first."""
        for other in self._others:
            if not other.used.any():
                raise InputError("fuse-apart", "Nothing of {other} lies on anything of {first}: check that both show "
                                 "the same area and have the right CRS.", other=other.name, first=self._first.name)

    def tell(self, progress: Progress) -> None:
        """Count what found no partner, on both sides."""
        if self.left_out:
            progress.warn(f"{self.left_out} rows of {self._first.name} lie on nothing of another table and are left "
                          "out.")
        for other in self._others:
            unused = int((~other.used).sum())
            if unused:
                progress.warn(f"{unused} rows of {other.name} lie on nothing of {self._first.name}.")

    def _overlay(self) -> "List[List[Shares]]":
        """Find what lies on each row."""
        found: "List[List[Shares]]" = []
        mover = Mover(self._first, "")
        for chunk in self._first.chunks(_EVERY):
            check(self._progress)
            self._progress.report(len(found) / max(self._first.count, 1), "Overlaying the tables" if not found else
                                  None)
            shapes = [mover.moved(wkb) for wkb in chunk.wkb]
            by_table = [other.shares(shapes) for other in self._others]
            for other, shares in zip(self._others, by_table):
                for rows, _ in shares:
                    other.used[rows] = True
            found += [list(one) for one in zip(*by_table)]
        return found

    def __enter__(self) -> "OverlapMatch":
        """Be used in a with statement."""
        return self

    def __exit__(self, kind: "Optional[Type[BaseException]]", error: Optional[BaseException],
                 trace: Optional[TracebackType]) -> None:
        """Let go of the disk."""
        self._close()

    def _close(self) -> None:
        """Let go of what was read."""
        for other in self._others:
            other.close()


def _shared(first: ogr.Geometry, second: "Optional[ogr.Geometry]", row: int) -> _Pair:
    """Return what two geometries share, weighed by area in the plane, length or number: what the lower of both has."""
    nothing = _Pair(row, 0.0)
    if second is None:
        return nothing
    with quiet():
        try:
            shared = first.Intersection(second)
        except RuntimeError:
            return nothing
    if shared is None or shared.IsEmpty():
        return nothing
    dimension = min(first.GetDimension(), second.GetDimension())
    if dimension == 0:
        return _Pair(row, float(max(1, shared.GetGeometryCount())))
    if shared.GetDimension() < dimension:
        return nothing
    return _Pair(row, float(shared.Length())) if dimension == 1 else _Pair(row, float(shared.GetArea()), shared)


def _areas_within(wkt: str, boxes: np.ndarray) -> "Optional[TrueAreas]":
    """Return what measures areas on the ground about some boxes; None where a plane is all that is known."""
    boxes = boxes[np.isfinite(boxes).all(axis=1)]
    if not known(wkt) or not len(boxes):
        return None
    return TrueAreas(wkt, (boxes[:, 0].min(), boxes[:, 1].max(), boxes[:, 2].min(), boxes[:, 3].max()))
