"""Shows out-of-fold predictions by how far off they are."""

from __future__ import annotations

import math

from qgis.core import (
    QgsCategorizedSymbolRenderer,
    QgsFeatureRequest,
    QgsGraduatedSymbolRenderer,
    QgsMapLayer,
    QgsMarkerSymbol,
    QgsProcessingContext,
    QgsProcessingFeedback,
    QgsProcessingLayerPostProcessorInterface,
    QgsRendererCategory,
    QgsRendererRange,
    QgsVectorLayer,
)
from qgis.PyQt.QtGui import QColor

_RIGHT = "right"
# Blue where too much was predicted, orange where too little: a pair that readers of all eyes can tell apart.
_COLOURS = ("#2166ac", "#92c5de", "#f7f7f7", "#fdb863", "#b35806")
_DOT = {"name": "circle", "size": "2.2", "outline_color": "90,90,90,160", "outline_width": "0.1"}


class ResidualPointsStyle(QgsProcessingLayerPostProcessorInterface):
    """Colours the points of a regression by their residual."""

    def __init__(self, column: str) -> None:
        """Keep the name of the column of residuals."""
        super().__init__()
        self._column = column

    def postProcessLayer(self, layer: QgsMapLayer, context: QgsProcessingContext,  # noqa: N802  (the name is QGIS's)
                         feedback: QgsProcessingFeedback) -> None:
        """Give the layer its renderer."""
        if isinstance(layer, QgsVectorLayer) and layer.isValid() and layer.isSpatial():
            style_residuals(layer, self._column)


class RightPointsStyle(QgsProcessingLayerPostProcessorInterface):
    """Colours the points of a classification by whether they were predicted rightly."""

    def postProcessLayer(self, layer: QgsMapLayer, context: QgsProcessingContext,  # noqa: N802  (the name is QGIS's)
                         feedback: QgsProcessingFeedback) -> None:
        """Give the layer its renderer."""
        if isinstance(layer, QgsVectorLayer) and layer.isValid() and layer.isSpatial():
            style_right(layer)


def style_residuals(layer: QgsVectorLayer, column: str) -> None:
    """Show residuals in five steps around 0, as wide as their standard deviation."""
    index = layer.fields().lookupField(column)
    if index < 0:
        return
    request = QgsFeatureRequest().setSubsetOfAttributes([index])
    values = [feature[index] for feature in layer.getFeatures(request)]
    numbers = [float(value) for value in values if isinstance(value, (int, float)) and math.isfinite(value)]
    spread = math.sqrt(sum(value * value for value in numbers) / len(numbers)) if numbers else 0.0
    if spread <= 0:
        return
    most = max(max(abs(value) for value in numbers), 2 * spread)
    edges = (-most, -1.5 * spread, -0.5 * spread, 0.5 * spread, 1.5 * spread, most)
    ranges = []
    for low, high, colour in zip(edges, edges[1:], _COLOURS):
        symbol = QgsMarkerSymbol.createSimple(_DOT)
        symbol.setColor(QColor(colour))
        ranges.append(QgsRendererRange(low, high, symbol, "{:.3g} – {:.3g}".format(low, high)))
    layer.setRenderer(QgsGraduatedSymbolRenderer(column, ranges))
    layer.triggerRepaint()


def style_right(layer: QgsVectorLayer) -> None:
    """Show which rows were predicted rightly."""
    categories = []
    for value, colour, label in ((True, _COLOURS[1], "right"), (False, _COLOURS[4], "wrong")):
        symbol = QgsMarkerSymbol.createSimple(_DOT)
        symbol.setColor(QColor(colour))
        categories.append(QgsRendererCategory(value, symbol, label))
    layer.setRenderer(QgsCategorizedSymbolRenderer(_RIGHT, categories))
    layer.triggerRepaint()
