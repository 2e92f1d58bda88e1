"""GeoPackage's form of geometries, made of WKB for many rows at once: a header, mostly with the envelope, before it."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from typing import List, Optional, Sequence, Set

import numpy as np
from osgeo import ogr

_POINT = struct.pack("<BI", 1, ogr.wkbPoint)
_LINE = struct.pack("<BI", 1, ogr.wkbLineString)
_POLYGON = struct.pack("<BII", 1, ogr.wkbPolygon, 1)
# Geometries of one run of plane places, most of all there are: what comes before the number of places.
_RUNS = (_POLYGON, struct.pack("<BII", 1, ogr.wkbMultiPolygon, 1) + _POLYGON, _LINE,
         struct.pack("<BII", 1, ogr.wkbMultiLineString, 1) + _LINE)
_COUNT_BYTES = 4
_PLACE_BYTES = 16
_BOX_BYTES = 32
_LITTLE_ENDIAN, _PLANE_BOX, _SPATIAL_BOX, _EMPTY = 1, 1 << 1, 2 << 1, 1 << 4


class DamagedGeometry(Exception):
    """A row's WKB that is none; `row` is its place among the rows handed over."""

    def __init__(self, row: int) -> None:
        """Keep the row."""
        super().__init__(row)
        self.row = row


@dataclass(frozen=True)
class GeometryBlobs:
    """Geometries as GeoPackages hold them, and what the layer's tables tell of them.

    Boxes are `(rows, 4)`: least x, greatest x, least y, greatest y, NaN where nothing is.
    """

    blobs: "List[Optional[bytes]]"
    boxes: np.ndarray
    has_z: bool = False
    has_m: bool = False
    unusual: "Set[str]" = field(default_factory=set)


def geometry_blobs(wkb: "Sequence[Optional[bytes]]", srs_id: int) -> GeometryBlobs:
    """Put the header before each geometry; the usual ones are handled in bulk, all others by GDAL."""
    result = GeometryBlobs([None] * len(wkb), np.full((len(wkb), 4), np.nan))
    rows = [row for row, shape in enumerate(wkb) if shape is not None]
    for head in (_POINT, *_RUNS):
        alike = [row for row in rows if (wkb[row] or b"").startswith(head)]
        if alike:
            _fill(result, wkb, np.asarray(alike), head, srs_id)
        if len(alike) == len(rows):
            break
        if alike:
            taken = set(alike)
            rows = [row for row in rows if row not in taken]
    others = [row for row, shape in enumerate(wkb) if shape is not None and result.blobs[row] is None]
    return _with_others(result, wkb, others, srs_id) if others else result


def _fill(result: GeometryBlobs, wkb: "Sequence[Optional[bytes]]", rows: np.ndarray, head: bytes, srs_id: int) -> None:
    """Handle geometries of one kind whose places are of the length and the numbers that they should be."""
    shapes = [wkb[row] or b"" for row in rows.tolist()]
    start = len(head) + (0 if head is _POINT else _COUNT_BYTES)
    sizes = np.fromiter(map(len, shapes), dtype=np.int64, count=len(shapes)) - start
    sound = (sizes > 0) & (sizes % _PLACE_BYTES == 0)
    if head is _POINT:
        sound &= sizes == _PLACE_BYTES
    elif sound.all():
        sound &= _counts(shapes, len(head)) * _PLACE_BYTES == sizes
    else:
        sound[sound] = _counts(_picked(shapes, sound), len(head)) * _PLACE_BYTES == sizes[sound]
    shapes, rows, sizes = _picked(shapes, sound), rows[sound], sizes[sound]
    if not shapes:
        return
    places = np.frombuffer(b"".join([shape[start:] for shape in shapes]), dtype="<f8").reshape(-1, 2)
    boxes = places[:, [0, 0, 1, 1]] if head is _POINT else _envelopes(places, sizes // _PLACE_BYTES)
    blobs = _with_headers(shapes, boxes, head is not _POINT, srs_id)
    finite = np.isfinite(boxes).all(axis=1)
    if finite.all() and len(rows) == len(wkb):
        result.blobs[:] = blobs
    else:
        for row, blob, usable in zip(rows.tolist(), blobs, finite.tolist()):
            result.blobs[row] = blob if usable else None
    result.boxes[rows[finite]] = boxes[finite]


def _picked(shapes: "List[bytes]", mask: np.ndarray) -> "List[bytes]":
    """Return the shapes that a mask picks."""
    return shapes if mask.all() else [shape for shape, there in zip(shapes, mask.tolist()) if there]


def _counts(shapes: "List[bytes]", start: int) -> np.ndarray:
    """Return the number of places that each shape states at a position."""
    return np.frombuffer(b"".join([shape[start:start + _COUNT_BYTES] for shape in shapes]), dtype="<u4").astype("i8")


def _envelopes(places: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Return the box of each run of places."""
    starts = np.cumsum(counts) - counts
    low, high = np.minimum.reduceat(places, starts), np.maximum.reduceat(places, starts)
    return np.stack([low, high], axis=2).reshape(-1, 4)


def _with_headers(shapes: "List[bytes]", boxes: np.ndarray, enveloped: bool, srs_id: int) -> "List[bytes]":
    """Put headers before geometries; points carry no envelope."""
    if not enveloped:
        head = _header(_LITTLE_ENDIAN, srs_id)
        return [head + shape for shape in shapes]
    head, raw = _header(_LITTLE_ENDIAN | _PLANE_BOX, srs_id), boxes.astype("<f8").tobytes()
    envelopes = [raw[start:start + _BOX_BYTES] for start in range(0, len(raw), _BOX_BYTES)]
    return [head + envelope + shape for envelope, shape in zip(envelopes, shapes)]


def _with_others(result: GeometryBlobs, wkb: "Sequence[Optional[bytes]]", rows: "List[int]",
                 srs_id: int) -> GeometryBlobs:
    """Handle empty, three-dimensional, curved and many-part geometries one by one."""
    has_z, has_m, unusual = False, False, set()
    for row in rows:
        geometry = _geometry(wkb[row] or b"")
        if geometry is None:
            raise DamagedGeometry(row)
        has_z, has_m = has_z or bool(geometry.Is3D()), has_m or bool(geometry.IsMeasured())
        unusual |= _unusual_kinds(geometry)
        result.blobs[row] = _one_header(geometry, srs_id) + bytes(geometry.ExportToIsoWkb(ogr.wkbNDR))
        result.boxes[row] = np.nan if geometry.IsEmpty() else geometry.GetEnvelope()
    return GeometryBlobs(result.blobs, result.boxes, has_z, has_m, unusual)


def _geometry(shape: bytes) -> Optional[ogr.Geometry]:
    """Read WKB, whether or not GDAL reports by exceptions."""
    try:
        return ogr.CreateGeometryFromWkb(shape)
    except RuntimeError:
        return None


def _one_header(geometry: ogr.Geometry, srs_id: int) -> bytes:
    """Return a geometry's header: an envelope for all that are more than a point, with heights where there are some."""
    if geometry.IsEmpty():
        return _header(_LITTLE_ENDIAN | _EMPTY, srs_id)
    if ogr.GT_Flatten(geometry.GetGeometryType()) == ogr.wkbPoint:
        return _header(_LITTLE_ENDIAN, srs_id)
    if geometry.Is3D():
        return _header(_LITTLE_ENDIAN | _SPATIAL_BOX, srs_id) + struct.pack("<6d", *geometry.GetEnvelope3D())
    return _header(_LITTLE_ENDIAN | _PLANE_BOX, srs_id) + struct.pack("<4d", *geometry.GetEnvelope())


def _unusual_kinds(geometry: ogr.Geometry) -> "Set[str]":
    """Return the kinds in a geometry that a GeoPackage counts as an extension: curves and surfaces."""
    kind = ogr.GT_Flatten(geometry.GetGeometryType())
    if kind == ogr.wkbGeometryCollection:
        return set().union(*(_unusual_kinds(geometry.GetGeometryRef(part))
                             for part in range(geometry.GetGeometryCount())))
    return {geometry.GetGeometryName()} if kind > ogr.wkbGeometryCollection else set()


def _header(flags: int, srs_id: int) -> bytes:
    """Return the eight bytes before envelope and WKB."""
    return struct.pack("<2sBBi", b"GP", 0, flags, srs_id)
