"""A picture as large as the map, over its layers and made anew when it moves: what all overlays are."""

from __future__ import annotations

import logging
from typing import Any, Optional

import numpy as np
from qgis.gui import QgsMapCanvas, QgsMapCanvasItem
from qgis.PyQt.QtCore import QRectF
from qgis.PyQt.QtGui import QImage, QPainter

LOG = logging.getLogger("earthprint")
# Layers lie at -10, and marks of any tool at 0 or above.
_ABOVE_LAYERS = -5.0


class MapPicture(QgsMapCanvasItem):
    """A map canvas item that covers the whole map; `drawn` makes its picture, `remove` takes it off the canvas."""

    def __init__(self, canvas: QgsMapCanvas) -> None:
        """Join a canvas, with nothing to show."""
        super().__init__(canvas)
        self._canvas = canvas
        self._image: Optional[QImage] = None
        self.setZValue(_ABOVE_LAYERS)
        self.setVisible(False)

    def drawn(self) -> Optional[QImage]:
        """Return the picture for the map as it is, None where there is nothing to show."""
        raise NotImplementedError

    def clear(self) -> None:
        """Show nothing, and keep nothing."""
        self._image = None
        self.setVisible(False)

    def remove(self) -> None:
        """Leave the canvas for good."""
        self.clear()
        scene = self.scene()
        if scene is not None:
            scene.removeItem(self)

    def redraw(self) -> None:
        """Have the picture made anew when it is next needed."""
        self._image = None
        self.update()

    def image(self) -> Optional[QImage]:
        """Return the picture that lies over the map."""
        if self._image is None:
            self._image = self.drawn()
        return self._image

    def boundingRect(self) -> QRectF:  # noqa: N802  (the name is Qt's)
        """Cover the whole map."""
        size = self._canvas.mapSettings().outputSize()
        return QRectF(0.0, 0.0, float(size.width()), float(size.height()))

    def updatePosition(self) -> None:  # noqa: N802  (the name is QGIS's)
        """Stay in the map's corner; QGIS calls this when the map has moved."""
        self.prepareGeometryChange()
        self.setPos(0.0, 0.0)
        self._image = None

    def paint(self, painter: QPainter, *_ignored: Any) -> None:
        """Draw the picture; QGIS calls this, and an exception that left it would end QGIS."""
        try:
            image = self.image()
        except (ArithmeticError, IndexError, MemoryError, RuntimeError, TypeError, ValueError):
            LOG.exception("A picture over the map could not be drawn")
            self._image = QImage()
            return
        if image is not None and not image.isNull():
            painter.drawImage(0, 0, image)


def image_of(pixels: np.ndarray) -> QImage:
    """Return premultiplied 0xAARRGGBB `(rows, columns)` as a picture."""
    height, width = pixels.shape
    # Without the copy the picture would only borrow the array's memory.
    return QImage(pixels.data, width, height, 4 * width, QImage.Format.Format_ARGB32_Premultiplied).copy()
