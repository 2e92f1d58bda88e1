"""Shows embedded photos as points that carry their picture: in the attribute form, and as a map tip."""

from __future__ import annotations

from qgis.core import (
    QgsAttributeEditorField,
    QgsAttributeEditorHtmlElement,
    QgsEditFormConfig,
    QgsEditorWidgetSetup,
    QgsMapLayer,
    QgsProcessingContext,
    QgsProcessingFeedback,
    QgsProcessingLayerPostProcessorInterface,
    QgsVectorLayer,
)

from .embedding_table import style_embedding_table

_HEIGHT = 220
_AS_IMAGE = 1


class PhotoPointsStyle(QgsProcessingLayerPostProcessorInterface):
    """Styles the layer when QGIS has loaded it."""

    def __init__(self, path_column: str, thumbnail_column: str) -> None:
        """Keep the names of the columns; the one of paths is empty where the pictures were in the layer itself."""
        super().__init__()
        self._path = path_column
        self._thumbnail = thumbnail_column

    def postProcessLayer(self, layer: QgsMapLayer, context: QgsProcessingContext,  # noqa: N802  (the name is QGIS's)
                         feedback: QgsProcessingFeedback) -> None:
        """Give the layer its symbol, its form and its map tip."""
        if isinstance(layer, QgsVectorLayer) and layer.isValid():
            style_photo_points(layer, self._path, self._thumbnail)


def style_photo_points(layer: QgsVectorLayer, path_column: str, thumbnail_column: str) -> None:
    """Show the photo at its path, or the thumbnail where there is no path; hide columns that no person reads."""
    style_embedding_table(layer)
    layer.setMapTipTemplate("<img src=\"data:image/jpeg;base64,[% to_base64(\"{}\") %]\">".format(thumbnail_column))
    for name in (thumbnail_column, "embedding", "embedding_space"):
        index = layer.fields().indexFromName(name)
        if index >= 0:
            layer.setEditorWidgetSetup(index, QgsEditorWidgetSetup("Hidden", {}))
    index = layer.fields().indexFromName(path_column) if path_column else -1
    if index >= 0:
        layer.setEditorWidgetSetup(index, QgsEditorWidgetSetup("ExternalResource", {
            "DocumentViewer": _AS_IMAGE, "DocumentViewerHeight": _HEIGHT, "DocumentViewerWidth": 0,
            "FileWidget": True, "FileWidgetButton": True, "FileWidgetFilter": "", "RelativeStorage": 0,
            "StorageMode": 0}))
        return
    _show_thumbnail(layer, thumbnail_column)


def _show_thumbnail(layer: QgsVectorLayer, column: str) -> None:
    """Put the stored thumbnail at the head of the form, above the columns."""
    form = layer.editFormConfig()
    layout = getattr(QgsEditFormConfig, "EditorLayout", QgsEditFormConfig).TabLayout
    form.setLayout(layout)
    form.clearTabs()
    picture = QgsAttributeEditorHtmlElement("photo", form.invisibleRootContainer())
    picture.setHtmlCode("<script>document.write('<img src=\"data:image/jpeg;base64,' + expression.evaluate("
                        "\"to_base64(\\\"{}\\\")\") + '\">');</script>".format(column))
    picture.setShowLabel(False)
    form.addTab(picture)
    for index in range(layer.fields().count()):
        field = layer.fields().at(index)
        if layer.editorWidgetSetup(index).type() != "Hidden":
            form.addTab(QgsAttributeEditorField(field.name(), index, form.invisibleRootContainer()))
    layer.setEditFormConfig(form)
