"""What the page of one place has done in tasks: the vector there, and the places in view that are like it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Optional, Tuple

import numpy as np
from qgis.core import QgsGeometry, QgsRectangle
from qgis.PyQt.QtCore import QCoreApplication

from ...engine.errors import InputError
from ...engine.inspecting.nearby import best_rows, nearest_places, width_of
from ...engine.inspecting.probe import norm_of, probe_opened
from ...engine.inspecting.scores import Query, score_rows
from ...engine.progress import Progress
from ...engine.space import SpaceKey
from ...processing_provider.adapters.layer_vectors import LayerVectors
from .session import Place, View
from .subject import FieldSubject, Subject

MOST_ROWS = 100_000
APART_SHARE = 0.03


@dataclass(frozen=True)
class ProbeRequest:
    """Where to look; `reach` is how far off a feature may be, in the layer's units; `rows` are a table's."""

    subject: Subject
    place: Place
    reach: float
    rows: Optional[LayerVectors]
    kept: bool


@dataclass(frozen=True)
class Found:
    """The vector of a cell or a feature: where it lies (an outline, a point in the subject's CRS), and its length."""

    vector: np.ndarray
    norm: float
    title: str
    x: float
    y: float
    outline: QgsGeometry
    feature_id: Optional[int]


def probe(request: ProbeRequest, progress: Progress) -> Optional[Found]:
    """Return the vector at a place, None where no cell or feature has one."""
    subject, place = request.subject, request.place
    if isinstance(subject, FieldSubject):
        cell = probe_opened(subject.view.field, place.x, place.y)
        if cell is None:
            return None
        title = tr("Column {column}, row {row}").format(column=cell.column + 1, row=cell.row + 1)
        outline = QgsGeometry.fromRect(QgsRectangle(*cell.bounds))
        return Found(cell.vector, cell.norm, title, cell.x, cell.y, outline, None)
    if request.rows is None:
        return None
    row = request.rows.row_at(subject.key, place.x, place.y, request.reach, progress.cancelled)
    if row is None:
        return None
    geometry = row.feature.geometry()
    point = geometry.centroid().asPoint()
    title = tr("Feature {number}").format(number=row.feature.id())
    return Found(row.vector, norm_of(row.vector), title, point.x(), point.y(), geometry, row.feature.id())


def why_none(request: ProbeRequest) -> str:
    """Say why a place has no vector."""
    subject, place = request.subject, request.place
    if not isinstance(subject, FieldSubject):
        return tr("No feature of “{name}” is here.").format(name=subject.name)
    xmin, ymin, xmax, ymax = subject.view.field.info.grid.extent()
    if xmin <= place.x <= xmax and ymin <= place.y <= ymax:
        return tr("“{name}” has no data in this cell.").format(name=subject.name)
    return tr("This place is outside of “{name}”.").format(name=subject.name)


@dataclass(frozen=True)
class NearestRequest:
    """What to look for in view, and how many; `apart` metres between places, 0 for a share of the view's width."""

    subject: Subject
    found: Found
    view: View
    rows: Optional[LayerVectors]
    count: int
    apart: float


@dataclass(frozen=True)
class Neighbour:
    """A place in view (in the subject's CRS) that is like the one asked for, and its vector."""

    score: float
    x: float
    y: float
    metres: float
    vector: np.ndarray
    feature_id: Optional[int]


@dataclass(frozen=True)
class Neighbours:
    """The places by falling score; `apart` is what was kept between them, `more` that rows in view were left out."""

    places: "Tuple[Neighbour, ...]"
    apart: float
    cells: float
    more: bool


def nearest(request: NearestRequest, progress: Progress) -> Neighbours:
    """Return the places in view that are most like the one asked for."""
    if request.found.norm == 0.0:
        raise InputError("inspect-zeros", "All numbers of this vector are zero, so it is like nothing: click another "
                         "place.")
    if isinstance(request.subject, FieldSubject):
        return _nearest_cells(request, request.subject, progress)
    return _nearest_rows(request, progress)


def plain_key(key: SpaceKey) -> str:
    """Return the key of the same space with vectors in float32, as they are once they were decoded."""
    norm = "unit" if key.unit_norm else "any"
    return "{}/{}/f4/{}/{}".format(key.name, key.dimensions, key.metric, norm)


def _nearest_cells(request: NearestRequest, subject: FieldSubject, progress: Progress) -> Neighbours:
    """Search the field as the map shows it."""
    block = subject.view.read(request.view.extent, request.view.width, request.view.height, progress)
    apart = request.apart if request.apart > 0 else APART_SHARE * width_of(
        request.view.extent, block.wkt)
    found = nearest_places(block, request.found.vector, request.count, apart, progress,
                           (request.found.x, request.found.y))
    vectors = block.vectors_of(np.array([place.pixel for place in found], np.int64))
    places = tuple(Neighbour(place.score, place.x, place.y, place.metres, vector, None)
                   for place, vector in zip(found, vectors))
    return Neighbours(places, apart, block.cells, False)


def _nearest_rows(request: NearestRequest, progress: Progress) -> Neighbours:
    """Search the features whose boxes the map shows."""
    if request.rows is None:
        return Neighbours((), 0.0, 1.0, False)
    seen = request.rows.vectors(request.subject.key, request.view.rectangle(), MOST_ROWS, progress.cancelled)
    if not len(seen.ids):
        return Neighbours((), 0.0, 1.0, False)
    scores = score_rows(seen.vectors, Query(request.found.vector[None]))
    others = np.where(seen.ids == request.found.feature_id, np.nan, scores)
    chosen = best_rows(others, seen.points, request.subject.crs.toWkt(), request.count, request.apart,
                       (request.found.x, request.found.y))
    found = tuple(Neighbour(one.score, *seen.points[one.row].tolist(), one.metres, seen.vectors[one.row],
                            int(seen.ids[one.row])) for one in chosen)
    return Neighbours(found, request.apart, 1.0, seen.more)


def tr(text: str) -> str:
    """Translate a text, in any thread."""
    return QCoreApplication.translate("PointController", text)
