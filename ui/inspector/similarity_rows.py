"""How live similarity reads a table: straight from its GeoPackage, or from a snapshot of the layer."""

from __future__ import annotations

from typing import Iterator, List, Optional

from qgis.core import QgsCoordinateReferenceSystem, QgsFeatureRequest
from qgis.PyQt.QtCore import QByteArray

from ...engine.inspecting.live_similarity import LiveTable
from ...engine.table.open import open_table
from ...engine.table.parts import CHUNK_ROWS, EMBEDDING, TableChunk
from ...engine.table.vectors import check_vectors
from ...processing_provider.adapters.layer_vectors import LayerVectors
from ...processing_provider.environment import space_registry
from .subject import TableSubject


def live_table(subject: TableSubject, rows: Optional[LayerVectors]) -> LiveTable:
    """Return the table that a subject names; nothing is read yet."""
    name = "“{}”".format(subject.name)
    wkt = _wkt(subject.crs)
    if subject.path:
        registry = space_registry()
        return LiveTable(name, wkt, lambda: open_table(subject.path, registry).chunks())
    if rows is None:
        return LiveTable(name, wkt, lambda: iter(()))
    return LiveTable(name, wkt, lambda: snapshot_chunks(rows, subject.key))


def snapshot_chunks(rows: LayerVectors, key: str) -> Iterator[TableChunk]:
    """Yield vectors and geometries of a snapshot; rows without a vector are left out."""
    index = rows.attributes.index(EMBEDDING)
    ids: List[int] = []
    blobs: List[object] = []
    shapes: List[Optional[bytes]] = []
    for feature in rows.features(QgsFeatureRequest().setSubsetOfAttributes([index])):
        value = feature.attribute(index)
        blob = bytes(value.data()) if isinstance(value, QByteArray) else value
        if not isinstance(blob, (bytes, str)) or not blob:
            continue
        ids.append(feature.id())
        blobs.append(blob)
        shapes.append(bytes(feature.geometry().asWkb().data()) or None)
        if len(ids) == CHUNK_ROWS:
            yield TableChunk(ids, check_vectors(blobs, key, rows.name, ids), shapes)
            ids, blobs, shapes = [], [], []
    if ids:
        yield TableChunk(ids, check_vectors(blobs, key, rows.name, ids), shapes)


def _wkt(crs: QgsCoordinateReferenceSystem) -> str:
    """Return a CRS as the engine takes it."""
    return crs.toWkt(QgsCoordinateReferenceSystem.WktVariant.WKT_PREFERRED) if crs.isValid() else ""
