"""Shows points by their local geo-bias score; those with few places around them, or without a score, are grey."""

from __future__ import annotations

import math
from typing import List

from qgis.core import (
    QgsExpression,
    QgsFeatureRequest,
    QgsGradientColorRamp,
    QgsMapLayer,
    QgsMarkerSymbol,
    QgsProcessingContext,
    QgsProcessingFeedback,
    QgsProcessingLayerPostProcessorInterface,
    QgsRuleBasedRenderer,
    QgsVectorLayer,
)
from qgis.PyQt.QtGui import QColor

_STEPS = 5
_DOT = {"name": "circle", "size": "2.2", "outline_color": "90,90,90,160", "outline_width": "0.1"}
_GREY = {"name": "circle", "size": "1.4", "color": "190,190,190,160", "outline_style": "no"}


class BiasPointsStyle(QgsProcessingLayerPostProcessorInterface):
    """Colours the points of a geo-bias run."""

    def __init__(self, column: str) -> None:
        """Keep the name of the column of scores."""
        super().__init__()
        self._column = column

    def postProcessLayer(self, layer: QgsMapLayer, context: QgsProcessingContext,  # noqa: N802  (the name is QGIS's)
                         feedback: QgsProcessingFeedback) -> None:
        """Give the layer its renderer."""
        if isinstance(layer, QgsVectorLayer) and layer.isValid() and layer.isSpatial():
            style_bias(layer, self._column)


def style_bias(layer: QgsVectorLayer, column: str) -> None:
    """Colour scores in five steps that hold about as many points each, the highest darkest; grey what says nothing."""
    edges = _edges(layer, column)
    root = QgsRuleBasedRenderer.Rule(None)
    name = QgsExpression.quotedColumnRef(column)
    grey = QgsRuleBasedRenderer.Rule(QgsMarkerSymbol.createSimple(_GREY), 0, 0, f'"few_near" = 1 OR {name} IS NULL '
                                     'OR "few_near" IS NULL', "few places around it, or no score")
    root.appendChild(grey)
    ramp = QgsGradientColorRamp(QColor("#fde0c5"), QColor("#7a1f0a"))
    for number, (low, high) in enumerate(zip(edges, edges[1:])):
        symbol = QgsMarkerSymbol.createSimple(_DOT)
        symbol.setColor(ramp.color(number / max(len(edges) - 2, 1)))
        last = number == len(edges) - 2
        above = f"{name} >= {low!r}"
        below = f"{name} {'<=' if last else '<'} {high!r}"
        root.appendChild(QgsRuleBasedRenderer.Rule(symbol, 0, 0, f'"few_near" = 0 AND {above} AND {below}',
                                                   "{:.3g} – {:.3g}".format(low, high)))
    layer.setRenderer(QgsRuleBasedRenderer(root))
    layer.triggerRepaint()


def _edges(layer: QgsVectorLayer, column: str) -> List[float]:
    """Return the bounds of the steps, fewer where many scores are the same."""
    fields = layer.fields()
    wanted = [fields.lookupField(column), fields.lookupField("few_near")]
    request = QgsFeatureRequest().setSubsetOfAttributes(wanted).setFlags(QgsFeatureRequest.Flag.NoGeometry)
    values = sorted(float(feature[wanted[0]]) for feature in layer.getFeatures(request)
                    if feature[wanted[1]] == 0 and isinstance(feature[wanted[0]], (int, float))
                    and math.isfinite(feature[wanted[0]]))
    if not values:
        return []
    edges = sorted({values[round(step * (len(values) - 1) / _STEPS)] for step in range(_STEPS + 1)})
    return edges if len(edges) > 1 else [edges[0], edges[0]]
