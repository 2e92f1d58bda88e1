"""The page that shows which optional packages are here and offers to install what is missing; plain Qt, no QGIS."""

from __future__ import annotations

from dataclasses import dataclass
from typing import List, Sequence

from qgis.PyQt.QtCore import Qt, pyqtSignal
from qgis.PyQt.QtGui import QGuiApplication
from qgis.PyQt.QtWidgets import (
    QCheckBox,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QPlainTextEdit,
    QProgressBar,
    QPushButton,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

NAME_COLUMN, STATE_COLUMN, PURPOSE_COLUMN = range(3)


@dataclass(frozen=True)
class PackageRow:
    """One line of the table, in words that are ready to be shown."""

    name: str
    state: str
    purpose: str
    tools: str
    detail: str
    usable: bool
    selectable: bool
    selected: bool


class PackagesWidget(QWidget):
    """Shows and asks; what happens then is up to whoever listens to its signals."""

    install_requested = pyqtSignal(list)
    go_back_requested = pyqtSignal()
    remove_requested = pyqtSignal()
    cancel_requested = pyqtSignal()
    report_requested = pyqtSignal()
    selection_changed = pyqtSignal()

    def __init__(self, parent: QWidget = None) -> None:
        """Build the widgets; the controller fills them. In a dialog, Enter installs what is missing."""
        super().__init__(parent)
        self.setObjectName("EarthprintPackages")
        self._busy = False
        self._back = ""
        self._missing: List[str] = []
        self._removable = False

        self.introduction = QLabel(self.tr(
            "Earthprint works as it is; the packages below open more of its tools. They are put into a folder of your "
            "QGIS profile. QGIS and its own NumPy stay as they are."), self)
        self.introduction.setWordWrap(True)
        self.table = self._make_table()
        self.gpu = QCheckBox(self.tr("&Graphics card: install the NVIDIA (CUDA) build of onnxruntime"), self)
        self.gpu.setObjectName("gpu")
        self.gpu.setVisible(False)
        self.place = QLabel(self)
        self.place.setObjectName("place")
        self.place.setWordWrap(True)
        self.place.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse
                                           | Qt.TextInteractionFlag.TextSelectableByKeyboard)
        self.message = QLabel(self)
        self.message.setObjectName("message")
        self.message.setWordWrap(True)
        self.message.setTextFormat(Qt.TextFormat.PlainText)
        self.message.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse
                                             | Qt.TextInteractionFlag.TextSelectableByKeyboard)
        self.progress = QProgressBar(self)
        self.progress.setObjectName("progress")
        self.progress.setRange(0, 1000)
        self.progress.setAccessibleName(self.tr("Progress of the installation"))
        self.cancel = self._button("cancel", self.tr("&Cancel"), self.cancel_requested.emit)
        self.log = QPlainTextEdit(self)
        self.log.setObjectName("log")
        self.log.setReadOnly(True)
        self.log.setTabChangesFocus(True)
        self.log.setMaximumBlockCount(5000)
        self.log.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
        self.log.setAccessibleName(self.tr("Log of the installation"))
        self.log_label = QLabel(self.tr("&Log"), self)
        self.log_label.setBuddy(self.log)
        self.install = self._button("install", self.tr("&Install"), self._ask_install)
        self.install.setDefault(True)
        self.go_back = self._button("go_back", self.tr("Go &back"), self.go_back_requested.emit)
        self.remove = self._button("remove", self.tr("&Remove"), self.remove_requested.emit)
        self.remove.setToolTip(self.tr("Stop using the packages that Earthprint installed; their files are deleted at "
                                       "the next start of QGIS."))
        self.report = self._button("report", self.tr("Copy re&port"), self.report_requested.emit)
        self.report.setToolTip(self.tr("Copy versions, states and the log for a bug report, without the name of your "
                                       "home folder."))
        self._lay_out()
        self.table.itemChanged.connect(self._selection_changed)
        self.gpu.toggled.connect(self._selection_changed)
        self.set_busy(False)

    def show_rows(self, rows: Sequence[PackageRow]) -> None:
        """Fill the table anew."""
        self._missing = [row.name for row in rows if not row.usable]
        self.table.blockSignals(True)
        self.table.clear()
        for row in rows:
            item = QTreeWidgetItem([row.name, row.state, row.purpose])
            item.setToolTip(STATE_COLUMN, row.detail)
            item.setToolTip(PURPOSE_COLUMN, row.tools)
            item.setData(NAME_COLUMN, Qt.ItemDataRole.AccessibleTextRole, "{}: {}".format(row.name, row.state))
            flags = Qt.ItemFlag.ItemIsSelectable | Qt.ItemFlag.ItemIsEnabled
            if row.selectable:
                item.setFlags(flags | Qt.ItemFlag.ItemIsUserCheckable)
                item.setCheckState(NAME_COLUMN, Qt.CheckState.Checked if row.selected else Qt.CheckState.Unchecked)
            else:
                item.setFlags(flags)
            if not row.usable:
                font = item.font(STATE_COLUMN)
                font.setBold(True)
                item.setFont(STATE_COLUMN, font)
            self.table.addTopLevelItem(item)
        self.table.blockSignals(False)
        if self.table.topLevelItemCount():
            self.table.setCurrentItem(self.table.topLevelItem(0))
        for column in (NAME_COLUMN, STATE_COLUMN):
            self.table.resizeColumnToContents(column)
        self._selection_changed()

    def selected(self) -> List[str]:
        """Name the packages that are ticked; with the graphics card's box the CUDA build takes onnxruntime's place."""
        names = []
        for index in range(self.table.topLevelItemCount()):
            item = self.table.topLevelItem(index)
            if (item.flags() & Qt.ItemFlag.ItemIsUserCheckable
                    and item.checkState(NAME_COLUMN) == Qt.CheckState.Checked):
                names.append(item.text(NAME_COLUMN))
        if self.gpu.isVisibleTo(self) and self.gpu.isChecked():
            names = ["onnxruntime-gpu" if name == "onnxruntime" else name for name in names]
        return names

    def offer_gpu(self, detail: str) -> None:
        """Show the box for the CUDA build; its tooltip says what it costs."""
        self.gpu.setToolTip(detail)
        self.gpu.setVisible(True)

    def show_place(self, text: str) -> None:
        """Say for which Python and into which folder the packages go."""
        self.place.setText(text)

    def show_message(self, text: str) -> None:
        """Say in one sentence how things stand."""
        self.message.setText(text)
        self.message.setVisible(bool(text))

    def show_progress(self, fraction: float, text: str) -> None:
        """Move the bar and say what is being done."""
        self.progress.setValue(int(round(min(max(fraction, 0.0), 1.0) * 1000)))
        if text:
            self.show_message(text)

    def add_line(self, line: str) -> None:
        """Add a line to the log."""
        self.log.appendPlainText(line)

    def log_text(self) -> str:
        """Return the whole log."""
        return self.log.toPlainText()

    def set_way_back(self, detail: str) -> None:
        """Offer the earlier installation that the text describes; an empty text offers none."""
        self._back = detail
        self.go_back.setToolTip(detail)
        self._enable()

    def set_removable(self, removable: bool) -> None:
        """Offer to remove what was installed."""
        self._removable = removable
        self._enable()

    def set_busy(self, busy: bool) -> None:
        """Show that an installation is under way, or over; focus never stays on a button that went grey."""
        self._busy = busy
        focused = self.focusWidget()
        self.progress.setVisible(busy)
        self.cancel.setVisible(busy)
        self._enable()
        if focused is not None and not focused.isEnabled():
            (self.cancel if busy else self.report).setFocus(Qt.FocusReason.OtherFocusReason)

    def copy(self, text: str) -> None:
        """Put a text on the clipboard."""
        QGuiApplication.clipboard().setText(text)

    def _make_table(self) -> QTreeWidget:
        """Make the list of packages; the space bar ticks, so it works without a mouse."""
        table = QTreeWidget(self)
        table.setObjectName("packages")
        table.setRootIsDecorated(False)
        table.setUniformRowHeights(True)
        table.setAlternatingRowColors(True)
        table.setHeaderLabels([self.tr("Package"), self.tr("State"), self.tr("Needed for")])
        table.header().setSectionResizeMode(PURPOSE_COLUMN, QHeaderView.ResizeMode.Stretch)
        table.setTabKeyNavigation(False)
        table.setAccessibleName(self.tr("Optional packages"))
        return table

    def _button(self, name: str, text: str, action: object) -> QPushButton:
        """Make a button that has a name for tests and is no default by accident."""
        button = QPushButton(text, self)
        button.setObjectName(name)
        button.setAutoDefault(False)
        button.clicked.connect(lambda _checked=False: action())
        return button

    def _lay_out(self) -> None:
        """Arrange everything; the order is also the order of the Tab key."""
        bar = QHBoxLayout()
        bar.addWidget(self.progress, 1)
        bar.addWidget(self.cancel)
        buttons = QHBoxLayout()
        for button in (self.install, self.go_back, self.remove):
            buttons.addWidget(button)
        buttons.addStretch(1)
        buttons.addWidget(self.report)
        layout = QVBoxLayout(self)
        layout.addWidget(self.introduction)
        layout.addWidget(self.table, 3)
        layout.addWidget(self.gpu)
        layout.addWidget(self.place)
        layout.addWidget(self.message)
        layout.addLayout(bar)
        layout.addWidget(self.log_label)
        layout.addWidget(self.log, 2)
        layout.addLayout(buttons)
        order = (self.table, self.gpu, self.place, self.message, self.cancel, self.log, self.install, self.go_back,
                 self.remove, self.report)
        for before, after in zip(order, order[1:]):
            QWidget.setTabOrder(before, after)

    def _ask_install(self) -> None:
        """Ask for what is ticked."""
        names = self.selected()
        if names:
            self.install_requested.emit(names)

    def _selection_changed(self, *_ignored: object) -> None:
        """Keep the button in step with the ticks, and let others know."""
        self._enable()
        self.selection_changed.emit()

    def _enable(self) -> None:
        """Enable what makes sense now."""
        self.table.setEnabled(not self._busy)
        self.gpu.setEnabled(not self._busy)
        selected = self.selected()
        self.install.setEnabled(not self._busy and bool(selected))
        # Enter must not download again what is here
        self.install.setDefault(any(name in self._missing for name in selected))
        self.go_back.setEnabled(not self._busy and bool(self._back))
        self.remove.setEnabled(not self._busy and self._removable)
