"""The page that greets: two ways to a first result and the way to the documents; plain Qt, no QGIS."""

from __future__ import annotations

from typing import Optional, Sequence, Tuple

from qgis.PyQt.QtCore import Qt, pyqtSignal
from qgis.PyQt.QtGui import QShowEvent
from qgis.PyQt.QtWidgets import (
    QCheckBox,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QProgressBar,
    QPushButton,
    QVBoxLayout,
    QWidget,
)


class WelcomeWidget(QWidget):
    """Says what Earthprint is for in three sentences and offers to begin."""

    raster_requested = pyqtSignal()
    demo_requested = pyqtSignal(str)
    folder_requested = pyqtSignal()
    link_requested = pyqtSignal(str)
    packages_requested = pyqtSignal()
    greeting_changed = pyqtSignal(bool)
    shown = pyqtSignal()

    def __init__(self, parent: Optional[QWidget] = None) -> None:
        """Build it."""
        super().__init__(parent)
        self.setObjectName("EarthprintWelcome")
        self._folder = ""
        self.title = QLabel(self.tr("What is this place like?"), self)
        self.title.setObjectName("welcome_title")
        font = self.title.font()
        font.setBold(True)
        font.setPointSizeF(font.pointSizeF() * 1.4 if font.pointSizeF() > 0 else 14.0)
        self.title.setFont(font)
        self.introduction = self._label(self.tr(
            "Earthprint turns each cell of a raster into an embedding: numbers that say what the place is like. Places "
            "that look alike get numbers that lie close together, so that you can ask what is similar to this, which "
            "groups there are, what changed, and what can be predicted. For a first result you need no download, no "
            "labels and no model."), "welcome_text")
        self.raster = self._button("try_project_raster", self.tr("&Try it on this project's raster"),
                                   self.raster_requested.emit)
        self.raster_text = self._label("", "welcome_raster")
        self.demo = self._button("make_demo", self.tr("&Make the demo data"), self._ask_demo)
        self.demo_text = self._label("", "welcome_demo")
        self.folder = self._button("demo_folder", self.tr("&Folder…"), self.folder_requested.emit)
        self.folder.setToolTip(self.tr("Choose where the demo data goes; without a choice it goes into a temporary "
                                       "folder that QGIS removes when it ends."))
        self.packages = self._button("welcome_packages", self.tr("See &packages"), self.packages_requested.emit)
        self.packages_text = self._label("", "welcome_packages_text")
        self.message = self._label("", "welcome_message")
        self.message.setVisible(False)
        self.progress = QProgressBar(self)
        self.progress.setObjectName("welcome_progress")
        self.progress.setRange(0, 0)
        self.progress.setTextVisible(False)
        self.progress.setAccessibleName(self.tr("The demo data is being made"))
        self.progress.setVisible(False)
        self.links = self._label("", "welcome_links")
        self.links.setTextFormat(Qt.TextFormat.RichText)
        self.links.setTextInteractionFlags(Qt.TextInteractionFlag.TextBrowserInteraction)
        self.links.linkActivated.connect(self.link_requested)
        self.greeting = QCheckBox(self.tr("&Greet me at the next start as well"), self)
        self.greeting.setObjectName("welcome_greeting")
        self.greeting.toggled.connect(self.greeting_changed)
        self._lay_out()
        self.show_folder("")

    def show_raster(self, name: str) -> None:
        """Offer the project's raster, or say that there is none yet."""
        self.raster.setEnabled(bool(name))
        self.raster_text.setText(self.tr("Opens “Embed raster” with {name} filled in; press Run there.").format(
            name=name) if name else self.tr("There is no raster in the project yet: add one, or make the demo data."))

    def show_packages(self, text: str) -> None:
        """Say how things stand with the packages."""
        self.packages_text.setText(text)

    def show_folder(self, folder: str) -> None:
        """Say where the demo data will go; an empty text means a temporary folder."""
        self._folder = folder
        where = folder or self.tr("a temporary folder")
        self.demo_text.setText(self.tr("Draws an invented landscape at two dates with labels, into {folder}, and loads "
                                       "it. It takes some seconds and needs no network.").format(folder=where))

    def show_links(self, links: Sequence[Tuple[str, str]]) -> None:
        """Show links: texts and addresses."""
        self.links.setText(" · ".join('<a href="{}">{}</a>'.format(address, text) for text, address in links))

    def show_message(self, text: str) -> None:
        """Say what happened."""
        self.message.setText(text)
        self.message.setVisible(bool(text))

    def set_greeting(self, wanted: bool) -> None:
        """Show whether the next start greets as well, without saying that it was changed."""
        self.greeting.blockSignals(True)
        self.greeting.setChecked(wanted)
        self.greeting.blockSignals(False)

    def set_busy(self, busy: bool) -> None:
        """Show that the demo data is being made, or that this is over."""
        self.progress.setVisible(busy)
        self.demo.setEnabled(not busy)
        self.folder.setEnabled(not busy)

    def showEvent(self, event: QShowEvent) -> None:  # noqa: N802  (the name is Qt's)
        """Let the controller look again whenever the page comes up."""
        super().showEvent(event)
        self.shown.emit()

    def _ask_demo(self) -> None:
        """Ask for the demo data in the folder that is shown."""
        self.demo_requested.emit(self._folder)

    def _label(self, text: str, name: str) -> QLabel:
        """Make a label for sentences."""
        label = QLabel(text, self)
        label.setObjectName(name)
        label.setWordWrap(True)
        return label

    def _button(self, name: str, text: str, action: object) -> QPushButton:
        """Make a button that has a name for tests and is no default by accident."""
        button = QPushButton(text, self)
        button.setObjectName(name)
        button.setAutoDefault(False)
        button.clicked.connect(lambda _checked=False: action())
        return button

    def _lay_out(self) -> None:
        """Put each button beside what it does."""
        offers = QGridLayout()
        offers.setColumnStretch(1, 1)
        offers.setVerticalSpacing(2 * max(offers.verticalSpacing(), self.fontMetrics().height() // 3))
        offers.addWidget(self.raster, 0, 0)
        offers.addWidget(self.raster_text, 0, 1, 1, 2)
        offers.addWidget(self.demo, 1, 0)
        offers.addWidget(self.demo_text, 1, 1)
        offers.addWidget(self.folder, 1, 2)
        offers.addWidget(self.packages, 2, 0)
        offers.addWidget(self.packages_text, 2, 1, 1, 2)
        last = QHBoxLayout()
        last.addWidget(self.greeting)
        last.addStretch(1)
        layout = QVBoxLayout(self)
        for widget in (self.title, self.introduction):
            layout.addWidget(widget)
        layout.addLayout(offers)
        layout.addWidget(self.progress)
        layout.addWidget(self.message)
        layout.addWidget(self.links)
        layout.addStretch(1)
        layout.addLayout(last)
        order = (self.raster, self.demo, self.folder, self.packages, self.links, self.greeting)
        for before, after in zip(order, order[1:]):
            QWidget.setTabOrder(before, after)
