"""Stands between the greeting and QGIS: the project's raster, the demo data, and whether to greet again."""

from __future__ import annotations

from pathlib import Path
from typing import Callable, Optional, Sequence, Tuple

from qgis.core import QgsProject
from qgis.PyQt.QtCore import QObject
from qgis.PyQt.QtWidgets import QFileDialog

from ...engine import packages
from ...engine.errors import EarthprintError
from ...engine.home_folder import without_home
from ...engine.package_plan import EVERYDAY
from ...processing_provider.environment import folders
from ..background import Latest
from .demo_scene import DemoFiles, DemoRequest, free_folder, load_demo, make_demo
from .desk import Desk, translated
from .welcome_widget import WelcomeWidget


class WelcomeController(QObject):
    """Does what the greeting offers."""

    def __init__(self, page: WelcomeWidget, desk: Desk, links: Sequence[Tuple[str, str]], greets: Callable[[], bool],
                 greet: Callable[[bool], None]) -> None:
        """Connect both; `greets` tells whether the next start greets, `greet` decides it."""
        super().__init__(page)
        self._page = page
        self._desk = desk
        self._greets = greets
        self._parent = ""
        self._dialog: Optional[QFileDialog] = None
        self._demo = Latest("Earthprint: demo data", make_demo, self, 0)
        page.show_links(links)
        page.shown.connect(self.refresh)
        page.raster_requested.connect(self._try_raster)
        page.demo_requested.connect(self._make_demo)
        page.folder_requested.connect(self._choose_folder)
        page.link_requested.connect(self._open)
        page.greeting_changed.connect(greet)
        self._demo.done.connect(self._made)
        self._demo.failed.connect(self._failed)
        project = QgsProject.instance()
        for signal in (project.layersAdded, project.layersRemoved, project.cleared):
            signal.connect(self._project_changed)

    def refresh(self) -> None:
        """Look again at project and packages."""
        self._page.show_raster(self._desk.raster_name())
        self._page.set_greeting(self._greets())
        missing = [name for name in EVERYDAY if not packages.state(name).usable]
        self._page.show_packages(self.tr("Not here yet: {names}. The automatic encoder works without them, but "
                                         "slower.").format(names=", ".join(missing)) if missing else
                                 self.tr("All packages for everyday work are here."))

    def stop(self) -> None:
        """Let go of the project and of what works in the background."""
        self._demo.stop()
        project = QgsProject.instance()
        for signal in (project.layersAdded, project.layersRemoved, project.cleared):
            signal.disconnect(self._project_changed)

    def busy(self) -> bool:
        """Tell whether the demo data is being made."""
        return self._demo.busy()

    def _project_changed(self, *_what: object) -> None:
        """Keep the offer in step with the project."""
        if self._page.isVisible():
            self._page.show_raster(self._desk.raster_name())

    def _try_raster(self) -> None:
        """Open "Embed raster" with the raster filled in."""
        layer = self._desk.raster_layer()
        if layer is None or not self._desk.open_algorithm("embedraster", {"INPUT": layer.id()}):
            self._page.show_message(self.tr("The algorithm could not be opened: see the log messages."))

    def _make_demo(self, parent: str) -> None:
        """Draw the scene in the background."""
        folder = free_folder(Path(parent) if parent else folders().temporary)
        self._page.set_busy(True)
        self._page.show_message(self.tr("Drawing the landscape…"))
        self._demo.ask(DemoRequest(str(folder)))

    def _made(self, request: DemoRequest, files: DemoFiles) -> None:
        """Load the layers and show them."""
        self._page.set_busy(False)
        try:
            layers = load_demo(files)
        except EarthprintError as error:
            self._page.show_message(translated(error))
            return
        self._desk.zoom_to(layers[0])
        self._page.show_raster(self._desk.raster_name())
        self._page.show_message(self.tr("The demo data is loaded; it lies in {folder}.").format(
            folder=without_home(request.folder)))

    def _failed(self, _request: DemoRequest, sentence: str) -> None:
        """Say why there is no demo data."""
        self._page.set_busy(False)
        self._page.show_message(sentence)

    def _choose_folder(self) -> None:
        """Let the user choose, without stopping the rest of QGIS."""
        if self._dialog is None:
            self._dialog = QFileDialog(self._page, self.tr("Folder for the demo data"))
            self._dialog.setObjectName("demo_folder_dialog")
            self._dialog.setFileMode(QFileDialog.FileMode.Directory)
            self._dialog.setOption(QFileDialog.Option.ShowDirsOnly, True)
            self._dialog.fileSelected.connect(self._page.show_folder)
        self._dialog.open()

    def _open(self, address: str) -> None:
        """Open a page of the documents."""
        self._desk.open_address(address)
