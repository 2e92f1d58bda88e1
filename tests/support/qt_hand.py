"""A hand on a widget: moves, drags and turns of the wheel, also where there is no pointer that QTest could move."""

from __future__ import annotations

from typing import Sequence

from qgis.PyQt.QtCore import QEvent, QPoint, QPointF, Qt
from qgis.PyQt.QtGui import QMouseEvent
from qgis.PyQt.QtTest import QTest
from qgis.PyQt.QtWidgets import QApplication, QWidget


def hover(widget: QWidget, at: QPointF, buttons=Qt.MouseButton.NoButton) -> None:
    """Move over a widget."""
    there = QPointF(widget.mapToGlobal(QPoint(int(at.x()), int(at.y()))))
    event = QMouseEvent(QEvent.Type.MouseMove, QPointF(at), there, Qt.MouseButton.NoButton, buttons,
                        Qt.KeyboardModifier.NoModifier)
    QApplication.sendEvent(widget, event)


def drag(widget: QWidget, trail: Sequence[QPoint], modifiers=Qt.KeyboardModifier.NoModifier) -> None:
    """Press at the first point, move over the others, release at the last."""
    QTest.mousePress(widget, Qt.MouseButton.LeftButton, modifiers, trail[0])
    for point in trail[1:]:
        hover(widget, QPointF(point), Qt.MouseButton.LeftButton)
    QTest.mouseRelease(widget, Qt.MouseButton.LeftButton, modifiers, trail[-1])
