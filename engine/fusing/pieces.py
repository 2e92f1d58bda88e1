"""Cuts the polygons of two coverages by one another: the pieces of their union, each with what it is part of."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, field
from typing import Iterator, List, Optional, Sequence, Tuple

import numpy as np
from osgeo import ogr

from ..dataset import quiet
from ..progress import Progress, check
from .box_index import BoxIndex
from .moved_shapes import envelope_of, polygons_of

NONE = -1
_EVERY = 200
_LEAST = 1e-6
_WHOLE = 1e-5

Row = Tuple[int, ...]


class Pieces:
    """Multi-polygons in a temporary file, and for each the row of every table so far that it lies in, or −1."""

    def __init__(self, tables: int) -> None:
        """Open the file."""
        self._file = tempfile.TemporaryFile()
        self._ends: "List[int]" = [0]
        self._rows: "List[Row]" = []
        self._boxes: "List[Sequence[float]]" = []
        self.tables = tables

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self._rows)

    def add(self, shape: ogr.Geometry, rows: Row) -> None:
        """Take a piece."""
        wkb = bytes(shape.ExportToIsoWkb(ogr.wkbNDR))
        self._file.seek(self._ends[-1])
        self._file.write(wkb)
        self._ends.append(self._ends[-1] + len(wkb))
        self._rows.append(rows)
        self._boxes.append(shape.GetEnvelope())

    @property
    def rows(self) -> np.ndarray:
        """Return `(pieces, tables)` rows."""
        return np.array(self._rows, dtype=np.int64).reshape(-1, self.tables)

    def wkb(self, piece: int) -> bytes:
        """Return a piece's geometry as WKB."""
        self._file.seek(self._ends[piece])
        return self._file.read(self._ends[piece + 1] - self._ends[piece])

    def each(self) -> "Iterator[Tuple[ogr.Geometry, Row]]":
        """Yield the pieces in order."""
        for piece, rows in enumerate(self._rows):
            yield ogr.CreateGeometryFromWkb(self.wkb(piece)), rows

    def index(self) -> BoxIndex:
        """Return what finds pieces by place."""
        return BoxIndex(np.array(self._boxes).reshape(-1, 4))

    def close(self) -> None:
        """Let go of the disk."""
        self._file.close()


@dataclass
class Overlay:
    """What laying a coverage over pieces gave: new pieces, and how many of either side were not covered wholly."""

    pieces: Pieces
    left_open: int = 0
    right_open: int = 0
    slivers: int = 0
    failed: int = 0
    touched: "np.ndarray" = field(default_factory=lambda: np.zeros(0, dtype=bool))


def overlay(left: Pieces, right: "Sequence[Optional[ogr.Geometry]]", keep_rest: bool, progress: Progress) -> Overlay:
    """Cut pieces by polygons; `keep_rest` also keeps what lies in one of the two only, as pieces of that one.

    Shared pieces smaller than a millionth of the smaller of their two polygons are slivers: numbers, not ground.
    """
    index = BoxIndex(np.array([envelope_of(shape) for shape in right]).reshape(-1, 4))
    sizes = np.array([0.0 if shape is None else shape.GetArea() for shape in right])
    found = Overlay(Pieces(left.tables + 1), touched=np.zeros(len(right), dtype=bool))
    taken = np.zeros(len(right))
    for number, (shape, rows) in enumerate(left.each()):
        if number % _EVERY == 0:
            check(progress)
            progress.report(number / max(len(left), 1), "Cutting polygons by one another" if not number else None)
        near = index.overlapping(*shape.GetEnvelope())
        area, covered = shape.GetArea(), 0.0
        for other in near.tolist():
            shared = _common(shape, right[other], found)
            size = 0.0 if shared is None else shared.GetArea()
            if shared is None or size <= _LEAST * min(area, sizes[other]):
                found.slivers += size > 0
                continue
            found.pieces.add(shared, (*rows, other))
            found.touched[other] = True
            covered += size
            taken[other] += size
        if covered < area * (1 - _WHOLE):
            found.left_open += 1
            if keep_rest:
                _keep_rest(shape, [right[other] for other in near.tolist()], (*rows, NONE), found)
    open_rows = np.flatnonzero((sizes > 0) & (taken < sizes * (1 - _WHOLE)))
    found.right_open = len(open_rows)
    if keep_rest:
        _keep_right(left, right, open_rows.tolist(), found, progress)
    return found


def _keep_right(left: Pieces, right: "Sequence[Optional[ogr.Geometry]]", rows: "Sequence[int]", found: Overlay,
                progress: Progress) -> None:
    """Keep what lies in polygons of the right side alone."""
    index, nothing = left.index(), (NONE,) * left.tables
    for number, row in enumerate(rows):
        if number % _EVERY == 0:
            check(progress)
        near = index.overlapping(*right[row].GetEnvelope())  # type: ignore[union-attr]
        others = [ogr.CreateGeometryFromWkb(left.wkb(piece)) for piece in near.tolist()]
        _keep_rest(right[row], others, (*nothing, row), found)


def _keep_rest(shape: "Optional[ogr.Geometry]", others: "Sequence[Optional[ogr.Geometry]]", rows: Row,
               found: Overlay) -> None:
    """Keep what none of the others cover of a polygon."""
    rest = shape
    with quiet():
        for other in others:
            try:
                cut = None if rest is None else rest.Difference(other)
            except RuntimeError:
                cut = None
            if cut is None:
                found.failed += 1
                return
            rest = cut
            if rest.IsEmpty():
                break
    kept = polygons_of(rest)
    if kept is not None and kept.GetArea() > _LEAST * shape.GetArea():  # type: ignore[union-attr]
        found.pieces.add(kept, rows)


def _common(first: ogr.Geometry, second: "Optional[ogr.Geometry]", found: Overlay) -> "Optional[ogr.Geometry]":
    """Return the polygons that two share; where GEOS can't tell, once more after both were cleaned."""
    with quiet():
        for one, two in ((first, second), (None, None)):
            try:
                if one is None:
                    one, two = first.Buffer(0), second.Buffer(0)  # type: ignore[union-attr]
                shared = one.Intersection(two)
            except RuntimeError:
                shared = None
            if shared is not None:
                return polygons_of(shared)
    found.failed += 1
    return None
