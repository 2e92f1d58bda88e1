"""A small picture of a place under a letter; plain Qt, no QGIS."""

from __future__ import annotations

from typing import Optional

from qgis.PyQt.QtCore import QPointF, QRectF, QSize, Qt
from qgis.PyQt.QtGui import QImage, QPainter, QPaintEvent, QPen
from qgis.PyQt.QtWidgets import QSizePolicy, QWidget

from ..plot_colours import plot_colours


class ThumbnailWidget(QWidget):
    """Shows a picture with a ring in its middle, or a sentence where there is none."""

    def __init__(self, letter: str, parent: Optional[QWidget] = None) -> None:
        """Begin empty."""
        super().__init__(parent)
        self._letter = letter
        self._image = QImage()
        self._text = ""
        self.setObjectName("thumbnail_" + letter)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def show_image(self, image: QImage) -> None:
        """Show a picture."""
        self._image = QImage(image)
        self.update()

    def show_text(self, text: str) -> None:
        """Show a sentence and no picture."""
        self._image, self._text = QImage(), text
        self.setAccessibleName(text)
        self.update()

    def image(self) -> QImage:
        """Return the picture shown."""
        return self._image

    def picture_size(self) -> QSize:
        """Return how large a picture is wanted."""
        return QSize(max(self.width(), 1), max(self.height(), 1))

    def sizeHint(self) -> QSize:  # noqa: N802  (the name is Qt's)
        """Ask for some lines of text in height."""
        metrics = self.fontMetrics()
        return QSize(metrics.averageCharWidth() * 20, metrics.height() * 7)

    def minimumSizeHint(self) -> QSize:  # noqa: N802  (the name is Qt's)
        """Stay legible."""
        metrics = self.fontMetrics()
        return QSize(metrics.averageCharWidth() * 12, metrics.height() * 7)

    def paintEvent(self, _event: QPaintEvent) -> None:  # noqa: N802  (the name is Qt's)
        """Draw the picture and the ring, or the sentence, in a frame."""
        painter, colours = QPainter(self), plot_colours(self)
        unit = float(self.fontMetrics().height())
        painter.fillRect(self.rect(), colours.ground)
        painter.setPen(colours.text)
        if self._image.isNull():
            room = QRectF(self.rect()).adjusted(unit * 0.4, unit * 0.4, -unit * 0.4, -unit * 0.4)
            flags = Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap
            painter.drawText(room, int(flags), self._text)
        else:
            self._draw_image(painter, unit)
        painter.setPen(colours.line)
        painter.drawRect(self.rect().adjusted(0, 0, -1, -1))
        painter.end()

    def _draw_image(self, painter: QPainter, unit: float) -> None:
        """Draw the picture in the middle, with a ring around the place."""
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, True)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)
        scale = max(self.width() / self._image.width(), self.height() / self._image.height())
        width, height = self._image.width() * scale, self._image.height() * scale
        painter.save()
        painter.setClipRect(self.rect())
        painter.drawImage(QRectF((self.width() - width) / 2, (self.height() - height) / 2, width, height), self._image)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        middle = QPointF(self.width() / 2, self.height() / 2)
        for colour, thickness in ((Qt.GlobalColor.white, unit * 0.28), (Qt.GlobalColor.black, unit * 0.12)):
            painter.setPen(QPen(colour, thickness))
            painter.drawEllipse(middle, unit * 0.5, unit * 0.5)
        painter.restore()
