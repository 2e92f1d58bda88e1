"""The map tool of the inspector: it says where the pointer is, where was clicked and which box was drawn."""

from __future__ import annotations

from typing import Optional

from qgis.core import QgsPointXY, QgsRectangle, QgsWkbTypes
from qgis.gui import QgsMapCanvas, QgsMapMouseEvent, QgsMapTool, QgsRubberBand
from qgis.PyQt.QtCore import QEvent, QObject, QPoint, Qt, pyqtSignal
from qgis.PyQt.QtGui import QColor
from qgis.PyQt.QtWidgets import QApplication


class PointerTool(QgsMapTool):
    """Turns the mouse on the map into signals; places are in the map's CRS, modifiers are Qt's."""

    hovered = pyqtSignal(QgsPointXY)
    clicked = pyqtSignal(QgsPointXY, object)
    boxed = pyqtSignal(QgsRectangle, object)
    left = pyqtSignal()

    def __init__(self, canvas: QgsMapCanvas) -> None:
        """Look after one canvas."""
        super().__init__(canvas)
        self._canvas = canvas
        self._viewport = canvas.viewport()
        self._pressed: Optional[QPoint] = None
        self._band: Optional[QgsRubberBand] = None
        self.setCursor(Qt.CursorShape.CrossCursor)

    def activate(self) -> None:
        """Begin to listen, also for the pointer leaving the map."""
        super().activate()
        self._viewport.installEventFilter(self)

    def deactivate(self) -> None:
        """Stop listening and take the box away."""
        self._viewport.removeEventFilter(self)
        self._drop_box()
        super().deactivate()
        self.left.emit()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802  (the name is Qt's)
        """Notice that the pointer has left the map."""
        if event.type() == QEvent.Type.Leave:
            self.left.emit()
        return False

    def canvasPressEvent(self, event: QgsMapMouseEvent) -> None:  # noqa: N802  (the name is QGIS's)
        """Remember where a box may begin."""
        if event.button() == Qt.MouseButton.LeftButton:
            self._pressed = event.pos()

    def canvasMoveEvent(self, event: QgsMapMouseEvent) -> None:  # noqa: N802  (the name is QGIS's)
        """Draw the box of a drag, or say where the pointer is."""
        if self._pressed is not None and event.buttons() & Qt.MouseButton.LeftButton:
            if self._band is not None or self._is_drag(event.pos()):
                self._draw_box(event.pos())
            return
        self.hovered.emit(event.mapPoint())

    def canvasReleaseEvent(self, event: QgsMapMouseEvent) -> None:  # noqa: N802  (the name is QGIS's)
        """Say what was clicked, or which box was drawn."""
        if event.button() != Qt.MouseButton.LeftButton or self._pressed is None:
            return
        start, self._pressed = self._pressed, None
        modifiers = event.modifiers()
        if self._band is not None or self._is_drag(event.pos(), start):
            self._drop_box()
            self.boxed.emit(QgsRectangle(self.toMapCoordinates(start), self.toMapCoordinates(event.pos())), modifiers)
            return
        self.clicked.emit(event.mapPoint(), modifiers)

    def keyPressEvent(self, event: QEvent) -> None:  # noqa: N802  (the name is Qt's)
        """Give up a box with Escape."""
        if event.key() == Qt.Key.Key_Escape and self._pressed is not None:
            self._pressed = None
            self._drop_box()
            event.accept()
            return
        event.ignore()

    def _is_drag(self, now: QPoint, start: Optional[QPoint] = None) -> bool:
        """Tell a drag from a hand that isn't quite still."""
        begun = self._pressed if start is None else start
        return begun is not None and (now - begun).manhattanLength() >= QApplication.startDragDistance()

    def _draw_box(self, now: QPoint) -> None:
        """Show the box so far."""
        if self._band is None:
            self._band = QgsRubberBand(self._canvas, QgsWkbTypes.GeometryType.PolygonGeometry)
            colour = self._canvas.palette().highlight().color()
            self._band.setStrokeColor(colour)
            self._band.setFillColor(QColor(colour.red(), colour.green(), colour.blue(), 40))
        corners = QgsRectangle(self.toMapCoordinates(self._pressed), self.toMapCoordinates(now))
        self._band.reset(QgsWkbTypes.GeometryType.PolygonGeometry)
        for x, y in ((corners.xMinimum(), corners.yMinimum()), (corners.xMinimum(), corners.yMaximum()),
                     (corners.xMaximum(), corners.yMaximum()), (corners.xMaximum(), corners.yMinimum())):
            self._band.addPoint(QgsPointXY(x, y), False)
        self._band.closePoints()

    def _drop_box(self) -> None:
        """Take the box off the map."""
        band, self._band = self._band, None
        self._pressed = None
        if band is not None and self._canvas.scene() is not None:
            self._canvas.scene().removeItem(band)
