"""The plugin object that QGIS loads: the provider, a menu, the log and the packages; nothing is left after unload."""

from __future__ import annotations

import configparser
import os
import threading
from typing import Callable, List, Optional, Tuple

from qgis.core import Qgis, QgsApplication
from qgis.PyQt.QtCore import QCoreApplication, QTimer, QUrl
from qgis.PyQt.QtGui import QDesktopServices, QIcon
from qgis.PyQt.QtWidgets import QAction, QPushButton

from ..engine import packages
from ..engine.package_plan import EVERYDAY, this_host
from . import message_log, package_path, settings
from .inspector_panel import InspectorPanel
from .package_folders import FOLDER, PackageFolders
from .recent_log import RecentLog

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
ICON = os.path.join(ROOT, "resources", "icons", "earthprint.svg")
HELP = os.path.join(ROOT, "resources", "help", "index.html")
MENU = "Earthprint"
HINT_DELAY_MS = 2000


class EarthprintPlugin:
    """What QGIS talks to; `iface` is None in qgis_process, which calls initProcessing alone."""

    def __init__(self, iface: object) -> None:
        """Keep the interface; all else waits for initGui or initProcessing."""
        self.iface = iface
        self.provider = None
        self.actions: List[QAction] = []
        self._folders: Optional[PackageFolders] = None
        self._detach_log: Optional[Callable[[], None]] = None
        self._installer = None
        self._set_up = None
        self._log = RecentLog()
        self._algorithm_dialog = None
        self._hint_timer: Optional[QTimer] = None
        self._hint = None
        self._inspector = None

    def initProcessing(self) -> None:  # noqa: N802  (the name is QGIS's)
        """Register the provider, with the log and the installed packages ready for its algorithms."""
        if self._detach_log is None:
            self._detach_log = message_log.attach()
            self._log.attach()
        if self._folders is None:
            self._folders = PackageFolders(os.path.join(settings.profile_folder(), "python", FOLDER), this_host())
            folder = self._folders.current()
            if folder is not None:
                package_path.append(folder)
        if self.provider is None:
            from ..processing_provider.provider import EarthprintProvider

            provider = EarthprintProvider()
            if QgsApplication.processingRegistry().addProvider(provider):
                self.provider = provider

    def initGui(self) -> None:  # noqa: N802  (the name is QGIS's)
        """Add the menu beside the provider, and look after the package folders once QGIS is up."""
        self.initProcessing()
        if self.iface is None:
            return
        icon = QIcon(ICON)
        self._add_action("earthprintEmbedRaster", icon, tr("Embed a raster…"), self.open_embed_raster)
        self._inspector = InspectorPanel(self.iface)
        self._add_action("earthprintInspect", QIcon(), tr("Inspect embeddings"), self._inspector.open)
        self._inspector.restore()
        self._add_action("earthprintSetUp", QIcon(), tr("Encoders and set-up…"), self.open_set_up)
        self._add_action("earthprintPackages", QIcon(), tr("Packages…"), self.open_packages)
        self._add_action("earthprintHelp", QIcon(), tr("Help"), self.open_help)
        folders = self._folders
        if folders is not None:
            # deleting hundreds of megabytes takes seconds on some disks, and nobody waits for it
            threading.Thread(target=folders.clean, name="earthprint-clean", daemon=True).start()
        timer = QTimer()
        timer.setSingleShot(True)
        timer.timeout.connect(self._greet)
        timer.start(HINT_DELAY_MS)
        self._hint_timer = timer

    def unload(self) -> None:
        """Take everything back: menu, dialogs, provider, log, search path."""
        if self._hint_timer is not None:
            self._hint_timer.stop()
            self._hint_timer = None
        self._drop_hint()
        if self._inspector is not None:
            self._inspector.unload()
            self._inspector = None
        for action in self.actions:
            self.iface.removePluginMenu(MENU, action)
            action.deleteLater()
        self.actions = []
        if self._installer is not None:
            self._installer.cancel()
        if self._set_up is not None:
            self._set_up.close()
            self._set_up = None
        if self._algorithm_dialog is not None:
            close_and_delete(self._algorithm_dialog)
            self._algorithm_dialog = None
        if self._installer is not None:
            self._installer.deleteLater()
            self._installer = None
        if self.provider is not None:
            QgsApplication.processingRegistry().removeProvider(self.provider)
            self.provider = None
        if self._folders is not None:
            for folder in package_path.below(self._folders.base):
                if not package_path.loaded_from(folder):
                    package_path.withdraw(folder)
            self._folders = None
        if self._detach_log is not None:
            self._detach_log()
            self._detach_log = None
            self._log.detach()

    def open_set_up(self) -> None:
        """Show the encoders in the window of the set-up."""
        self._open_page("encoders")

    def open_packages(self) -> None:
        """Show the packages in the window of the set-up."""
        self._open_page("packages")

    def open_welcome(self) -> None:
        """Show the greeting in the window of the set-up; it need not come by itself again."""
        settings.greet(False)
        self._open_page("welcome")

    def _open_page(self, name: str) -> None:
        """Show a page of the set-up's window, which is made when it is first wanted."""
        self._drop_hint()
        if self._set_up is None:
            from ..ui.setup.set_up import SetUp, SetUpFacts
            from .installer import Installer

            self._installer = Installer(settings.profile_folder(), settings.proxy_url())
            facts = SetUpFacts(about(), self._log.lines, links(), metadata("tracker"), settings.greets, settings.greet,
                               QIcon(ICON))
            self._set_up = SetUp(self.iface, self._installer, facts)
        self._set_up.open(name)

    def open_embed_raster(self) -> None:
        """Open the Processing dialog of "Embed raster" without blocking QGIS."""
        import processing

        dialog = processing.createAlgorithmDialog("earthprint:embedraster", {})
        if dialog is None:
            text = tr("The algorithm could not be opened: see the log messages.")
            self.iface.messageBar().pushMessage("Earthprint", text, Qgis.MessageLevel.Warning, 10)
            return
        self._algorithm_dialog = dialog
        dialog.show()

    def open_help(self) -> None:
        """Open the help pages that came with the plugin, or its home page."""
        url = QUrl.fromLocalFile(HELP) if os.path.isfile(HELP) else QUrl(metadata("homepage"))
        QDesktopServices.openUrl(url)

    def _add_action(self, name: str, icon: QIcon, text: str, act: Callable[[], None]) -> None:
        """Add one entry to Plugins ▸ Earthprint."""
        action = QAction(icon, text, self.iface.mainWindow())
        action.setObjectName(name)
        action.triggered.connect(lambda _checked=False: act())
        self.iface.addPluginToMenu(MENU, action)
        self.actions.append(action)

    def _greet(self) -> None:
        """Greet in the message bar at the first start; at later ones mention packages where some are missing."""
        if not settings.greets():
            self._hint_at_packages()
            return
        bar = self.iface.messageBar()
        self._hint = bar.createMessage("Earthprint", tr("Ready: a first result needs no download."))
        button = QPushButton(tr("Start here…"), self._hint)
        button.clicked.connect(lambda _checked=False: self.open_welcome())
        self._hint.layout().addWidget(button)
        self._hint.destroyed.connect(self._greeted)
        bar.pushWidget(self._hint, Qgis.MessageLevel.Info, 0)

    def _greeted(self, *_ignored: object) -> None:
        """Remember that the greeting was closed; one that an unload took away comes again."""
        if self._hint is not None:
            self._hint = None
            settings.greet(False)

    def _hint_at_packages(self) -> None:
        """Mention once in the message bar that packages are missing; QGIS goes on undisturbed."""
        if self._folders is None:
            return
        missing = [name for name in EVERYDAY if not packages.state(name).usable]
        tag = self._folders.host.tag
        if not missing or settings.hint_shown_for() == tag:
            return
        settings.remember_hint_for(tag)
        updated = self._folders.current() is None and bool(self._folders.other_hosts())
        text = (tr("QGIS's Python was updated; the packages must be installed again for it.") if updated else
                tr("Ready. Some tools need packages that are not installed yet."))
        bar = self.iface.messageBar()
        self._hint = bar.createMessage("Earthprint", text)
        button = QPushButton(tr("Packages…"), self._hint)
        button.clicked.connect(lambda _checked=False: self.open_packages())
        self._hint.layout().addWidget(button)
        self._hint.destroyed.connect(self._forget_hint)
        bar.pushWidget(self._hint, Qgis.MessageLevel.Info, 60)

    def _drop_hint(self) -> None:
        """Take the message away if it is still there."""
        hint, self._hint = self._hint, None
        if hint is not None:
            self.iface.messageBar().popWidget(hint)

    def _forget_hint(self, *_ignored: object) -> None:
        """Let go of a message that the user or time has closed."""
        self._hint = None


def tr(text: str) -> str:
    """Translate a text of the menu."""
    return QCoreApplication.translate("EarthprintPlugin", text)


def about() -> List[str]:
    """Return lines on plugin and QGIS for a bug report."""
    return ["Earthprint {}, QGIS {}".format(metadata("version"), Qgis.QGIS_VERSION)]


def links() -> List[Tuple[str, str]]:
    """Return the pages to read on, as texts and addresses; those that came with the plugin need no network."""
    home = metadata("homepage")
    help_page = QUrl.fromLocalFile(HELP).toString() if os.path.isfile(HELP) else home
    return [(tr("Help"), help_page), (tr("First steps"), home + "/blob/main/docs/first-steps.md"),
            (tr("Encoders"), home + "/blob/main/docs/encoders.md"),
            (tr("If something goes wrong"), home + "/blob/main/docs/troubleshooting.md")]


def metadata(key: str) -> str:
    """Read a value of metadata.txt."""
    parser = configparser.ConfigParser(interpolation=None)
    parser.read(os.path.join(ROOT, "metadata.txt"), encoding="utf-8")
    return parser.get("general", key, fallback="")


def close_and_delete(widget: object) -> None:
    """Close a window and free it; one that closed itself is gone already, which Qt reports as a RuntimeError."""
    try:
        widget.close()
        widget.deleteLater()
    except RuntimeError:
        return
