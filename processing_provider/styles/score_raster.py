"""Shows a score raster as a ramp from dark to bright, stretched over the upper part of its values."""

from __future__ import annotations

from qgis.core import (
    QgsColorRampShader,
    QgsGradientColorRamp,
    QgsGradientStop,
    QgsMapLayer,
    QgsProcessingContext,
    QgsProcessingFeedback,
    QgsProcessingLayerPostProcessorInterface,
    QgsRasterLayer,
    QgsRasterShader,
    QgsRectangle,
    QgsSingleBandPseudoColorRenderer,
)
from qgis.PyQt.QtGui import QColor

_LOW, _HIGH = 0.05, 0.999
_SAMPLE = 250_000
_COLOURS = ((0.25, "#3b528b"), (0.5, "#21918c"), (0.75, "#5ec962"))


class ScoreRasterStyle(QgsProcessingLayerPostProcessorInterface):
    """Styles the layer when QGIS has loaded it."""

    def postProcessLayer(self, layer: QgsMapLayer, context: QgsProcessingContext,  # noqa: N802  (the name is QGIS's)
                         feedback: QgsProcessingFeedback) -> None:
        """Give the layer its renderer."""
        if isinstance(layer, QgsRasterLayer) and layer.isValid():
            style_score_raster(layer)


def style_score_raster(layer: QgsRasterLayer, least: float = _LOW, most: float = _HIGH) -> None:
    """Draw the first band between two shares of its values with a ramp that also reads without colour."""
    provider = layer.dataProvider()
    low, high = provider.cumulativeCut(1, least, most, QgsRectangle(), _SAMPLE)
    high = high if high > low else low + 1e-6
    ramp = QgsGradientColorRamp(QColor("#440154"), QColor("#fde725"), False,
                                [QgsGradientStop(place, QColor(colour)) for place, colour in _COLOURS])
    function = QgsColorRampShader(low, high, ramp, QgsColorRampShader.Type.Interpolated,
                                  QgsColorRampShader.ClassificationMode.Continuous)
    function.classifyColorRamp(len(_COLOURS) + 2, 1)
    shader = QgsRasterShader()
    shader.setRasterShaderFunction(function)
    renderer = QgsSingleBandPseudoColorRenderer(provider, 1, shader)
    renderer.setClassificationMin(low)
    renderer.setClassificationMax(high)
    layer.setRenderer(renderer)
    layer.triggerRepaint()
