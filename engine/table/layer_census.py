"""What a GeoPackage says of a layer as a whole, kept while rows come and written once they are all there."""

from __future__ import annotations

import sqlite3
from typing import List, Set

import numpy as np

from .geometry_blobs import GeometryBlobs
from .geopackage import quoted
from .spatial_index import fill_index, outward

_EXTENSION = "http://www.geopackage.org/spec120/#extension_geometry_types"


class LayerCensus:
    """Counts rows, extent and kinds of geometry in place of the layer's triggers, which need GDAL's functions."""

    def __init__(self, connection: sqlite3.Connection, layer: str, geometry_column: str) -> None:
        """Take the triggers away; they come back word for word at the end."""
        self.geometry_column = geometry_column
        self.srs_id = 0
        self._layer = layer
        self._fids: "List[np.ndarray]" = []
        self._boxes: "List[np.ndarray]" = []
        self._extents: "List[np.ndarray]" = []
        self._dimensions: "Set[str]" = set()
        self._unusual: "Set[str]" = set()
        if geometry_column:
            self.srs_id = connection.execute("SELECT srs_id FROM gpkg_geometry_columns WHERE table_name = ?",
                                             (layer,)).fetchone()[0]
        self._triggers = connection.execute(
            "SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND tbl_name = ?", (layer,)).fetchall()
        for name, _ in self._triggers:
            connection.execute(f"DROP TRIGGER {quoted(name)}")

    def count(self, fids: "List[int]", found: GeometryBlobs) -> None:
        """Take the geometries of new rows."""
        boxes, there = found.boxes, ~np.isnan(found.boxes).any(axis=1)
        if there.any():
            held = boxes[there]
            self._fids.append(np.asarray(fids, dtype=np.int64)[there])
            self._boxes.append(outward(held))
            self._extents.append(np.concatenate([held[:, 0::2].min(axis=0), held[:, 1::2].max(axis=0)]))
        self._dimensions |= {name for name, present in (("z", found.has_z), ("m", found.has_m)) if present}
        self._unusual |= found.unusual

    def complete(self, connection: sqlite3.Connection, rows: int) -> None:
        """Write index, extent and number of rows, and put the triggers back."""
        if self._fids:
            fill_index(connection, f"rtree_{self._layer}_{self.geometry_column}", np.concatenate(self._fids),
                       np.concatenate(self._boxes))
            extents = np.array(self._extents)
            low, high = extents[:, :2].min(axis=0).tolist(), extents[:, 2:].max(axis=0).tolist()
            connection.execute("UPDATE gpkg_contents SET min_x = ?, min_y = ?, max_x = ?, max_y = ? "
                               "WHERE table_name = ?", (*low, *high, self._layer))
        connection.execute("UPDATE gpkg_contents SET last_change = strftime('%Y-%m-%dT%H:%M:%fZ', 'now') "
                           "WHERE table_name = ?", (self._layer,))
        connection.execute("UPDATE gpkg_ogr_contents SET feature_count = ? WHERE table_name = ?", (rows, self._layer))
        for name in sorted(self._dimensions):
            # 0 would promise that there is none; 2 says that there may be.
            connection.execute(f"UPDATE gpkg_geometry_columns SET {name} = 2 "  # nosec B608
                               f"WHERE table_name = ? AND {name} = 0", (self._layer,))
        if self._unusual:
            self._declare_unusual(connection)
        for _, statement in self._triggers:
            connection.execute(statement)

    def _declare_unusual(self, connection: sqlite3.Connection) -> None:
        """List curves and surfaces as the extensions that they are."""
        connection.executemany(
            "INSERT OR IGNORE INTO gpkg_extensions VALUES (?, ?, ?, ?, 'read-write')",
            [(self._layer, self.geometry_column, f"gpkg_geom_{kind}", _EXTENSION) for kind in sorted(self._unusual)])
