"""Puts the window "Encoders and set-up" together: pages, their controllers, and an orderly end."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Callable, List, Optional, Sequence, Tuple

from qgis.core import QgsSettings
from qgis.PyQt.QtCore import QByteArray, QObject
from qgis.PyQt.QtGui import QIcon

from ...processing_provider.encoder_folders import encoder_folders
from ..packages_controller import Installer, PackagesController
from ..packages_widget import PackagesWidget
from .desk import Desk
from .device_controller import DeviceController
from .device_widget import DeviceWidget
from .encoders_controller import EncodersController
from .encoders_widget import EncodersWidget
from .problem_controller import ProblemController
from .problem_widget import ProblemWidget
from .setup_window import DEVICE, ENCODERS, PACKAGES, PROBLEM, WELCOME, SetUpWindow
from .welcome_controller import WelcomeController
from .welcome_widget import WelcomeWidget

GEOMETRY = "earthprint/setup/geometry"


@dataclass(frozen=True)
class SetUpFacts:
    """What only the plugin knows: lines for a report, the last log messages, addresses, and the greeting's memory."""

    about: Sequence[str]
    log: Callable[[], Sequence[str]]
    links: Sequence[Tuple[str, str]]
    tracker: str
    greets: Callable[[], bool]
    greet: Callable[[bool], None]
    icon: QIcon


class SetUp(QObject):
    """Owns the window and everything behind it; `close` leaves nothing."""

    def __init__(self, iface: Any, installer: Installer, facts: SetUpFacts) -> None:
        """Build the pages; they look at things only when they are shown."""
        super().__init__()
        self.window = SetUpWindow(iface.mainWindow())
        self.window.setWindowIcon(facts.icon)
        self.desk = Desk(iface)
        self.welcome = WelcomeWidget(self.window)
        self.encoders = EncodersWidget(self.window)
        self.device = DeviceWidget(self.window)
        self.packages = PackagesWidget(self.window)
        self.problem = ProblemWidget(self.window)
        for name, title, page in (
                (WELCOME, self.tr("Welcome"), self.welcome), (ENCODERS, self.tr("Encoders"), self.encoders),
                (DEVICE, self.tr("Device"), self.device), (PACKAGES, self.tr("Packages"), self.packages),
                (PROBLEM, self.tr("Report a problem"), self.problem)):
            self.window.add_page(name, title, page)
        self.controllers: List[Any] = [
            WelcomeController(self.welcome, self.desk, facts.links, facts.greets, facts.greet),
            EncodersController(self.encoders, self.desk, encoder_folders),
            DeviceController(self.device),
            ProblemController(self.problem, self.desk, facts.about, facts.log, facts.tracker)]
        self._packages: Optional[PackagesController] = PackagesController(self.packages, installer, facts.about)
        self.welcome.packages_requested.connect(self._open_packages)
        self.window.finished.connect(self._remember)
        geometry = QgsSettings().value(GEOMETRY, None)
        if isinstance(geometry, QByteArray):
            self.window.restoreGeometry(geometry)

    def open(self, page: str) -> None:
        """Show a page."""
        self.window.open_page(page)

    def close(self) -> None:
        """Stop all work and free the window with everything in it."""
        for controller in self.controllers:
            controller.stop()
        self.controllers = []
        self._packages = None
        self.desk.close()
        self.window.close()
        self.window.deleteLater()
        self.deleteLater()

    def _remember(self, _result: int) -> None:
        """Keep size and place of the window for the next time."""
        QgsSettings().setValue(GEOMETRY, self.window.saveGeometry())

    def _open_packages(self) -> None:
        """Go from the greeting to the packages."""
        self.window.open_page(PACKAGES)
