"""Rows of Parquet and GeoParquet files, read by pyarrow, with lists of numbers as arrays."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Dict, Iterator, List, Mapping, Optional

import numpy as np
from osgeo import ogr

from ..dataset import user_reference
from ..errors import InputError
from ..packages import require
from ..table import CHUNK_ROWS, ColumnSpec, RowChunk
from .described import NOTHING, Described, read_description

_GEOMETRY_NAMES = ("geometry", "geom", "wkb_geometry")
_TYPES = {"point": ogr.wkbPoint, "linestring": ogr.wkbLineString, "polygon": ogr.wkbPolygon,
          "multipoint": ogr.wkbMultiPoint, "multilinestring": ogr.wkbMultiLineString,
          "multipolygon": ogr.wkbMultiPolygon}


class ParquetRows:
    """The rows of a Parquet file; what it says of itself is in `described`."""

    def __init__(self, path: str) -> None:
        """Read the file's footer."""
        parquet = require("pyarrow.parquet")
        self._path = str(path)
        try:
            file = parquet.ParquetFile(self._path)
        except Exception as error:  # noqa: BLE001  (pyarrow raises many kinds for a file that is none)
            raise _unreadable(self._path, error) from error
        with file:
            schema = file.schema_arrow
            self.count = int(file.metadata.num_rows)
        told: "Mapping[bytes, bytes]" = schema.metadata or {}
        geo = _json(told.get(b"geo"))
        self._geometry = _geometry_column(schema, geo)
        column = (geo.get("columns") or {}).get(self._geometry) or {}
        _require_wkb(column, self._geometry, self._path)
        self.name = f"“{Path(path).stem}”"
        # Major TOM has footprints in longitude and latitude without saying so.
        silent = not geo and "utm_crs" not in schema.names
        self.without_crs = bool(self._geometry) and (("crs" in column and column["crs"] is None) or silent)
        self.wkt = self._crs(column) if self._geometry and not self.without_crs else ""
        self.geometry_type = _geometry_type(column) if self._geometry else ogr.wkbNone
        left_out = {self._geometry, *_coverings(column)}
        self.columns = [ColumnSpec(field.name, _kind(field.type)) for field in schema if field.name not in left_out]
        self.described: Described = (read_description(told[b"emb"].decode("utf-8", "replace"))
                                     if b"emb" in told else NOTHING)

    def rows(self, size: int = CHUNK_ROWS) -> "Iterator[RowChunk]":
        """Yield the rows in order."""
        parquet = require("pyarrow.parquet")
        names = [column.name for column in self.columns] + ([self._geometry] if self._geometry else [])
        start = 0
        with parquet.ParquetFile(self._path) as file:
            for batch in _batches(file, size, names, self._path):
                columns = {spec.name: _cells(batch.column(index)) for index, spec in enumerate(self.columns)}
                shapes: "List[Optional[bytes]]" = (batch.column(len(self.columns)).to_pylist() if self._geometry
                                                   else [None] * batch.num_rows)
                yield RowChunk(np.arange(start + 1, start + batch.num_rows + 1), shapes, columns)
                start += batch.num_rows

    def distinct(self, column: str) -> "List[Any]":
        """Return the different values of a column."""
        table = require("pyarrow.parquet").read_table(self._path, columns=[column])
        return table.column(0).unique().to_pylist()

    def _crs(self, column: "Mapping[str, Any]") -> str:
        """Return the CRS as WKT; where GeoParquet says nothing, it means longitude and latitude."""
        text = json.dumps(column["crs"]) if "crs" in column else "OGC:CRS84"
        reference = user_reference(text)
        if reference is None:
            raise InputError("parquet-crs", "The CRS of {path} can't be read: open it in another program and save it "
                             "with a CRS that has an EPSG code.", path=self._path)
        return reference.ExportToWkt(["FORMAT=WKT2_2019"])


def _batches(file: Any, size: int, names: "List[str]", path: str) -> "Iterator[Any]":
    """Yield parts of a file, with pyarrow's errors in words."""
    try:
        yield from file.iter_batches(batch_size=size, columns=names)
    except (ValueError, OSError, NotImplementedError) as error:
        raise _unreadable(path, error) from error


def _unreadable(path: str, error: Exception) -> InputError:
    """Say that a file is damaged, or of a kind that pyarrow can't read."""
    return InputError("parquet-unreadable", "{path} can't be read as Parquet ({reason}): copy or download it again.",
                      path=path, reason=str(error).split("\n")[0].rstrip("."))


def _geometry_column(schema: Any, geo: "Mapping[str, Any]") -> str:
    """Return the column of geometries: the primary one, else binary under a usual name."""
    primary = geo.get("primary_column", "")
    if primary in schema.names:
        return str(primary)
    types = require("pyarrow").types
    return next((name for name in _GEOMETRY_NAMES if name in schema.names and (
        types.is_binary(schema.field(name).type) or types.is_large_binary(schema.field(name).type))), "")


def _require_wkb(column: "Mapping[str, Any]", name: str, path: str) -> None:
    """Refuse the encodings of geometries that are no WKB."""
    encoding = str(column.get("encoding", "WKB"))
    if encoding.upper() != "WKB":
        raise InputError("parquet-encoding", "The geometries in “{column}” of {path} are encoded as {encoding}: save "
                         "it as GeoParquet with WKB geometries.", column=name, path=path, encoding=encoding)


def _geometry_type(column: "Mapping[str, Any]") -> int:
    """Return OGR's type if all rows have one, with or without its multi form."""
    names = {str(name).lower().replace(" zm", "").replace(" z", "").replace(" m", "")
             for name in column.get("geometry_types") or ()}
    if len({name.replace("multi", "") for name in names}) != 1:
        return ogr.wkbUnknown
    # A column of both forms takes either in a GeoPackage only if it says nothing.
    return _TYPES.get(next(iter(names)), ogr.wkbUnknown) if len(names) == 1 else ogr.wkbUnknown


def _coverings(column: "Mapping[str, Any]") -> "List[str]":
    """Return the columns that only repeat the extent of each geometry."""
    bbox = (column.get("covering") or {}).get("bbox") or {}
    return list({str(path[0]) for path in bbox.values() if isinstance(path, list) and path})


def _kind(kind: Any) -> str:
    """Return the type of a table's column for one of pyarrow's."""
    types = require("pyarrow").types
    if types.is_dictionary(kind):
        return _kind(kind.value_type)
    if types.is_boolean(kind):
        return "boolean"
    if types.is_integer(kind):
        return "integer64" if kind.bit_width == 64 or str(kind) == "uint32" else "integer"
    if types.is_floating(kind) or types.is_decimal(kind):
        return "real"
    if types.is_date(kind):
        return "date"
    if types.is_timestamp(kind):
        return "datetime"
    if types.is_time(kind):
        return "time"
    if types.is_binary(kind) or types.is_large_binary(kind) or types.is_fixed_size_binary(kind):
        return "binary"
    return "json" if types.is_nested(kind) else "text"


def _cells(array: Any) -> "List[Any]":
    """Return a column as plain values; lists of numbers as arrays, without a Python object a number."""
    types = require("pyarrow").types
    kind = array.type
    if types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind):
        inner = kind.value_type
        if types.is_floating(inner) or types.is_integer(inner):
            return _vectors(array)
    if types.is_decimal(kind):
        return [None if value is None else float(value) for value in array.to_pylist()]
    return array.to_pylist()


def _vectors(array: Any) -> "List[Optional[np.ndarray]]":
    """Return each list as a slice of one array; a NULL within becomes NaN."""
    values = array.values.to_numpy(zero_copy_only=False).astype(np.float32, copy=False)
    size = getattr(array.type, "list_size", None)
    if size is None:
        offsets = array.offsets.to_numpy().tolist()
    else:
        offsets = [size * (array.offset + row) for row in range(len(array) + 1)]
    there = array.is_valid().to_pylist()
    return [values[first:last] if valid else None for first, last, valid in zip(offsets, offsets[1:], there)]


def _json(text: Optional[bytes]) -> "Dict[str, Any]":
    """Return a JSON object of the file's metadata, empty where it is none."""
    try:
        content = json.loads(text or b"{}")
    except ValueError:
        return {}
    return content if isinstance(content, dict) else {}
