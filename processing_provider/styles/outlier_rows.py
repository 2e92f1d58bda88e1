"""Shows the rows of a table by how unlike the others they are."""

from __future__ import annotations

from qgis.core import (
    QgsMapLayer,
    QgsProcessingContext,
    QgsProcessingFeedback,
    QgsProcessingLayerPostProcessorInterface,
    QgsVectorLayer,
)

from .similar_layers import style_scored_rows

_SCORE = "outlier"


class OutlierRowsStyle(QgsProcessingLayerPostProcessorInterface):
    """Colours the rows of a table by their score."""

    def postProcessLayer(self, layer: QgsMapLayer, context: QgsProcessingContext,  # noqa: N802  (the name is QGIS's)
                         feedback: QgsProcessingFeedback) -> None:
        """Give the layer its renderer."""
        if isinstance(layer, QgsVectorLayer) and layer.isValid() and layer.isSpatial():
            style_scored_rows(layer, _SCORE)
