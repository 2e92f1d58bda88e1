"""The page with the plane of embeddings."""

from __future__ import annotations

from qgis.PyQt.QtCore import QObject
from qgis.PyQt.QtWidgets import QWidget

from ..canvas.pointer_tool import PointerTool
from .scatter_controller import ScatterController
from .scatter_widget import ScatterWidget
from .session import InspectorSession


class ScatterPage(QObject):
    """What is alike lies close together; what is chosen here lights up on the map, and the other way round."""

    name = "scatter"

    def __init__(self) -> None:
        """Make the widget and what moves it."""
        super().__init__()
        self._widget = ScatterWidget()
        self.setParent(self._widget)
        self.controller = ScatterController(self._widget)

    def title(self) -> str:
        """Return the tab's title."""
        return self.tr("Scatter")

    def hint(self) -> str:
        """Say what the pointer does."""
        return self.tr("Draw around points of the plot to select them on the map; drag a box on the map to light up "
                       "its points in the plot.")

    def widget(self) -> QWidget:
        """Return the page's widget."""
        return self._widget

    def start(self, session: InspectorSession, tool: PointerTool) -> None:
        """Follow session and pointer."""
        self.controller.start(session, tool)

    def stop(self) -> None:
        """Let go."""
        self.controller.stop()
