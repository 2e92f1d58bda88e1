"""What the page of the plane has done in tasks: the plane of a subject, and colours for its points."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Dict, Iterator, List, Mapping, Optional, Union

import numpy as np
from qgis.core import NULL, QgsCoordinateReferenceSystem, QgsFeatureRequest
from qgis.PyQt.QtCore import QDate, QDateTime

from ...engine.errors import InputError
from ...engine.inspecting.colouring import Colouring, KnownClass, coloured
from ...engine.inspecting.plane import Plane, plane_of_field, plane_of_table
from ...engine.inspecting.raster_values import raster_values
from ...engine.progress import Progress, check
from ...engine.table.open import open_table
from ...engine.table.parts import CHUNK_ROWS, TableChunk
from ...processing_provider.adapters.layer_vectors import LayerVectors
from ...processing_provider.environment import space_registry
from .similarity_rows import snapshot_chunks
from .subject import FieldSubject, Subject, TableSubject

_AT_ONCE = 2_000


@dataclass(frozen=True)
class PlaneRequest:
    """What to lay out: a subject, for a table a snapshot of it and how many rows that has, and how."""

    subject: Subject
    rows: Optional[LayerVectors]
    row_count: int
    method: str
    count: int


@dataclass(frozen=True)
class PlaneFound:
    """A plane, and for a table the feature id of each point."""

    plane: Plane
    ids: Optional[np.ndarray]


@dataclass(frozen=True)
class RasterColour:
    """Points are to be coloured by a band of a raster, its classes shown as in the layer's legend."""

    path: str
    band: int
    legend: Mapping[str, KnownClass]


@dataclass(frozen=True)
class ColumnColour:
    """Points are to be coloured by a column of their own table."""

    rows: LayerVectors
    index: int
    legend: Mapping[str, KnownClass]


@dataclass(frozen=True)
class ColourRequest:
    """Which points are to be coloured, and by what."""

    found: PlaneFound
    crs: QgsCoordinateReferenceSystem
    by: Union[RasterColour, ColumnColour]


class _SeenTable:
    """A table as the engine lays it out; it notes the feature ids on the way."""

    def __init__(self, request: PlaneRequest, subject: TableSubject) -> None:
        """Know the table; nothing is read yet."""
        self._path, self._rows = subject.path, request.rows
        self.name = "“{}”".format(subject.name)
        self.wkt = wkt_of(subject.crs)
        self.space_key = subject.key
        self.count = request.row_count
        self.ids: List[int] = []

    def chunks(self, size: int = CHUNK_ROWS) -> Iterator[TableChunk]:
        """Yield the rows."""
        self.ids = []
        if self._path:
            chunks = open_table(self._path, space_registry()).chunks(size)
        else:
            chunks = snapshot_chunks(self._rows, self.space_key)
        for chunk in chunks:
            self.ids.extend(int(one) for one in chunk.ids)
            yield chunk


def lay_out(request: PlaneRequest, progress: Progress) -> PlaneFound:
    """Return the plane of a subject."""
    subject = request.subject
    if isinstance(subject, FieldSubject):
        return PlaneFound(plane_of_field(subject.path, progress, request.method, request.count), None)
    table = _SeenTable(request, subject)
    if table.count < 1:
        raise InputError("plane-empty", "{name} has no rows: check its filter, or choose another table.",
                         name=table.name)
    plane = plane_of_table(table, progress, request.method, request.count)
    return PlaneFound(plane, np.asarray(table.ids, dtype=np.int64)[plane.rows])


def colour(request: ColourRequest, progress: Progress) -> Colouring:
    """Return colours for the points of a plane."""
    if isinstance(request.by, RasterColour):
        values = raster_values(request.by.path, request.found.plane.places, wkt_of(request.crs), progress,
                               request.by.band)
        return coloured(values, request.by.legend)
    return coloured(_column(request.by, request.found.ids, progress), request.by.legend)


def _column(by: ColumnColour, ids: Optional[np.ndarray], progress: Progress) -> List[Any]:
    """Return the values of a column for features by their ids."""
    wanted: Dict[int, int] = {int(one): row for row, one in enumerate([] if ids is None else ids.tolist())}
    found: List[Any] = [None] * len(wanted)
    request = QgsFeatureRequest().setFlags(QgsFeatureRequest.Flag.NoGeometry).setSubsetOfAttributes([by.index])
    for number, feature in enumerate(by.rows.features(request)):
        if number % _AT_ONCE == 0:
            check(progress)
        row = wanted.get(feature.id())
        if row is not None:
            found[row] = _plain(feature.attribute(by.index))
    return found


def _plain(value: Any) -> Any:
    """Return an attribute as a plain value, None for NULL."""
    if value is None or value == NULL:
        return None
    if isinstance(value, (QDate, QDateTime)):
        return value.toString("yyyy-MM-dd")
    return value if isinstance(value, (bool, int, float, str)) else str(value)


def wkt_of(crs: QgsCoordinateReferenceSystem) -> str:
    """Return a CRS as the engine takes it."""
    return crs.toWkt(QgsCoordinateReferenceSystem.WktVariant.WKT_PREFERRED) if crs.isValid() else ""
