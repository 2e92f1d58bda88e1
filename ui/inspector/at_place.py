"""What other layers of the project say of a place: cluster, prediction, similarity, by the names of their legends."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Dict, List, Optional, Tuple, Union

import numpy as np
from qgis.core import (
    QgsCategorizedSymbolRenderer,
    QgsCoordinateTransform,
    QgsCsException,
    QgsFeatureRequest,
    QgsGeometry,
    QgsMapLayer,
    QgsPalettedRasterRenderer,
    QgsPointXY,
    QgsProject,
    QgsRasterLayer,
    QgsRectangle,
    QgsVectorLayer,
    QgsVectorLayerFeatureSource,
)

from ...engine.dataset import open_raster, raster_info
from ...engine.errors import EarthprintError
from ...engine.grid import Window
from ...engine.progress import Progress, check
from ...engine.validity import read_valid, rule_for
from ...processing_provider.adapters.raster import raster_input
from .session import Place

MOST_BANDS = 8
MOST_LAYERS = 30
RESULT_COLUMN = re.compile(
    r"^(cluster|similarity|change|outlier|fold|lower|upper|applicable|predicted)(_.+)?$", re.IGNORECASE)


@dataclass(frozen=True)
class RasterQuestion:
    """A raster to be read at one place in its CRS, with the names of its classes."""

    layer: str
    path: str
    x: float
    y: float
    names: Dict[float, str]


@dataclass(frozen=True)
class VectorQuestion:
    """A layer whose feature at one place (in its CRS, or within reach of it) is wanted, with names of its classes."""

    layer: str
    source: QgsVectorLayerFeatureSource
    x: float
    y: float
    reach: float
    columns: Tuple[Tuple[int, str], ...]
    named_column: str
    names: Dict[str, str]


Question = Union[RasterQuestion, VectorQuestion]


@dataclass(frozen=True)
class Answer:
    """What a layer says: the band or column, and the value in words."""

    layer: str
    what: str
    value: str


def questions(place: Place, reach: float, besides: str) -> List[Question]:
    """Return what to ask the project's layers but one; features within reach count, in the place's units."""
    found: List[Question] = []
    for layer in QgsProject.instance().mapLayers().values():
        if len(found) >= MOST_LAYERS:
            break
        if not layer.isValid():
            continue
        if isinstance(layer, QgsVectorLayer):
            columns = tuple((index, field.name()) for index, field in enumerate(layer.fields())
                            if RESULT_COLUMN.match(field.name()))
            if columns and layer.isSpatial():
                found += _ask_vector(layer, columns, place, reach)
        elif isinstance(layer, QgsRasterLayer) and layer.id() != besides and layer.bandCount() <= MOST_BANDS:
            found += _ask_raster(layer, place)
    return found


def answers(asked: "List[Question]", progress: Progress) -> List[Answer]:
    """Return what the layers say, in a task; a layer that can't be read says so."""
    found: List[Answer] = []
    for question in asked:
        check(progress)
        try:
            found += _of_raster(question) if isinstance(question, RasterQuestion) else _of_vector(question)
        except EarthprintError as error:
            found.append(Answer(question.layer, "", str(error)))
    return found


def _ask_raster(layer: QgsRasterLayer, place: Place) -> List[Question]:
    """Take what is needed of a raster layer."""
    point = _moved(layer, place, 0.0)
    if point is None or layer.dataProvider().name() != "gdal":
        return []
    try:
        found = raster_input(layer, layer.name(), None, 0.0)
    except EarthprintError:
        return []
    renderer = layer.renderer()
    names = {}
    if isinstance(renderer, QgsPalettedRasterRenderer):
        names = {float(entry.value): entry.label for entry in renderer.classes()}
    return [RasterQuestion(layer.name(), found.path, point[0], point[1], names)] if found.path else []


def _ask_vector(layer: QgsVectorLayer, columns: "Tuple[Tuple[int, str], ...]", place: Place,
                reach: float) -> List[Question]:
    """Take what is needed of a vector layer."""
    point = _moved(layer, place, reach)
    if point is None:
        return []
    renderer, column, names = layer.renderer(), "", {}
    if isinstance(renderer, QgsCategorizedSymbolRenderer):
        column = renderer.classAttribute().strip('"')
        names = {str(category.value()): category.label() for category in renderer.categories() if category.label()}
    source = QgsVectorLayerFeatureSource(layer)
    return [VectorQuestion(layer.name(), source, *point, columns, column, names)]


def _moved(layer: QgsMapLayer, place: Place, reach: float) -> "Optional[Tuple[float, float, float]]":
    """Return a place and a reach in a layer's CRS."""
    transform = QgsCoordinateTransform(place.crs, layer.crs(), QgsProject.instance())
    try:
        point = transform.transform(QgsPointXY(place.x, place.y))
        if reach <= 0:
            return point.x(), point.y(), 0.0
        box = transform.transformBoundingBox(
            QgsRectangle(place.x - reach, place.y - reach, place.x + reach, place.y + reach))
    except QgsCsException:
        return None
    return point.x(), point.y(), 0.5 * max(box.width(), box.height())


def _of_raster(question: RasterQuestion) -> List[Answer]:
    """Read one pixel of the one band, or of those bands of several that bear the name of a result."""
    info = raster_info(question.path)
    left, dx, _, top, _, dy = info.grid.transform
    column, row = int(np.floor((question.x - left) / dx)), int(np.floor((question.y - top) / dy))
    if not (0 <= column < info.grid.width and 0 <= row < info.grid.height):
        return []
    bands = [band.index for band in info.data_bands]
    raw, valid = read_valid(open_raster(question.path), Window(column, row, 1, 1), bands, info.dtype,
                            rule_for(info, bands), question.path)
    if not valid.all():
        return []
    found = []
    for band, number in zip(info.data_bands, raw[:, 0, 0].tolist()):
        if len(bands) > 1 and not RESULT_COLUMN.match(band.description):
            continue
        value = number * (1.0 if band.scale is None else band.scale) + (0.0 if band.offset is None else band.offset)
        name = question.names.get(float(number), "") if len(bands) == 1 else ""
        found.append(Answer(question.layer, band.description, name or _text(value)))
    return found


def _of_vector(question: VectorQuestion) -> List[Answer]:
    """Find the feature and read its columns."""
    x, y, reach = question.x, question.y, question.reach
    here = QgsGeometry.fromPointXY(QgsPointXY(x, y))
    request = QgsFeatureRequest().setFilterRect(QgsRectangle(x - reach, y - reach, x + reach, y + reach))
    request.setSubsetOfAttributes([index for index, _ in question.columns])
    best, rank = None, (reach, float("inf"))
    for feature in question.source.getFeatures(request):
        geometry = feature.geometry()
        found = (geometry.distance(here), geometry.area())
        if 0 <= found[0] and found < rank:
            best, rank = feature, found
    if best is None:
        return []
    told = []
    for index, column in question.columns:
        value = best.attribute(index)
        name = question.names.get(str(value), "") if column == question.named_column else ""
        told.append(Answer(question.layer, column, name or _text(value)))
    return told


def _text(value: Any) -> str:
    """Return a value as a person writes it."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return "{:.6g}".format(value)
    return "–" if value is None or str(value) == "NULL" else str(value)
