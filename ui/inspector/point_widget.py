"""The page of one place: its vector as bars, what other layers say there, and the places in view that are like it.

Plain Qt, no QGIS: it shows what it is given and says what is wanted.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import List, Optional, Sequence, Tuple

from qgis.PyQt.QtCore import Qt, pyqtSignal
from qgis.PyQt.QtGui import QGuiApplication
from qgis.PyQt.QtWidgets import (
    QAbstractItemView,
    QCheckBox,
    QComboBox,
    QGridLayout,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QPushButton,
    QSpinBox,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from .bars_widget import Bar, BarGroup, BarsWidget

MOST_OTHERS = 6
ORDER_NAMES = ("number", "value", "size", "parts")


@dataclass(frozen=True)
class NeighbourRow:
    """A line of the ranked list, in words."""

    name: str
    score: str
    distance: str


class PointWidget(QWidget):
    """Shows a vector and its like."""

    order_changed = pyqtSignal(str)
    follow_changed = pyqtSignal(bool)
    search_changed = pyqtSignal(int, int)
    search_requested = pyqtSignal()
    zoom_requested = pyqtSignal(int)
    flash_requested = pyqtSignal(int)
    keep_requested = pyqtSignal()

    def __init__(self, parent: Optional[QWidget] = None) -> None:
        """Build the widgets; the controller fills them."""
        super().__init__(parent)
        self.setObjectName("EarthprintPoint")
        self._vector_text = ""
        self._offers_parts = False
        self._build_vector()
        self._build_others()
        self._build_neighbours()
        self._lay_out()
        self.show_vector("", "", (), ())
        self.show_neighbours((), self.tr("Click the map to find the places in view that are most alike."))
        self.show_others(())

    def show_vector(self, title: str, facts: str, bars: Sequence[Bar], groups: Sequence[BarGroup]) -> None:
        """Show a vector as bars in their order, with its name and its length."""
        self.title.setText(title)
        self.title.setVisible(bool(title))
        self.facts.setText(facts)
        self.facts.setVisible(bool(facts))
        self.bars.show_bars(bars, groups)
        self.copy.setEnabled(bool(bars))

    def set_vector_text(self, text: str) -> None:
        """Keep what the button copies: the numbers in their own order."""
        self._vector_text = text

    def offer_parts(self, offered: bool) -> None:
        """Offer the order by parts only where the space has parts."""
        if offered != self._offers_parts:
            self._offers_parts = offered
            if offered:
                self.order.addItem(self.tr("By part"), ORDER_NAMES[3])
            else:
                self.order.removeItem(self.order.findData(ORDER_NAMES[3]))

    def set_order(self, order: str) -> None:
        """Choose an order without telling."""
        index = self.order.findData(order)
        if index >= 0:
            self.order.blockSignals(True)
            self.order.setCurrentIndex(index)
            self.order.blockSignals(False)

    def show_neighbours(self, rows: Sequence[NeighbourRow], remark: str) -> None:
        """Fill the ranked list."""
        self.neighbours.clear()
        for number, row in enumerate(rows, 1):
            item = QTreeWidgetItem([str(number), row.score, row.distance])
            item.setToolTip(0, row.name)
            for column in range(3):
                item.setTextAlignment(column, int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter))
            self.neighbours.addTopLevelItem(item)
        if rows:
            self.neighbours.setCurrentItem(self.neighbours.topLevelItem(0))
        self.remark.setText(remark)
        self.remark.setVisible(bool(remark))
        self._enable()

    def show_others(self, rows: Sequence[Tuple[str, str, str]]) -> None:
        """Show what other layers say of the place: layer, band or column, value."""
        self.others.clear()
        for layer, what, value in rows:
            item = QTreeWidgetItem(["{}: {}".format(layer, what) if what else layer, value])
            item.setToolTip(0, item.text(0))
            item.setToolTip(1, value)
            self.others.addTopLevelItem(item)
        for part in (self.others, self.others_label):
            part.setVisible(bool(rows))
        line = max(self.others.sizeHintForRow(0), self.others.fontMetrics().height())
        frame = 2 * self.others.frameWidth() + self.others.header().sizeHint().height()
        self.others.setFixedHeight(frame + line * min(max(len(rows), 1), MOST_OTHERS))

    def set_busy(self, busy: bool) -> None:
        """Say that the search is under way."""
        if busy:
            self.remark.setText(self.tr("Searching the view…"))
            self.remark.setVisible(True)

    def set_place_known(self, known: bool) -> None:
        """Allow to search once there is a place to search for."""
        self.search.setEnabled(known)

    def _build_vector(self) -> None:
        """Make what shows the vector."""
        self.title = QLabel(self)
        self.title.setObjectName("title")
        font = self.title.font()
        font.setBold(True)
        self.title.setFont(font)
        self.facts = QLabel(self)
        self.facts.setObjectName("facts")
        for label in (self.title, self.facts):
            label.setWordWrap(True)
            label.setTextFormat(Qt.TextFormat.PlainText)
            label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse
                                          | Qt.TextInteractionFlag.TextSelectableByKeyboard)
        self.bars = BarsWidget(self)
        self.bars.setObjectName("bars")
        self.bars.setAccessibleName(self.tr("The numbers of the vector"))
        self.bars.setToolTip("")
        self.current = QLabel(self)
        self.current.setObjectName("current")
        self.order = QComboBox(self)
        self.order.setObjectName("order")
        for name, text in zip(ORDER_NAMES, (self.tr("By number"), self.tr("By value"), self.tr("By size"))):
            self.order.addItem(text, name)
        self.order_label = QLabel(self.tr("Order"), self)
        self.order_label.setBuddy(self.order)
        self.copy = QPushButton(self.tr("Cop&y numbers"), self)
        self.copy.setObjectName("copy")
        self.follow = QCheckBox(self.tr("&Follow the pointer"), self)
        self.follow.setObjectName("follow")
        self.order.currentIndexChanged.connect(self._order_chosen)
        self.copy.clicked.connect(self._copy)
        self.follow.toggled.connect(self.follow_changed)
        self.bars.current_changed.connect(self._show_current)

    def _build_others(self) -> None:
        """Make the list of what other layers say."""
        self.others = self._tree("others", [self.tr("Layer"), self.tr("Value")], self.tr("Other layers at this place"))
        self.others.header().setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        self.others.header().setSectionResizeMode(1, QHeaderView.ResizeMode.ResizeToContents)
        self.others.header().setStretchLastSection(False)
        self.others_label = QLabel(self.tr("Other layers here"), self)
        self.others_label.setBuddy(self.others)

    def _build_neighbours(self) -> None:
        """Make the ranked list and what can be done with it."""
        headers = [self.tr("Rank"), self.tr("Score"), self.tr("Distance")]
        self.neighbours = self._tree("neighbours", headers, self.tr("Places in view that are most alike"))
        self.neighbours.header().setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
        self.neighbours.setMinimumHeight(int(self.fontMetrics().height() * 1.35 * 5))
        self.neighbours_label = QLabel(self.tr("Most al&ike in view"), self)
        self.neighbours_label.setBuddy(self.neighbours)
        self.remark = QLabel(self)
        self.remark.setObjectName("remark")
        self.remark.setWordWrap(True)
        self.remark.setTextFormat(Qt.TextFormat.PlainText)
        self.count = QSpinBox(self)
        self.count.setObjectName("count")
        self.count.setRange(1, 1000)
        self.count.setValue(10)
        self.count_label = QLabel(self.tr("&Number"), self)
        self.count_label.setBuddy(self.count)
        self.apart = QSpinBox(self)
        self.apart.setObjectName("apart")
        self.apart.setRange(0, 10_000_000)
        self.apart.setSuffix(self.tr(" m"))
        self.apart.setSpecialValueText(self.tr("Automatic"))
        self.apart.setToolTip(self.tr("How far places in the list are from each other at least; automatic is 3 % of "
                                      "the view's width for rasters, and any distance for tables."))
        self.apart_label = QLabel(self.tr("&Apart"), self)
        self.apart_label.setBuddy(self.apart)
        self.search = self._button("search", self.tr("Search the view"), self.search_requested)
        self.zoom = self._button("zoom", self.tr("&Zoom"), None)
        self.flash = self._button("flash", self.tr("Flash"), None)
        self.keep = self._button("keep", self.tr("&Keep as layer"), self.keep_requested)
        self.keep.setToolTip(self.tr("Make a scratch layer of the places, with score, distance and their vectors."))
        self.zoom.clicked.connect(self._zoom)
        self.flash.clicked.connect(self._flash)
        self.neighbours.itemActivated.connect(self._zoom)
        self.neighbours.currentItemChanged.connect(self._flash)
        self.count.valueChanged.connect(self._search_changed)
        self.apart.valueChanged.connect(self._search_changed)
        self.set_place_known(False)

    def _tree(self, name: str, headers: List[str], accessible: str) -> QTreeWidget:
        """Make a list of columns."""
        tree = QTreeWidget(self)
        tree.setObjectName(name)
        tree.setHeaderLabels(headers)
        tree.setRootIsDecorated(False)
        tree.setUniformRowHeights(True)
        tree.setAlternatingRowColors(True)
        tree.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        tree.setTabKeyNavigation(False)
        tree.setAccessibleName(accessible)
        return tree

    def _button(self, name: str, text: str, wish: object) -> QPushButton:
        """Make a button that emits a wish."""
        button = QPushButton(text, self)
        button.setObjectName(name)
        if wish is not None:
            button.clicked.connect(wish)
        return button

    def _lay_out(self) -> None:
        """Arrange everything; the order is also that of the Tab key."""
        above = QGridLayout()
        above.addWidget(self.order_label, 0, 0)
        above.addWidget(self.order, 0, 1)
        above.addWidget(self.copy, 0, 2)
        above.addWidget(self.follow, 1, 0, 1, 3)
        above.setColumnStretch(1, 1)
        limits = QGridLayout()
        limits.addWidget(self.count_label, 0, 0)
        limits.addWidget(self.count, 0, 1)
        limits.addWidget(self.apart_label, 0, 2)
        limits.addWidget(self.apart, 0, 3)
        limits.setColumnStretch(1, 1)
        limits.setColumnStretch(3, 1)
        first, second = QHBoxLayout(), QHBoxLayout()
        first.addWidget(self.search)
        first.addWidget(self.keep)
        second.addWidget(self.zoom)
        second.addWidget(self.flash)
        for row in (first, second):
            row.addStretch(1)
        layout = QVBoxLayout(self)
        layout.addLayout(above)
        layout.addWidget(self.title)
        layout.addWidget(self.facts)
        layout.addWidget(self.bars, 2)
        layout.addWidget(self.current)
        layout.addWidget(self.others_label)
        layout.addWidget(self.others)
        layout.addWidget(self.neighbours_label)
        layout.addLayout(limits)
        layout.addWidget(self.neighbours, 3)
        layout.addWidget(self.remark)
        layout.addLayout(second)
        layout.addLayout(first)
        order = (self.order, self.copy, self.follow, self.bars, self.others, self.count, self.apart, self.neighbours,
                 self.zoom, self.flash, self.search, self.keep)
        for before, after in zip(order, order[1:]):
            QWidget.setTabOrder(before, after)

    def _enable(self) -> None:
        """Enable what makes sense for the list as it is."""
        some = self.neighbours.topLevelItemCount() > 0
        for button in (self.zoom, self.flash, self.keep):
            button.setEnabled(some)

    def _row(self) -> int:
        """Return the current row of the list, −1 where there is none."""
        item = self.neighbours.currentItem()
        return self.neighbours.indexOfTopLevelItem(item) if item is not None else -1

    def _order_chosen(self, _index: int) -> None:
        """Say which order is wanted."""
        self.order_changed.emit(self.order.currentData())

    def _search_changed(self, _value: int) -> None:
        """Say what to search for."""
        self.search_changed.emit(self.count.value(), self.apart.value())

    def _zoom(self, *_ignored: object) -> None:
        """Ask to zoom to the current row."""
        if self._row() >= 0:
            self.zoom_requested.emit(self._row())

    def _flash(self, *_ignored: object) -> None:
        """Ask to flash the current row."""
        if self._row() >= 0:
            self.flash_requested.emit(self._row())

    def _copy(self) -> None:
        """Put the numbers on the clipboard."""
        QGuiApplication.clipboard().setText(self._vector_text)

    def _show_current(self, index: int) -> None:
        """Name the bar that is pointed at."""
        self.current.setText(self.bars.text_of(index) or self.tr("Click a bar, or use the arrow keys, to read it."))
        self.bars.setAccessibleDescription(self.current.text())
