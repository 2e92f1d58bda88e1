"""Shows what a similarity search found: outlines of similar areas, numbered places, and rows by their score."""

from __future__ import annotations

from qgis.core import (
    QgsFillSymbol,
    QgsGradientColorRamp,
    QgsGraduatedSymbolRenderer,
    QgsLineSymbol,
    QgsMapLayer,
    QgsMarkerSymbol,
    QgsPalLayerSettings,
    QgsProcessingContext,
    QgsProcessingFeedback,
    QgsProcessingLayerPostProcessorInterface,
    QgsRendererRange,
    QgsSingleSymbolRenderer,
    QgsSymbol,
    QgsVectorLayer,
    QgsVectorLayerSimpleLabeling,
    QgsWkbTypes,
)
from qgis.PyQt.QtGui import QColor

_CLASSES = 5
_ACCENT = "#e4572e"


class ScoredRowsStyle(QgsProcessingLayerPostProcessorInterface):
    """Colours the rows of a table by their score."""

    def postProcessLayer(self, layer: QgsMapLayer, context: QgsProcessingContext,  # noqa: N802  (the name is QGIS's)
                         feedback: QgsProcessingFeedback) -> None:
        """Give the layer its renderer."""
        if isinstance(layer, QgsVectorLayer) and layer.isValid() and layer.isSpatial():
            style_scored_rows(layer, "similarity")


class SimilarAreasStyle(QgsProcessingLayerPostProcessorInterface):
    """Draws the outlines of similar areas so that what lies beneath stays visible."""

    def postProcessLayer(self, layer: QgsMapLayer, context: QgsProcessingContext,  # noqa: N802
                         feedback: QgsProcessingFeedback) -> None:
        """Give the layer its symbol."""
        if isinstance(layer, QgsVectorLayer) and layer.isValid() and layer.isSpatial():
            layer.setRenderer(QgsSingleSymbolRenderer(_accent(layer)))
            layer.triggerRepaint()


class PlacesStyle(QgsProcessingLayerPostProcessorInterface):
    """Draws places as dots with their rank."""

    def postProcessLayer(self, layer: QgsMapLayer, context: QgsProcessingContext,  # noqa: N802
                         feedback: QgsProcessingFeedback) -> None:
        """Give the layer its symbol and labels."""
        if isinstance(layer, QgsVectorLayer) and layer.isValid() and layer.isSpatial():
            style_places(layer)


def style_scored_rows(layer: QgsVectorLayer, column: str) -> None:
    """Colour features from dark to bright in five classes of equal width."""
    index = layer.fields().lookupField(column)
    low, high = layer.minimumValue(index), layer.maximumValue(index)
    if not isinstance(low, float) or not isinstance(high, float) or low >= high:
        return
    ramp = QgsGradientColorRamp(QColor("#440154"), QColor("#fde725"))
    renderer = QgsGraduatedSymbolRenderer(column)
    renderer.setSourceSymbol(QgsSymbol.defaultSymbol(layer.geometryType()))
    step = (high - low) / _CLASSES
    for number in range(_CLASSES):
        symbol = QgsSymbol.defaultSymbol(layer.geometryType())
        symbol.setColor(ramp.color(number / (_CLASSES - 1)))
        start, end = low + number * step, low + (number + 1) * step if number < _CLASSES - 1 else high
        renderer.addClassRange(QgsRendererRange(start, end, symbol, "{:.3f} – {:.3f}".format(start, end)))
    layer.setRenderer(renderer)
    layer.triggerRepaint()


def style_places(layer: QgsVectorLayer) -> None:
    """Set dots and labels."""
    layer.setRenderer(QgsSingleSymbolRenderer(_accent(layer)))
    settings = QgsPalLayerSettings()
    settings.fieldName = "rank"
    layer.setLabeling(QgsVectorLayerSimpleLabeling(settings))
    layer.setLabelsEnabled(True)
    layer.triggerRepaint()


def _accent(layer: QgsVectorLayer) -> QgsSymbol:
    """Return a symbol that stands out, for the layer's kind of geometry."""
    if layer.geometryType() == QgsWkbTypes.GeometryType.PolygonGeometry:
        return QgsFillSymbol.createSimple({"color": "228,87,46,40", "outline_color": _ACCENT, "outline_width": "0.4"})
    if layer.geometryType() == QgsWkbTypes.GeometryType.LineGeometry:
        return QgsLineSymbol.createSimple({"color": _ACCENT, "width": "0.5"})
    return QgsMarkerSymbol.createSimple(
        {"name": "circle", "color": _ACCENT, "outline_color": "white", "outline_width": "0.3", "size": "3"})
