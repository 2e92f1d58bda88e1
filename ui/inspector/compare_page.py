"""The page that compares two places."""

from __future__ import annotations

from qgis.PyQt.QtCore import QObject
from qgis.PyQt.QtWidgets import QWidget

from ..canvas.pointer_tool import PointerTool
from .compare_controller import CompareController
from .compare_widget import CompareWidget
from .session import InspectorSession


class ComparePage(QObject):
    """Two places side by side."""

    name = "compare"

    def __init__(self) -> None:
        """Make the widget and what moves it."""
        super().__init__()
        self._widget = CompareWidget()
        self.setParent(self._widget)
        self.controller = CompareController(self._widget)

    def title(self) -> str:
        """Return the tab's title."""
        return self.tr("Compare")

    def hint(self) -> str:
        """Say what the pointer does."""
        return self.tr("Click pins the first place, Shift+click the second.")

    def widget(self) -> QWidget:
        """Return the page's widget."""
        return self._widget

    def start(self, session: InspectorSession, tool: PointerTool) -> None:
        """Follow the pointer."""
        self.controller.start(session, tool)

    def stop(self) -> None:
        """Let go."""
        self.controller.stop()
