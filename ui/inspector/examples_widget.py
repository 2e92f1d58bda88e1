"""The page on which places are labelled by clicks: classes, the running map, where to go next; plain Qt, no QGIS."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Optional, Sequence

from qgis.PyQt.QtCore import QSignalBlocker, Qt, pyqtSignal
from qgis.PyQt.QtGui import QColor, QIcon, QKeySequence, QPainter, QPixmap
from qgis.PyQt.QtWidgets import (
    QAbstractItemView,
    QAction,
    QCheckBox,
    QColorDialog,
    QComboBox,
    QFormLayout,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QListWidget,
    QListWidgetItem,
    QPushButton,
    QSizePolicy,
    QSlider,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

KEYS = 9
KEY, NAME, COUNT = range(3)
LIKELIEST = -1


@dataclass(frozen=True)
class ClassRow:
    """A class: its name, its colour as `#rrggbb`, and how many places it has."""

    name: str
    colour: str
    count: int


@dataclass(frozen=True)
class SuggestionRow:
    """A place worth labelling: what the map calls it, and why, in words."""

    mark: str
    text: str


class ExamplesWidget(QWidget):
    """Shows and asks; what happens then is up to whoever listens to its signals."""

    add_requested = pyqtSignal()
    rename_requested = pyqtSignal(int, str)
    recolour_requested = pyqtSignal(int, str)
    remove_requested = pyqtSignal(int)
    undo_requested = pyqtSignal()
    drawn_changed = pyqtSignal()
    suggestions_requested = pyqtSignal()
    jump_requested = pyqtSignal(int)
    train_requested = pyqtSignal()

    def __init__(self, kinds: "Sequence[tuple[str, str]]", parent: Optional[QWidget] = None) -> None:
        """Build the widgets; `kinds` are the kinds of suggestions, as names and texts."""
        super().__init__(parent)
        self.setObjectName("EarthprintExamples")
        self._kinds = kinds
        self._colour_dialog: Optional[QColorDialog] = None
        self.sentence = self._label("examples_sentence")
        self.classes = self._make_classes()
        self.add = self._button("examples_add", self.tr("&Add class"), self.add_requested.emit)
        self.rename = self._button("examples_rename", self.tr("Re&name"), self._edit_name)
        self.colour = self._button("examples_colour", self.tr("Colou&r…"), self._choose_colour)
        self.remove = self._button("examples_remove", self.tr("&Delete"), self._ask_remove)
        self.remove.setToolTip(self.tr("Delete the class and its places; Undo brings them back."))
        self.erase = QCheckBox(self.tr("A click re&moves the nearest example"), self)
        self.erase.setObjectName("examples_erase")
        self.erase.setToolTip(self.tr("A click with Alt does that as well."))
        self.undo = self._button("examples_undo", self.tr("&Undo"), self.undo_requested.emit)
        self.undo.setToolTip(self.tr("Take the last change back; Backspace on the map does that as well."))
        self.drawn = self._choice("examples_drawn", self.tr("What is drawn over the map"))
        self.opacity = QSlider(Qt.Orientation.Horizontal, self)
        self.opacity.setObjectName("examples_opacity")
        self.opacity.setRange(0, 100)
        self.opacity.setPageStep(10)
        self.opacity.setValue(70)
        self.opacity.setAccessibleName(self.tr("Opacity"))
        self.accuracy = self._label("examples_accuracy")
        self.kind = self._choice("examples_kind", self.tr("Which places are suggested"))
        for name, text in kinds:
            self.kind.addItem(text, name)
        self.suggestions = self._make_suggestions()
        self.again = self._button("examples_again", self.tr("Su&ggest anew"), self.suggestions_requested.emit)
        self.again.setToolTip(self.tr("Look for places in what the map shows now."))
        self.train = self._button("examples_train", self.tr("&Train…"), self.train_requested.emit)
        self.train.setToolTip(self.tr("Open “Train classification” with these examples filled in."))
        self.file = self._label("examples_file")
        self._add_keys()
        self._lay_out()
        self._connect()
        self.show_classes((), 0)
        self.show_suggestions((), "")
        for label in (self.sentence, self.accuracy, self.file):
            self.show_text(label, "")
        self.set_ready(False, False)

    # ---- what the controller shows

    def show_text(self, label: QLabel, text: str) -> None:
        """Write a sentence; an empty one takes no room."""
        label.setText(text)
        label.setVisible(bool(text))

    def show_classes(self, rows: Sequence[ClassRow], current: int) -> None:
        """Fill the list anew, with the class in front that a click labels with."""
        blocked = [QSignalBlocker(control) for control in (self.classes, self.drawn)]
        drawn = self.drawn_class()
        self.classes.clear()
        self.drawn.clear()
        self.drawn.addItem(self.tr("the likeliest class"), LIKELIEST)
        for number, row in enumerate(rows):
            item = QTreeWidgetItem([str(number + 1) if number < KEYS else "", row.name, str(row.count)])
            item.setIcon(NAME, _swatch(row.colour, self.classes.fontMetrics().height()))
            item.setFlags(item.flags() | Qt.ItemFlag.ItemIsEditable)
            item.setTextAlignment(COUNT, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
            item.setData(NAME, Qt.ItemDataRole.UserRole, row.colour)
            item.setToolTip(NAME, row.name)
            self.classes.addTopLevelItem(item)
            self.drawn.addItem(_swatch(row.colour, self.classes.fontMetrics().height()), row.name, number)
        self.drawn.setCurrentIndex(max(0, self.drawn.findData(drawn)))
        if rows:
            self.classes.setCurrentItem(self.classes.topLevelItem(min(max(current, 0), len(rows) - 1)))
        for blocker in blocked:
            blocker.unblock()
        self._enable()

    def choose(self, number: int) -> None:
        """Label with another class from now on; a number without a class is passed over."""
        item = self.classes.topLevelItem(number)
        if item is not None:
            self.classes.setCurrentItem(item)

    def show_suggestions(self, rows: Sequence[SuggestionRow], why_none: str) -> None:
        """List places, or say why there are none."""
        self.suggestions.clear()
        for row in rows:
            item = QListWidgetItem("{}  {}".format(row.mark, row.text))
            self.suggestions.addItem(item)
        if not rows and why_none:
            item = QListWidgetItem(why_none)
            item.setFlags(Qt.ItemFlag.NoItemFlags)
            self.suggestions.addItem(item)

    def set_ready(self, can_undo: bool, can_train: bool) -> None:
        """Enable what makes sense now."""
        self.undo.setEnabled(can_undo)
        self.train.setEnabled(can_train)

    # ---- what the controller reads

    def current(self) -> int:
        """Return the number of the class that a click labels with, −1 where there is none."""
        return self.classes.indexOfTopLevelItem(self.classes.currentItem()) if self.classes.currentItem() else -1

    def drawn_class(self) -> int:
        """Return the number of the class that is drawn, or LIKELIEST."""
        data = self.drawn.currentData()
        return LIKELIEST if data is None else int(data)

    def suggestion_kind(self) -> str:
        """Return which kind of places is wanted."""
        return str(self.kind.currentData())

    # ---- making

    def _label(self, name: str) -> QLabel:
        """Make a label for a sentence."""
        label = QLabel(self)
        label.setObjectName(name)
        label.setWordWrap(True)
        label.setTextFormat(Qt.TextFormat.PlainText)
        label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse
                                      | Qt.TextInteractionFlag.TextSelectableByKeyboard)
        label.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.MinimumExpanding)
        return label

    def _button(self, name: str, text: str, action: object) -> QPushButton:
        """Make a button that has a name for tests and is no default by accident."""
        button = QPushButton(text, self)
        button.setObjectName(name)
        button.setAutoDefault(False)
        button.clicked.connect(lambda _checked=False: action())
        return button

    def _choice(self, name: str, spoken: str) -> QComboBox:
        """Make a choice that may be narrower than its longest text."""
        combo = QComboBox(self)
        combo.setObjectName(name)
        combo.setAccessibleName(spoken)
        combo.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        combo.setMinimumContentsLength(8)
        return combo

    def _make_classes(self) -> QTreeWidget:
        """Make the list of classes; their names are edited in place."""
        tree = QTreeWidget(self)
        tree.setObjectName("examples_classes")
        tree.setAccessibleName(self.tr("Classes; a click on the map labels with the marked one"))
        tree.setHeaderLabels([self.tr("Key"), self.tr("Class"), self.tr("Examples")])
        tree.setRootIsDecorated(False)
        tree.setUniformRowHeights(True)
        tree.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        tree.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        header = tree.header()
        header.setStretchLastSection(False)
        header.setSectionResizeMode(KEY, QHeaderView.ResizeMode.ResizeToContents)
        header.setSectionResizeMode(NAME, QHeaderView.ResizeMode.Stretch)
        header.setSectionResizeMode(COUNT, QHeaderView.ResizeMode.ResizeToContents)
        line = tree.fontMetrics().height()
        tree.setMinimumHeight(6 * line)
        return tree

    def _make_suggestions(self) -> QListWidget:
        """Make the list of places to go to."""
        found = QListWidget(self)
        found.setObjectName("examples_suggestions")
        found.setAccessibleName(self.tr("Places to label next; Enter goes there"))
        found.setWordWrap(True)
        line = found.fontMetrics().height()
        found.setMinimumHeight(4 * line)
        found.setMaximumHeight(9 * line)
        return found

    def _add_keys(self) -> None:
        """Let digits choose classes while the page has the keyboard, F2 rename, and Delete delete."""
        for number in range(KEYS):
            action = QAction(self.tr("Class {number}").format(number=number + 1), self)
            action.setObjectName("examples_key_{}".format(number + 1))
            action.setShortcut(QKeySequence(str(number + 1)))
            action.setShortcutContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
            action.triggered.connect(partial(self._key_pressed, number))
            self.addAction(action)
        for name, key, then in (("examples_key_rename", Qt.Key.Key_F2, self._edit_name),
                                ("examples_key_delete", Qt.Key.Key_Delete, self._ask_remove)):
            action = QAction(name, self.classes)
            action.setObjectName(name)
            action.setShortcut(QKeySequence(key))
            action.setShortcutContext(Qt.ShortcutContext.WidgetShortcut)
            action.triggered.connect(then)
            self.classes.addAction(action)

    def _lay_out(self) -> None:
        """Arrange everything; the order is also the order of the Tab key."""
        editing, naming, looking, ending = QHBoxLayout(), QHBoxLayout(), QHBoxLayout(), QHBoxLayout()
        for button in (self.add, self.remove, self.undo):
            editing.addWidget(button)
        for button in (self.rename, self.colour):
            naming.addWidget(button)
        for row in (editing, naming):
            row.addStretch(1)
        looking.addWidget(self.again)
        looking.addStretch(1)
        ending.addWidget(self.train)
        ending.addStretch(1)
        looks = QFormLayout()
        looks.setContentsMargins(0, 0, 0, 0)
        looks.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        looks.addRow(self.tr("S&how"), self.drawn)
        looks.addRow(self.tr("&Opacity"), self.opacity)
        looks.addRow(self.tr("La&bel next"), self.kind)
        layout = QVBoxLayout(self)
        layout.addWidget(self.sentence)
        layout.addWidget(self.classes, 3)
        layout.addLayout(editing)
        layout.addLayout(naming)
        layout.addWidget(self.erase)
        layout.addWidget(self.accuracy)
        layout.addLayout(looks)
        layout.addWidget(self.suggestions, 2)
        layout.addLayout(looking)
        layout.addLayout(ending)
        layout.addWidget(self.file)
        layout.addStretch(1)
        order = (self.classes, self.add, self.remove, self.undo, self.rename, self.colour, self.erase, self.drawn,
                 self.opacity, self.kind, self.suggestions, self.again, self.train)
        for before, after in zip(order, order[1:]):
            QWidget.setTabOrder(before, after)

    def _connect(self) -> None:
        """Listen to the controls."""
        self.classes.currentItemChanged.connect(self._enable)
        self.classes.itemDoubleClicked.connect(self._edit_name)
        self.classes.itemChanged.connect(self._name_edited)
        self.drawn.currentIndexChanged.connect(self._drawn_moved)
        self.opacity.valueChanged.connect(self._drawn_moved)
        self.kind.currentIndexChanged.connect(self._kind_moved)
        self.suggestions.itemClicked.connect(self._jump)
        self.suggestions.itemActivated.connect(self._jump)

    # ---- what the controls do

    def _key_pressed(self, number: int, _checked: bool = False) -> None:
        """Label with the class of a key."""
        self.choose(number)

    def _edit_name(self, *_ignored: object) -> None:
        """Edit the name of the marked class in place."""
        item = self.classes.currentItem()
        if item is not None:
            self.classes.editItem(item, NAME)

    def _name_edited(self, item: QTreeWidgetItem, column: int) -> None:
        """Tell the name that was typed."""
        if column == NAME:
            self.rename_requested.emit(self.classes.indexOfTopLevelItem(item), item.text(NAME))

    def _choose_colour(self) -> None:
        """Open the choice of a colour; QGIS goes on meanwhile."""
        item = self.classes.currentItem()
        if item is None:
            return
        if self._colour_dialog is not None:
            self._colour_dialog.close()
        dialog = QColorDialog(QColor(item.data(NAME, Qt.ItemDataRole.UserRole)), self)
        dialog.setObjectName("examples_colour_dialog")
        dialog.setModal(False)
        dialog.colorSelected.connect(partial(self._colour_chosen, self.current()))
        dialog.finished.connect(dialog.deleteLater)
        dialog.destroyed.connect(self._forget_dialog)
        self._colour_dialog = dialog
        dialog.show()

    def _colour_chosen(self, number: int, colour: QColor) -> None:
        """Tell the colour."""
        self.recolour_requested.emit(number, colour.name())

    def _forget_dialog(self, *_ignored: object) -> None:
        """Let go of a dialog that is gone."""
        self._colour_dialog = None

    def _ask_remove(self, *_ignored: object) -> None:
        """Ask to delete the marked class."""
        if self.current() >= 0:
            self.remove_requested.emit(self.current())

    def _drawn_moved(self, *_ignored: object) -> None:
        """Tell that something else is to be drawn."""
        self.drawn_changed.emit()

    def _kind_moved(self, *_ignored: object) -> None:
        """Tell that other places are wanted."""
        self.suggestions_requested.emit()

    def _jump(self, item: QListWidgetItem) -> None:
        """Tell which place is to be seen."""
        if item.flags() & Qt.ItemFlag.ItemIsEnabled:
            self.jump_requested.emit(self.suggestions.row(item))

    def _enable(self, *_ignored: object) -> None:
        """Enable what needs a class."""
        for button in (self.rename, self.colour, self.remove):
            button.setEnabled(self.classes.currentItem() is not None)


def _swatch(colour: str, size: int) -> QIcon:
    """Return a dot in a colour, as on the map."""
    side = max(8, size)
    pixmap = QPixmap(side, side)
    pixmap.fill(QColor(0, 0, 0, 0))
    painter = QPainter(pixmap)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setBrush(QColor(colour))
    painter.setPen(QColor(120, 120, 120))
    painter.drawEllipse(1, 1, side - 3, side - 3)
    painter.end()
    icon = QIcon(pixmap)
    # The colour is the same on a marked line, where Qt would tint it.
    icon.addPixmap(pixmap, QIcon.Mode.Selected)
    return icon
