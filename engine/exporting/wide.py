"""Writes vectors as columns of numbers in a GeoPackage, for programs that know nothing else."""

from __future__ import annotations

from typing import Any, Dict

from ..errors import OutputError
from ..plain_layer import LayerWriter
from ..space import Space
from ..table import EMBEDDING_SPACE, METADATA_KEY, METADATA_SPACE, ColumnSpec
from .source import ExportSource

# SQLite takes no more than 2000 columns in a table unless it was built to.
_MOST_COLUMNS = 1990


def write_columns(source: ExportSource, output: str) -> int:
    """Write a layer with one column a dimension, and the space's key beside them."""
    names = source.dimension_names()
    if len(names) + len(source.columns) > _MOST_COLUMNS:
        raise OutputError("export-columns", "{name} has {count} dimensions, more than a GeoPackage has columns: choose "
                          "parquet or numpy as FORMAT.", name=source.table.name, count=len(names))
    columns = [*source.columns, ColumnSpec(EMBEDDING_SPACE, "text"), *(ColumnSpec(name, "real") for name in names)]
    told = {METADATA_KEY: source.key}
    if isinstance(source.identity, Space):
        told[METADATA_SPACE] = source.identity.canonical()
    table = source.table
    with LayerWriter(output, table.wkt, table.geometry_type, columns, source.identity.provenance, told) as writer:
        for chunk in source.chunks():
            cells: "Dict[str, Any]" = {column.name: chunk.columns[column.name] for column in source.columns}
            cells[EMBEDDING_SPACE] = [source.key] * len(chunk.ids)
            cells.update((name, chunk.vectors[:, index].astype("f8").tolist()) for index, name in enumerate(names))
            writer.write(chunk.wkb, cells)
    return writer.count
