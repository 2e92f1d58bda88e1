"""Shows an embedding raster as colours: its first three bands, stretched over the middle of their values."""

from __future__ import annotations

from qgis.core import (
    QgsContrastEnhancement,
    QgsMapLayer,
    QgsMultiBandColorRenderer,
    QgsProcessingContext,
    QgsProcessingFeedback,
    QgsProcessingLayerPostProcessorInterface,
    QgsRasterDataProvider,
    QgsRasterLayer,
    QgsRectangle,
    QgsSingleBandGrayRenderer,
)

_LOW, _HIGH = 0.02, 0.98
_SAMPLE = 250_000


class EmbeddingRasterStyle(QgsProcessingLayerPostProcessorInterface):
    """Styles the layer when QGIS has loaded it."""

    def postProcessLayer(self, layer: QgsMapLayer, context: QgsProcessingContext,  # noqa: N802  (the name is QGIS's)
                         feedback: QgsProcessingFeedback) -> None:
        """Give the layer its renderer."""
        if isinstance(layer, QgsRasterLayer) and layer.isValid():
            style_embedding_raster(layer)


def style_embedding_raster(layer: QgsRasterLayer) -> None:
    """Draw bands 1, 2, 3 as red, green, blue; with fewer bands, the first one in grey."""
    provider = layer.dataProvider()
    if provider.bandCount() >= 3:
        renderer = QgsMultiBandColorRenderer(provider, 1, 2, 3)
        renderer.setRedContrastEnhancement(stretch(provider, 1))
        renderer.setGreenContrastEnhancement(stretch(provider, 2))
        renderer.setBlueContrastEnhancement(stretch(provider, 3))
    else:
        renderer = QgsSingleBandGrayRenderer(provider, 1)
        renderer.setContrastEnhancement(stretch(provider, 1))
    layer.setRenderer(renderer)
    layer.triggerRepaint()


def stretch(provider: QgsRasterDataProvider, band: int) -> QgsContrastEnhancement:
    """Return the stretch over the middle 96 % of a band's values, so that a few extremes don't darken the rest."""
    low, high = provider.cumulativeCut(band, _LOW, _HIGH, QgsRectangle(), _SAMPLE)
    enhancement = QgsContrastEnhancement(provider.dataType(band))
    enhancement.setContrastEnhancementAlgorithm(
        QgsContrastEnhancement.ContrastEnhancementAlgorithm.StretchToMinimumMaximum, False)
    enhancement.setMinimumValue(low, False)
    enhancement.setMaximumValue(high if high > low else low + 1e-6, True)
    return enhancement
