"""The dock: which layer, the pointer on or off, one line that says what is the matter, and a tab for each question."""

from __future__ import annotations

from typing import Callable, List, Optional, Sequence

from qgis.core import QgsMapLayer, QgsMapLayerProxyModel, QgsProject
from qgis.gui import QgsMapCanvas, QgsMapLayerComboBox, QgsMapTool, QgsScrollArea
from qgis.PyQt import sip
from qgis.PyQt.QtCore import Qt, pyqtSignal
from qgis.PyQt.QtGui import QCloseEvent
from qgis.PyQt.QtWidgets import (
    QDockWidget,
    QFrame,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QSizePolicy,
    QTabWidget,
    QVBoxLayout,
    QWidget,
)

from ..canvas.pointer_tool import PointerTool
from .page_bar import PageBar
from .pages import Page
from .remembered import OPEN, PAGE, remember, remembered
from .session import InspectorSession
from .subject import may_hold_embeddings

NAME = "EarthprintInspector"


class InspectorDock(QDockWidget):
    """Holds the session and the pages; only the page in front is at work, and none while the dock is hidden."""

    closed = pyqtSignal()

    def __init__(self, canvas: QgsMapCanvas, factories: "Sequence[Callable[[], Page]]",
                 parent: Optional[QWidget] = None) -> None:
        """Make the pages; the one of last time comes to the front."""
        super().__init__(parent)
        self.setObjectName(NAME)
        self.setWindowTitle(self.tr("Earthprint: inspect embeddings"))
        self._canvas = canvas
        self._released = False
        self._seen = False
        self._shown_page: Optional[Page] = None
        self._tool_before: Optional[QgsMapTool] = None
        self.session = InspectorSession(canvas, self)
        self.tool = PointerTool(canvas)
        self.pages: List[Page] = [make() for make in factories]
        self._build()
        self._connect()
        self._choose_first_layer()
        self._tell()

    def page(self, name: str) -> Page:
        """Return the page of a name."""
        return next(page for page in self.pages if page.name == name)

    def show_page(self, name: str) -> None:
        """Bring a page to the front."""
        self.tabs.setCurrentIndex([page.name for page in self.pages].index(name))

    def release(self) -> None:
        """Let go of map, project and work; what remains may be deleted."""
        if self._released:
            return
        self._released = True
        self._leave_page()
        self.tabs.currentChanged.disconnect(self._turn_page)
        self.visibilityChanged.disconnect(self._visibility_changed)
        self.layers.layerChanged.disconnect(self.session.choose)
        self._canvas.mapToolSet.disconnect(self._map_tool_set)
        if self._canvas.mapTool() is self.tool:
            self._canvas.unsetMapTool(self.tool)
        self.session.sentence_changed.disconnect(self._tell)
        self.session.subject_changed.disconnect(self._tell)
        self.session.stop()
        self.tool.deleteLater()
        self.tool = None
        self._tool_before = None

    def closeEvent(self, event: QCloseEvent) -> None:  # noqa: N802  (the name is Qt's)
        """Remember that the user doesn't want it, and give the map back."""
        remember(OPEN, False)
        self.pointer.setChecked(False)
        super().closeEvent(event)
        self.closed.emit()

    def _build(self) -> None:
        """Make the widgets; everything scrolls where the dock is small."""
        self.layers = QgsMapLayerComboBox(self)
        self.layers.setObjectName("layer")
        kinds = QgsMapLayerProxyModel.Filter
        self.layers.setFilters(kinds.RasterLayer | kinds.HasGeometry)
        self.layers.setAllowEmptyLayer(True)
        self.layers.setAccessibleName(self.tr("Layer with embeddings"))
        self.layers.setMinimumContentsLength(8)
        self.layers.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        label = QLabel(self.tr("Layer"), self)
        label.setBuddy(self.layers)
        self.pointer = QPushButton(self.tr("Poin&t at the map"), self)
        self.pointer.setObjectName("pointer")
        self.pointer.setCheckable(True)
        self.centre = QPushButton(self.tr("Map centre"), self)
        self.centre.setObjectName("centre")
        self.centre.setToolTip(self.tr("Look at the place in the middle of the map, as a click there would."))
        self.line = QLabel(self)
        self.line.setObjectName("sentence")
        self.line.setWordWrap(True)
        self.line.setTextFormat(Qt.TextFormat.PlainText)
        self.line.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse
                                          | Qt.TextInteractionFlag.TextSelectableByKeyboard)
        self.tabs = QTabWidget(self)
        self.tabs.setObjectName("pages")
        self.tabs.setDocumentMode(True)
        # Its own bar would cut titles in a narrow dock.
        self.tabs.tabBar().hide()
        self.bar = PageBar([(page.name, page.title()) for page in self.pages], self)
        for page in self.pages:
            self.tabs.addTab(self._scrolled(page), page.title())
        content = QWidget(self)
        content.setObjectName("inspectorContent")
        first, second = QHBoxLayout(), QHBoxLayout()
        first.addWidget(label)
        first.addWidget(self.layers, 1)
        second.addWidget(self.pointer)
        second.addWidget(self.centre)
        second.addStretch(1)
        layout = QVBoxLayout(content)
        layout.addLayout(first)
        layout.addLayout(second)
        layout.addWidget(self.bar)
        layout.addWidget(self.line)
        layout.addWidget(self.tabs, 1)
        self.setWidget(content)
        names = [page.name for page in self.pages]
        last = remembered(PAGE, names[0] if names else "")
        if last in names:
            self.tabs.setCurrentIndex(names.index(last))
        self.bar.show_current(self.tabs.currentIndex())

    def _scrolled(self, page: Page) -> QgsScrollArea:
        """Put a page into an area that scrolls, so that no screen is too small for it; the wheel turns no number."""
        area = QgsScrollArea(self)
        area.setObjectName("scroll_" + page.name)
        area.setWidgetResizable(True)
        area.setFrameShape(QFrame.Shape.NoFrame)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAsNeeded)
        area.setWidget(page.widget())
        return area

    def _connect(self) -> None:
        """Follow the widgets and the map."""
        self.tabs.currentChanged.connect(self._turn_page)
        self.bar.chosen.connect(self.tabs.setCurrentIndex)
        self.visibilityChanged.connect(self._visibility_changed)
        self.layers.layerChanged.connect(self.session.choose)
        self.pointer.toggled.connect(self._point)
        self.centre.clicked.connect(self._look_at_centre)
        self._canvas.mapToolSet.connect(self._map_tool_set)
        self.session.sentence_changed.connect(self._tell)
        self.session.subject_changed.connect(self._tell)

    def _choose_first_layer(self) -> None:
        """Begin with the active layer if it may hold embeddings, else with the first one that may."""
        layers: "List[Optional[QgsMapLayer]]" = [self._canvas.currentLayer()]
        layers += list(QgsProject.instance().mapLayers().values())
        found = next((layer for layer in layers if may_hold_embeddings(layer)), None)
        self.layers.setLayer(found)
        self.session.choose(self.layers.currentLayer())

    def _tell(self, *_ignored: object) -> None:
        """Show the session's sentence, else what the pointer does."""
        index = self.tabs.currentIndex()
        hint = self.pages[index].hint() if 0 <= index < len(self.pages) else ""
        self.line.setText(self.session.sentence or hint)

    def _turn_page(self, index: int) -> None:
        """Stop one page and start another."""
        self._leave_page()
        self.bar.show_current(index)
        if 0 <= index < len(self.pages):
            remember(PAGE, self.pages[index].name)
        self._enter_page()
        self._tell()

    def _visibility_changed(self, visible: bool) -> None:
        """Work only while somebody looks; a dock behind another one's tab is not looked at."""
        self._seen = visible
        if visible:
            self._enter_page()
        else:
            self._leave_page()

    def _enter_page(self) -> None:
        """Start the page in front."""
        index = self.tabs.currentIndex()
        if self._shown_page is None and self._seen and 0 <= index < len(self.pages):
            self._shown_page = self.pages[index]
            self._shown_page.start(self.session, self.tool)

    def _leave_page(self) -> None:
        """Stop the page that is at work."""
        page, self._shown_page = self._shown_page, None
        if page is not None:
            self.session.say("")
            page.stop()

    def _point(self, wanted: bool) -> None:
        """Take the pointer on the map, or give it back to the tool before."""
        if wanted and self._canvas.mapTool() is not self.tool:
            self._tool_before = self._canvas.mapTool()
            self._canvas.setMapTool(self.tool)
        elif not wanted and self._canvas.mapTool() is self.tool:
            before, self._tool_before = self._tool_before, None
            if before is not None and not sip.isdeleted(before):
                self._canvas.setMapTool(before)
            else:
                self._canvas.unsetMapTool(self.tool)

    def _map_tool_set(self, new: Optional[QgsMapTool], _old: Optional[QgsMapTool] = None) -> None:
        """Keep the button in step with the map."""
        self.pointer.setChecked(new is self.tool)

    def _look_at_centre(self) -> None:
        """Do what a click in the middle of the map does; so the keyboard suffices."""
        self.tool.clicked.emit(self._canvas.center(), Qt.KeyboardModifier.NoModifier)
