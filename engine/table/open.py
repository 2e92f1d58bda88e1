"""Opens files as rows or tables, by the fastest way that they allow."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Optional

from ..registry import Registry
from .embeddings import EmbeddingTable
from .geopackage import GeoPackageRows, opens, recover
from .location import TableSource, parse_source
from .ogrlayer import OgrRows, open_file
from .parts import Rows
from .schema import LayerSchema, find_layer, read_schema


def open_rows(source: "str | os.PathLike[str]", id_field: str = "") -> Rows:
    """Open `path` or `path|layername=x` as rows of plain attributes."""
    place = parse_source(os.fspath(source))
    return _rows(place, _schema(place), id_field)


def open_table(source: "str | os.PathLike[str]", registry: Optional[Registry] = None,
               id_field: str = "") -> EmbeddingTable:
    """Open `path` or `path|layername=x` as a table, or say in words why it is none."""
    place = parse_source(os.fspath(source))
    schema = _schema(place)
    return EmbeddingTable(_rows(place, schema, id_field), schema.metadata, registry)


def _schema(place: TableSource) -> LayerSchema:
    """Read what the layer says of itself, and close it."""
    recover(place.path)
    dataset = open_file(place.path)
    return read_schema(dataset, find_layer(dataset, place), place.path)


def _rows(place: TableSource, schema: LayerSchema, id_field: str) -> Rows:
    """Choose the reader."""
    if schema.format == "GPKG" and schema.fid_column and Path(place.path).is_file() and opens(schema):
        return GeoPackageRows(schema, id_field)
    return OgrRows(place, schema, id_field)
