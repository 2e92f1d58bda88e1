"""Attaches a style to a result that QGIS will load."""

from __future__ import annotations

from typing import List

from qgis.core import QgsProcessingContext, QgsProcessingLayerPostProcessorInterface
from qgis.PyQt import sip

# The context deletes a style with itself, but lets go of its Python half at once, and then calls nothing at all.
_ALIVE: List[QgsProcessingLayerPostProcessorInterface] = []


def style_on_load(context: QgsProcessingContext, output: str, style: QgsProcessingLayerPostProcessorInterface) -> None:
    """Let a style that is used for nothing else work once the layer is loaded; nothing happens headless."""
    if not context.willLoadLayerOnCompletion(output):
        return
    _ALIVE[:] = [kept for kept in _ALIVE if not sip.isdeleted(kept)]
    _ALIVE.append(style)
    context.layerToLoadOnCompletionDetails(output).setPostProcessor(style)
