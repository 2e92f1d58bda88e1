"""Shows the colours of a reduction as they are: a raster of red, green and blue, or a column of colours."""

from __future__ import annotations

from qgis.core import (
    QgsMapLayer,
    QgsMultiBandColorRenderer,
    QgsProcessingContext,
    QgsProcessingFeedback,
    QgsProcessingLayerPostProcessorInterface,
    QgsProperty,
    QgsRasterLayer,
    QgsSingleSymbolRenderer,
    QgsSymbol,
    QgsSymbolLayer,
    QgsVectorLayer,
    QgsWkbTypes,
)

_COLOUR = "colour"


class PictureRasterStyle(QgsProcessingLayerPostProcessorInterface):
    """Styles the layer when QGIS has loaded it."""

    def postProcessLayer(self, layer: QgsMapLayer, context: QgsProcessingContext,  # noqa: N802  (the name is QGIS's)
                         feedback: QgsProcessingFeedback) -> None:
        """Give the layer its renderer: no stretch, so that the colours of two years compare."""
        if isinstance(layer, QgsRasterLayer) and layer.isValid():
            layer.setRenderer(QgsMultiBandColorRenderer(layer.dataProvider(), 1, 2, 3))
            layer.triggerRepaint()


class ColourColumnStyle(QgsProcessingLayerPostProcessorInterface):
    """Draws each feature in the colour that its row names."""

    def postProcessLayer(self, layer: QgsMapLayer, context: QgsProcessingContext,  # noqa: N802
                         feedback: QgsProcessingFeedback) -> None:
        """Give the layer its symbol."""
        if isinstance(layer, QgsVectorLayer) and layer.isValid() and layer.isSpatial():
            style_colour_column(layer, _COLOUR)


def style_colour_column(layer: QgsVectorLayer, column: str) -> None:
    """Let a column decide the colour of the symbol."""
    symbol = QgsSymbol.defaultSymbol(layer.geometryType())
    lines = layer.geometryType() == QgsWkbTypes.GeometryType.LineGeometry
    painted = QgsSymbolLayer.Property.PropertyStrokeColor if lines else QgsSymbolLayer.Property.PropertyFillColor
    for place in range(symbol.symbolLayerCount()):
        symbol.symbolLayer(place).setDataDefinedProperty(painted, QgsProperty.fromField(column))
    layer.setRenderer(QgsSingleSymbolRenderer(symbol))
    layer.triggerRepaint()
