"""Attaches a style to a result that QGIS will load."""

from __future__ import annotations

from qgis.core import QgsProcessingContext, QgsProcessingLayerPostProcessorInterface


def style_on_load(context: QgsProcessingContext, output: str, style: QgsProcessingLayerPostProcessorInterface) -> None:
    """Let the style run once the layer is loaded; nothing happens headless."""
    if context.willLoadLayerOnCompletion(output):
        context.layerToLoadOnCompletionDetails(output).setPostProcessor(style)
