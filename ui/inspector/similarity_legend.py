"""The bar that tells which colour stands for which score; plain Qt, no QGIS."""

from __future__ import annotations

from typing import Optional, Sequence

from qgis.PyQt.QtCore import QRect, QSize
from qgis.PyQt.QtGui import QColor, QIcon, QLinearGradient, QPainter, QPaintEvent, QPixmap
from qgis.PyQt.QtWidgets import QHBoxLayout, QLabel, QSizePolicy, QWidget


def gradient_over(area: QRect, stops: Sequence[str]) -> QLinearGradient:
    """Return the colours of a ramp from left to right."""
    gradient = QLinearGradient(float(area.left()), 0.0, float(area.right()), 0.0)
    for number, stop in enumerate(stops):
        gradient.setColorAt(number / (len(stops) - 1), QColor(stop))
    return gradient


def ramp_icon(stops: Sequence[str], size: QSize) -> QIcon:
    """Return a ramp as a small picture for a list."""
    pixmap = QPixmap(size)
    painter = QPainter(pixmap)
    painter.fillRect(pixmap.rect(), gradient_over(pixmap.rect(), stops))
    painter.end()
    return QIcon(pixmap)


class RampBar(QWidget):
    """A strip of a ramp's colours."""

    def __init__(self, parent: Optional[QWidget] = None) -> None:
        """Be one line of text high."""
        super().__init__(parent)
        self._stops: Sequence[str] = ()
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setFixedHeight(max(8, self.fontMetrics().height() * 3 // 4))

    def set_stops(self, stops: Sequence[str]) -> None:
        """Show other colours."""
        self._stops = stops
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802  (the name is Qt's)
        """Draw the strip in a thin frame that shows in light and dark themes."""
        if not self._stops:
            return
        painter = QPainter(self)
        area = self.rect().adjusted(0, 0, -1, -1)
        painter.fillRect(area, gradient_over(area, self._stops))
        painter.setPen(self.palette().mid().color())
        painter.drawRect(area)


class SimilarityLegend(QWidget):
    """A strip of colours between the least and the largest score that they stand for."""

    def __init__(self, parent: Optional[QWidget] = None) -> None:
        """Begin without scores."""
        super().__init__(parent)
        self.setObjectName("similarity_legend")
        self.low, self.high = QLabel(self), QLabel(self)
        self.low.setObjectName("similarity_low")
        self.high.setObjectName("similarity_high")
        self.bar = RampBar(self)
        # Scores change with every move of the pointer, and the strip should not twitch.
        for label in (self.low, self.high):
            label.setMinimumWidth(label.fontMetrics().horizontalAdvance("−0.000"))
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.low)
        layout.addWidget(self.bar, 1)
        layout.addWidget(self.high)

    def set_stops(self, stops: Sequence[str]) -> None:
        """Show the colours of a ramp."""
        self.bar.set_stops(stops)

    def show_scores(self, low: Optional[float], high: Optional[float]) -> None:
        """Write the two ends; None where nothing is shown."""
        self.low.setText(score_text(low))
        self.high.setText(score_text(high))


def score_text(score: Optional[float]) -> str:
    """Return a score with three decimals and a true minus."""
    return "" if score is None else "{:.3f}".format(score).replace("-", "−")
