"""Rows of a layer made in a test, from plain lists."""

from __future__ import annotations

from typing import Any, Dict, Iterator, List, Mapping, Optional, Sequence

import numpy as np
from osgeo import ogr
from small_fields import wkt_of

from earthprint.engine.space import Space
from earthprint.engine.table import EMBEDDING, EMBEDDING_SPACE, ColumnSpec, RowChunk

_KINDS = {bool: "boolean", int: "integer64", float: "real", str: "text", bytes: "binary"}


class MadeRows:
    """What the engine reads of a layer; columns that are all None are texts."""

    def __init__(self, shapes: Sequence[Optional[str]], columns: Mapping[str, Sequence[Any]], epsg: int = 32633,
                 name: str = "“made”", types: Optional[Mapping[str, str]] = None) -> None:
        self.name = name
        self.wkt = wkt_of(epsg)
        self._wkb = [wkb_of(shape) for shape in shapes]
        self._cells: Dict[str, List[Any]] = {key: list(values) for key, values in columns.items()}
        self.geometry_type = ogr.wkbUnknown if any(self._wkb) else ogr.wkbNone
        self.columns = [ColumnSpec(key, (types or {}).get(key, _kind(values)))
                        for key, values in self._cells.items()]
        self.count = len(self._wkb)
        self.passes = 0

    def rows(self, size: int = 7) -> Iterator[RowChunk]:
        self.passes += 1
        for start in range(0, self.count, min(size, 7)):
            part = slice(start, start + min(size, 7))
            ids = np.arange(1, self.count + 1)[part]
            yield RowChunk(ids, self._wkb[part], {key: cells[part] for key, cells in self._cells.items()})

    def distinct(self, column: str) -> List[Any]:
        return list(dict.fromkeys(self._cells[column]))


def wkb_of(text: Optional[str]) -> Optional[bytes]:
    """Return the bytes of a geometry given as text."""
    return None if text is None else bytes(ogr.CreateGeometryFromWkt(text).ExportToIsoWkb(ogr.wkbNDR))


def with_vectors(shapes: Sequence[Optional[str]], columns: Mapping[str, Sequence[Any]],
                 vectors: Sequence[Optional[Sequence[float]]], space: Optional[Space] = None,
                 **options: Any) -> MadeRows:
    """Return rows that carry vectors; None is a NULL."""
    dims = next((len(vector) for vector in vectors if vector is not None), 1)
    blobs = [None if vector is None else np.asarray(vector, dtype="<f4").tobytes() for vector in vectors]
    key = (space or Space("made", dims)).key()
    return MadeRows(shapes, {**columns, EMBEDDING: blobs, EMBEDDING_SPACE: [key] * len(blobs)},
                    types={EMBEDDING: "binary"}, **options)


def _kind(values: Sequence[Any]) -> str:
    first = next((value for value in values if value is not None), "")
    return _KINDS[type(first)]
