"""Shows lines between neighbours: thin, and broader for the first ranks."""

from __future__ import annotations

from qgis.core import (
    QgsLineSymbol,
    QgsMapLayer,
    QgsProcessingContext,
    QgsProcessingFeedback,
    QgsProcessingLayerPostProcessorInterface,
    QgsProperty,
    QgsSingleSymbolRenderer,
    QgsSymbolLayer,
    QgsVectorLayer,
)


class RelationLinesStyle(QgsProcessingLayerPostProcessorInterface):
    """Styles the layer when QGIS has loaded it."""

    def postProcessLayer(self, layer: QgsMapLayer, context: QgsProcessingContext,  # noqa: N802  (the name is QGIS's)
                         feedback: QgsProcessingFeedback) -> None:
        """Give the layer its symbol."""
        if isinstance(layer, QgsVectorLayer) and layer.isValid() and layer.isSpatial():
            style_relation_lines(layer)


def style_relation_lines(layer: QgsVectorLayer) -> None:
    """Set lines whose width tells the rank."""
    symbol = QgsLineSymbol.createSimple({"color": "228,87,46,170", "width": "0.3", "capstyle": "round"})
    symbol.symbolLayer(0).setDataDefinedProperty(
        QgsSymbolLayer.Property.PropertyStrokeWidth, QgsProperty.fromExpression('0.15 + 0.6 / "rank"'))
    layer.setRenderer(QgsSingleSymbolRenderer(symbol))
    layer.triggerRepaint()
