"""Shows predictions: numbers as a ramp, classes in their colours, of rasters and of features."""

from __future__ import annotations

from typing import Any, Sequence, Tuple

from qgis.core import (
    QgsCategorizedSymbolRenderer,
    QgsMapLayer,
    QgsPalettedRasterRenderer,
    QgsProcessingContext,
    QgsProcessingFeedback,
    QgsProcessingLayerPostProcessorInterface,
    QgsRasterLayer,
    QgsRendererCategory,
    QgsSymbol,
    QgsVectorLayer,
)
from qgis.PyQt.QtGui import QColor

from ...engine.raster_legend import LegendEntry
from .score_raster import style_score_raster
from .similar_layers import style_scored_rows

_PREDICTED = "predicted"
_LEAST, _MOST = 0.02, 0.98


class PredictionRasterStyle(QgsProcessingLayerPostProcessorInterface):
    """Styles a prediction raster by its first band when QGIS has loaded it."""

    def __init__(self, legend: Sequence[LegendEntry]) -> None:
        """Keep the classes; there are none where numbers were predicted."""
        super().__init__()
        self._legend = tuple(legend)

    def postProcessLayer(self, layer: QgsMapLayer, context: QgsProcessingContext,  # noqa: N802  (the name is QGIS's)
                         feedback: QgsProcessingFeedback) -> None:
        """Give the layer its renderer."""
        if isinstance(layer, QgsRasterLayer) and layer.isValid():
            style_prediction_raster(layer, self._legend)


class PredictionRowsStyle(QgsProcessingLayerPostProcessorInterface):
    """Styles a table with predictions when QGIS has loaded it; classes are given as value, name and colour."""

    def __init__(self, classes: Sequence[Tuple[Any, str, str]]) -> None:
        """Keep the classes; there are none where numbers were predicted."""
        super().__init__()
        self._classes = tuple(classes)

    def postProcessLayer(self, layer: QgsMapLayer, context: QgsProcessingContext,  # noqa: N802
                         feedback: QgsProcessingFeedback) -> None:
        """Give the layer its renderer."""
        if isinstance(layer, QgsVectorLayer) and layer.isValid() and layer.isSpatial():
            style_predicted_rows(layer, self._classes)


def style_prediction_raster(layer: QgsRasterLayer, legend: Sequence[LegendEntry]) -> None:
    """Draw classes in their colours, numbers as a ramp."""
    if not legend:
        style_score_raster(layer, _LEAST, _MOST)
        return
    entries = [QgsPalettedRasterRenderer.Class(entry.value, QColor(entry.colour), entry.name) for entry in legend]
    layer.setRenderer(QgsPalettedRasterRenderer(layer.dataProvider(), 1, entries))
    layer.triggerRepaint()


def style_predicted_rows(layer: QgsVectorLayer, classes: Sequence[Tuple[Any, str, str]]) -> None:
    """Draw classes in their colours, numbers of the first target in five steps."""
    if not classes:
        names = layer.fields().names()
        column = next((name for name in names if name == _PREDICTED or name.startswith(_PREDICTED + "_")
                       and not name[len(_PREDICTED) + 1:].isdigit()), "")
        if column:
            style_scored_rows(layer, column)
        return
    categories = []
    for value, name, colour in classes:
        symbol = QgsSymbol.defaultSymbol(layer.geometryType())
        symbol.setColor(QColor(colour))
        categories.append(QgsRendererCategory(value, symbol, name))
    layer.setRenderer(QgsCategorizedSymbolRenderer(_PREDICTED, categories))
    layer.triggerRepaint()
