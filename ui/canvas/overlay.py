"""Draws scores over the map as they are computed, without a layer: it comes and goes with the pointer."""

from __future__ import annotations

from typing import Any, Optional, Tuple

import numpy as np
from qgis.core import QgsCoordinateReferenceSystem, QgsMapSettings
from qgis.gui import QgsMapCanvas
from qgis.PyQt.QtGui import QImage

from .map_picture import MapPicture, image_of
from .score_colours import DEFAULT_RAMP, RAMPS, OverlayStyle, Spread, colours_of, from_threshold, levels_of, spread_of
from .warp import Extent, Ground, cells_under_pixels


class ScoreOverlay(MapPicture):
    """A map canvas item with one score a cell over an extent in any CRS; `remove` takes it off the canvas."""

    def __init__(self, canvas: QgsMapCanvas) -> None:
        """Join a canvas, with nothing to show."""
        super().__init__(canvas)
        self._scores: Optional[np.ndarray] = None
        self._ground: Optional[Ground] = None
        self._spread: Optional[Spread] = None
        self._style = OverlayStyle()
        self._cells: Optional[np.ndarray] = None
        self._cells_key: Optional[Tuple[Any, ...]] = None

    def show_scores(self, scores: np.ndarray, extent: Extent, crs: QgsCoordinateReferenceSystem) -> None:
        """Show scores `(rows, columns)`, NaN where there is none, the first row in the north of the extent."""
        self._scores = np.ascontiguousarray(scores, dtype=np.float32)
        self._ground = Ground(extent, scores.shape[0], scores.shape[1], crs)
        self._spread = spread_of(self._scores)
        self.redraw()
        self.setVisible(True)

    def clear(self) -> None:
        """Show nothing, and keep nothing."""
        self._scores = self._ground = self._spread = self._cells = self._cells_key = None
        super().clear()

    def set_style(self, style: OverlayStyle) -> None:
        """Show the same scores in another way."""
        if style != self._style:
            self._style = style
            self.redraw()

    def style(self) -> OverlayStyle:
        """Return how scores are shown."""
        return self._style

    def shown(self) -> Optional[Spread]:
        """Return the scores at the two ends of the ramp, or None where nothing is shown."""
        return None if self._spread is None else from_threshold(self._spread, self._style.threshold)

    def spread(self) -> Optional[Spread]:
        """Return the usual range of all scores, whatever threshold hides some of them."""
        return self._spread

    def score_at(self, column: int, row: int) -> float:
        """Return the score under a pixel of the map, NaN where there is none."""
        cells = self._cells_now()
        if cells is None or self._scores is None or not (0 <= row < cells.shape[0] and 0 <= column < cells.shape[1]):
            return float("nan")
        cell = int(cells[row, column])
        return float("nan") if cell < 0 else float(self._scores.flat[cell])

    def _cells_now(self) -> Optional[np.ndarray]:
        """Return the cell under each pixel for the map as it is; kept until map or cells change."""
        if self._ground is None:
            return None
        settings = self._canvas.mapSettings()
        key = (self._ground, *_view_of(settings))
        if key != self._cells_key:
            self._cells = cells_under_pixels(self._ground, settings)
            self._cells_key = key
        return self._cells

    def drawn(self) -> Optional[QImage]:
        """Return the scores as a picture of the map's size."""
        cells, shown = self._cells_now(), self.shown()
        if cells is None or shown is None or self._scores is None:
            return None
        # One cell more at the end, which the −1 of pixels without a cell falls on.
        levels = np.zeros(self._scores.size + 1, dtype=np.uint8)
        levels[:-1] = levels_of(self._scores, shown, self._style.threshold).ravel()
        colours = colours_of(RAMPS.get(self._style.ramp, RAMPS[DEFAULT_RAMP]), self._style.opacity)
        pixels = colours[levels[cells]]
        return image_of(pixels)


def _view_of(settings: QgsMapSettings) -> Tuple[Any, ...]:
    """Return what decides which place a pixel shows."""
    extent, size = settings.visibleExtent(), settings.outputSize()
    return (extent.xMinimum(), extent.yMinimum(), extent.xMaximum(), extent.yMaximum(), size.width(), size.height(),
            settings.rotation(), settings.destinationCrs())
