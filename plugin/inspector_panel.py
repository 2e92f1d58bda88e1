"""The inspector's dock in QGIS's window: made when first wanted, back after a restart, gone after unload."""

from __future__ import annotations

from typing import Optional

from qgis.PyQt.QtCore import Qt
from qgis.PyQt.QtWidgets import QDockWidget

from . import settings


class InspectorPanel:
    """Owns the one inspector of a QGIS window."""

    def __init__(self, iface: object) -> None:
        """Keep the window; the dock costs nothing until somebody wants it."""
        self._iface = iface
        self.dock: Optional[QDockWidget] = None

    def restore(self) -> None:
        """Bring the dock back if it was there when QGIS was closed, at its old place."""
        if settings.inspector_open():
            self._make()
            # a dock that has a place already is not put back to its old one
            if not self._iface.mainWindow().restoreDockWidget(self.dock):
                self._place()
            self.dock.show()

    def open(self) -> None:
        """Show the dock and remember that it is wanted."""
        settings.remember_inspector_open()
        if self.dock is None:
            self._make()
            self._place()
        self.dock.show()
        self.dock.raise_()

    def unload(self) -> None:
        """Take the dock away with all that it put onto the map."""
        dock, self.dock = self.dock, None
        if dock is not None:
            dock.release()
            self._iface.removeDockWidget(dock)
            dock.deleteLater()

    def _make(self) -> None:
        """Make the dock with its pages."""
        from ..ui.inspector.dock import InspectorDock
        from ..ui.inspector.tabs import tabs

        self.dock = InspectorDock(self._iface.mapCanvas(), tabs(), self._iface.mainWindow())

    def _place(self) -> None:
        """Put the dock to the right of the map."""
        self._iface.addDockWidget(Qt.DockWidgetArea.RightDockWidgetArea, self.dock)
