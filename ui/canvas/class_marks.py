"""Dots in the colours of their classes, above whatever else is drawn over the map."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Sequence, Tuple

from qgis.core import QgsPointXY
from qgis.gui import QgsMapCanvas, QgsMapCanvasItem
from qgis.PyQt.QtCore import QPointF, QRectF
from qgis.PyQt.QtGui import QColor, QFontMetricsF, QPainter, QPen

_ABOVE_OVERLAYS = 150.0


@dataclass(frozen=True)
class ClassMark:
    """A point of the map and a colour, `#rrggbb`."""

    point: QgsPointXY
    colour: str


class ClassMarks(QgsMapCanvasItem):
    """A dot a labelled place; `remove` takes them off the canvas."""

    def __init__(self, canvas: QgsMapCanvas) -> None:
        """Join a canvas, with nothing to show."""
        super().__init__(canvas)
        self._canvas = canvas
        self._marks: Tuple[ClassMark, ...] = ()
        self._radius = QFontMetricsF(canvas.font()).height() * 0.3
        self.setZValue(_ABOVE_OVERLAYS)

    def show_marks(self, marks: Sequence[ClassMark]) -> None:
        """Show these and no others."""
        self._marks = tuple(marks)
        self.update()

    def marks(self) -> Tuple[ClassMark, ...]:
        """Return what is shown."""
        return self._marks

    def remove(self) -> None:
        """Leave the canvas for good."""
        self._marks = ()
        scene = self.scene()
        if scene is not None:
            scene.removeItem(self)

    def boundingRect(self) -> QRectF:  # noqa: N802  (the name is Qt's)
        """Cover the whole map."""
        size = self._canvas.mapSettings().outputSize()
        return QRectF(0.0, 0.0, float(size.width()), float(size.height()))

    def updatePosition(self) -> None:  # noqa: N802  (the name is QGIS's)
        """Stay in the map's corner; QGIS calls this when the map has moved."""
        self.prepareGeometryChange()
        self.setPos(0.0, 0.0)

    def paint(self, painter: QPainter, *_ignored: Any) -> None:
        """Draw the dots with a bright rim and a dark one, so that they are seen on any map."""
        to_pixel = self._canvas.getCoordinateTransform()
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)
        for mark in self._marks:
            pixel = to_pixel.transform(mark.point)
            middle = QPointF(pixel.x(), pixel.y())
            for radius, pen, fill in ((self._radius + 1.6, QColor(20, 20, 20), QColor(255, 255, 255)),
                                      (self._radius, QColor(mark.colour), QColor(mark.colour))):
                painter.setPen(QPen(pen, 1.0))
                painter.setBrush(fill)
                painter.drawEllipse(middle, radius, radius)
        painter.restore()
