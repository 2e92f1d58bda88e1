"""The call of the similarity search that gives at full resolution what the map shows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Dict, List, Sequence

from qgis.core import (
    QgsCoordinateReferenceSystem,
    QgsFeature,
    QgsGeometry,
    QgsGeometryCollection,
    QgsProcessing,
    QgsVectorLayer,
    QgsWkbTypes,
)

from ...engine.inspecting.scores import MEAN, ROCCHIO
from ...processing_provider.parameters.similarity import COORDINATES, COUNTEREXAMPLES, EXAMPLES, METHOD
from .subject import FieldSubject, Subject

RASTER, TABLE = "earthprint:similarityraster", "earthprint:similarfeatures"
INPUT, OUTPUT = "INPUT", "OUTPUT"
_KINDS = {QgsWkbTypes.GeometryType.PointGeometry: "MultiPoint",
          QgsWkbTypes.GeometryType.LineGeometry: "MultiLineString",
          QgsWkbTypes.GeometryType.PolygonGeometry: "MultiPolygon"}


@dataclass(frozen=True)
class SimilarityCall:
    """An algorithm, its parameters, and the layers of examples that these name by id."""

    algorithm: str
    parameters: Dict[str, Any]
    layers: List[QgsVectorLayer]


def similarity_call(subject: Subject, positives: Sequence[QgsGeometry], negatives: Sequence[QgsGeometry],
                    names: Sequence[str]) -> SimilarityCall:
    """Return the call for examples and counter-examples in the subject's CRS; `names` are those of their layers.

    Points that are examples are typed as coordinates, so that the call can be read; all else becomes a layer.
    """
    parameters: Dict[str, Any] = {INPUT: subject.layer_id, METHOD: ROCCHIO if negatives else MEAN,
                                  OUTPUT: QgsProcessing.TEMPORARY_OUTPUT}
    layers: List[QgsVectorLayer] = []
    points = [one for one in positives if one.wkbType() == QgsWkbTypes.Type.Point]
    shapes = [one for one in positives if one.wkbType() != QgsWkbTypes.Type.Point]
    if points:
        parameters[COORDINATES] = ";".join("{!r},{!r}".format(one.asPoint().x(), one.asPoint().y()) for one in points)
    for key, geometries, name in ((EXAMPLES, shapes, names[0]), (COUNTEREXAMPLES, negatives, names[1])):
        if geometries:
            layers.append(_layer(name, geometries, subject.crs))
            parameters[key] = layers[-1].id()
    return SimilarityCall(RASTER if isinstance(subject, FieldSubject) else TABLE, parameters, layers)


def _layer(name: str, geometries: Sequence[QgsGeometry], crs: QgsCoordinateReferenceSystem) -> QgsVectorLayer:
    """Return geometries as a scratch layer, each a feature of its own."""
    kinds = {QgsWkbTypes.geometryType(one.wkbType()) for one in geometries}
    # A scratch layer takes one kind of geometry, and the search takes counter-examples from one layer.
    mixed = len(kinds) > 1
    layer = QgsVectorLayer("GeometryCollection" if mixed else _KINDS[kinds.pop()], name, "memory")
    layer.setCrs(crs)
    features = []
    for geometry in geometries:
        feature = QgsFeature()
        feature.setGeometry(_collected(geometry) if mixed else geometry)
        features.append(feature)
    layer.dataProvider().addFeatures(features)
    layer.updateExtents()
    return layer


def _collected(geometry: QgsGeometry) -> QgsGeometry:
    """Return a geometry as the only member of a collection."""
    collection = QgsGeometryCollection()
    collection.addGeometry(geometry.constGet().clone())
    return QgsGeometry(collection)
