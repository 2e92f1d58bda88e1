"""Geometries as plain arrays of rings, lines and points; invalid ones mended first."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from typing import List, Optional, Sequence, Tuple

import numpy as np
from osgeo import ogr

from ..dataset import quiet

POINT, LINE, OUTER, HOLE = 1, 2, 3, 4
_COUNT = struct.Struct("<I")
_SIMPLE, _PARTS, _KINDS = (1, 2, 3), (4, 5, 6, 7), {1: POINT, 2: LINE}

Part = Tuple[int, np.ndarray]


@dataclass
class Outlines:
    """The parts of many features: a kind, a feature and vertices `(n, 2)` each, in the order of the features."""

    kinds: "List[int]" = field(default_factory=list)
    features: "List[int]" = field(default_factory=list)
    vertices: "List[np.ndarray]" = field(default_factory=list)
    count: int = 0
    mended: int = 0

    def add(self, shapes: "Sequence[Optional[bytes]]") -> None:
        """Append features; those without a geometry have no parts."""
        parts = [parts_of(shape) for shape in shapes]
        for row in _doubtful(parts).tolist():
            better = _valid(shapes[row])
            if better is not None:
                parts[row] = better
                self.mended += 1
        for row, found in enumerate(parts):
            for kind, points in found:
                self.kinds.append(kind)
                self.features.append(self.count + row)
                self.vertices.append(points)
        self.count += len(shapes)


def parts_of(shape: Optional[bytes]) -> "List[Part]":
    """Return the rings, lines and points of a geometry as WKB."""
    if shape is None:
        return []
    found: "List[Part]" = []
    try:
        end = _read(shape, 0, found)
    except (struct.error, ValueError):
        # Cut off in the middle: GDAL says what can be saved, which is nothing.
        end = -1
    if end < 0:
        plain = _linear(shape)
        found = []
        if plain is not None:
            _read(plain, 0, found)
    return found


def _read(shape: bytes, at: int, found: "List[Part]") -> int:
    """Read one geometry and return where it ends, or −1 for what only GDAL understands."""
    if len(shape) < at + 9 or shape[at] != 1:
        return -1
    code = _COUNT.unpack_from(shape, at + 1)[0]
    at += 5
    size = 16
    if code > 0xFFFF:
        size += 8 * bool(code & 0x80000000) + 8 * bool(code & 0x40000000)
        at += 4 * bool(code & 0x20000000)
        code &= 0xFFFF
    elif code >= 1000:
        size += 16 if code >= 3000 else 8
        code %= 1000
    if code == 1:
        points = _points(shape, at, 1, size)
        if not np.isnan(points).any():
            found.append((POINT, points))
        return at + size
    if code not in _SIMPLE and code not in _PARTS:
        return -1
    count = _COUNT.unpack_from(shape, at)[0]
    at += 4
    if code == 2:
        if count:
            found.append((LINE, _points(shape, at, count, size)))
        return at + count * size
    if code == 3:
        for number in range(count):
            length = _COUNT.unpack_from(shape, at)[0]
            if length:
                points = _points(shape, at + 4, length, size)
                if points[0, 0] != points[-1, 0] or points[0, 1] != points[-1, 1]:
                    points = np.concatenate([points, points[:1]])
                found.append((HOLE if number else OUTER, points))
            at += 4 + length * size
        return at
    for _ in range(count):
        at = _read(shape, at, found)
        if at < 0:
            return -1
    return at


def _points(shape: bytes, at: int, count: int, size: int) -> np.ndarray:
    """Return x and y of consecutive points."""
    return np.frombuffer(shape, "<f8", count * size // 8, at).reshape(count, size // 8)[:, :2]


def _linear(shape: bytes) -> Optional[bytes]:
    """Return a geometry of any kind (curves, other byte order) as plain little-endian WKB."""
    with quiet():
        try:
            geometry = ogr.CreateGeometryFromWkb(shape)
        except RuntimeError:
            return None
        if geometry is None or geometry.IsEmpty():
            return None
        if geometry.HasCurveGeometry():
            geometry = geometry.GetLinearGeometry()
        geometry.FlattenTo2D()
        kind = ogr.GT_Flatten(geometry.GetGeometryType())
        if kind in (ogr.wkbTriangle, ogr.wkbPolyhedralSurface, ogr.wkbTIN):
            geometry = ogr.ForceToMultiPolygon(geometry)
        return bytes(geometry.ExportToIsoWkb(ogr.wkbNDR))


def _doubtful(parts: "List[List[Part]]") -> np.ndarray:
    """Return the rows whose polygons might be invalid: all but single rings that are convex for certain."""
    single = [row for row, found in enumerate(parts) if len(found) == 1 and found[0][0] == OUTER]
    several = [row for row, found in enumerate(parts) if len(found) > 1 and any(kind >= OUTER for kind, _ in found)]
    if not single:
        return np.array(several, dtype=np.int64)
    rings = [parts[row][0][1] for row in single]
    lengths = np.array([len(ring) for ring in rings])
    first = np.cumsum(lengths) - lengths
    points = np.concatenate(rings)
    step = np.diff(points, axis=0, append=points[:1])
    last = first + lengths - 1
    # After the last vertex, which repeats the first, comes the first edge again.
    step[last] = step[first]
    before, after = step[:-1], step[1:]
    cross = before[:, 0] * after[:, 1] - before[:, 1] * after[:, 0]
    turn = np.arctan2(cross, (before * after).sum(axis=1))
    turn = np.append(turn, 0.0)
    turn[last] = 0.0
    whole = np.add.reduceat(turn, first)
    same_way = (np.minimum.reduceat(turn, first) >= -1e-9) | (np.maximum.reduceat(turn, first) <= 1e-9)
    sharp = np.maximum.reduceat(np.abs(turn), first) > np.pi - 1e-6
    convex = same_way & ~sharp & (np.abs(np.abs(whole) - 2 * np.pi) < 1e-3) & (lengths >= 4)
    return np.sort(np.concatenate([np.array(single)[~convex], np.array(several, dtype=np.int64)]).astype(np.int64))


def _valid(shape: Optional[bytes]) -> "Optional[List[Part]]":
    """Return the parts of a geometry after mending, or None where nothing was wrong."""
    with quiet():
        geometry = ogr.CreateGeometryFromWkb(shape)
        if geometry is None or geometry.IsValid():
            return None
        better = (geometry.GetLinearGeometry() if geometry.HasCurveGeometry() else geometry).MakeValid()
        return None if better is None or better.IsEmpty() else parts_of(bytes(better.ExportToIsoWkb(ogr.wkbNDR)))
