"""A vector as bars: up and down from zero, in an order and in groups, one of them current; plain Qt, no QGIS."""

from __future__ import annotations

from dataclasses import dataclass
from typing import List, Optional, Sequence, Tuple

from qgis.PyQt.QtCore import QEvent, QPoint, QPointF, QRect, QRectF, QSize, Qt, pyqtSignal
from qgis.PyQt.QtGui import QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen
from qgis.PyQt.QtWidgets import QSizePolicy, QToolTip, QWidget

from ..plot_colours import PlotColours, plot_colours


@dataclass(frozen=True)
class Bar:
    """A number with its name."""

    label: str
    value: float


@dataclass(frozen=True)
class BarGroup:
    """So many bars that belong together, under a title."""

    title: str
    count: int


class BarsWidget(QWidget):
    """Draws bars in the palette's colours; where there are more bars than pixels, a column shows their range."""

    current_changed = pyqtSignal(int)

    def __init__(self, parent: Optional[QWidget] = None) -> None:
        """Begin empty."""
        super().__init__(parent)
        self._bars: Tuple[Bar, ...] = ()
        self._groups: Tuple[BarGroup, ...] = ()
        self._current = -1
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.MinimumExpanding)
        self.setMouseTracking(True)

    def show_bars(self, bars: Sequence[Bar], groups: Sequence[BarGroup] = ()) -> None:
        """Show other bars; the current one stays at its place in the row if there is one."""
        self._bars, self._groups = tuple(bars), tuple(groups)
        if self._current >= len(self._bars):
            self._current = -1
        self.update()
        self.current_changed.emit(self._current)

    def bars(self) -> List[Bar]:
        """Return what is shown, from left to right."""
        return list(self._bars)

    def current(self) -> int:
        """Return the place of the current bar, −1 where there is none."""
        return self._current

    def set_current(self, index: int) -> None:
        """Point at a bar; −1 at none."""
        index = min(max(index, -1), len(self._bars) - 1)
        if index != self._current:
            self._current = index
            self.update()
            self.current_changed.emit(index)

    def sizeHint(self) -> QSize:  # noqa: N802  (the name is Qt's)
        """Ask for some lines of text in height."""
        metrics = self.fontMetrics()
        return QSize(metrics.averageCharWidth() * 40, metrics.height() * 8)

    def minimumSizeHint(self) -> QSize:  # noqa: N802  (the name is Qt's)
        """Stay legible."""
        metrics = self.fontMetrics()
        return QSize(metrics.averageCharWidth() * 16, metrics.height() * 6)

    def bar_at(self, x: float) -> int:
        """Return the bar under a horizontal position, −1 where there is none."""
        area = self._area()
        if not self._bars or not area.left() <= x <= area.left() + area.width():
            return -1
        return min(int((x - area.left()) / max(1.0, area.width()) * len(self._bars)), len(self._bars) - 1)

    def paintEvent(self, _event: QPaintEvent) -> None:  # noqa: N802  (the name is Qt's)
        """Draw groups, bars, the line of zero, the scale and the current bar."""
        painter, colours = QPainter(self), plot_colours(self)
        painter.fillRect(self.rect(), colours.ground)
        if self._bars:
            area = self._area()
            low, high = self._range()
            self._draw_groups(painter, area, colours)
            self._draw_bars(painter, area, low, high, colours)
            self._draw_scale(painter, area, low, high, colours)
            self._draw_current(painter, area, colours)
        if self.hasFocus():
            painter.setPen(QPen(colours.text, 1, Qt.PenStyle.DotLine))
            painter.drawRect(self.rect().adjusted(0, 0, -1, -1))
        painter.end()

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802  (the name is Qt's)
        """Walk along the bars with the arrow keys."""
        last = len(self._bars) - 1
        page = max(1, len(self._bars) // 10)
        steps = {Qt.Key.Key_Left: self._current - 1, Qt.Key.Key_Right: self._current + 1, Qt.Key.Key_Home: 0,
                 Qt.Key.Key_End: last, Qt.Key.Key_PageUp: self._current - page,
                 Qt.Key.Key_PageDown: self._current + page}
        if event.key() in steps and last >= 0:
            self.set_current(min(max(steps[event.key()], 0), last))
            event.accept()
            return
        super().keyPressEvent(event)

    def mousePressEvent(self, event: QMouseEvent) -> None:  # noqa: N802  (the name is Qt's)
        """Point at the bar that is clicked."""
        if event.button() == Qt.MouseButton.LeftButton:
            self.set_current(self.bar_at(event.pos().x()))

    def event(self, event: QEvent) -> bool:
        """Name the bar under the pointer."""
        if event.type() == QEvent.Type.ToolTip:
            index = self.bar_at(event.pos().x())
            text = self.text_of(index)
            if text:
                QToolTip.showText(event.globalPos(), text, self, QRect(event.pos() - QPoint(2, 2), QSize(4, 4)))
            else:
                QToolTip.hideText()
            return True
        return super().event(event)

    def text_of(self, index: int) -> str:
        """Return a bar's name and number."""
        if not 0 <= index < len(self._bars):
            return ""
        bar = self._bars[index]
        return "{}: {:.5g}".format(bar.label, bar.value)

    def _area(self) -> QRectF:
        """Return where bars are drawn: right of the scale, above the titles of groups."""
        metrics = self.fontMetrics()
        low, high = self._range()
        left = max(metrics.horizontalAdvance(_scale_text(value)) for value in (low, high)) + metrics.averageCharWidth()
        bottom = metrics.height() if self._groups else metrics.descent()
        return QRectF(left, metrics.height() * 0.5, max(1.0, self.width() - left - metrics.averageCharWidth() * 0.5),
                      max(1.0, self.height() - metrics.height() * 0.5 - bottom - metrics.descent()))

    def _range(self) -> "Tuple[float, float]":
        """Return the lowest and highest number, with zero between them."""
        values = [bar.value for bar in self._bars] or [0.0]
        low, high = min(0.0, *values), max(0.0, *values)
        return (low, high) if high > low else (low, low + 1.0)

    def _draw_groups(self, painter: QPainter, area: QRectF, colours: PlotColours) -> None:
        """Shade every other group and write its title where it fits."""
        start, metrics = 0, self.fontMetrics()
        for number, group in enumerate(self._groups):
            left = area.left() + area.width() * start / len(self._bars)
            width = area.width() * group.count / len(self._bars)
            if number % 2:
                painter.fillRect(QRectF(left, area.top(), width, area.height()), colours.shade)
            painter.setPen(colours.text)
            room = QRectF(left, area.bottom() + metrics.descent() * 0.5, width, metrics.height())
            painter.drawText(room, int(Qt.AlignmentFlag.AlignCenter),
                             metrics.elidedText(group.title, Qt.TextElideMode.ElideRight, int(width)))
            start += group.count

    def _draw_bars(self, painter: QPainter, area: QRectF, low: float, high: float, colours: PlotColours) -> None:
        """Draw a bar each, or the range of all that fall into a column of pixels."""
        count, span = len(self._bars), high - low
        zero = area.bottom() - area.height() * (0.0 - low) / span
        columns = min(count, max(1, int(area.width())))
        width = area.width() / columns
        gap = min(1.0, width * 0.2) if width > 2 else 0.0
        for column in range(columns):
            part = self._bars[column * count // columns:max(column * count // columns + 1,
                                                            (column + 1) * count // columns)]
            top = max(0.0, *(bar.value for bar in part)) if len(part) > 1 else max(0.0, part[0].value)
            bottom = min(0.0, *(bar.value for bar in part)) if len(part) > 1 else min(0.0, part[0].value)
            upper = zero - top / span * area.height()
            lower = zero - bottom / span * area.height()
            painter.fillRect(QRectF(area.left() + column * width, upper, max(width - gap, 0.5),
                                    max(lower - upper, 0.5)), colours.accent)
        painter.setPen(colours.text)
        painter.drawLine(QPointF(area.left(), zero), QPointF(area.right(), zero))

    def _draw_scale(self, painter: QPainter, area: QRectF, low: float, high: float, colours: PlotColours) -> None:
        """Write the lowest and highest number beside the bars, and zero where there is room for it."""
        metrics = self.fontMetrics()
        painter.setPen(colours.text)
        written: List[float] = []
        for value in (high, low, 0.0):
            y = area.bottom() - area.height() * (value - low) / (high - low)
            y = min(max(y, metrics.height() * 0.5), self.height() - metrics.height() * 0.5)
            if any(abs(y - other) < metrics.height() for other in written):
                continue
            written.append(y)
            room = QRectF(0, y - metrics.height() * 0.5, area.left() - metrics.averageCharWidth() * 0.5,
                          metrics.height())
            painter.drawText(room, int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter),
                             _scale_text(value))

    def _draw_current(self, painter: QPainter, area: QRectF, colours: PlotColours) -> None:
        """Frame the current bar."""
        if not 0 <= self._current < len(self._bars):
            return
        width = area.width() / len(self._bars)
        frame = QRectF(area.left() + self._current * width - 1, area.top(), max(width + 1, 3.0), area.height())
        painter.setPen(QPen(colours.text, 1))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawRect(frame)


def _scale_text(value: float) -> str:
    """Write a number of the scale."""
    return "{:.3g}".format(value)
