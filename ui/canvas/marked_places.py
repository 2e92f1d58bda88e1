"""Many places lit up on the map: what is chosen in a plot of a raster's cells."""

from __future__ import annotations

import logging
import struct
from typing import Any, Optional, Tuple

import numpy as np
from qgis.core import (
    QgsCoordinateReferenceSystem,
    QgsCoordinateTransform,
    QgsCsException,
    QgsGeometry,
    QgsPointXY,
    QgsProject,
)
from qgis.gui import QgsMapCanvas, QgsMapCanvasItem
from qgis.PyQt.QtCore import QRectF
from qgis.PyQt.QtGui import QImage, QPainter

from ..inspector.cloud_picture import CloudColours, Marks, draw_cloud

LOG = logging.getLogger("earthprint")
_ABOVE_SCORES = 150.0
_RING = 0xFF202020
_FEW = 3000
# Points go to QGIS and back as well-known binary, since a hundred thousand objects of Python's would take a second.
_POINT = np.dtype([("order", "u1"), ("type", "<u4"), ("x", "<f8"), ("y", "<f8")])
_HEAD = struct.Struct("<BII")


class MarkedPlaces(QgsMapCanvasItem):
    """A dot at each of many places; `remove` takes it off the canvas."""

    def __init__(self, canvas: QgsMapCanvas) -> None:
        """Join a canvas, with nothing to show."""
        super().__init__(canvas)
        self._canvas = canvas
        self._places = np.empty((0, 2))
        self._crs = QgsCoordinateReferenceSystem()
        self._moved: Optional[np.ndarray] = None
        self._moved_to = QgsCoordinateReferenceSystem()
        self._image: Optional[QImage] = None
        self._pixels: Optional[np.ndarray] = None
        self.setZValue(_ABOVE_SCORES)
        self.setVisible(False)

    def show_places(self, places: np.ndarray, crs: QgsCoordinateReferenceSystem) -> None:
        """Light up places `(n, 2)` in a CRS; those that are NaN are nowhere."""
        self._places = np.asarray(places, dtype=np.float64).reshape(-1, 2)
        self._crs = crs
        self._moved = self._image = None
        self.setVisible(len(self._places) > 0)
        self.update()

    def places(self) -> np.ndarray:
        """Return what is lit up, in its own CRS."""
        return self._places

    def remove(self) -> None:
        """Leave the canvas for good."""
        self._places = np.empty((0, 2))
        self._moved = self._image = self._pixels = None
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
        self._image = None

    def paint(self, painter: QPainter, *_ignored: Any) -> None:
        """Draw the dots; QGIS calls this, and an exception that left it would end QGIS."""
        try:
            if self._image is None:
                self._image = self._drawn()
        except (ArithmeticError, MemoryError, RuntimeError, TypeError, ValueError):
            LOG.exception("The chosen places could not be drawn")
            self._image = QImage()
        if not self._image.isNull():
            painter.drawImage(0, 0, self._image)

    def pixels(self) -> np.ndarray:
        """Return where the places lie on the canvas `(n, 2)`; pixels are an affine map of the map's coordinates."""
        to_pixel = self._canvas.mapSettings().mapToPixel()
        middle = self._canvas.center()
        far = 100 * self._canvas.mapUnitsPerPixel()
        origin, right, up = (to_pixel.transform(QgsPointXY(middle.x() + dx, middle.y() + dy))
                             for dx, dy in ((0.0, 0.0), (far, 0.0), (0.0, far)))
        moved = (self._in_map_crs() - (middle.x(), middle.y())) / (far or 1.0)
        return np.stack([origin.x() + moved[:, 0] * (right.x() - origin.x()) + moved[:, 1] * (up.x() - origin.x()),
                         origin.y() + moved[:, 0] * (right.y() - origin.y()) + moved[:, 1] * (up.y() - origin.y())],
                        axis=1)

    def _in_map_crs(self) -> np.ndarray:
        """Return the places in the map's CRS; kept until either changes."""
        target = self._canvas.mapSettings().destinationCrs()
        if self._moved is None or target != self._moved_to:
            self._moved = _transformed(self._places, self._crs, target)
            self._moved_to = target
        return self._moved

    def _drawn(self) -> QImage:
        """Return the dots as a picture of the map's size."""
        size: Tuple[int, int] = (max(1, int(self.boundingRect().width())), max(1, int(self.boundingRect().height())))
        pixels = self.pixels()
        count = len(pixels)
        colours = CloudColours(np.zeros((count, 3), dtype=np.uint8))
        self._pixels = draw_cloud(pixels[:, 0], pixels[:, 1], colours, np.ones(count, dtype=bool), size,
                                  Marks(1 if count <= _FEW else 0, _RING))
        # QImage doesn't copy what it shows, so the array lives as long as the picture.
        return QImage(self._pixels.data, size[0], size[1], 4 * size[0], QImage.Format.Format_ARGB32_Premultiplied)


def _transformed(places: np.ndarray, source: QgsCoordinateReferenceSystem,
                 target: QgsCoordinateReferenceSystem) -> np.ndarray:
    """Return places in another CRS, NaN where the projection doesn't reach."""
    if not source.isValid() or not target.isValid() or source == target or not len(places):
        return places
    transform = QgsCoordinateTransform(source, target, QgsProject.instance())
    known = np.flatnonzero(np.isfinite(places).all(axis=1))
    found = np.full(places.shape, np.nan)
    many = QgsGeometry()
    many.fromWkb(_as_wkb(places[known]))
    try:
        many.transform(transform)
        found[known] = _from_wkb(bytes(many.asWkb().data()))
    except QgsCsException:
        for row in known.tolist():
            try:
                point = transform.transform(QgsPointXY(*places[row].tolist()))
            except QgsCsException:
                continue
            found[row] = point.x(), point.y()
    found[~np.isfinite(found).all(axis=1)] = np.nan
    return found


def _as_wkb(places: np.ndarray) -> bytes:
    """Return places as a multipoint."""
    points = np.zeros(len(places), dtype=_POINT)
    points["order"], points["type"] = 1, 1
    points["x"], points["y"] = places[:, 0], places[:, 1]
    return _HEAD.pack(1, 4, len(places)) + points.tobytes()


def _from_wkb(multipoint: bytes) -> np.ndarray:
    """Return the places of a multipoint."""
    points = np.frombuffer(multipoint, dtype=_POINT, offset=_HEAD.size)
    return np.stack([points["x"], points["y"]], axis=1)
