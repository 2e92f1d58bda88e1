"""The page that lists encoders and offers to add, make, try and remove them; plain Qt, no QGIS."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Dict, List, Optional, Sequence

from qgis.PyQt.QtCore import Qt, QTimer, pyqtSignal
from qgis.PyQt.QtGui import QHideEvent, QShowEvent
from qgis.PyQt.QtWidgets import (
    QHBoxLayout,
    QLabel,
    QPushButton,
    QSizePolicy,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from .encoder_tree import EncoderTree
from .trial_widget import TrialWidget

NAME_COLUMN, EATS_COLUMN, DIMENSIONS_COLUMN, CELL_COLUMN, LICENCE_COLUMN, SIZE_COLUMN, STATE_COLUMN = range(7)
KEY = int(Qt.ItemDataRole.UserRole)
RETHINK_MS = 8000
NAME_CHARACTERS = 38
EATS_CHARACTERS = 24


@dataclass(frozen=True)
class EncoderRow:
    """One line of the list, in words that are ready to be shown."""

    key: str
    group: str
    name: str
    eats: str
    dimensions: str
    cell: str
    licence: str
    size: str
    state: str
    detail: str
    alarming: bool = False
    can_try: bool = False
    can_remove: bool = False
    has_card: bool = False


class EncodersWidget(QWidget):
    """Shows and asks; what happens then is up to whoever listens to its signals."""

    add_requested = pyqtSignal(str)
    make_requested = pyqtSignal()
    try_requested = pyqtSignal(str)
    remove_requested = pyqtSignal(str)
    card_requested = pyqtSignal(str)
    folder_requested = pyqtSignal(str)
    shown = pyqtSignal()

    def __init__(self, parent: Optional[QWidget] = None) -> None:
        """Build the widgets; the controller fills them."""
        super().__init__(parent)
        self.setObjectName("EarthprintEncoders")
        self._rows: Dict[str, EncoderRow] = {}
        self._doubted = ""
        self.tree = self._make_tree()
        self.detail = _text(QLabel(self), "encoder_detail")
        self.message = _text(QLabel(self), "encoders_message")
        self.add = self._button("add_encoder", self.tr("&Add…"), self._ask_add,
                                self.tr("Add an encoder in ONNX format. You can also drag the file onto the list."))
        self.make = self._button("make_encoder", self.tr("&Make…"), self.make_requested.emit,
                                 self.tr("Make an encoder from your rasters or photos, without a download."))
        self.try_out = self._button("try_encoder", self.tr("&Try on visible part"), self._ask_try,
                                    self.tr("Run the encoder on what the map shows of the current raster and see "
                                            "its vectors as colours, in seconds."))
        self.card = self._button("open_card", self.tr("Open &card"), self._ask_card,
                                 self.tr("Show the encoder's card: all that is known of it."))
        self.folder = self._button("open_folder", self.tr("Open &folder"), self._ask_folder,
                                   self.tr("Open the folder in which the encoder lies, or yours where none is "
                                           "selected."))
        self.remove = self._button("remove_encoder", self.tr("&Remove"), self._ask_remove, "")
        self.trial = TrialWidget(self)
        self._rethink = QTimer(self)
        self._rethink.setSingleShot(True)
        self._rethink.setInterval(RETHINK_MS)
        self._rethink.timeout.connect(self.undoubt)
        self._lay_out()
        self.tree.itemSelectionChanged.connect(self._selected)
        self.tree.dropped.connect(self.add_requested)
        self._selected()

    def show_rows(self, rows: Sequence[EncoderRow]) -> None:
        """Fill the list anew and keep what was selected and which groups were closed."""
        selected, closed = self.selected(), self._closed_groups()
        self._rows = {row.key: row for row in rows}
        self.tree.blockSignals(True)
        self.tree.clear()
        for group in dict.fromkeys(row.group for row in rows):
            members = [row for row in rows if row.group == group]
            head = QTreeWidgetItem(["{} ({})".format(group, len(members))])
            head.setData(NAME_COLUMN, KEY, group)
            head.setFlags(Qt.ItemFlag.ItemIsEnabled)
            self.tree.addTopLevelItem(head)
            head.setFirstColumnSpanned(True)
            for row in members:
                head.addChild(_item(row))
            head.setExpanded(group not in closed)
        for column in (DIMENSIONS_COLUMN, CELL_COLUMN, LICENCE_COLUMN, SIZE_COLUMN, STATE_COLUMN):
            self.tree.resizeColumnToContents(column)
        self.tree.resizeColumnToContents(NAME_COLUMN)
        widest = NAME_CHARACTERS * self.tree.fontMetrics().averageCharWidth()
        self.tree.setColumnWidth(NAME_COLUMN, min(self.tree.columnWidth(NAME_COLUMN), widest))
        self.tree.share_out()
        self.tree.blockSignals(False)
        if selected in self._rows:
            self.select(selected)
        self._selected()

    def close_groups(self, groups: Sequence[str]) -> None:
        """Fold groups that most people don't need at first."""
        for index in range(self.tree.topLevelItemCount()):
            head = self.tree.topLevelItem(index)
            if head.data(NAME_COLUMN, KEY) in groups:
                head.setExpanded(False)

    def set_state(self, key: str, state: str, detail: str, alarming: bool) -> None:
        """Show what a check has found, without disturbing the rest."""
        item = self.item(key)
        if item is None:
            return
        item.setText(STATE_COLUMN, state)
        item.setToolTip(STATE_COLUMN, detail)
        _emphasise(item, alarming)
        self.tree.resizeColumnToContents(STATE_COLUMN)
        self.tree.share_out()
        if key == self.selected():
            self.detail.setText(detail)

    def item(self, key: str) -> Optional[QTreeWidgetItem]:
        """Return the line of an encoder."""
        for index in range(self.tree.topLevelItemCount()):
            head = self.tree.topLevelItem(index)
            for place in range(head.childCount()):
                if head.child(place).data(NAME_COLUMN, KEY) == key:
                    return head.child(place)
        return None

    def select(self, key: str) -> None:
        """Choose a line."""
        item = self.item(key)
        if item is not None:
            self.tree.setCurrentItem(item)

    def selected(self) -> str:
        """Return the key of the chosen line, empty where there is none."""
        for item in self.tree.selectedItems():
            if item.parent() is not None:
                return str(item.data(NAME_COLUMN, KEY))
        return ""

    def show_message(self, text: str) -> None:
        """Say in one sentence what happened."""
        self.message.setText(text)
        self.message.setVisible(bool(text))

    def doubt(self, key: str, question: str) -> None:
        """Ask in the page whether an encoder is really to go; the same button answers."""
        self._doubted = key
        self.remove.setText(self.tr("&Really remove?"))
        self.show_message(question)
        self._rethink.start()

    def showEvent(self, event: QShowEvent) -> None:  # noqa: N802  (the name is Qt's)
        """Let the controller look again whenever the page comes up."""
        super().showEvent(event)
        self.shown.emit()

    def hideEvent(self, event: QHideEvent) -> None:  # noqa: N802
        """Forget a question that nobody sees any more."""
        super().hideEvent(event)
        self.undoubt()

    def _make_tree(self) -> EncoderTree:
        """Make the list."""
        tree = EncoderTree(self)
        tree.setObjectName("encoders")
        tree.setHeaderLabels([self.tr("Encoder"), self.tr("Eats"), self.tr("Dimensions"), self.tr("Cell"),
                              self.tr("Licence"), self.tr("Size"), self.tr("State")])
        tree.setUniformRowHeights(True)
        tree.setAlternatingRowColors(True)
        tree.setAccessibleName(self.tr("Encoders"))
        tree.header().setStretchLastSection(False)
        tree.make_elastic(EATS_COLUMN, EATS_CHARACTERS)
        # What needs attention is seen first, also where the window is narrow.
        tree.header().moveSection(STATE_COLUMN, 1)
        tree.setMinimumHeight(8 * tree.fontMetrics().height())
        return tree

    def _button(self, name: str, text: str, action: object, hint: str) -> QPushButton:
        """Make a button that has a name for tests and is no default by accident."""
        button = QPushButton(text, self)
        button.setObjectName(name)
        button.setAutoDefault(False)
        button.setToolTip(hint)
        button.clicked.connect(lambda _checked=False: action())
        return button

    def _lay_out(self) -> None:
        """Arrange everything; the order is also the order of the Tab key."""
        first, second = QHBoxLayout(), QHBoxLayout()
        for button in (self.add, self.make, self.try_out):
            first.addWidget(button)
        first.addStretch(1)
        for button in (self.card, self.folder, self.remove):
            first.addWidget(button)
        second.addWidget(self.trial)
        layout = QVBoxLayout(self)
        layout.addWidget(self.tree, 1)
        layout.addWidget(self.detail)
        layout.addWidget(self.message)
        layout.addLayout(first)
        layout.addLayout(second)
        order: List[QWidget] = [self.tree, self.detail, self.add, self.make, self.try_out, self.card, self.folder,
                                self.remove, *self.trial.order()]
        for before, after in zip(order, order[1:]):
            QWidget.setTabOrder(before, after)

    def _closed_groups(self) -> List[str]:
        """Name the groups that the user has folded."""
        heads = (self.tree.topLevelItem(index) for index in range(self.tree.topLevelItemCount()))
        return [str(head.data(NAME_COLUMN, KEY)) for head in heads if not head.isExpanded()]

    def _selected(self) -> None:
        """Show what is known of the chosen encoder and enable what makes sense."""
        row = self._rows.get(self.selected())
        if row is None or row.key != self._doubted:
            self.undoubt()
        item = None if row is None else self.item(row.key)
        self.detail.setText("" if item is None else item.toolTip(STATE_COLUMN))
        self.detail.setVisible(row is not None)
        self.try_out.setEnabled(row is not None and row.can_try and not self.trial.busy())
        self.card.setEnabled(row is not None and row.has_card)
        self.remove.setEnabled(row is not None and row.can_remove)
        hint = self.tr("Delete the encoder from your folder.") if row is None or row.can_remove else self.tr(
            "This encoder doesn't lie in your folder, so it stays.")
        self.remove.setToolTip(hint)

    def set_trial_busy(self, busy: bool) -> None:
        """Show that a trial runs, or that it is over."""
        self.trial.set_busy(busy)
        self._selected()

    def undoubt(self) -> None:
        """Take the question back."""
        self._rethink.stop()
        if self._doubted:
            self._doubted = ""
            self.remove.setText(self.tr("&Remove"))
            self.show_message("")

    def _ask_add(self) -> None:
        """Ask for a file to be added, which the dialog that opens will name."""
        self.add_requested.emit("")

    def _ask_try(self) -> None:
        """Ask for a trial of the chosen encoder."""
        self.try_requested.emit(self.selected())

    def _ask_card(self) -> None:
        """Ask for the chosen encoder's card."""
        self.card_requested.emit(self.selected())

    def _ask_folder(self) -> None:
        """Ask for the chosen encoder's folder."""
        self.folder_requested.emit(self.selected())

    def _ask_remove(self) -> None:
        """Ask for the chosen encoder to go; the controller doubts it the first time."""
        self.remove_requested.emit(self.selected())

    def doubted(self) -> str:
        """Return the key of the encoder about which the question stands."""
        return self._doubted


def _item(row: EncoderRow) -> QTreeWidgetItem:
    """Make the line of an encoder."""
    item = QTreeWidgetItem([row.name, row.eats, row.dimensions, row.cell, row.licence, row.size, row.state])
    item.setData(NAME_COLUMN, KEY, row.key)
    item.setFlags(Qt.ItemFlag.ItemIsSelectable | Qt.ItemFlag.ItemIsEnabled)
    item.setToolTip(NAME_COLUMN, row.name)
    item.setToolTip(EATS_COLUMN, row.eats)
    item.setToolTip(STATE_COLUMN, row.detail)
    item.setData(NAME_COLUMN, int(Qt.ItemDataRole.AccessibleTextRole), "{}: {}".format(row.name, row.state))
    right = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
    for column in (DIMENSIONS_COLUMN, CELL_COLUMN, SIZE_COLUMN):
        item.setTextAlignment(column, int(right))
    _emphasise(item, row.alarming)
    return item


def _emphasise(item: QTreeWidgetItem, alarming: bool) -> None:
    """Make a state that needs attention bold, which shows in any palette."""
    font = item.font(STATE_COLUMN)
    font.setBold(alarming)
    item.setFont(STATE_COLUMN, font)


def _text(label: QLabel, name: str) -> QLabel:
    """Make a label hold sentences that can be selected."""
    label.setObjectName(name)
    label.setWordWrap(True)
    label.setTextFormat(Qt.TextFormat.PlainText)
    label.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Minimum)
    label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse
                                  | Qt.TextInteractionFlag.TextSelectableByKeyboard)
    label.setVisible(False)
    return label
