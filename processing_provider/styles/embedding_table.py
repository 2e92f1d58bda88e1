"""Shows an embedding table so that what lies beneath stays visible: outlines of footprints, small dots for centres."""

from __future__ import annotations

from qgis.core import (
    QgsFillSymbol,
    QgsMapLayer,
    QgsMarkerSymbol,
    QgsProcessingContext,
    QgsProcessingFeedback,
    QgsProcessingLayerPostProcessorInterface,
    QgsSingleSymbolRenderer,
    QgsVectorLayer,
    QgsWkbTypes,
)

_COLOUR = "#1b6f8a"


class EmbeddingTableStyle(QgsProcessingLayerPostProcessorInterface):
    """Styles the layer when QGIS has loaded it."""

    def postProcessLayer(self, layer: QgsMapLayer, context: QgsProcessingContext,  # noqa: N802  (the name is QGIS's)
                         feedback: QgsProcessingFeedback) -> None:
        """Give the layer its symbol."""
        if isinstance(layer, QgsVectorLayer) and layer.isValid():
            style_embedding_table(layer)


def style_embedding_table(layer: QgsVectorLayer) -> None:
    """Set the symbol that suits the layer's geometries; tables without any keep what they have."""
    if layer.geometryType() == QgsWkbTypes.GeometryType.PolygonGeometry:
        symbol = QgsFillSymbol.createSimple(
            {"color": "27,111,138,30", "outline_color": _COLOUR, "outline_width": "0.2"})
    elif layer.geometryType() == QgsWkbTypes.GeometryType.PointGeometry:
        symbol = QgsMarkerSymbol.createSimple(
            {"name": "circle", "color": _COLOUR, "outline_color": "white", "outline_width": "0.2", "size": "1.8"})
    else:
        return
    layer.setRenderer(QgsSingleSymbolRenderer(symbol))
    layer.triggerRepaint()
