"""A plot of very many points that moves with the hand: wheel, drag, lasso, box and keys; plain Qt, no QGIS."""

from __future__ import annotations

from dataclasses import dataclass
from typing import List, Optional, Tuple

import numpy as np
from qgis.PyQt.QtCore import QEvent, QPointF, QRect, QRectF, QSize, Qt, QTimer, pyqtSignal
from qgis.PyQt.QtGui import (
    QColor,
    QFocusEvent,
    QImage,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QPolygonF,
    QResizeEvent,
    QWheelEvent,
)
from qgis.PyQt.QtWidgets import QApplication, QSizePolicy, QWidget

from ..plot_colours import plot_colours
from .cloud_picture import CloudColours, Marks, draw_cloud

LASSO, BOX, MOVE = "lasso", "box", "move"
SET, ADD, TAKE = "set", "add", "take"
_NEAR = 8.0
_ZOOM_STEP = 1.25
_PAN_STEP = 0.1
_REDRAW_MS = 25
_MARGIN = 0.05
_MOST_ZOOM = 1e6


@dataclass(frozen=True)
class PlotView:
    """Which point of the plane is in the middle, and how many pixels a unit of the plane is."""

    x: float = 0.0
    y: float = 0.0
    scale: float = 1.0


class ScatterPlot(QWidget):
    """Shows points `(n, 2)` and says what is pointed at, clicked and encircled; both axes have one scale."""

    hovered = pyqtSignal(int)
    """The number of the point under the pointer, −1 where there is none."""
    picked = pyqtSignal(int)
    """The number of the point that was clicked."""
    encircled = pyqtSignal(object, str)
    """The corners `(k, 2)` of a lasso or box in the plane, and SET, ADD or TAKE."""

    def __init__(self, parent: Optional[QWidget] = None) -> None:
        """Begin with no points."""
        super().__init__(parent)
        self.setObjectName("scatter_plot")
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self._points = np.empty((0, 2), dtype=np.float64)
        self._reachable = self._points
        self._bounds: Optional[Tuple[np.ndarray, np.ndarray]] = None
        self._order = np.empty(0, dtype=np.int64)
        self._colours = CloudColours(np.empty((0, 3)))
        self._chosen: Optional[np.ndarray] = None
        self._titles = ("", "")
        self._mode = LASSO
        self._view = PlotView()
        self._fits = True
        self._drawn: Optional[QImage] = None
        self._drawn_view = self._view
        self._pixels: Optional[np.ndarray] = None
        self._pressed: Optional[QPointF] = None
        self._panning = False
        self._dragged = False
        self._trail: List[QPointF] = []
        self._near = -1
        self._here = -1
        self._redraw = QTimer(self)
        self._redraw.setSingleShot(True)
        self._redraw.setInterval(_REDRAW_MS)
        self._redraw.timeout.connect(self._draw_anew)
        self._set_cursor()

    # ---- what is shown

    def set_points(self, points: np.ndarray, colours: np.ndarray) -> None:
        """Show other points `(n, 2)` with uint8 colours `(n, 3)`, all of them in sight."""
        self._points = np.asarray(points, dtype=np.float64).reshape(-1, 2)
        known = np.isfinite(self._points).all(axis=1)
        # What is nowhere is infinitely far from everything, so that no search finds it.
        self._reachable = np.asfortranarray(np.where(known[:, None], self._points, np.inf))
        self._bounds = (self._points[known].min(axis=0), self._points[known].max(axis=0)) if known.any() else None
        # In an order of chance no class lies above another one only because it comes later in the table.
        self._order = np.random.default_rng(0).permutation(len(self._points))
        self._chosen = None
        self._near = self._here = -1
        self.set_colours(colours)
        self.fit()

    def set_colours(self, colours: np.ndarray) -> None:
        """Show the same points in other colours, uint8 `(n, 3)`."""
        self._colours = CloudColours(np.asarray(colours)[self._order])
        self._draw_soon()

    def set_chosen(self, chosen: Optional[np.ndarray]) -> None:
        """Light up some points, `(n,)` True, or none."""
        self._chosen = None if chosen is None or not chosen.any() else np.asarray(chosen, dtype=bool)
        self._draw_soon()

    def set_here(self, number: int) -> None:
        """Put a ring around a point, or around none (−1)."""
        self._here = number
        self.update()

    def set_titles(self, across: str, up: str) -> None:
        """Name the axes."""
        self._titles = across, up
        self.update()

    def set_mode(self, mode: str) -> None:
        """Say what a drag with the left button does: LASSO, BOX or MOVE."""
        self._mode = mode
        self._give_up()
        self._set_cursor()

    def fit(self) -> None:
        """Bring all points into sight."""
        self._fits = True
        self._view = self._fitting()
        self._draw_soon()

    def points(self) -> np.ndarray:
        """Return the points as they were given."""
        return self._points

    def chosen(self) -> np.ndarray:
        """Return which points are lit up."""
        return np.zeros(len(self._points), dtype=bool) if self._chosen is None else self._chosen

    def view(self) -> PlotView:
        """Return what is in sight."""
        return self._view

    def pixels_of(self, points: np.ndarray) -> np.ndarray:
        """Return where points `(k, 2)` of the plane lie on the widget."""
        return self._to_pixels(np.asarray(points, dtype=np.float64).reshape(-1, 2), self._view)

    def places_of(self, pixels: np.ndarray) -> np.ndarray:
        """Return which points of the plane lie at pixels `(k, 2)` of the widget."""
        middle = self._area().center()
        found = np.asarray(pixels, dtype=np.float64).reshape(-1, 2)
        return np.stack([(found[:, 0] - middle.x()) / self._view.scale + self._view.x,
                         (middle.y() - found[:, 1]) / self._view.scale + self._view.y], axis=1)

    def corners_in_sight(self) -> np.ndarray:
        """Return the corners `(4, 2)` of what is in sight."""
        area = self._area()
        return self.places_of(np.array([[area.left(), area.top()], [area.right(), area.top()],
                                        [area.right(), area.bottom()], [area.left(), area.bottom()]]))

    def nearest(self, at: QPointF) -> int:
        """Return the number of the point nearest to a pixel, −1 where none is near."""
        found, apart = self._nearest_to(self.places_of(np.array([[at.x(), at.y()]]))[0])
        return found if apart <= _NEAR / self._view.scale else -1

    def _nearest_to(self, place: np.ndarray) -> Tuple[int, float]:
        """Return the number of the point nearest to one of the plane, and how far it is; −1 where there is none."""
        if self._bounds is None:
            return -1, float("inf")
        x, y = self._reachable[:, 0] - place[0], self._reachable[:, 1] - place[1]
        apart = x * x + y * y
        found = int(apart.argmin())
        return found, float(apart[found]) ** 0.5

    def sizeHint(self) -> QSize:  # noqa: N802  (the name is Qt's)
        """Be large enough to see something."""
        letter = self.fontMetrics().height()
        return QSize(20 * letter, 18 * letter)

    def minimumSizeHint(self) -> QSize:  # noqa: N802  (the name is Qt's)
        """Stay usable."""
        letter = self.fontMetrics().height()
        return QSize(10 * letter, 10 * letter)

    # ---- drawing

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802  (the name is Qt's)
        """Draw ground, points, axes and the lasso; a picture that is a moment old is moved and stretched to fit."""
        painter = QPainter(self)
        area = self._area()
        painter.fillRect(self.rect(), plot_colours(self).ground)
        if self._drawn is None:
            self._draw_anew()
        painter.save()
        painter.setClipRect(area)
        self._draw_zero(painter, area)
        if self._drawn is not None:
            painter.drawImage(self._where_drawn(area), self._drawn, QRectF(self._drawn.rect()))
        for number, width in ((self._near, 2.0), (self._here, 3.0)):
            if 0 <= number < len(self._points):
                self._draw_ring(painter, number, width)
        if self._trail:
            self._draw_trail(painter)
        painter.restore()
        self._draw_frame(painter, area)

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802  (the name is Qt's)
        """Keep all in sight if all was."""
        super().resizeEvent(event)
        if self._fits:
            self._view = self._fitting()
        self._drawn = None

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802  (the name is Qt's)
        """Follow a change of the theme."""
        super().changeEvent(event)
        if event.type() in (QEvent.Type.PaletteChange, QEvent.Type.StyleChange, QEvent.Type.FontChange):
            self._drawn = None
            self.update()

    def _area(self) -> QRectF:
        """Return where points are drawn: within the titles of the axes."""
        line = float(self.fontMetrics().height() + 4)
        return QRectF(line, 2.0, max(8.0, self.width() - line - 2.0), max(8.0, self.height() - line - 2.0))

    def _to_pixels(self, points: np.ndarray, view: PlotView) -> np.ndarray:
        """Return where points lie on the widget in a view."""
        middle = self._area().center()
        return np.stack([middle.x() + (points[:, 0] - view.x) * view.scale,
                         middle.y() - (points[:, 1] - view.y) * view.scale], axis=1)

    def _fitting(self) -> PlotView:
        """Return the view with all points."""
        if self._bounds is None:
            return PlotView()
        low, high = self._bounds
        area = self._area()
        span = np.maximum(high - low, 1e-9 * max(1.0, float(np.abs([low, high]).max())))
        scale = min(area.width() / span[0], area.height() / span[1]) * (1 - 2 * _MARGIN)
        middle = (low + high) / 2
        return PlotView(float(middle[0]), float(middle[1]), float(scale))

    def _draw_soon(self) -> None:
        """Draw anew when Qt comes to it; many wishes at once make one picture."""
        if not self._redraw.isActive():
            self._redraw.start()
        self.update()

    def _draw_anew(self) -> None:
        """Make the picture of the points for the view as it is."""
        self._redraw.stop()
        area, ratio = self._area(), self.devicePixelRatioF()
        size = max(1, round(area.width() * ratio)), max(1, round(area.height() * ratio))
        view, ordered = self._view, self._points[self._order]
        columns = ((ordered[:, 0] - view.x) * view.scale + area.width() / 2) * ratio
        rows = ((view.y - ordered[:, 1]) * view.scale + area.height() / 2) * ratio
        chosen = None if self._chosen is None else self._chosen[self._order]
        ring = plot_colours(self).text.rgb()
        self._pixels = draw_cloud(columns, rows, self._colours, chosen, size, Marks(self._radius(ratio), ring))
        # QImage doesn't copy what it shows, so the array lives as long as the picture.
        self._drawn = QImage(self._pixels.data, size[0], size[1], 4 * size[0],
                             QImage.Format.Format_ARGB32_Premultiplied)
        self._drawn_view = view
        self.update()

    def _radius(self, ratio: float) -> int:
        """Return how large points are: few ones are larger."""
        few = 3 if len(self._points) <= 2000 else 2 if len(self._points) <= 20_000 else 1
        return max(1, round(few * ratio))

    def _where_drawn(self, area: QRectF) -> QRectF:
        """Return where the picture belongs, should the view have moved since it was made."""
        stretch = self._view.scale / self._drawn_view.scale
        x = area.center().x() + (self._drawn_view.x - self._view.x) * self._view.scale
        y = area.center().y() - (self._drawn_view.y - self._view.y) * self._view.scale
        width, height = area.width() * stretch, area.height() * stretch
        return QRectF(x - width / 2, y - height / 2, width, height)

    def _draw_zero(self, painter: QPainter, area: QRectF) -> None:
        """Draw the lines on which a coordinate is 0."""
        zero = self.pixels_of(np.zeros((1, 2)))[0]
        painter.setPen(QPen(self._faint(), 1))
        if len(self._points):
            painter.drawLine(QPointF(zero[0], area.top()), QPointF(zero[0], area.bottom()))
            painter.drawLine(QPointF(area.left(), zero[1]), QPointF(area.right(), zero[1]))

    def _draw_ring(self, painter: QPainter, number: int, width: float) -> None:
        """Put a ring around a point, in two colours so that it shows on any ground."""
        at = self.pixels_of(self._points[number])[0]
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)
        for colour, thick in ((plot_colours(self).ground, width + 2.0),
                              (plot_colours(self).text, width)):
            painter.setPen(QPen(colour, thick))
            painter.drawEllipse(QPointF(at[0], at[1]), 6.0, 6.0)

    def _draw_trail(self, painter: QPainter) -> None:
        """Draw the lasso or the box so far."""
        colour = plot_colours(self).accent
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)
        painter.setPen(QPen(colour, 2))
        painter.setBrush(QColor(colour.red(), colour.green(), colour.blue(), 40))
        painter.drawPolygon(QPolygonF(self._corners()))

    def _draw_frame(self, painter: QPainter, area: QRectF) -> None:
        """Draw the frame, thicker with the focus, and the titles."""
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        colours = plot_colours(self)
        painter.setPen(QPen(colours.accent, 2) if self.hasFocus() else QPen(colours.line, 1))
        painter.drawRect(area)
        painter.setPen(plot_colours(self).text)
        line, metrics = self.fontMetrics().height() + 2, self.fontMetrics()
        centre = Qt.AlignmentFlag.AlignCenter
        across, width, height = self._titles[0], int(area.width()), int(area.height())
        painter.drawText(QRect(int(area.left()), self.height() - line, width, line), centre,
                         metrics.elidedText(across, Qt.TextElideMode.ElideRight, width))
        painter.save()
        painter.translate(0.0, area.bottom())
        painter.rotate(-90.0)
        painter.drawText(QRect(0, 0, height, line), centre,
                         metrics.elidedText(self._titles[1], Qt.TextElideMode.ElideRight, height))
        painter.restore()

    def _faint(self) -> QColor:
        """Return a colour between ground and text."""
        ground, text = plot_colours(self).ground, plot_colours(self).text
        return QColor(*((3 * one + two) // 4 for one, two in zip(ground.getRgb()[:3], text.getRgb()[:3])))

    # ---- the hand

    def wheelEvent(self, event: QWheelEvent) -> None:  # noqa: N802  (the name is Qt's)
        """Zoom where the pointer is."""
        turns = event.angleDelta().y() / 120.0
        if turns:
            self._zoom(_ZOOM_STEP ** turns, event.position())
        event.accept()

    def mousePressEvent(self, event: QMouseEvent) -> None:  # noqa: N802  (the name is Qt's)
        """Begin a lasso, a box, a move or a click."""
        if event.button() not in (Qt.MouseButton.LeftButton, Qt.MouseButton.MiddleButton):
            event.ignore()
            return
        self._give_up()
        self._pressed = _at(event)
        self._panning = event.button() == Qt.MouseButton.MiddleButton or self._mode == MOVE
        self._set_cursor()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:  # noqa: N802  (the name is Qt's)
        """Follow the hand."""
        now = _at(event)
        if self._pressed is None:
            self._point_at(self.nearest(now) if self._area().contains(now) else -1)
        elif self._panning:
            if self._dragged or self._is_drag(now):
                self._dragged = True
                self._move(now - self._pressed)
                self._pressed = now
        elif self._trail or self._is_drag(now):
            self._trail = [*(self._trail or [self._pressed]), now]
            self.update()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:  # noqa: N802  (the name is Qt's)
        """Tell what was encircled or clicked."""
        if self._pressed is None:
            return
        trail, moved, pressed = self._corners(), self._dragged, self._pressed
        self._give_up()
        self._set_cursor()
        if trail:
            corners = self.places_of(np.array([[corner.x(), corner.y()] for corner in trail]))
            self.encircled.emit(corners, mode_of(event.modifiers()))
        elif not moved and event.button() == Qt.MouseButton.LeftButton:
            number = self.nearest(pressed)
            if number >= 0:
                self.picked.emit(number)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:  # noqa: N802  (the name is Qt's)
        """A second click says nothing that the first did not."""
        event.accept()

    def leaveEvent(self, event: QEvent) -> None:  # noqa: N802  (the name is Qt's)
        """Point at nothing any more."""
        self._point_at(-1)
        super().leaveEvent(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802  (the name is Qt's)
        """Move with arrows, zoom with plus and minus, Home shows all, Ctrl+A takes all in sight, Enter picks."""
        key = event.key()
        steps = {Qt.Key.Key_Left: (1, 0), Qt.Key.Key_Right: (-1, 0), Qt.Key.Key_Up: (0, 1), Qt.Key.Key_Down: (0, -1)}
        middle = self._area().center()
        if key in steps:
            across, down = steps[key]
            self._move(QPointF(across * _PAN_STEP * self._area().width(), down * _PAN_STEP * self._area().height()))
        elif key in (Qt.Key.Key_Plus, Qt.Key.Key_Equal):
            self._zoom(_ZOOM_STEP, middle)
        elif key == Qt.Key.Key_Minus:
            self._zoom(1 / _ZOOM_STEP, middle)
        elif key == Qt.Key.Key_Home:
            self.fit()
        elif key == Qt.Key.Key_A and event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            self.encircled.emit(self.corners_in_sight(), SET)
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self._pick_middle()
        elif key == Qt.Key.Key_Escape and self._pressed is not None:
            self._give_up()
        else:
            super().keyPressEvent(event)
            return
        event.accept()

    def focusInEvent(self, event: QFocusEvent) -> None:  # noqa: N802  (the name is Qt's)
        """Show the focus."""
        super().focusInEvent(event)
        self.update()

    def focusOutEvent(self, event: QFocusEvent) -> None:  # noqa: N802  (the name is Qt's)
        """Show that the focus is elsewhere."""
        super().focusOutEvent(event)
        self.update()

    def _pick_middle(self) -> None:
        """Do what a click on the point nearest to the middle does."""
        number, _ = self._nearest_to(np.array([self._view.x, self._view.y]))
        if number >= 0:
            self.picked.emit(number)

    def _point_at(self, number: int) -> None:
        """Tell what the pointer is on."""
        if number != self._near:
            self._near = number
            self.hovered.emit(number)
            self.update()

    def _move(self, by: QPointF) -> None:
        """Move what is in sight by so many pixels."""
        view = self._view
        self._set_view(PlotView(view.x - by.x() / view.scale, view.y + by.y() / view.scale, view.scale))

    def _zoom(self, factor: float, at: QPointF) -> None:
        """Zoom by a factor; what lies at a pixel stays there."""
        whole = self._fitting().scale
        scale = min(max(self._view.scale * factor, whole / 20), whole * _MOST_ZOOM)
        stays, middle = self.places_of(np.array([[at.x(), at.y()]]))[0], self._area().center()
        self._set_view(PlotView(float(stays[0] - (at.x() - middle.x()) / scale),
                                float(stays[1] + (at.y() - middle.y()) / scale), scale))

    def _set_view(self, view: PlotView) -> None:
        """Show another part."""
        self._fits = False
        self._view = view
        self._draw_soon()

    def _is_drag(self, now: QPointF) -> bool:
        """Tell a drag from a hand that isn't quite still."""
        return self._pressed is not None and (now - self._pressed).manhattanLength() >= QApplication.startDragDistance()

    def _corners(self) -> List[QPointF]:
        """Return the corners of the lasso or the box so far."""
        if not self._trail or self._mode != BOX:
            return list(self._trail)
        one, two = self._trail[0], self._trail[-1]
        return [one, QPointF(two.x(), one.y()), two, QPointF(one.x(), two.y())]

    def _give_up(self) -> None:
        """Forget what was begun."""
        self._pressed = None
        self._panning = self._dragged = False
        self._trail = []
        self.update()

    def _set_cursor(self) -> None:
        """Show what a drag does."""
        hand = Qt.CursorShape.ClosedHandCursor if self._panning else Qt.CursorShape.OpenHandCursor
        self.setCursor(hand if self._panning or self._mode == MOVE else Qt.CursorShape.CrossCursor)


def mode_of(modifiers: Qt.KeyboardModifier) -> str:
    """Return what keys mean: Shift adds, Ctrl takes away."""
    if modifiers & Qt.KeyboardModifier.ShiftModifier:
        return ADD
    return TAKE if modifiers & Qt.KeyboardModifier.ControlModifier else SET


def _at(event: QMouseEvent) -> QPointF:
    """Return where an event happened; Qt 5 and Qt 6 name it differently."""
    return event.position() if hasattr(event, "position") else QPointF(event.localPos())
