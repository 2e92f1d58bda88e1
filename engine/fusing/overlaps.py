"""What polygons of one table share with the features of others: vectors averaged by the area of the overlap.

Where one side has lines the length counts, and where it has points their number: photos within a district give the
district their mean.
"""

from __future__ import annotations

import math
from types import TracebackType
from typing import Iterator, List, Optional, Sequence, Tuple, Type

import numpy as np
from osgeo import ogr, osr

from ..dataset import quiet, spatial_reference
from ..errors import InputError
from ..progress import Progress, check
from ..space import parse_key
from ..table import Table, TableChunk
from .stored import StoredVectors

_EVERY = 200

Shares = Tuple[np.ndarray, np.ndarray]


class CoveringTable:
    """A further table's vectors, on disk, and its geometries in the first table's CRS, ordered by their west edge."""

    def __init__(self, table: Table, wkt: str, progress: Progress) -> None:
        """Read all rows once."""
        self.name = table.name
        key = parse_key(table.space_key)
        self._unit = key.unit_norm
        self._vectors = StoredVectors(key.dimensions)
        transform = _transform(table, wkt)
        shapes: "List[Optional[ogr.Geometry]]" = []
        try:
            for chunk in table.chunks():
                check(progress)
                self._vectors.append(chunk.vectors)
                shapes += [geometry_of(wkb, transform) for wkb in chunk.wkb]
        except BaseException:
            self.close()
            raise
        self.used = np.zeros(len(shapes), dtype=bool)
        rows = [row for row, shape in enumerate(shapes) if shape is not None]
        boxes = np.array([shapes[row].GetEnvelope() for row in rows]).reshape(-1, 4)  # type: ignore[union-attr]
        order = np.argsort(boxes[:, 0], kind="stable")
        self._rows = np.array(rows, dtype=np.int64)[order]
        self._boxes = boxes[order]
        self._shapes = [shapes[row] for row in self._rows]
        self._widest = float((boxes[:, 1] - boxes[:, 0]).max()) if len(boxes) else 0.0

    def shares(self, shape: ogr.Geometry, geographic: bool) -> Shares:
        """Return the rows that overlap a geometry, and what each weighs, summing to 1."""
        west, east, south, north = shape.GetEnvelope()
        start = int(np.searchsorted(self._boxes[:, 0], west - self._widest, side="left"))
        stop = int(np.searchsorted(self._boxes[:, 0], east, side="right"))
        near = self._boxes[start:stop]
        touching = np.flatnonzero((near[:, 1] >= west) & (near[:, 2] <= north) & (near[:, 3] >= south)) + start
        weights = np.array([_weight(shape, self._shapes[place], geographic) for place in touching])
        kept = weights > 0
        rows, weights = self._rows[touching[kept]], weights[kept]
        return rows, weights / weights.sum() if len(weights) else weights

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
        _require_places(tables)
        self._geographic = _known(tables[0].wkt) and bool(spatial_reference(tables[0].wkt).IsGeographic())
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
        nothing = [(np.zeros(0, dtype=np.int64), np.zeros(0))] * len(self._others)
        for chunk in self._first.chunks():
            for wkb in chunk.wkb:
                if len(found) % _EVERY == 0:
                    check(self._progress)
                    self._progress.report(len(found) / max(self._first.count, 1),
                                          "Overlaying the tables" if not found else None)
                shape = geometry_of(wkb, None)
                found.append(list(nothing) if shape is None else
                             [other.shares(shape, self._geographic) for other in self._others])
                for other, (rows, _) in zip(self._others, found[-1]):
                    other.used[rows] = True
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


def geometry_of(wkb: Optional[bytes], transform: "Optional[osr.CoordinateTransformation]") -> "Optional[ogr.Geometry]":
    """Return a valid geometry, moved to another CRS where asked; None where there is none or it can't be moved."""
    if wkb is None:
        return None
    with quiet():
        try:
            geometry = ogr.CreateGeometryFromWkb(wkb)
            if geometry is None or geometry.IsEmpty():
                return None
            geometry.FlattenTo2D()
            if geometry.HasCurveGeometry():
                geometry = geometry.GetLinearGeometry()
            if transform is not None and geometry.Transform(transform) != 0:
                return None
            return geometry if geometry.IsValid() else geometry.MakeValid()
        except RuntimeError:
            return None


def _weight(first: ogr.Geometry, second: ogr.Geometry, geographic: bool) -> float:
    """Return area, length or number of what two geometries share: what the lower of the two has."""
    with quiet():
        try:
            shared = first.Intersection(second)
        except RuntimeError:
            return 0.0
    if shared is None or shared.IsEmpty():
        return 0.0
    dimension = min(first.GetDimension(), second.GetDimension())
    if dimension == 0:
        return float(max(1, shared.GetGeometryCount()))
    if shared.GetDimension() < dimension:
        return 0.0
    if dimension == 1:
        return float(shared.Length())
    # A degree of longitude shrinks towards the poles, so of a tall polygon the part near the equator is larger.
    latitude = shared.Centroid().GetY() if geographic else 0.0
    return float(shared.GetArea()) * max(math.cos(math.radians(latitude)), 0.0)


def _transform(table: Table, wkt: str) -> "Optional[osr.CoordinateTransformation]":
    """Return the way from a table's CRS to another; None where both are the same, or unknown."""
    if not _known(wkt):
        return None
    origin, target = spatial_reference(table.wkt), spatial_reference(wkt)
    return None if origin.IsSame(target) else osr.CoordinateTransformation(origin, target)


def _known(wkt: str) -> bool:
    """Tell whether a CRS says where on Earth it is; a GeoPackage without one bears an undefined, local one."""
    return bool(wkt) and not spatial_reference(wkt).IsLocal() and "Undefined" not in wkt[:40]


def _require_places(tables: "Sequence[Table]") -> None:
    """Refuse tables whose rows lie nowhere."""
    for table in tables:
        if table.geometry_type == ogr.wkbNone:
            raise InputError("fuse-nowhere", "{table} has no geometries to overlay: match by a key, or join it to a "
                             "layer first.", table=table.name)
        if not _known(table.wkt) and any(_known(other.wkt) for other in tables):
            raise InputError("fuse-crs", "{table} has no CRS, so nobody knows what it lies on: set one with “Assign "
                             "projection”, or match by a key.", table=table.name)
