"""Distances to a reference date as curves over time, with the usual change as a grey band; plain Qt, no QGIS."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import List, Optional, Sequence, Tuple

from qgis.PyQt.QtCore import QEvent, QPointF, QRectF, QSize, Qt, pyqtSignal
from qgis.PyQt.QtGui import (
    QColor,
    QFocusEvent,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QPolygonF,
)
from qgis.PyQt.QtWidgets import QSizePolicy, QWidget

from ..plot_colours import plot_colours

# Told apart by colour, by mark and by line, so that no eye depends on one of them.
COLOURS = ("#0072b2", "#d55e00")
_LINES = (Qt.PenStyle.SolidLine, Qt.PenStyle.DashLine)
_STEPS = (1.0, 2.0, 2.5, 5.0, 10.0)
_TICKS = 5


@dataclass(frozen=True)
class Curve:
    """A place's name and its distances, one a date; NaN where there is no value."""

    name: str
    distances: Tuple[float, ...]


@dataclass(frozen=True)
class Timeline:
    """Dates as written and as numbers that grow with time, the one that all are compared with, and curves.

    `band` holds a lower and an upper bound of the usual change for each date; NaN where it isn't known.
    """

    dates: Tuple[str, ...] = ()
    moments: Tuple[float, ...] = ()
    reference: int = 0
    curves: Tuple[Curve, ...] = ()
    band: Tuple[Tuple[float, float], ...] = ()
    title: str = ""


class TimePlot(QWidget):
    """Draws a timeline; the pointer and the arrow keys tell the numbers of a date."""

    date_shown = pyqtSignal(int)
    """The number of the date that is pointed at, −1 for none."""

    def __init__(self, parent: Optional[QWidget] = None) -> None:
        """Begin with nothing."""
        super().__init__(parent)
        self.setObjectName("time_plot")
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self._timeline = Timeline()
        self._near = -1

    def show_timeline(self, timeline: Timeline) -> None:
        """Show another one."""
        self._timeline = timeline
        self._point_at(-1)
        self.update()

    def timeline(self) -> Timeline:
        """Return what is shown."""
        return self._timeline

    def position(self, date: int, distance: float) -> QPointF:
        """Return where a distance at a date is drawn."""
        area = self._area()
        return QPointF(self._across(date, area), area.bottom() - distance / self._top() * area.height())

    def sizeHint(self) -> QSize:  # noqa: N802  (the name is Qt's)
        """Be large enough to read."""
        letter = self.fontMetrics().height()
        return QSize(20 * letter, 14 * letter)

    def minimumSizeHint(self) -> QSize:  # noqa: N802  (the name is Qt's)
        """Stay usable."""
        letter = self.fontMetrics().height()
        return QSize(10 * letter, 9 * letter)

    # ---- drawing

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802  (the name is Qt's)
        """Draw the band, the axes and the curves."""
        painter = QPainter(self)
        painter.fillRect(self.rect(), plot_colours(self).ground)
        area = self._area()
        self._draw_axes(painter, area)
        if self._timeline.dates:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)
            self._draw_band(painter)
            self._draw_reference(painter, area)
            for number, curve in enumerate(self._timeline.curves):
                self._draw_curve(painter, curve, number)
        if self.hasFocus():
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(plot_colours(self).accent, 2))
            painter.drawRect(self.rect().adjusted(1, 1, -1, -1))

    def _area(self) -> QRectF:
        """Return where curves are drawn: within numbers, dates and titles."""
        line = self.fontMetrics().height()
        left = self.fontMetrics().horizontalAdvance("0.0000") + 10.0
        return QRectF(left, 1.6 * line, max(8.0, self.width() - left - 1.2 * line),
                      max(8.0, self.height() - 3.4 * line))

    def _top(self) -> float:
        """Return the distance at the upper edge."""
        shown = self._timeline
        numbers = [distance for curve in shown.curves for distance in curve.distances]
        numbers += [upper for _, upper in shown.band]
        most = max((number for number in numbers if math.isfinite(number)), default=0.0)
        return most * 1.08 if most > 0 else 1.0

    def _across(self, date: int, area: QRectF) -> float:
        """Return where a date lies."""
        moments = self._timeline.moments
        first, last = min(moments), max(moments)
        share = 0.5 if last == first else (moments[date] - first) / (last - first)
        inset = min(12.0, area.width() / 8)
        return area.left() + inset + share * (area.width() - 2 * inset)

    def _draw_axes(self, painter: QPainter, area: QRectF) -> None:
        """Draw numbers, dates and the title; dates that would touch are left out."""
        text, faint = plot_colours(self).text, self._faint()
        metrics, line = self.fontMetrics(), self.fontMetrics().height()
        painter.setPen(text)
        painter.drawText(QPointF(4.0, 0.3 * line + metrics.ascent()),
                         metrics.elidedText(self._timeline.title, Qt.TextElideMode.ElideRight, self.width() - 8))
        if not self._timeline.dates:
            painter.setPen(QPen(faint, 1))
            painter.drawRect(area)
            return
        for tick in ticks_up_to(self._top()):
            height = area.bottom() - tick / self._top() * area.height()
            painter.setPen(QPen(faint, 1))
            painter.drawLine(QPointF(area.left(), height), QPointF(area.right(), height))
            painter.setPen(text)
            label = "{:g}".format(tick)
            painter.drawText(QPointF(area.left() - 6 - metrics.horizontalAdvance(label),
                                     height + metrics.ascent() / 2 - 1), label)
        for date, place in self._places_of_dates(area):
            label = self._timeline.dates[date]
            painter.setPen(QPen(faint, 1))
            painter.drawLine(QPointF(self._across(date, area), area.bottom()),
                             QPointF(self._across(date, area), area.bottom() + 4))
            painter.setPen(text)
            painter.drawText(QPointF(place, area.bottom() + 4 + metrics.ascent()), label)

    def _places_of_dates(self, area: QRectF) -> "List[Tuple[int, float]]":
        """Return which dates are written, and where each text begins; the first and the last come first."""
        metrics, shown = self.fontMetrics(), self._timeline
        order = sorted(range(len(shown.dates)), key=lambda date: shown.moments[date])
        wanted = [order[0], order[-1], shown.reference, *order[1:-1]] if order else []
        taken: "List[Tuple[float, float]]" = []
        found: "List[Tuple[int, float]]" = []
        for date in dict.fromkeys(wanted):
            width = metrics.horizontalAdvance(shown.dates[date])
            start = min(max(2.0, self._across(date, area) - width / 2), self.width() - width - 2.0)
            if all(start > end + 6 or start + width < begin - 6 for begin, end in taken):
                taken.append((start, start + width))
                found.append((date, start))
        return found

    def _draw_band(self, painter: QPainter) -> None:
        """Draw the usual change as a grey area; dates without it tear the area."""
        grey = plot_colours(self).text
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(grey.red(), grey.green(), grey.blue(), 45))
        for run in _runs(self._in_time(), [math.isfinite(low + high) for low, high in self._timeline.band]):
            upper = [self.position(date, self._timeline.band[date][1]) for date in run]
            lower = [self.position(date, self._timeline.band[date][0]) for date in reversed(run)]
            if len(run) > 1:
                painter.drawPolygon(QPolygonF(upper + lower))
            else:
                painter.drawRect(QRectF(upper[0] - QPointF(4, 0), lower[0] + QPointF(4, 0)))

    def _draw_reference(self, painter: QPainter, area: QRectF) -> None:
        """Draw a line at the date that all are compared with, and one at the date that is pointed at."""
        for date, style in ((self._timeline.reference, Qt.PenStyle.DotLine), (self._near, Qt.PenStyle.SolidLine)):
            if 0 <= date < len(self._timeline.dates):
                painter.setPen(QPen(plot_colours(self).text, 1, style))
                across = self._across(date, area)
                painter.drawLine(QPointF(across, area.top()), QPointF(across, area.bottom()))

    def _draw_curve(self, painter: QPainter, curve: Curve, number: int) -> None:
        """Draw a curve with a mark at each date; dates without a value tear it."""
        colour = curve_colour(number, plot_colours(self).ground)
        known = [math.isfinite(distance) for distance in curve.distances]
        for run in _runs(self._in_time(), known):
            places = [self.position(date, curve.distances[date]) for date in run]
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(colour, 2, _LINES[number % len(_LINES)]))
            painter.drawPolyline(QPolygonF(places))
            painter.setPen(QPen(colour, 2))
            painter.setBrush(plot_colours(self).ground)
            for date, place in zip(run, places):
                size = 6.0 if date == self._near else 4.0
                box = QRectF(place.x() - size, place.y() - size, 2 * size, 2 * size)
                if number % 2:
                    painter.drawRect(box)
                else:
                    painter.drawEllipse(box)

    def _in_time(self) -> List[int]:
        """Return the dates in their order."""
        return sorted(range(len(self._timeline.dates)), key=lambda date: self._timeline.moments[date])

    def _faint(self) -> QColor:
        """Return a colour between ground and text."""
        ground, text = plot_colours(self).ground, plot_colours(self).text
        return QColor(*((3 * one + two) // 4 for one, two in zip(ground.getRgb()[:3], text.getRgb()[:3])))

    # ---- the hand

    def mouseMoveEvent(self, event: QMouseEvent) -> None:  # noqa: N802  (the name is Qt's)
        """Point at the nearest date."""
        at = event.position() if hasattr(event, "position") else QPointF(event.localPos())
        area, count = self._area(), len(self._timeline.dates)
        self._point_at(min(range(count), key=lambda date: abs(self._across(date, area) - at.x())) if count else -1)

    def leaveEvent(self, event: QEvent) -> None:  # noqa: N802  (the name is Qt's)
        """Point at nothing any more."""
        self._point_at(-1)
        super().leaveEvent(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802  (the name is Qt's)
        """Go from date to date."""
        order = self._in_time()
        step = {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1}.get(event.key(), 0)
        if not order or not step:
            super().keyPressEvent(event)
            return
        now = order.index(self._near) if self._near in order else (-1 if step > 0 else len(order))
        self._point_at(order[min(max(0, now + step), len(order) - 1)])
        event.accept()

    def focusInEvent(self, event: QFocusEvent) -> None:  # noqa: N802  (the name is Qt's)
        """Show the focus."""
        super().focusInEvent(event)
        self.update()

    def focusOutEvent(self, event: QFocusEvent) -> None:  # noqa: N802  (the name is Qt's)
        """Show that the focus is elsewhere."""
        super().focusOutEvent(event)
        self.update()

    def _point_at(self, date: int) -> None:
        """Tell which date is pointed at."""
        if date != self._near:
            self._near = date
            self.date_shown.emit(date)
            self.update()


def curve_colour(number: int, ground: QColor) -> QColor:
    """Return the colour of a curve, lighter on a dark ground."""
    colour = QColor(COLOURS[number % len(COLOURS)])
    return colour.lighter(150) if ground.lightness() < 128 else colour


def ticks_up_to(most: float) -> List[float]:
    """Return round numbers from 0 up to `most`, about five of them."""
    if not most > 0:
        return [0.0]
    rough = most / _TICKS
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * part for part in _STEPS if power * part >= rough * 0.999)
    return [number * step for number in range(int(most / step + 1e-9) + 1)]


def _runs(order: Sequence[int], known: Sequence[bool]) -> "List[List[int]]":
    """Return stretches of dates that follow each other and have a value."""
    found: "List[List[int]]" = [[]]
    for date in order:
        if date < len(known) and known[date]:
            found[-1].append(date)
        elif found[-1]:
            found.append([])
    return [run for run in found if run]
