"""Gives rows without geometry points, where two columns of theirs are longitude and latitude."""

from __future__ import annotations

import math
import struct
from typing import Any, Iterator, List, Optional

from osgeo import ogr

from ..dataset import user_reference
from ..table import CHUNK_ROWS, RowChunk, Rows
from ..table.schema import column_named

_PAIRS = (("longitude", "latitude"), ("lon", "lat"), ("lng", "lat"), ("long", "lat"), ("centre_lon", "centre_lat"),
          ("center_lon", "center_lat"), ("centroid_lon", "centroid_lat"))


class PointRows:
    """Rows with a point each, in WGS 84; those without numbers in both columns have none."""

    def __init__(self, rows: Rows, x: str, y: str) -> None:
        """Take the columns' names."""
        self._rows = rows
        self.x = x
        self.y = y
        self.name = rows.name
        reference = user_reference("EPSG:4326")
        self.wkt = reference.ExportToWkt(["FORMAT=WKT2_2019"]) if reference is not None else ""
        self.geometry_type = ogr.wkbPoint
        self.columns = rows.columns
        self.count = rows.count

    def rows(self, size: int = CHUNK_ROWS) -> "Iterator[RowChunk]":
        """Yield the rows with their points."""
        for ids, _, columns in self._rows.rows(size):
            yield RowChunk(ids, [_point(x, y) for x, y in zip(columns[self.x], columns[self.y])], columns)

    def distinct(self, column: str) -> "List[Any]":
        """Return the different values of a column."""
        return self._rows.distinct(column)


def with_places(rows: Rows) -> Optional[PointRows]:
    """Return the rows as points, None where they have geometries or no such columns."""
    if rows.geometry_type != ogr.wkbNone:
        return None
    for x, y in _PAIRS:
        columns = column_named(rows.columns, x), column_named(rows.columns, y)
        if all(column is not None and column.type in ("real", "integer", "integer64", "text") for column in columns):
            return PointRows(rows, columns[0].name, columns[1].name)
    return None


def _point(x: Any, y: Any) -> Optional[bytes]:
    """Return a point on the globe as WKB."""
    try:
        longitude, latitude = float(x), float(y)
    except (TypeError, ValueError):
        return None
    if not (math.isfinite(longitude) and abs(longitude) <= 360 and abs(latitude) <= 90):
        return None
    return struct.pack("<BIdd", 1, ogr.wkbPoint, longitude, latitude)
