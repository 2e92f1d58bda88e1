"""Shows a class raster of clusters: a colour and a name for each."""

from __future__ import annotations

from typing import Sequence

from qgis.core import (
    QgsMapLayer,
    QgsPalettedRasterRenderer,
    QgsProcessingContext,
    QgsProcessingFeedback,
    QgsProcessingLayerPostProcessorInterface,
    QgsRasterLayer,
)
from qgis.PyQt.QtGui import QColor

from ...engine.analyses.clusters.request import ClusterClass


class ClusterRasterStyle(QgsProcessingLayerPostProcessorInterface):
    """Styles the layer when QGIS has loaded it."""

    def __init__(self, classes: Sequence[ClusterClass]) -> None:
        """Keep the classes."""
        super().__init__()
        self._classes = tuple(classes)

    def postProcessLayer(self, layer: QgsMapLayer, context: QgsProcessingContext,  # noqa: N802  (the name is QGIS's)
                         feedback: QgsProcessingFeedback) -> None:
        """Give the layer its renderer."""
        if isinstance(layer, QgsRasterLayer) and layer.isValid():
            style_cluster_raster(layer, self._classes)


def style_cluster_raster(layer: QgsRasterLayer, classes: Sequence[ClusterClass]) -> None:
    """List the classes with their names; nodata shows nothing."""
    entries = [QgsPalettedRasterRenderer.Class(entry.number, QColor(*entry.colour), entry.name) for entry in classes]
    layer.setRenderer(QgsPalettedRasterRenderer(layer.dataProvider(), 1, entries))
    layer.triggerRepaint()
