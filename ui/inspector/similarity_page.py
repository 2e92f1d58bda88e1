"""The page on which the map shows what is similar to the place under the pointer."""

from __future__ import annotations

from qgis.PyQt.QtCore import QObject
from qgis.PyQt.QtWidgets import QWidget

from ..canvas.pointer_tool import PointerTool
from .session import InspectorSession
from .similarity_controller import SimilarityController
from .similarity_widget import SimilarityWidget


class SimilarityPage(QObject):
    """Live similarity."""

    name = "similarity"

    def __init__(self) -> None:
        """Make the widget and what steers it."""
        super().__init__()
        self._widget = SimilarityWidget()
        self.controller = SimilarityController(self._widget)

    def title(self) -> str:
        """Return the tab's title."""
        return self.tr("Live similarity")

    def hint(self) -> str:
        """Say what the pointer does."""
        return self.tr("Move over the map to see what is similar; click to hold a place, drag a box for a mean. Shift "
                       "adds an example, Alt a counter-example.")

    def widget(self) -> QWidget:
        """Return the page's widget."""
        return self._widget

    def start(self, session: InspectorSession, tool: PointerTool) -> None:
        """Follow the pointer."""
        self.controller.start(session, tool)

    def stop(self) -> None:
        """Let go."""
        self.controller.stop()
