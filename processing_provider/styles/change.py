"""Shows change: magnitudes as a ramp from pale to red, masks in two colours, outlines without a fill."""

from __future__ import annotations

from typing import List

from qgis.core import (
    QgsCategorizedSymbolRenderer,
    QgsColorRampShader,
    QgsFillSymbol,
    QgsGradientColorRamp,
    QgsGradientStop,
    QgsMapLayer,
    QgsMultiBandColorRenderer,
    QgsPalettedRasterRenderer,
    QgsProcessingContext,
    QgsProcessingFeedback,
    QgsProcessingLayerPostProcessorInterface,
    QgsRasterLayer,
    QgsRasterShader,
    QgsRectangle,
    QgsRendererCategory,
    QgsSingleBandPseudoColorRenderer,
    QgsSingleSymbolRenderer,
    QgsSymbol,
    QgsVectorLayer,
    QgsWkbTypes,
)
from qgis.PyQt.QtCore import QCoreApplication
from qgis.PyQt.QtGui import QColor

_PALE, _MIDDLE, _RED, _DARK = "#f7f4f0", "#fdc086", "#e34a33", "#67000d"
_UNCHANGED, _CHANGED = QColor(225, 225, 225), QColor(200, 30, 60)
_HIGH = 0.995
_SAMPLE = 250_000


class MagnitudeStyle(QgsProcessingLayerPostProcessorInterface):
    """Draws magnitudes from pale (none) to dark red; the threshold lies in the middle of the ramp."""

    def __init__(self, threshold: float) -> None:
        """Keep the threshold."""
        super().__init__()
        self._threshold = threshold

    def postProcessLayer(self, layer: QgsMapLayer, context: QgsProcessingContext,  # noqa: N802  (the name is QGIS's)
                         feedback: QgsProcessingFeedback) -> None:
        """Give the layer its renderer."""
        if isinstance(layer, QgsRasterLayer) and layer.isValid():
            style_magnitude(layer, self._threshold)


class ChangedStyle(QgsProcessingLayerPostProcessorInterface):
    """Draws what changed in red and what did not in pale grey."""

    def postProcessLayer(self, layer: QgsMapLayer, context: QgsProcessingContext,  # noqa: N802
                         feedback: QgsProcessingFeedback) -> None:
        """Give the layer its renderer."""
        if isinstance(layer, QgsRasterLayer) and layer.isValid():
            style_changed(layer)


class DirectionStyle(QgsProcessingLayerPostProcessorInterface):
    """Draws the three components as they are: the colours were stretched when they were made."""

    def postProcessLayer(self, layer: QgsMapLayer, context: QgsProcessingContext,  # noqa: N802
                         feedback: QgsProcessingFeedback) -> None:
        """Give the layer its renderer."""
        if isinstance(layer, QgsRasterLayer) and layer.isValid():
            layer.setRenderer(QgsMultiBandColorRenderer(layer.dataProvider(), 1, 2, 3))
            layer.triggerRepaint()


class OutlineStyle(QgsProcessingLayerPostProcessorInterface):
    """Draws outlines alone, so that what lies beneath stays visible."""

    def postProcessLayer(self, layer: QgsMapLayer, context: QgsProcessingContext,  # noqa: N802
                         feedback: QgsProcessingFeedback) -> None:
        """Give the layer its symbol."""
        if (isinstance(layer, QgsVectorLayer) and layer.isValid()
                and layer.geometryType() == QgsWkbTypes.GeometryType.PolygonGeometry):
            symbol = QgsFillSymbol.createSimple(
                {"color": "200,30,60,20", "outline_color": "#c81e3c", "outline_width": "0.4"})
            layer.setRenderer(QgsSingleSymbolRenderer(symbol))
            layer.triggerRepaint()


class ChangedRowsStyle(QgsProcessingLayerPostProcessorInterface):
    """Draws rows by whether they changed: red, pale grey, and white where they were compared with nothing."""

    def postProcessLayer(self, layer: QgsMapLayer, context: QgsProcessingContext,  # noqa: N802
                         feedback: QgsProcessingFeedback) -> None:
        """Give the layer its renderer."""
        if isinstance(layer, QgsVectorLayer) and layer.isValid() and layer.isSpatial():
            style_changed_rows(layer)


def style_magnitude(layer: QgsRasterLayer, threshold: float) -> None:
    """Set a ramp from the least to nearly the largest magnitude, with its middle colour at the threshold."""
    provider = layer.dataProvider()
    low, high = provider.cumulativeCut(1, 0.0, _HIGH, QgsRectangle(), _SAMPLE)
    high = max(high, low + 1e-9, low + (threshold - low) * 1.25)
    middle = min(max((threshold - low) / (high - low), 0.05), 0.95)
    ramp = QgsGradientColorRamp(QColor(_PALE), QColor(_DARK), False, [
        QgsGradientStop(middle * 0.85, QColor(_MIDDLE)), QgsGradientStop(middle, QColor(_RED))])
    function = QgsColorRampShader(low, high, ramp)
    function.setColorRampItemList([
        QgsColorRampShader.ColorRampItem(low + share * (high - low), ramp.color(share),
                                         "{:.3g}".format(low + share * (high - low)))
        for share in (0.0, middle * 0.85, middle, 1.0)])
    shader = QgsRasterShader()
    shader.setRasterShaderFunction(function)
    renderer = QgsSingleBandPseudoColorRenderer(provider, 1, shader)
    renderer.setClassificationMin(low)
    renderer.setClassificationMax(high)
    layer.setRenderer(renderer)
    layer.triggerRepaint()


def style_changed(layer: QgsRasterLayer) -> None:
    """Set the two colours with their names."""
    classes: List[QgsPalettedRasterRenderer.Class] = [
        QgsPalettedRasterRenderer.Class(1, _UNCHANGED, _tr("unchanged")),
        QgsPalettedRasterRenderer.Class(2, _CHANGED, _tr("changed"))]
    layer.setRenderer(QgsPalettedRasterRenderer(layer.dataProvider(), 1, classes))
    layer.triggerRepaint()


def style_changed_rows(layer: QgsVectorLayer) -> None:
    """Set a colour for each value of the column changed."""
    categories = []
    for value, colour, label in ((True, _CHANGED, _tr("changed")), (False, _UNCHANGED, _tr("unchanged")),
                                 ("", QColor("white"), _tr("not compared"))):
        symbol = QgsSymbol.defaultSymbol(layer.geometryType())
        symbol.setColor(colour)
        categories.append(QgsRendererCategory(value, symbol, label))
    layer.setRenderer(QgsCategorizedSymbolRenderer("changed", categories))
    layer.triggerRepaint()


def _tr(text: str) -> str:
    """Translate a literal."""
    return QCoreApplication.translate("EarthprintStyles", text)
