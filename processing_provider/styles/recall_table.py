"""Shows tables of recall against area with words for column names, and numbers as people read them."""

from __future__ import annotations

from typing import Dict

from qgis.core import (
    QgsEditorWidgetSetup,
    QgsMapLayer,
    QgsProcessingContext,
    QgsProcessingFeedback,
    QgsProcessingLayerPostProcessorInterface,
    QgsVectorLayer,
)

CURVE_ALIASES = {
    "query": "Query", "area_km2": "Area walked (km²)", "area_share": "Share of the ground", "recall": "Recall",
    "lower": "Recall at least", "upper": "Recall at most", "chance": "By chance", "chance_lower": "Chance at least",
    "chance_upper": "Chance at most", "score": "Down to the score"}
SUMMARY_ALIASES = {
    "query": "Query", "truth": "Truth", "truths": "Truths", "independent": "As many independent ones",
    "lost": "Share on no ground", "area_km2": "Ground (km²)", "area_80": "Area for 80 % (km²)",
    "area_80_lower": "at least", "area_80_upper": "at most", "area_80_share": "as a share of the ground",
    "area_80_chance": "by chance (km²)", "score_80": "Down to the score", "wanted": "Share wanted",
    "area_wanted": "Area for that (km²)", "auc": "Area under the curve", "auc_chance": "by chance",
    "log_auc": "On a logarithm", "log_auc_chance": "by chance, on a logarithm",
    "times_chance": "Times chance at 1 % of the ground"}


class RecallTableStyle(QgsProcessingLayerPostProcessorInterface):
    """Styles a table when QGIS has loaded it."""

    def __init__(self, aliases: "Dict[str, str]") -> None:
        """Keep what the columns are called."""
        super().__init__()
        self._aliases = aliases

    def postProcessLayer(self, layer: QgsMapLayer, context: QgsProcessingContext,  # noqa: N802  (the name is QGIS's)
                         feedback: QgsProcessingFeedback) -> None:
        """Name the columns, and leave out the number of the row."""
        if isinstance(layer, QgsVectorLayer) and layer.isValid():
            style_recall_table(layer, self._aliases)


def style_recall_table(layer: QgsVectorLayer, aliases: "Dict[str, str]") -> None:
    """Set aliases and hide the feature id."""
    for index, name in enumerate(layer.fields().names()):
        if name in aliases:
            layer.setFieldAlias(index, aliases[name])
        elif name == "fid":
            layer.setEditorWidgetSetup(index, QgsEditorWidgetSetup("Hidden", {}))
    config = layer.attributeTableConfig()
    config.update(layer.fields())
    columns = config.columns()
    for column in columns:
        column.hidden = column.name == "fid"
    config.setColumns(columns)
    layer.setAttributeTableConfig(config)
