"""The window "Encoders and set-up": one page a tab; plain Qt, no QGIS."""

from __future__ import annotations

from typing import Dict, Optional

from qgis.PyQt.QtGui import QGuiApplication
from qgis.PyQt.QtWidgets import QDialog, QFrame, QScrollArea, QTabWidget, QVBoxLayout, QWidget

WELCOME, ENCODERS, DEVICE, PACKAGES, PROBLEM = "welcome", "encoders", "device", "packages", "problem"
WIDTH_CHARACTERS, HEIGHT_LINES = 140, 44


class SetUpWindow(QDialog):
    """Holds pages by name; it never blocks QGIS, and closing it only hides it."""

    def __init__(self, parent: Optional[QWidget] = None) -> None:
        """Make the window empty; whoever fills it adds the pages in their order."""
        super().__init__(parent)
        self.setObjectName("EarthprintSetUp")
        self.setWindowTitle(self.tr("Earthprint: encoders and set-up"))
        self.setModal(False)
        self._pages: Dict[str, QScrollArea] = {}
        self.tabs = QTabWidget(self)
        self.tabs.setObjectName("setup_tabs")
        self.tabs.setUsesScrollButtons(True)
        layout = QVBoxLayout(self)
        layout.addWidget(self.tabs)
        self._fit()

    def add_page(self, name: str, title: str, page: QWidget) -> None:
        """Add a page; it scrolls where the screen is too small for it."""
        area = QScrollArea(self.tabs)
        area.setObjectName("area_" + name)
        area.setFrameShape(QFrame.Shape.NoFrame)
        area.setWidgetResizable(True)
        area.setWidget(page)
        self.tabs.addTab(area, title)
        self._pages[name] = area

    def open_page(self, name: str) -> None:
        """Bring a page to the front, and the window with it."""
        self.tabs.setCurrentWidget(self._pages[name])
        self.show()
        self.raise_()
        self.activateWindow()

    def page(self) -> str:
        """Return the name of the page in front."""
        return next(name for name, area in self._pages.items() if area is self.tabs.currentWidget())

    def _fit(self) -> None:
        """Take a size in characters, so that it suits any font, and never more than the screen has."""
        metrics = self.fontMetrics()
        width, height = WIDTH_CHARACTERS * metrics.averageCharWidth(), HEIGHT_LINES * metrics.height()
        screen = QGuiApplication.primaryScreen()
        if screen is not None:
            room = screen.availableGeometry()
            width, height = min(width, int(room.width() * 0.95)), min(height, int(room.height() * 0.9))
        self.resize(width, height)
