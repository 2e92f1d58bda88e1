"""A mark on the map: the outline of a cell or feature, and a ring with a letter at a place."""

from __future__ import annotations

from typing import Optional

from qgis.core import QgsCoordinateReferenceSystem, QgsGeometry, QgsPointXY, QgsWkbTypes
from qgis.gui import QgsMapCanvas, QgsMapCanvasItem, QgsRubberBand
from qgis.PyQt.QtCore import QPointF, QRectF, Qt
from qgis.PyQt.QtGui import QColor, QFont, QFontMetricsF, QPainter, QPainterPath, QPen
from qgis.PyQt.QtWidgets import QStyleOptionGraphicsItem, QWidget

DARK, BRIGHT = QColor(20, 20, 20), QColor(255, 255, 255)


class RingItem(QgsMapCanvasItem):
    """A ring with a letter, dark on bright, so that it is seen on any map."""

    def __init__(self, canvas: QgsMapCanvas, letter: str) -> None:
        """Belong to a canvas; the letter may be empty."""
        super().__init__(canvas)
        self._letter = letter
        self._canvas = canvas
        self._point: Optional[QgsPointXY] = None
        self._unit = QFontMetricsF(canvas.font()).height()
        self.setZValue(200)
        self.hide()

    def put(self, map_point: QgsPointXY) -> None:
        """Lie at a point of the map."""
        self._point = QgsPointXY(map_point)
        self.updatePosition()
        self.show()
        self.update()

    def updatePosition(self) -> None:  # noqa: N802  (the name is QGIS's)
        """Follow the map as it moves."""
        if self._point is not None:
            self.setPos(self.toCanvasCoordinates(self._point))

    def boundingRect(self) -> QRectF:  # noqa: N802  (the name is Qt's)
        """Return the room for ring and letter."""
        unit = self._unit
        return QRectF(-unit, -unit, unit * 3.0, unit * 2.0)

    def paint(self, painter: QPainter, _option: Optional[QStyleOptionGraphicsItem] = None,
              _widget: Optional[QWidget] = None) -> None:
        """Draw a bright ring under a thinner dark one, and the letter."""
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)
        radius = self._unit * 0.5
        painter.setBrush(Qt.BrushStyle.NoBrush)
        for colour, width in ((BRIGHT, self._unit * 0.28), (DARK, self._unit * 0.12)):
            painter.setPen(QPen(colour, width))
            painter.drawEllipse(QPointF(0, 0), radius, radius)
        if self._letter:
            font = QFont(self._canvas.font())
            font.setBold(True)
            path = QPainterPath()
            path.addText(QPointF(radius * 1.5, radius * 0.8), font, self._letter)
            painter.setPen(QPen(BRIGHT, self._unit * 0.25))
            painter.drawPath(path)
            painter.fillPath(path, DARK)
        painter.restore()


class PlaceMark:
    """Outline and ring together; `clear` takes them off the map and frees them."""

    def __init__(self, canvas: QgsMapCanvas, letter: str = "") -> None:
        """Nothing is drawn yet."""
        self._canvas = canvas
        self._letter = letter
        self._ring: Optional[RingItem] = None
        self._band: Optional[QgsRubberBand] = None

    def show(self, map_point: QgsPointXY, outline: Optional[QgsGeometry], crs: QgsCoordinateReferenceSystem) -> None:
        """Mark a point of the map, and an outline that is in a CRS of its own."""
        if self._ring is None:
            self._ring = RingItem(self._canvas, self._letter)
        self._ring.put(map_point)
        self._drop_band()
        if outline is not None and outline.type() != QgsWkbTypes.GeometryType.PointGeometry:
            self._band = QgsRubberBand(self._canvas, outline.type())
            self._band.setToGeometry(outline, crs)
            self._band.setFillColor(QColor(0, 0, 0, 0))
            self._band.setStrokeColor(DARK)
            self._band.setSecondaryStrokeColor(BRIGHT)
            self._band.setWidth(1)

    def clear(self) -> None:
        """Take everything off the map."""
        ring, self._ring = self._ring, None
        if ring is not None and self._canvas.scene() is not None:
            self._canvas.scene().removeItem(ring)
        self._drop_band()

    def _drop_band(self) -> None:
        """Take the outline off the map."""
        band, self._band = self._band, None
        if band is not None and self._canvas.scene() is not None:
            self._canvas.scene().removeItem(band)
