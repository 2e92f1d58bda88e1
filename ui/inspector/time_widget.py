"""The page with a place's change over time: which rasters with which dates, compared with which; plain Qt, no QGIS."""

from __future__ import annotations

from dataclasses import dataclass
from typing import List, Optional, Sequence, Tuple

from qgis.PyQt.QtCore import QSignalBlocker, Qt, pyqtSignal
from qgis.PyQt.QtWidgets import (
    QAbstractItemView,
    QCheckBox,
    QComboBox,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QProgressBar,
    QPushButton,
    QSizePolicy,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from ..plot_colours import plot_colours
from .time_plot import Timeline, TimePlot, curve_colour

_NAME, _DATE = 0, 1


@dataclass(frozen=True)
class DatedRow:
    """A raster that may take part: its layer's id and name, the date as written, and whether it does take part."""

    layer_id: str
    name: str
    date: str
    used: bool


class TimeWidget(QWidget):
    """Shows and asks; what happens then is up to whoever listens to its signals."""

    rasters_changed = pyqtSignal()
    """Other rasters take part, or they have other dates."""
    reference_changed = pyqtSignal()
    band_toggled = pyqtSignal(bool)
    pin_asked = pyqtSignal()
    unpin_asked = pyqtSignal()
    keep_asked = pyqtSignal()

    def __init__(self, parent: Optional[QWidget] = None) -> None:
        """Build the widgets; the controller fills them."""
        super().__init__(parent)
        self.setObjectName("EarthprintTime")
        self._places = ("", "")
        self.rasters = self._make_table()
        self.reference = QComboBox(self)
        self.reference.setObjectName("time_reference")
        self.reference.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.reference.setMinimumContentsLength(5)
        self.reference.setAccessibleName(self.tr("Date that all others are compared with"))
        self.band = QCheckBox(self.tr("&Usual change in view"), self)
        self.band.setObjectName("time_band")
        self.band.setToolTip(self.tr("A grey band from the lower to the upper quartile of the change of all that the "
                                     "map shows: a place above it changed more than most."))
        self.pin = self._button("time_pin", self.tr("Pin as &B"), self.tr(
            "Keep this place, and compare the next one that is clicked with it."))
        self.pin.clicked.connect(self._pin)
        self.unpin = self._button("time_unpin", self.tr("L&et B go"), self.tr("Show one place only."))
        self.unpin.clicked.connect(self._unpin)
        self.keep = self._button("time_keep", self.tr("&Keep as table"),
                                 self.tr("Add the numbers of the curves to the project as a scratch layer."))
        self.keep.clicked.connect(self._keep)
        self.plot = TimePlot(self)
        self.plot.setAccessibleName(self.tr("Distance to the reference date over time"))
        self.plot.date_shown.connect(self._show_date)
        self.progress = QProgressBar(self)
        self.progress.setObjectName("time_progress")
        self.progress.setRange(0, 0)
        self.progress.setTextVisible(False)
        self.progress.setMaximumHeight(max(6, self.fontMetrics().height() // 2))
        self.progress.setAccessibleName(self.tr("Dates are being read"))
        self.places = self._line("time_places")
        self.places.setTextFormat(Qt.TextFormat.RichText)
        self.here = self._line("time_here")
        self.sentence = self._line("time_sentence")
        self._lay_out()
        self.rasters.itemChanged.connect(self._rasters_edited)
        self.reference.currentIndexChanged.connect(self._reference_chosen)
        self.band.toggled.connect(self.band_toggled)
        self.set_busy(False)
        self.show_sentence("")
        self.show_timeline(Timeline())
        self.show_places("", "")

    # ---- what the controller shows

    def show_rasters(self, rows: Sequence[DatedRow]) -> None:
        """List the rasters that may take part."""
        blocked = QSignalBlocker(self.rasters)
        self.rasters.setRowCount(len(rows))
        for number, row in enumerate(rows):
            name = QTableWidgetItem(row.name)
            name.setFlags(Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable | Qt.ItemFlag.ItemIsUserCheckable)
            name.setCheckState(Qt.CheckState.Checked if row.used else Qt.CheckState.Unchecked)
            name.setData(Qt.ItemDataRole.UserRole, row.layer_id)
            name.setToolTip(row.name)
            date = QTableWidgetItem(row.date)
            date.setFlags(Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable | Qt.ItemFlag.ItemIsEditable)
            date.setToolTip(self.tr("A year, a month or a day, such as 2023, 2023-05 or 2023-05-14."))
            self.rasters.setItem(number, _NAME, name)
            self.rasters.setItem(number, _DATE, date)
        blocked.unblock()

    def show_references(self, offered: "Sequence[Tuple[str, str]]", wanted: str) -> None:
        """Offer pairs of layer id and date to compare with, and choose one without a signal."""
        blocked = QSignalBlocker(self.reference)
        self.reference.clear()
        for layer_id, date in offered:
            self.reference.addItem(date, layer_id)
        self.reference.setCurrentIndex(max(0, self.reference.findData(wanted)))
        blocked.unblock()

    def show_timeline(self, timeline: Timeline) -> None:
        """Draw curves."""
        self.plot.show_timeline(timeline)
        self.keep.setEnabled(bool(timeline.curves))
        self._show_date(-1)

    def show_places(self, first: str, second: str) -> None:
        """Say where A and B are; an empty text for none."""
        self._places = first, second
        words = []
        for number, (letter, place) in enumerate((("A", first), ("B", second))):
            if place:
                mark = "\u25a0" if number else "\u25cf"
                words.append('<span style="color:{}">{}</span>\u00a0<b>{}</b> {}'.format(
                    curve_colour(number, plot_colours(self).ground).name(), mark, letter, place))
        self.places.setText("<br>".join(words))
        self.places.setVisible(bool(words))
        self.pin.setEnabled(bool(first))
        self.unpin.setEnabled(bool(second))

    def show_sentence(self, text: str) -> None:
        """Say what is missing or wrong."""
        self.sentence.setText(text)
        self.sentence.setVisible(bool(text))

    def set_busy(self, busy: bool) -> None:
        """Show that dates are being read."""
        self.progress.setVisible(busy)

    def set_band(self, wanted: bool) -> None:
        """Tick or clear the box without a signal."""
        blocked = QSignalBlocker(self.band)
        self.band.setChecked(wanted)
        blocked.unblock()

    # ---- what the controller reads

    def rows(self) -> List[DatedRow]:
        """Return the rasters as they are listed now."""
        found = []
        for number in range(self.rasters.rowCount()):
            name, date = self.rasters.item(number, _NAME), self.rasters.item(number, _DATE)
            found.append(DatedRow(str(name.data(Qt.ItemDataRole.UserRole)), name.text(), date.text().strip(),
                                  name.checkState() == Qt.CheckState.Checked))
        return found

    def wanted_reference(self) -> str:
        """Return the id of the layer that all others are compared with."""
        return str(self.reference.currentData() or "")

    # ---- making

    def _make_table(self) -> QTableWidget:
        """Make the list of rasters and dates."""
        table = QTableWidget(0, 2, self)
        table.setObjectName("time_rasters")
        table.setAccessibleName(self.tr("Embedding rasters and their dates"))
        table.setHorizontalHeaderLabels([self.tr("Embedding raster"), self.tr("Date")])
        table.horizontalHeader().setSectionResizeMode(_NAME, QHeaderView.ResizeMode.Stretch)
        table.horizontalHeader().setSectionResizeMode(_DATE, QHeaderView.ResizeMode.ResizeToContents)
        table.verticalHeader().setVisible(False)
        table.verticalHeader().setDefaultSectionSize(table.fontMetrics().height() + 8)
        table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        table.setTabKeyNavigation(False)
        table.setMinimumHeight(3 * (table.fontMetrics().height() + 8) + table.horizontalHeader().sizeHint().height())
        table.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        return table

    def _button(self, name: str, text: str, tip: str) -> QPushButton:
        """Make a button that is no default by accident."""
        button = QPushButton(text, self)
        button.setObjectName(name)
        button.setAutoDefault(False)
        button.setToolTip(tip)
        return button

    def _line(self, name: str) -> QLabel:
        """Make a label for a sentence."""
        label = QLabel(self)
        label.setObjectName(name)
        label.setWordWrap(True)
        label.setTextFormat(Qt.TextFormat.PlainText)
        label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse
                                      | Qt.TextInteractionFlag.TextSelectableByKeyboard)
        return label

    def _lay_out(self) -> None:
        """Arrange everything; the order is also the order of the Tab key."""
        label = QLabel(self.tr("Compared &with"), self)
        label.setBuddy(self.reference)
        comparing = QHBoxLayout()
        comparing.addWidget(label)
        comparing.addWidget(self.reference, 1)
        pinning, keeping = QHBoxLayout(), QHBoxLayout()
        for button in (self.pin, self.unpin):
            pinning.addWidget(button)
        pinning.addStretch(1)
        keeping.addWidget(self.keep)
        keeping.addStretch(1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(4, 6, 4, 6)
        layout.addWidget(self.rasters, 1)
        layout.addLayout(comparing)
        layout.addWidget(self.band)
        layout.addWidget(self.progress)
        layout.addWidget(self.plot, 3)
        layout.addWidget(self.here)
        layout.addWidget(self.places)
        layout.addLayout(pinning)
        layout.addLayout(keeping)
        layout.addWidget(self.sentence)
        order = (self.rasters, self.reference, self.band, self.plot, self.pin, self.unpin, self.keep)
        for before, after in zip(order, order[1:]):
            QWidget.setTabOrder(before, after)

    # ---- what the controls do

    def _rasters_edited(self, _item: QTableWidgetItem) -> None:
        """Tell that other rasters take part, or have other dates."""
        self.rasters_changed.emit()

    def _reference_chosen(self, _index: int) -> None:
        """Tell that all are to be compared with another date."""
        self.reference_changed.emit()

    def _pin(self, *_ignored: object) -> None:
        """Ask to keep the place."""
        self.pin_asked.emit()

    def _unpin(self, *_ignored: object) -> None:
        """Ask to give up the kept place."""
        self.unpin_asked.emit()

    def _keep(self, *_ignored: object) -> None:
        """Ask for the table."""
        self.keep_asked.emit()

    def _show_date(self, date: int) -> None:
        """Write the numbers of a date."""
        shown = self.plot.timeline()
        if not 0 <= date < len(shown.dates):
            self.here.setText("")
            return
        parts = ["{} {}".format(curve.name, number_text(curve.distances[date])) for curve in shown.curves]
        if date < len(shown.band):
            low, high = shown.band[date]
            parts.append(self.tr("usual {low} to {high}").format(low=number_text(low), high=number_text(high)))
        self.here.setText("{}: {}".format(shown.dates[date], " · ".join(parts)))


def number_text(number: float) -> str:
    """Return a distance with four digits that count; a dash where there is none."""
    return "{:.4g}".format(number) if number == number else "–"
