"""What a tab of the inspector offers to the dock."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from qgis.PyQt.QtWidgets import QWidget

if TYPE_CHECKING:
    from ..canvas.pointer_tool import PointerTool
    from .session import InspectorSession


class Page(Protocol):
    """One tab: a title, what to do with the map in a sentence, a widget, and work only while it is shown.

    A page is made without arguments, once for each dock. Only the page that is shown is started. After `stop` it is
    connected to nothing, has no task at work and nothing on the map; it may be started again.
    """

    name: str
    """A short English word that stands for the page in the settings and in object names."""

    def title(self) -> str:
        """Return the tab's title, translated."""

    def hint(self) -> str:
        """Say what the pointer does on the map while this page is shown."""

    def widget(self) -> QWidget:
        """Return the page's widget, always the same; the dock owns and deletes it."""

    def start(self, session: "InspectorSession", tool: "PointerTool") -> None:
        """Begin to follow the session and the pointer."""

    def stop(self) -> None:
        """Let go of the session, the pointer, the map and all work."""
