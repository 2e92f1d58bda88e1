"""Rows in any format that GDAL reads, feature by feature: the way for all that SQLite can't open by itself."""

from __future__ import annotations

import json
import os
from typing import Any, Callable, Iterator, List, Optional

import numpy as np
from osgeo import gdal, ogr

from ..dataset import open_vector
from ..errors import InputError
from .location import TableSource
from .moments import iso_text
from .parts import CHUNK_ROWS, ColumnSpec, RowChunk
from .schema import LayerSchema, find_layer, id_column

_PARQUET = (".parquet", ".geoparquet", ".gpq")


class OgrRows:
    """A layer read through GDAL; each iteration opens the file anew, so it may run in any one thread."""

    def __init__(self, source: TableSource, schema: LayerSchema, id_field: str = "") -> None:
        """Describe the layer, and find out what tells its rows apart."""
        self._source = source
        self._schema = schema
        self.name = schema.name
        self.wkt = schema.wkt
        self.geometry_type = schema.geometry_type
        self.columns = schema.columns
        self.metadata = schema.metadata
        self.count = schema.count
        self._id_column = id_column(schema, id_field, lambda column: len(self.distinct(column)) == self.count)

    def rows(self, size: int = CHUNK_ROWS) -> "Iterator[RowChunk]":
        """Yield the rows in the file's order."""
        getters = [_getter(self._schema, column.name) for column in self.columns]
        features: "List[ogr.Feature]" = []
        for feature in self._features():
            features.append(feature)
            if len(features) == size:
                yield self._chunk(features, getters)
                features = []
        if features:
            yield self._chunk(features, getters)

    def distinct(self, column: str) -> "List[Any]":
        """Return the different values of a column, in the order they appear."""
        get = _getter(self._schema, column)
        return list(dict.fromkeys(get(feature) for feature in self._features()))

    def _chunk(self, features: "List[ogr.Feature]", getters: "List[Callable[[ogr.Feature], Any]]") -> RowChunk:
        """Turn features into columns."""
        columns = {column.name: [get(feature) for feature in features]
                   for column, get in zip(self.columns, getters)}
        if self._id_column and self._id_column != self._schema.fid_column:
            ids = columns[self._id_column]
        else:
            ids = np.asarray([feature.GetFID() for feature in features], dtype=np.int64)
        return RowChunk(ids, [_wkb(feature) for feature in features], columns)

    def _features(self) -> "Iterator[ogr.Feature]":
        """Yield the features of a fresh handle."""
        dataset = open_file(self._source.path)
        layer = find_layer(dataset, self._source)
        for feature in layer:
            yield feature
        del layer, dataset


def open_file(path: str) -> gdal.Dataset:
    """Open a vector file; the first line of a CSV is its header, even if that holds numbers such as 0 to 1023."""
    name = path.lower()
    if name.endswith(_PARQUET) and os.path.exists(path) and gdal.GetDriverByName("Parquet") is None:
        raise InputError("input-parquet", "{path} is GeoParquet, which this installation's GDAL can't open: save it as "
                         "GeoPackage where it can be opened, and use that.", path=path)
    return open_vector(path, options=["HEADERS=YES"] if name.endswith((".csv", ".tsv")) else [])


def _wkb(feature: ogr.Feature) -> Optional[bytes]:
    """Return a feature's geometry."""
    geometry = feature.GetGeometryRef()
    return None if geometry is None else bytes(geometry.ExportToIsoWkb(ogr.wkbNDR))


def _getter(schema: LayerSchema, name: str) -> "Callable[[ogr.Feature], Any]":
    """Return a function that reads a column of a feature as plain Python, None where it is NULL."""
    if name == schema.fid_column:
        return lambda feature: feature.GetFID()
    fields = [column for column in schema.columns if column.name != schema.fid_column]
    index, column = next((number, column) for number, column in enumerate(fields) if column.name == name)
    read = _reader(column, index)
    return lambda feature: read(feature) if feature.IsFieldSetAndNotNull(index) else None


def _reader(column: ColumnSpec, index: int) -> "Callable[[ogr.Feature], Any]":
    """Return how a value of this type is read."""
    if column.type == "binary":
        return lambda feature: bytes(feature.GetFieldAsBinary(index))
    if column.type == "boolean":
        return lambda feature: bool(feature.GetFieldAsInteger(index))
    if column.type in ("date", "datetime", "time"):
        return lambda feature: iso_text(column.type, feature.GetFieldAsDateTime(index))
    if column.type == "json":
        return lambda feature: _json(feature.GetField(index))
    return lambda feature: feature.GetField(index)


def _json(value: Any) -> str:
    """Return a list as the text that a GeoPackage keeps of it."""
    return value if isinstance(value, str) else json.dumps(list(value), ensure_ascii=False)
