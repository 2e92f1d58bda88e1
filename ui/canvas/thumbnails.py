"""Small pictures of places on the map, drawn beside the map and given up when nobody wants them any more."""

from __future__ import annotations

from typing import Dict, List, Optional

from qgis.core import QgsMapRendererParallelJob, QgsMapSettings, QgsPointXY, QgsRectangle
from qgis.gui import QgsMapCanvas
from qgis.PyQt.QtCore import QObject, QSize, pyqtSignal
from qgis.PyQt.QtGui import QImage


class Drawing(QObject):
    """One picture under way."""

    ended = pyqtSignal(object)

    def __init__(self, letter: str, settings: QgsMapSettings) -> None:
        """Begin to draw."""
        super().__init__()
        self.letter = letter
        self.wanted = True
        self._job: Optional[QgsMapRendererParallelJob] = QgsMapRendererParallelJob(settings)
        self._job.finished.connect(self._finished)

    def start(self) -> None:
        """Draw, in threads of QGIS's."""
        self._job.start()

    def give_up(self) -> None:
        """Stop as soon as the layers notice, without waiting for them."""
        self.wanted = False
        if self._job is not None:
            self._job.cancelWithoutBlocking()

    def image(self) -> QImage:
        """Return the picture."""
        return self._job.renderedImage() if self._job is not None else QImage()

    def free(self) -> None:
        """Free the job once it has ended."""
        job, self._job = self._job, None
        if job is not None:
            job.finished.disconnect(self._finished)
            job.deleteLater()

    def _finished(self) -> None:
        """Say that this one has ended."""
        self.ended.emit(self)


class Thumbnails(QObject):
    """Draws a picture for each letter; a newer wish for a letter gives up the one before."""

    ready = pyqtSignal(str, QImage)
    _ending: "List[Drawing]" = []
    """Drawings that were given up and have not ended; they outlive whoever wanted them."""

    def __init__(self, canvas: QgsMapCanvas, parent: Optional[QObject] = None) -> None:
        """Draw what a canvas shows."""
        super().__init__(parent)
        self._canvas = canvas
        self._drawings: Dict[str, Drawing] = {}

    def ask(self, letter: str, map_point: QgsPointXY, size: QSize, ratio: float) -> None:
        """Draw the surroundings of a point of the map, at the map's own scale, so many pixels large."""
        self.forget(letter)
        settings = QgsMapSettings(self._canvas.mapSettings())
        unit = self._canvas.mapUnitsPerPixel()
        width, height = unit * size.width(), unit * size.height()
        if not (width > 0 and height > 0):
            return
        settings.setOutputSize(QSize(int(size.width() * ratio), int(size.height() * ratio)))
        settings.setOutputDpi(settings.outputDpi() * ratio)
        settings.setRotation(0)
        settings.setExtent(QgsRectangle(map_point.x() - width / 2, map_point.y() - height / 2,
                                        map_point.x() + width / 2, map_point.y() + height / 2))
        drawing = Drawing(letter, settings)
        drawing.ended.connect(self._ended)
        self._drawings[letter] = drawing
        drawing.start()

    def forget(self, letter: str) -> None:
        """Want no picture for a letter any more."""
        drawing = self._drawings.pop(letter, None)
        if drawing is not None:
            drawing.ended.disconnect(self._ended)
            drawing.ended.connect(_bury)
            Thumbnails._ending.append(drawing)
            drawing.give_up()

    def stop(self) -> None:
        """Want no picture any more."""
        for letter in list(self._drawings):
            self.forget(letter)

    def busy(self) -> bool:
        """Tell whether a picture is being drawn."""
        return bool(self._drawings)

    def _ended(self, drawing: Drawing) -> None:
        """Hand out a picture."""
        if self._drawings.get(drawing.letter) is drawing:
            del self._drawings[drawing.letter]
            self.ready.emit(drawing.letter, drawing.image())
        drawing.free()


def _bury(drawing: Drawing) -> None:
    """Free a drawing that was given up."""
    drawing.free()
    if drawing in Thumbnails._ending:
        Thumbnails._ending.remove(drawing)
