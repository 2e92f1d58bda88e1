"""The page on which places are labelled by clicks, and the map shows at once what that teaches."""

from __future__ import annotations

from qgis.PyQt.QtCore import QObject
from qgis.PyQt.QtWidgets import QWidget

from ..canvas.pointer_tool import PointerTool
from .examples_controller import ExamplesController
from .examples_widget import ExamplesWidget
from .examples_work import DIFFERENT, UNCERTAIN
from .session import InspectorSession


class ExamplesPage(QObject):
    """Examples of classes."""

    name = "examples"

    def __init__(self) -> None:
        """Make the widget and what steers it."""
        super().__init__()
        self._widget = ExamplesWidget(((UNCERTAIN, self.tr("where classes are least certain")),
                                       (DIFFERENT, self.tr("what is least like the examples"))))
        self.controller = ExamplesController(self._widget)

    def title(self) -> str:
        """Return the tab's title."""
        return self.tr("Examples")

    def hint(self) -> str:
        """Say what the pointer does."""
        return self.tr("Click on the map to label a place with the marked class; 1 to 9 choose another class. Alt "
                       "removes the nearest example.")

    def widget(self) -> QWidget:
        """Return the page's widget."""
        return self._widget

    def start(self, session: InspectorSession, tool: PointerTool) -> None:
        """Follow the pointer."""
        self.controller.start(session, tool)

    def stop(self) -> None:
        """Let go."""
        self.controller.stop()
