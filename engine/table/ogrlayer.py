"""Tables in any format that GDAL reads, feature by feature: the way for all that SQLite can't open by itself."""

from __future__ import annotations

import json
from typing import Any, Callable, Iterator, List, Optional

import numpy as np
from osgeo import ogr

from ..dataset import open_vector
from ..errors import InputError
from ..registry import Registry
from ..space import Space, only_key, parse_key
from .location import TableSource
from .parts import CHUNK_ROWS, EMBEDDING, EMBEDDING_SPACE, ColumnSpec, Identity, TableChunk
from .schema import LayerSchema, attributes, column_named, described_space, find_layer, id_column, identity_of
from .undeclared import undeclared_key
from .vectors import check_vectors


class OgrTable:
    """A layer read through GDAL; each iteration opens the file anew, so it may run in any one thread."""

    def __init__(self, source: TableSource, schema: LayerSchema, registry: Optional[Registry],
                 id_field: str = "") -> None:
        """Check the space of all rows at once, before any work is done with them."""
        self._source = source
        self._schema = schema
        self._registry = registry
        self._id_column = id_column(schema, id_field)
        self.name = schema.name
        self.wkt = schema.wkt
        self.geometry_type = schema.geometry_type
        self.columns = attributes(schema)
        self.count, self.space_key, unique = self._survey()
        if not id_field and not unique:
            self._id_column = ""

    def space(self) -> Optional[Space]:
        """Return the description of the space, or None where only its key is known."""
        return described_space(self._schema, parse_key(self.space_key), self._registry)

    def identity(self) -> Identity:
        """Return what a writer needs to pass these vectors on in the same space."""
        return identity_of(self.space(), self.space_key)

    def chunks(self, size: int = CHUNK_ROWS) -> "Iterator[TableChunk]":
        """Yield the rows in the file's order."""
        key = parse_key(self.space_key)
        embedding = _getter(self._schema, column_named(self._schema, EMBEDDING))
        getters = [_getter(self._schema, column.name) for column in self.columns]
        features: "List[ogr.Feature]" = []
        for feature in self._features():
            features.append(feature)
            if len(features) == size:
                yield self._chunk(features, key, embedding, getters)
                features = []
        if features:
            yield self._chunk(features, key, embedding, getters)

    def _chunk(self, features: "List[ogr.Feature]", key: Any, embedding: Callable, getters: "List[Callable]") \
            -> TableChunk:
        """Turn features into columns."""
        columns = {column.name: [get(feature) for feature in features]
                   for column, get in zip(self.columns, getters)}
        fids = np.asarray([feature.GetFID() for feature in features], dtype=np.int64)
        ids = columns[self._id_column] if self._id_column else fids
        vectors = check_vectors([embedding(feature) for feature in features], key, self.name, ids)
        return TableChunk(ids, vectors, [_wkb(feature) for feature in features], columns)

    def _survey(self) -> "tuple[int, str, bool]":
        """Read all rows once: how many, of what space, and whether the id column names each once."""
        embedding = _getter(self._schema, column_named(self._schema, EMBEDDING))
        space_column = column_named(self._schema, EMBEDDING_SPACE)
        space_of = _getter(self._schema, space_column) if space_column else None
        id_of = _getter(self._schema, self._id_column) if self._id_column else None
        count, keys, ids, first = 0, set(), set(), None
        for feature in self._features():
            count += 1
            first = first or embedding(feature)
            keys.add((space_of(feature) if space_of else None) or "")
            if id_of:
                ids.add(id_of(feature))
        if not count:
            raise InputError("table-empty", "{name} has no rows: choose a table with at least one.", name=self.name)
        key = only_key(list(keys), self.name) if any(keys) else undeclared_key(first, self.name)
        return count, key, len(ids) == count

    def _features(self) -> "Iterator[ogr.Feature]":
        """Yield the features of a fresh handle."""
        dataset = open_vector(self._source.path)
        layer = find_layer(dataset, self._source)
        for feature in layer:
            yield feature
        del layer, dataset


def _wkb(feature: ogr.Feature) -> Optional[bytes]:
    """Return a feature's geometry."""
    geometry = feature.GetGeometryRef()
    return None if geometry is None else bytes(geometry.ExportToIsoWkb(ogr.wkbNDR))


def _getter(schema: LayerSchema, name: str) -> "Callable[[ogr.Feature], Any]":
    """Return a function that reads a column of a feature as plain Python, None where it is NULL."""
    index, column = next((number, column) for number, column in enumerate(schema.columns) if column.name == name)
    read = _reader(column, index)
    return lambda feature: read(feature) if feature.IsFieldSetAndNotNull(index) else None


def _reader(column: ColumnSpec, index: int) -> "Callable[[ogr.Feature], Any]":
    """Return how a value of this type is read."""
    if column.type == "binary":
        return lambda feature: bytes(feature.GetFieldAsBinary(index))
    if column.type == "boolean":
        return lambda feature: bool(feature.GetFieldAsInteger(index))
    if column.type in ("date", "datetime", "time"):
        return lambda feature: _iso(column.type, feature.GetFieldAsDateTime(index))
    if column.type == "json":
        return lambda feature: _json(feature.GetField(index))
    return lambda feature: feature.GetField(index)


def _json(value: Any) -> str:
    """Return a list as the text that a GeoPackage keeps of it."""
    return value if isinstance(value, str) else json.dumps(list(value), ensure_ascii=False)


def _iso(kind: str, parts: "List[Any]") -> str:
    """Return a date or time as ISO text, with the time zone where the file states one."""
    year, month, day, hour, minute, second, zone = parts
    date = f"{int(year):04d}-{int(month):02d}-{int(day):02d}"
    time = f"{int(hour):02d}:{int(minute):02d}:{second:06.3f}"
    if kind == "date":
        return date
    if kind == "time":
        return time
    if zone == 100:
        return f"{date}T{time}Z"
    if zone > 1:
        quarters = int(zone) - 100
        sign = "-" if quarters < 0 else "+"
        return f"{date}T{time}{sign}{abs(quarters) // 4:02d}:{abs(quarters) % 4 * 15:02d}"
    return f"{date}T{time}"
