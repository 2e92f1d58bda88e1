"""The page with a place's change over time."""

from __future__ import annotations

from qgis.PyQt.QtCore import QObject
from qgis.PyQt.QtWidgets import QWidget

from ..canvas.pointer_tool import PointerTool
from .session import InspectorSession
from .time_controller import TimeController
from .time_widget import TimeWidget


class TimePage(QObject):
    """Several dates of one ground: how far each lies from a reference date at a place."""

    name = "time"

    def __init__(self) -> None:
        """Make the widget and what moves it."""
        super().__init__()
        self._widget = TimeWidget()
        self.setParent(self._widget)
        self.controller = TimeController(self._widget)

    def title(self) -> str:
        """Return the tab's title."""
        return self.tr("Time")

    def hint(self) -> str:
        """Say what the pointer does."""
        return self.tr("Click the map to see how that place changed over the dates; Shift+click pins a second place.")

    def widget(self) -> QWidget:
        """Return the page's widget."""
        return self._widget

    def start(self, session: InspectorSession, tool: PointerTool) -> None:
        """Follow session and pointer."""
        self.controller.start(session, tool)

    def stop(self) -> None:
        """Let go."""
        self.controller.stop()
