"""The page of two places: their pictures, the score between them, and the numbers in which they differ most.

Plain Qt, no QGIS: it shows what it is given and says what is wanted.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Dict, Optional, Sequence

from qgis.PyQt.QtCore import Qt, pyqtSignal
from qgis.PyQt.QtWidgets import (
    QAbstractItemView,
    QGridLayout,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QPushButton,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from .bars_widget import Bar, BarsWidget
from .thumbnail_widget import ThumbnailWidget

LETTERS = ("A", "B")


@dataclass(frozen=True)
class DifferenceRow:
    """A number of both vectors: its name, both values, second less first, its share of the squared distance."""

    name: str
    first: float
    second: float
    difference: float
    share: float


class CompareWidget(QWidget):
    """Shows two vectors side by side."""

    zoom_requested = pyqtSignal(str)
    clear_requested = pyqtSignal()
    swap_requested = pyqtSignal()

    def __init__(self, parent: Optional[QWidget] = None) -> None:
        """Build the widgets; the controller fills them."""
        super().__init__(parent)
        self.setObjectName("EarthprintCompare")
        self.pictures: Dict[str, ThumbnailWidget] = {}
        self.names: Dict[str, QLabel] = {}
        self.zooms: Dict[str, QPushButton] = {}
        for letter in LETTERS:
            self._build_place(letter)
        self._build_result()
        self._lay_out()
        for letter in LETTERS:
            self.show_place(letter, "")
        self.show_result("", ())

    def show_place(self, letter: str, text: str) -> None:
        """Name the place pinned under a letter; an empty text says how to pin one."""
        how = {"A": self.tr("Click the map to pin a place here."),
               "B": self.tr("Shift+click the map to pin a place here.")}[letter]
        self.names[letter].setText("{}: {}".format(letter, text) if text else letter)
        self.zooms[letter].setEnabled(bool(text))
        self.pictures[letter].show_text(self.tr("Drawing…") if text else how)
        self._enable()

    def show_result(self, text: str, rows: Sequence[DifferenceRow]) -> None:
        """Show the score in words and the numbers by falling difference."""
        self.result.setText(text)
        self.result.setVisible(bool(text))
        self.bars.show_bars([Bar(row.name, row.difference) for row in rows])
        self.table.clear()
        items = []
        for row in rows:
            item = QTreeWidgetItem([row.name, number_text(row.first), number_text(row.second),
                                    number_text(row.difference), "{:.1f} %".format(100 * row.share)])
            for column in range(1, 5):
                item.setTextAlignment(column, int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter))
            items.append(item)
        self.table.addTopLevelItems(items)
        for part in (self.bars, self.bars_label, self.table):
            part.setVisible(bool(rows))

    def _build_place(self, letter: str) -> None:
        """Make what shows one place."""
        self.pictures[letter] = ThumbnailWidget(letter, self)
        name = QLabel(self)
        name.setObjectName("name_" + letter)
        name.setWordWrap(True)
        name.setTextFormat(Qt.TextFormat.PlainText)
        self.names[letter] = name
        zoom = QPushButton(self.tr("Zoom to &{letter}").format(letter=letter), self)
        zoom.setObjectName("zoom_" + letter)
        self.zooms[letter] = zoom
        zoom.clicked.connect(self._zoom_a if letter == "A" else self._zoom_b)

    def _build_result(self) -> None:
        """Make what shows the comparison."""
        self.result = QLabel(self)
        self.result.setObjectName("result")
        self.result.setWordWrap(True)
        self.result.setTextFormat(Qt.TextFormat.PlainText)
        self.result.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse
                                            | Qt.TextInteractionFlag.TextSelectableByKeyboard)
        font = self.result.font()
        font.setBold(True)
        self.result.setFont(font)
        self.bars = BarsWidget(self)
        self.bars.setObjectName("differences")
        self.bars.setAccessibleName(self.tr("Differences, the largest first"))
        self.bars_label = QLabel(self.tr("B less A, the lar&gest differences first"), self)
        self.bars_label.setBuddy(self.bars)
        self.table = QTreeWidget(self)
        self.table.setObjectName("numbers")
        self.table.setHeaderLabels([self.tr("Dimension"), self.tr("A"), self.tr("B"), self.tr("B − A"),
                                    self.tr("Share")])
        self.table.headerItem().setToolTip(4, self.tr("How much of the squared distance between the vectors this is"))
        self.table.setRootIsDecorated(False)
        self.table.setUniformRowHeights(True)
        self.table.setAlternatingRowColors(True)
        self.table.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.table.setTabKeyNavigation(False)
        self.table.setAccessibleName(self.tr("Numbers of both places, the largest differences first"))
        self.table.setMinimumHeight(int(self.fontMetrics().height() * 1.35 * 7))
        header = self.table.header()
        header.setStretchLastSection(False)
        header.setMinimumSectionSize(self.fontMetrics().horizontalAdvance("-0.0000"))
        header.setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
        self.swap = QPushButton(self.tr("Swap"), self)
        self.swap.setObjectName("swap")
        self.swap.clicked.connect(self.swap_requested)
        self.clear = QPushButton(self.tr("Clear"), self)
        self.clear.setObjectName("clear")
        self.clear.clicked.connect(self.clear_requested)
        self.bars.current_changed.connect(self._bar_chosen)
        self.table.currentItemChanged.connect(self._row_chosen)

    def _lay_out(self) -> None:
        """Arrange everything; the order is also that of the Tab key."""
        places = QGridLayout()
        for column, letter in enumerate(LETTERS):
            places.addWidget(self.pictures[letter], 0, column)
            places.addWidget(self.names[letter], 1, column, Qt.AlignmentFlag.AlignTop)
            places.addWidget(self.zooms[letter], 2, column, Qt.AlignmentFlag.AlignLeft)
            places.setColumnStretch(column, 1)
        buttons = QHBoxLayout()
        buttons.addWidget(self.swap)
        buttons.addWidget(self.clear)
        buttons.addStretch(1)
        layout = QVBoxLayout(self)
        layout.addLayout(places)
        layout.addWidget(self.result)
        layout.addWidget(self.bars_label)
        layout.addWidget(self.bars, 1)
        layout.addWidget(self.table, 2)
        layout.addLayout(buttons)
        layout.addStretch(0)
        order = (self.zooms["A"], self.zooms["B"], self.bars, self.table, self.swap, self.clear)
        for before, after in zip(order, order[1:]):
            QWidget.setTabOrder(before, after)

    def _enable(self) -> None:
        """Enable what makes sense for the places pinned."""
        some = [zoom.isEnabled() for zoom in self.zooms.values()]
        self.swap.setEnabled(any(some))
        self.clear.setEnabled(any(some))

    def _zoom_a(self) -> None:
        """Ask to zoom to the first place."""
        self.zoom_requested.emit("A")

    def _zoom_b(self) -> None:
        """Ask to zoom to the second place."""
        self.zoom_requested.emit("B")

    def _bar_chosen(self, index: int) -> None:
        """Show the numbers of the bar."""
        item = self.table.topLevelItem(index) if index >= 0 else None
        if item is not None and item is not self.table.currentItem():
            self.table.setCurrentItem(item)

    def _row_chosen(self, item: Optional[QTreeWidgetItem], _before: Optional[QTreeWidgetItem] = None) -> None:
        """Show the bar of the numbers."""
        if item is not None:
            self.bars.set_current(self.table.indexOfTopLevelItem(item))


def number_text(value: float) -> str:
    """Write a number in little room: three decimals where that says enough."""
    return "{:.3f}".format(value) if 0.01 <= abs(value) < 1000 or value == 0 else "{:.2g}".format(value)
