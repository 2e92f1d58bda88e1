"""Marks examples and counter-examples on the map, told apart by form as well as by colour."""

from __future__ import annotations

from dataclasses import dataclass
from typing import List, Sequence

from qgis.core import QgsCoordinateReferenceSystem, QgsGeometry, QgsWkbTypes
from qgis.gui import QgsMapCanvas, QgsRubberBand
from qgis.PyQt.QtGui import QColor

_SIZE, _WIDTH = 11, 3
_HALO = QColor(255, 255, 255, 220)


@dataclass(frozen=True)
class MarkedExample:
    """A geometry in a CRS of its own, and how it is to be marked."""

    geometry: QgsGeometry
    crs: QgsCoordinateReferenceSystem
    colour: str
    counter: bool


class ExampleMarks:
    """Rings and outlines for examples, crosses for points that are counter-examples."""

    def __init__(self, canvas: QgsMapCanvas) -> None:
        """Mark on one canvas; nothing yet."""
        self._canvas = canvas
        self._bands: List[QgsRubberBand] = []

    def show(self, marked: Sequence[MarkedExample]) -> None:
        """Mark these and no others."""
        self.clear()
        self._bands = [self._band(one) for one in marked]

    def clear(self) -> None:
        """Take all marks off the map."""
        bands, self._bands = self._bands, []
        scene = self._canvas.scene()
        for band in bands:
            if scene is not None:
                scene.removeItem(band)

    def count(self) -> int:
        """Return how many marks there are."""
        return len(self._bands)

    def _band(self, one: MarkedExample) -> QgsRubberBand:
        """Make one mark."""
        kind = QgsWkbTypes.geometryType(one.geometry.wkbType())
        band = QgsRubberBand(self._canvas, kind)
        band.setStrokeColor(QColor(one.colour))
        band.setSecondaryStrokeColor(_HALO)
        band.setFillColor(QColor(0, 0, 0, 0))
        band.setWidth(_WIDTH)
        band.setIcon(QgsRubberBand.IconType.ICON_X if one.counter else QgsRubberBand.IconType.ICON_CIRCLE)
        band.setIconSize(_SIZE)
        band.setToGeometry(one.geometry, one.crs)
        return band
