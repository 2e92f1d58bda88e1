"""Embedding tables: vector layers with a binary column `embedding` and the key of its space in `embedding_space`."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path
from typing import Optional

from ..dataset import open_vector
from ..registry import Registry
from .geopackage import GeoPackageTable
from .location import TableDestination, TableSource, parse_destination, parse_source
from .ogrlayer import OgrTable
from .parts import (
    CHUNK_ROWS,
    EMBEDDING,
    EMBEDDING_SPACE,
    METADATA_KEY,
    METADATA_SPACE,
    ColumnSpec,
    Identity,
    Table,
    TableChunk,
    key_text,
    warn_if_undeclared,
)
from .schema import find_layer, read_schema, require_embedding
from .vectors import check_vectors
from .writer import TableWriter

__all__ = [
    "CHUNK_ROWS", "EMBEDDING", "EMBEDDING_SPACE", "METADATA_KEY", "METADATA_SPACE", "ColumnSpec", "Identity", "Table",
    "TableChunk", "TableDestination", "TableSource", "TableWriter", "check_vectors", "key_text", "open_table",
    "parse_destination", "parse_source", "warn_if_undeclared",
]


def open_table(source: "str | os.PathLike[str]", registry: Optional[Registry] = None, id_field: str = "") -> Table:
    """Open `path` or `path|layername=x` as a table, or say in words why it is none."""
    place = parse_source(os.fspath(source))
    dataset = open_vector(place.path)
    driver = dataset.GetDriver().ShortName
    schema = read_schema(find_layer(dataset, place), place.path)
    dataset = None
    require_embedding(schema)
    if driver == "GPKG" and schema.fid_column and Path(place.path).is_file():
        try:
            return GeoPackageTable(schema, registry, id_field)
        except sqlite3.OperationalError:
            # A write-ahead log in a folder that can't be written, or a network path: GDAL knows ways around.
            return OgrTable(place, schema, registry, id_field)
    return OgrTable(place, schema, registry, id_field)
