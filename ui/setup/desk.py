"""What the pages ask of the QGIS around them: the visible part of a raster, dialogs of algorithms, layers, files."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Dict, List, Optional, Tuple

from qgis.core import (
    QgsCoordinateTransform,
    QgsCsException,
    QgsMultiBandColorRenderer,
    QgsProject,
    QgsRasterLayer,
)
from qgis.PyQt import sip
from qgis.PyQt.QtCore import QCoreApplication, QUrl
from qgis.PyQt.QtGui import QDesktopServices

from ...engine.errors import InputError
from ...processing_provider.adapters.raster import raster_input


@dataclass(frozen=True)
class VisiblePart:
    """The part of a raster that the map shows: path and name of the raster, extent in its CRS."""

    raster: str
    name: str
    extent: Tuple[float, float, float, float]


class Desk:
    """The one place where the pages touch QGIS's interface; it remembers what it opened and closes it at the end."""

    def __init__(self, iface: Any) -> None:
        """Keep the interface."""
        self._iface = iface
        self._dialogs: List[Any] = []

    def raster_layer(self) -> Optional[QgsRasterLayer]:
        """Return the raster that is meant: the active layer, else the topmost shown one, else any of the project."""
        active = self._iface.activeLayer()
        shown = self._iface.mapCanvas().layers()
        others = QgsProject.instance().mapLayers().values()
        for layer in (active, *shown, *others):
            if isinstance(layer, QgsRasterLayer) and layer.isValid():
                return layer
        return None

    def raster_name(self) -> str:
        """Return the name of that raster, empty where there is none."""
        layer = self.raster_layer()
        return "" if layer is None else layer.name()

    def visible_part(self) -> VisiblePart:
        """Return what the map shows of that raster, or say in an InputError why there is nothing to try."""
        layer = self.raster_layer()
        if layer is None:
            raise InputError("visible-none", "There is no raster in the project: add one, then try the encoder on it.")
        found = raster_input(layer, layer.name(), None, 0.0)
        if found.needs_export:
            raise InputError("visible-service", "“{name}” is no raster file that can be read here at once: save a part "
                             "of it as a GeoTIFF and select that.", name=layer.name())
        canvas = self._iface.mapCanvas()
        transform = QgsCoordinateTransform(canvas.mapSettings().destinationCrs(), layer.crs(), QgsProject.instance())
        try:
            extent = transform.transformBoundingBox(canvas.extent())
        except QgsCsException:
            raise InputError("visible-crs", "What the map shows can't be put into the CRS of “{name}”: zoom to the "
                             "layer.", name=layer.name()) from None
        if not extent.isFinite() or not extent.intersects(layer.extent()):
            raise InputError("visible-elsewhere", "The map doesn't show “{name}”: zoom to it, or select the raster "
                             "that you see.", name=layer.name())
        return VisiblePart(found.path, layer.name(), (extent.xMinimum(), extent.yMinimum(), extent.xMaximum(),
                                                      extent.yMaximum()))

    def open_algorithm(self, name: str, parameters: Dict[str, Any]) -> bool:
        """Open the dialog of one of our algorithms without blocking QGIS; tell whether there is one."""
        import processing

        dialog = processing.createAlgorithmDialog("earthprint:" + name, parameters)
        if dialog is None:
            return False
        self._dialogs = [opened for opened in self._dialogs if not sip.isdeleted(opened)] + [dialog]
        dialog.show()
        return True

    def add_picture(self, path: str, name: str) -> bool:
        """Add a raster of red, green and blue to the project, its colours as they are."""
        layer = QgsRasterLayer(path, name)
        if not layer.isValid():
            return False
        layer.setRenderer(QgsMultiBandColorRenderer(layer.dataProvider(), 1, 2, 3))
        return QgsProject.instance().addMapLayer(layer) is not None

    def zoom_to(self, layer: Any) -> None:
        """Show a layer on the map and make it the active one."""
        self._iface.setActiveLayer(layer)
        self._iface.zoomToActiveLayer()

    def open_path(self, path: str) -> bool:
        """Open a file or folder with the program that the system has for it."""
        return QDesktopServices.openUrl(QUrl.fromLocalFile(path))

    def open_address(self, address: str) -> bool:
        """Open a page in the browser."""
        return QDesktopServices.openUrl(QUrl(address))

    def close(self) -> None:
        """Close the dialogs that were opened here."""
        dialogs, self._dialogs = self._dialogs, []
        for dialog in dialogs:
            if not sip.isdeleted(dialog):
                dialog.close()
                dialog.deleteLater()


def translated(error: Exception) -> str:
    """Return an error's sentence in the user's language, or in English where nobody translated it."""
    template = getattr(error, "template", None)
    if template is None:
        return str(error)
    try:
        return QCoreApplication.translate("EarthprintError", template).format(**error.values)
    except (KeyError, IndexError, ValueError):
        return str(error)
