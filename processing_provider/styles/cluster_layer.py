"""Shows features by their cluster, in the colours that a class raster of the same model has."""

from __future__ import annotations

from typing import Sequence

from qgis.core import (
    QgsCategorizedSymbolRenderer,
    QgsFillSymbol,
    QgsLineSymbol,
    QgsMapLayer,
    QgsMarkerSymbol,
    QgsProcessingContext,
    QgsProcessingFeedback,
    QgsProcessingLayerPostProcessorInterface,
    QgsRendererCategory,
    QgsSymbol,
    QgsVectorLayer,
    QgsWkbTypes,
)
from qgis.PyQt.QtGui import QColor

from ...engine.analyses.clusters.request import ClusterClass

_COLUMN = "cluster"
_DOT = {"name": "circle", "size": "2", "outline_color": "white", "outline_width": "0.1"}
_PLACE = {"name": "star", "size": "4.5", "outline_color": "black", "outline_width": "0.3"}


class ClusterLayerStyle(QgsProcessingLayerPostProcessorInterface):
    """Styles a table of features with clusters when QGIS has loaded it."""

    def __init__(self, classes: Sequence[ClusterClass]) -> None:
        """Keep the classes."""
        super().__init__()
        self._classes = tuple(classes)

    def postProcessLayer(self, layer: QgsMapLayer, context: QgsProcessingContext,  # noqa: N802  (the name is QGIS's)
                         feedback: QgsProcessingFeedback) -> None:
        """Give the layer its renderer."""
        if isinstance(layer, QgsVectorLayer) and layer.isValid():
            style_cluster_layer(layer, self._classes)


class ClusterPlacesStyle(QgsProcessingLayerPostProcessorInterface):
    """Styles the most typical places of clusters when QGIS has loaded them."""

    def __init__(self, classes: Sequence[ClusterClass]) -> None:
        """Keep the classes."""
        super().__init__()
        self._classes = tuple(classes)

    def postProcessLayer(self, layer: QgsMapLayer, context: QgsProcessingContext,  # noqa: N802  (the name is QGIS's)
                         feedback: QgsProcessingFeedback) -> None:
        """Give the layer its renderer."""
        if isinstance(layer, QgsVectorLayer) and layer.isValid():
            _categorise(layer, [QgsMarkerSymbol.createSimple(_PLACE) for _ in self._classes], self._classes)


def style_cluster_layer(layer: QgsVectorLayer, classes: Sequence[ClusterClass]) -> None:
    """Give every cluster its colour; tables without geometries keep what they have."""
    kinds = QgsWkbTypes.GeometryType
    make = {
        kinds.PolygonGeometry: lambda: QgsFillSymbol.createSimple({"outline_color": "255,255,255,120",
                                                                   "outline_width": "0.1"}),
        kinds.LineGeometry: lambda: QgsLineSymbol.createSimple({"width": "0.6"}),
        kinds.PointGeometry: lambda: QgsMarkerSymbol.createSimple(_DOT),
    }.get(layer.geometryType())
    if make is not None:
        _categorise(layer, [make() for _ in classes], classes)


def _categorise(layer: QgsVectorLayer, symbols: Sequence[QgsSymbol], classes: Sequence[ClusterClass]) -> None:
    """Set a symbol for each class."""
    categories = []
    for symbol, entry in zip(symbols, classes):
        symbol.setColor(QColor(*entry.colour))
        categories.append(QgsRendererCategory(entry.number, symbol, entry.name))
    layer.setRenderer(QgsCategorizedSymbolRenderer(_COLUMN, categories))
    layer.triggerRepaint()
