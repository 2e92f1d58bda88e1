"""Draws classes over the map, each in its colour and the denser the surer: a map that follows each labelled place."""

from __future__ import annotations

from typing import Optional, Sequence, Tuple

import numpy as np
from qgis.core import QgsCoordinateReferenceSystem
from qgis.gui import QgsMapCanvas
from qgis.PyQt.QtGui import QColor, QImage

from .map_picture import MapPicture, image_of
from .warp import Extent, Ground, cells_under_pixels

_STEPS = 64
_LEAST_FULLNESS = 0.25


class ClassOverlay(MapPicture):
    """A map canvas item with a class and a strength a cell over an extent in any CRS; `remove` takes it away."""

    def __init__(self, canvas: QgsMapCanvas) -> None:
        """Join a canvas, with nothing to show."""
        super().__init__(canvas)
        self._levels: Optional[np.ndarray] = None
        self._ground: Optional[Ground] = None
        self._colours: Tuple[str, ...] = ()
        self._opacity = 0.7

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
        self.redraw()
        self.setVisible(True)

    def set_opacity(self, opacity: float) -> None:
        """Show the same classes with another opacity 0..1."""
        if opacity != self._opacity:
            self._opacity = opacity
            self.redraw()

    def clear(self) -> None:
        """Show nothing, and keep nothing."""
        self._levels = self._ground = None
        super().clear()

    def drawn(self) -> Optional[QImage]:
        """Return the classes as a picture of the map's size."""
        if self._levels is None or self._ground is None:
            return None
        cells = cells_under_pixels(self._ground, self._canvas.mapSettings())
        pixels = colour_table(self._colours, self._opacity)[self._levels[cells]]
        return image_of(pixels)


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
