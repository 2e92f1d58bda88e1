"""Draws classes over the map, each in its colour and the denser the surer: a map that follows each labelled place."""

from __future__ import annotations

import logging
from typing import Any, Optional, Sequence, Tuple

import numpy as np
from qgis.core import QgsCoordinateReferenceSystem
from qgis.gui import QgsMapCanvas, QgsMapCanvasItem
from qgis.PyQt.QtCore import QRectF
from qgis.PyQt.QtGui import QColor, QImage, QPainter

from .warp import Extent, Ground, cells_under_pixels

LOG = logging.getLogger("earthprint")
_ABOVE_LAYERS = -5.0
_STEPS = 64
_LEAST_FULLNESS = 0.25


class ClassOverlay(QgsMapCanvasItem):
    """A map canvas item with a class and a strength a cell over an extent in any CRS; `remove` takes it away."""

    def __init__(self, canvas: QgsMapCanvas) -> None:
        """Join a canvas, with nothing to show."""
        super().__init__(canvas)
        self._canvas = canvas
        self._levels: Optional[np.ndarray] = None
        self._ground: Optional[Ground] = None
        self._colours: Tuple[str, ...] = ()
        self._opacity = 0.7
        self._image: Optional[QImage] = None
        self.setZValue(_ABOVE_LAYERS)
        self.setVisible(False)

    def show_classes(self, numbers: np.ndarray, strengths: np.ndarray, extent: Extent,
                     crs: QgsCoordinateReferenceSystem, colours: Sequence[str]) -> None:
        """Show the number of a colour and a strength 0..1 a cell; −1 and NaN are left empty, north is up."""
        rows, columns = numbers.shape
        steps = np.rint(np.nan_to_num(np.clip(strengths, 0, 1)) * _STEPS).astype(np.int32)
        levels = 1 + numbers.astype(np.int32) * (_STEPS + 1) + steps
        levels[(numbers < 0) | ~np.isfinite(strengths)] = 0
        # One cell more at the end, which the −1 of pixels without a cell falls on.
        self._levels = np.append(levels.ravel(), np.int32(0))
        self._ground = Ground(extent, rows, columns, crs)
        self._colours = tuple(colours)
        self._redraw()
        self.setVisible(True)

    def set_opacity(self, opacity: float) -> None:
        """Show the same classes with another opacity 0..1."""
        if opacity != self._opacity:
            self._opacity = opacity
            self._redraw()

    def clear(self) -> None:
        """Show nothing, and keep nothing."""
        self._levels = self._ground = self._image = None
        self.setVisible(False)

    def remove(self) -> None:
        """Leave the canvas for good."""
        self.clear()
        scene = self.scene()
        if scene is not None:
            scene.removeItem(self)

    def image(self) -> Optional[QImage]:
        """Return the picture that lies over the map."""
        if self._image is None:
            self._image = self._drawn()
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
            LOG.exception("The classes could not be drawn")
            self._image = QImage()
            return
        if image is not None and not image.isNull():
            painter.drawImage(0, 0, image)

    def _redraw(self) -> None:
        """Have the picture made anew when it is next needed."""
        self._image = None
        self.update()

    def _drawn(self) -> Optional[QImage]:
        """Return the classes as a picture of the map's size."""
        if self._levels is None or self._ground is None:
            return None
        cells = cells_under_pixels(self._ground, self._canvas.mapSettings())
        pixels = colour_table(self._colours, self._opacity)[self._levels[cells]]
        height, width = pixels.shape
        # Without the copy the picture would only borrow the array's memory.
        return QImage(pixels.data, width, height, 4 * width, QImage.Format.Format_ARGB32_Premultiplied).copy()


def fullness(certainties: np.ndarray) -> np.ndarray:
    """Return strengths under which a class shows, if faintly, where it is hardly ahead of the next."""
    return np.float32(_LEAST_FULLNESS) + np.float32(1 - _LEAST_FULLNESS) * certainties


def colour_table(colours: Sequence[str], opacity: float) -> np.ndarray:
    """Return premultiplied 0xAARRGGBB: first the empty one, then all strengths of each colour, weakest first."""
    alphas = np.linspace(0, 1, _STEPS + 1) * min(max(opacity, 0.0), 1.0)
    parts = [np.zeros(1, dtype=np.uint32)]
    for name in colours:
        colour = QColor(name)
        red, green, blue = (np.rint(part * alphas).astype(np.uint32)
                            for part in (colour.red(), colour.green(), colour.blue()))
        alpha = np.rint(255 * alphas).astype(np.uint32)
        parts.append(alpha << np.uint32(24) | red << np.uint32(16) | green << np.uint32(8) | blue)
    return np.concatenate(parts)
