"""Writes vectors as GeoParquet: a list column, geometries as WKB, and metadata that say what the embeddings are."""

from __future__ import annotations

import datetime
import json
from typing import Any, Dict, List

import numpy as np
from osgeo import ogr

from ..dataset import cannot_write, spatial_reference
from ..packages import require
from ..products.described import description_of
from ..table import EMBEDDING, EMBEDDING_SPACE, ColumnSpec, TableChunk
from ..table.values import plain_values
from ..whole import whole
from .source import ExportSource

_GEOMETRY = "geometry"
_TYPES = {ogr.wkbPoint: "Point", ogr.wkbLineString: "LineString", ogr.wkbPolygon: "Polygon",
          ogr.wkbMultiPoint: "MultiPoint", ogr.wkbMultiLineString: "MultiLineString",
          ogr.wkbMultiPolygon: "MultiPolygon"}


def write_parquet(source: ExportSource, output: str) -> int:
    """Write row groups as chunks come."""
    arrow, parquet = require("pyarrow"), require("pyarrow.parquet")
    shaped = source.table.geometry_type != ogr.wkbNone
    attributes = [column for column in source.columns if not shaped or column.name != _GEOMETRY]
    fields = [arrow.field(column.name, _arrow_type(column)) for column in attributes]
    fields += [arrow.field(EMBEDDING_SPACE, arrow.string()),
               arrow.field(EMBEDDING, arrow.list_(arrow.float32()))]
    fields += [arrow.field(_GEOMETRY, arrow.binary())] if shaped else []
    schema = arrow.schema(fields, metadata=_metadata(source, shaped))
    count = 0
    with whole(output) as temporary:
        try:
            with parquet.ParquetWriter(str(temporary), schema, compression="zstd") as writer:
                for chunk in source.chunks():
                    writer.write_batch(arrow.record_batch(_arrays(chunk, attributes, source, shaped), schema=schema))
                    count += len(chunk.ids)
        except OSError as error:
            raise cannot_write(output, str(error).split("\n")[0]) from error
    return count


def _arrays(chunk: TableChunk, attributes: "List[ColumnSpec]", source: ExportSource, shaped: bool) -> "List[Any]":
    """Return the columns of a chunk."""
    arrow = require("pyarrow")
    rows, dimensions = chunk.vectors.shape
    found = [arrow.array([_cell(value, column.type) for value in plain_values(chunk.columns[column.name], column.type)],
                         _arrow_type(column)) for column in attributes]
    found.append(arrow.array([source.key] * rows, arrow.string()))
    offsets = np.arange(rows + 1, dtype=np.int32) * np.int32(dimensions)
    found.append(arrow.ListArray.from_arrays(offsets, np.ascontiguousarray(chunk.vectors, dtype=np.float32).ravel()))
    if shaped:
        found.append(arrow.array(chunk.wkb, arrow.binary()))
    return found


def _arrow_type(column: ColumnSpec) -> Any:
    """Return pyarrow's type of a column; times with or without a zone stay texts, which nothing can change."""
    arrow = require("pyarrow")
    return {"integer": arrow.int32(), "integer64": arrow.int64(), "real": arrow.float64(), "boolean": arrow.bool_(),
            "date": arrow.date32()}.get(column.type, arrow.string())


def _cell(value: Any, kind: str) -> Any:
    """Return a value as pyarrow takes it for its type."""
    if value is None:
        return None
    if kind == "boolean":
        return bool(value)
    return datetime.date.fromisoformat(value[:10]) if kind == "date" else value


def _metadata(source: ExportSource, shaped: bool) -> "Dict[str, str]":
    """Return GeoParquet's `geo` and STAC's `emb`."""
    told = {"emb": json.dumps(description_of(source.identity, source.key))}
    if shaped:
        table = source.table
        kind = _TYPES.get(ogr.GT_Flatten(table.geometry_type))
        column: "Dict[str, Any]" = {"encoding": "WKB", "geometry_types": [kind] if kind else [], "crs": None}
        if table.wkt:
            column["crs"] = json.loads(spatial_reference(table.wkt).ExportToPROJJSON())
        told["geo"] = json.dumps({"version": "1.0.0", "primary_column": _GEOMETRY, "columns": {_GEOMETRY: column}})
    return told
