"""The page that shows the vector at a place, what other layers say there, and where its like are."""

from __future__ import annotations

from qgis.PyQt.QtCore import QObject
from qgis.PyQt.QtWidgets import QWidget

from ..canvas.pointer_tool import PointerTool
from .point_controller import PointController
from .point_widget import PointWidget
from .session import InspectorSession


class PointPage(QObject):
    """The vector at a place."""

    name = "point"

    def __init__(self) -> None:
        """Make the widget and what moves it."""
        super().__init__()
        self._widget = PointWidget()
        self.setParent(self._widget)
        self.controller = PointController(self._widget)

    def title(self) -> str:
        """Return the tab's title."""
        return self.tr("Point")

    def hint(self) -> str:
        """Say what the pointer does."""
        return self.tr("Move over the map to see the vector there; click to keep it and to find its like.")

    def widget(self) -> QWidget:
        """Return the page's widget."""
        return self._widget

    def start(self, session: InspectorSession, tool: PointerTool) -> None:
        """Follow the pointer."""
        self.controller.start(session, tool)

    def stop(self) -> None:
        """Let go."""
        self.controller.stop()
